/* Loops that write one element for each they read, in place or to another array. */
#include "kernel.h"

KERNEL(add_i32)
{
    const int *x = a, *y = b;
    int *sum = out;
    for (size_t i = 0; i < n; i++)
        sum[i] = x[i] + y[i];
    UNUSED(k);
    return 0;
}

KERNEL(axpy_f32)
{
    const float *x = a, *y = b;
    float *result = out, factor = (float)k;
    for (size_t i = 0; i < n; i++)
        result[i] = factor * x[i] + y[i];
    return 0;
}

KERNEL(clamp_i16)
{
    int16_t *sample = out;
    int16_t limit = (int16_t)k;
    for (size_t i = 0; i < n; i++)
        if (sample[i] > limit)
            sample[i] = limit;
    UNUSED(a), UNUSED(b);
    return 0;
}

KERNEL(relu_f32)
{
    float *v = out;
    for (size_t i = 0; i < n; i++)
        if (v[i] < 0.0f)
            v[i] = 0.0f;
    UNUSED(a), UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(replace_byte)
{
    char *p = out, *end = p + n;
    for (; p != end; p++)
        if (*p == '\t')
            *p = ' ';
    UNUSED(a), UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(lower_case)
{
    const unsigned char *from = a;
    unsigned char *to = out;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = from[i];
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        to[i] = c;
    }
    UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(negate_f64)
{
    double *v = out;
    for (size_t i = 0; i < n; i++)
        v[i] = -v[i];
    UNUSED(a), UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(update_if_above_i32)
{
    const int *fresh = a;
    int *kept = out, limit = (int)k;
    for (size_t i = 0; i < n; i++)
        if (fresh[i] > limit)
            kept[i] = fresh[i];
    UNUSED(b);
    return 0;
}

KERNEL(raise_to_u64)
{
    const uint64_t *fresh = a;
    uint64_t *high = out;
    for (size_t i = 0; i < n; i++)
        if (fresh[i] > high[i])
            high[i] = fresh[i];
    UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(field_u32)
{
    const uint32_t *packed = a;
    uint32_t *field = out;
    for (size_t i = 0; i < n; i++)
        field[i] = (packed[i] >> 11) & 0x3f;
    UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(average_u8)
{
    const uint8_t *x = a, *y = b;
    uint8_t *mid = out;
    for (size_t i = 0; i < n; i++)
        mid[i] = (uint8_t)((x[i] + y[i] + 1) >> 1);
    UNUSED(k);
    return 0;
}

KERNEL(floor_u16)
{
    uint16_t *level = out;
    int count = (int)n;
    for (int i = 0; i < count; i++)
        if (level[i] < k)
            level[i] = 0;
    UNUSED(a), UNUSED(b);
    return 0;
}

KERNEL(mask_stream_u8)
{
    uint8_t *data = out;
    uint8_t key = (uint8_t)k;
    for (size_t i = 0; i < n; i++)
        data[i] ^= key;
    UNUSED(a), UNUSED(b);
    return 0;
}

KERNEL(abs_i32)
{
    const int *from = a;
    int *to = out;
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] < 0 ? -from[i] : from[i];
    UNUSED(b), UNUSED(k);
    return 0;
}

KERNEL(discount_f64)
{
    double *price = out, limit = (double)k;
    for (size_t i = 0; i < n; i++)
        if (price[i] > limit)
            price[i] *= 0.75;
    UNUSED(a), UNUSED(b);
    return 0;
}

KERNEL(saturate_add_i64)
{
    int64_t *level = out;
    for (size_t i = 0; i < n; i++)
        level[i] = level[i] + k > 1000000 ? 1000000 : level[i] + k;
    UNUSED(a), UNUSED(b);
    return 0;
}
