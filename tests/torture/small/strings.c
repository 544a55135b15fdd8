/* Strings by hand: length, compare, reverse, words, and the library's own. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

__attribute__((noinline)) size_t length(const char *s) {
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

__attribute__((noinline)) int upper(char *s) {
    int changed = 0;
    for (; *s; s++)
        if (*s >= 'a' && *s <= 'z') {
            *s = (char)(*s - 'a' + 'A');
            changed++;
        }
    return changed;
}

static void reverse(char *s, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        char kept = s[i];
        s[i] = s[n - 1 - i];
        s[n - 1 - i] = kept;
    }
}

static int words(const char *s) {
    int count = 0, inside = 0;
    for (; *s; s++) {
        if (isspace((unsigned char)*s))
            inside = 0;
        else if (!inside) {
            inside = 1;
            count++;
        }
    }
    return count;
}

int main(void) {
    char text[200] = "the quick  brown fox\tjumps over\nthe lazy dog";
    printf("%zu %zu %d\n", length(text), strlen(text), words(text));
    printf("%d %s\n", upper(text), text);
    reverse(text, length(text));
    printf("%s\n", text);
    for (size_t n = 0; n < 100; n++) {
        memset(text, 'x', n);
        text[n] = 0;
        if (length(text) != n)
            printf("wrong at %zu\n", n);
    }
    char joined[64] = "";
    for (int i = 0; i < 5; i++)
        snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%d,", i * i);
    printf("%s %d\n", joined, strcmp(joined, "0,1,4,9,16,"));
    return 0;
}
