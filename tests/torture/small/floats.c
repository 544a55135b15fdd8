/* Floating point: series, NaN, signed zero, infinities, subnormals, conversions, rounding. */
#include <float.h>
#include <math.h>
#include <stdio.h>

enum { N = 129 };

static double values[N];
static volatile double nothing;

__attribute__((noinline)) void maximum(double *o, const double *a, long n, double k) {
    for (long i = 0; i < n; i++)
        o[i] = a[i] > k ? a[i] : k;
}

__attribute__((noinline)) double horner(const double *c, int n, double x) {
    double y = 0;
    for (int i = n - 1; i >= 0; i--)
        y = y * x + c[i];
    return y;
}

__attribute__((noinline)) void fill(const double *from) {
    double zero = nothing;
    for (int i = 0; i < N; i++)
        values[i] = i % 11 == 10 ? zero / zero : i % 13 == 12 ? 1 / zero : from[i % 8];
}

int main(void) {
    static const double odd[] = {0.0, -0.0, 1.5, -2.25, DBL_MIN / 8, -DBL_MIN / 8, DBL_MAX, -DBL_MAX};
    static double top[N];
    fill(odd);
    maximum(top, values, N, -0.0);
    int nans = 0, negative_zeros = 0, infinite = 0, small = 0;
    for (int i = 0; i < N; i++) {
        nans += isnan(top[i]) != 0;
        negative_zeros += top[i] == 0 && signbit(top[i]);
        infinite += isinf(top[i]) != 0;
        small += fpclassify(top[i]) == FP_SUBNORMAL;
    }
    printf("%d %d %d %d\n", nans, negative_zeros, infinite, small);
    static const double c[] = {1, 1, 1 / 2., 1 / 6., 1 / 24., 1 / 120., 1 / 720.};
    printf("%.12f %.12f\n", horner(c, 7, 1), horner(c, 7, -0.5));
    printf("%d %d %u %.1f\n", (int)-2.7, (int)2.7, (unsigned)3e9, (double)(float)16777217);
    printf("%.3f %.3f %.3f %.3f\n", floor(-1.5), ceil(-1.5), rint(2.5), fmod(-7.5, 2));
    printf("%a %g %e\n", 0.1, 1e-5, 12345.678);
    return 0;
}
