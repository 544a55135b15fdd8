/* Find programs in a search path without ever finding llmcc itself. */
#ifndef LLMCC_REAL_TOOL_H
#define LLMCC_REAL_TOOL_H

#include <stdbool.h>

/* The absolute path of `name` in `search_path` (names with a slash are only checked); NULL when
   there is none but llmcc's own scripts and programs. The result is malloc'ed. */
char *find_program(const char *name, const char *search_path);

/* Is a file this program, or an installed script that becomes it? */
bool is_llmcc(const char *path);

/* The part of a path after its last slash. */
const char *base_name(const char *path);

/* Folder of this very program, links resolved, `levels` folders further up; false on failure. */
bool own_folder(char *folder, int size, int levels);

#endif
