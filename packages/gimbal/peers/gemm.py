"""PyTorch matrix products for `gimbal bench gemm`: [m, k] x [k, n] in float32, in every transpose form."""

import torch
from protocol import serve, threads, use_device

torch.set_num_threads(threads())
use_device(torch)
torch.manual_seed(0)

WORKING_SET = 64 * 1024 * 1024  # bytes of operands to rotate through, as in a training step, where no operand is warm


def product(m: int, k: int, n: int, transposeA: bool, transposeB: bool, fresh: bool):
    """One product a call; fresh = rotate through operand sets larger than the caches."""
    bytes_each = 4 * (m * k + k * n + m * n)
    sets = max(2, min(64, WORKING_SET // bytes_each)) if fresh else 1
    a = [torch.randn((k, m) if transposeA else (m, k)) for _ in range(sets)]
    b = [torch.randn((n, k) if transposeB else (k, n)) for _ in range(sets)]

    @torch.no_grad()
    def run(calls: int) -> None:
        for i in range(calls):
            x, y = a[i % sets], b[i % sets]
            torch.matmul(x.T if transposeA else x, y.T if transposeB else y)

    return run


serve({"product": product}, versions={"torch": torch.__version__})
