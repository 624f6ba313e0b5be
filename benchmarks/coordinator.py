"""What the coordinator costs: CPU time per trial, publishing, and how busy it keeps 256 workers.

    python benchmarks/coordinator.py [--against CHECKOUT] [--repeats 1]

The default search of digits with results that are made up, its study in a SQLite file:

- after 100, 1,000 and 10,000 trials, CPU time of the next 40, the sampler's by itself. The
  trials before them are copies of some that the search has made, with higher losses.
- `publish` at 10,000, and what another process takes to open that run.
- 256 simulated workers: the real coordinator, whose CPU time is added to a simulated clock. A
  candidate that is trained to its end takes half to one and a half times 150 s; one that is
  pruned, its part of that, so that all together take about a minute on average.

With `--against`, the first is measured in an earlier checkout too, in turn. All are kept in
`coordinator.jsonl`, so that a run that was stopped goes on where it was; rows that are given a name
there stay in the table. The tables are written to `coordinator.md`.
"""

import argparse
import heapq
import itertools
import json
import math
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from heading import heading
from optuna.samplers import TPESampler

from asymnas import StudyConfig
from asymnas.reporting.publish import publish
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search
from asymnas.runs.run import Run
from asymnas.training.rung import Job, RungResult

RESULTS = Path(__file__).with_suffix(".md")
KEPT = Path(__file__).with_suffix(".jsonl")
SIZES = (100, 1_000, 10_000)
BASE = 90  # trials that are made, of which the others are copies
NEXT = 40
WORKERS = 256
WHOLE_S = (150,)  # of a candidate that is trained to its end, on average
SIMULATED = 1_500  # trials
SAMPLING = ("infer_relative_search_space", "sample_relative", "sample_independent", "after_trial")


def made_up(job: Job) -> RungResult:
    """The loss falls with the size and with training, and depends on the rate."""
    size = job.architecture.counts.total_params
    loss = 1 / math.sqrt(size) + 0.01 * job.learning_rate + 0.05 * job.total / job.until
    if job.save is not None:
        job.save.parent.mkdir(parents=True, exist_ok=True)
        job.save.write_bytes(b"made up")
    return RungResult(metrics={"val_loss": loss}, seconds=1.0)


class AtOnce(Executor):
    """Answers every rung at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(made_up(args[0]))
        return future


class Simulated(Executor):
    """Workers on a clock that stands still but for the coordinator's CPU time.

    Args:
        whole: Seconds that a candidate takes on average if it is trained to its end.

    Attributes:
        now: Seconds since the start.
        last: When the last candidate was begun.
        worked: Seconds that the coordinator had worked by then.
        rungs: Start and end of each.
    """

    def __init__(self, whole: float) -> None:
        self._whole = whole
        self.now, self.last, self.rungs = 0.0, 0.0, list[tuple[float, float]]()
        self.worked, self._worked = 0.0, 0.0
        self._cpu, self._order = time.process_time(), itertools.count()
        self._open: list[tuple[float, int, Future[Any], RungResult]] = []
        self._reached: dict[int, float] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        (job,) = args
        self._pass()
        whole = self._whole * (0.5 + random.Random(job.seed).random())
        done = self._reached.get(job.seed, 0.0)
        self._reached[job.seed] = job.until / job.total
        end = self.now + whole * (self._reached[job.seed] - done)
        self.rungs.append((self.now, end))
        if job.checkpoint is None:
            self.last, self.worked = self.now, self._worked
        future: Future[Any] = Future()
        heapq.heappush(self._open, (end, next(self._order), future, made_up(job)))
        self._cpu = time.process_time()  # writing the checkpoint is a worker's
        return future

    def _pass(self) -> None:
        now = time.process_time()
        self.now += now - self._cpu
        self._worked += now - self._cpu
        self._cpu = now

    def wait(self, snapshot: object) -> None:
        """Ends the rungs that have ended, or the next one."""
        self._pass()
        self.now = max(self.now, self._open[0][0]) if self._open else self.now
        while self._open and self._open[0][0] <= self.now:
            _, _, future, result = heapq.heappop(self._open)
            future.set_result(result)
        self._cpu = time.process_time()


def config_in(folder: Path, trials: int, workers: int = 2) -> StudyConfig:
    return StudyConfig(
        dataset="digits",
        budget=20_000,
        trials=trials,
        device="cpu",
        workers=workers,
        run_dir=str(folder),
    )


@contextmanager
def sampler_timed() -> Iterator[list[float]]:
    """CPU seconds of each call of the sampler."""
    spent: list[float] = []

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            try:
                return method(*args, **kwargs)
            finally:
                spent.append(time.process_time() - began)

        return call

    with ExitStack() as stack:
        for name in SAMPLING:
            method = timed(getattr(TPESampler, name))
            stack.enter_context(mock.patch.object(TPESampler, name, method))
        yield spent


def grown(folder: Path, trials: int) -> None:
    """Adds copies of a run's trials to its database, with higher losses, up to so many."""
    with closing(sqlite3.connect(folder / "study.db")) as base, base:
        own = base.execute(
            "SELECT * FROM trials WHERE trial_id NOT IN "
            "(SELECT trial_id FROM trial_user_attributes WHERE key = 'duplicate_of')"
        ).fetchall()
        (first,) = base.execute("SELECT MAX(trial_id) + 1 FROM trials").fetchone()
        (number,) = base.execute("SELECT MAX(number) + 1 FROM trials").fetchone()
        for copy in range(trials - len(own)):
            old, _, *rest = own[copy % len(own)]
            base.execute("INSERT INTO trials VALUES (?,?,?,?,?,?)", (first, number, *rest))
            _copy_rows(base, old, first, 1.001 + 1e-5 * copy)
            first, number = first + 1, number + 1


def _copy_rows(base: sqlite3.Connection, old: int, new: int, factor: float) -> None:
    """What belongs to a trial, all losses times a factor; without its checksum."""
    for table, columns in (
        ("trial_params", "param_name, param_value, distribution_json"),
        ("trial_user_attributes", "key, value_json"),
        ("trial_values", "objective, value, value_type"),
        ("trial_intermediate_values", "step, intermediate_value, intermediate_value_type"),
    ):
        select = f"SELECT {columns} FROM {table} WHERE trial_id = ?"
        for row in map(list, base.execute(select, (old,)).fetchall()):
            if row[0] == "curve":
                points = json.loads(row[1])
                row[1] = json.dumps([[seen, factor * loss] for seen, loss in points])
            elif table in ("trial_values", "trial_intermediate_values"):
                row[1] *= factor
            marks = ",".join("?" * (len(row) + 1))
            base.execute(f"INSERT INTO {table} (trial_id, {columns}) VALUES ({marks})", (new, *row))


def per_trial(folder: Path, trials: int) -> dict[str, float]:
    """CPU milliseconds per trial of those that follow: all, and the sampler's."""
    own = len(Run.open(folder).own)
    seen: list[tuple[float, float, int]] = []
    with sampler_timed() as sampling:

        def observe(snapshot: Any) -> None:
            seen.append(
                (time.process_time(), sum(sampling), snapshot.finished + snapshot.duplicate)
            )

        plan = plan_search(config_in(folder, own + trials))
        with execute(plan, executor=AtOnce(), observe=observe):
            pass
    (began, sampled, before), (ended, sampled_then, after) = seen[0], seen[-1]
    whole, sampler = 1e3 * (ended - began), 1e3 * (sampled_then - sampled)
    ended_trials = after - before
    return {"whole": whole / ended_trials, "sampler": sampler / ended_trials}


def published(folder: Path) -> dict[str, float]:
    """Seconds to publish a run by the process that has made it, and to open it by another."""
    began = time.process_time()
    assert len(Run.open(folder).table) > 0
    opened, own = time.process_time() - began, len(Run.open(folder).own)
    with execute(plan_search(config_in(folder, own)), executor=AtOnce()) as (run, _):
        cpu, wall = time.process_time(), time.perf_counter()
        publish(run)
        return {
            "trials": own,
            "CPU": time.process_time() - cpu,
            "wall": time.perf_counter() - wall,
            "open": opened,
        }


def simulated(folder: Path, whole: float) -> dict[str, float]:
    """The part of the time until the last candidate is begun in which workers train."""
    plan = plan_search(config_in(folder, SIMULATED, WORKERS))
    executor = Simulated(whole)
    with execute(plan, executor=executor, observe=executor.wait) as (run, _):
        rows, trained = len(run.table), len(run.own)
    busy = sum(max(0.0, min(end, executor.last) - start) for start, end in executor.rungs)
    return {
        "trials": rows,
        "candidate": sum(end - start for start, end in executor.rungs) / trained,
        "seconds": executor.last,
        "busy": 100 * busy / (WORKERS * executor.last),
        "coordinator": 100 * executor.worked / executor.last,
    }


def measured(what: str, base: Path) -> dict[str, float]:
    """One measurement by its name, in a copy of the base run or in an empty folder."""
    kind, _, size = what.partition(" ")
    with tempfile.TemporaryDirectory(dir=base.parent) as place:
        folder = Path(place) / "run"
        if kind in ("trials", "publish"):
            shutil.copytree(base, folder)
            grown(folder, int(size))
        if kind == "trials":
            return per_trial(folder, NEXT)
        if kind == "workers":
            return simulated(folder, float(size))
        return published(folder)


@dataclass(frozen=True)
class Measurements:
    """Measurements of this checkout, and of one before it; those that are kept are not made again.

    Args:
        base: The run that others are copies of.
        before: An earlier checkout, if any.
        repeats: Of measurements of which a median is taken.
    """

    base: Path
    before: Path | None
    repeats: int

    def medians(self, what: str, repeats: int = 1, *, both: bool) -> dict[str, dict[str, float]]:
        """By checkout, measured in turn; `load` is the load average at the end."""
        checkouts = {"before": self.before if both else None, "after": Path(__file__).parents[1]}
        for _ in range(repeats):
            for name, checkout in checkouts.items():
                if checkout is not None and len(self._kept(what, name)) < repeats:
                    self._measure(what, name, checkout)
        answers = {name: kept for name in checkouts if (kept := self._kept(what, name))}
        return {
            name: {key: statistics.median(answer[key] for answer in own) for key in own[0]}
            for name, own in answers.items()
        }

    def row(self, what: str, repeats: int, row: Callable[[dict[str, float]], str]) -> str:
        """A row of a table."""
        answer = self.medians(what, repeats, both=False)["after"]
        return f"| {row(answer)} | {_load(answer)} |"

    def per_trial(self) -> list[str]:
        """Rows by the number of trials before; kept ones of other versions come first."""
        return [
            f"| {size:,} | {name} | {a['whole'] - a['sampler']:.0f} | {a['sampler']:.0f} "
            f"| {_load(a)} |"
            for size in SIZES
            for name, a in [
                *self._of_others(f"trials {size}"),
                *self.medians(f"trials {size}", self.repeats, both=True).items(),
            ]
        ]

    def _of_others(self, what: str) -> list[tuple[str, dict[str, float]]]:
        """What is kept of versions that are not measured any more, by their name."""
        rows = ((row["checkout"], row["answer"]) for row in _all_kept() if row["what"] == what)
        return [(name, answer) for name, answer in rows if name not in ("before", "after")]

    def _kept(self, what: str, name: str) -> list[dict[str, float]]:
        asked = (what, name)
        return [row["answer"] for row in _all_kept() if (row["what"], row["checkout"]) == asked]

    def _measure(self, what: str, name: str, checkout: Path) -> None:
        command = [sys.executable, __file__, "--measure", what, "--base", str(self.base)]
        paths = os.pathsep.join([str(checkout), str(Path(__file__).parent)])
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": paths},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        answer = {**json.loads(done.stdout.splitlines()[-1]), "load": os.getloadavg()[0]}
        with KEPT.open("a") as file:
            file.write(json.dumps({"what": what, "checkout": name, "answer": answer}) + "\n")
        print(what, name, answer, file=sys.stderr, flush=True)


def _all_kept() -> list[dict[str, Any]]:
    return [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.is_file() else []


def table(head: str, rows: list[str]) -> list[str]:
    return ["", head, "|---" * (head.count("|") - 1) + "|", *rows, ""]


def page(made: Measurements) -> list[str]:
    """All tables."""
    return [
        "Results are made up. Times are CPU time of the coordinator's process but where a column "
        "says otherwise; the load is that of two cores when a measurement ended, a "
        "dash where it was not taken by the script. `before` is the checkout of `--against`. "
        f"{'Measured once each' if made.repeats == 1 else f'Medians of {made.repeats} per trial'}.",
        "",
        "## Per trial",
        *table(
            "| trials before | version | ms besides the sampler | the sampler, ms | load |",
            made.per_trial(),
        ),
        "## Publishing",
        *table(
            "| trials | publish, s | by the wall, s | opened by another process, s | load |",
            [made.row(f"publish {SIZES[-1]}", 1, _published_row)],
        ),
        f"## {WORKERS} simulated workers",
        "",
        "Until the last candidate is begun, after which there is less and less to do; the first "
        "draws, while most workers wait, count.",
        *table(
            "| trained to the end, s | a candidate's mean, s | trials, duplicates among them "
            "| simulated s | workers busy | coordinator busy | load |",
            [f"| {s} {made.row(f'workers {s}', 1, _workers_row)}" for s in WHOLE_S],
        )[:-1],
    ]


def _load(a: dict[str, float]) -> str:
    return "–" if math.isnan(a["load"]) else f"{a['load']:.1f}"


def _published_row(a: dict[str, float]) -> str:
    return f"{a['trials']:,.0f} | {a['CPU']:.1f} | {a['wall']:.1f} | {a['open']:.1f}"


def _workers_row(a: dict[str, float]) -> str:
    return (
        f"{a['candidate']:.0f} | {a['trials']:,.0f} | {a['seconds']:.0f} | {a['busy']:.1f} % "
        f"| {a['coordinator']:.0f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="another checkout, measured in turn")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--base", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.measure:
        print(json.dumps(measured(args.measure, args.base)))
        return
    before = args.against.absolute() if args.against else None
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        base = Path(place) / "base"
        with execute(plan_search(config_in(base, BASE)), executor=AtOnce()):
            pass
        made = Measurements(base, before, args.repeats)
        lines = [*heading("What the coordinator costs", __file__), *page(made)]
    RESULTS.write_text("\n".join(lines) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
