"""What binds first with ten thousand workers: the coordinator, or the pool that feeds them.

    python benchmarks/many_workers.py [--only training|pool]

The default search of digits with results that are made up, its study in a SQLite file:

- 100, 1,000 and 10,000 candidates in training at once: CPU time to take a run up again that was
  stopped so, and of the next trials. Those in training are copies of some that the search has
  made, which differ in what the rates of their sides are to each other.
- the pool that feeds workers which are elsewhere, with 100, 1,000 and 10,000 of them, which answer
  at once: its CPU time and memory.

Measurements are kept in `many_workers.jsonl`, so that a run that was stopped goes on where it was;
the tables are written to `many_workers.md`. The pool's 10,000 threads drive the load up.
"""

import argparse
import json
import math
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import torch
from coordinator import AtOnce, config_in, made_up, sampler_timed, table
from heading import heading

from asymnas.runs.candidates import Candidates
from asymnas.runs.execute import execute
from asymnas.runs.executors.pool import WorkerPool
from asymnas.runs.executors.worker import answer
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job

RESULTS = Path(__file__).with_suffix(".md")
KEPT = Path(__file__).with_suffix(".jsonl")
SIZES = (100, 1_000, 10_000)
BEFORE, NEXT = 90, 24  # trials that have ended before, and that are measured
AT_A_LOOK = 8  # rungs that have ended when the coordinator looks, where it has much to do
OTHER_RATIO = 1.3  # between the rate ratios of copies: they are no duplicates
MOST_TAKEN_UP = 1_000  # more of them stay in the study, seen by the sampler alone
CALLS = 40


class InOrder(Executor):
    """As many workers as there are rungs, which end in the order of their submission.

    Attributes:
        rungs: How many were submitted.
    """

    def __init__(self) -> None:
        self.rungs = 0
        self._open = deque[tuple[Future[Any], Job]]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self._open.append((future, args[0]))
        self.rungs += 1
        return future

    def replace_worker(self, future: Future[Any], reason: str) -> bool:
        """None hangs; the coordinator looks for those that do, as where workers are processes."""
        return False

    def end_some(self) -> None:
        """Ends the next rungs."""
        for _ in range(min(AT_A_LOOK, len(self._open))):
            future, job = self._open.popleft()
            future.set_result(made_up(job))


class Answering:
    """A worker of a pool that answers at once, once it may."""

    queues = has_ended = False

    def __init__(self, may_answer: threading.Event) -> None:
        self._may_answer = may_answer

    def wait_until_started(self) -> None:
        """It is ready at once."""

    def exchange(self, call: bytes) -> bytes:
        self._may_answer.wait()
        return answer(call)[1]

    def kill(self) -> None:
        """Nothing is left to end."""

    end = kill

    def reason(self, error: Exception) -> str:
        return str(error)


def in_training(folder: Path, trials: int) -> None:
    """Adds copies of a run's trials that are in training and have not ended a rung."""
    with closing(sqlite3.connect(folder / "study.db")) as base, base:
        own = base.execute(
            "SELECT trial_id FROM trials WHERE trial_id NOT IN "
            "(SELECT trial_id FROM trial_user_attributes WHERE key = 'duplicate_of')"
        ).fetchall()
        (first,) = base.execute("SELECT MAX(trial_id) + 1 FROM trials").fetchone()
        (number,) = base.execute("SELECT MAX(number) + 1 FROM trials").fetchone()
        for copy in range(trials):
            (old,) = own[copy % len(own)]
            base.execute(
                "INSERT INTO trials SELECT ?, ?, study_id, 'RUNNING', datetime_start, NULL "
                "FROM trials WHERE trial_id = ?",
                (first + copy, number + copy, old),
            )
            base.execute(
                "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
                "SELECT ?, param_name, param_value, distribution_json FROM trial_params "
                "WHERE trial_id = ?",
                (first + copy, old),
            )
            stored = base.execute(
                "SELECT key, value_json FROM trial_user_attributes WHERE trial_id = ? "
                "AND key NOT IN ('curve', 'seconds', 'metrics', 'rung_objectives')",
                (old,),
            )
            for key, text in stored.fetchall():
                value = json.loads(text)
                if isinstance(value, dict) and "rate_ratio" in value:
                    value["rate_ratio"] = OTHER_RATIO ** (copy // len(own) + 1)
                base.execute(
                    "INSERT INTO trial_user_attributes (trial_id, key, value_json) "
                    "VALUES (?, ?, ?)",
                    (first + copy, key, json.dumps(value)),
                )


def many_in_training(folder: Path, trials: int) -> dict[str, float]:
    """CPU seconds to take up a run with so many trials in training, and of those that follow."""
    in_training(folder, trials)
    taken, workers = trials <= MOST_TAKEN_UP, trials if trials <= MOST_TAKEN_UP else AT_A_LOOK
    executor, began = InOrder(), time.process_time()
    seen: list[tuple[float, float, int, int]] = []
    with sampler_timed() as sampling:

        def observe(snapshot: Any) -> None:
            ended = snapshot.finished + snapshot.duplicate
            seen.append((time.process_time(), sum(sampling), ended, executor.rungs))
            if ended >= seen[0][2] + NEXT:
                raise KeyboardInterrupt
            executor.end_some()

        plan = plan_search(config_in(folder, 10 * trials, workers=workers))
        with ExitStack() as stack:
            if not taken:
                stack.enter_context(mock.patch.object(Candidates, "unfinished", return_value=[]))
            stack.enter_context(execute(plan, executor=executor, observe=observe))
    (taken_up, sampled, before, begun), (ended, sampled_then, after, begun_then) = seen[0], seen[-1]
    return {
        "training": trials,
        "taken_up": taken_up - began if taken else math.nan,
        "whole": 1e3 * (ended - taken_up) / (after - before),
        "sampler": 1e3 * (sampled_then - sampled) / (after - before),
        "rungs": (begun_then - begun) / (after - before),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def pool(workers: int) -> dict[str, float]:
    """CPU of the pool that feeds so many workers, and the memory that it takes."""
    process, may_answer = psutil.Process(), threading.Event()
    memory, began = process.memory_info().rss, time.process_time()
    executor = WorkerPool([partial(Answering, may_answer)] * workers, name="worker")
    started = time.process_time()
    calls = [executor.submit(abs, number) for number in range(workers)]
    while not all(call.running() for call in calls):
        time.sleep(0.1)
    looked = time.process_time()
    wait(calls, timeout=0, return_when=FIRST_COMPLETED)
    looking = time.process_time() - looked
    may_answer.set()
    for call in calls:
        call.result()
    memory, one = process.memory_info().rss - memory, time.process_time()
    for _ in range(CALLS):
        executor.submit(abs, 1).result()
    ended = time.process_time()
    executor.shutdown(cancel_futures=True)
    return {
        "workers": workers,
        "start": started - began,
        "look": 1e3 * looking,
        "call": 1e3 * (ended - one) / CALLS,
        "end": time.process_time() - ended,
        "memory_mb": memory / 2**20,
    }


def measured(what: str, size: int) -> dict[str, float]:
    """One measurement."""
    torch.set_num_threads(1)
    if what == "pool":
        return pool(size)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        folder = Path(place) / "run"
        with execute(plan_search(config_in(folder, BEFORE)), executor=AtOnce()):
            pass
        return many_in_training(folder, size)


def kept() -> dict[tuple[str, int], dict[str, float]]:
    """What was measured so far."""
    rows = map(json.loads, KEPT.read_text().splitlines()) if KEPT.is_file() else ()
    return {(row["what"], row["size"]): row["answer"] for row in rows}


def page(made: dict[tuple[str, int], dict[str, float]]) -> list[str]:
    """Both tables."""
    return [
        *heading("Ten thousand workers", __file__),
        "Results are made up, times are CPU time, measured once each; the load is that of two "
        "cores when a measurement began.",
        "",
        "## Candidates in training",
        "",
        f"{BEFORE} trials have ended before; of the next {NEXT}, {AT_A_LOOK} rungs end at a time. "
        f"More than {MOST_TAKEN_UP:,} in training are left in the study, where the sampler sees "
        f"them, and {AT_A_LOOK} workers are at work: a dash for taking them up, and what a look at "
        "all calls in flight costs (below) comes on top. The last column but one is the "
        "coordinator's time per trial times those in training: how long a candidate has to train "
        "on average, pruned ones as they are, for the coordinator to keep so many workers busy.",
        *table(
            "| in training | taken up again, s | ms per trial besides the sampler "
            "| the sampler, ms | rungs per trial | memory, MB | a candidate's mean at least "
            "| load |",
            [_training_row(made["training", n]) for n in SIZES if ("training", n) in made],
        ),
        "## The pool",
        "",
        "Workers that answer at once, each with its thread. A look finds the calls that have ended "
        "among as many in flight; a call is given to one of the workers, which all wait.",
        *table(
            "| workers | started, s | a look, ms | a call, ms | ended, s | memory, MB | load |",
            [_pool_row(made["pool", n]) for n in SIZES if ("pool", n) in made],
        )[:-1],
    ]


def _training_row(a: dict[str, float]) -> str:
    busy = a["training"] * a["whole"] / 1e3
    taken_up = "–" if math.isnan(a["taken_up"]) else f"{a['taken_up']:.0f}"
    return (
        f"| {a['training']:,.0f} | {taken_up} | {a['whole'] - a['sampler']:.0f} "
        f"| {a['sampler']:.0f} | {a['rungs']:.1f} | {a['memory_mb']:,.0f} "
        f"| {f'{busy:.0f} s' if busy < 100 else f'{busy / 60:.0f} min'} | {a['load']:.1f} |"
    )


def _pool_row(a: dict[str, float]) -> str:
    return (
        f"| {a['workers']:,.0f} | {a['start']:.1f} | {a['look']:.1f} | {a['call']:.1f} "
        f"| {a['end']:.1f} | {a['memory_mb']:,.0f} | {a['load']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("training", "pool"))
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measured(args.measure[0], int(args.measure[1]))))
        return
    for what in ("training", "pool"):
        for size in SIZES:
            if (what, size) in kept() or args.only not in (None, what):
                continue
            load = os.getloadavg()[0]
            command = [sys.executable, __file__, "--measure", what, f"{size}"]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            answer = {**json.loads(done.stdout.splitlines()[-1]), "load": load}
            with KEPT.open("a") as file:
                file.write(json.dumps({"what": what, "size": size, "answer": answer}) + "\n")
            print(what, size, answer, file=sys.stderr, flush=True)
    RESULTS.write_text("\n".join(page(kept())) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
