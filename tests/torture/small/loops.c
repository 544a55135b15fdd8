/* Counted loops over arrays of several types, at many lengths and offsets. */
#include <stdint.h>
#include <stdio.h>

enum { MOST = 300 };

static int ints[MOST];
static unsigned char bytes[MOST];
static float floats[MOST], scaled[MOST];

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

__attribute__((noinline)) long find(const unsigned char *a, long n, unsigned char k) {
    for (long i = 0; i < n; i++)
        if (a[i] == k)
            return i;
    return -1;
}

__attribute__((noipa)) void scale(const float *a, float *o, long n, float k) {
    for (long i = 0; i < n; i++)
        o[i] = a[i] * k;
}

int main(void) {
    for (int i = 0; i < MOST; i++) {
        ints[i] = (i * 7919) % 1009 - 500;
        bytes[i] = (unsigned char)(i * 37);
        floats[i] = (float)(i - 150) / 4;
    }
    unsigned long hash = 0;
    for (int from = 0; from < 5; from++)
        for (int n = 0; n + from <= MOST; n += n < 70 ? 1 : 23) {
            hash = hash * 31 + (unsigned)count_below(ints + from, n, 100 - n);
            hash = hash * 31 + (unsigned)sum(ints + from, n);
            hash = hash * 31 + (unsigned long)find(bytes + from, n, (unsigned char)(n * 3));
            scale(floats + from, scaled, n, 0.5f);
            hash = hash * 31 + (unsigned long)(long)(n ? scaled[n - 1] * 8 : 0);
        }
    printf("%lu\n", hash);
    printf("%d %d %ld %.3f\n", count_below(ints, MOST, 0), sum(ints, MOST), find(bytes, MOST, 74),
           (double)scaled[MOST - 1]);
    return 0;
}
