/* base/limits.h - a limit on everything that somebody else can make long.
 * Each one is named in the message that it causes, and tested one below and one above. */
#ifndef CUDDY_BASE_LIMITS_H
#define CUDDY_BASE_LIMITS_H

#define LIMIT_FILE_SIZE      (1024 * 1024) /* bytes of one TOML file */
#define LIMIT_TOML_DEPTH     32            /* nested tables and arrays */
#define LIMIT_TOML_ERRORS    50            /* diagnostics of one run, then "too many" */
#define LIMIT_DIAGNOSTICS    100           /* errors, and warnings, of one run that are kept and shown */
#define LIMIT_INCLUDE_DEPTH  16            /* profiles including profiles, flags naming flags */
#define LIMIT_INCLUDES       256           /* profiles and drop-ins that one policy is made of */
#define LIMIT_RULES          20000         /* rules of one policy, after expansion */
#define LIMIT_GLOB_LENGTH    4096          /* bytes of one glob, expanded variables included */
#define LIMIT_GLOB_BRACES    1024          /* alternatives that one glob may stand for */
#define LIMIT_GLOB_NESTING   16            /* braces in braces */
#define LIMIT_GLOB_MATCHES   4096          /* paths that one partial glob may expand to at start */
#define LIMIT_GLOB_VISITS    100000        /* directory entries read for one partial glob */
#define LIMIT_FREEZE_ENTRIES 1024          /* entries of a directory that is frozen for a deny */
#define LIMIT_TREE_ENTRIES   1000000       /* entries of one tree that is measured, listed or committed */
#define LIMIT_PLAN_STEPS     8192
#define LIMIT_PLAN_TEXT      (4 * 1024 * 1024)
#define LIMIT_FILTER         4096          /* instructions of one seccomp program (BPF_MAXINSNS) */
#define LIMIT_NAME_LENGTH    64            /* bytes of a profile, flag or cage name */
#define LIMIT_USER_DIRS      (64 * 1024)   /* bytes of user-dirs.dirs */
#define LIMIT_ELF_SEGMENTS   64            /* program headers of a program that is looked into */
#define LIMIT_ELF_DYNAMIC    4096          /* entries of its dynamic section */
#define LIMIT_ELF_NEEDED     512           /* libraries that it asks for */
#define LIMIT_ELF_NAME       255           /* bytes of a library's name */
#define LIMIT_MENU_FILE      (256 * 1024)  /* bytes of one desktop entry */
#define LIMIT_MENU_ENTRIES   4096          /* desktop entries that are looked at */
#define LIMIT_MENU_DEPTH     4             /* folders in folders of applications/ */
#define LIMIT_SEARCH_PATH    64            /* directories of PATH or XDG_DATA_DIRS */
#define LIMIT_ENVIRONMENT    (1024 * 1024) /* bytes of the environment inside */
#define LIMIT_ICON           (1024 * 1024) /* bytes of an icon that gets a mark */
#define LIMIT_GRANTS         100           /* paths granted to one running cage */

#define LIMIT_IMPORT_SIZE    (4 * 1024 * 1024) /* bytes of one file that is imported or included there */
#define LIMIT_IMPORT_ENTRIES 50000         /* lines of its includes; rights and settings that it comes to */
#define LIMIT_IMPORT_EXCEPTIONS 4096       /* noblacklist and ignore lines, each tried on every other line */

#define LIMIT_JSON_SIZE      (4 * 1024 * 1024) /* bytes of one document; a manifest may have 4 MiB */
#define LIMIT_JSON_DEPTH     32            /* nested arrays and objects */
#define LIMIT_JSON_VALUES    100000        /* all values of one document */
#define LIMIT_JSON_MEMBERS   1024          /* of one object */
#define LIMIT_IMAGE_SIZE     20            /* GiB unpacked, without --max-size */
#define LIMIT_IMAGE_ENTRIES  5000000       /* of all layers */
#define LIMIT_IMAGE_OVERHEAD (4ULL << 30)  /* bytes of a layer that are no file's, unpacked */
#define LIMIT_IMAGE_LAYERS   256
#define LIMIT_IMAGE_INDEXES  8             /* indexes that name indexes */
#define LIMIT_IMAGE_MEMORY   (1ULL << 30)  /* bytes for the reader of archives */

#define LIMIT_VPN_FILE       (256 * 1024)  /* bytes of one VPN configuration, or of a file that it names */
#define LIMIT_VPN_LINE       255           /* bytes of a line for OpenVPN, whose reader takes no more */
#define LIMIT_VPN_ARGUMENTS  15            /* of one directive */
#define LIMIT_VPN_DIRECTIVES 1000          /* lines of an .ovpn outside of blocks */
#define LIMIT_VPN_REMOTES    64            /* servers of one .ovpn (its reader takes 64 too), peers of one .conf */
#define LIMIT_VPN_ADDRESSES  4096          /* routes, name servers and networks of one configuration */
#define LIMIT_VPN_SECRET     127           /* bytes of a user name or password */
#define LIMIT_VPN_STORED     1000          /* configurations in one directory */

#define LIMIT_USER_LIST (256 * 1024) /* bytes of the passwd or group of a root file system */

#endif
