"""The NumPy loop for `gimbal bench nash-md`: tabular Nash-MD with the paper's schedule."""

import numpy
from protocol import serve


def normalise(x):
    x = x - x.max()
    return x - numpy.log(numpy.exp(x).sum())


def nash_md(preferences: list, responses: int, tau: float, steps: int):
    p = numpy.array(preferences).reshape(responses, responses)
    log_ref = numpy.full(responses, -numpy.log(responses))

    def run(calls: int) -> None:
        for _ in range(calls):
            log_pi = log_ref
            for t in range(steps):
                eta = 2 / (tau * (t + 2))
                a = eta * tau
                mixture = normalise((1 - a) * log_pi + a * log_ref)
                log_pi = normalise(mixture + eta * (p @ numpy.exp(mixture)))

    return run


serve({"nash-md": nash_md}, versions={"numpy": numpy.__version__})
