/* Only what /proc and the environment say is written: nothing is started, nothing waits. */
#define _GNU_SOURCE
#include "spool.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "facts.h"
#include "settings.h"
#include "settings.h"

/* What gcc's text may depend on beside its arguments; PWD is in its debug information. The settings
   that the key of a unit covers are written as well. */
static const char *const VARIABLES[] = {
    "PWD", "GCC_EXEC_PREFIX", "COMPILER_PATH", "LD_LIBRARY_PATH", "SOURCE_DATE_EPOCH",
};

/* A field ends with a zero: `<name>=<value>`. */
static void add_field(FILE *fields, const char *name, const char *value) {
    fprintf(fields, "%s=%s", name, value);
    fputc(0, fields);
}

static void add_variable(FILE *fields, const char *name) {
    const char *value = getenv(name);
    if (!value)
        return;
    fprintf(fields, "env=%s=%s", name, value);
    fputc(0, fields);
}

static bool add_link(FILE *fields, const char *name, pid_t driver, const char *which) {
    char path[64], target[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)driver, which);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0 || length == sizeof target - 1)
        return false;
    target[length] = 0;
    add_field(fields, name, target);
    return true;
}

static bool add_command(FILE *fields, pid_t driver) {
    Text command = read_command(driver);
    if (!command.bytes || command.size == 0 || command.bytes[command.size - 1] != 0) {
        free(command.bytes);
        return false;
    }
    const char *end = command.bytes + command.size;
    for (const char *word = command.bytes; word < end; word += strlen(word) + 1)
        add_field(fields, "arg", word);
    free(command.bytes);
    return true;
}

/* Describe the driver; NULL bytes when /proc does not tell. */
static Text describe(pid_t driver, const char *assembler) {
    Text text = {NULL, 0};
    FILE *fields = open_memstream(&text.bytes, &text.size);
    if (!fields)
        return text;
    add_field(fields, "generation", LLMCC_GENERATION);
    add_field(fields, "as", assembler);
    bool is_known = add_link(fields, "exe", driver, "exe") &&
                    add_link(fields, "folder", driver, "cwd") && add_command(fields, driver);
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++)
        add_variable(fields, VARIABLES[i]);
    for (size_t i = 0; i < KEY_SETTINGS_COUNT; i++)
        add_variable(fields, KEY_SETTINGS[i]);
    if (fclose(fields) != 0 || !is_known) {
        free(text.bytes);
        text.bytes = NULL;
    }
    return text;
}

static bool write_whole(int file, const Text *fields, const Text *unit) {
    char header[160], digest[DIGEST_HEX + 1];
    Blake2b hash;
    blake2b_init(&hash);
    blake2b_add(&hash, fields->bytes, fields->size);
    blake2b_add(&hash, unit->bytes, unit->size);
    blake2b_hex(&hash, digest);
    int length = snprintf(header, sizeof header, "llmcc-spool 1 %s %zu %zu\n", digest, fields->size,
                          unit->size);
    struct iovec parts[] = {
        {header, length}, {fields->bytes, fields->size}, {unit->bytes, unit->size},
    };
    /* A file system takes it at once, or it is full. */
    return writev(file, parts, 3) == (ssize_t)(length + fields->size + unit->size);
}

void spool_unit(const char *cache, const char key[DIGEST_HEX + 1], const Text *unit, pid_t driver,
                const char *assembler) {
    char folder[PATH_MAX], shard[PATH_MAX], path[PATH_MAX], temporary[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/spool", cache) >= (int)sizeof folder ||
        snprintf(shard, sizeof shard, "%s/%.2s", folder, key) >= (int)sizeof shard ||
        snprintf(path, sizeof path, "%s/%s", shard, key + 2) >= (int)sizeof path ||
        snprintf(temporary, sizeof temporary, "%s/.new-XXXXXX", shard) >= (int)sizeof temporary ||
        access(path, F_OK) == 0)
        return;
    Text fields = describe(driver, assembler);
    if (!fields.bytes)
        return;
    mkdir(folder, 0700);
    mkdir(shard, 0700);
    int file = mkostemp(temporary, O_CLOEXEC);
    if (file >= 0) {
        bool is_whole = write_whole(file, &fields, unit);
        if (close(file) != 0 || !is_whole || rename(temporary, path) != 0)
            unlink(temporary);
    }
    free(fields.bytes);
}
