"""A sweep from its configuration to its results: the design that infers the best decoder share.

Three phases of the one loop. Short runs choose which structures of each budget and share are kept;
short runs of these choose the learning rate of each; then every architecture that was kept is
trained with every seed, in full, none pruned. Seeds are
outermost, so that a sweep stopped early is a whole design with fewer seeds, and one that is
continued with more seeds only adds to it.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from asymnas.analysis.tuning import best_rates, kept
from asymnas.core import columns as t
from asymnas.core.config import SweepConfig
from asymnas.runs.execute import execute
from asymnas.runs.phases import Phase, Roster
from asymnas.runs.plan import Plan, settle
from asymnas.runs.progress import Snapshot
from asymnas.runs.run import Run
from asymnas.runs.study import Listed, SearchStudy, Trial
from asymnas.space.design import Cell, draw_cells
from asymnas.space.space import Candidate, Space
from asymnas.training.rung import rung_steps

TUNING_SEED = 1_000_000  # a place that no replicate has: what is chosen is not lucky with a seed
SHORT = 1 / 6  # of the examples, with a schedule of its own


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A sweep with everything settled, before anything is trained.

    Args:
        sweep: What was asked for.
        plan: What to execute.
        cells: The architectures, those that the screening will drop among them.
        rates: The learning rates tried.
        short_examples: Training examples of a short run.
    """

    sweep: SweepConfig
    plan: Plan
    cells: Sequence[Cell]
    rates: Sequence[float]
    short_examples: int

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
        full = self.plan.config.examples or 0
        short = self.screening_runs + self.tuning_runs
        return self.runs * full + short * self.short_examples

    @property
    def middle_rate(self) -> float:
        """The rate of the screening, where none is known yet."""
        low, high = self.plan.config.learning_rates
        return math.sqrt(low * high)


def settle_sweep(
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
    config = replace(study, sampler=Listed(), pruner="none")
    plan = settle(config)
    config = plan.config
    spaces = [
        Space(
            family=plan.space.family,
            problem=plan.space.problem,
            kind=config.kind,
            budget=replace(config.caps(), total_params=budget),
            learning_rates=config.learning_rates,
        )
        for budget in sweep.budgets
    ]
    per_stratum = sweep.architectures * sweep.screen
    cells = draw_cells(spaces, sweep.share_grid(), per_stratum, config.seed, observe)
    rates = rate_grid(config.learning_rates, sweep.rates)
    short = max(1, round((config.examples or 0) * SHORT))
    short = rung_steps(short, config.batch_size)[-1] * config.batch_size
    settled = SweepPlan(sweep=sweep, plan=plan, cells=cells, rates=rates, short_examples=short)
    total = settled.screening_runs + settled.tuning_runs + settled.runs
    plan = replace(
        plan,
        config=replace(config, trials=total),
        purpose="sweep",
        design={**sweep.design(), "architectures drawn": _digest(settled)},
        remarks={"seeds": sweep.seeds, "tolerance": sweep.tolerance},
        phases=lambda study: _phases(settled, study),
    )
    return replace(settled, plan=plan)


def run_sweep(
    sweep: SweepConfig,
    *,
    fresh: bool = False,
    executor: Executor | None = None,
    observe: Callable[[Snapshot], None] = lambda snapshot: None,
) -> Run:
    """Runs a sweep, or continues it, and writes its results.

    Args:
        sweep: What to run.
        fresh: Start over; otherwise an existing run is continued.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on.

    Raises:
        AsymnasError: Bad settings or data, or a run directory of another study.
    """
    plan = settle_sweep(sweep).plan
    return execute(plan, fresh=fresh, executor=executor, observe=observe)[0]


def _phases(settled: SweepPlan, study: SearchStudy) -> Iterator[Phase]:
    """Short runs that choose structures, then rates; by what they came to, the runs that count."""
    config = settled.plan.config
    entries: list[_Entry] = []
    if settled.screening_runs:
        entries += [
            _Entry(cell, settled.middle_rate, TUNING_SEED, t.SCREENING) for cell in settled.cells
        ]
        yield _phase(settled, entries, "screening structures", settled.short_examples)
    cells = settled.cells
    if settled.screening_runs:
        chosen = set(kept(study.table(), settled.sweep.architectures))
        cells = [cell for cell in settled.cells if cell.cluster in chosen]

    rates = {cell.cluster: settled.middle_rate for cell in cells}
    if settled.tuning_runs:
        entries += [
            _Entry(cell, rate, TUNING_SEED, t.TUNING)
            for cell, rate in product(cells, settled.rates)
        ]
        yield _phase(settled, entries, "tuning learning rates", settled.short_examples)
        rates |= best_rates(study.table(), settled.rates)

    entries += [
        _Entry(cell, rates[cell.cluster], seed, t.MEASURE)
        for seed, cell in product(range(settled.sweep.seeds), cells)
    ]
    yield _phase(settled, entries, "sweeping shares", config.examples or 0)


@dataclass(frozen=True)
class _Entry:
    """One run of a sweep."""

    cell: Cell
    rate: float
    seed: int
    phase: str


def _phase(settled: SweepPlan, entries: Sequence[_Entry], name: str, examples: int) -> Phase:
    """The entries so far as a phase; those of earlier phases are finished by then."""
    config, space = settled.plan.config, settled.plan.space

    def draw(trial: Trial) -> None:
        for part in space.parts:
            space.structure(part, trial)
        trial.suggest_float("decoder_share", 0.0, 1.0)
        trial.suggest_float("learning_rate", *config.learning_rates, log=True)

    return Phase(
        config=replace(
            config,
            trials=len(entries),
            examples=examples,
            sampler=Listed([_drawn(entry) for entry in entries]),
        ),
        source=Roster([_candidate(entry, config.seed) for entry in entries], draw),
        name=name,
    )


def _candidate(entry: _Entry, study_seed: int) -> Candidate:
    cell = entry.cell
    return Candidate(
        architecture=cell.architecture,
        learning_rate=entry.rate,
        seed=replicate_seed(study_seed, entry.seed),
        labels={
            t.PHASE: entry.phase,
            t.BUDGET: cell.budget,
            t.TARGET_SHARE: cell.share,
            t.CLUSTER: cell.cluster,
            t.REPLICATE: entry.seed,
        },
    )


def _drawn(entry: _Entry) -> dict[str, object]:
    return {
        **entry.cell.drawn,
        "decoder_share": entry.cell.architecture.decoder_share,
        "learning_rate": entry.rate,
    }


def _digest(settled: SweepPlan) -> str:
    """A short name for the very architectures and rates of a design."""
    drawn = [cell.architecture.key() for cell in settled.cells]
    return hashlib.sha256(json.dumps([drawn, list(settled.rates)]).encode()).hexdigest()[:12]


def rate_grid(ends: tuple[float, float], n: int) -> list[float]:
    """So many learning rates, evenly spread on a log scale; one alone is the middle."""
    if n == 1:
        return [math.sqrt(ends[0] * ends[1])]
    return [float(rate) for rate in np.geomspace(*ends, n)]


def replicate_seed(study: int, place: int) -> int:
    """The seed of the weights and batches of a replicate, the same for all architectures."""
    return int(np.random.SeedSequence((study, 2, place)).generate_state(1)[0])
