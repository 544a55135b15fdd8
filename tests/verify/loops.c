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
void absolute(int *a, const int *b, int n) { for (int i = 0; i < n; i++) a[i] = b[i] < 0 ? -b[i] : b[i]; }
void saturate(unsigned char *a, const unsigned char *b, long n)
{ for (long i = 0; i < n; i++) { unsigned t = b[i] + 40u; a[i] = t > 255 ? 255 : t; } }
void halve(short *a, const short *b, long n) { for (long i = 0; i < n; i++) a[i] = b[i] >> 1; }
long quads(const long *p, const long *e) { long s = 0; for (; p != e; ++p) s += *p; return s; }
int least(const int *p, const int *e, int m) { for (; p != e; ++p) m = *p < m ? *p : m; return m; }
unsigned below(const unsigned *p, const unsigned *e, unsigned t) { unsigned k = 0; for (; p != e; ++p) k += *p < t; return k; }
unsigned matches(const unsigned char *p, const unsigned char *e, unsigned char c) { unsigned k = 0; for (; p != e; ++p) k += *p == c; return k; }
unsigned bytes(const unsigned char *p, const unsigned char *e) { unsigned s = 0; for (; p != e; ++p) s += *p; return s; }
float smallest(const float *p, const float *e, float m) { for (; p != e; ++p) m = *p < m ? *p : m; return m; }
void floats(float *a, const int *b, long n) { for (long i = 0; i < n; i++) a[i] = b[i]; }
long argmin(const int *a, long n) { long k = 0; int m = a[0]; for (long i = 1; i < n; i++) if (a[i] < m) { m = a[i]; k = i; } return k; }
static __attribute__((noinline)) int total(const int *p, const int *e) { int s = 0; do s += *p++; while (p != e); return s; }
int caller(const int *p, const int *e, int k) { return total(p, e) * k; }
void plus(int *a, const int *b, const int *c, long n) { for (long i = 0; i < n; i++) a[i] = b[i] + c[i]; }
int ones(const unsigned long *p, const unsigned long *e) { int k = 0; for (; p != e; ++p) { unsigned long x = *p; x ^= x >> 1; k += (int)(x & 1); } return k; }
int compare(const char *a, const char *b) { while (*a && *a == *b) { a++; b++; } return *a - *b; }
const char *spaces(const char *p) { while (*p == ' ') p++; return p; }
void kept(char *a, const int *n) { for (int i = 0; i < *n; i++) a[i] ^= 1; }
size_t slash(const char *p, size_t n, size_t least) { while (n > least && p[n - 1] == '/') n--; return n; }
void threes(int *a, int n, int s) { for (long i = 3; (int)(i - 2) < n; i += 3) a[i] = s += a[i]; }
int leading(unsigned x) { int n = 0; while ((int)x >= 0) { n++; x <<= 1; } return n; }
void evens(int *a, const int *b, long n) { for (long i = 0; i < n; i++) a[i] = b[2 * i]; }
