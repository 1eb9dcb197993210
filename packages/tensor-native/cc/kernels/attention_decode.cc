// Attention of new tokens over a cache of keys and values, appending to it in place.
//
// Values are kept as rows [capacity, d]. Keys are kept in blocks of kLanes tokens, transposed: [block, d, kLanes], so that
// one vector of scores is d multiply-adds without a sum across lanes. The capacity is a whole number of blocks of 16.
// Both are float32 or bf16 (attention/cache_element.h); queries, weights and sums are float32.
// The cache streams from the third level or memory, far slower than it is used: while a head's keys are read its values
// are fetched into the second level, and while its values are read the next head's keys.
//
// Commands: attention_append  [k, v (address, batch stride, row stride each), keys, values, batch, time, kv_heads, d,
//                              length, capacity, bf16]                             tokens at [length, length + time)
//           attention_decode  [the same, then q, out (address, batch stride, row stride each), heads, starts or 0, window,
//                              softcap, scale]                                     appends and attends token by token
#include <math.h>

#include "attention/cache_element.h"
#include "attention/form.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kWeightsSlot = 8;

template <class Element>
struct Cache {
  Element *keys, *values;
  int64_t batch, time, kv_heads, d, length, capacity;
  Tokens k, v;

  Element* head_keys(int64_t b, int64_t g) const { return keys + (b * kv_heads + g) * capacity * d; }
  Element* head_values(int64_t b, int64_t g) const { return values + (b * kv_heads + g) * capacity * d; }
};
constexpr int kCacheArguments = 15;

static Tokens read_tokens(const double* t) {
  return {ptr<float>(t[0]), static_cast<int64_t>(t[1]), static_cast<int64_t>(t[2])};
}

static bool has_bf16_cache(const double* a) { return a[14] != 0; }

template <class Element>
static Cache<Element> read_cache(const double* a) {
  Cache<Element> c;
  c.k = read_tokens(a), c.v = read_tokens(a + 3);
  c.keys = ptr<Element>(a[6]), c.values = ptr<Element>(a[7]);
  c.batch = static_cast<int64_t>(a[8]), c.time = static_cast<int64_t>(a[9]), c.kv_heads = static_cast<int64_t>(a[10]);
  c.d = static_cast<int64_t>(a[11]), c.length = static_cast<int64_t>(a[12]), c.capacity = static_cast<int64_t>(a[13]);
  return c;
}

/// Writes token `time` of the new ones to its place.
template <class Element>
GIMBAL_INLINE void append(const Cache<Element>& c, int64_t b, int64_t g, int64_t time) {
  const int64_t position = c.length + time, d = c.d;
  const float *k = c.k.at(b, time, g, d), *v = c.v.at(b, time, g, d);
  Element* block = c.head_keys(b, g) + position / kLanes * kLanes * d + position % kLanes;
  for (int64_t j = 0; j < d; j++) put(block + j * kLanes, k[j]);
  Element* row = c.head_values(b, g) + position * d;
  for (int64_t j = 0; j < d; j++) put(row + j, v[j]);
}

struct DecodeForm {
  Tokens q, out;
  int64_t heads;
  const int32_t* starts;
  int64_t window;
  float softcap, scale;
};

/// Scores of kVectors blocks of keys. @param fetch as much as the keys take is fetched from there
template <int kVectors, class Element>
GIMBAL_INLINE void score_blocks(const float* q, const Element* keys, int64_t d, const Element* fetch, float* out) {
  Vec s[kVectors];
  for (int i = 0; i < kVectors; i++) s[i] = splat(0.0f);
  constexpr bool kHalfLines = kLanes * sizeof(Element) < 64;  // then a line is fetched every other time
#pragma GCC unroll 2
  for (int64_t j = 0; j < d; j++) {
    const Vec x = splat(q[j]);
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) {
      s[i] = fma(x, load(keys + (i * d + j) * kLanes), s[i]);
      if (!kHalfLines || j % 2 == 0) __builtin_prefetch(fetch + (i * d + j) * kLanes, 0, 2);
    }
  }
  for (int i = 0; i < kVectors; i++) store(out + i * kLanes, s[i]);
}

/// out[0, kVectors vectors) = sum of weights[t] values[t] for t in [low, high), times `factor`.
/// @param fetch as much as the values take is fetched from there
template <int kVectors, class Element>
GIMBAL_INLINE void weigh_values(const float* weights, const Element* values, int64_t d, int64_t low, int64_t high,
                                float factor, const Element* fetch, float* out, int64_t rest) {
  constexpr bool kHalfLines = kLanes * sizeof(Element) < 64;
  Vec a[kVectors], b[kVectors];
  for (int i = 0; i < kVectors; i++) a[i] = b[i] = splat(0.0f);
  const auto part = [=](const Element* p, int i) {
    const int64_t left = rest - i * kLanes;
    return left >= kLanes ? load(p + i * kLanes) : load_n(p + i * kLanes, left);
  };
  int64_t t = low;
  for (; t + 2 <= high; t += 2) {
    const Element *first = values + t * d, *second = first + d;
    const Vec x = splat(weights[t]), y = splat(weights[t + 1]);
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; i++) {
      a[i] = fma(x, part(first, i), a[i]), b[i] = fma(y, part(second, i), b[i]);
      if (kHalfLines && i % 2 == 1) continue;
      __builtin_prefetch(fetch + t * d + i * kLanes, 0, 2);
      __builtin_prefetch(fetch + (t + 1) * d + i * kLanes, 0, 2);
    }
  }
  if (t < high)
    for (int i = 0; i < kVectors; i++) a[i] = fma(splat(weights[t]), part(values + t * d, i), a[i]);
  for (int i = 0; i < kVectors; i++) store_rest(out + i * kLanes, (a[i] + b[i]) * splat(factor), rest - i * kLanes);
}

/// One query over keys [low, high). @param next_keys what is read after these
template <class Element>
static void attend_one(const float* q, const Element* keys, const Element* values, const Element* next_keys, int64_t d,
                       Range r, const DecodeForm& f, float* weights, float* out) {
  const int64_t begin = r.low / kLanes * kLanes;
  int64_t t = begin;
  for (; t + 3 * kLanes < r.high; t += 4 * kLanes) score_blocks<4>(q, keys + t * d, d, values + t * d, weights + t);
  // what is left at once too: a single chain of sums would wait for itself
  const auto rest = [&](auto score) { score(q, keys + t * d, d, values + t * d, weights + t); };
  switch ((r.high - t + kLanes - 1) / kLanes) {
    case 3: rest(score_blocks<3, Element>); break;
    case 2: rest(score_blocks<2, Element>); break;
    case 1: rest(score_blocks<1, Element>); break;
    default: break;
  }

  float* x = weights + r.low;
  const int64_t n = r.high - r.low;
  Vec best = splat(-kInfinity);
  const bool capped = f.softcap > 0;
  const Vec scale = splat(f.scale), cap = splat(f.softcap), inner = splat(capped ? f.scale / f.softcap : 0.0f);
  for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
    const Vec raw = load_rest(x + i, rest), s = capped ? cap * vtanh(raw * inner) : raw * scale;
    store_rest(x + i, s, rest);
    best = vmax(rest >= kLanes ? s : select(first_lanes(rest), s, splat(-kInfinity)), best);
  });
  const Vec shift = splat(hmax(best));
  Vec sum = splat(0.0f);
  for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
    const Vec p = keep_first(vexp_negative(load_rest(x + i, rest) - shift), rest);
    store_rest(x + i, p, rest);
    sum += p;
  });
  const float factor = 1 / hsum(sum);
  int64_t j = 0;
  for (; j + 4 * kLanes <= d; j += 4 * kLanes)
    weigh_values<4>(weights, values + j, d, r.low, r.high, factor, next_keys + j, out + j, 4 * kLanes);
  for (; j < d; j += kLanes)
    weigh_values<1>(weights, values + j, d, r.low, r.high, factor, next_keys + j, out + j, least(kLanes, d - j));
}

template <class Element>
static void append_all(Context& context, const double* a) {
  const Cache<Element> c = read_cache<Element>(a);
  parallel_for(context, c.batch * c.kv_heads, 8192 / (c.time * c.d + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; head++)
      for (int64_t t = 0; t < c.time; t++) append(c, head / c.kv_heads, head % c.kv_heads, t);
  });
}

/// The cache of an attention_decode command, as long as it is when the command runs.
template <class Element>
static Cache<Element> read_decode_cache(const double* a) {
  Cache<Element> c = read_cache<Element>(a);
  if (const int32_t* place = ptr<int32_t>(a[kCacheArguments + 11])) c.length = *place;
  return c;
}

/// The heads of the thread's run, the keys and then the values of each.
template <class Element>
static Fetch hint_heads(const double* a, int part, int parts, int64_t index, int64_t steps) {
  const Cache<Element> c = read_decode_cache<Element>(a);
  constexpr int64_t kLine = 64;
  const int64_t heads = c.batch * c.kv_heads, tokens = (c.length + kLanes) / kLanes * kLanes;
  const int64_t bytes = tokens * c.d * static_cast<int64_t>(sizeof(Element));
  const int64_t each = ceil_div(bytes, steps * kLine);  // pieces of one head's keys
  const int64_t head = heads * part / parts + index / each / 2, piece = index % each;
  if (head >= heads * (part + 1) / parts) return {};
  const int64_t b = head / c.kv_heads, g = head % c.kv_heads;
  const char* at = reinterpret_cast<const char*>(index / each % 2 == 0 ? c.head_keys(b, g) : c.head_values(b, g));
  return {at + piece * ceil_div(bytes, each), ceil_div(ceil_div(bytes, each), steps)};
}

template <class Element>
static void decode(Context& context, const double* a) {
  const Cache<Element> c = read_decode_cache<Element>(a);
  const double* more = a + kCacheArguments;
  DecodeForm f;
  f.q = read_tokens(more), f.out = read_tokens(more + 3);
  f.heads = static_cast<int64_t>(more[6]);
  f.starts = ptr<int32_t>(more[7]);
  f.window = static_cast<int64_t>(more[8]);
  f.softcap = static_cast<float>(more[9]), f.scale = static_cast<float>(more[10]);
  const int64_t group = f.heads / c.kv_heads, d = c.d;
  const int64_t work = (c.length + c.time) * d * group * c.time;  // multiply-adds, twice
  // one run of heads a thread, so that there is a next one to fetch
  const double grain = 100000.0 / static_cast<double>(work + 1);
  parallel_parts(context, c.batch * c.kv_heads, grain, [=, &context](int64_t begin, int64_t end, int, int) {
    float* weights = scratch(context, kWeightsSlot, c.capacity + 8 * kLanes);
    for (int64_t head = begin; head < end; head++) {
      const int64_t b = head / c.kv_heads, g = head % c.kv_heads;
      const Element *keys = c.head_keys(b, g), *next = head + 1 < end ? keys + c.capacity * d : keys;
      for (int64_t t = 0; t < c.time; t++) {
        append(c, b, g, t);
        const int64_t n = c.length + t + 1;
        int64_t low = f.starts ? most(0, f.starts[b]) : 0;
        if (f.window > 0) low = most(low, n - f.window);
        for (int64_t h = g * group; h < (g + 1) * group; h++) {
          float* out = f.out.at(b, t, h, d);
          if (low < n)
            attend_one(f.q.at(b, t, h, d), keys, c.head_values(b, g), next, d, {low, n}, f, weights, out);
          else
            for (int64_t j = 0; j < d; j++) out[j] = 0;
        }
      }
    }
  });
}

static void attention_append(Context& context, const double* a) {
  return has_bf16_cache(a) ? append_all<Bf16>(context, a) : append_all<float>(context, a);
}
static void attention_decode(Context& context, const double* a) {
  return has_bf16_cache(a) ? decode<Bf16>(context, a) : decode<float>(context, a);
}
/// HintFn of attention_decode.
static Fetch hint_decode(Context&, const double* a, int part, int parts, int64_t index, int64_t steps) {
  return (has_bf16_cache(a) ? hint_heads<Bf16> : hint_heads<float>)(a, part, parts, index, steps);
}

void register_attention_decode(Registry& registry) {
  registry.add("attention_append", attention_append);
  registry.add("attention_decode", attention_decode, hint_decode);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
