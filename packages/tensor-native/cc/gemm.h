// Matrix products: C = epilogue(alpha op(A) op(B) [+ C]), row-major, float32.
//
// op(A) is [m, k]: A itself with leading dimension lda, or the transpose of a stored [k, m]; op(B) is [k, n] likewise.
// The epilogue is applied to each tile of C while it is in registers:
//
//   z = alpha sum_k a b  (+ c when accumulating)      + bias[column]
//   pre = z                                           (when asked: what GELU's backward needs)
//   y = act(z)          or, with `saved`,  y = z act'(saved)        (backward of an activation as one product)
//   c = y + residual
//
// An element's sum runs over k in one order whatever the partition into threads, so results do not depend on it
// (with at most four rows they depend on the number of threads, see kernels/gemm/skinny.h).
// `gemm` uses the environment's threads (one inside a parallel region); `gemm_serial` this thread only.
#pragma once
#include "activation.h"
#include "parallel.h"



namespace gimbal {
namespace GIMBAL_ISA {

/// What happens to a tile before it is stored. Matrices have C's shape and leading dimension.
struct Epilogue {
  const float* bias = nullptr;      // [n]
  Activation activation = Activation::linear;
  float slope = 0;                  // leaky
  const float* slopes = nullptr;    // [n], prelu
  float* pre = nullptr;             // [m, n]: z, stored before the activation
  const float* saved = nullptr;     // [m, n]: multiply by act'(saved) instead of applying act
  const float* residual = nullptr;  // [m, n]
};

struct BlockMatrix;  // weights in blocks of few bits (kernels/gemm/blocks.h)

struct GemmArgs {
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  int64_t lda = 0;
  bool transpose_a = false;
  const float* b = nullptr;
  int64_t ldb = 0;
  bool transpose_b = false;
  float* c = nullptr;
  int64_t ldc = 0;
  float alpha = 1;
  bool accumulate = false;
  const Epilogue* epilogue = nullptr;
  const float* packed_b = nullptr;  // B as `pack_b` laid it out; b, ldb and transpose_b are then unused
  const BlockMatrix* blocks = nullptr;  // op(B) = Wᵀ in blocks: in place of all of them

  /// A command's word for what stands in place of B: 0, the address of packed B, or that of blocks and 1 (either is
  /// aligned to 64 bytes).
  void read_packed(double word) {
    const uintptr_t address = static_cast<uintptr_t>(word);
    if (address & 1)
      blocks = reinterpret_cast<const BlockMatrix*>(address - 1);
    else
      packed_b = reinterpret_cast<const float*>(address);
  }
};

void gemm(Context& context, const GemmArgs& args);
void gemm_serial(Context& context, const GemmArgs& args);

/// Floats that a packed [k, n] operand takes.
int64_t packed_b_size(int64_t k, int64_t n);

/// Lays op(B) out as column panels, each k rows of kTileColumns floats, the last panel padded with zeros.
void pack_b(Context& context, int64_t k, int64_t n, const float* b, int64_t ldb, bool transpose_b, float* packed);

}  // namespace GIMBAL_ISA
}  // namespace gimbal
