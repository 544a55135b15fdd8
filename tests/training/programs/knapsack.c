#include <stdio.h>

int main(void)
{
    static int best[1001];
    int count, room, weight, value;
    if (scanf("%d %d", &count, &room) != 2 || room < 0 || room > 1000)
        return 1;
    while (count-- > 0 && scanf("%d %d", &weight, &value) == 2)
        for (int w = room; w >= weight; w--)
            if (best[w - weight] + value > best[w])
                best[w] = best[w - weight] + value;
    printf("%d\n", best[room]);
    return 0;
}
