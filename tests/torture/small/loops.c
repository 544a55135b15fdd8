/* Reductions over arrays, at many lengths and offsets. */
#include <stdio.h>

enum { MOST = 300 };

static int ints[MOST];

__attribute__((noinline)) int count_below(const int *a, long n, int k) {
    int count = 0;
    for (long i = 0; i < n; i++)
        if (a[i] < k)
            count++;
    return count;
}

__attribute__((noinline)) int sum(const int *a, long n) {
    int total = 0;
    for (long i = 0; i < n; i++)
        total += a[i];
    return total;
}

int main(void) {
    for (int i = 0; i < MOST; i++)
        ints[i] = (i * 7919) % 1009 - 500;
    unsigned long hash = 0;
    for (int from = 0; from < 5; from++)
        for (int n = 0; n + from <= MOST; n += n < 70 ? 1 : 23) {
            hash = hash * 31 + (unsigned)count_below(ints + from, n, 100 - n);
            hash = hash * 31 + (unsigned)sum(ints + from, n);
        }
    printf("%lu %d %d\n", hash, count_below(ints, MOST, 0), sum(ints, MOST));
    return 0;
}
