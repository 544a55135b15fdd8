/* Loops whose iterations wait for one another: nobody expects a gain here, and none may be lost. */
#include "kernel.h"

KERNEL(sum_f32)
{
    const float *v = a;
    float sum = 0.0f;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return float_bits(sum);
}

KERNEL(dot_f64)
{
    const double *x = a, *y = b;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    UNUSED(out), UNUSED(k);
    return double_bits(sum);
}

KERNEL(prefix_sum_i32)
{
    const int *v = a;
    int *sums = out, total = 0;
    for (size_t i = 0; i < n; i++) {
        total += v[i];
        sums[i] = total;
    }
    UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(fnv1a)
{
    const unsigned char *p = a;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < n; i++) {
        hash ^= p[i];
        hash *= 16777619u;
    }
    UNUSED(b), UNUSED(out), UNUSED(k);
    return hash;
}

KERNEL(smooth_f64)
{
    double *v = out, state = 0.0;
    for (size_t i = 0; i < n; i++) {
        state += 0.125 * (v[i] - state);
        v[i] = state;
    }
    UNUSED(a), UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(fletcher_u16)
{
    const uint16_t *word = a;
    uint32_t low = 0xffff, high = 0xffff;
    for (size_t i = 0; i < n; i++) {
        low += word[i];
        low = (low & 0xffff) + (low >> 16);
        high += low;
        high = (high & 0xffff) + (high >> 16);
    }
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (high << 16) | low;
}

KERNEL(scatter_count_u8)
{
    const uint8_t *p = a;
    uint32_t *bucket = out;
    for (size_t i = 0; i < n; i++)
        bucket[p[i]]++;
    UNUSED(b), UNUSED(k);
    return 0;
}
