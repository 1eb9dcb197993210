// Weights in blocks of 4 or 8 bits, as files of quantised models hold them: row r of W [n, k] is cut into groups of 16 or
// 32 values, each group with a scale d and, in some types, an offset m (float16 or float32):
//
//   w = d (code - zero) + m         8 bits: the code is signed and `zero` is 0; 4 bits: it is unsigned
//
// A product reads them as they are: one row of x needs each weight once, so that bytes are time. Many rows share the work
// of decoding: a few hundred columns at a time are laid out as packed floats (pack.h), which stay in the second level of
// the cache, and multiplied as any others.
//
// Layout: panels of 16 rows of W, so that a vector's lanes are columns of the product. A panel is one stream:
//
//   each group:   16 scales, 16 offsets if there are any, then words of 32 bits, 16 at a time, one for each row:
//                 8 codes of 4 bits or 4 of 8 bits that follow each other along k, the lowest bits first
#pragma once
#include "../../lanes.h"
#include "tile.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kBlockPanel = 16;                          // rows of W in a panel
constexpr int kPanelVectors = kBlockPanel / kLanes;      // vectors that a panel's rows fill

/// What stands before the panels.
struct alignas(64) BlockMatrix {
  int32_t bits;          // 4 or 8
  int32_t group;         // 16 or 32
  int32_t zero;          // of codes of 4 bits
  int32_t scale_bytes;   // 2: float16, 4: float32
  int32_t offsets;       // 1: groups have offsets
  int64_t n, k;          // rows and columns of W; k is a multiple of `group`

  int64_t words() const { return group * bits / 32; }
  int64_t group_bytes() const { return kBlockPanel * (scale_bytes * (1 + offsets) + 4 * words()); }
  int64_t panel_bytes() const { return k / group * group_bytes(); }
  int64_t panels() const { return ceil_div(n, kBlockPanel); }
  int64_t bytes() const { return static_cast<int64_t>(sizeof(BlockMatrix)) + panels() * panel_bytes(); }
  char* panel(int64_t i) { return reinterpret_cast<char*>(this + 1) + i * panel_bytes(); }
  const char* panel(int64_t i) const { return reinterpret_cast<const char*>(this + 1) + i * panel_bytes(); }
};

typedef uint16_t HalfVec __attribute__((vector_size(kLanes * 2)));

/// float16 to float32, exact for all finite numbers: exponent and fraction move to their places, and a product with
/// 2^112 makes up for the bias, subnormals included.
GIMBAL_INLINE Vec load_halves(const char* p) {
  HalfVec h;
  __builtin_memcpy(&h, p, sizeof h);
  const IVec bits = (IVec)__builtin_convertvector(h, UVec);
  const Vec size = as_float((bits & splat_int(0x7fff)) << 13) * splat(0x1p112f);
  return as_float(as_int(size) | ((bits & splat_int(0x8000)) << 16));
}

GIMBAL_INLINE Vec load_scale(const char* p, int64_t lane, int scale_bytes) {
  return scale_bytes == 2 ? load_halves(p + 2 * lane) : load(reinterpret_cast<const float*>(p) + lane);
}

/// Scales and offsets of one vector of a group, from where the group begins.
struct GroupScale {
  Vec scale, offset;
};
GIMBAL_INLINE GroupScale load_group(const BlockMatrix& w, const char* at, int64_t lane) {
  const Vec scale = load_scale(at, lane, w.scale_bytes);
  Vec offset = scale * splat(static_cast<float>(-w.zero));
  if (w.offsets) offset += load_scale(at + kBlockPanel * w.scale_bytes, lane, w.scale_bytes);
  return {scale, offset};
}

/// Code j of a vector of words.
template <int kBits>
GIMBAL_INLINE Vec decode(IVec words, int j) {
  if (kBits == 4) return to_float((IVec)((UVec)words >> (4 * j)) & splat_int(15));
  return to_float((IVec)((UVec)words << (24 - 8 * j)) >> 24);
}

/// The floats of W's row-vectors [begin, end), counted in kLanes, each handed to `put(vector, step of k, values)`.
template <int kBits, class F>
GIMBAL_INLINE void unpack_vectors(const BlockMatrix& w, int64_t begin, int64_t end, F put) {
  constexpr int kCodes = 32 / kBits;
  const int64_t head = kBlockPanel * w.scale_bytes * (1 + w.offsets), words = w.words();
  for (int64_t v = begin; v < end; v++) {
    const int64_t lane = v % kPanelVectors * kLanes;
    const char* at = w.panel(v / kPanelVectors);
    for (int64_t k0 = 0; k0 < w.k; k0 += w.group, at += w.group_bytes()) {
      const GroupScale s = load_group(w, at, lane);
      for (int64_t word = 0; word < words; word++) {
        const IVec codes = load(reinterpret_cast<const int32_t*>(at + head) + word * kBlockPanel + lane);
#pragma GCC unroll 8
        for (int j = 0; j < kCodes; j++)
          put(v, k0 + word * kCodes + j, fma(decode<kBits>(codes, j), s.scale, s.offset));
      }
    }
  }
}

/// Columns [column, column + columns) of Wᵀ as `pack_b` lays them out.
static inline void unpack_columns(const BlockMatrix& w, int64_t column, int64_t columns, float* packed) {
  const int64_t first = column / kLanes, last = ceil_div(column + columns, kLanes);
  const auto put = [&](int64_t v, int64_t p, Vec weights) GIMBAL_BODY {
    const int64_t j = v - first;
    store(packed + j / kTileVectors * kTileColumns * w.k + p * kTileColumns + j % kTileVectors * kLanes, weights);
  };
  if (w.bits == 4)
    unpack_vectors<4>(w, first, last, put);
  else
    unpack_vectors<8>(w, first, last, put);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
