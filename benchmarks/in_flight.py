"""CPU time of the coordinator per trial, with as many rungs in flight as a cluster has workers.

    python benchmarks/in_flight.py [--trials 40]

The default search of digits with made-up results: so many rungs are in flight that each worker has
one, and one ends after another, the oldest first. Writes benchmarks/in_flight.md.
"""

import argparse
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from coordinator import AtOnce
from heading import heading

from asymnas import StudyConfig
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search

RESULTS = Path(__file__).with_suffix(".md")
NUMBERS = (1, 30)  # of workers


class InFlight(Executor):
    """Holds back every answer until the oldest is asked for."""

    def __init__(self) -> None:
        self._made, self._open = AtOnce(), deque[tuple[Future[Any], Future[Any]]]()
        self.rungs = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._open.append((future, self._made.submit(fn, *args, **kwargs)))
        return future

    def end_oldest(self) -> None:
        if self._open:
            future, made = self._open.popleft()
            future.set_result(made.result())
            self.rungs += 1


def measured(workers: int, trials: int) -> str:
    """A row: workers, trials, rungs, CPU milliseconds per trial."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        config = StudyConfig(trials=trials, device="cpu", workers=workers, run_dir=folder)
        plan = plan_search(config)
        executor, cpu = InFlight(), time.process_time()
        with execute(plan, executor=executor, observe=lambda snapshot: executor.end_oldest()) as (
            run,
            _,
        ):
            finished = len(run.table)
        used = time.process_time() - cpu
    per_trial = 1e3 * used / finished
    load = os.getloadavg()[0]
    return f"| {workers} | {finished} | {executor.rungs} | {per_trial:.0f} | {load:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=40)
    args = parser.parse_args()
    rows = []
    for workers in NUMBERS:
        rows.append(measured(workers, max(args.trials, 2 * workers)))
        print(rows[-1], flush=True)
    lines = [
        *heading("The coordinator beside many workers", __file__),
        "A search of digits with results that are made up; every worker has a rung in flight.",
        "",
        "| workers | trials | rungs | CPU, ms per trial | load average |",
        "|---|---|---|---|---|",
        *rows,
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
