"""Time per trial besides training with SQLite's write-ahead log and without it.

    python benchmarks/write_ahead_log.py [--trials 60]

The default search of digits with an executor that answers at once, its study in a SQLite file, with
the write-ahead log and without it, in turn. Writes benchmarks/write_ahead_log.md.
"""

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any
from unittest import mock

from heading import heading

from asymnas import StudyConfig
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job, RungResult

RESULTS = Path(__file__).with_suffix(".md")
REPEATS = 2


class AtOnce(Executor):
    """Answers every rung at once: the loss falls with the size and with training."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        job: Job = args[0]
        size = job.architecture.counts.total_params
        loss = 1 / math.sqrt(size) + 0.01 * job.learning_rate + 0.05 * job.total / job.until
        if job.save is not None:
            job.save.parent.mkdir(parents=True, exist_ok=True)
            job.save.write_bytes(b"made up")
        future: Future[Any] = Future()
        future.set_result(RungResult(metrics={"val_loss": loss}, seconds=1.0))
        return future


def measured(trials: int) -> tuple[float, float]:
    """Wall and CPU milliseconds per trial."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        config = StudyConfig(
            dataset="digits", budget=20_000, trials=trials, device="cpu", workers=2, run_dir=folder
        )
        plan = plan_search(config)
        began, cpu = time.perf_counter(), time.process_time()
        with execute(plan, executor=AtOnce()) as (run, _):
            finished = len(run.table)
        wall, used = time.perf_counter() - began, time.process_time() - cpu
    return 1e3 * wall / finished, 1e3 * used / finished


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60)
    args = parser.parse_args()
    rows = []
    for _ in range(REPEATS):
        for name, networked in (("with the log", False), ("without", True)):
            with mock.patch("asymnas.runs.study.storage.is_networked", return_value=networked):
                wall, cpu = measured(args.trials)
            rows.append(f"| {name} | {wall:.0f} | {cpu:.0f} | {os.getloadavg()[0]:.1f} |")
            print(rows[-1], flush=True)
    lines = [
        *heading("Time per trial besides training", __file__),
        f"{args.trials} trials with results that are made up, the study in a SQLite file.",
        "",
        "| write-ahead log | wall, ms per trial | CPU, ms per trial | load average |",
        "|---|---|---|---|",
        *rows,
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
