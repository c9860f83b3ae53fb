/* cage/tree_remove.h - removes a tree that somebody else has filled. */
#ifndef CUDDY_CAGE_TREE_REMOVE_H
#define CUDDY_CAGE_TREE_REMOVE_H

/* Removes `name` (one component) below `directory`, whatever it is, and all in it.  Follows no
 * link, enters no other file system, needs three descriptors at any depth.  0, also when there
 * is nothing; or -errno, with a part of the tree still there. */
int tree_remove(int directory, const char *name);

/* The same for what is in the open directory `top`; `top` stays. */
int tree_empty(int top);

#endif
