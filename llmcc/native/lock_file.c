/* The search ends at the folder with .git, at the home folder, at a file system's border and at /.
   The file must be the user's own or root's and writable by nobody else; else there is none. */
#include "lock_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"
#include "store_lookup.h"

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

static bool is_trusted(const struct stat *status) {
    return S_ISREG(status->st_mode) && (status->st_uid == geteuid() || status->st_uid == 0) &&
           (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool is_same(const struct stat *one, const char *path) {
    struct stat other;
    return path && *path && stat(path, &other) == 0 && one->st_dev == other.st_dev &&
           one->st_ino == other.st_ino;
}

/* Take the last part off a path; false at /. */
static bool go_up(char *folder) {
    char *slash = strrchr(folder, '/');
    if (!slash || !folder[1])
        return false;
    slash[slash == folder] = 0;
    return true;
}

/* Look in one folder: 1 it is here, -1 the search ends here, 0 go on. */
static int look(const char *folder, const struct stat *itself, LockFile *lock) {
    char git[PATH_MAX];
    struct stat status;
    const char *slash = folder[1] ? "/" : "";
    if (snprintf(lock->path, sizeof lock->path, "%s%s%s", folder, slash, NAME) >=
            (int)sizeof lock->path ||
        snprintf(git, sizeof git, "%s%s.git", folder, slash) >= (int)sizeof git)
        return -1;
    if (stat(lock->path, &status) == 0)
        return is_trusted(&status) ? 1 : -1;
    return access(git, F_OK) == 0 || is_same(itself, getenv("HOME")) ? -1 : 0;
}

static bool search(LockFile *lock) {
    char folder[PATH_MAX];
    struct stat first, status;
    if (!getcwd(folder, sizeof folder) || stat(folder, &first) != 0)
        return false;
    status = first;
    do {
        int found = look(folder, &status, lock);
        if (found != 0)
            return found > 0;
    } while (go_up(folder) && stat(folder, &status) == 0 && status.st_dev == first.st_dev);
    return false;
}

bool find_lock(LockFile *lock) {
    const char *named = getenv("LLMCC_LOCK");
    lock->path[0] = lock->digest[0] = 0;
    if (named && *named) {
        if (!is_switched_on("LLMCC_LOCK"))
            return true;
        return realpath(named, lock->path) && read_lock(lock);
    }
    if (search(lock))
        return read_lock(lock);
    lock->path[0] = 0;
    return true;
}
