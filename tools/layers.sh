#!/bin/sh
# tools/layers.sh - dependencies point downwards only: a directory of src/ includes itself and what
# stands before it in the list.  src/launch/ may include base/ and plan/plan.h and nothing else.
# A command is written on <cuddy.h>; the files in `insiders` need more than a public header should hold.
cd "$(dirname "$0")/.." || exit 1
grep -rnE '^[ 	]*#[ 	]*include[ 	]*"' src --include='*.[ch]' | LC_ALL=C sort | awk '
BEGIN {
	count = split("base diag toml policy profile vpn import host plan backend export launch network bwrap cage lib cli", order, " ")
	for (i = 1; i <= count; i++)
		rank[order[i]] = i
	count = split("bwrap cages difference doctor exec export grant image import import_bwrap install live log overlay permissions profile profile_actions session vpn vpn_ask vpn_describe", names, " ")
	for (i = 1; i <= count; i++)
		insiders["src/cli/" names[i] ".c"] = 1
}
{
	split($0, part, ":")
	split(part[1], from, "/")
	header = $0
	sub(/^[^"]*"/, "", header)
	sub(/".*$/, "", header)
	layer = header
	sub(/\/.*$/, "", layer)
	why = ""
	if (index(header, "/") == 0)
		why = "is not written as \"directory/file\""
	else if (!(from[2] in rank))
		why = "" # programs of their own: relay, gui
	else if (!(layer in rank))
		why = "is in no known layer"
	else if (from[2] == "launch" && layer != "launch" && layer != "base" && header != "plan/plan.h")
		why = "is more than launch/ may know"
	else if (from[2] == "cli" && !(layer ~ /^(base|diag|cli)$/) && !(part[1] in insiders))
		why = "is not for a command that <cuddy.h> suffices for"
	else if (rank[layer] > rank[from[2]])
		why = "is above " from[2] "/"
	if (why != "") {
		printf "%s:%s: \"%s\" %s\n", part[1], part[2], header, why
		bad = 1
	}
}
END { exit bad }'
