/* The program gcc starts as its linker when the user has named tests: links as asked, then has the
   tests run on what was linked. Whatever goes wrong after the link leaves it as it is. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "facts.h"
#include "real_tool.h"
#include "settings.h"
#include "store_lookup.h"
#include "unit_check.h"

/* llmcc/switches/table.py, SECTION */
static const char SECTION[] = ".debug.llmcc_paths";

typedef struct {
    char **argv;
    int argc;
    const char *real; /* the linker to run */
    char cache[PATH_MAX];
} Shim;

/* Where collect2 looks: folders of gcc's, then PATH. The same path makes the same messages. */
static const char *find_real(const char *name) {
    const char *searched = getenv("COMPILER_PATH");
    char *found = searched ? find_program(name, searched) : NULL;
    return found ? found : find_program(name, getenv("PATH"));
}

/* Does an ELF file have our section? Reads its header and the names of its sections only. */
static bool has_fast_paths(const char *path) {
    enum { NAMES_MOST = 16 << 20 };
    Elf64_Ehdr header;
    Elf64_Shdr names;
    struct stat status;
    bool is_found = false;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
        pread(file, &header, sizeof header, 0) == sizeof header &&
        memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
        header.e_ident[EI_CLASS] == ELFCLASS64 &&
        pread(file, &names, sizeof names, header.e_shoff + header.e_shstrndx * sizeof names) ==
            sizeof names &&
        names.sh_size < NAMES_MOST) {
        char *bytes = malloc(names.sh_size + 1);
        if (bytes && pread(file, bytes, names.sh_size, names.sh_offset) == (ssize_t)names.sh_size)
            is_found = memmem(bytes, names.sh_size, SECTION, sizeof SECTION) != NULL;
        free(bytes);
    }
    close(file);
    return is_found;
}

static void try_linked(const Shim *shim, char *output) {
    char parent[16], program[] = LLMCC_PYTHON;
    char *head[] = {program, "-I", "-c", LLMCC_START_TESTS, (char *)shim->cache, output, parent};
    enum { HEAD = sizeof head / sizeof *head };
    char **argv = calloc(HEAD + shim->argc, sizeof *argv);
    int log = open_log(shim->cache), nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (!argv || log < 0 || nothing < 0)
        return;
    snprintf(parent, sizeof parent, "%d", (int)getppid());
    memcpy(argv, head, sizeof head);
    memcpy(argv + HEAD, shim->argv + 1, (shim->argc - 1) * sizeof *argv);
    Child child = {
        .argv = argv,
        .stdin_fd = nothing,
        .stdout_fd = log,
        .stderr_fd = log,
        .closes_others = true,
    };
    run_child(&child);
}

static int link_as_asked(const Shim *shim) {
    Child child = {
        .argv = shim->argv,
        .program = shim->real,
        .stdin_fd = 0,
        .stdout_fd = 1,
        .stderr_fd = 2,
    };
    int status = run_child(&child);
    if (status >= 0 && WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        raise(WTERMSIG(status));
    }
    return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

int main(int argc, char **argv) {
    Shim shim = {.argv = argv, .argc = argc};
    char output[PATH_MAX];
    const char *name = base_name(argv[0]);
    shim.real = find_real(name);
    if (!shim.real) {
        fprintf(stderr, "%s: not found\n", name);
        return 127;
    }
    argv[0] = (char *)shim.real; /* ld's messages begin with it */
    if (is_off() || !has_tests() || !own_folder(shim.cache, sizeof shim.cache, 3) ||
        !is_safe_cache(shim.cache) ||
        !linked_output(getenv("COLLECT_GCC_OPTIONS"), output, sizeof output)) {
        execv(shim.real, argv);
        perror(shim.real);
        return 127;
    }
    follow_parent();
    int code = link_as_asked(&shim);
    if (code == 0 && has_fast_paths(output))
        try_linked(&shim, output);
    return code;
}
