/* The loops of the log scanner, a unit of their own as in any program of more than one file. */
#include "scanners.h"

size_t count_byte(const unsigned char *p, size_t n, unsigned char wanted)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] == wanted)
            hits++;
    return hits;
}

size_t count_digits(const unsigned char *p, size_t n)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] >= '0' && p[i] <= '9')
            hits++;
    return hits;
}

size_t count_non_ascii(const unsigned char *p, size_t n)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 0x80)
            hits++;
    return hits;
}

size_t find_byte(const unsigned char *p, size_t n, unsigned char wanted)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (p[i] == wanted)
            break;
    return i;
}

int find_slowest(const int *times, int n)
{
    int slowest = times[0];
    for (int i = 1; i < n; i++)
        if (times[i] > slowest)
            slowest = times[i];
    return slowest;
}

int find_fastest(const int *times, int n)
{
    int fastest = times[0];
    for (int i = 1; i < n; i++)
        if (times[i] < fastest)
            fastest = times[i];
    return fastest;
}

int count_over(const int *times, int n, int limit)
{
    int hits = 0;
    for (int i = 0; i < n; i++)
        if (times[i] > limit)
            hits++;
    return hits;
}

int find_timeout(const int *times, int n, int timeout)
{
    int i = 0;
    while (i < n && times[i] != timeout)
        i++;
    return i;
}

int64_t add_up(const int *times, int n)
{
    int64_t total = 0;
    for (int i = 0; i < n; i++)
        total += times[i];
    return total;
}
