/* llmcc itself: puts the folders with our `as` and `ld` in front of COMPILER_PATH and becomes the real gcc.
   gcc's arguments are never read for their meaning, changed or reordered. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "facts.h"
#include "real_tool.h"
#include "settings.h"

typedef struct {
    char machine[128]; /* "x86_64-linux-gnu" */
    char as_name[PATH_MAX]; /* what gcc would call its assembler: "as" or a path */
} GccFacts;

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, const char *suffix) {
    size_t length = strlen(text), size = strlen(suffix);
    return length > size && strcmp(text + length - size, suffix) == 0;
}

/* (triple-)?(gcc|g++|cc|c++)(-version)? */
static bool is_compiler_name(const char *name) {
    static const char *const NAMES[] = {"gcc", "g++", "cc", "c++"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        size_t size = strlen(NAMES[i]);
        for (const char *at = strstr(name, NAMES[i]); at; at = strstr(at + 1, NAMES[i])) {
            const char *rest = at + size;
            bool is_start = at == name || (at[-1] == '-' && strchr(name, '-') != at - 1);
            bool is_end = !*rest || (*rest == '-' && strspn(rest + 1, "0123456789.") == strlen(rest + 1));
            if (is_start && is_end)
                return true;
        }
    }
    return false;
}

/* Can this command start an assembler on C code, or a linker whose output is to be tested? When
   not, there is nothing for us to do. */
static bool has_work(char **argv) {
    static const char *const ENDS[] = {
        "-E", "-M", "-MM", "-S", "-fsyntax-only", "--version", "-###", "-dumpversion",
        "-dumpmachine", "-dumpspecs", "-dumpfullversion",
    };
    static const char *const SOURCES[] = {
        ".c", ".i", ".cc", ".cpp", ".cxx", ".C", ".c++", ".cp", ".ii",
    };
    bool is_needed = has_tests();
    for (char **argument = argv + 1; *argument; argument++) {
        for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
            if (strcmp(*argument, ENDS[i]) == 0)
                return false;
        if (starts_with(*argument, "-print-") || starts_with(*argument, "--help"))
            return false;
        if ((*argument)[0] == '@' || starts_with(*argument, "-x"))
            is_needed = true;
        for (size_t i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++)
            is_needed |= ends_with(*argument, SOURCES[i]);
    }
    return is_needed;
}

/* Ask gcc one question; false when it does not answer in one line. */
static bool ask(const char *gcc, const char *question, char *answer, size_t size) {
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 0);
        dup2(ends[1], 1);
        dup2(nowhere, 2);
        execl(gcc, gcc, question, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t part; pid > 0 && length + 1 < size &&
                       (part = read(ends[0], answer + length, size - 1 - length)) > 0;)
        length += part;
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return false;
    answer[length] = 0;
    answer[strcspn(answer, "\n")] = 0;
    return *answer;
}

/* gcc's answers are kept per gcc binary, since asking costs more than everything else here. */
static bool gcc_facts(const char *gcc, const char *home, GccFacts *facts) {
    char path[PATH_MAX], temporary[PATH_MAX + 16];
    struct stat status;
    bool is_kept = !getenv("COMPILER_PATH");
    if (stat(gcc, &status) != 0)
        return false;
    int length = snprintf(path, sizeof path, "%s/gcc/%lx-%lx-%lx", home, (long)status.st_dev,
                          (long)status.st_ino, (long)status.st_ctim.tv_sec);
    if (length >= (int)sizeof path)
        return false;
    FILE *file = is_kept ? fopen(path, "re") : NULL;
    if (file) {
        bool is_read = fscanf(file, "%127s %4095[^\n]", facts->machine, facts->as_name) == 2;
        fclose(file);
        if (is_read)
            return true;
    }
    if (!ask(gcc, "-dumpmachine", facts->machine, sizeof facts->machine) ||
        !ask(gcc, "-print-prog-name=as", facts->as_name, sizeof facts->as_name))
        return false;
    snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
    file = is_kept ? fopen(temporary, "wxe") : NULL;
    if (file) {
        int written = fprintf(file, "%s %s\n", facts->machine, facts->as_name);
        if (fclose(file) != 0 || written < 0 || rename(temporary, path) != 0)
            unlink(temporary);
    }
    return true;
}

/* Set what our `as` needs; false, with nothing set, when it could not work. */
static bool put_shim_in_front(const char *gcc) {
    char home[PATH_MAX], *ours, *searched;
    const char *before = getenv("COMPILER_PATH");
    GccFacts facts;
    if (!own_folder(home, sizeof home, 0) || !gcc_facts(gcc, home, &facts) ||
        !starts_with(facts.machine, "x86_64-"))
        return false;
    char *as = find_program(facts.as_name, getenv("PATH"));
    if (!as)
        return false;
    int length = has_tests() ? asprintf(&ours, "%s/libexec-tests:%s/libexec", home, home)
                             : asprintf(&ours, "%s/libexec", home);
    if (length > 0)
        length = before && *before ? asprintf(&searched, "%s:%s", ours, before)
                                   : asprintf(&searched, "%s", ours);
    return length > 0 && setenv("LLMCC_AS", as, 1) == 0 &&
           setenv("LLMCC_AS_NAME", facts.as_name, 1) == 0 &&
           setenv("COMPILER_PATH", searched, 1) == 0;
}

/* Has a file llmcc was built from changed? Some 130 calls of stat, 0.1 ms. */
static bool is_outdated(const char *home) {
    char path[PATH_MAX];
    long long ctime_ns;
    bool is_changed = false;
    struct stat status;
    if (snprintf(path, sizeof path, "%s/sources", home) >= (int)sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    while (file && !is_changed && fscanf(file, "%lld %4095[^\n]", &ctime_ns, path) == 2)
        is_changed = stat(path, &status) != 0 ||
                     status.st_ctim.tv_sec * 1000000000ll + status.st_ctim.tv_nsec != ctime_ns;
    if (file)
        fclose(file);
    return is_changed;
}

/* The installed script that became us through the link `<cache>/entry/<path of the script>`. */
static const char *script_of(const char *link) {
    static const char PART[] = "/entry/";
    for (const char *at = strstr(link, PART); at; at = strstr(at + 1, PART))
        if (access(at + sizeof PART - 2, X_OK) == 0)
            return at + sizeof PART - 2;
    return NULL;
}

/* Build anew and become what was built; returns when that is not possible. */
static void renew(char **argv) {
    char home[PATH_MAX], cache[PATH_MAX];
    const char *script = script_of(argv[0]);
    bool is_second = getenv("LLMCC_RENEWED") != NULL;
    unsetenv("LLMCC_RENEWED");
    if (is_second || !script || !own_folder(home, sizeof home, 0) || !is_outdated(home) ||
        !own_folder(cache, sizeof cache, 2))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        for (int i = 0; i < 3; i++)
            dup2(nowhere, i);
        execl(LLMCC_PYTHON, LLMCC_PYTHON, "-I", "-c", LLMCC_START_BUILD, "--cache", cache, "--entry",
              script, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        return;
    setenv("LLMCC_RENEWED", "1", 1);
    execv(argv[0], argv);
    unsetenv("LLMCC_RENEWED");
}

/* How often llmcc stands among the ancestors of this process. */
static int count_depth(void) {
    const char *before = getenv("LLMCC_DEPTH");
    char depth[16];
    int count = before ? atoi(before) : 0;
    snprintf(depth, sizeof depth, "%d", count + 1);
    setenv("LLMCC_DEPTH", depth, 1);
    return count;
}

int main(int argc, char **argv) {
    enum { DEPTH_MOST = 4 };
    char **given = environ; /* setenv makes an array of its own */
    /* llmcc …/gcc …, where that is a link to us (CMake's launcher with a masquerade's gcc) */
    while (argc > 1 && strchr(argv[1], '/') && is_compiler_name(base_name(argv[1])) &&
           is_llmcc(argv[1])) {
        argv++;
        argc--;
    }
    if (argc > 1 && strcmp(argv[1], "--llmcc-version") == 0) {
        puts("llmcc " LLMCC_VERSION);
        return 0;
    }
    if (!is_off() && !getenv("LLMCC_DEPTH") && has_work(argv))
        renew(argv);
    bool is_cxx = strstr(base_name(argv[0]), "++") != NULL;
    const char *wanted = getenv(is_cxx ? "LLMCC_CXX" : "LLMCC_CC");
    if (!wanted || !*wanted)
        wanted = is_cxx ? "g++" : "gcc";
    char *gcc = NULL;
    /* launcher form: llmcc gcc … */
    if (argc > 1 && argv[1][0] != '-' && is_compiler_name(base_name(argv[1])) &&
        (gcc = find_program(argv[1], getenv("PATH"))))
        argv++;
    int depth = count_depth();
    /* Two wrappers that find each other would go on for ever. */
    if (!gcc && depth < DEPTH_MOST)
        gcc = find_program(wanted, getenv("PATH"));
    if (!gcc)
        gcc = find_program(is_cxx ? "g++" : "gcc", "/usr/bin:/usr/local/bin:/bin");
    if (!gcc) {
        fprintf(stderr, "llmcc: %s: not found. Install gcc, or set LLMCC_CC.\n", wanted);
        return 127;
    }
    if (depth == 0 && !is_off() && has_work(argv))
        put_shim_in_front(gcc);
    argv[0] = gcc;
    execv(gcc, argv);
    if (errno == E2BIG) /* our variables were too much: gcc alone may fit */
        execve(gcc, argv, given);
    perror(gcc);
    return 127;
}
