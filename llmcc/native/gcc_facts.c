/* Ask gcc what it is, and try which way our `as` gets in: the one in which it was seen to run. */
#define _GNU_SOURCE
#include "gcc_facts.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "real_tool.h"

static void add(uint64_t *hash, const void *bytes, size_t size) {
    /* FNV-1a: to tell the few gccs of a machine apart. */
    for (const unsigned char *at = bytes; size--; at++)
        *hash = (*hash ^ *at) * 0x100000001b3u;
}

void gcc_key(const Gcc *gcc, char key[GCC_KEY]) {
    static const char *const VARIABLES[] = {"COMPILER_PATH", "GCC_EXEC_PREFIX"};
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < gcc->count; i++) {
        struct stat status;
        char *found = i == 0 ? gcc->words[0] : find_program(gcc->words[i], getenv("PATH"));
        add(&hash, gcc->words[i], strlen(gcc->words[i]) + 1);
        if (found && stat(found, &status) == 0) {
            long facts[] = {status.st_dev, status.st_ino, status.st_size, status.st_ctim.tv_sec,
                            status.st_ctim.tv_nsec};
            add(&hash, facts, sizeof facts);
        }
    }
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
        const char *value = getenv(VARIABLES[i]);
        if (value)
            add(&hash, value, strlen(value) + 1);
    }
    snprintf(key, GCC_KEY, "%016lx", (unsigned long)hash);
}

typedef struct {
    const char *const *arguments;
    const char *proof, *searched; /* LLMCC_PROOF and COMPILER_PATH; NULL: as they are */
    int out; /* where the answer goes; -1 for nowhere */
} Question;

/* Run gcc with more arguments, silently, and wait. True when it ended well. */
static bool run(const Gcc *gcc, const Question *question) {
    char *argv[GCC_WORDS_MOST + 12];
    int count = 0, status;
    for (int i = 0; i < gcc->count; i++)
        argv[count++] = gcc->words[i];
    for (const char *const *argument = question->arguments; *argument; argument++)
        argv[count++] = (char *)*argument;
    argv[count] = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        dup2(nowhere, 0);
        dup2(question->out >= 0 ? question->out : nowhere, 1);
        dup2(nowhere, 2);
        /* ccache would keep the answer to a proof, and gcc would note it as a dependency. */
        setenv("CCACHE_DISABLE", "1", 1);
        unsetenv("DEPENDENCIES_OUTPUT");
        unsetenv("SUNPRO_DEPENDENCIES");
        if (question->proof)
            setenv("LLMCC_PROOF", question->proof, 1);
        if (question->searched)
            setenv("COMPILER_PATH", question->searched, 1);
        execv(argv[0], argv);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Ask gcc one question; false when it does not answer. */
static bool ask(const Gcc *gcc, const char *question, char *answer, size_t size) {
    const char *const arguments[] = {question, NULL};
    int out = memfd_create("llmcc", MFD_CLOEXEC);
    bool is_answered = out >= 0 && run(gcc, &(Question){.arguments = arguments, .out = out});
    ssize_t length = is_answered ? pread(out, answer, size - 1, 0) : -1;
    if (out >= 0)
        close(out);
    if (length <= 0)
        return false;
    answer[length] = 0;
    return true;
}

static bool ask_line(const Gcc *gcc, const char *question, char *answer, size_t size) {
    if (!ask(gcc, question, answer, size))
        return false;
    answer[strcspn(answer, "\n")] = 0;
    return *answer;
}

typedef enum { IS_OURS, IS_ANOTHERS, IS_BROKEN } Assembler;

/* Have gcc compile an empty unit: whose assembler ran? Ours leaves a file, and no object. */
static Assembler try_way(const Gcc *gcc, const char *folder, const char *searched, const char *specs) {
    char proof[PATH_MAX], object[PATH_MAX], option[PATH_MAX + 8];
    const char *language = strstr(base_name(gcc->words[gcc->count - 1]), "++") ? "c++" : "c";
    int pid = (int)getpid();
    if (snprintf(proof, sizeof proof, "%s/.proof.%d", folder, pid) >= (int)sizeof proof ||
        snprintf(object, sizeof object, "%s/.object.%d", folder, pid) >= (int)sizeof object)
        return IS_BROKEN;
    snprintf(option, sizeof option, "-specs=%s", specs ? specs : "");
    const char *const arguments[] = {
        specs ? option : "-O0", "-x", language, "-c", "-", "-o", object, NULL,
    };
    unlink(proof);
    bool is_done = run(gcc, &(Question){arguments, proof, searched, -1});
    bool is_ours = unlink(proof) == 0;
    unlink(object);
    return is_ours ? IS_OURS : is_done ? IS_ANOTHERS : IS_BROKEN;
}

/* Write what gcc does to assemble, with our program in the place of its own. */
static bool write_specs(const Gcc *gcc, const char *home, const char *path) {
    enum { SPECS_MOST = 1 << 18 };
    static const char HEAD[] = "*invoke_as:\n", CALL[] = " as ";
    char *all = malloc(SPECS_MOST);
    char *start = all && ask(gcc, "-dumpspecs", all, SPECS_MOST) ? strstr(all, HEAD) : NULL;
    char *end = start ? strstr(start, "\n\n") : NULL;
    char *call = start ? strstr(start, CALL) : NULL;
    FILE *file = end && call && call < end ? fopen(path, "we") : NULL;
    bool is_written = false;
    if (file) {
        is_written = fprintf(file, "%.*s %s/libexec/as %.*s\n\n", (int)(call - start), start, home,
                             (int)(end - call - (sizeof CALL - 1)), call + sizeof CALL - 1) > 0;
        is_written &= fclose(file) == 0;
    }
    free(all);
    return is_written;
}

bool specs_path(const Gcc *gcc, const char *home, char path[PATH_MAX]) {
    char key[GCC_KEY];
    gcc_key(gcc, key);
    return snprintf(path, PATH_MAX, "%s/gcc/%s.specs", home, key) < PATH_MAX;
}

static bool is_ours_to_change(const GccFacts *facts) {
    return strncmp(facts->machine, "x86_64-", 7) == 0;
}

/* False when nothing is proved: gcc failed, so that another try may end otherwise. */
static bool find_way(const Gcc *gcc, const char *home, const char *folder, GccFacts *facts) {
    char searched[PATH_MAX], specs[PATH_MAX], temporary[PATH_MAX + 16];
    facts->way = WAY_NONE;
    if (!is_ours_to_change(facts))
        return true;
    if (snprintf(searched, sizeof searched, "%s/libexec", home) >= (int)sizeof searched ||
        !specs_path(gcc, home, specs))
        return false;
    Assembler whose = try_way(gcc, folder, searched, NULL);
    if (whose == IS_OURS)
        facts->way = WAY_COMPILER_PATH;
    if (whose != IS_ANOTHERS)
        return whose == IS_OURS;
    snprintf(temporary, sizeof temporary, "%s.%d", specs, (int)getpid());
    /* Renamed, so that another llmcc that reads it now reads all of it. */
    if (write_specs(gcc, home, temporary) && rename(temporary, specs) == 0 &&
        try_way(gcc, folder, NULL, specs) == IS_OURS)
        facts->way = WAY_SPECS;
    unlink(temporary);
    return true;
}

static bool read_facts(const char *path, GccFacts *facts) {
    char line[sizeof *facts + 8];
    char way;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, line, sizeof line - 1) : 0;
    if (file >= 0)
        close(file);
    if (size <= 0)
        return false;
    line[size] = 0;
    if (sscanf(line, "%c %127s %4095[^\n]", &way, facts->machine, facts->as_name) != 3)
        return false;
    facts->way = way;
    return true;
}

bool gcc_facts(const Gcc *gcc, const char *home, GccFacts *facts) {
    char key[GCC_KEY], folder[PATH_MAX], path[PATH_MAX + 32], temporary[PATH_MAX + 64];
    gcc_key(gcc, key);
    if (snprintf(folder, sizeof folder, "%s/gcc", home) >= (int)sizeof folder)
        return false;
    snprintf(path, sizeof path, "%s/%s", folder, key);
    if (read_facts(path, facts))
        return true;
    if (!ask_line(gcc, "-dumpmachine", facts->machine, sizeof facts->machine) ||
        !ask_line(gcc, "-print-prog-name=as", facts->as_name, sizeof facts->as_name))
        return false;
    snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
    FILE *file = fopen(temporary, "we");
    /* Where nothing can be kept nothing can be tried, nor should it be at every compile. */
    if (!file) {
        facts->way = is_ours_to_change(facts) ? WAY_COMPILER_PATH : WAY_NONE;
        return true;
    }
    bool is_kept = find_way(gcc, home, folder, facts) &&
                   fprintf(file, "%c %s %s\n", facts->way, facts->machine, facts->as_name) > 0;
    if (fclose(file) != 0 || !is_kept || rename(temporary, path) != 0)
        unlink(temporary);
    return true;
}
