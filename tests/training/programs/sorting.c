#include <stdio.h>

int main(void)
{
    int a[256], n = 0;
    while (n < 256 && scanf("%d", &a[n]) == 1) {
        int x = a[n], i = n++;
        for (; i > 0 && a[i - 1] > x; i--)
            a[i] = a[i - 1];
        a[i] = x;
    }
    for (int i = 0; i < n; i++)
        printf("%d%c", a[i], i + 1 < n ? ' ' : '\n');
    return 0;
}
