/* Where llmcc's own things are. */
#ifndef LLMCC_PLACE_H
#define LLMCC_PLACE_H

#include <limits.h>
#include <stdbool.h>

typedef struct {
    char home[PATH_MAX]; /* the folder of our built programs */
    char cache[PATH_MAX];
    char entry[PATH_MAX]; /* what is installed and was called: the script, or the launcher put in its
                             place; empty when that is not known */
} Place;

/* False when nothing is built, or what is built is not the user's; `entry` may be known even so. */
bool find_place(const char *called_as, Place *place);
/* Become the script that builds what is missing, as if it stood at `entry`; returns on failure. */
void become_script(const Place *place, char **argv);

#endif
