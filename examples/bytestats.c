/* What kind of bytes is this? Classes, extremes and runs, as `file` and editors ask before opening. */
#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 256 * 1024 };

struct classes {
    size_t upper, lower, digits, blanks, controls, high;
};

static void make_bytes(unsigned char *p)
{
    unsigned x = 5;
    for (size_t i = 0; i < BYTES; i++) {
        x = x * 22695477u + 1u;
        p[i] = (unsigned char)((x >> 16) % 97 == 0 ? x >> 24 : 32 + (x >> 17) % 95);
    }
}

static struct classes classify(const unsigned char *p, size_t n)
{
    struct classes c = {0};
    for (size_t i = 0; i < n; i++)
        c.upper += p[i] >= 'A' && p[i] <= 'Z';
    for (size_t i = 0; i < n; i++)
        c.lower += p[i] >= 'a' && p[i] <= 'z';
    for (size_t i = 0; i < n; i++)
        c.digits += p[i] >= '0' && p[i] <= '9';
    for (size_t i = 0; i < n; i++)
        c.blanks += p[i] == ' ' || (p[i] >= '\t' && p[i] <= '\r');
    for (size_t i = 0; i < n; i++)
        c.controls += p[i] < 32 || p[i] == 127;
    for (size_t i = 0; i < n; i++)
        c.high += p[i] >= 128;
    return c;
}

static size_t first_binary(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == 0)
            return i;
    return n;
}

static void fold_case(unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] |= 0x20;
}

int main(void)
{
    unsigned char *p = malloc(BYTES);
    if (!p)
        return 1;
    make_bytes(p);
    struct classes c = classify(p, BYTES);
    size_t binary = first_binary(p, BYTES);
    fold_case(p, BYTES);
    struct classes folded = classify(p, BYTES);
    printf("upper %zu, lower %zu, digits %zu, blanks %zu, controls %zu, high %zu, first zero at %zu\n",
           c.upper, c.lower, c.digits, c.blanks, c.controls, c.high, binary);
    printf("after folding: upper %zu, lower %zu\n", folded.upper, folded.lower);
    free(p);
    return 0;
}
