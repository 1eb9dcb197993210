// Token embedding with learned positions, rotary positions, and sums over rows (gradients of biases and positions).
//
// Commands: embedding       [ids, table, positions or 0, y, count, rows, width, time]
//           embedding_grad  [dy, ids, dtable, count, rows, width]
//           rotary          [x, positions or 0, y, batch, time, heads, half, offset, sign of the angle, half frequencies]
//           sum_rows        [x, y, rows, n]
// An id outside the table reads as a row of NaN and adds nothing to the gradient.
#include <string.h>

#include "../lanes.h"
#include "../parallel.h"
#include "../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kTable = 8;  // scratch slot

static void embedding(Context& context, const double* a) {
  const int32_t* ids = ptr<int32_t>(a[0]);
  const float *table = ptr<float>(a[1]), *positions = ptr<float>(a[2]);
  float* y = ptr<float>(a[3]);
  const int64_t count = (int64_t)a[4], rows = (int64_t)a[5], width = (int64_t)a[6], time = (int64_t)a[7];
  parallel_for(context, count, 16384 / (width + 8) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      float* out = y + i * width;
      if (ids[i] < 0 || ids[i] >= rows) {
        for (int64_t j = 0; j < width; j++) out[j] = __builtin_nanf("");
        continue;
      }
      const float* row = table + ids[i] * width;
      if (!positions) {
        memcpy(out, row, width * sizeof(float));
        continue;
      }
      const float* position = positions + i % time * width;
      for_vectors(width, [=](int64_t j, int64_t rest) GIMBAL_BODY {
        store_rest(out + j, load_rest(row + j, rest) + load_rest(position + j, rest), rest);
      });
    }
  });
}

static void embedding_grad(Context& context, const double* a) {
  const float* dy = ptr<float>(a[0]);
  const int32_t* ids = ptr<int32_t>(a[1]);
  float* dtable = ptr<float>(a[2]);
  const int64_t count = (int64_t)a[3], rows = (int64_t)a[4], width = (int64_t)a[5];
  // threads take columns, so that rows of equal ids never meet and are added in order
  const int64_t blocks = (width + 63) / 64;
  parallel_for(context, blocks, 300 / (count / 64 + rows / 256 + 1) + 1, [=](int64_t begin, int64_t end) {
    const int64_t from = begin * 64, to = end * 64 < width ? end * 64 : width, n = to - from;
    for (int64_t r = 0; r < rows; r++) memset(dtable + r * width + from, 0, n * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
      if (ids[i] < 0 || ids[i] >= rows) continue;
      float* sum = dtable + ids[i] * width + from;
      const float* d = dy + i * width + from;
      for_vectors(n, [=](int64_t j, int64_t rest) GIMBAL_BODY {
        store_rest(sum + j, load_rest(sum + j, rest) + load_rest(d + j, rest), rest);
      });
    }
  });
}

static void rotary(Context& context, const double* a) {
  const float* x = ptr<float>(a[0]);
  const int32_t* positions = ptr<int32_t>(a[1]);
  float* y = ptr<float>(a[2]);
  const int64_t batch = (int64_t)a[3], time = (int64_t)a[4], heads = (int64_t)a[5], half = (int64_t)a[6];
  const float offset = (float)a[7];
  const Vec sign = splat((float)a[8]);
  const double* frequencies = a + 9;
  const int64_t width = heads * 2 * half;
  const int64_t padded = (half + kLanes - 1) / kLanes * kLanes;
  float* f = shared_scratch(context, kTable, padded);
  for (int64_t i = 0; i < padded; i++) f[i] = i < half ? (float)frequencies[i] : 0.0f;

  const auto turn = [=](const float* in, float* out, const float* c, const float* s) {
    for (int64_t h = 0; h < heads; h++, in += 2 * half, out += 2 * half)
      for_vectors(half, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec u = load_rest(in + i, rest), v = load_rest(in + half + i, rest), cosine = load(c + i), sine = load(s + i);
        store_rest(out + i, u * cosine - v * sine, rest);
        store_rest(out + half + i, fma(v, cosine, u * sine), rest);
      });
  };
  const auto angles = [=](float position, float* c, float* s) {
    for (int64_t i = 0; i < padded; i += kLanes) {
      const Vec angle = splat(position) * load(f + i);
      store(c + i, vcos(angle));
      store(s + i, vsin(angle) * sign);
    }
  };
  const int64_t grain = 4096 / (width + 64) + 1;
  if (positions) {
    parallel_for(context, batch * time, grain, [=, &context](int64_t begin, int64_t end) {
      float *c = scratch(context, kTable, 2 * padded), *s = c + padded;
      for (int64_t row = begin; row < end; row++) {
        angles((float)positions[row] + offset, c, s);
        turn(x + row * width, y + row * width, c, s);
      }
    });
    return;
  }
  // the same angles in every row of the batch
  parallel_for(context, time, grain / batch + 1, [=, &context](int64_t begin, int64_t end) {
    float *c = scratch(context, kTable, 2 * padded), *s = c + padded;
    for (int64_t t = begin; t < end; t++) {
      angles((float)t + offset, c, s);
      for (int64_t b = 0; b < batch; b++) turn(x + (b * time + t) * width, y + (b * time + t) * width, c, s);
    }
  });
}

void sum_rows(Context& context, const double* a) {
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  const int64_t rows = (int64_t)a[2], n = (int64_t)a[3];
  if (rows == 0) {
    memset(y, 0, n * sizeof(float));
    return;
  }
  // each part adds its rows, four at a time, to a row of its own: x is read once, in order
  const int64_t grain = 16384 / (n + 8) + 4;
  const int parts = part_count(context, rows, grain);
  const int64_t stride = (n + 15) / 16 * 16;
  float* partial = shared_scratch(context, kTable, parts * stride);
  memset(partial, 0, sizeof(float) * parts * stride);
  parallel_parts(context, rows, grain, [=](int64_t begin, int64_t end, int part, int) {
    float* sum = partial + part * stride;
    int64_t r = begin;
    for (; r + 4 <= end; r += 4) {
      const float* row = x + r * n;
      for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec pair = load_rest(row + i, rest) + load_rest(row + n + i, rest);
        const Vec other = load_rest(row + 2 * n + i, rest) + load_rest(row + 3 * n + i, rest);
        store_rest(sum + i, load_rest(sum + i, rest) + (pair + other), rest);
      });
    }
    for (; r < end; r++)
      for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        store_rest(sum + i, load_rest(sum + i, rest) + load_rest(x + r * n + i, rest), rest);
      });
  });
  for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
    Vec sum = load_rest(partial + i, rest);
    for (int p = 1; p < parts; p++) sum += load_rest(partial + p * stride + i, rest);
    store_rest(y + i, sum, rest);
  });
}

void register_fused_tokens(Registry& registry) {
  registry.add("embedding", embedding);
  registry.add("embedding_grad", embedding_grad);
  registry.add("rotary", rotary);
  registry.add("sum_rows", sum_rows);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
