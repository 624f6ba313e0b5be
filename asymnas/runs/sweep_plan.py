"""What a sweep trains: the design that infers the best decoder share.

Three phases of the one loop. Short runs choose which structures of each budget and share are kept;
short runs of these choose the learning rate of each; then every architecture that was kept is
trained with every seed, in full, none pruned. Seeds are
outermost, so that a sweep stopped early is a whole design with fewer seeds, and one that is
continued with more seeds only adds to it.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from asymnas.analysis.tuning import best_rates, kept
from asymnas.core import columns as t
from asymnas.core.config import StudyConfig, SweepConfig
from asymnas.data.base import Dataset
from asymnas.runs.phases import ListedRun, Phase
from asymnas.runs.plan import plan_search
from asymnas.runs.study import FIXED, Purpose, SearchStudy
from asymnas.space.design import Cell, draw_cells
from asymnas.space.space import Space
from asymnas.training.rung import rung_steps

TUNING_SEED = 1_000_000  # a place that no replicate has: what is chosen is not lucky with a seed
SHORT = 1 / 6  # of the examples, with a schedule of its own


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A sweep in which nothing is left open, before anything is trained.

    Args:
        config: Settings of all runs; `trials` counts the short ones too.
        sweep: What was asked for.
        space: Of the largest budget.
        data: The data set.
        cells: The architectures, those that the screening will drop among them.
        rates: The learning rates tried.
        short_examples: Training examples of a short run.
    """

    config: StudyConfig
    sweep: SweepConfig
    space: Space
    data: Dataset = field(repr=False, compare=False)
    cells: Sequence[Cell]
    rates: Sequence[float]
    short_examples: int

    @property
    def purpose(self) -> Purpose:
        """A sweep."""
        return "sweep"

    @property
    def n_train(self) -> int:
        """Size of the training split."""
        return len(self.data.train)

    @property
    def notes(self) -> Sequence[str]:
        """What was done to the data."""
        return self.data.notes

    @property
    def design(self) -> Mapping[str, Any]:
        """The grid, and a short name for the very architectures and rates."""
        drawn = [cell.architecture.key() for cell in self.cells]
        digest = hashlib.sha256(json.dumps([drawn, list(self.rates)]).encode()).hexdigest()
        return {**self.sweep.design(), "architectures drawn": digest[:12]}

    @property
    def remarks(self) -> Mapping[str, Any]:
        """What more seeds and another tolerance may change."""
        return {"seeds": self.sweep.seeds, "tolerance": self.sweep.tolerance}

    @property
    def strata(self) -> int:
        """Budgets times shares."""
        return len(self.sweep.budgets) * self.sweep.shares

    @property
    def screening_runs(self) -> int:
        """Short runs that choose structures."""
        return len(self.cells) if self.sweep.screen > 1 else 0

    @property
    def tuning_runs(self) -> int:
        """Short runs that choose learning rates."""
        kept = self.strata * self.sweep.architectures
        return kept * len(self.rates) if len(self.rates) > 1 else 0

    @property
    def runs(self) -> int:
        """Runs that count."""
        return self.strata * self.sweep.architectures * self.sweep.seeds

    @property
    def examples(self) -> int:
        """Training examples of all runs together."""
        short = self.screening_runs + self.tuning_runs
        return self.runs * (self.config.examples or 0) + short * self.short_examples

    @property
    def middle_rate(self) -> float:
        """The rate of the screening, where none is known yet."""
        low, high = self.config.learning_rates
        return math.sqrt(low * high)

    def phases(self, study: SearchStudy, /) -> Iterator[Phase]:
        """Short runs that choose structures, short runs that choose rates, runs that count."""
        runs: list[ListedRun] = []
        if self.screening_runs:
            runs += [_run(cell, self.middle_rate, TUNING_SEED, t.SCREENING) for cell in self.cells]
            yield self._phase(runs, "screening structures", self.short_examples)
        cells = self.cells
        if self.screening_runs:
            chosen = set(kept(study.table(), self.sweep.architectures))
            cells = [cell for cell in self.cells if cell.cluster in chosen]

        rates = {cell.cluster: self.middle_rate for cell in cells}
        if self.tuning_runs:
            runs += [
                _run(cell, rate, TUNING_SEED, t.TUNING) for cell, rate in product(cells, self.rates)
            ]
            yield self._phase(runs, "tuning learning rates", self.short_examples)
            rates |= best_rates(study.table(), self.rates)

        runs += [
            _run(cell, rates[cell.cluster], seed, t.MEASURE)
            for seed, cell in product(range(self.sweep.seeds), cells)
        ]
        yield self._phase(runs, "sweeping shares", self.config.examples or 0)

    def _phase(self, runs: Sequence[ListedRun], name: str, examples: int) -> Phase:
        """The runs so far as a phase; those of earlier phases are finished by then."""
        config = replace(self.config, trials=len(runs), examples=examples)
        return Phase(config=config, space=self.space, runs=tuple(runs), name=name)


def plan_sweep(
    sweep: SweepConfig, observe: Callable[[int, int], None] = lambda done, of: None
) -> SweepPlan:
    """Checks everything and draws the design.

    Args:
        sweep: What to run.
        observe: Called with how many architectures are drawn, of how many.

    Raises:
        ConfigError: Settings out of range, or that contradict each other or the data.
        DataError: The data set is missing or unusable.
        BudgetError: A budget is too small for the shares.
    """
    study = replace(sweep.study, budget=max(sweep.budgets), enqueue=())
    search = plan_search(replace(study, sampler="random", pruner="none"))
    config = replace(search.config, sampler=FIXED)
    spaces = [
        Space(
            encoder_family=search.space.encoder_family,
            decoder_family=search.space.decoder_family,
            problem=search.space.problem,
            kind=config.kind,
            budget=replace(config.caps(), total_params=budget),
            learning_rates=config.learning_rates,
        )
        for budget in sweep.budgets
    ]
    per_stratum = sweep.architectures * sweep.screen
    cells = draw_cells(spaces, sweep.share_grid(), per_stratum, config.seed, observe)
    short = max(1, round((config.examples or 0) * SHORT))
    short = rung_steps(short, config.batch_size)[-1] * config.batch_size
    plan = SweepPlan(
        config=config,
        sweep=sweep,
        space=search.space,
        data=search.data,
        cells=cells,
        rates=rate_grid(config.learning_rates, sweep.rates),
        short_examples=short,
    )
    total = plan.screening_runs + plan.tuning_runs + plan.runs
    return replace(plan, config=replace(config, trials=total))


def _run(cell: Cell, rate: float, seed: int, phase: str) -> ListedRun:
    return ListedRun(
        architecture=cell.architecture,
        learning_rate=rate,
        replicate=seed,
        labels={
            t.PHASE: phase,
            t.BUDGET: cell.budget,
            t.TARGET_SHARE: cell.share,
            t.CLUSTER: cell.cluster,
        },
        choices={
            **cell.drawn,
            "decoder_share": cell.architecture.decoder_share,
            "learning_rate": rate,
        },
    )


def rate_grid(ends: tuple[float, float], n: int) -> list[float]:
    """So many learning rates, evenly spread on a log scale; one alone is the middle."""
    if n == 1:
        return [math.sqrt(ends[0] * ends[1])]
    return [float(rate) for rate in np.geomspace(*ends, n)]
