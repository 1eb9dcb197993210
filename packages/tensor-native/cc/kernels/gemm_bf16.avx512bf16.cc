// Matrix products in bf16 at the level `avx512bf16`: see gemm_bf16/driver.h.
#include "gemm/arguments.h"

#include "gemm_bf16/driver.h"
