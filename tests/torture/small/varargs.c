/* Variable arguments of several types, passed on, copied, and more of them than registers. */
#include <stdarg.h>
#include <stdio.h>

static double total(const char *kinds, ...) {
    va_list arguments, again;
    double sum = 0, twice = 0;
    va_start(arguments, kinds);
    va_copy(again, arguments);
    for (const char *kind = kinds; *kind; kind++)
        switch (*kind) {
        case 'i': sum += va_arg(arguments, int); break;
        case 'l': sum += (double)va_arg(arguments, long); break;
        case 'd': sum += va_arg(arguments, double); break;
        case 's': sum += *va_arg(arguments, const char *) - '0'; break;
        }
    if (*kinds == 'i')
        twice = va_arg(again, int);
    va_end(again);
    va_end(arguments);
    return sum + 1000 * twice;
}

static int told(char *into, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(into, size, format, arguments);
    va_end(arguments);
    return written;
}

int main(void) {
    char text[80];
    printf("%.2f\n", total("ildis", 1, 20L, 0.25, 300, "7"));
    printf("%.2f\n", total("dddddddddd", .5, .5, .5, .5, .5, .5, .5, .5, .5, .5));
    printf("%.2f\n", total("iiiiiiiiiid", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0.125));
    int written = told(text, sizeof text, "%s %5d|%-5d|%05d %x %c %.2e", "so", 42, 42, 42, 255, '!', 1e10);
    printf("%d %s\n", written, text);
    written = told(text, 8, "%s", "cut off here");
    printf("%d %s\n", written, text);
    return 0;
}
