/* Matrices: product, transpose, trace and the largest entry. The product adds in a fixed order. */
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 120 };

typedef double matrix[SIZE][SIZE];

static void fill(matrix m, unsigned seed)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            seed = seed * 1664525u + 1013904223u;
            m[i][j] = (double)(seed >> 8) / 65536.0 - 128.0;
        }
}

static void multiply(matrix product, matrix x, matrix y)
{
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++)
            product[i][j] = 0.0;
        for (int k = 0; k < SIZE; k++)
            for (int j = 0; j < SIZE; j++)
                product[i][j] += x[i][k] * y[k][j];
    }
}

static void transpose(matrix to, matrix from)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            to[j][i] = from[i][j];
}

static double largest(matrix m)
{
    const double *entry = &m[0][0];
    double top = entry[0];
    for (int i = 1; i < SIZE * SIZE; i++)
        if (entry[i] > top)
            top = entry[i];
    return top;
}

static int count_negative(matrix m)
{
    const double *entry = &m[0][0];
    int count = 0;
    for (int i = 0; i < SIZE * SIZE; i++)
        if (entry[i] < 0.0)
            count++;
    return count;
}

int main(void)
{
    matrix *m = malloc(4 * sizeof *m);
    if (!m)
        return 1;
    fill(m[0], 1);
    fill(m[1], 2);
    multiply(m[2], m[0], m[1]);
    transpose(m[3], m[2]);
    double trace = 0.0;
    for (int i = 0; i < SIZE; i++)
        trace += m[2][i][i];
    printf("trace %.6f, largest %.6f, %d entries below zero, corner %.6f = %.6f\n", trace,
           largest(m[2]), count_negative(m[3]), m[2][0][SIZE - 1], m[3][SIZE - 1][0]);
    free(m);
    return 0;
}
