/* Files of the project being compiled, and whether they can be believed. */
#ifndef LLMCC_UPWARDS_H
#define LLMCC_UPWARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Search the working folder and those above it for a file; the last folder looked at is the one with
   .git, the home folder, the root or the last one of the file system. False when there is none. */
bool find_upwards(const char *name, char *path, size_t size);
/* Is a file the user's own or root's, and nobody else's to write? */
bool is_trusted(const struct stat *status);

#endif
