"""Fits the polynomials of cc/simd_math.h: run `python3 scripts/fit-polynomials.py` (needs numpy and mpmath) and compare.

Each is a near-minimax fit (Lawson's reweighted least squares on Chebyshev nodes) of the error that matters in float32:
relative where the result can be small, weighted by the function's share of the result elsewhere.
"""

import mpmath as mp
import numpy as np

mp.mp.dps = 40


def fit(name, target, weight, low, high, degree, rounds=200, nodes=1500):
    """Prints c[0..degree] that minimise max |weight(x) (target(x) - sum c[k] x^k)| on [low, high]."""
    theta = (np.arange(nodes) + 0.5) * np.pi / nodes
    x = (low + high) / 2 + (high - low) / 2 * np.cos(theta)
    y = np.array([float(target(mp.mpf(float(v)))) for v in x])
    w = np.array([float(weight(mp.mpf(float(v)))) for v in x])
    powers = np.vander(x, degree + 1, increasing=True)
    share = np.full(nodes, 1 / nodes)
    best, coefficients = np.inf, None
    for _ in range(rounds):
        scale = np.sqrt(share) * np.abs(w)
        c, *_ = np.linalg.lstsq(powers * scale[:, None], y * scale, rcond=None)
        error = np.abs(w * (powers @ c - y))
        if error.max() < best:
            best, coefficients = error.max(), c
        share = share * (error + 1e-18)
        share = share / share.sum()
    print(f"{name}: max weighted error {best:.2e}")
    print("  " + ", ".join(f"{np.float32(v):.9g}f" for v in coefficients))


half_ln2 = float(mp.log(2) / 2) * 1.001
# e^r = 1 + r + r^2 P(r)
fit("exp", lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: r**2, -half_ln2, half_ln2, 4)
# e^r - 1 = r + r^2 P(r), relative to e^r - 1
fit("expm1", lambda r: (mp.expm1(r) - r) / r**2, lambda r: r**2 / mp.expm1(r), -half_ln2, half_ln2, 5)
# log(1 + f) = f - f^2 / 2 + f^3 P(f), relative to log(1 + f)
fit(
    "log",
    lambda f: (mp.log1p(f) - f + f * f / 2) / f**3,
    lambda f: f**3 / mp.log1p(f),
    float(mp.sqrt(0.5)) - 1,
    float(mp.sqrt(2)) - 1,
    8,
)
# sin x = x + x^3 S(x^2), cos x = 1 - x^2 / 2 + x^4 C(x^2), |x| <= pi / 4 (in z = x^2)
quarter = float(mp.pi / 4) * 1.001
fit("sin", lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: z, 1e-6, quarter**2, 2)
fit("cos", lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2, 1e-6, quarter**2, 2)
# erf x = x + x Q(x^2) for |x| <= 1 (in z = x^2)
fit("erf, |x| <= 1", lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, lambda z: 1, 1e-8, 1.0, 5)
# erf x = 1 - exp(t R(t)), t = |x| in [1, 4]: what counts is the error times erfc(t) t
fit("erf, |x| >= 1", lambda t: mp.log(mp.erfc(t)) / t, lambda t: mp.erfc(t) * t, 1.0, 4.0, 5)
# Phi(-s) = exp(s R(s)) / 2, s in [0, 5.66]: what counts is the error times s times the tail
root = mp.sqrt(2)
fit("gelu-erf", lambda s: mp.log(mp.erfc(s / root)) / s, lambda s: mp.erfc(s / root) * s, 1e-4, 5.66, 7)
