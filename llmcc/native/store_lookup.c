/* The store as the assembler shim sees it: read-only but for the removal of damaged entries
   and the time of last use. */
#define _GNU_SOURCE
#include "store_lookup.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "facts.h"
#include "settings.h"

enum { MOST_BYTES = 64 << 20, USED_WITHIN_S = 3600, MARK_HEX = 16 };

static const char HEAD[] = "llmcc-unit 2 ";

Text read_all(int file) {
    Text text = {NULL, 0};
    struct stat status;
    size_t room = fstat(file, &status) == 0 && status.st_size > 0 ? status.st_size + 1 : 1 << 16;
    char *bytes = NULL;
    for (;;) {
        char *more = room <= MOST_BYTES ? realloc(bytes, room) : NULL;
        if (!more)
            break;
        bytes = more;
        ssize_t part = read(file, bytes + text.size, room - text.size);
        if (part < 0)
            break;
        if (part == 0) {
            text.bytes = bytes;
            return text;
        }
        text.size += part;
        if (text.size == room)
            room *= 2;
    }
    free(bytes);
    text.size = 0;
    return text;
}

static Text read_path(const char *path) {
    Text none = {NULL, 0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return none;
    Text text = read_all(file);
    close(file);
    return text;
}

/* Family, model and stepping: the store's timings hold for one sort of CPU. */
static void add_cpu(Blake2b *hash) {
    unsigned eax = 0, ebx, ecx, edx;
    __get_cpuid(1, &eax, &ebx, &ecx, &edx);
    blake2b_add(hash, &eax, sizeof eax);
}

Text read_command(pid_t process) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)process);
    return read_path(path);
}

/* The driver's arguments without its output: the same compile to another place is the same unit. */
static bool add_command(Blake2b *hash, pid_t driver) {
    Text command = read_command(driver);
    if (!command.bytes)
        return false;
    const char *end = command.bytes + command.size;
    for (const char *word = command.bytes; word < end; word += strlen(word) + 1) {
        if (word + strnlen(word, end - word) == end)
            break;
        if (strcmp(word, "-o") == 0)
            word += 3;
        else if (strncmp(word, "-o", 2) != 0)
            blake2b_add_string(hash, word);
        if (word >= end)
            break;
    }
    free(command.bytes);
    return true;
}

bool unit_key(const Text *unit, pid_t driver, const char *lock, char hex[DIGEST_HEX + 1]) {
    char folder[PATH_MAX];
    Blake2b hash;
    if (!getcwd(folder, sizeof folder))
        return false;
    blake2b_init(&hash);
    blake2b_add_string(&hash, LLMCC_GENERATION);
    add_cpu(&hash);
    blake2b_add_string(&hash, folder);
    blake2b_add_string(&hash, lock);
    for (size_t i = 0; i < KEY_SETTINGS_COUNT; i++) {
        const char *value = getenv(KEY_SETTINGS[i]);
        blake2b_add_string(&hash, value ? value : "");
    }
    if (!add_command(&hash, driver))
        return false;
    blake2b_add(&hash, "", 1);
    blake2b_add(&hash, unit->bytes, unit->size);
    blake2b_hex(&hash, hex);
    return true;
}

bool is_safe_cache(const char *cache) {
    struct stat status;
    return stat(cache, &status) == 0 && status.st_uid == geteuid() &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

void digest_of(const char *bytes, size_t size, char hex[DIGEST_HEX + 1]) {
    Blake2b hash;
    blake2b_init(&hash);
    blake2b_add(&hash, bytes, size);
    blake2b_hex(&hash, hex);
}

/* One line of the manifest: is this source file still what gcc read? */
static bool is_unchanged(const char *line) {
    char expected[DIGEST_HEX + 1], digest[DIGEST_HEX + 1];
    long long size, ctime_ns;
    int path_at = 0;
    struct stat status;
    if (sscanf(line, "%lld %lld %64s %n", &size, &ctime_ns, expected, &path_at) != 3 || !path_at)
        return false;
    const char *path = line + path_at;
    if (stat(path, &status) != 0 || status.st_size != size)
        return false;
    /* ctime, unlike mtime, cannot be set back. */
    if (status.st_ctim.tv_sec * 1000000000ll + status.st_ctim.tv_nsec == ctime_ns)
        return true;
    Text content = read_path(path);
    if (!content.bytes)
        return false;
    digest_of(content.bytes, content.size, digest);
    free(content.bytes);
    return strcmp(digest, expected) == 0;
}

static bool are_sources_unchanged(char *manifest, size_t size) {
    char *end = manifest + size;
    for (char *line = manifest; line < end;) {
        char *newline = memchr(line, '\n', end - line);
        if (!newline)
            return false;
        *newline = 0;
        if (!is_unchanged(line))
            return false;
        line = newline + 1;
    }
    return true;
}

/* What tells one assembler from another, or from itself before an upgrade; false when it is not there. */
static bool mark_of(const char *assembler, char mark[MARK_HEX + 1]) {
    struct stat status;
    char hex[DIGEST_HEX + 1];
    if (stat(assembler, &status) != 0)
        return false;
    const long long facts[] = {status.st_dev, status.st_ino, status.st_size, status.st_ctim.tv_sec,
                               status.st_ctim.tv_nsec};
    digest_of((const char *)facts, sizeof facts, hex);
    memcpy(mark, hex, MARK_HEX);
    mark[MARK_HEX] = 0;
    return true;
}

/* Fill `entry` from a file's bytes; false when they are damaged. */
static bool parse_entry(Text file, Entry *entry, const char *assembler) {
    char kind, expected[DIGEST_HEX + 1], digest[DIGEST_HEX + 1], known[MARK_HEX + 1];
    char mark[MARK_HEX + 1];
    size_t manifest_size, text_size;
    int header_size = 0;
    char *newline = memchr(file.bytes, '\n', file.size);
    if (!newline)
        return false;
    *newline = 0;
    if (sscanf(file.bytes, "llmcc-unit 2 %16s %c %64s %zu %zu%n", known, &kind, expected,
               &manifest_size, &text_size, &header_size) != 5 ||
        file.bytes + header_size != newline || !strchr("nrp", kind))
        return false;
    char *body = newline + 1;
    size_t body_size = file.bytes + file.size - body;
    if (manifest_size > body_size || text_size != body_size - manifest_size)
        return false;
    digest_of(body, body_size, digest);
    if (strcmp(digest, expected) != 0)
        return false;
    if (are_sources_unchanged(body, manifest_size)) {
        entry->kind = kind == 'n'   ? ENTRY_NEGATIVE
                      : kind == 'r' ? ENTRY_REWRITTEN
                                    : ENTRY_UNFINISHED;
        entry->text = body + manifest_size;
        entry->size = text_size;
        entry->is_silent = text_size > 0 && mark_of(assembler, mark) && strcmp(mark, known) == 0;
    }
    return true;
}

void note_silence(const Entry *entry, const char *assembler) {
    char mark[MARK_HEX + 1];
    /* In place: the file may meanwhile have been replaced, then nobody reads this one any more. A
       reader that sees half of the mark knows less, nothing wrong. */
    if (entry->file >= 0 && mark_of(assembler, mark) &&
        pwrite(entry->file, mark, MARK_HEX, sizeof HEAD - 1) != MARK_HEX)
        return;
}

/* What was used longest ago is evicted first (llmcc/store/evict.py). atime is not to be trusted, and
   a write at every hit would cost too much: within USED_WITHIN_S the mtime is good enough. */
static void mark_used(int file) {
    struct stat status;
    if (fstat(file, &status) == 0 && time(NULL) - status.st_mtime > USED_WITHIN_S)
        futimens(file, NULL);
}

Entry store_lookup(const char *cache, const char hex[DIGEST_HEX + 1], const char *assembler) {
    Entry entry = {.kind = ENTRY_MISSING, .file = -1};
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/units/%.2s/%s", cache, hex, hex + 2) >= (int)sizeof path)
        return entry;
    int writable = open(path, O_RDWR | O_CLOEXEC);
    int file = writable >= 0 || errno == ENOENT ? writable : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == EACCES || errno == ELOOP))
        remove(path);
    if (file < 0)
        return entry;
    Text bytes = read_all(file);
    mark_used(file);
    if (writable < 0)
        close(file);
    /* The bytes live as long as this process: the text points into them. */
    if (!bytes.bytes || !parse_entry(bytes, &entry, assembler))
        remove(path); /* an empty folder too */
    entry.file = writable;
    return entry;
}
