/* test_props.c - the laws of the algebra, run with the unit tests. */
#include "../props/props_policy.c"
