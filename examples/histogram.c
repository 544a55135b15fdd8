/* Histogram of noisy samples, its peak, its median and how many samples lie far out. */
#include <stdio.h>
#include <stdlib.h>

enum { SAMPLES = 200 * 1000, BINS = 256 };

static void make_samples(short *sample)
{
    unsigned x = 31;
    for (int i = 0; i < SAMPLES; i++) {
        int sum = 0;
        for (int j = 0; j < 4; j++) {
            x = x * 1664525u + 1013904223u;
            sum += (int)(x >> 26);
        }
        sample[i] = (short)(sum - 126);
    }
}

static int count_outside(const short *sample, int n, short limit)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        if (sample[i] > limit || sample[i] < -limit)
            count++;
    return count;
}

static void clip(short *sample, int n, short limit)
{
    for (int i = 0; i < n; i++) {
        if (sample[i] > limit)
            sample[i] = limit;
        else if (sample[i] < -limit)
            sample[i] = (short)-limit;
    }
}

static int peak_of(const unsigned *bin)
{
    unsigned top = 0;
    for (int i = 0; i < BINS; i++)
        if (bin[i] > top)
            top = bin[i];
    int at = 0;
    while (bin[at] != top)
        at++;
    return at;
}

int main(void)
{
    short *sample = malloc(SAMPLES * sizeof *sample);
    unsigned bin[BINS] = {0}, below = 0;
    if (!sample)
        return 1;
    make_samples(sample);
    int outside = count_outside(sample, SAMPLES, 90);
    clip(sample, SAMPLES, 90);
    long sum = 0;
    for (int i = 0; i < SAMPLES; i++) {
        bin[sample[i] + 128]++;
        sum += sample[i];
    }
    int median = 0;
    while (below + bin[median] < SAMPLES / 2)
        below += bin[median++];
    printf("peak at %d, median %d, sum %ld, %d samples clipped\n", peak_of(bin) - 128, median - 128,
           sum, outside);
    free(sample);
    return 0;
}
