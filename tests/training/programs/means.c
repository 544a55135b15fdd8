#include <math.h>
#include <stdio.h>

int main(void)
{
    double x, sum = 0, squares = 0;
    int n = 0;
    while (scanf("%lf", &x) == 1) {
        sum += x;
        squares += x * x;
        n++;
    }
    if (n == 0)
        return 1;
    printf("%.6f %.6f\n", sum / n, sqrt(squares / n));
    return 0;
}
