/* Find the lock file of the project being compiled; llmcc/store/lock.py reads what is in it. */
#ifndef LLMCC_LOCK_FILE_H
#define LLMCC_LOCK_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "blake2b.h"

typedef struct {
    char path[PATH_MAX]; /* absolute; empty when there is none */
    char digest[DIGEST_HEX + 1]; /* of its bytes; empty when there is none */
} LockFile;

/* Look where LLMCC_LOCK says, or for `llmcc.lock` from the working folder upwards, as far as the
   project or the home folder goes. False when there is one that cannot be read: nobody knows then
   what is wanted. */
bool find_lock(LockFile *lock);

#endif
