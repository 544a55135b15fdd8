/* llmcc/settings_files.py searches by the same rule. */
#include "upwards.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has(const char *folder, const char *name, char *path, size_t size) {
    /* The root ends in a slash already. */
    int length = snprintf(path, size, "%s/%s", folder[1] ? folder : "", name);
    return length < (int)size && access(path, F_OK) == 0;
}

bool find_upwards(const char *name, char *path, size_t size) {
    char folder[PATH_MAX], git[PATH_MAX + 8];
    const char *home = getenv("HOME");
    struct stat status;
    dev_t device = 0;
    if (!getcwd(folder, sizeof folder) || folder[0] != '/')
        return false;
    for (;;) {
        if (stat(folder, &status) != 0 || (device && status.st_dev != device))
            return false;
        device = status.st_dev;
        if (has(folder, name, path, size))
            return true;
        if (!folder[1] || (home && strcmp(folder, home) == 0) ||
            has(folder, ".git", git, sizeof git))
            return false;
        char *slash = strrchr(folder, '/');
        slash[slash == folder] = 0;
    }
}

bool is_trusted(const struct stat *status) {
    return S_ISREG(status->st_mode) && (status->st_uid == 0 || status->st_uid == geteuid()) &&
           !(status->st_mode & (S_IWGRP | S_IWOTH));
}
