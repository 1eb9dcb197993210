// Attention forward, one block of queries at a time, never a [queries, keys] matrix:
//
//   S = q kT (capped) for a block of queries and a block of keys;  m' = max(m, rowmax S);  P = exp(S - m')
//   l <- l exp(m - m') + rowsum P;  O <- O exp(m - m') + P V;  at the end O / l and lse = m + log l
//
// (Milakov & Gimelshein 2018, Dao et al. 2022.) A query that sees no key gives 0 and lse 0. Tiles of scores that no query
// of a strip sees are skipped.
//
// Command: attention [form (attention/form.h), out (address, batch stride, row stride), lse or 0 [batch, heads, queries]]
#include <math.h>

#include "attention/form.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int64_t kQueryBlock = 64;                // a multiple of kTileRows on every instruction set but x86 without AVX-512
constexpr int64_t kKeyBlock = 10 * kTileColumns;   // scores of a block stay in the second-level cache
constexpr int kKeysSlot = 8, kValuesSlot = 9, kScoresSlot = 10, kOutSlot = 11;

/// Scores of a row become weights: scale and cap, the new maximum, exp; returns what the old sums are multiplied by.
GIMBAL_INLINE float softmax_step(float* x, int64_t n, const AttentionForm& f, float& top, float& total) {
  const Vec scale = splat(f.scale);
  Vec best = splat(-kInfinity);
  const bool capped = f.softcap > 0;
  const Vec cap = splat(f.softcap), inner = splat(capped ? f.scale / f.softcap : 0.0f);
  for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
    const Vec raw = load_rest(x + i, rest);
    const Vec s = capped ? cap * vtanh(raw * inner) : raw * scale;
    store_rest(x + i, s, rest);
    best = vmax(rest >= kLanes ? s : select(first_lanes(rest), s, splat(-kInfinity)), best);
  });
  const float highest = hmax(best), newer = highest > top ? highest : top;
  const Vec shift = splat(newer);
  Vec sum = splat(0.0f);
  for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
    const Vec p = keep_first(vexp_negative(load_rest(x + i, rest) - shift), rest);
    store_rest(x + i, p, rest);
    sum += p;
  });
  const float factor = top == -kInfinity ? 0.0f : expf(top - newer);
  top = newer;
  total = total * factor + hsum(sum);
  return factor;
}

/// Zeros where a row's visible keys leave a gap in its strip's.
GIMBAL_INLINE void clear(float* x, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i++) x[i] = 0;
}

/// Queries [first, last) of one head. Keys and values of `whole` are packed: panels, rows.
static void attend(Context& context, const AttentionForm& f, const Tokens& out, float* lse, int64_t b, int64_t h,
                   int64_t first, int64_t last) {
  const int64_t d = f.d, padded = f.padded(), g = h / f.group();
  const Range whole{visible(f, b, first).low, visible(f, b, last - 1).high};
  const int64_t n = whole.high - whole.low, panels = ceil_div(n, kTileColumns);
  float* keys = scratch(context, kKeysSlot, (panels + 1) * kTileColumns * d);
  float* values = scratch(context, kValuesSlot, n * padded + kTileColumns);
  pack_panels(f.k.at(b, whole.low, g, d), f.k.row_stride, n, d, keys);
  pack_rows(f.v.at(b, whole.low, g, d), f.v.row_stride, n, d, padded, values);
  const int64_t lds = least(kKeyBlock, panels * kTileColumns) + kLanes;
  float* scores = scratch(context, kScoresSlot, kQueryBlock * lds);
  float* sums = scratch(context, kOutSlot, kQueryBlock * padded);

  for (int64_t q0 = first; q0 < last; q0 += kQueryBlock) {
    const int64_t rows = least(kQueryBlock, last - q0);
    float top[kQueryBlock], total[kQueryBlock];
    Range sees[kQueryBlock];  // relative to whole.low
    for (int64_t i = 0; i < rows; i++) {
      top[i] = -kInfinity, total[i] = 0;
      sees[i] = visible(f, b, q0 + i);
      sees[i].low -= whole.low, sees[i].high -= whole.low;
    }
    const int64_t begin = sees[0].low / kTileColumns * kTileColumns, end = sees[rows - 1].high;
    for (int64_t i = 0; i < rows * padded; i += kLanes) store(sums + i, splat(0.0f));

    for (int64_t k0 = begin; k0 < end; k0 += kKeyBlock) {
      const int64_t k1 = least(end, k0 + kKeyBlock);
      for (int64_t i = 0; i < rows; i += kTileRows) {
        const int strip = static_cast<int>(least(kTileRows, rows - i));
        const int64_t low = most(k0, sees[i].low), high = least(k1, sees[i + strip - 1].high);
        if (low >= high) continue;
        float* x = scores + i * lds;
        const float* q = f.q.at(b, q0 + i, h, d);
        strip_scores(strip, q, f.q.row_stride, keys, d, low, high, x - k0, lds);
        for (int64_t r = 0; r < strip; r++, x += lds) {
          const int64_t from = most(low, sees[i + r].low), to = least(high, sees[i + r].high);
          if (from >= to) {
            clear(x, low - k0, high - k0);
            continue;
          }
          clear(x, low - k0, from - k0);
          clear(x, to - k0, high - k0);
          const float factor = softmax_step(x + from - k0, to - from, f, top[i + r], total[i + r]);
          if (factor != 1 && factor != 0) {
            float* o = sums + (i + r) * padded;
            for (int64_t j = 0; j < padded; j += kLanes) store(o + j, load(o + j) * splat(factor));
          }
        }
        strip_product(strip, padded, scores + i * lds + low - k0, lds, 1, values + low * padded, high - low,
                      sums + i * padded, padded, true);
      }
    }
    for (int64_t i = 0; i < rows; i++) {
      const Vec inverse = splat(total[i] > 0 ? 1 / total[i] : 0.0f);
      float* o = out.at(b, q0 + i, h, d);
      for_vectors(d, [&](int64_t j, int64_t rest) GIMBAL_BODY {
        store_rest(o + j, load(sums + i * padded + j) * inverse, rest);
      });
    }
    if (!lse) continue;
    for_vectors(rows, [&](int64_t i, int64_t rest) GIMBAL_BODY {
      const Vec l = load_rest(total + i, rest), whole = load_rest(top + i, rest) + vlog(l);
      store_rest(lse + (b * f.heads + h) * f.queries + q0 + i, select(l > splat(0.0f), whole, splat(0.0f)), rest);
    });
  }
}

static void attention(Context& context, const double* a) {
  const AttentionForm f = read_attention(a);
  const double* o = a + kAttentionArguments;
  const Tokens out{ptr<float>(o[0]), static_cast<int64_t>(o[1]), static_cast<int64_t>(o[2])};
  float* lse = ptr<float>(o[3]);
  // whole heads to threads, or where these are few, pieces of their queries too
  const int64_t heads = f.batch * f.heads, wanted = 4 * thread_count(context);
  int64_t pieces = heads >= wanted ? 1 : least(ceil_div(wanted, most(1, heads)), ceil_div(f.queries, 4 * kQueryBlock));
  pieces = most(1, pieces);
  const int64_t step = ceil_div(ceil_div(f.queries, pieces), kQueryBlock) * kQueryBlock;
  const double flops = 4.0 * f.queries * f.keys * f.d / pieces / (f.causal ? 2 : 1);
  parallel_tasks(context, heads * pieces, flops, [&, step](int64_t task) {
    // the longest pieces, those at the end, first
    const int64_t piece = pieces - 1 - task / heads, head = task % heads;
    const int64_t first = piece * step, last = least(f.queries, first + step);
    if (first < last) attend(context, f, out, lse, head / f.heads, head % f.heads, first, last);
  });
}

void register_attention(Registry& registry) { registry.add("attention", attention); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
