/* Everything that confines a child before it runs a byte of a candidate, and its signals. */
#define _GNU_SOURCE
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "runner_child.h"

/* Numbers, not <linux/landlock.h>: the headers of many systems are older than their kernel. */
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_VERSION_FLAG 1u
#define CLOSE_RANGE 436

typedef struct {
    uint64_t filesystem, network, scope;
} LandlockRules;

int landlock_abi(void) {
    long version = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION_FLAG);
    return version > 0 ? (int)version : 0;
}

/* Handle every access right the kernel knows and allow none. Best effort: seccomp is the wall. */
static void forbid_files_and_network(void) {
    int abi = landlock_abi();
    if (abi == 0)
        return;
    /* rights per ABI: 1: 13, 2: +refer, 3: +truncate, 4: TCP, 5: +ioctl, 6: scopes */
    unsigned file_rights = abi == 1 ? 13 : abi == 2 ? 14 : abi <= 4 ? 15 : 16;
    LandlockRules rules = {(UINT64_C(1) << file_rights) - 1, abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0};
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    long ruleset = syscall(LANDLOCK_CREATE_RULESET, &rules, size, 0u);
    if (ruleset < 0)
        return;
    syscall(LANDLOCK_RESTRICT_SELF, (int)ruleset, 0u);
    close((int)ruleset);
}

static void close_descriptors(void) {
    if (syscall(CLOSE_RANGE, 0u, ~0u, 0u) == 0)
        return;
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
}

static void limit(int which, uint64_t most) {
    struct rlimit both = {most, most};
    if (setrlimit((__rlimit_resource_t)which, &both) != 0)
        child_failed();
}

static void limit_resources(const Request *request) {
    limit(RLIMIT_CPU, request->wall_ns / 1000000000 + 1);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NOFILE, 0);
    limit(RLIMIT_NPROC, 0);
    /* All is mapped by now: nothing may be added, not even by growing a stack. */
    limit(RLIMIT_AS, 1);
}

static void filter_system_calls(void) {
    const uint32_t number = offsetof(struct seccomp_data, nr);
    const uint32_t arch = offsetof(struct seccomp_data, arch);
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, arch),
        /* int $0x80 comes with another arch; x32 with a bit in the number. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};
    /* SPEC_ALLOW: older kernels slow filtered processes down, which would distort timing. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) == 0)
        return;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
        child_failed();
}

void confine(const Request *request, bool hides_clock) {
    close_descriptors();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        child_failed();
    forbid_files_and_network();
    if (hides_clock && prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0)
        child_failed();
    limit_resources(request);
    filter_system_calls();
}

void catch_signals(SignalHandler *on_fault, SignalHandler *on_tick, uint64_t tick_us) {
    static uint8_t stack[1 << 16] __attribute__((aligned(64)));
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    memset(stack, 0, sizeof stack);
    sigfillset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    action.sa_sigaction = on_fault;
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    sigset_t none;
    sigemptyset(&none);
    if (sigaltstack(&alternate, NULL) != 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        child_failed();
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (sigaction(faults[i], &action, NULL) != 0)
            child_failed();
    action.sa_sigaction = on_tick;
    struct timeval period = {(time_t)(tick_us / 1000000), (suseconds_t)(tick_us % 1000000)};
    struct itimerval timer = {period, period};
    if (sigaction(SIGVTALRM, &action, NULL) != 0 || setitimer(ITIMER_VIRTUAL, &timer, NULL) != 0)
        child_failed();
}
