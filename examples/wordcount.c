/* wc: lines, words and bytes of a text made here, once by a state machine and once loop by loop. */
#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 300 * 1000 };

static void make_text(char *text)
{
    static const char words[] = "the compiler reads a line and writes another one that is shorter ";
    unsigned x = 12345;
    for (size_t i = 0; i < BYTES; i++) {
        text[i] = words[i % (sizeof words - 1)];
        x = x * 1103515245u + 12345u;
        if (text[i] == ' ' && (x >> 16) % 9 == 0)
            text[i] = '\n';
    }
}

static size_t count_lines(const char *text, size_t n)
{
    size_t lines = 0;
    for (const char *p = text; p < text + n; p++)
        if (*p == '\n')
            lines++;
    return lines;
}

static size_t count_words(const char *text, size_t n)
{
    size_t words = 0;
    int inside = 0;
    for (size_t i = 0; i < n; i++) {
        int is_blank = text[i] == ' ' || text[i] == '\n' || text[i] == '\t';
        words += inside && is_blank;
        inside = !is_blank;
    }
    return words + (size_t)inside;
}

static size_t longest_line(const char *text, size_t n)
{
    size_t longest = 0, start = 0;
    while (start < n) {
        size_t end = start;
        while (end < n && text[end] != '\n')
            end++;
        if (end - start > longest)
            longest = end - start;
        start = end + 1;
    }
    return longest;
}

int main(void)
{
    char *text = malloc(BYTES);
    if (!text)
        return 1;
    make_text(text);
    printf("%zu lines, %zu words, %d bytes, longest line %zu\n", count_lines(text, BYTES),
           count_words(text, BYTES), BYTES, longest_line(text, BYTES));
    free(text);
    return 0;
}
