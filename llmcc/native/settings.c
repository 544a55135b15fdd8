/* Environment variables only: the launcher has put in them what files say. */
#define _GNU_SOURCE
#include "settings.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const KEY_SETTINGS[KEY_SETTINGS_COUNT] = {
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",
    "LLMCC_BACKEND", "LLMCC_SAMPLES", "LLMCC_SEED", "LLMCC_REQUIRE", "LLMCC_SKIP",
};

bool is_switched_on(const char *variable) {
    const char *value = getenv(variable);
    return value && *value && strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0 &&
           strcasecmp(value, "no") != 0 && strcasecmp(value, "off") != 0;
}

bool is_off(void) {
    const char *mode = getenv("LLMCC_MODE");
    return is_switched_on("LLMCC_DISABLE") || (mode && strcmp(mode, "off") == 0);
}

bool has_tests(void) {
    const char *tests = getenv("LLMCC_TESTS"), *command = getenv("LLMCC_TEST_CMD");
    return (tests && *tests) || (command && *command);
}

int open_log(const char *cache) {
    char path[PATH_MAX];
    const char *given = getenv("LLMCC_LOG");
    int file = -1;
    if (given && *given)
        file = open(given, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    else if (snprintf(path, sizeof path, "%s/llmcc.log", cache) < (int)sizeof path)
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return file >= 0 ? file : open("/dev/null", O_WRONLY | O_CLOEXEC);
}
