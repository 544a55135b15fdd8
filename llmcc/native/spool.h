/* Write units down for `llmcc-ctl optimize`; llmcc/store/spool.py reads them and documents the format. */
#ifndef LLMCC_SPOOL_H
#define LLMCC_SPOOL_H

#include <sys/types.h>

#include "store_lookup.h"

/* Write a unit and the command of the gcc that made it into the cache, unless it is there. Whatever
   goes wrong, nothing is left but at most a temporary file. */
void spool_unit(const char *cache, const char key[DIGEST_HEX + 1], const Text *unit, pid_t driver,
                const char *assembler);

#endif
