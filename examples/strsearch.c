/* Search strings: by first byte and compare, and the places where two texts part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 250 * 1000 };

static void make_text(char *text)
{
    unsigned x = 99;
    for (size_t i = 0; i < BYTES; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        text[i] = "etaoinshrdlucmfw yp"[x % 19];
    }
    memcpy(text + BYTES - 1234, "needle", 6);
    text[BYTES] = '\0';
}

static size_t length_of(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

static const char *find(const char *text, size_t n, const char *word, size_t m)
{
    for (size_t at = 0; at + m <= n; at++) {
        if (text[at] != word[0])
            continue;
        size_t same = 1;
        while (same < m && text[at + same] == word[same])
            same++;
        if (same == m)
            return text + at;
    }
    return NULL;
}

static size_t common_prefix(const char *x, const char *y, size_t n)
{
    size_t i = 0;
    while (i < n && x[i] == y[i])
        i++;
    return i;
}

static size_t last_of(const char *text, size_t n, char wanted)
{
    while (n > 0 && text[n - 1] != wanted)
        n--;
    return n;
}

int main(void)
{
    char *text = malloc(BYTES + 1), *copy = malloc(BYTES + 1);
    if (!text || !copy)
        return 1;
    make_text(text);
    memcpy(copy, text, BYTES + 1);
    copy[200000] ^= 1;
    size_t n = length_of(text);
    const char *found = find(text, n, "needle", 6), *missing = find(text, n, "haystack", 8);
    printf("length %zu, needle at %td, haystack %s, texts part at %zu, last blank at %zu\n", n,
           found ? found - text : -1, missing ? "found" : "not found", common_prefix(text, copy, n),
           last_of(text, n, ' '));
    free(copy);
    free(text);
    return 0;
}
