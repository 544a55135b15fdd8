/* What the log scanner looks for. */
#include <stddef.h>
#include <stdint.h>

size_t count_byte(const unsigned char *p, size_t n, unsigned char wanted);
size_t count_digits(const unsigned char *p, size_t n);
size_t count_non_ascii(const unsigned char *p, size_t n);
size_t find_byte(const unsigned char *p, size_t n, unsigned char wanted);
int find_slowest(const int *times, int n);
int find_fastest(const int *times, int n);
int count_over(const int *times, int n, int limit);
int find_timeout(const int *times, int n, int timeout);
int64_t add_up(const int *times, int n);
