/* Bit tricks as they are written where no popcnt instruction may be assumed. */
#include "kernel.h"

KERNEL(popcount_u32)
{
    const uint32_t *word = a;
    unsigned bits = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t x = word[i];
        x = x - ((x >> 1) & 0x55555555u);
        x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
        x = (x + (x >> 4)) & 0x0f0f0f0fu;
        bits += (x * 0x01010101u) >> 24;
    }
    UNUSED(b), UNUSED(out), UNUSED(k);
    return bits;
}

KERNEL(popcount_u64)
{
    const uint64_t *word = a;
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = word[i];
        x = x - ((x >> 1) & 0x5555555555555555u);
        x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
        x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
        bits += (x * 0x0101010101010101u) >> 56;
    }
    UNUSED(b), UNUSED(out), UNUSED(k);
    return bits;
}

KERNEL(popcount_by_clearing)
{
    const uint64_t *set = a;
    int members = 0;
    for (size_t i = 0; i < n; i++)
        for (uint64_t x = set[i]; x; x &= x - 1)
            members++;
    UNUSED(b), UNUSED(out), UNUSED(k);
    return (uint64_t)members;
}

KERNEL(hamming_u32)
{
    const uint32_t *x = a, *y = b;
    unsigned distance = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t d = x[i] ^ y[i];
        d -= (d >> 1) & 0x55555555u;
        d = (d & 0x33333333u) + ((d >> 2) & 0x33333333u);
        distance += (((d + (d >> 4)) & 0x0f0f0f0fu) * 0x01010101u) >> 24;
    }
    UNUSED(out), UNUSED(k);
    return distance;
}
