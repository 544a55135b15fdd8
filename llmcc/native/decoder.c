/* A forward pass of a Llama-type decoder over a tree of tokens, for one core.
 *
 * A node of the tree is a token with what stands before it; its keys and values are kept once,
 * however many texts go through it. A text is the path to its last node. All rows of a call go
 * through a layer before any goes through the next, so that whole prompts (rows of one path) and
 * single steps (one row for each of many paths) are the same thing.
 *
 * Weights, keys and values are float16, everything else float32. A matrix of IN x OUT lies in panels
 * of PANEL columns, [OUT / PANEL][IN][PANEL], the last one filled up with zeros: a step reads each
 * weight once, in order. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#endif

#ifdef __AVX512F__
enum { LANES = 16, TILE = 8 }; /* of a vector; rows whose sums fit into the registers */
#else
enum { LANES = 8, TILE = 3 };
#endif
enum {
	PANEL = 32,
	PARTS = PANEL / LANES,
	HEAD = 64 / LANES, /* vectors of a head that are summed at once */
	LINE = 32,         /* halves in a line of the cache */
	AHEAD = 8,         /* nodes that are fetched before they are read: they lie where the tree grew */
};

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef float loose_vector __attribute__((vector_size(4 * LANES), aligned(4)));

struct layer {
	const _Float16 *qkv, *output, *gate_up, *down; /* panels */
	const float *before, *between;                 /* scales of the norms */
};

/* Mirrored by backends/embedded/decoder.py. */
struct decoder {
	int32_t layer_count, size, head_count, feed_forward, vocabulary, context;
	float epsilon;
	const struct layer *layers;
	const _Float16 *head;
	const float *last;           /* scale of the last norm */
	const float *cosine, *sine;  /* [context][size / head_count] */
};

/* Mirrored by backends/embedded/decoder.py. */
struct tree {
	int64_t capacity;         /* nodes */
	_Float16 *keys, *values;  /* [layer_count][capacity][size] */
};

static inline vector widened(const _Float16 *halves)
{
#if defined(__AVX512F__)
	return (vector)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
#elif defined(__F16C__)
	return (vector)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
#else
	/* Exponent and fraction go where a float has them; its exponents begin 112 lower. */
	typedef uint16_t shorts __attribute__((vector_size(2 * LANES), aligned(2)));
	typedef int32_t ints __attribute__((vector_size(4 * LANES)));
	ints bits = __builtin_convertvector(*(const shorts *)halves, ints);
	vector size = (vector)((bits & 0x7fff) << 13) * 0x1p112f;
	return (vector)((ints)size | (bits & 0x8000) << 16);
#endif
}

static inline int padded(int columns)
{
	return (columns + PANEL - 1) / PANEL * PANEL;
}

/* One panel's columns of a few rows' results. */
static inline __attribute__((always_inline)) void multiply_tile(
	const _Float16 *panel, int in, const float *from, float *to, int stride, const int rows)
{
	vector sums[TILE][PARTS] = {0};
	for (int k = 0; k < in; k++)
		for (int part = 0; part < PARTS; part++) {
			vector weights = widened(panel + k * PANEL + part * LANES);
			for (int row = 0; row < rows; row++)
				sums[row][part] += from[row * in + k] * weights;
		}
	for (int row = 0; row < rows; row++)
		memcpy(to + row * stride, sums[row], sizeof sums[row]);
}

/* to[rows][padded(out)] = from[rows][in] times the matrix. */
static void multiply(const _Float16 *panels, int in, int out, const float *from, int rows, float *to)
{
	int stride = padded(out);
	for (int column = 0; column < stride; column += PANEL, panels += (int64_t)in * PANEL)
		for (int row = 0; row < rows; row += TILE) {
			const float *some = from + (int64_t)row * in;
			float *result = to + (int64_t)row * stride + column;
			switch (rows - row) {
			case 1: multiply_tile(panels, in, some, result, stride, 1); break;
			case 2: multiply_tile(panels, in, some, result, stride, 2); break;
#ifdef __AVX512F__
			case 3: multiply_tile(panels, in, some, result, stride, 3); break;
			case 4: multiply_tile(panels, in, some, result, stride, 4); break;
			case 5: multiply_tile(panels, in, some, result, stride, 5); break;
			case 6: multiply_tile(panels, in, some, result, stride, 6); break;
			case 7: multiply_tile(panels, in, some, result, stride, 7); break;
#endif
			default: multiply_tile(panels, in, some, result, stride, TILE);
			}
		}
}

/* Root mean square norm (arXiv:1910.07467). */
static void normalise(const struct decoder *d, const float *scale, const float *from, int rows, float *to)
{
	for (int row = 0; row < rows; row++, from += d->size, to += d->size) {
		float squares = 0;
		for (int n = 0; n < d->size; n++)
			squares += from[n] * from[n];
		float factor = 1 / sqrtf(squares / d->size + d->epsilon);
		for (int n = 0; n < d->size; n++)
			to[n] = from[n] * factor * scale[n];
	}
}

/* e^x, to some units in the last place and within 87 powers; constants of expf of the Cephes library
 * (S. Moshier). */
static inline float exponential(float x)
{
	x = x < -87 ? -87 : x > 87 ? 87 : x;
	float power = rintf(x * 1.44269504f);
	float rest = x - power * 0.693359375f + power * 2.12194440e-4f;
	float sum = 1.9875691500e-4f;
	sum = sum * rest + 1.3981999507e-3f;
	sum = sum * rest + 8.3334519073e-3f;
	sum = sum * rest + 4.1665795894e-2f;
	sum = sum * rest + 1.6666665459e-1f;
	sum = sum * rest + 5.0000001201e-1f;
	sum = sum * rest * rest + rest + 1;
	union { int32_t bits; float value; } scale = {.bits = ((int32_t)power + 127) << 23};
	return sum * scale.value;
}

/* Half-split rotary positions, as in transformers' Llama (arXiv:2104.09864). */
static void turn(const struct decoder *d, float *heads, int position)
{
	int width = d->size / d->head_count, half = width / 2;
	const float *cosine = d->cosine + (int64_t)position * width;
	const float *sine = d->sine + (int64_t)position * width;
	for (int head = 0; head < d->head_count; head++, heads += width)
		for (int n = 0; n < half; n++) {
			float low = heads[n], high = heads[n + half];
			heads[n] = low * cosine[n] - high * sine[n];
			heads[n + half] = high * cosine[n] + low * sine[n];
		}
}

/* The sum of some columns of a path's values, each node's times its share. */
static inline __attribute__((always_inline)) void gather(const _Float16 *values, const int32_t *path,
	int length, int size, const float *shares, float *to, const int vectors)
{
	vector sums[HEAD] = {0};
	for (int n = 0; n < length; n++) {
		const _Float16 *value = values + (int64_t)path[n] * size;
		if (n + AHEAD < length)
			for (int k = 0; k < vectors * LANES; k += LINE)
				__builtin_prefetch(values + (int64_t)path[n + AHEAD] * size + k);
		for (int part = 0; part < vectors; part++)
			sums[part] += shares[n] * widened(value + part * LANES);
	}
	memcpy(to, sums, vectors * sizeof *sums);
}

/* What one row gathers from the nodes of its path; shares: room for [length]. */
static void attend(const struct decoder *d, const float *query, const _Float16 *keys,
	const _Float16 *values, const int32_t *path, int length, float *shares, float *to)
{
	int size = d->size, width = size / d->head_count;
	for (int head = 0; head < size; head += width) {
		float most = -INFINITY, sum = 0;
		for (int n = 0; n < length; n++) {
			const _Float16 *key = keys + (int64_t)path[n] * size + head;
			vector products = {0};
			float product = 0;
			if (n + AHEAD < length)
				for (int k = 0; k < width; k += LINE)
					__builtin_prefetch(keys + (int64_t)path[n + AHEAD] * size + head + k);
			for (int k = 0; k < width; k += LANES)
				products += *(const loose_vector *)(query + head + k) * widened(key + k);
			for (int k = 0; k < LANES; k++)
				product += products[k];
			shares[n] = product / sqrtf(width);
			most = shares[n] > most ? shares[n] : most;
		}
		for (int n = 0; n < length; n++)
			sum += shares[n] = exponential(shares[n] - most);
		for (int n = 0; n < length; n++)
			shares[n] /= sum;
		int column = head;
		for (; column + HEAD * LANES <= head + width; column += HEAD * LANES)
			gather(values + column, path, length, size, shares, to + column, HEAD);
		for (; column < head + width; column += LANES)
			gather(values + column, path, length, size, shares, to + column, 1);
	}
}

static void add(const float *from, int64_t count, float *to)
{
	for (int64_t n = 0; n < count; n++)
		to[n] += from[n];
}

/* Take rows through all layers: hidden[rows][size], embeddings at first, what the last norm reads
 * at the end. Row n is the node paths[branches[n]][positions[n]] and reads the nodes before it; the
 * rows of a path come in the order of their positions, or in calls of their own.
 * paths: [][context]. Returns 0, or -1 when there is no memory. */
int llmcc_decoder_run(const struct decoder *d, const struct tree *tree, int rows, float *hidden,
	const int32_t *positions, const int32_t *branches, const int32_t *paths)
{
	int size = d->size, wide = padded(3 * size), gates = padded(2 * d->feed_forward);
	int widest = wide > gates ? wide : gates;
	int64_t inner = size > d->feed_forward ? size : d->feed_forward;
	float *room = aligned_alloc(64, ((rows * (widest + inner + padded(size)) +
		d->context) * sizeof *room + 63) / 64 * 64);
	if (!room)
		return -1;
	float *joint = room, *narrow = joint + (int64_t)rows * widest;
	float *result = narrow + rows * inner, *shares = result + (int64_t)rows * padded(size);
	for (int number = 0; number < d->layer_count; number++) {
		const struct layer *layer = d->layers + number;
		_Float16 *keys = tree->keys + number * tree->capacity * size;
		_Float16 *values = tree->values + number * tree->capacity * size;
		normalise(d, layer->before, hidden, rows, narrow);
		multiply(layer->qkv, size, 3 * size, narrow, rows, joint);
		for (int row = 0; row < rows; row++) {
			float *query = joint + (int64_t)row * wide, *key = query + size;
			int64_t node = paths[(int64_t)branches[row] * d->context + positions[row]];
			turn(d, query, positions[row]);
			turn(d, key, positions[row]);
			for (int n = 0; n < size; n++) {
				keys[node * size + n] = key[n];
				values[node * size + n] = key[size + n];
			}
		}
		for (int row = 0; row < rows; row++)
			attend(d, joint + (int64_t)row * wide, keys, values,
				paths + (int64_t)branches[row] * d->context, positions[row] + 1, shares,
				narrow + (int64_t)row * size);
		multiply(layer->output, size, size, narrow, rows, result);
		for (int row = 0; row < rows; row++)
			add(result + (int64_t)row * padded(size), size, hidden + (int64_t)row * size);
		normalise(d, layer->between, hidden, rows, narrow);
		multiply(layer->gate_up, size, 2 * d->feed_forward, narrow, rows, joint);
		for (int row = 0; row < rows; row++) {
			const float *gate = joint + (int64_t)row * gates, *up = gate + d->feed_forward;
			float *active = narrow + (int64_t)row * d->feed_forward;
			for (int n = 0; n < d->feed_forward; n++)
				active[n] = gate[n] / (1 + exponential(-gate[n])) * up[n];
		}
		multiply(layer->down, d->feed_forward, size, narrow, rows, result);
		for (int row = 0; row < rows; row++)
			add(result + (int64_t)row * padded(size), size, hidden + (int64_t)row * size);
	}
	free(room);
	return 0;
}

/* logits[rows][padded vocabulary] of hidden[rows][size]. Returns 0, or -1 when there is no memory. */
int llmcc_decoder_score(const struct decoder *d, int rows, const float *hidden, float *logits)
{
	float *narrow = malloc((int64_t)rows * d->size * sizeof *narrow);
	if (!narrow)
		return -1;
	normalise(d, d->last, hidden, rows, narrow);
	multiply(d->head, d->size, d->vocabulary, narrow, rows, logits);
	free(narrow);
	return 0;
}
