#include "cpu.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace gimbal {

#if defined(__x86_64__) || defined(_M_X64)
namespace {

struct Leaf {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Leaf cpuid(unsigned leaf, unsigned sub = 0) {
  Leaf r;
  __cpuid_count(leaf, sub, r.a, r.b, r.c, r.d);
  return r;
}

bool bit(unsigned word, int index) { return (word >> index) & 1; }

/// XCR0: which register files the operating system saves on a context switch.
uint64_t saved_registers() {
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}

/// Linux gives a process the 8 KiB of tile registers only when asked (arch_prctl, since 5.16).
bool request_tiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

/// Data-cache sizes by deterministic cache parameters: leaf 4 on Intel, 0x8000001D on AMD, same layout.
void read_caches(Cpu& cpu) {
  unsigned highest = cpuid(0).a, extended = cpuid(0x80000000u).a;
  Leaf vendor = cpuid(0);
  bool amd = vendor.b == 0x68747541u;  // "Auth"enticAMD
  unsigned leaf = amd ? 0x8000001Du : 4u;
  if (amd ? extended < leaf : highest < leaf) return;
  for (unsigned i = 0; i < 8; i++) {
    Leaf c = cpuid(leaf, i);
    unsigned type = c.a & 31, level = (c.a >> 5) & 7;
    if (type == 0) break;
    if (type == 2) continue;  // instructions
    int64_t ways = (c.b >> 22) + 1, partitions = ((c.b >> 12) & 1023) + 1, line = (c.b & 4095) + 1;
    int64_t bytes = ways * partitions * line * (static_cast<int64_t>(c.c) + 1);
    if (level == 1) cpu.l1 = bytes;
    if (level == 2) cpu.l2 = bytes;
  }
}

}  // namespace

Cpu detect_cpu() {
  Cpu cpu;
  read_caches(cpu);
  unsigned highest = cpuid(0).a;
  Leaf one = cpuid(1);
  bool osxsave = bit(one.c, 27), avx = bit(one.c, 28), fma = bit(one.c, 12), f16c = bit(one.c, 29);
  if (highest < 7 || !osxsave) return cpu;
  uint64_t saved = saved_registers();
  bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6, tiles = (saved & 0x60000) == 0x60000;
  Leaf seven = cpuid(7);
  if (!(avx && fma && f16c && bit(seven.b, 5) && ymm)) return cpu;
  cpu.isa = Isa::avx2;
  bool f = bit(seven.b, 16), dq = bit(seven.b, 17), bw = bit(seven.b, 30), vl = bit(seven.b, 31);
  if (!(f && dq && bw && vl && zmm)) return cpu;
  cpu.isa = Isa::avx512;
  cpu.avx512bf16 = seven.a >= 1 && bit(cpuid(7, 1).a, 5);
  // the tile kernels convert their operands with the AVX512-BF16 instructions
  bool amx = bit(seven.d, 22) && bit(seven.d, 24) && tiles && cpu.avx512bf16;
  cpu.amx = amx && request_tiles();
  return cpu;
}

#else

Cpu detect_cpu() {
  Cpu cpu;
#if defined(__APPLE__)
  int64_t bytes = 0;
  size_t size = sizeof bytes;
  if (sysctlbyname("hw.perflevel0.l2cachesize", &bytes, &size, nullptr, 0) == 0 && bytes > 0) cpu.l2 = bytes;
  size = sizeof bytes;
  if (sysctlbyname("hw.perflevel0.l1dcachesize", &bytes, &size, nullptr, 0) == 0 && bytes > 0) cpu.l1 = bytes;
#endif
  return cpu;
}

#endif

}  // namespace gimbal
