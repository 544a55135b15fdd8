/* Loops that count the elements for which something holds. */
#include "kernel.h"

KERNEL(count_equal_i32)
{
    const int *v = a;
    int wanted = (int)k;
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        if (v[i] == wanted)
            hits++;
    UNUSED(b), UNUSED(out);
    return hits;
}

KERNEL(count_above_f32)
{
    const float *v = a;
    float limit = (float)k;
    int hits = 0;
    for (size_t i = 0; i < n; i++)
        if (v[i] > limit)
            hits++;
    UNUSED(b), UNUSED(out);
    return (uint64_t)hits;
}

KERNEL(count_range_u16)
{
    const uint16_t *port = a;
    unsigned hits = 0;
    for (size_t i = 0; i < n; i++)
        if (port[i] >= 1024 && port[i] < 49152)
            hits++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return hits;
}

KERNEL(count_negative_i64)
{
    const int64_t *balance = a;
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        hits += balance[i] < 0;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return hits;
}

KERNEL(count_nonzero_u8)
{
    const uint8_t *flag = a;
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        if (flag[i])
            hits++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return hits;
}

KERNEL(count_below_f64)
{
    const double *v = a, *end = v + n;
    double limit = (double)k;
    long hits = 0;
    for (; v < end; v++)
        if (*v <= limit)
            hits++;
    UNUSED(b), UNUSED(out);
    return (uint64_t)hits;
}

KERNEL(count_even_u32)
{
    const uint32_t *id = a;
    uint32_t hits = 0;
    for (size_t i = 0; i < n; i++)
        if ((id[i] & 1) == 0)
            hits++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return hits;
}

KERNEL(count_differ_u16)
{
    const uint16_t *x = a, *y = b;
    unsigned hits = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i])
            hits++;
    UNUSED(out), UNUSED(k);
    return hits;
}

KERNEL(count_newlines)
{
    const char *p = a;
    size_t lines = 0;
    for (size_t left = n; left > 0; left--)
        if (*p++ == '\n')
            lines++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return lines;
}

KERNEL(count_digits)
{
    const unsigned char *text = a;
    int digits = 0;
    for (size_t i = 0; i < n; i++)
        if (text[i] >= '0' && text[i] <= '9')
            digits++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)digits;
}

KERNEL(count_blanks)
{
    const char *text = a;
    size_t blanks = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            blanks++;
    }
    UNUSED(b), UNUSED(out), UNUSED(k);
    return blanks;
}

KERNEL(count_letters)
{
    const unsigned char *text = a;
    size_t letters = 0;
    for (size_t i = 0; i < n; i++)
        if ((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z'))
            letters++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return letters;
}

KERNEL(count_utf8_points)
{
    const char *text = a;
    size_t points = 0;
    for (size_t i = 0; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            points++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return points;
}
