/* Read unit entries of the store; llmcc/store/units.py writes them and documents the format. */
#ifndef LLMCC_STORE_LOOKUP_H
#define LLMCC_STORE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "blake2b.h"

typedef enum { ENTRY_MISSING, ENTRY_NEGATIVE, ENTRY_REWRITTEN, ENTRY_UNFINISHED } EntryKind;

typedef struct {
    EntryKind kind;
    const char *text; /* the rewritten unit, not zero-ended; empty when there is none */
    size_t size;
    bool is_silent; /* this assembler has had nothing to say about the text */
    int file; /* the entry's own file, where that can be noted; -1 when it cannot be written */
} Entry;

typedef struct {
    char *bytes; /* malloc'ed; NULL when it could not be read */
    size_t size;
} Text;

/* Read an open file to its end; NULL bytes on failure or beyond 64 MB. */
Text read_all(int file);
/* The command line of a process as /proc gives it; NULL bytes when it is gone. */
Text read_command(pid_t process);
/* The key of a unit: its text, the command and folder of the gcc that made it, the CPU, and the
   digest of the lock file, "" without one. */
bool unit_key(const Text *unit, pid_t driver, const char *lock, char hex[DIGEST_HEX + 1]);
void digest_of(const char *bytes, size_t size, char hex[DIGEST_HEX + 1]);
/* Is the cache folder ours alone? Its entries are code. */
bool is_safe_cache(const char *cache);
/* Find a unit. A damaged entry is removed and counts as missing; so does, unremoved, one whose
   sources have changed: the same text may come from a source that is now volatile. */
Entry store_lookup(const char *cache, const char hex[DIGEST_HEX + 1], const char *assembler);
/* Note that an assembler has nothing to say about the text of an entry. */
void note_silence(const Entry *entry, const char *assembler);

#endif
