// Fills an environment's registry with the families compiled for the level it runs at.
#include "context.h"
#include "families.h"

namespace gimbal {

#define GIMBAL_DECLARE(family) void register_##family(Registry&);
namespace base {
GIMBAL_FAMILIES(GIMBAL_DECLARE)
}
#if defined(__x86_64__) || defined(_M_X64)
namespace avx2 {
GIMBAL_FAMILIES(GIMBAL_DECLARE)
}
namespace avx512 {
GIMBAL_FAMILIES(GIMBAL_DECLARE)
}
// bf16 products: the processor has them or not, beside its level
namespace avx512bf16 {
void register_gemm_bf16(Registry&);
}
namespace amx {
void register_gemm_bf16(Registry&);
}
#endif
#undef GIMBAL_DECLARE

namespace {

/// A level that this compiler could not make (scripts/toolchain.mjs) is as if the processor lacked it.
void leave_out_missing(Context& context) {
  (void)context;
#ifdef GIMBAL_WITHOUT_AMX
  context.cpu.amx = false;
#endif
#ifdef GIMBAL_WITHOUT_AVX512BF16
  context.cpu.avx512bf16 = false;
#endif
#ifdef GIMBAL_WITHOUT_AVX512
  if (context.isa == Isa::avx512) context.isa = Isa::avx2;
#endif
#ifdef GIMBAL_WITHOUT_AVX2
  if (context.isa == Isa::avx2) context.isa = Isa::base;
#endif
}

}  // namespace

void register_families(Context& context) {
  leave_out_missing(context);
  Registry& registry = context.registry;
#define GIMBAL_REGISTER(family) register_##family(registry);
  switch (context.isa) {
#if defined(__x86_64__) || defined(_M_X64)
#ifndef GIMBAL_WITHOUT_AVX512
    case Isa::avx512: {
      using namespace avx512;
      GIMBAL_FAMILIES(GIMBAL_REGISTER)
#ifndef GIMBAL_WITHOUT_AVX512BF16
      if (context.cpu.avx512bf16) avx512bf16::register_gemm_bf16(registry);
#endif
#ifndef GIMBAL_WITHOUT_AMX
      if (context.cpu.amx) amx::register_gemm_bf16(registry);  // in place of those before
#endif
      return;
    }
#endif
#ifndef GIMBAL_WITHOUT_AVX2
    case Isa::avx2: {
      using namespace avx2;
      GIMBAL_FAMILIES(GIMBAL_REGISTER)
      return;
    }
#endif
#endif
    default: {
      using namespace base;
      GIMBAL_FAMILIES(GIMBAL_REGISTER)
    }
  }
#undef GIMBAL_REGISTER
}

}  // namespace gimbal
