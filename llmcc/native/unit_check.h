/* Which assembler runs llmcc may touch at all; everything not recognised is left alone. */
#ifndef LLMCC_UNIT_CHECK_H
#define LLMCC_UNIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int input; /* index in argv; 0 when as reads stdin */
    const char *output; /* "a.out" when not given */
} AsCommand;

/* Understand as's arguments; false when one is unknown. */
bool read_as_command(int argc, char **argv, AsCommand *command);
/* May code compiled with these options be rewritten? `options` is COLLECT_GCC_OPTIONS or NULL. */
bool options_allow(const char *options);
/* What a gcc with these options links to, "a.out" unless told; false when that is not known. */
bool linked_output(const char *options, char *output, size_t size);
/* Is it a configure test's object, which nobody will run for its speed? */
bool is_probe(const AsCommand *command);
/* Is the text a whole unit as cc1 writes it for C or C++, without LTO code? */
bool is_gcc_output(const char *text, size_t size);

#endif
