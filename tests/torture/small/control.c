/* switch with and without fall-through, goto, labels as values, nested break and continue. */
#include <stdio.h>

static int classify(int x) {
    int score = 0;
    switch (x & 7) {
    case 0:
        score += 1;
    case 1:
        score += 10;
        break;
    case 2:
    case 5:
        return -x;
    case 7:
        for (int i = 0; i < 5; i++) {
            if (i == 3)
                break;
            if (i == 1)
                continue;
            score += i + x;
        }
        break;
    default:
        score = x * 3;
    }
    return score;
}

static int machine(const char *program) {
    static const void *const operations[] = {&&add, &&twice, &&minus, &&stop};
    int value = 1;
    goto *operations[*program - '0'];
add:
    value += 5;
    goto *operations[*++program - '0'];
twice:
    value *= 2;
    goto *operations[*++program - '0'];
minus:
    value -= 3;
    goto *operations[*++program - '0'];
stop:
    return value;
}

static int first_pair(int wanted) {
    int a, b;
    for (a = 1; a < 50; a++)
        for (b = a; b < 50; b++)
            if (a * b == wanted)
                goto found;
    return -1;
found:
    return a * 100 + b;
}

int main(void) {
    long total = 0;
    for (int x = -20; x < 60; x++)
        total = total * 3 % 1000003 + classify(x);
    printf("%ld\n", total);
    printf("%d %d\n", machine("0113"), machine("1120113"));
    printf("%d %d %d\n", first_pair(91), first_pair(97 * 2), first_pair(1024));
    int n = 27, steps = 0;
    do {
        n = n % 2 ? 3 * n + 1 : n / 2;
        steps++;
    } while (n != 1);
    printf("%d\n", steps);
    return 0;
}
