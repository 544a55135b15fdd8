/* Scan a web server's log: the demo. A log held in memory is read the way monitoring tools do: lines,
 * digits and blanks are counted, the first line that went wrong is looked for, times are summed up.
 * Prints the findings on stdout and its own best time, in nanoseconds a scan, on stderr.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "logscan/scanners.h"

enum { LOG_BYTES = 200 * 1000, REQUESTS = 20 * 1000, SCANS = 400 };

struct findings {
    size_t lines, digits, blanks, first_control, non_ascii;
    int slowest, fastest, over_limit, timeouts;
    int64_t total_us;
};

static uint32_t state = 2463534242u;

static uint32_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void make_log(unsigned char *log)
{
    static const char *const pages[] = {"/", "/index.html", "/img/logo.png", "/api/v1/users"};
    size_t at = 0;
    char line[160];
    while (at < LOG_BYTES) {
        int length = snprintf(line, sizeof line, "10.%u.%u.%u - GET %s 200 %u\n", draw() % 256,
                              draw() % 256, draw() % 256, pages[draw() % 4], draw() % 100000);
        size_t left = LOG_BYTES - at, wanted = (size_t)length < left ? (size_t)length : left;
        memcpy(log + at, line, wanted);
        at += wanted;
    }
    log[LOG_BYTES - 777] = 0x1b; /* an escape sequence somebody smuggled in */
}

static void make_times(int *times)
{
    for (int i = 0; i < REQUESTS; i++)
        times[i] = (int)(draw() % 5000) + (draw() % 100 == 0 ? 200000 : 40);
}

static struct findings scan(const unsigned char *log, const int *times)
{
    return (struct findings){
        .lines = count_byte(log, LOG_BYTES, '\n'),
        .digits = count_digits(log, LOG_BYTES),
        .blanks = count_byte(log, LOG_BYTES, ' '),
        .first_control = find_byte(log, LOG_BYTES, 0x1b),
        .non_ascii = count_non_ascii(log, LOG_BYTES),
        .slowest = find_slowest(times, REQUESTS),
        .fastest = find_fastest(times, REQUESTS),
        .over_limit = count_over(times, REQUESTS, 4000),
        .timeouts = find_timeout(times, REQUESTS, 300000),
        .total_us = add_up(times, REQUESTS),
    };
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void)
{
    unsigned char *log = malloc(LOG_BYTES);
    int *times = malloc(REQUESTS * sizeof *times);
    if (!log || !times)
        return 1;
    make_log(log);
    make_times(times);
    struct findings f = {0};
    double best_ns = 1e18;
    for (int i = 0; i < SCANS; i++) {
        double start = now_ns();
        f = scan(log, times);
        double ns = now_ns() - start;
        best_ns = ns < best_ns ? ns : best_ns;
        times[i % REQUESTS] ^= 1; /* each scan sees something new */
    }
    printf("lines %zu, digits %zu, blanks %zu, non-ascii %zu, first control byte at %zu\n", f.lines,
           f.digits, f.blanks, f.non_ascii, f.first_control);
    printf("times: slowest %d us, fastest %d us, over the limit %d, first time-out at %d, sum %lld us\n",
           f.slowest, f.fastest, f.over_limit, f.timeouts, (long long)f.total_us);
    fprintf(stderr, "best_ns %.0f\n", best_ns);
    free(times);
    free(log);
    return 0;
}
