// Matrix products in bf16 at the level `amx`: see gemm_bf16/driver.h.
#include "gemm/arguments.h"

#include "gemm_bf16/driver.h"
