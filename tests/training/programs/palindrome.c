#include <stdio.h>
#include <string.h>

int main(void)
{
    char word[128];
    while (scanf("%127s", word) == 1) {
        size_t n = strlen(word), i = 0;
        while (i < n / 2 && word[i] == word[n - 1 - i])
            i++;
        puts(i < n / 2 ? "no" : "yes");
    }
    return 0;
}
