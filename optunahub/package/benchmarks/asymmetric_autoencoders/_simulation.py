"""A study on recorded trainings: workers and time are simulated."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import optuna
import pandas as pd
from optuna.study import StudyDirection
from optuna.trial import TrialState

from ._problem import Problem

#: Asked after each rung but the last: trial, its objectives, training examples; whether to stop it.
ShouldPrune = Callable[[optuna.Trial, Sequence[float], int], bool]


@dataclass
class _Running:
    trial: optuna.Trial
    candidate: int
    rung: int = 0


def simulate(
    study: optuna.Study,
    problem: Problem,
    *,
    workers: int = 1,
    trials: int | None = None,
    seconds: float | None = None,
    examples: int | None = None,
    should_prune: ShouldPrune | None = None,
) -> pd.DataFrame:
    """Runs a study as if each trial were trained, by so many workers at once.

    A rung takes the processor time that its training took. Workers are alike, and drawing takes no
    time. When a rung ends, its trial reports, and is pruned, goes on, or ends; then a free worker
    asks for the next trial. So a sampler sees what it would have seen, in that order.

    Args:
        study: With the problem's directions, any sampler and any pruner.
        problem: What is trained.
        workers: Trials at once.
        trials: No more are begun; those begun are finished.
        seconds: When the simulated clock stops; what is in training then fails.
        examples: Training examples of all trials, with which it stops; as with `seconds`.
        should_prune: Decides in place of the study's pruner; needed for several objectives, where
            nothing is pruned without.

    Returns:
        One row per rung that ended: ``seconds`` (the clock), ``total_examples`` (of all trials so
        far), ``trial``, ``candidate``, ``examples`` (of the trial), ``value`` (the first
        objective), ``state`` (``running``, ``complete``, ``pruned`` or ``failed``) and ``best``
        (the best first objective of a complete trial so far, NaN before there is one).

    Raises:
        ValueError: No limit is given, there are no workers, or the directions are not the
            problem's.
    """
    if trials is None and seconds is None and examples is None:
        raise ValueError("give a limit: trials, seconds or examples")
    if workers < 1:
        raise ValueError(f"workers is {workers}; there must be 1 at least")
    if study.directions != problem.directions:
        raise ValueError(f"create the study with directions={problem.directions}")
    stops = should_prune or (_pruner_stops if problem.has_curve else _nothing_stops)
    better = max if problem.directions[0] == StudyDirection.MAXIMIZE else min
    rungs, table = problem.table.rungs, problem.table
    queue: list[tuple[float, int, _Running]] = []
    order, clock, seen, best = itertools.count(), 0.0, 0, math.nan
    log: list[tuple[float, int, int, int, int, float, str, float]] = []

    def begin(running: _Running) -> None:
        run = table.run(running.candidate)
        takes = float(run["cpu_seconds"].iloc[running.rung])
        heapq.heappush(queue, (clock + takes, next(order), running))

    begun = 0
    while True:
        while len(queue) < workers and (trials is None or begun < trials):
            trial = study.ask()
            begin(_Running(trial, problem.take_up(trial)))
            begun += 1
        if not queue or (seconds is not None and queue[0][0] > seconds):
            break
        clock, _, running = heapq.heappop(queue)
        trial, rung = running.trial, running.rung
        seen += rungs[rung] - (rungs[rung - 1] if rung else 0)
        values = problem.values(running.candidate, rung)
        if any(math.isnan(value) for value in values):
            state = "failed"
            study.tell(trial, state=TrialState.FAIL)
        elif rung == len(rungs) - 1:
            state = "complete"
            study.tell(trial, list(values))
            best = values[0] if math.isnan(best) else better(best, values[0])
        elif stops(trial, values, rungs[rung]):
            state = "pruned"
            study.tell(trial, state=TrialState.PRUNED)
        else:
            state = "running"
            running.rung += 1
            begin(running)
        row = (clock, seen, trial.number, running.candidate, rungs[rung], values[0], state, best)
        log.append(row)
        if examples is not None and seen >= examples:
            break
    for _, _, running in queue:
        study.tell(running.trial, state=TrialState.FAIL)
    columns = ("seconds", "total_examples", "trial", "candidate", "examples", "value", "state")
    return pd.DataFrame(log, columns=[*columns, "best"])


def _pruner_stops(trial: optuna.Trial, values: Sequence[float], examples: int) -> bool:
    trial.report(values[0], examples)
    return trial.should_prune()


def _nothing_stops(trial: optuna.Trial, values: Sequence[float], examples: int) -> bool:
    return False
