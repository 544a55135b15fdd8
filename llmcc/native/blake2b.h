/* BLAKE2b with a 32-byte digest and no key (RFC 7693): the same as hashlib.blake2b(digest_size=32). */
#ifndef LLMCC_BLAKE2B_H
#define LLMCC_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX = 64 };

typedef struct {
    uint64_t state[8];
    uint64_t length_bytes; /* units are far below 2^64 bytes */
    unsigned char block[128];
    size_t fill;
} Blake2b;

void blake2b_init(Blake2b *hash);
void blake2b_add(Blake2b *hash, const void *data, size_t size);
/* Add a string and its terminating zero, so that neighbours cannot run into each other. */
void blake2b_add_string(Blake2b *hash, const char *text);
/* Write 64 lower-case hexadecimal digits and a zero. */
void blake2b_hex(Blake2b *hash, char hex[DIGEST_HEX + 1]);

#endif
