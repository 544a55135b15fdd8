/* Tell by our own path whether we are the launcher in the cache, or its copy where llmcc is installed. */
#define _GNU_SOURCE
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts.h"
#include "real_tool.h"

/* The installed script that became us through the link `<cache>/entry/<path of the script>`. */
static const char *script_of(const char *link) {
    static const char PART[] = "/entry/";
    for (const char *at = strstr(link, PART); at; at = strstr(at + 1, PART))
        if (access(at + sizeof PART - 2, X_OK) == 0)
            return at + sizeof PART - 2;
    return "";
}

/* The cache as the script finds it. */
static bool find_cache(char cache[PATH_MAX]) {
    char folder[PATH_MAX] = "";
    const char *own = getenv("LLMCC_DIR"), *shared = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (own && *own)
        length = snprintf(cache, PATH_MAX, "%s", own);
    else if (shared && *shared)
        length = snprintf(cache, PATH_MAX, "%s/llmcc", shared);
    else
        length = snprintf(cache, PATH_MAX, "%s/.cache/llmcc", home && *home ? home : "/nonexistent");
    if (length >= PATH_MAX)
        return false;
    if (cache[0] == '/')
        return true;
    if (!getcwd(folder, sizeof folder) || strlen(folder) + length + 2 > PATH_MAX)
        return false;
    memmove(cache + strlen(folder) + 1, cache, length + 1);
    memcpy(cache, folder, strlen(folder));
    cache[strlen(folder)] = '/';
    return true;
}

/* Like the script's -O: our `as` looks closer. */
static bool is_own_folder(const char *folder) {
    struct stat status;
    return stat(folder, &status) == 0 && status.st_uid == geteuid();
}

bool find_place(const char *called_as, Place *place) {
    char link[2 * PATH_MAX + 16];
    place->entry[0] = 0;
    if (own_folder(place->home, sizeof place->home, 1) &&
        strcmp(base_name(place->home), "llmcc-native") == 0) {
        snprintf(place->entry, sizeof place->entry, "%s", script_of(called_as));
        return own_folder(place->home, sizeof place->home, 0) &&
               own_folder(place->cache, sizeof place->cache, 2);
    }
    ssize_t length = readlink("/proc/self/exe", place->entry, sizeof place->entry - 1);
    place->entry[length > 0 ? length : 0] = 0;
    if (length <= 0 || !find_cache(place->cache) || !is_own_folder(place->cache))
        return false;
    snprintf(link, sizeof link, "%s/entry%s", place->cache, place->entry);
    length = readlink(link, place->home, sizeof place->home - 1);
    place->home[length > 0 ? length : 0] = 0;
    char *slash = strrchr(place->home, '/');
    if (!slash || access(place->home, X_OK) != 0)
        return false;
    *slash = 0;
    return true;
}

void become_script(const Place *place, char **argv) {
    char entry[2 * PATH_MAX], script[] = LLMCC_SCRIPT, shell[] = "/bin/sh";
    int count = 0;
    while (argv[count])
        count++;
    char **words = calloc(count + 2, sizeof *words);
    /* The name we were called by says which language is meant. */
    snprintf(entry, sizeof entry, "%.*s%s", (int)(base_name(place->entry) - place->entry),
             place->entry, base_name(argv[0]));
    if (!words || access(script, R_OK) != 0 || setenv("LLMCC_ENTRY", entry, 1) != 0)
        return;
    words[0] = shell;
    words[1] = script;
    memcpy(words + 2, argv + 1, count * sizeof *words);
    execv(shell, words);
    unsetenv("LLMCC_ENTRY");
}
