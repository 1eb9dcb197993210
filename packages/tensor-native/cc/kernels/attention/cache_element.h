// What a cache of keys and values is made of: float32, or bf16, which halves what every step streams from memory.
// bf16 is the upper half of a float32, so any instruction set widens it by a shift; sums are float32 in both.
#pragma once
#include "../../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

struct Bf16 {
  uint16_t bits;
};

GIMBAL_INLINE Vec load(const Bf16* p) {
#if defined(__AVX512F__)
  // two instructions; the general form below becomes five there
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return (Vec)((UVec)_mm512_maskz_cvtepu16_epi32(0xffff, halves) << 16);
#else
  typedef uint16_t Halves __attribute__((vector_size(kLanes * 2)));
  Halves v;
  __builtin_memcpy(&v, p, sizeof v);
  return (Vec)(__builtin_convertvector(v, UVec) << 16);
#endif
}

/// The first n (0 <= n < kLanes) lanes; the others read as zero.
GIMBAL_INLINE Vec load_n(const Bf16* p, int64_t n) {
  Bf16 all[kLanes] = {};
  for (int64_t i = 0; i < n; i++) all[i] = p[i];
  return load(all);
}

/// To nearest, ties to even; a NaN stays one.
GIMBAL_INLINE void put(Bf16* p, float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  p->bits = static_cast<uint16_t>(x == x ? rounded : bits >> 16 | 0x40);
}
GIMBAL_INLINE void put(float* p, float x) { *p = x; }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
