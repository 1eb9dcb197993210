// Matrix products in float32: see ../gemm.h for what is computed, gemm/ for how.
#include "../gemm.h"

#include "gemm/driver.h"
#include "gemm/skinny.h"

namespace gimbal {
namespace GIMBAL_ISA {

void gemm_serial(Context& context, const GemmArgs& args) {
  if (args.m <= 0 || args.n <= 0) return;
  if (is_skinny(args)) return multiply_skinny(context, args, false);
  multiply_rectangle(context, args, {0, args.m, 0, args.n});
}

void gemm(Context& context, const GemmArgs& args) {
  if (args.m <= 0 || args.n <= 0) return;
  if (is_skinny(args)) return multiply_skinny(context, args, true);
  const Partition grid = partition(args, thread_count(context));
  const int64_t count = grid.rows * grid.columns;
  if (count == 1) return multiply_rectangle(context, args, {0, args.m, 0, args.n});
  struct Closure {
    Context& context;
    const GemmArgs& args;
    const Partition& grid;
  } closure{context, args, grid};
  const double flops = 2.0 * args.m * args.n * args.k;
  context.pool.run(
      [](void* p, int64_t index) {
        const Closure& c = *static_cast<Closure*>(p);
        const int64_t m0 = index / c.grid.columns * c.grid.row_step, n0 = index % c.grid.columns * c.grid.column_step;
        multiply_rectangle(c.context, c.args,
                           {m0, least(c.args.m, m0 + c.grid.row_step), n0, least(c.args.n, n0 + c.grid.column_step)});
      },
      &closure, count, flops > 15e6 ? Pool::Size::large : Pool::Size::small);
}

int64_t packed_b_size(int64_t k, int64_t n) { return ceil_div(n, kTileColumns) * kTileColumns * k; }

void pack_b(Context& context, int64_t k, int64_t n, const float* b, int64_t ldb, bool transpose_b, float* packed) {
  GemmArgs g;
  g.b = b;
  g.ldb = ldb;
  g.transpose_b = transpose_b;
  parallel_for(context, ceil_div(n, kTileColumns), most(1, 16384 / (k * kTileColumns + 1)), [&](int64_t j0, int64_t j1) {
    for (int64_t j = j0 * kTileColumns; j < j1 * kTileColumns; j += kTileColumns)
      pack_b_panel(g, j, least(kTileColumns, n - j), 0, k, packed + j * k);
  });
}

// ---- operations ----------------------------------------------------------------------------------------------------

/// Arguments 0…12 of a product: m, n, k, a, lda, transpose_a, b, ldb, transpose_b, c, ldc, alpha, accumulate.
static GemmArgs read_product(const double* a) {
  GemmArgs g;
  g.m = static_cast<int64_t>(a[0]);
  g.n = static_cast<int64_t>(a[1]);
  g.k = static_cast<int64_t>(a[2]);
  g.a = ptr<const float>(a[3]);
  g.lda = static_cast<int64_t>(a[4]);
  g.transpose_a = a[5] != 0;
  g.b = ptr<const float>(a[6]);
  g.ldb = static_cast<int64_t>(a[7]);
  g.transpose_b = a[8] != 0;
  g.c = ptr<float>(a[9]);
  g.ldc = static_cast<int64_t>(a[10]);
  g.alpha = static_cast<float>(a[11]);
  g.accumulate = a[12] != 0;
  return g;
}

/// Arguments from `a` on: bias, activation, slope, slopes, pre, saved, residual.
static Epilogue read_epilogue(const double* a) {
  Epilogue e;
  e.bias = ptr<const float>(a[0]);
  e.activation = static_cast<Activation>(static_cast<int>(a[1]));
  e.slope = static_cast<float>(a[2]);
  e.slopes = ptr<const float>(a[3]);
  e.pre = ptr<float>(a[4]);
  e.saved = ptr<const float>(a[5]);
  e.residual = ptr<const float>(a[6]);
  return e;
}

/// gemm_batched: count, stride_a, stride_b, stride_c, the 13 of a product, the 7 of an epilogue. Product i works on
/// a + i stride_a, b + i stride_b and c (and the epilogue's matrices) + i stride_c; a stride of 0 shares an operand.
static void op_gemm_batched(Context& context, const double* a) {
  const int64_t count = static_cast<int64_t>(a[0]), stride_a = static_cast<int64_t>(a[1]),
                stride_b = static_cast<int64_t>(a[2]), stride_c = static_cast<int64_t>(a[3]);
  const GemmArgs g = read_product(a + 4);
  const Epilogue e = read_epilogue(a + 17);
  const auto one = [&](int64_t i, void (*run)(Context&, const GemmArgs&)) {
    GemmArgs here = g;
    Epilogue end = e;
    here.a += i * stride_a;
    here.b += i * stride_b;
    here.c += i * stride_c;
    if (end.pre) end.pre += i * stride_c;
    if (end.saved) end.saved += i * stride_c;
    if (end.residual) end.residual += i * stride_c;
    here.epilogue = &end;
    run(context, here);
  };
  const double flops = 2.0 * g.m * g.n * g.k;
  // whole products to threads when there are enough of them, else the threads share each
  if (count >= 4 * thread_count(context) || flops < 1e6)
    return parallel_for(context, count, most(1, static_cast<int64_t>(600e3 / (flops + 1))), [&](int64_t i0, int64_t i1) {
      for (int64_t i = i0; i < i1; i++) one(i, gemm_serial);
    });
  for (int64_t i = 0; i < count; i++) one(i, gemm);
}

/// gemm: the 13 of a product, the 7 of an epilogue, packed B (or 0).
static void op_gemm(Context& context, const double* a) {
  GemmArgs g = read_product(a);
  const Epilogue e = read_epilogue(a + 13);
  if (e.bias || e.activation != Activation::linear || e.pre || e.residual) g.epilogue = &e;
  g.packed_b = ptr<const float>(a[20]);
  gemm(context, g);
}

/// packed_b_size: k, n, where the bytes go (one double).
static void op_packed_b_size(Context&, const double* a) {
  *ptr<double>(a[2]) = 4.0 * packed_b_size(static_cast<int64_t>(a[0]), static_cast<int64_t>(a[1]));
}

/// pack_b: k, n, b, ldb, transpose_b, packed.
static void op_pack_b(Context& context, const double* a) {
  pack_b(context, static_cast<int64_t>(a[0]), static_cast<int64_t>(a[1]), ptr<const float>(a[2]),
         static_cast<int64_t>(a[3]), a[4] != 0, ptr<float>(a[5]));
}

void register_gemm(Registry& registry) {
  registry.add("gemm", op_gemm);
  registry.add("gemm_batched", op_gemm_batched);
  registry.add("pack_b", op_pack_b);
  registry.add("packed_b_size", op_packed_b_size);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
