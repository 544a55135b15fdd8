/* What llmcc knows about a gcc, asked once and kept: its machine, its assembler, and how ours gets in
   (docs/adr/0013). */
#ifndef LLMCC_GCC_FACTS_H
#define LLMCC_GCC_FACTS_H

#include <limits.h>
#include <stdbool.h>

typedef enum {
    WAY_NONE = 'D', /* plain gcc */
    WAY_COMPILER_PATH = 'A',
    WAY_SPECS = 'B',
} Way;

enum { GCC_WORDS_MOST = 16, GCC_KEY = 17 };

/* The command that gcc's arguments are put behind: "/usr/bin/gcc", or "/usr/bin/ccache" "gcc". */
typedef struct {
    char *words[GCC_WORDS_MOST + 1]; /* the first is an absolute path; NULL behind the last */
    int count;
} Gcc;

typedef struct {
    Way way;
    char machine[128]; /* "x86_64-linux-gnu" */
    char as_name[PATH_MAX]; /* what gcc would call its assembler: "as" or a path */
} GccFacts;

/* Digits that change when a program among the words, or what it searches, changes. */
void gcc_key(const Gcc *gcc, char key[GCC_KEY]);
/* `home` is the folder of our programs. False when gcc does not answer. */
bool gcc_facts(const Gcc *gcc, const char *home, GccFacts *facts);
/* The file to give to -specs= for WAY_SPECS; false when it is too long. */
bool specs_path(const Gcc *gcc, const char *home, char path[PATH_MAX]);

#endif
