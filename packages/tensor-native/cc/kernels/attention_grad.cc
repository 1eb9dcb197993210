// Attention backward: scores are computed again, block by block, from the saved lse.
//
//   P = exp(S - lse);  dV += PT dO;  dP = dO VT;  dS = P (dP - rowsum(dO O)) scale, with a cap times 1 - (S / cap)^2
//   dQ = dS K;  dK += dST Q
//
// One task per key head (its queries' heads add to the same dK and dV), or where these are few, per range of its keys;
// then each range has a dQ of its own, and these are added in order: equal bits in every run.
//
// Command: attention_grad [form (attention/form.h), out, dout, dq, dk, dv (address, batch stride, row stride each), lse]
#include <string.h>

#include "attention/form.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int64_t kBlock = 64;
// scratch slots
constexpr int kKeyPanels = 8, kValuePanels = 9, kKeyRows = 10, kScores = 11, kScoreGrads = 12, kRows = 13, kSums = 14;
constexpr int kPartial = 9;  // shared

struct GradTensors {
  Tokens out, dout, dq, dk, dv;
  const float* lse;
};

GIMBAL_INLINE void zero(float* x, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i++) x[i] = 0;
}

/// Scores and dP of a row's visible keys become P and dS.
GIMBAL_INLINE void row_gradients(float* x, float* y, int64_t n, const AttentionForm& f, float lse, float along) {
  const Vec shift = splat(lse), mean = splat(along), scale = splat(f.scale);
  if (f.softcap > 0) {
    const Vec cap = splat(f.softcap), inner = splat(f.scale / f.softcap);
    for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
      const Vec t = vtanh(load_rest(x + i, rest) * inner);
      const Vec p = vexp(t * cap - shift);
      store_rest(x + i, p, rest);
      store_rest(y + i, p * (load_rest(y + i, rest) - mean) * scale * (splat(1.0f) - t * t), rest);
    });
    return;
  }
  for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
    const Vec p = vexp_negative(load_rest(x + i, rest) * scale - shift);
    store_rest(x + i, p, rest);
    store_rest(y + i, p * (load_rest(y + i, rest) - mean) * scale, rest);
  });
}

/// Keys [first, last) of key head g, with all queries of its group. dQ of range 0 goes to its place, of others to
/// `partial` [heads of the group, queries, padded].
static void grad_of_keys(Context& context, const AttentionForm& f, const GradTensors& t, int64_t b, int64_t g,
                         int64_t first, int64_t last, float* partial) {
  const int64_t d = f.d, padded = f.padded(), n = last - first, panels = ceil_div(n, kTileColumns);
  const int64_t group = f.group();
  float* key_panels = scratch(context, kKeyPanels, (panels + 1) * kTileColumns * d);
  float* value_panels = scratch(context, kValuePanels, (panels + 1) * kTileColumns * d);
  float* key_rows = scratch(context, kKeyRows, n * padded + kTileColumns);
  const float *k = f.k.at(b, first, g, d), *v = f.v.at(b, first, g, d);
  pack_panels(k, f.k.row_stride, n, d, key_panels);
  pack_panels(v, f.v.row_stride, n, d, value_panels);
  pack_rows(k, f.k.row_stride, n, d, padded, key_rows);
  const int64_t lds = panels * kTileColumns + kTileRows + kLanes;
  float *p = scratch(context, kScores, kBlock * lds), *ds = scratch(context, kScoreGrads, kBlock * lds);
  float *q_rows = scratch(context, kRows, 2 * kBlock * padded + kTileColumns), *do_rows = q_rows + kBlock * padded;
  float *dk = scratch(context, kSums, 2 * n * padded), *dv = dk + n * padded;
  memset(dk, 0, sizeof(float) * 2 * n * padded);

  for (int64_t member = 0; member < group; member++) {
    const int64_t h = g * group + member;
    for (int64_t q0 = 0; q0 < f.queries; q0 += kBlock) {
      const int64_t rows = least(kBlock, f.queries - q0);
      Range sees[kBlock];  // relative to `first`
      for (int64_t i = 0; i < rows; i++) {
        const Range r = visible(f, b, q0 + i);
        sees[i] = {least(n, most(0, r.low - first)), least(n, most(0, r.high - first))};
      }
      float* dq_row = partial ? partial + (member * f.queries + q0) * padded : t.dq.at(b, q0, h, d);
      const int64_t dq_stride = partial ? padded : t.dq.row_stride;
      pack_rows(f.q.at(b, q0, h, d), f.q.row_stride, rows, d, padded, q_rows);
      pack_rows(t.dout.at(b, q0, h, d), t.dout.row_stride, rows, d, padded, do_rows);

      for (int64_t i = 0; i < rows; i += kTileRows) {
        const int strip = static_cast<int>(least(kTileRows, rows - i));
        const int64_t low = sees[i].low, high = sees[i + strip - 1].high;
        float* dq = dq_row + i * dq_stride;
        if (low >= high) {
          for (int r = 0; r < strip; r++) memset(dq + r * dq_stride, 0, sizeof(float) * (partial ? padded : d));
          // a strip of keys may still reach into the first of these columns
          const int64_t from = low / kTileRows * kTileRows, to = ceil_div(low, kTileRows) * kTileRows;
          for (int r = 0; r < strip; r++) zero(p + (i + r) * lds, from, to), zero(ds + (i + r) * lds, from, to);
          continue;
        }
        float *x = p + i * lds, *y = ds + i * lds;
        strip_scores(strip, q_rows + i * padded, padded, key_panels, d, low, high, x, lds);
        strip_scores(strip, do_rows + i * padded, padded, value_panels, d, low, high, y, lds);
        // whole strips of keys are read below: zeros around what is seen
        const int64_t from = low / kTileRows * kTileRows, to = ceil_div(high, kTileRows) * kTileRows;
        for (int64_t r = 0; r < strip; r++, x += lds, y += lds) {
          const Range s = sees[i + r].low < sees[i + r].high ? sees[i + r] : Range{from, from};
          zero(x, from, s.low), zero(y, from, s.low);
          zero(x, s.high, to), zero(y, s.high, to);
          if (s.low == s.high) continue;
          const float *o = t.out.at(b, q0 + i + r, h, d), *go = do_rows + (i + r) * padded;
          Vec along = splat(0.0f);
          for_vectors(d, [&](int64_t j, int64_t rest) GIMBAL_BODY { along = fma(load_rest(o + j, rest), load(go + j), along); });
          row_gradients(x + s.low, y + s.low, s.high - s.low, f, t.lse[(b * f.heads + h) * f.queries + q0 + i + r], hsum(along));
        }
        // dQ = dS K
        if (partial || padded == d)
          strip_product(strip, padded, ds + i * lds + low, lds, 1, key_rows + low * padded, high - low, dq, dq_stride, false);
        else {
          float rest[kTileRows * 2 * kTileColumns];
          for (int64_t j = 0; j < padded; j += 2 * kTileColumns) {
            const int64_t width = least(2 * kTileColumns, padded - j);
            for (int64_t c = 0; c < width; c += kTileColumns)
              tile_product(strip, static_cast<int>(least(kTileColumns, width - c) / kLanes), ds + i * lds + low, lds, 1,
                           key_rows + low * padded + j + c, padded, high - low, rest + c, width, false);
            for (int r = 0; r < strip; r++) memcpy(dq + r * dq_stride + j, rest + r * width, sizeof(float) * least(width, d - j));
          }
        }
      }

      // dK += dST Q and dV += PT dO, for each strip of keys over the queries that see it
      int64_t begin = 0, end = 0;
      for (int64_t i = sees[0].low / kTileRows * kTileRows; i < sees[rows - 1].high; i += kTileRows) {
        const int strip = static_cast<int>(least(kTileRows, n - i));
        while (begin < rows && sees[begin].high <= i) begin++;
        end = most(begin, end);
        while (end < rows && sees[end].low < i + strip) end++;
        if (begin >= end) continue;
        const int64_t at = begin * lds + i;
        strip_product(strip, padded, ds + at, 1, lds, q_rows + begin * padded, end - begin, dk + i * padded, padded, true);
        strip_product(strip, padded, p + at, 1, lds, do_rows + begin * padded, end - begin, dv + i * padded, padded, true);
      }
    }
  }
  for (int64_t s = 0; s < n; s++) {
    memcpy(t.dk.at(b, first + s, g, d), dk + s * padded, sizeof(float) * d);
    memcpy(t.dv.at(b, first + s, g, d), dv + s * padded, sizeof(float) * d);
  }
}

static void attention_grad(Context& context, const double* a) {
  const AttentionForm f = read_attention(a);
  const double* o = a + kAttentionArguments;
  const auto tokens = [](const double* t) {
    return Tokens{ptr<float>(t[0]), static_cast<int64_t>(t[1]), static_cast<int64_t>(t[2])};
  };
  const GradTensors t{tokens(o), tokens(o + 3), tokens(o + 6), tokens(o + 9), tokens(o + 12), ptr<float>(o[15])};

  const int64_t heads = f.batch * f.kv_heads, threads = thread_count(context), padded = f.padded();
  const int64_t per_head = f.group() * f.queries * padded;  // floats of a range's dQ
  // the second-level cache wants ranges of at most some thousand keys, idle threads want more of them
  int64_t ranges = ceil_div(f.keys, 2048);
  if (heads < 2 * threads) ranges = most(ranges, least(ceil_div(2 * threads, heads), ceil_div(f.keys, 256)));
  const int64_t step = ceil_div(ceil_div(f.keys, ranges), kTileColumns) * kTileColumns;
  ranges = most(1, ceil_div(f.keys, step));
  float* partial = ranges > 1 ? shared_scratch(context, kPartial, heads * ranges * per_head) : nullptr;
  const double flops = 10.0 * f.group() * f.queries * f.keys * f.d / ranges / (f.causal ? 2 : 1);

  parallel_tasks(context, heads * ranges, flops, [&](int64_t task) {
    const int64_t head = task / ranges, range = task % ranges;
    const int64_t first = range * step, last = least(f.keys, first + step);
    grad_of_keys(context, f, t, head / f.kv_heads, head % f.kv_heads, first, last,
                 partial ? partial + task * per_head : nullptr);
  });
  if (!partial) return;
  parallel_tasks(context, heads * f.group(), 2.0 * ranges * f.queries * f.d, [&](int64_t task) {
    const int64_t head = task / f.group(), member = task % f.group(), b = head / f.kv_heads;
    for (int64_t q = 0; q < f.queries; q++) {
      float* dq = t.dq.at(b, q, head % f.kv_heads * f.group() + member, f.d);
      const float* part = partial + head * ranges * per_head + (member * f.queries + q) * padded;
      for_vectors(f.d, [&](int64_t j, int64_t rest) GIMBAL_BODY {
        Vec sum = load(part + j);
        for (int64_t r = 1; r < ranges; r++) sum += load(part + r * per_head + j);
        store_rest(dq + j, sum, rest);
      });
    }
  });
}

void register_attention_grad(Registry& registry) { registry.add("attention_grad", attention_grad); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
