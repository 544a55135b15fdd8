#include <stdio.h>

/* Counts the bits that are set in each number of a list. */
int main(void)
{
    unsigned int x, total = 0;
    while (scanf("%u", &x) == 1) {
        while (x) {
            total += x & 1u;
            x >>= 1;
        }
    }
    printf("%u\n", total);
    return 0;
}
