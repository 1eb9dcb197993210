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

void register_families(Context& context) {
  Registry& registry = context.registry;
#define GIMBAL_REGISTER(family) register_##family(registry);
  switch (context.isa) {
#if defined(__x86_64__) || defined(_M_X64)
    case Isa::avx512: {
      using namespace avx512;
      GIMBAL_FAMILIES(GIMBAL_REGISTER)
      if (context.cpu.amx)
        amx::register_gemm_bf16(registry);
      else if (context.cpu.avx512bf16)
        avx512bf16::register_gemm_bf16(registry);
      return;
    }
    case Isa::avx2: {
      using namespace avx2;
      GIMBAL_FAMILIES(GIMBAL_REGISTER)
      return;
    }
#endif
    default: {
      using namespace base;
      GIMBAL_FAMILIES(GIMBAL_REGISTER)
    }
  }
#undef GIMBAL_REGISTER
}

}  // namespace gimbal
