/* Structs by value, unions, bit-fields, nested arrays, function pointers in tables, lists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int x, y;
    double weight;
    char name[12];
} Point;

struct flags {
    unsigned a : 3, b : 5;
    int c : 6;
    unsigned long d : 40;
};

struct node {
    int value;
    struct node *next;
};

static Point moved(Point p, int by) {
    p.x += by;
    p.y -= by;
    p.weight *= 1.5;
    p.name[0]++;
    return p;
}

static int plus(int a, int b) { return a + b; }
static int minus(int a, int b) { return a - b; }
static int times(int a, int b) { return a * b; }

static struct node *reversed(struct node *list) {
    struct node *back = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = back;
        back = list;
        list = next;
    }
    return back;
}

int main(void) {
    Point points[20];
    for (int i = 0; i < 20; i++) {
        points[i] = (Point){.x = i, .y = 2 * i, .weight = 1, .name = "a"};
        if (i)
            points[i] = moved(points[i - 1], i);
    }
    printf("%d %d %.4f %s\n", points[19].x, points[19].y, points[19].weight, points[19].name);

    struct flags f = {.a = 9, .b = 33, .c = 40, .d = 1ul << 39};
    f.a += 7, f.c -= 70, f.d |= 5;
    printf("%u %u %d %lx\n", f.a, f.b, f.c, (unsigned long)f.d);

    union {
        float f;
        unsigned u;
        unsigned char bytes[4];
    } pun = {.f = -1.5f};
    printf("%08x %02x\n", pun.u, pun.bytes[3]);

    static int (*const table[])(int, int) = {plus, minus, times};
    int value = 3;
    for (int i = 0; i < 12; i++)
        value = table[i % 3](value, i);
    printf("%d\n", value);

    struct node *list = NULL;
    for (int i = 0; i < 10; i++) {
        struct node *node = malloc(sizeof *node);
        *node = (struct node){i * i, list};
        list = node;
    }
    for (struct node *node = reversed(list); node;) {
        struct node *next = node->next;
        printf("%d ", node->value);
        free(node);
        node = next;
    }
    int matrix[7][9];
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 9; j++)
            matrix[i][j] = i * j - (i ^ j);
    int trace = 0;
    for (int i = 0; i < 7; i++)
        trace += matrix[i][8 - i];
    printf("\n%d %zu\n", trace, sizeof matrix);
    return 0;
}
