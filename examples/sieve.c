/* The sieve of Eratosthenes, and what can be said about the primes it leaves. */
#include <stdio.h>
#include <string.h>

enum { LIMIT = 500 * 1000 };

static unsigned char composite[LIMIT + 1];
static int primes[50000];

static void sieve(void)
{
    composite[0] = composite[1] = 1;
    for (long p = 2; p * p <= LIMIT; p++)
        if (!composite[p])
            for (long m = p * p; m <= LIMIT; m += p)
                composite[m] = 1;
}

static int count_primes(const unsigned char *flags, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        if (!flags[i])
            count++;
    return count;
}

static int collect(const unsigned char *flags, int n, int *found)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        if (!flags[i])
            found[count++] = i;
    return count;
}

static int widest_gap(const int *p, int n)
{
    int widest = 0;
    for (int i = 1; i < n; i++)
        if (p[i] - p[i - 1] > widest)
            widest = p[i] - p[i - 1];
    return widest;
}

static int count_twins(const int *p, int n)
{
    int twins = 0;
    for (int i = 1; i < n; i++)
        if (p[i] - p[i - 1] == 2)
            twins++;
    return twins;
}

int main(void)
{
    sieve();
    int count = count_primes(composite, LIMIT + 1);
    int collected = collect(composite, LIMIT + 1, primes);
    unsigned folded = 0;
    for (int i = 0; i < collected; i++)
        folded ^= (unsigned)primes[i];
    printf("%d primes up to %d, the last is %d, widest gap %d, %d twins, xor %u\n", count, LIMIT,
           primes[collected - 1], widest_gap(primes, collected), count_twins(primes, collected), folded);
    return count != collected;
}
