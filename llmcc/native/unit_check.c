/* The conditions for touching a unit. Default deny: a reason to pass costs a rewrite, never a bug. */
#define _GNU_SOURCE
#include "unit_check.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_known_as_option(const char *option) {
    /* gcc turns its own -w into -W. */
    return strcmp(option, "--64") == 0 || strcmp(option, "-W") == 0 ||
           strcmp(option, "--noexecstack") == 0 ||
           starts_with(option, "--gdwarf") || starts_with(option, "-mrelax-relocations=") ||
           starts_with(option, "--compress-debug-sections") ||
           strcmp(option, "--nocompress-debug-sections") == 0;
}

bool read_as_command(int argc, char **argv, AsCommand *command) {
    bool is_64 = false;
    command->input = 0;
    command->output = "a.out";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "-I") == 0) {
            if (i + 1 == argc)
                return false;
            if (argv[i][1] == 'o')
                command->output = argv[i + 1];
            i++;
        } else if (argv[i][0] != '-') {
            if (command->input)
                return false;
            command->input = i;
        } else if (!starts_with(argv[i], "-I") && !is_known_as_option(argv[i])) {
            return false;
        }
        is_64 |= strcmp(argv[i], "--64") == 0;
    }
    return is_64;
}

static bool is_excluded(const char *option) {
    static const char *const WHOLE[] = {
        "-ffreestanding", "-mcmodel=kernel", "-mno-sse", "-mno-sse2", "-mno-red-zone",
        "-mgeneral-regs-only", "-pg", "-p", "-mfentry", "--coverage", "-coverage",
        "-ftest-coverage", "-masm=intel", "-m32", "-mx32", "-m16", "-fltrans", "-fsplit-stack",
        "-fnon-call-exceptions", "-mharden-sls=all",
    };
    static const char *const PREFIXES[] = {
        "-finstrument-functions", "-fsanitize=", "-fprofile-", "-fbranch-probabilities",
        "-fpatchable-function-entry", "-mindirect-branch", "-mfunction-return", "-fplugin",
    };
    for (size_t i = 0; i < sizeof WHOLE / sizeof *WHOLE; i++)
        if (strcmp(option, WHOLE[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++)
        if (starts_with(option, PREFIXES[i]))
            return true;
    return false;
}

/* Take the next option out of gcc's list of quoted words; false at its end. */
static bool next_option(const char **cursor, char *option, size_t size) {
    const char *at = *cursor;
    size_t length = 0;
    while (*at == ' ')
        at++;
    if (!*at)
        return false;
    for (bool is_quoted = false; *at && (is_quoted || *at != ' '); at++) {
        if (*at == '\'') {
            is_quoted = !is_quoted;
            continue;
        }
        /* gcc writes a quote inside a word as '\'' */
        if (!is_quoted && *at == '\\' && at[1])
            at++;
        if (length + 1 < size)
            option[length++] = *at;
    }
    option[length] = 0;
    *cursor = at;
    return true;
}

bool linked_output(const char *options, char *output, size_t size) {
    static const char UNLESS_TOLD[] = "a.out";
    char option[PATH_MAX];
    if (!options || size < sizeof UNLESS_TOLD)
        return false;
    memcpy(output, UNLESS_TOLD, sizeof UNLESS_TOLD);
    while (next_option(&options, option, sizeof option)) {
        /* gcc writes -oNAME as two words too. */
        if (strcmp(option, "-o") == 0 && !next_option(&options, output, size))
            return false;
    }
    return true;
}

bool options_allow(const char *options) {
    char option[256];
    bool is_fast = false;
    if (!options)
        return false;
    while (next_option(&options, option, sizeof option)) {
        if (is_excluded(option))
            return false;
        /* The last -O wins, as in gcc. */
        if (starts_with(option, "-O"))
            is_fast = strcmp(option, "-O2") == 0 || strcmp(option, "-O3") == 0 ||
                      strcmp(option, "-Ofast") == 0;
    }
    return is_fast;
}

bool is_probe(const AsCommand *command) {
    static const char *const SIGNS[] = {
        "conftest", "CMakeTmp", "CMakeScratch", "CompilerIdC", "meson-private", "/dev/null",
    };
    char folder[PATH_MAX];
    const char *options = getenv("COLLECT_GCC_OPTIONS");
    if (!getcwd(folder, sizeof folder))
        return true;
    for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++)
        if (strstr(command->output, SIGNS[i]) || strstr(folder, SIGNS[i]) ||
            (options && strstr(options, SIGNS[i])))
            return true;
    return false;
}

static bool is_c_source(const char *name, size_t length) {
    static const char *const SUFFIXES[] = {".c", ".cc", ".cpp", ".cxx", ".C", ".c++", ".cp"};
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++) {
        size_t size = strlen(SUFFIXES[i]);
        if (length > size && memcmp(name + length - size, SUFFIXES[i], size) == 0)
            return true;
    }
    return false;
}

bool is_gcc_output(const char *text, size_t size) {
    static const char FIRST[] = "\t.file\t\"", LAST[] = "\n\t.section\t.note.GNU-stack,";
    enum { TAIL_BYTES = 1024 };
    if (size < sizeof FIRST || memcmp(text, FIRST, sizeof FIRST - 1) != 0)
        return false;
    const char *name = text + sizeof FIRST - 1;
    const char *end = memchr(name, '\n', size - (sizeof FIRST - 1));
    if (!end || end == name || end[-1] != '"' || !is_c_source(name, end - 1 - name))
        return false;
    if (memmem(name, end - name, "conftest", 8))
        return false;
    /* cc1 ends with this: without it the text was cut short by a failure. */
    const char *tail = size > TAIL_BYTES ? text + size - TAIL_BYTES : text;
    if (!memmem(tail, text + size - tail, LAST, sizeof LAST - 1) || text[size - 1] != '\n')
        return false;
    return !memmem(text, size, ".gnu.lto_", 9) && !memchr(text, 0, size);
}
