/* Find programs without finding ourselves: by inode for the binaries, by a mark for the scripts. */
#define _GNU_SOURCE
#include "real_tool.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* llmcc/toolchain.py, ENTRY_MARKER: near the top of the script, at the end of a launcher in its place.
   Split so that this program does not carry the mark itself. */
static const char MARK[] = "llmcc-entry" "-script";

static bool is_own(const char *path, const struct stat *status) {
    struct stat self;
    if (stat("/proc/self/exe", &self) == 0 && self.st_ino == status->st_ino &&
        self.st_dev == status->st_dev)
        return true;
    char head[512];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool is_script = pread(file, head, 1, 0) == 1 && head[0] == '#';
    off_t start = is_script ? 0 : status->st_size - (off_t)sizeof MARK;
    ssize_t size = start >= 0 ? pread(file, head, sizeof head, start) : 0;
    close(file);
    return size > 0 && memmem(head, size, MARK, sizeof MARK - 1) != NULL;
}

bool is_llmcc(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && is_own(path, &status);
}

static bool is_usable(const char *path) {
    struct stat status;
    return access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           !is_own(path, &status);
}

static char *absolute(const char *path) {
    char folder[PATH_MAX], *result;
    if (path[0] == '/')
        return strdup(path);
    if (!getcwd(folder, sizeof folder) || asprintf(&result, "%s/%s", folder, path) < 0)
        return NULL;
    return result;
}

char *find_program(const char *name, const char *search_path) {
    char candidate[PATH_MAX];
    if (strchr(name, '/'))
        return is_usable(name) ? absolute(name) : NULL;
    const char *start = search_path ? search_path : "/usr/local/bin:/usr/bin:/bin";
    for (;;) {
        const char *end = strchrnul(start, ':');
        int length = (int)(end - start);
        /* gcc ends the parts of COMPILER_PATH with a slash. */
        if (length > 1 && start[length - 1] == '/')
            length--;
        /* An empty part of PATH means the current folder. */
        int written = length ? snprintf(candidate, sizeof candidate, "%.*s/%s", length, start, name)
                             : snprintf(candidate, sizeof candidate, "./%s", name);
        if (written < (int)sizeof candidate && is_usable(candidate))
            return absolute(candidate);
        if (!*end)
            return NULL;
        start = end + 1;
    }
}

const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool own_folder(char *folder, int size, int levels) {
    ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    if (length <= 0 || length >= size - 1)
        return false;
    folder[length] = 0;
    for (int i = 0; i <= levels; i++) {
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder)
            return false;
        *slash = 0;
    }
    return true;
}
