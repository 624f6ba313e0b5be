"""Training with tcmalloc preloaded and without: CPU time and results.

    python benchmarks/allocator.py [--library libtcmalloc_minimal.so.4] [--repeats 3]

Random networks of digits (20,000 parameters) and Fashion-MNIST (150,000) are trained for a part of
their first rung in processes of their own, with and without the library in turn. CPU time of one
thread, the first network trained twice and its first time left out. Writes benchmarks/allocator.md.
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from heading import heading

from asymnas import StudyConfig
from asymnas.runs.executors.local import faster_allocator
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job, train_rung

RESULTS = Path(__file__).with_suffix(".md")
TRAINED = {"digits": (20_000, 300, 8), "fashion-mnist": (150_000, 60, 6)}  # budget, steps, networks


def train(dataset: str) -> None:
    """Prints CPU seconds and a digest of the losses."""
    torch.set_num_threads(1)
    budget, steps, networks = TRAINED[dataset]
    plan = plan_search(StudyConfig(dataset=dataset, budget=budget, device="cpu", metrics=()))
    seconds, digest = 0.0, hashlib.sha256()
    for seed in range(networks):
        job = Job(
            architecture=plan.sample(seed).architecture,
            data=plan.config.data(),
            learning_rate=3e-3,
            batch_size=64,
            seed=seed,
            until=steps,
            total=12 * steps,
            device="cpu",
        )
        if seed == 0:
            train_rung(job)
        began = time.process_time()
        result = train_rung(job)
        seconds += time.process_time() - began
        digest.update(repr(result.metrics).encode())
    print(seconds, digest.hexdigest())


def measured(dataset: str, library: str) -> tuple[float, str]:
    """The same from a process with a library preloaded; none if it is empty."""
    command = [sys.executable, __file__, "--train", dataset]
    environment = {**os.environ, "LD_PRELOAD": library, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, digest = done.stdout.split()
    return float(seconds), digest


def row(dataset: str, library: str, repeats: int) -> str:
    """A row of the table."""
    ratios, times, digests = [], [], set()
    for _ in range(repeats):
        (without, first), (preloaded, second) = (measured(dataset, x) for x in ("", library))
        ratios.append(without / preloaded)
        times.append((without, preloaded))
        digests |= {first, second}
        print(dataset, without, preloaded, os.getloadavg(), flush=True)
    plain, fast = (statistics.median(column) for column in zip(*times, strict=True))
    return (
        f"| {dataset} | {plain:.1f} | {fast:.1f} | {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}) | {'yes' if len(digests) == 1 else 'no'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default=faster_allocator())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--train", choices=TRAINED, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train:
        train(args.train)
        return
    if not args.library:
        raise SystemExit("tcmalloc is not installed: give --library")
    lines = [
        *heading("Training with tcmalloc", __file__),
        f"{args.repeats} pairs per data set; load average at the end "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.",
        "",
        "| data | without, CPU s | with, CPU s | times faster | same losses bit by bit |",
        "|---|---|---|---|---|",
        *(row(dataset, args.library, args.repeats) for dataset in TRAINED),
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
