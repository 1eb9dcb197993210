// Weights in blocks: laid out, and read as floats. The layout is gemm/blocks.h's, products with them gemm/block_product.h's.
//
// Commands: blocks_size    [n, k, bits, group, scale bytes, offsets or 0, where the bytes go (one double)]
//           pack_blocks    [n, k, bits, group, scale bytes, offsets or 0, zero, codes [n, k] of one byte each,
//                           scales [n, k / group], blocks]
//           unpack_blocks  [blocks, W [n, k]]
//           block_rows     [blocks, ids, y, count]: rows of W by number; a number outside gives a row of NaN
#include "gemm/blocks.h"
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

static BlockMatrix form(const double* a) {
  BlockMatrix w{};
  w.n = static_cast<int64_t>(a[0]), w.k = static_cast<int64_t>(a[1]);
  w.bits = static_cast<int32_t>(a[2]), w.group = static_cast<int32_t>(a[3]);
  w.scale_bytes = static_cast<int32_t>(a[4]), w.offsets = a[5] != 0;
  return w;
}

static void blocks_size(Context&, const double* a) { *ptr<double>(a[6]) = static_cast<double>(form(a).bytes()); }

static void pack_blocks(Context& context, const double* a) {
  BlockMatrix& w = *ptr<BlockMatrix>(a[9]);
  w = form(a);
  w.zero = static_cast<int32_t>(a[6]);
  const uint8_t* codes = ptr<const uint8_t>(a[7]);
  const char *scales = ptr<const char>(a[8]), *offsets = ptr<const char>(a[5]);
  const int64_t groups = w.k / w.group, per_word = 32 / w.bits, words = w.words();
  const uint32_t mask = w.bits == 4 ? 15 : 255;
  parallel_for(context, w.panels(), 16384.0 / static_cast<double>(w.k * kBlockPanel), [&](int64_t p0, int64_t p1) {
    for (int64_t p = p0; p < p1; p++)
      for (int64_t g = 0; g < groups; g++) {
        char* at = w.panel(p) + g * w.group_bytes();
        for (int64_t lane = 0; lane < kBlockPanel; lane++) {
          const int64_t row = p * kBlockPanel + lane;
          const bool real = row < w.n;  // behind the last row: zeros
          const auto put = [&](const char* from, int64_t to) {
            char* out = at + to * kBlockPanel * w.scale_bytes + lane * w.scale_bytes;
            if (real)
              __builtin_memcpy(out, from + (row * groups + g) * w.scale_bytes, w.scale_bytes);
            else
              __builtin_memset(out, 0, w.scale_bytes);
          };
          put(scales, 0);
          if (w.offsets) put(offsets, 1);
          uint32_t* out = reinterpret_cast<uint32_t*>(at + kBlockPanel * w.scale_bytes * (1 + w.offsets)) + lane;
          for (int64_t word = 0; word < words; word++) {
            uint32_t bits = 0;
            const uint8_t* code = codes + row * w.k + g * w.group + word * per_word;
            for (int64_t j = 0; real && j < per_word; j++) bits |= (code[j] & mask) << (j * w.bits);
            out[word * kBlockPanel] = bits;
          }
        }
      }
  });
}

template <int kBits>
static void unpack(Context& context, const BlockMatrix& w, float* out) {
  const int64_t vectors = ceil_div(w.n, kLanes);
  parallel_for(context, vectors, 8192.0 / static_cast<double>(w.k * kLanes), [&](int64_t begin, int64_t end) {
    unpack_vectors<kBits>(w, begin, end, [&](int64_t v, int64_t p, Vec weights) GIMBAL_BODY {
      for (int i = 0; i < kLanes && v * kLanes + i < w.n; i++) out[(v * kLanes + i) * w.k + p] = weights[i];
    });
  });
}

static void unpack_blocks(Context& context, const double* a) {
  const BlockMatrix& w = *ptr<BlockMatrix>(a[0]);
  w.bits == 4 ? unpack<4>(context, w, ptr<float>(a[1])) : unpack<8>(context, w, ptr<float>(a[1]));
}

template <int kBits>
static void block_row(const BlockMatrix& w, int64_t row, float* out) {
  const int64_t vector = row / kLanes, lane = row % kLanes;
  unpack_vectors<kBits>(w, vector, vector + 1, [&](int64_t, int64_t p, Vec weights) GIMBAL_BODY { out[p] = weights[lane]; });
}

static void block_rows(Context& context, const double* a) {
  const BlockMatrix& w = *ptr<BlockMatrix>(a[0]);
  const int32_t* ids = ptr<const int32_t>(a[1]);
  float* y = ptr<float>(a[2]);
  const double grain = 4096.0 / static_cast<double>(w.k + 1);
  parallel_for(context, static_cast<int64_t>(a[3]), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      float* out = y + i * w.k;
      if (ids[i] < 0 || ids[i] >= w.n)
        for (int64_t j = 0; j < w.k; j++) out[j] = __builtin_nanf("");
      else if (w.bits == 4)
        block_row<4>(w, ids[i], out);
      else
        block_row<8>(w, ids[i], out);
    }
  });
}

void register_blocks(Registry& registry) {
  registry.add("blocks_size", blocks_size);
  registry.add("pack_blocks", pack_blocks);
  registry.add("unpack_blocks", unpack_blocks);
  registry.add("block_rows", block_rows);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
