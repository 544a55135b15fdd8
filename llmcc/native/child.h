/* Run one child to its end, or to a deadline or a signal, and leave nothing behind. */
#ifndef LLMCC_CHILD_H
#define LLMCC_CHILD_H

#include <stdbool.h>

typedef struct {
    char *const *argv; /* argv[0] is an absolute path unless `program` is given */
    const char *program; /* what to exec; argv[0] when NULL */
    int stdin_fd;
    int stdout_fd;
    int stderr_fd;
    long timeout_ms; /* 0: none */
    bool closes_others; /* close every descriptor from 3 on: make's jobserver, locks */
} Child;

/* Die when the process that started us does: gcc killed alone must not leave us at work. */
void follow_parent(void);
/* Undo follow_parent before an exec. */
void unfollow_parent(void);

/* Run a child in its own process group. Returns its wait status, or -1 when it could not be started
   or was killed at the deadline. When a signal asks us to end, kills the group and ends likewise. */
int run_child(const Child *child);

#endif
