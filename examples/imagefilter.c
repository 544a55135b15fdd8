/* Work on a grey image: brighten, threshold, blur and compare, row by row. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 400, HEIGHT = 300, PIXELS = WIDTH * HEIGHT };

static void draw(uint8_t *image)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            image[y * WIDTH + x] = (uint8_t)((x * x + y * y) / 256 ^ (x * 7 + y * 13));
}

static void brighten(uint8_t *to, const uint8_t *from, int n, int by)
{
    for (int i = 0; i < n; i++) {
        int v = from[i] + by;
        to[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

static void threshold(uint8_t *pixel, int n, uint8_t limit)
{
    for (int i = 0; i < n; i++)
        if (pixel[i] < limit)
            pixel[i] = 0;
}

static void blur_rows(uint8_t *to, const uint8_t *from)
{
    for (int y = 1; y < HEIGHT - 1; y++)
        for (int x = 0; x < WIDTH; x++) {
            const uint8_t *p = from + y * WIDTH + x;
            to[y * WIDTH + x] = (uint8_t)((p[-WIDTH] + 2 * p[0] + p[WIDTH]) / 4);
        }
}

static int count_equal(const uint8_t *x, const uint8_t *y, int n)
{
    int equal = 0;
    for (int i = 0; i < n; i++)
        if (x[i] == y[i])
            equal++;
    return equal;
}

static unsigned mean_of(const uint8_t *pixel, int n)
{
    unsigned sum = 0;
    for (int i = 0; i < n; i++)
        sum += pixel[i];
    return sum / (unsigned)n;
}

static uint8_t brightest(const uint8_t *pixel, int n)
{
    uint8_t top = 0;
    for (int i = 0; i < n; i++)
        if (pixel[i] > top)
            top = pixel[i];
    return top;
}

int main(void)
{
    uint8_t *image = calloc(3, PIXELS);
    if (!image)
        return 1;
    uint8_t *bright = image + PIXELS, *blurred = bright + PIXELS;
    draw(image);
    brighten(bright, image, PIXELS, 40);
    threshold(bright, PIXELS, 96);
    blur_rows(blurred, bright);
    printf("mean %u, bright %u, blurred %u, brightest %u, %d pixels as before\n",
           mean_of(image, PIXELS), mean_of(bright, PIXELS), mean_of(blurred, PIXELS),
           brightest(blurred, PIXELS), count_equal(image, blurred, PIXELS));
    free(image);
    return 0;
}
