/* BLAKE2b, written from RFC 7693 sections 2 and 3. */
#include "blake2b.h"

#include <string.h>

static const uint64_t INITIAL[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

/* RFC 7693 section 2.7; rounds 10 and 11 use rows 0 and 1 again. */
static const unsigned char SCHEDULE[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint64_t rotate_right(uint64_t value, unsigned count) {
    return value >> count | value << (64 - count);
}

static void mix(uint64_t v[16], int a, int b, int c, int d, uint64_t x, uint64_t y) {
    v[a] += v[b] + x;
    v[d] = rotate_right(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotate_right(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotate_right(v[b] ^ v[c], 63);
}

static void compress(Blake2b *hash, int is_last) {
    uint64_t v[16], m[16];
    /* x86-64 only, so the bytes already stand in the order the RFC asks for. */
    memcpy(m, hash->block, sizeof m);
    memcpy(v, hash->state, sizeof hash->state);
    memcpy(v + 8, INITIAL, sizeof INITIAL);
    v[12] ^= hash->length_bytes;
    if (is_last)
        v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const unsigned char *s = SCHEDULE[round % 10];
        mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
        mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
        mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
        mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
        mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
        mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
        mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
        mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++)
        hash->state[i] ^= v[i] ^ v[i + 8];
}

void blake2b_init(Blake2b *hash) {
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, INITIAL, sizeof INITIAL);
    /* parameter block: fan-out 1, depth 1, no key, digest length */
    hash->state[0] ^= 0x01010000 ^ DIGEST_BYTES;
}

void blake2b_add(Blake2b *hash, const void *data, size_t size) {
    const unsigned char *bytes = data;
    while (size > 0) {
        /* A full block is compressed only when more follows: the last one is marked. */
        if (hash->fill == sizeof hash->block) {
            hash->length_bytes += sizeof hash->block;
            compress(hash, 0);
            hash->fill = 0;
        }
        size_t part = sizeof hash->block - hash->fill;
        if (part > size)
            part = size;
        memcpy(hash->block + hash->fill, bytes, part);
        hash->fill += part;
        bytes += part;
        size -= part;
    }
}

void blake2b_add_string(Blake2b *hash, const char *text) {
    blake2b_add(hash, text, strlen(text) + 1);
}

void blake2b_hex(Blake2b *hash, char hex[DIGEST_HEX + 1]) {
    static const char DIGITS[] = "0123456789abcdef";
    hash->length_bytes += hash->fill;
    memset(hash->block + hash->fill, 0, sizeof hash->block - hash->fill);
    compress(hash, 1);
    const unsigned char *digest = (const unsigned char *)hash->state;
    for (int i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = DIGITS[digest[i] >> 4];
        hex[2 * i + 1] = DIGITS[digest[i] & 15];
    }
    hex[DIGEST_HEX] = 0;
}
