// Matrix products in float32: see ../gemm.h for what is computed, gemm/ for how.
#include "../gemm.h"

#include "gemm/arguments.h"
#include "gemm/block_product.h"
#include "gemm/driver.h"
#include "gemm/few_rows.h"
#include "gemm/skinny.h"

namespace gimbal {
namespace GIMBAL_ISA {

void gemm_serial(Context& context, const GemmArgs& args) {
  if (args.m <= 0 || args.n <= 0) return;
  if (args.blocks) return multiply_blocks(context, args, false);
  if (is_skinny(args)) return multiply_skinny(context, args, false);
  if (has_few_rows(args)) return multiply_few_rows(context, args, false);
  multiply_rectangle(context, args, {0, args.m, 0, args.n});
}

void gemm(Context& context, const GemmArgs& args) {
  if (args.m <= 0 || args.n <= 0) return;
  if (args.blocks) return multiply_blocks(context, args, true);
  if (is_skinny(args)) return multiply_skinny(context, args, true);
  if (has_few_rows(args)) return multiply_few_rows(context, args, true);
  const Partition grid = partition(args, thread_count(context), context.cpu.l2);
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

static void op_gemm(Context& context, const double* a) { run_product(context, a, gemm); }

static void op_gemm_batched(Context& context, const double* a) { run_products(context, a, gemm_serial, gemm); }

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
  registry.add("gemm", op_gemm, hint_product);
  registry.add("gemm_batched", op_gemm_batched);
  registry.add("pack_b", op_pack_b);
  registry.add("packed_b_size", op_packed_b_size);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
