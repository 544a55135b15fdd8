/* One calling convention for every kernel, so that one driver can call them all.
 *
 * a, b   arrays that are only read (b may be unused)
 * out    array that is written; a kernel that works in place reads and writes only this one
 * n      number of elements
 * k      a number the loop compares or computes with
 *
 * The answer is what the loop found; 0 for a kernel that only writes.
 * kernels.csv says what each kernel takes and what its data look like.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KERNEL(name) \
    uint64_t k_##name(const void *a, const void *b, void *out, size_t n, int64_t k)

#define UNUSED(x) ((void)(x))

static inline uint64_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#endif
