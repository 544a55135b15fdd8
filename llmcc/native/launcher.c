/* llmcc itself: puts the folders with our `as` and `ld` in front of COMPILER_PATH and becomes the real gcc.
   gcc's arguments are never changed or reordered; a gcc that does not search COMPILER_PATH gets one
   more in front of them. */
#define _GNU_SOURCE
#include <cpuid.h>
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
#include "gcc_facts.h"
#include "place.h"
#include "real_tool.h"
#include "settings.h"
#include "settings_files.h"

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

/* The number in `<cache>/generation`, 0 when there is none: it changes whenever objects may. */
static long store_generation(const char *cache) {
    char path[PATH_MAX], text[24] = "";
    if (snprintf(path, sizeof path, "%s/generation", cache) >= (int)sizeof path)
        return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    text[size > 0 ? size : 0] = 0;
    return strtol(text, NULL, 10);
}

/* Our folder under a name that holds the store's generation: ccache digests COMPILER_PATH, so what
   it has kept is not used after the store has changed. */
static void name_generation(const Place *place, char named[PATH_MAX]) {
    long generation = store_generation(place->cache);
    struct stat status;
    if (snprintf(named, PATH_MAX, "%s/g%ld", place->home, generation) >= PATH_MAX ||
        (lstat(named, &status) != 0 && symlink(".", named) != 0 && errno != EEXIST))
        memcpy(named, place->home, PATH_MAX);
}

static bool put_in_compiler_path(const Place *place) {
    char folder[PATH_MAX], *ours, *searched;
    const char *before = getenv("COMPILER_PATH");
    name_generation(place, folder);
    int length = has_tests() ? asprintf(&ours, "%s/libexec-tests:%s/libexec", folder, folder)
                             : asprintf(&ours, "%s/libexec", folder);
    if (length > 0)
        length = before && *before ? asprintf(&searched, "%s:%s", ours, before)
                                   : asprintf(&searched, "%s", ours);
    return length > 0 && setenv("COMPILER_PATH", searched, 1) == 0;
}

/* Get our `as` in, by the environment or an `option` for gcc; false, with neither set, when it could
   not work. */
static bool put_shim_in_front(const Gcc *gcc, const Place *place, char **option) {
    char specs[PATH_MAX];
    GccFacts facts;
    if (!gcc_facts(gcc, place->home, &facts) || facts.way == WAY_NONE)
        return false;
    char *as = find_program(facts.as_name, getenv("PATH"));
    if (!as || setenv("LLMCC_AS", as, 1) != 0 || setenv("LLMCC_AS_NAME", facts.as_name, 1) != 0)
        return false;
    if (facts.way == WAY_COMPILER_PATH)
        return put_in_compiler_path(place);
    return specs_path(gcc, place->home, specs) && asprintf(option, "-specs=%s", specs) > 0;
}

/* Has a file llmcc was built from changed, or are we another build than what stands in `home`? Some
   130 calls of stat, 0.1 ms. The first lines of `sources` are the generation of that build and the
   folder that the other lines' paths start at. */
static bool is_outdated(const char *home) {
    enum { SOURCES_MOST = 1 << 17 };
    static char lines[SOURCES_MOST];
    char path[PATH_MAX];
    struct stat status;
    bool is_changed = false;
    if (snprintf(path, sizeof path, "%s/sources", home) >= (int)sizeof path)
        return false;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, lines, sizeof lines - 1) : 0;
    close(file);
    char *folder = size > 0 ? strchr(lines, '\n') : NULL;
    char *at = folder ? strchr(folder + 1, '\n') : NULL;
    if (!at)
        return false;
    *folder++ = *at++ = 0;
    if (strcmp(lines, LLMCC_GENERATION) != 0)
        return true;
    int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (char *end; !is_changed && (end = strchr(at, '\n')); at = end + 1) {
        long long ctime_ns = strtoll(at, &at, 10);
        *end = 0;
        is_changed = fstatat(root, at + 1, &status, 0) != 0 ||
                     status.st_ctim.tv_sec * 1000000000ll + status.st_ctim.tv_nsec != ctime_ns;
    }
    close(root);
    return is_changed;
}

/* Build anew and become what was built; returns when that is not possible. */
static void renew(const Place *place, char **argv) {
    bool is_second = getenv("LLMCC_RENEWED") != NULL;
    unsetenv("LLMCC_RENEWED");
    if (is_second || !place->entry[0] || !is_outdated(place->home))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        for (int i = 0; i < 3; i++)
            dup2(nowhere, i);
        execl(LLMCC_PYTHON, LLMCC_PYTHON, "-I", "-c", LLMCC_START_BUILD, "--cache", place->cache,
              "--entry", place->entry, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        return;
    setenv("LLMCC_RENEWED", "1", 1);
    execv(place->entry, argv);
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

/* Is there a "++" in the name, or behind the triple of one like aarch64-linux-gnu-llmcc-gcc? */
static bool is_cxx_name(const char *name) { return strstr(name, "++") != NULL; }

/* What to run when the command names no compiler. A name like <triple>-llmcc-gcc asks for that
   machine's compiler, and no other. */
static const char *wanted_compiler(const char *own_name) {
    static char crossed[PATH_MAX];
    const char *mark = strstr(own_name, "-llmcc-"), *set;
    if (mark && snprintf(crossed, sizeof crossed, "%.*s-%s", (int)(mark - own_name), own_name,
                         mark + strlen("-llmcc-")) < (int)sizeof crossed)
        return crossed;
    set = getenv(is_cxx_name(own_name) ? "LLMCC_CXX" : "LLMCC_CC");
    if (set && *set)
        return set;
    return is_cxx_name(own_name) ? "g++" : "gcc";
}

/* A program, or words with spaces between them of which the first is one: "ccache gcc". */
static Gcc find_command(const char *command) {
    Gcc gcc = {.words = {find_program(command, getenv("PATH"))}};
    if (gcc.words[0])
        gcc.count = 1;
    if (gcc.words[0] || !strchr(command, ' '))
        return gcc;
    char *cursor, *words = strdup(command);
    for (char *word = strtok_r(words, " ", &cursor); word && gcc.count < GCC_WORDS_MOST;
         word = strtok_r(NULL, " ", &cursor)) {
        gcc.words[gcc.count] = gcc.count ? word : find_program(word, getenv("PATH"));
        if (!gcc.words[gcc.count])
            break;
        gcc.count++;
    }
    return gcc;
}

static Gcc find_gcc(const char *own_name, int depth) {
    enum { DEPTH_MOST = 4 };
    const char *wanted = wanted_compiler(own_name);
    Gcc gcc = {0};
    /* Two wrappers that find each other would go on for ever. */
    if (depth < DEPTH_MOST)
        gcc = find_command(wanted);
    if (!gcc.count && !strstr(own_name, "-llmcc-"))
        wanted = is_cxx_name(own_name) ? "g++" : "gcc";
    if (!gcc.count && (gcc.words[0] = find_program(wanted, "/usr/bin:/usr/local/bin:/bin")))
        gcc.count = 1;
    return gcc;
}

/* One line that changes when any object could: for CCACHE_COMPILERCHECK and the like. */
static void print_fingerprint(const Gcc *gcc, const Place *place) {
    char key[GCC_KEY];
    unsigned cpu = 0, ebx, ecx, edx;
    __get_cpuid(1, &cpu, &ebx, &ecx, &edx);
    gcc_key(gcc, key);
    printf("llmcc %s %s store %ld cpu %x gcc %s", LLMCC_VERSION, LLMCC_GENERATION,
           store_generation(place->cache), cpu, key);
    for (size_t i = 0; i < KEY_SETTINGS_COUNT; i++) {
        const char *value = getenv(KEY_SETTINGS[i]);
        printf(" %s", value ? value : "");
    }
    printf(" %s\n", is_off() ? "off" : "on");
}

/* Become gcc: its own words, an option of ours if one is needed, the arguments as they came. */
static void become(const Gcc *gcc, char *option, int argc, char **arguments, char **given) {
    char **argv = calloc(gcc->count + argc + 2, sizeof *argv);
    int count = 0;
    if (!argv)
        return;
    for (int i = 0; i < gcc->count; i++)
        argv[count++] = gcc->words[i];
    if (option)
        argv[count++] = option;
    memcpy(argv + count, arguments, argc * sizeof *argv);
    execv(argv[0], argv);
    if (errno == E2BIG) /* our variables were too much: gcc alone may fit */
        execve(argv[0], argv, given);
    perror(argv[0]);
}

int main(int argc, char **argv) {
    char **given = environ; /* setenv makes an array of its own */
    /* llmcc …/gcc …, where that is a link to us (CMake's launcher with a masquerade's gcc) */
    while (argc > 1 && strchr(argv[1], '/') && is_compiler_name(base_name(argv[1])) &&
           is_llmcc(argv[1])) {
        argv++;
        argc--;
    }
    const char *own_name = base_name(argv[0]);
    char *first = argc > 1 ? argv[1] : "";
    Gcc gcc = {0};
    if (strcmp(first, "--llmcc-version") == 0) {
        puts("llmcc " LLMCC_VERSION);
        return 0;
    }
    bool is_outermost = !getenv("LLMCC_DEPTH");
    if (is_outermost)
        export_settings_files();
    bool is_asked = strcmp(first, "--llmcc-fingerprint") == 0;
    bool is_working = is_outermost && !is_off() && (has_work(argv) || is_asked);
    Place place = {0};
    if (is_working) {
        bool is_built = find_place(argv[0], &place);
        bool is_from_script = getenv("LLMCC_ENTRY") != NULL;
        if (is_built)
            renew(&place, argv);
        else if (!is_from_script)
            become_script(&place, argv);
        is_working = is_built;
    }
    unsetenv("LLMCC_ENTRY");
    unsetenv("LLMCC_PROOF"); /* only the question whether our `as` runs may ask for it */
    int depth = count_depth();
    /* launcher form: llmcc gcc … */
    if (*first != '-' && is_compiler_name(base_name(first)) &&
        (gcc.words[0] = find_program(first, getenv("PATH")))) {
        gcc.count = 1;
        argv++;
        argc--;
    } else {
        gcc = find_gcc(own_name, depth);
    }
    if (!gcc.count) {
        fprintf(stderr, "llmcc: %s: not found. Install gcc, or set LLMCC_CC.\n",
                wanted_compiler(own_name));
        return 127;
    }
    if (is_asked) {
        print_fingerprint(&gcc, &place);
        return 0;
    }
    char *option = NULL;
    if (!is_working || !put_shim_in_front(&gcc, &place, &option))
        forget_settings_files();
    become(&gcc, option, argc - 1, argv + 1, given);
    return 127;
}
