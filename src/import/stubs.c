#include "import/import.h"
static int no(const char *t UNUSED, const char *f UNUSED){return 0;}
static int rd(struct import *i UNUSED, const struct source *s UNUSED){return 0;}
const struct import_reader import_apparmor={"apparmor",no,rd};
