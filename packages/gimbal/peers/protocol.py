"""The long-lived side of a benchmark: answers timing requests, one JSON object a line, until stdin closes.

A peer script builds a table of cases and calls `serve`. A case is a function of the request's arguments that prepares
the workload and returns `run(calls)`, which runs it `calls` times; preparation is kept per (case, arguments), so that
the bench can interleave its own runs with this process's.

    -> {"time": "train-step", "arguments": {"precision": "float32"}, "calls": 3}
    <- {"seconds": 1.052}
    -> {"ask": "losses", "arguments": {"steps": 3}}
    <- {"value": [6.93, 6.91, 6.88]}
    <- {"error": "ValueError: ..."}

The first line out says what answers: {"ready": true, "versions": {"python": "3.11.2", "torch": "2.13.0"}}.
"""

import argparse
import json
import platform
import resource
import sys
import time


def options() -> argparse.Namespace:
    """What the bench gives both sides: `--threads n`, `--device cuda`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def threads() -> int:
    """The number of threads the bench gives both sides."""
    return options().threads


def use_device(torch) -> str:
    """Let tensors be made on the bench's device, the CPU or a GPU, and give its name."""
    device = options().device
    torch.set_default_device(device)
    return device


def peak_memory(_arguments: dict) -> int:
    """Peak resident memory of this process so far, in bytes (Linux reports kilobytes, macOS bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def serve(cases: dict, questions: dict | None = None, versions: dict | None = None) -> None:
    """Answer requests until stdin closes. Results go to the real stdout; anything else that prints goes to stderr."""
    out, sys.stdout = sys.stdout, sys.stderr
    questions = {"peak-memory": peak_memory, **(questions or {})}
    prepared: dict = {}

    def reply(message: dict) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    def finish() -> None:
        if options().device == "cuda":
            sys.modules["torch"].cuda.synchronize()

    def answer(request: dict) -> dict:
        arguments = request.get("arguments", {})
        if "ask" in request:
            return {"value": questions[request["ask"]](arguments)}
        key = json.dumps([request["time"], arguments], sort_keys=True)
        if key not in prepared:
            prepared[key] = cases[request["time"]](**arguments)
        run = prepared[key]
        finish()
        start = time.perf_counter()
        run(request.get("calls", 1))
        finish()
        return {"seconds": time.perf_counter() - start}

    reply({"ready": True, "versions": {"python": platform.python_version(), **(versions or {})}})
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            reply(answer(json.loads(line)))
        except Exception as error:  # noqa: BLE001  (the bench prints it beside the row)
            reply({"error": f"{type(error).__name__}: {error}"})
