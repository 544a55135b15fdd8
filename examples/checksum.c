/* Checksums of one buffer: CRC-32, Adler-32, Internet checksum, a parity byte and the number of bits. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 150 * 1000 };

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t table[256], crc = 0xffffffffu;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    for (size_t i = 0; i < n; i++)
        crc = table[(crc ^ p[i]) & 0xff] ^ (crc >> 8);
    return ~crc;
}

static uint32_t adler32_of(const uint8_t *p, size_t n)
{
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = (low + p[i]) % 65521;
        high = (high + low) % 65521;
    }
    return high << 16 | low;
}

static uint16_t internet_checksum(const uint16_t *word, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += word[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint8_t parity_of(const uint8_t *p, size_t n)
{
    uint8_t parity = 0;
    for (size_t i = 0; i < n; i++)
        parity ^= p[i];
    return parity;
}

static unsigned count_bits(const uint8_t *p, size_t n)
{
    unsigned bits = 0;
    for (size_t i = 0; i < n; i++)
        for (uint8_t x = p[i]; x; x &= (uint8_t)(x - 1))
            bits++;
    return bits;
}

int main(void)
{
    uint16_t *words = malloc(BYTES);
    if (!words)
        return 1;
    uint8_t *bytes = (uint8_t *)words;
    uint32_t x = 7;
    for (size_t i = 0; i < BYTES; i++) {
        x = x * 69069u + 1u;
        bytes[i] = (uint8_t)(x >> 24);
    }
    printf("crc32 %08x, adler32 %08x, internet %04x, parity %02x, %u bits set\n",
           crc32_of(bytes, BYTES), adler32_of(bytes, BYTES), internet_checksum(words, BYTES / 2),
           parity_of(bytes, BYTES), count_bits(bytes, BYTES));
    free(words);
    return 0;
}
