// One vector type for every instruction set: GCC/Clang vector extensions, compiled once per ISA.
//
// A kernel file is compiled with -DGIMBAL_ISA=base (SSE2, or NEON on arm64), avx2 (+ FMA) or avx512 (F/BW/DQ/VL), and
// everything here lives in a namespace of that name: the linker must never keep one unit's copy for another CPU.
// Arithmetic and comparisons are the built-in operators (a + b, a < b); a comparison gives an IVec of 0 or -1 (a mask).
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX__) || defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifndef GIMBAL_ISA
#error "compile kernel files with -DGIMBAL_ISA=base, avx2 or avx512"
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#error "needs GCC or Clang: vector extensions"
#endif
#define GIMBAL_INLINE static inline __attribute__((always_inline))

namespace gimbal {
namespace GIMBAL_ISA {

// ---- types ----------------------------------------------------------------------------------------------------------

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef int32_t IVec __attribute__((vector_size(kLanes * 4)));
typedef uint32_t UVec __attribute__((vector_size(kLanes * 4)));
typedef float Vec4 __attribute__((vector_size(16)));
typedef float Vec8 __attribute__((vector_size(32)));

#if defined(__AVX512F__)
constexpr __mmask16 kAllLanes = 0xffff;  // GCC 12 warns about its own unmasked intrinsics
#endif

GIMBAL_INLINE IVec as_int(Vec v) { return (IVec)v; }
GIMBAL_INLINE Vec as_float(IVec v) { return (Vec)v; }

/// A product rounded before it is added to anything: the compiler may not fuse the two.
template <class V>
GIMBAL_INLINE V alone(V product) {
#if defined(__SSE2__)
  asm("" : "+v"(product));
#else
  asm("" : "+w"(product));
#endif
  return product;
}

// ---- memory: no alignment is asked for ------------------------------------------------------------------------------

GIMBAL_INLINE Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
GIMBAL_INLINE void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }
GIMBAL_INLINE IVec load(const int32_t* p) {
  IVec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
GIMBAL_INLINE void store(int32_t* p, IVec v) { __builtin_memcpy(p, &v, sizeof v); }

// the first n (0 <= n < kLanes) lanes; the others read as zero and are not written
GIMBAL_INLINE Vec load_n(const float* p, int64_t n) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
  Vec v = {};
  for (int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}
GIMBAL_INLINE void store_n(float* p, Vec v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
  // no vmaskmovps: masked stores are microcoded on AMD
  Vec4 part;
  __builtin_memcpy(&part, &v, sizeof part);
#if defined(__AVX2__)
  if (n & 4) {
    __builtin_memcpy(p, &part, 16);
    part = (Vec4)_mm256_extractf128_ps((__m256)v, 1);
    p += 4;
  }
#endif
  if (n & 2) {
    __builtin_memcpy(p, &part, 8);
    part[0] = part[2];
    p += 2;
  }
  if (n & 1) p[0] = part[0];
#endif
}

GIMBAL_INLINE Vec splat(float x) { return x - Vec{}; }
GIMBAL_INLINE IVec splat_int(int32_t x) { return x - IVec{}; }

// ---- arithmetic -----------------------------------------------------------------------------------------------------

// a b + c; one rounding where the instruction set has it, two on base x86-64
GIMBAL_INLINE Vec fma(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON)
  return (Vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}

GIMBAL_INLINE Vec vsqrt(Vec v) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_sqrt_ps(kAllLanes, (__m512)v);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)v);
#elif defined(__ARM_NEON)
  return (Vec)vsqrtq_f32((float32x4_t)v);
#else
  return (Vec)_mm_sqrt_ps((__m128)v);
#endif
}

// 1 / v to eight bits or more, for corrections of a result: much faster than a division
GIMBAL_INLINE Vec reciprocal_estimate(Vec v) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_rcp14_ps(kAllLanes, (__m512)v);
#elif defined(__AVX2__)
  return (Vec)_mm256_rcp_ps((__m256)v);
#elif defined(__ARM_NEON)
  return (Vec)vrecpeq_f32((float32x4_t)v);
#else
  return (Vec)_mm_rcp_ps((__m128)v);
#endif
}

// lane by lane: mask ? a : b
GIMBAL_INLINE Vec select(IVec mask, Vec a, Vec b) { return mask ? a : b; }
GIMBAL_INLINE IVec select(IVec mask, IVec a, IVec b) { return mask ? a : b; }

// a where a > b, else b: a NaN in either gives b (one instruction on x86)
GIMBAL_INLINE Vec vmax(Vec a, Vec b) { return a > b ? a : b; }
GIMBAL_INLINE Vec vmin(Vec a, Vec b) { return a < b ? a : b; }
// NaN wherever an input is NaN
GIMBAL_INLINE Vec vmax_nan(Vec a, Vec b) { return a == a ? (a > b ? a : b) : a; }
GIMBAL_INLINE Vec vmin_nan(Vec a, Vec b) { return a == a ? (a < b ? a : b) : a; }

GIMBAL_INLINE Vec vabs(Vec v) { return as_float(as_int(v) & splat_int(0x7fffffff)); }
GIMBAL_INLINE Vec vneg(Vec v) { return as_float(as_int(v) ^ splat_int((int32_t)0x80000000)); }
GIMBAL_INLINE Vec copysign(Vec magnitude, Vec sign) {
  const IVec bit = splat_int((int32_t)0x80000000);
  return as_float((as_int(magnitude) & ~bit) | (as_int(sign) & bit));
}

// int32 to float (nearest) and float to int32 (towards zero; out of range is the machine's own answer)
GIMBAL_INLINE Vec to_float(IVec v) { return __builtin_convertvector(v, Vec); }
GIMBAL_INLINE IVec to_int(Vec v) {
#if defined(__AVX512F__)
  return (IVec)_mm512_maskz_cvttps_epi32(kAllLanes, (__m512)v);
#elif defined(__AVX2__)
  return (IVec)_mm256_cvttps_epi32((__m256)v);
#elif defined(__ARM_NEON)
  return (IVec)vcvtq_s32_f32((float32x4_t)v);
#else
  return (IVec)_mm_cvttps_epi32((__m128)v);
#endif
}

// whole numbers: down, up, and nearest with ties to even; signed zero, infinities and NaN stay
GIMBAL_INLINE Vec vround_even(Vec v) {
  // adding and subtracting 2^23 rounds in the unit place; larger numbers are whole already
  const Vec magic = splat(8388608.0f), size = vabs(v);
  const Vec rounded = copysign((size + magic) - magic, v);
  return size < magic ? rounded : v;
}
GIMBAL_INLINE Vec vfloor(Vec v) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_roundscale_ps(kAllLanes, (__m512)v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
  return (Vec)_mm256_floor_ps((__m256)v);
#else
  const Vec whole = copysign(to_float(to_int(v)), v);
  const Vec down = whole > v ? whole - splat(1) : whole;
  return vabs(v) < splat(8388608.0f) ? down : v;
#endif
}
GIMBAL_INLINE Vec vceil(Vec v) { return vneg(vfloor(vneg(v))); }

// ---- across the lanes: always the same order ------------------------------------------------------------------------

#if defined(__AVX512F__)
GIMBAL_INLINE Vec8 low_half(Vec v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
GIMBAL_INLINE Vec8 high_half(Vec v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }
#endif
#if defined(__AVX2__)
GIMBAL_INLINE Vec4 low_half(Vec8 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
GIMBAL_INLINE Vec4 high_half(Vec8 v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
#endif

// folds the halves of a vector with f until one Vec4 is left, then its four lanes
template <class F>
GIMBAL_INLINE float fold4(Vec4 v, F f) {
  return f(f(v[0], v[2]), f(v[1], v[3]));
}

GIMBAL_INLINE float hsum(Vec v) {
#if defined(__AVX512F__)
  const Vec8 eight = low_half(v) + high_half(v);
  const Vec4 four = low_half(eight) + high_half(eight);
#elif defined(__AVX2__)
  const Vec4 four = low_half(v) + high_half(v);
#else
  const Vec4 four = v;
#endif
  return (four[0] + four[2]) + (four[1] + four[3]);
}

// the largest lane; if one is NaN the answer is any of the others or NaN
GIMBAL_INLINE float hmax(Vec v) {
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
#if defined(__AVX512F__)
  const Vec8 eight = larger(low_half(v), high_half(v));
  return fold4((Vec4)larger(low_half(eight), high_half(eight)), larger);
#elif defined(__AVX2__)
  return fold4((Vec4)larger(low_half(v), high_half(v)), larger);
#else
  return fold4((Vec4)v, larger);
#endif
}
GIMBAL_INLINE float hmin(Vec v) { return -hmax(vneg(v)); }

// true if some lane of the mask is set
GIMBAL_INLINE bool any(IVec mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask) != 0;
#elif defined(__ARM_NEON)
  return vmaxvq_u32((uint32x4_t)mask) != 0;
#else
  return _mm_movemask_ps((__m128)mask) != 0;
#endif
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
