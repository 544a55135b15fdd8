#include <stddef.h>
int sum(const int *p, const int *e) { int s = 0; for (; p != e; ++p) s += *p; return s; }
size_t count(const unsigned char *p, size_t n, unsigned char c)
{ size_t k = 0; for (size_t i = 0; i < n; i++) if (p[i] == c) k += 3; else k += i >> 3; return k; }
long find(const int *a, long n, int v) { for (long i = 0; i < n; i++) if (a[i] == v) return i; return -1; }
const char *byte(const char *p, const char *e, char c) { while (p < e) { if (*p == c) return p; p++; } return 0; }
const char *end(const char *p) { while (*p) p++; return p; }
void cap(int *a, int n, int t) { for (int i = 0; i < n; i++) if (a[i] > t) a[i] = t; }
long mismatch(const int *a, const int *b, long n) { for (long i = 0; i < n; i++) if (a[i] != b[i]) return i; return n; }
void inplace(int *a, int n) { for (int i = 0; i < n; i++) a[i] = a[i] * 3 + 1; }
void map(int *a, const int *b, int n) { for (int i = 0; i < n; i++) a[i] = b[i] * 5 - 7; }
float fsum(const float *a, int n) { float s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
void fmap(float *a, const float *b, int n, float k) { for (int i = 0; i < n; i++) a[i] = b[i] * k + 1.0f; }
int bits(unsigned long x) { int n = 0; while (x) { n++; x &= x - 1; } return n; }
int palindrome(const char *s, long n) { for (long i = 0, j = n - 1; i < j; i++, j--) if (s[i] != s[j]) return 0; return 1; }
void reverse(int *a, const int *b, long n) { for (long i = 0; i < n; i++) a[i] = b[n - 1 - i]; }
int fixed(const int *a, int v) { for (int i = 0; i < 1000; i++) if (a[i] == v) return i; return -1; }
int last(const int *a, int n, int v) { for (int i = n - 1; i >= 0; i--) if (a[i] == v) return i; return -1; }
int stack(int v, void (*f)(int *)) { int a[100]; f(a); for (int i = 0; i < 100; i++) if (a[i] == v) return i; return -1; }
int third(const int *a, long n) { int s = 0; for (long i = 0; i < n; i += 3) s ^= a[i]; return s; }
void upper(char *s) { for (; *s; s++) if (*s >= 'a' && *s <= 'z') *s -= 32; }
int chosen(const char *c, const int *a, long n) { int s = 0; for (long i = 0; i < n; i++) if (c[i]) s += a[i] ^ s; return s; }
