/* Recursion: Ackermann, queens, permutations, quicksort through a function pointer. */
#include <stdio.h>
#include <stdlib.h>

static unsigned ackermann(unsigned m, unsigned n) {
    if (!m)
        return n + 1;
    return n ? ackermann(m - 1, ackermann(m, n - 1)) : ackermann(m - 1, 1);
}

static int queens(int row, unsigned columns, unsigned left, unsigned right) {
    int count = 0;
    if (row == 8)
        return 1;
    for (unsigned bit = 1; bit < 256; bit <<= 1)
        if (!(bit & (columns | left | right)))
            count += queens(row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    return count;
}

static int permutations(char *s, int from, int length) {
    if (from == length) {
        int ascents = 0;
        for (int i = 1; i < length; i++)
            ascents += s[i - 1] < s[i];
        return ascents == 2;
    }
    int count = 0;
    for (int i = from; i < length; i++) {
        char kept = s[from];
        s[from] = s[i], s[i] = kept;
        count += permutations(s, from + 1, length);
        s[i] = s[from], s[from] = kept;
    }
    return count;
}

static int by_last_digit(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return x % 10 != y % 10 ? x % 10 - y % 10 : (x > y) - (x < y);
}

int main(void) {
    char letters[] = "abcdef";
    int numbers[40];
    printf("%u %d %d\n", ackermann(2, 9), queens(0, 0, 0, 0), permutations(letters, 0, 6));
    for (int i = 0; i < 40; i++)
        numbers[i] = i * 71 % 113;
    qsort(numbers, 40, sizeof *numbers, by_last_digit);
    for (int i = 0; i < 40; i++)
        printf("%d%c", numbers[i], i % 10 == 9 ? '\n' : ' ');
    return 0;
}
