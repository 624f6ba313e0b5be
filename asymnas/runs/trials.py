"""The trials of a run in memory: those in training, and what the loop needs of all others.

Nothing here is read anew from the storage while the loop runs: states, the Pareto front, curves and
the architectures trained are brought up to date by each event.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asymnas.analysis.front import (
    Objective,
    front_objectives,
    nondominated,
    objective_values,
    pareto_front,
)
from asymnas.analysis.gain import gains_of
from asymnas.core import columns as t
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES
from asymnas.runs.pruners import PausingPruner, Progress
from asymnas.runs.study import REFERENCE, SearchStudy
from asymnas.space.fit import widths_of

NEVER_PRUNED_EVERY = 10  # one trial in ten is never pruned
SAME_RATE = math.log(1.25)  # log ratio of two rates, or rate ratios, that are about the same
#: A trial attribute: by name, by rung, measured objectives and what a phase wants of every rung.
RUNG_OBJECTIVES = "rung_objectives"
CPU_SECONDS = "cpu_seconds"  # a name there: processor time of each rung, a failed one included


@dataclass(eq=False, kw_only=True)
class ActiveTrial:
    """A trial in training.

    Args:
        number: The trial's.
        architecture: What it trains.
        learning_rate: The rate it trains at.
        seed: Fixes initial weights and batch order.
        labels: What a fixed list says of it, by column; empty in a search.
        curve: Examples seen and validation loss, by rung.
        rate_ratio: The decoder's rate over the encoder's.
        objectives: Measured objectives besides the validation loss, and what the phase wants of
            every rung, by name, a value per rung.
        seconds: Time workers have spent on it.
        checkpoint: The file that the next rung starts from.
        metrics: What the last rung was measured by, the validation loss left out.
        attempts: Workers that broke at the present rung.
        broke_after: Rungs that had landed, of all trials, when the first of them broke.
        restarts: Times it has lost its checkpoint.
        hangs: Workers that were replaced at the present rung because it took too long.
    """

    number: int
    architecture: Architecture
    learning_rate: float
    seed: int
    labels: Mapping[str, Any] = field(default_factory=dict)
    rate_ratio: float = 1.0
    curve: list[tuple[int, float]] = field(default_factory=list)
    objectives: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    checkpoint: Path | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    attempts: int = 0
    broke_after: int = 0
    restarts: int = 0
    hangs: int = 0

    @property
    def never_pruned(self) -> bool:
        """Whether it is exempt from pruning, so that what pruning costs can be estimated."""
        return self.number % NEVER_PRUNED_EVERY == 0

    @property
    def counts(self) -> bool:
        """Whether it is a result, and not a short run that chooses a structure or a rate."""
        return bool(self.labels.get(t.PHASE, t.MEASURE) == t.MEASURE)

    @property
    def examples(self) -> int:
        """Training examples seen."""
        return self.curve[-1][0] if self.curve else 0

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """What the study remembers of the candidate from the start."""
        counts = self.architecture.counts
        families = (self.architecture.encoder_family, self.architecture.decoder_family)
        encoder, decoder = map(FAMILIES.get, families)
        encoder_dense, decoder_dense = self.architecture.dense_fractions()
        return {
            **self.labels,
            t.NEVER_PRUNED: self.never_pruned,
            t.ARCHITECTURE: self.architecture.to_dict(),
            t.LEARNING_RATE: self.learning_rate,
            t.RATE_RATIO: self.rate_ratio,
            **{name: getattr(counts, name) for name in (*t.COUNT_COLUMNS, t.SHARED_PARAMS)},
            t.DECODER_SHARE: counts.decoder_share,
            t.ENCODER_WIDTHS: widths_of(encoder, self.architecture.encoder),
            t.DECODER_WIDTHS: widths_of(decoder, self.architecture.decoder),
            t.ENCODER_DENSE: encoder_dense,
            t.DECODER_DENSE: decoder_dense,
        }

    def forget(self) -> None:
        """Goes back to the beginning, as after a lost checkpoint."""
        self.curve, self.objectives, self.metrics, self.checkpoint = [], {}, {}, None


class _Trained(NamedTuple):
    """A trial that is no duplicate, with the rates of its training."""

    trial: int
    learning_rate: float
    rate_ratio: float

    @classmethod
    def of(cls, active: ActiveTrial) -> "_Trained":
        return cls(active.number, active.learning_rate, active.rate_ratio)

    def is_like(self, other: "_Trained") -> bool:
        """Whether both were trained at about the same rates."""
        return (
            abs(math.log(self.learning_rate / other.learning_rate)) <= SAME_RATE
            and abs(math.log(self.rate_ratio / other.rate_ratio)) <= SAME_RATE
        )


class TrialStore:
    """What the loop knows of a study's trials.

    Args:
        study: The study, which this process alone writes to.
        wanted: Finished trials that it is to hold.
    """

    def __init__(self, study: SearchStudy, wanted: int) -> None:
        self.study, self.wanted = study, wanted
        self._others = [o for o in study.objectives[1:] if o.name != t.VAL_LOSS]
        table = study.table()
        own = table[table[t.DUPLICATE_OF].isna()]
        states = own[t.STATE].value_counts()
        self.states = {state: int(states.get(state, 0)) for state in t.STATES}
        self.duplicates = int((table[t.DUPLICATE_OF].notna() & (table[t.STATE] != "running")).sum())
        complete = own.loc[own[t.STATE] == "complete", t.VAL_LOSS].dropna()
        self.best_loss: float | None = float(complete.min()) if len(complete) else None
        self._axes = front_objectives(study.objectives)
        members = pareto_front(table, self._axes)
        values = objective_values(members, self._axes).tolist() if len(members) else []
        self._front = dict(zip(map(int, members[t.TRIAL]), map(tuple, values), strict=True))
        self.gains = gains_of(table, study.objectives, study.design.get(REFERENCE, {}))
        self._trained: defaultdict[str, list[_Trained]] = defaultdict(list)
        self._copies: defaultdict[int, list[ActiveTrial]] = defaultdict(list)
        self._begun: set[int] = set()  # trials that are no duplicates and have not ended
        self._endings: dict[int, tuple[t.State, Mapping[str, Any]]] = {}
        self._reached: defaultdict[tuple[int | None, int], dict[int, Progress]] = defaultdict(dict)
        for row in own[own[t.STATE] != "running"].to_dict("records"):
            self._load(row)

    def _load(self, row: Mapping[str, Any]) -> None:
        if row[t.STATE] in ("complete", "pruned"):
            key = Architecture.from_dict(row[t.ARCHITECTURE]).key()
            self._trained[key].append(
                _Trained(row[t.TRIAL], row[t.LEARNING_RATE], row[t.RATE_RATIO])
            )
            self._endings[row[t.TRIAL]] = row[t.STATE], row
        measured = row.get(RUNG_OBJECTIVES)
        measured = measured if isinstance(measured, dict) else {}
        complete = row[t.STATE] == "complete"
        self._note(row[t.TRIAL], row[t.CURVE], measured, row, complete=complete)

    @property
    def finished(self) -> int:
        """Trials that have ended, duplicates left out."""
        return sum(n for state, n in self.states.items() if state != "running")

    @property
    def missing(self) -> int:
        """Finished trials that the run lacks, those in training included."""
        return max(0, self.wanted - self.finished)

    @property
    def to_begin(self) -> int:
        """Trials that the run lacks besides those that have begun."""
        return max(0, self.missing - len(self._begun))

    @property
    def front(self) -> set[int]:
        """Numbers of the trials on the Pareto front."""
        return set(self._front)

    def measured_objectives(self) -> list[str]:
        """Objectives besides the first and the loss that training has to measure at each rung."""
        return [o.name for o in self._others if o.name not in t.COUNT_COLUMNS]

    def note(self, trial: ActiveTrial, *, complete: bool = False) -> None:
        """Takes in how far a trial has got, for the pruner."""
        self._note(trial.number, trial.curve, trial.objectives, trial.attributes, complete=complete)

    def _note(
        self,
        number: int,
        curve: Sequence[Sequence[float]],
        measured: Mapping[str, Sequence[float]],
        counts: Mapping[str, Any],
        *,
        complete: bool,
    ) -> None:
        points = tuple((int(examples), float(loss)) for examples, loss in curve)
        known = [o for o in self._others if o.name in t.COUNT_COLUMNS]
        others = tuple(
            tuple(_measured(o, rung, measured) for o in self._others if o not in known)
            for rung in range(len(points))
        )
        costs = tuple(float(counts[o.name]) for o in known)
        progress = Progress(curve=points, costs=costs, others=others, complete=complete)
        for examples, _ in points:
            self._reached[_budget(counts), examples][number] = progress

    def progress(self, trial: ActiveTrial) -> tuple[Progress, list[Progress]]:
        """How far a trial has got, and all others of its budget that have got as far."""
        reached = self._reached[_budget(trial.attributes), trial.examples]
        return reached[trial.number], [p for n, p in reached.items() if n != trial.number]

    def worth(self, waiting: Sequence[ActiveTrial], pruner: PausingPruner) -> list[float]:
        """How much trials are worth going on with, each among those of its budget."""
        worth: dict[int, float] = {}
        for budget in dict.fromkeys(_budget(trial.attributes) for trial in waiting):
            own = [trial for trial in waiting if _budget(trial.attributes) == budget]
            stands = {
                trial.number: self._reached[budget, trial.examples][trial.number] for trial in own
            }
            known = self._reached[budget, own[0].examples]
            peers = [known[number] for number in sorted(known) if number not in stands]
            worth |= zip(stands, pruner.worth([*stands.values()], peers), strict=True)
        return [worth[trial.number] for trial in waiting]

    def begin(self, trial: ActiveTrial, *, repeats: bool) -> bool:
        """Whether a trial is to be trained; otherwise it is a duplicate, and will end as the first.

        A trial is a duplicate of one with the same architecture and about the same learning rates
        that has completed, was pruned, or is in training.

        Args:
            trial: What is taken up.
            repeats: Whether an architecture may be trained several times at one rate.
        """
        if not repeats:
            trained, own = self._trained[trial.architecture.key()], _Trained.of(trial)
            for other in trained:
                if other.trial != trial.number and own.is_like(other):
                    self._mark(trial, other.trial)
                    return False
            trained.append(own)
        self._begun.add(trial.number)
        return True

    def _mark(self, trial: ActiveTrial, original: int) -> None:
        self.study.remember(trial.number, {t.DUPLICATE_OF: original})
        self.duplicates += 1
        if original in self._endings:
            state, row = self._endings[original]
            self.study.tell(trial.number, state, row)
        else:
            self._copies[original].append(trial)

    def finish(
        self, trial: ActiveTrial, state: t.State, row: Mapping[str, Any]
    ) -> ActiveTrial | None:
        """Finishes a trial, and the duplicates that waited for it.

        Returns:
            Where the trial failed and the run lacks another, the first of its duplicates: that one
            is to be trained now.
        """
        self._begun.discard(trial.number)
        self.states[state] += 1
        copies = self._copies.pop(trial.number, [])
        succeeded = state == "failed" and self.to_begin > 0
        if not succeeded:  # before the trial: nothing is left open once that has ended
            for copy in copies:
                if state == "failed":
                    self.study.remember(copy.number, {t.FAILURE: row[t.FAILURE]})
                self.study.tell(copy.number, state, row)
        self.study.tell(trial.number, state, row)
        self.gains.add({**row, t.STATE: state})
        if state == "failed":
            trained = self._trained[trial.architecture.key()]
            trained[:] = [entry for entry in trained if entry.trial != trial.number]
            return self._succeed(copies) if succeeded else None
        self._endings[trial.number] = state, row
        if state == "complete":
            self.note(trial, complete=True)
            self._complete(trial, row)
        return None

    def _succeed(self, copies: list[ActiveTrial]) -> ActiveTrial | None:
        """Lets the first duplicate of a failed trial take its place for the others."""
        if not copies:
            return None
        first, *others = copies
        self.study.remember(first.number, {t.DUPLICATE_OF: None})
        self.duplicates -= 1
        self._trained[first.architecture.key()].append(_Trained.of(first))
        self._begun.add(first.number)
        for other in others:
            self.study.remember(other.number, {t.DUPLICATE_OF: first.number})
            self._copies[first.number].append(other)
        return first

    def _complete(self, trial: ActiveTrial, row: Mapping[str, Any]) -> None:
        loss = float(row[t.VAL_LOSS])
        if math.isfinite(loss):
            self.best_loss = loss if self.best_loss is None else min(self.best_loss, loss)
        values = self._values(row)
        if not trial.counts or not all(map(math.isfinite, values)):
            return
        candidates = dict(sorted({**self._front, trial.number: values}.items()))
        keep = nondominated(np.asarray(list(candidates.values())), self._axes)
        self._front = {
            number: values
            for (number, values), kept in zip(candidates.items(), keep, strict=True)
            if kept
        }

    def would_join_front(self, row: Mapping[str, Any]) -> bool:
        """Whether nothing complete so far dominates these values."""
        points = [*self._front.values(), self._values(row)]
        return bool(nondominated(np.asarray(points, dtype=float), self._axes)[-1])

    def loss_to_join_front(self, counts: Mapping[str, Any]) -> float:
        """The highest validation loss with which a trial would be on the front.

        Args:
            counts: What is known of the trial before it trains.

        Returns:
            Infinity where nothing is on the front yet, or where an objective has to be measured.
        """
        names = [axis.name for axis in self._axes]
        if t.VAL_LOSS not in names or {*names} - {t.VAL_LOSS, *t.COUNT_COLUMNS}:
            return math.inf
        loss = names.index(t.VAL_LOSS)
        sizes = [(place, float(counts[name])) for place, name in enumerate(names) if place != loss]
        losses = (
            member[loss]
            for member in self._front.values()
            if all(member[place] <= size for place, size in sizes)
        )
        return min(losses, default=math.inf)

    def _values(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        return tuple(float(row[o.name]) for o in self._axes)


def _budget(row: Mapping[str, Any]) -> int | None:
    """The part of the search's budget that a trial fills; `None` where sizes are drawn."""
    value = row.get(t.BUDGET)
    return None if value is None or pd.isna(value) else int(value)


def _measured(objective: Objective, rung: int, measured: Mapping[str, Sequence[float]]) -> float:
    """An objective of a trial at a rung, to be minimised; NaN where it was not measured."""
    values = measured.get(objective.name, ())
    value = float(values[rung]) if rung < len(values) else math.nan
    return -value if objective.maximize else value
