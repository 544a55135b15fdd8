/* Loops that stop when they have found something. */
#include "kernel.h"

KERNEL(find_i32)
{
    const int *v = a;
    int wanted = (int)k;
    size_t i;
    for (i = 0; i < n; i++)
        if (v[i] == wanted)
            break;
    UNUSED(b), UNUSED(out);
    return i;
}

KERNEL(find_byte)
{
    const unsigned char *p = a, *end = p + n;
    unsigned char wanted = (unsigned char)k;
    while (p < end && *p != wanted)
        p++;
    UNUSED(b), UNUSED(out);
    return (uint64_t)(p - (const unsigned char *)a);
}

KERNEL(find_above_f64)
{
    const double *v = a;
    double limit = (double)k;
    for (size_t i = 0; i < n; i++)
        if (v[i] > limit)
            return i;
    UNUSED(b), UNUSED(out);
    return n;
}

KERNEL(find_u64)
{
    const uint64_t *key = a;
    for (size_t i = 0; i < n; i++)
        if (key[i] == (uint64_t)k)
            return i;
    UNUSED(b), UNUSED(out);
    return UINT64_MAX;
}

KERNEL(find_negative_i16)
{
    const int16_t *sample = a;
    int count = (int)n;
    for (int i = 0; i < count; i++)
        if (sample[i] < 0)
            return (uint64_t)i;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return UINT64_MAX;
}

KERNEL(skip_blanks)
{
    const char *p = a;
    size_t i = 0;
    while (i < n && (p[i] == ' ' || p[i] == '\t'))
        i++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return i;
}

KERNEL(length_u8)
{
    const char *s = a;
    size_t length = 0;
    while (s[length] != '\0' && s[length] != '#')
        length++;
    UNUSED(b), UNUSED(out), UNUSED(n), UNUSED(k);
    return length;
}

KERNEL(length_u16)
{
    const uint16_t *s = a;
    while (*s)
        s++;
    UNUSED(b), UNUSED(out), UNUSED(n), UNUSED(k);
    return (uint64_t)(s - (const uint16_t *)a);
}

KERNEL(is_ascii)
{
    const unsigned char *text = a;
    for (size_t i = 0; i < n; i++)
        if (text[i] >= 0x80)
            return 0;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return 1;
}

KERNEL(mismatch_u8)
{
    const uint8_t *x = a, *y = b;
    size_t same = 0;
    while (same < n && x[same] == y[same])
        same++;
    UNUSED(out), UNUSED(k);
    return same;
}

KERNEL(mismatch_i32)
{
    const int *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return i;
    UNUSED(out), UNUSED(k);
    return n;
}

KERNEL(equal_u64)
{
    const uint64_t *x = a, *y = b;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            return 0;
    UNUSED(out), UNUSED(k);
    return 1;
}
