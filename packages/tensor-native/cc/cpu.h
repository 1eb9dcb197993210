// What the processor and the operating system allow: instruction sets (CPUID *and* the registers the system saves,
// XGETBV) and cache sizes.
#pragma once
#include <cstdint>

namespace gimbal {

/// Instruction-set levels that kernels are compiled for, lowest first. On arm `base` means NEON.
enum class Isa { base = 0, avx2 = 1, avx512 = 2 };

struct Cpu {
  Isa isa = Isa::base;      // highest level that may run
  bool avx512bf16 = false;  // vdpbf16ps
  bool amx = false;         // bf16 tiles, and the system granted their registers to this process
  int64_t l1 = 32 << 10;    // data cache of a core, bytes
  int64_t l2 = 512 << 10;   // second level of a core, bytes
};

/// Asks the processor; requests the tile registers from Linux (they are granted per process).
Cpu detect_cpu();

inline const char* isa_name(Isa isa) {
  return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "base";
}

}  // namespace gimbal
