/* The sandbox runner: a small process that forks one confined child per request.

   argv: the descriptor of the shared memory. stdin: Requests; stdout: Replies; it ends at the end of
   stdin or with its parent. It holds no data of its own and maps none, so a fork is cheap, and it
   trusts nothing a child leaves behind: the parent has pre-filled the output and compares it.

   What is confined: system calls (all but exit_group and rt_sigreturn), files, network, processes,
   CPU and wall time, memory, the clock when comparing. What is not: the child may overwrite its own
   outputs, and side channels of the CPU. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "runner_child.h"

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The rate of the TSC, from the start of this process to now, at least 10 ms. */
static double ticks_per_ns(uint64_t start_ns, uint64_t start_ticks) {
    uint64_t ns, ticks;
    do {
        ns = clock_ns();
        ticks = __rdtsc();
    } while (ns - start_ns < 10000000);
    return (double)(ticks - start_ticks) / (double)(ns - start_ns);
}

/* __builtin_cpu_supports asks xgetbv too: the system must save the registers. */
static unsigned cpu_features(void) {
    unsigned a, b, c = 0, d;
    __builtin_cpu_init();
    bool has_lzcnt = __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & (1u << 5)) != 0;
    bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && has_lzcnt;
    bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
    return (has_avx2 ? FEATURE_AVX2 : 0u) | (has_avx512 ? FEATURE_AVX512 : 0u);
}

static bool transfer(int fd, void *buffer, size_t bytes, bool writes) {
    for (size_t done = 0; done < bytes;) {
        uint8_t *next = (uint8_t *)buffer + done;
        ssize_t got = writes ? write(fd, next, bytes - done) : read(fd, next, bytes - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static void wait_for(pid_t child, uint64_t wall_ns, Reply *reply) {
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    int status = 0;
    const uint64_t deadline = clock_ns() + wall_ns;
    while (waitpid(child, &status, WNOHANG) == 0) {
        uint64_t now = clock_ns();
        if (now >= deadline) {
            reply->overran = 1;
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
        struct timespec left = {(time_t)((deadline - now) / 1000000000),
                                (long)((deadline - now) % 1000000000)};
        sigtimedwait(&ended, NULL, &left);
    }
    if (WIFSIGNALED(status))
        reply->killed = (uint64_t)WTERMSIG(status);
    else
        reply->exit_code = (uint64_t)WEXITSTATUS(status);
}

static void serve(int memory_fd, const Request *request, unsigned features, Reply *reply) {
    pid_t own = getpid();
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != own)
            child_failed();
        if (request->kind == KIND_TIME)
            child_time(memory_fd, request);
        child_run(memory_fd, request, features);
    }
    if (child < 0)
        reply->status = (uint64_t)errno;
    else
        wait_for(child, request->wall_ns, reply);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    const int memory_fd = atoi(argv[1]);
    const uint64_t start_ns = clock_ns(), start_ticks = __rdtsc();
    const unsigned features = cpu_features();
    double rate = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, NULL);
    Request request;
    while (transfer(0, &request, sizeof request, false)) {
        Reply reply = {.magic = REPLY_MAGIC, .features = features};
        if (request.kind == KIND_HELLO)
            reply.landlock = (uint64_t)landlock_abi();
        else
            serve(memory_fd, &request, features, &reply);
        if (request.kind == KIND_TIME && rate == 0)
            rate = ticks_per_ns(start_ns, start_ticks);
        reply.ticks_per_ns = rate;
        if (!transfer(1, &reply, sizeof reply, true))
            break;
    }
    return 0;
}
