/* A file that others may write counts as none. */
#include "lock_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "settings.h"
#include "store_lookup.h"
#include "upwards.h"

static const char NAME[] = "llmcc.lock";

static bool read_lock(LockFile *lock) {
    int file = open(lock->path, O_RDONLY | O_CLOEXEC);
    Text text = file >= 0 ? read_all(file) : (Text){NULL, 0};
    if (file >= 0)
        close(file);
    if (!text.bytes)
        return false;
    digest_of(text.bytes, text.size, lock->digest);
    free(text.bytes);
    return true;
}

bool find_lock(LockFile *lock) {
    const char *named = getenv("LLMCC_LOCK");
    struct stat status;
    lock->path[0] = lock->digest[0] = 0;
    if (named && *named) {
        if (!is_switched_on("LLMCC_LOCK"))
            return true;
        return realpath(named, lock->path) && read_lock(lock);
    }
    if (find_upwards(NAME, lock->path, sizeof lock->path) && stat(lock->path, &status) == 0 &&
        is_trusted(&status))
        return read_lock(lock);
    lock->path[0] = 0;
    return true;
}
