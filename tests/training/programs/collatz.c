#include <stdio.h>

int main(void)
{
    long n, steps = 0;
    if (scanf("%ld", &n) != 1 || n < 1)
        return 1;
    for (; n != 1; steps++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    printf("%ld\n", steps);
    return 0;
}
