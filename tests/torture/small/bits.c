/* Integer corners: shifts, wrap-around, division, bit counts, sieve, checksum, 128 bits. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

enum { N = 1000 };

static uint32_t words[N];
static unsigned char composite[N];

__attribute__((noinline)) uint32_t xor_all(const uint32_t *a, long n) {
    uint32_t x = 0;
    for (long i = 0; i < n; i++)
        x ^= a[i];
    return x;
}

__attribute__((noinline)) void invert(uint32_t *a, long n, uint32_t mask) {
    for (long i = 0; i < n; i++)
        a[i] = a[i] ^ mask;
}

static uint32_t crc(const void *data, long n) {
    const unsigned char *bytes = data;
    uint32_t value = ~0u;
    for (long i = 0; i < n; i++) {
        value ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
    }
    return ~value;
}

__attribute__((noinline)) static void corners(void) {
    volatile int least = INT_MIN, minus = -7;
    printf("%d %d %d %d\n", minus / 2, minus % 2, minus >> 1, least / 2);
    printf("%u %d\n", (unsigned)least - 1u, (signed char)(least + 200));
}

int main(void) {
    for (uint32_t i = 0, x = 1; i < N; i++)
        words[i] = x = x * 1664525u + 1013904223u;
    for (int n = 0; n < 40; n++)
        printf("%08x%c", xor_all(words + n % 3, n * 17), n % 8 == 7 ? '\n' : ' ');
    invert(words + 1, N - 1, 0x0F0F0F0Fu);
    printf("%08x %08x\n", crc(words, sizeof words), crc("123456789", 9));
    for (int i = 2; i * i < N; i++)
        for (int j = i * i; !composite[i] && j < N; j += i)
            composite[j] = 1;
    int primes = 0;
    for (int i = 2; i < N; i++)
        primes += !composite[i];
    int ones = 0;
    for (int i = 0; i < N; i++)
        ones += __builtin_popcount(words[i]);
    printf("%d %d\n", primes, ones);
    corners();
    unsigned __int128 wide = (unsigned __int128)UINT64_MAX * UINT64_MAX;
    printf("%llx %llx\n", (unsigned long long)(wide >> 64), (unsigned long long)wide);
    return 0;
}
