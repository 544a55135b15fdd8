/* The program gcc starts as its assembler: puts a known rewrite in, or runs the real `as` as asked.
   Whatever goes wrong, the real assembler gets gcc's own text with gcc's own arguments. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "facts.h"
#include "lock_file.h"
#include "real_tool.h"
#include "settings.h"
#include "spool.h"
#include "store_lookup.h"
#include "unit_check.h"

enum { GRACE_S = 15, LOCKED_S = 3600 };

typedef struct {
    char **argv;
    int argc;
    AsCommand command;
    char real[PATH_MAX]; /* the assembler to run */
    char cache[PATH_MAX];
    pid_t driver;
} Shim;

static bool find_real(Shim *shim) {
    const char *given = getenv("LLMCC_AS");
    char *found = given && given[0] == '/' ? find_program(given, NULL) : NULL;
    if (!found)
        found = find_program("as", getenv("PATH"));
    if (!found)
        found = find_program("as", "/usr/bin:/usr/local/bin:/bin");
    return found && snprintf(shim->real, sizeof shim->real, "%s", found) < (int)sizeof shim->real;
}

/* Does not return. */
static void run_original(Shim *shim) {
    const char *name = getenv("LLMCC_AS_NAME");
    if (name)
        shim->argv[0] = (char *)name; /* as's messages begin with it */
    unfollow_parent();
    execv(shim->real, shim->argv);
    perror(shim->real);
    _exit(127);
}

/* An anonymous file at its beginning, so that no temporary file can be left behind. */
static int file_of(const char *bytes, size_t size) {
    int file = memfd_create("llmcc", MFD_CLOEXEC);
    while (file >= 0 && size > 0) {
        ssize_t part = write(file, bytes, size);
        if (part <= 0) {
            close(file);
            return -1;
        }
        bytes += part;
        size -= part;
    }
    if (file >= 0)
        lseek(file, 0, SEEK_SET);
    return file;
}

/* Read the unit; what came through a pipe is put back as standard input. */
static Text read_unit(Shim *shim) {
    Text none = {NULL, 0};
    if (shim->command.input) {
        int file = open(shim->argv[shim->command.input], O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return none;
        Text text = read_all(file);
        close(file);
        return text;
    }
    Text text = read_all(0);
    int again = text.bytes ? file_of(text.bytes, text.size) : -1;
    if (again < 0 || dup2(again, 0) < 0) {
        /* The input is lost; gcc reports a failing assembler. Only no memory leads here. */
        _exit(1);
    }
    close(again);
    return text;
}

/* The assembler's arguments without its input: it reads standard input. */
static char **without_input(const Shim *shim) {
    char **argv = calloc(shim->argc + 1, sizeof *argv);
    int count = 0;
    for (int i = 0; argv && i < shim->argc; i++)
        if (!shim->command.input || i != shim->command.input)
            argv[count++] = shim->argv[i];
    return argv;
}

/* Become the assembler of a rewritten text that it is known to have nothing to say about. Returns
   when that cannot be begun. */
static void become_assembler(const Shim *shim, const Entry *entry) {
    char **argv = without_input(shim);
    int text = file_of(entry->text, entry->size);
    if (!argv || text < 0 || dup2(text, 0) < 0)
        return;
    unfollow_parent();
    execv(shim->real, argv);
    perror(shim->real);
    _exit(127);
}

/* Assemble the rewritten text from standard input; true only if as had nothing at all to say. */
static bool assemble_rewritten(const Shim *shim, const Entry *entry) {
    char **argv = without_input(shim);
    int text = file_of(entry->text, entry->size), messages = memfd_create("llmcc", MFD_CLOEXEC);
    if (!argv || text < 0 || messages < 0)
        return false;
    Child child = {
        .argv = argv,
        .program = shim->real,
        .stdin_fd = text,
        .stdout_fd = messages,
        .stderr_fd = messages,
    };
    int status = run_child(&child);
    struct stat written;
    return status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
           fstat(messages, &written) == 0 && written.st_size == 0;
}

/* How long python may take; 0 when it may not be started. */
static long patience_ms(const LockFile *lock) {
    const char *budget = getenv("LLMCC_BUDGET");
    double budget_s = budget && *budget ? atof(budget) : 30;
    /* With a lock file nothing is tried, and nothing may depend on how fast the machine is. */
    if (lock->path[0])
        return LOCKED_S * 1000;
    return budget_s > 0 && budget_s <= 24 * 3600 ? (long)((budget_s + GRACE_S) * 1000) : 0;
}

/* Have the unit optimised now; whatever comes of it is in the store afterwards. */
static void optimise(const Shim *shim, const Text *unit, const LockFile *lock, const char *key) {
    char driver[16], program[] = LLMCC_PYTHON;
    long timeout_ms = patience_ms(lock);
    if (timeout_ms == 0 || access(shim->cache, W_OK) != 0)
        return;
    int text = file_of(unit->bytes, unit->size), log = open_log(shim->cache);
    if (text < 0 || log < 0)
        return;
    snprintf(driver, sizeof driver, "%d", (int)shim->driver);
    char *argv[] = {program, "-I", "-c", LLMCC_START_PIPELINE, (char *)shim->cache, (char *)key,
                    driver, (char *)shim->real, (char *)lock->path, (char *)lock->digest, NULL};
    Child child = {
        .argv = argv,
        .stdin_fd = text,
        .stdout_fd = log,
        .stderr_fd = log,
        .timeout_ms = timeout_ms,
        .closes_others = true,
    };
    run_child(&child);
    close(text);
    close(log);
}

typedef enum { MODE_SYNC, MODE_RECORD, MODE_APPLY } Mode;

static Mode mode(void) {
    const char *name = getenv("LLMCC_MODE");
    if (!name || !*name || strcmp(name, "sync") == 0)
        return MODE_SYNC;
    return strcmp(name, "record") == 0 ? MODE_RECORD : MODE_APPLY;
}

static bool is_decided(const Entry *entry) {
    return entry->kind == ENTRY_NEGATIVE || entry->kind == ENTRY_REWRITTEN;
}

/* With a lock file only that decides, in every mode. */
static Entry find_locked(const Shim *shim, const Text *unit, const LockFile *lock, const char *key) {
    Entry entry = store_lookup(shim->cache, key, shim->real);
    if (!is_decided(&entry)) {
        optimise(shim, unit, lock, key);
        entry = store_lookup(shim->cache, key, shim->real);
    }
    return entry;
}

static Entry find_entry(const Shim *shim, const Text *unit, const LockFile *none, const char *key) {
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    bool is_reproducible = epoch && *epoch;
    Entry entry = store_lookup(shim->cache, key, shim->real);
    if (!is_decided(&entry) && mode() == MODE_RECORD)
        spool_unit(shim->cache, key, unit, shim->driver, shim->real);
    if (!is_decided(&entry) && mode() == MODE_SYNC && !is_reproducible) {
        optimise(shim, unit, none, key);
        entry = store_lookup(shim->cache, key, shim->real);
    }
    /* What a store holds depends on the machine and on the day. */
    return is_reproducible ? (Entry){.kind = ENTRY_MISSING, .file = -1} : entry;
}

/* The launcher's question whether gcc starts us at all: answered by a file. */
static bool answers_proof(void) {
    const char *proof = getenv("LLMCC_PROOF");
    int file = proof ? open(proof, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    return file >= 0;
}

int main(int argc, char **argv) {
    Shim shim = {.argv = argv, .argc = argc, .driver = getppid()};
    char key[DIGEST_HEX + 1];
    LockFile lock;
    if (answers_proof())
        return 0;
    if (!find_real(&shim))
        return 127;
    if (is_off() || !options_allow(getenv("COLLECT_GCC_OPTIONS")) ||
        !read_as_command(argc, argv, &shim.command) || is_probe(&shim.command) ||
        !own_folder(shim.cache, sizeof shim.cache, 3) || !is_safe_cache(shim.cache))
        run_original(&shim);
    follow_parent();
    Text unit = read_unit(&shim);
    if (!unit.bytes || !is_gcc_output(unit.bytes, unit.size) || !find_lock(&lock) ||
        !unit_key(&unit, shim.driver, lock.digest, key))
        run_original(&shim);
    Entry entry = lock.path[0] ? find_locked(&shim, &unit, &lock, key)
                               : find_entry(&shim, &unit, &lock, key);
    if (entry.size > 0 && entry.is_silent)
        become_assembler(&shim, &entry);
    if (entry.size > 0 && assemble_rewritten(&shim, &entry)) {
        note_silence(&entry, shim.real);
        return 0;
    }
    run_original(&shim);
}
