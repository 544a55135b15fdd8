/* Searches and maps over arrays, at many lengths and offsets. */
#include <stdio.h>

enum { MOST = 300 };

static unsigned char bytes[MOST];
static float floats[MOST], scaled[MOST];

__attribute__((noipa)) long find(const unsigned char *a, long n, unsigned char k) {
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
        bytes[i] = (unsigned char)(i * 37);
        floats[i] = (float)(i - 150) / 4;
    }
    unsigned long hash = 0;
    for (int from = 0; from < 5; from++)
        for (int n = 0; n + from <= MOST; n += n < 70 ? 1 : 23) {
            hash = hash * 31 + (unsigned long)find(bytes + from, n, (unsigned char)(n * 3));
            scale(floats + from, scaled, n, 0.5f);
            hash = hash * 31 + (unsigned long)(long)(n ? scaled[n - 1] * 8 : 0);
        }
    printf("%lu %ld %ld %.3f\n", hash, find(bytes, MOST, 74), find(bytes, 2, 74), (double)scaled[7]);
    for (float *at = scaled; at < scaled + 8; scale(at, at, 8, -2), at += 3)
        printf("%.2f ", (double)*at);
    printf("%.2f\n", (double)scaled[9]);
    return 0;
}
