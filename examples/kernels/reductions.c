/* Loops that fold an array into one value. */
#include "kernel.h"

KERNEL(sum_i32_wide)
{
    const int32_t *price = a;
    int64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += price[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)total;
}

KERNEL(sum_i32)
{
    const int *v = a;
    int count = (int)n, sum = 0;
    for (int i = 0; i < count; i++)
        sum += v[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)(int64_t)sum;
}

KERNEL(sum_u8)
{
    const unsigned char *p = a, *end = p + n;
    unsigned sum = 0;
    while (p < end)
        sum += *p++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return sum;
}

KERNEL(sum_u16)
{
    const uint16_t *sample = a;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; ++i)
        sum += sample[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return sum;
}

KERNEL(sum_i64)
{
    const int64_t *v = a;
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)sum;
}

KERNEL(xor_u8)
{
    const uint8_t *frame = a;
    uint8_t lrc = 0;
    for (size_t i = 0; i < n; i++)
        lrc ^= frame[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return lrc;
}

KERNEL(xor_u32)
{
    const uint32_t *w = a;
    uint32_t x = (uint32_t)k;
    for (unsigned i = 0; i < n; i++)
        x ^= w[i];
    UNUSED(b), UNUSED(out);
    return x;
}

KERNEL(or_u64)
{
    const uint64_t *word = a;
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= word[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return any;
}

KERNEL(and_u32)
{
    const uint32_t *mask = a;
    uint32_t all = 0xffffffffu;
    for (size_t i = 0; i < n; i++)
        all &= mask[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return all;
}

KERNEL(max_i32)
{
    const int *v = a;
    int best = (int)k;
    for (size_t i = 0; i < n; i++)
        if (v[i] > best)
            best = v[i];
    UNUSED(b), UNUSED(out);
    return (uint64_t)(int64_t)best;
}

KERNEL(min_i16)
{
    const int16_t *v = a;
    int16_t low = INT16_MAX;
    for (size_t i = 0; i < n; i++)
        low = v[i] < low ? v[i] : low;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)(int64_t)low;
}

KERNEL(max_u8)
{
    const uint8_t *pixel = a;
    uint8_t peak = 0;
    for (size_t i = 0; i < n; i++)
        if (peak < pixel[i])
            peak = pixel[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return peak;
}

KERNEL(min_u64)
{
    const uint64_t *stamp = a;
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < n; i++)
        if (stamp[i] < first)
            first = stamp[i];
    UNUSED(b), UNUSED(out), UNUSED(k);
    return first;
}

KERNEL(max_i64)
{
    const int64_t *v = a;
    int64_t top = INT64_MIN;
    for (const int64_t *end = v + n; v != end; v++)
        top = *v >= top ? *v : top;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)top;
}

KERNEL(max_f32)
{
    const float *v = a;
    float peak = (float)k;
    for (size_t i = 0; i < n; i++)
        if (v[i] > peak)
            peak = v[i];
    UNUSED(b), UNUSED(out);
    return float_bits(peak);
}

KERNEL(min_f64)
{
    const double *v = a;
    double low = (double)k;
    for (size_t i = 0; i < n; i++)
        low = v[i] < low ? v[i] : low;
    UNUSED(b), UNUSED(out);
    return double_bits(low);
}

KERNEL(spread_i32)
{
    const int *v = a;
    int low = INT32_MAX, high = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        if (v[i] < low)
            low = v[i];
        if (v[i] > high)
            high = v[i];
    }
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)((int64_t)high - low);
}

KERNEL(abs_diff_u8)
{
    const uint8_t *x = a, *y = b;
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] > y[i] ? x[i] - y[i] : y[i] - x[i];
    UNUSED(out), UNUSED(k);
    return sum;
}
