/* One child at a time, watched with blocked signals so that there is no race with their handlers. */
#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int ENDINGS[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void follow_parent(void) { prctl(PR_SET_PDEATHSIG, SIGTERM); }

void unfollow_parent(void) { prctl(PR_SET_PDEATHSIG, 0); }

static void watched_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
        struct sigaction action;
        /* A signal the user ignores (nohup) stays ignored. */
        if (sigaction(ENDINGS[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, ENDINGS[i]);
    }
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void become(const Child *child, const sigset_t *mask) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* The standard descriptors may be among the given ones, or closed: copy out of their way. */
    int in = fcntl(child->stdin_fd, F_DUPFD_CLOEXEC, 3);
    int out = fcntl(child->stdout_fd, F_DUPFD_CLOEXEC, 3);
    int err = fcntl(child->stderr_fd, F_DUPFD_CLOEXEC, 3);
    if (in < 0 || out < 0 || err < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(127);
    if (child->closes_others)
        syscall(SYS_close_range, 3u, ~0u, 0u);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execv(child->program ? child->program : child->argv[0], child->argv);
    _exit(127);
}

/* Ask first: python then takes its temporary files away. */
static void end_group(pid_t pid) {
    enum { PATIENCE_MS = 1000 };
    long deadline = now_ms() + PATIENCE_MS, left_ms = PATIENCE_MS;
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    kill(-pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (left_ms <= 0) {
            kill(-pid, SIGKILL);
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
            }
            break;
        }
        struct timespec wait = {left_ms / 1000, left_ms % 1000 * 1000000};
        sigtimedwait(&ended, NULL, &wait);
        left_ms = deadline - now_ms();
    }
    kill(-pid, SIGKILL);
}

static void end_like(int number) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    signal(number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
    _exit(128 + number);
}

/* Wait for the end of `pid`; -1 after the deadline. */
static int await(pid_t pid, const sigset_t *watched, long timeout_ms) {
    long deadline = now_ms() + timeout_ms;
    for (;;) {
        int status;
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return status;
        if (ended < 0 && errno != EINTR)
            return -1;
        long left_ms = timeout_ms ? deadline - now_ms() : 3600 * 1000;
        if (left_ms <= 0) {
            end_group(pid);
            return -1;
        }
        struct timespec wait = {left_ms / 1000, left_ms % 1000 * 1000000};
        int number = sigtimedwait(watched, NULL, &wait);
        if (number > 0 && number != SIGCHLD) {
            end_group(pid);
            end_like(number);
        }
    }
}

int run_child(const Child *child) {
    sigset_t watched, before;
    struct sigaction chld, plain = {.sa_handler = SIG_DFL};
    watched_signals(&watched);
    /* An inherited "ignore" would reap the child behind our back. */
    sigaction(SIGCHLD, &plain, &chld);
    sigprocmask(SIG_BLOCK, &watched, &before);
    /* Nothing that become() does before its exec changes memory of ours: no need to copy it. */
    pid_t pid = vfork();
    if (pid == 0)
        become(child, &before);
    int status = -1;
    if (pid > 0) {
        setpgid(pid, pid);
        status = await(pid, &watched, child->timeout_ms);
        /* What the child started in its group goes with it. */
        kill(-pid, SIGKILL);
    }
    sigaction(SIGCHLD, &chld, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
