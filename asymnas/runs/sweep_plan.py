"""What a sweep trains: the design that infers the best decoder share.

Phases of the one loop, each made when the one before is finished (decision 0019):

1. a tournament of short runs chooses the structures of each budget;
2. rounds of runs of half the length tune the learning rates, until the best are inside;
3. every structure is trained at every share, and with the decoder that mirrors its encoder;
   a few structures are trained shorter and longer as well;
4. further waves go where the interval narrows most, until there are as many as asked for.

A run that counts and fails is tried once more at half its rate. What a phase holds follows from the
table of the phases before, so a sweep that is continued goes on as if nothing had stopped it, and
more seeds or a narrower interval only add to it.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from asymnas.analysis.blocked.sampling import ExampleLosses
from asymnas.analysis.blocked.waves import PlannedRun, allocate, half_width
from asymnas.analysis.tuning import (
    Group,
    RateGrid,
    TunedRates,
    best_structures,
    grid_losses,
    tuned_rates,
)
from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.sweep_config import EVEN, SweepConfig
from asymnas.data.base import Dataset, normal_groups
from asymnas.runs.directory import example_losses, write_example_groups
from asymnas.runs.phases import ListedRun, Phase
from asymnas.runs.plan import plan_search
from asymnas.runs.study import FIXED, Purpose, SearchStudy
from asymnas.space.design import Block, Cell, draw_blocks
from asymnas.space.space import Space
from asymnas.training.rung import rung_steps

TUNING_SEED = 1_000_000  # a place that no replicate has: what is chosen is not lucky with a seed
SHORT = 1 / 6  # of the examples: a run of the tournament, with a schedule of its own
HALF = 1 / 2  # of the examples: a run that tunes rates
TOURNAMENT_SHARES = 3
TUNED_STRUCTURES = 2  # per budget
HORIZONS = (1 / 4, 4.0)  # of the examples
HORIZON_SHARES = 5
EXPECTED = 4  # runs of a group beyond its first rates: one more rate, three ratios
WAVES = 2  # after the first, for each seed after the first
MOST_SEEDS = 20  # of a network
MOST_WAVES = 16  # where the width of an interval says how many there are
RETRY_FACTOR = 0.5  # of the rate of a run that failed


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A sweep in which nothing is left open, before anything is trained.

    Args:
        config: Settings of all runs; `trials` estimates how many there will be.
        sweep: What was asked for.
        space: Of the largest budget.
        data: The data set.
        blocks: The structures, those that the tournament will drop among them.
        grid: The learning rates that can be tried.
    """

    config: StudyConfig
    sweep: SweepConfig
    space: Space
    data: Dataset = field(repr=False, compare=False)
    blocks: Sequence[Block]
    grid: RateGrid

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
        """The grid, and a short name for the very structures and rates."""
        drawn = [[block.budget, block.shares, block.drawn] for block in self.blocks]
        digest = hashlib.sha256(json.dumps([drawn, self.grid.middle]).encode()).hexdigest()
        return {**self.sweep.design(), "architectures drawn": digest[:12]}

    @property
    def remarks(self) -> Mapping[str, Any]:
        """What more seeds, another width and another tolerance may change."""
        return {
            "seeds": self.sweep.seeds,
            "until": self.sweep.until,
            "tolerance": self.sweep.tolerance,
        }

    @property
    def examples(self) -> int:
        """Training examples of all runs together, estimated where results decide."""
        return sum(part.examples for part in self.parts)

    @property
    def parts(self) -> "list[PlannedPart]":
        """What will be trained, part by part."""
        return _planned(self)

    @property
    def by_budget(self) -> dict[int, list[Block]]:
        """The blocks of each budget."""
        return {
            budget: [block for block in self.blocks if block.budget == budget]
            for budget in self.sweep.budgets
        }

    def length(self, part: float) -> int:
        """Training examples of runs of a part of the full length, whole steps."""
        examples = max(1, round((self.config.examples or 0) * part))
        return rung_steps(examples, self.config.batch_size)[-1] * self.config.batch_size

    def phases(self, study: SearchStudy, /) -> Iterator[Phase]:
        """The tournament, the tuning, and the waves of runs that count."""
        groups = normal_groups(self.data, "validation")
        write_example_groups(Path(self.config.run_dir), groups)
        listed = _List(self, study)
        if self.sweep.screen > 1:
            yield listed.add(self._tournament(), "choosing structures", self.length(SHORT))
        chosen = self._ranked(listed.table())
        if self.sweep.rates > 1:
            while runs := self._tuning(listed.table(), chosen):
                yield listed.add(runs, "tuning learning rates", self.length(HALF))
        rates = self._rates(listed.table())

        first = [
            _run(cell, rates[budget].at(cell.share), 0, t.MEASURE, wave=0, horizon=1.0)
            for budget, blocks in chosen.items()
            for block in blocks[: self.sweep.structures]
            for cell in _block_cells(block, block.shares)
        ]
        yield from listed.counted(first, "sweeping shares", self.length(1.0))
        for horizon in HORIZONS if self.sweep.horizons else ():
            yield from listed.counted(
                self._at_horizon(chosen, rates, horizon),
                f"training {horizon:g} times as long",
                self.length(horizon),
            )
        for wave in range(1, self._most_waves + 1):
            runs = self._wave(listed.table(), chosen, rates, wave)
            if not runs:
                return
            yield from listed.counted(runs, "sweeping shares", self.length(1.0))

    @property
    def _most_waves(self) -> int:
        if self.sweep.until is not None:
            return MOST_WAVES
        return WAVES * (self.sweep.seeds - 1)

    def _tournament(self) -> list[ListedRun]:
        rate = (self.grid.middle, 1.0)
        return [
            _run(cell, rate, TUNING_SEED, t.SCREENING)
            for block in self.blocks
            for cell in _cells(block, TOURNAMENT_SHARES)
        ]

    def _ranked(self, table: pd.DataFrame) -> dict[int, list[Block]]:
        """The blocks of each budget, the best of the tournament first."""
        order = best_structures(table)
        if not order:
            return self.by_budget
        place = {number: place for own in order.values() for place, number in enumerate(own)}
        return {
            budget: sorted(own, key=lambda block: place[block.number])
            for budget, own in self.by_budget.items()
        }

    def _tuning(
        self, table: pd.DataFrame, chosen: Mapping[int, Sequence[Block]]
    ) -> list[ListedRun]:
        """The next round: what every group still lacks."""
        runs = []
        for budget, blocks in chosen.items():
            done = grid_losses(table, budget, self.grid)
            cells = {
                Group(cell.structure, cell.share): cell
                for block in blocks[:TUNED_STRUCTURES]
                for cell in _cells(block, TOURNAMENT_SHARES)
            }
            losses = {group: done.get(group, {}) for group in cells}
            runs += [
                _run(cells[group], self.grid.rates(point), TUNING_SEED, t.TUNING)
                for group, point in self.grid.missing(losses)
            ]
        return runs

    def _rates(self, table: pd.DataFrame) -> dict[int, TunedRates]:
        return {
            budget: tuned_rates(grid_losses(table, budget, self.grid), self.grid)
            for budget in self.sweep.budgets
        }

    def _at_horizon(
        self,
        chosen: Mapping[int, Sequence[Block]],
        rates: Mapping[int, TunedRates],
        horizon: float,
    ) -> list[ListedRun]:
        return [
            _run(cell, rates[budget].at(cell.share), 0, t.HORIZON_CHECK, horizon=horizon)
            for budget, blocks in chosen.items()
            for block in blocks[: self.sweep.horizons]
            for cell in _cells(block, HORIZON_SHARES)
        ]

    def _wave(
        self,
        table: pd.DataFrame,
        chosen: Mapping[int, Sequence[Block]],
        rates: Mapping[int, TunedRates],
        wave: int,
    ) -> list[ListedRun]:
        """A wave of every budget whose intervals are not narrow enough yet."""
        groups = normal_groups(self.data, "validation")
        losses = ExampleLosses(example_losses(Path(self.config.run_dir)), groups)
        runs: list[ListedRun] = []
        for budget, blocks in chosen.items():
            if self.sweep.until is not None:
                reached = half_width(table, budget, losses=losses)
                if reached is not None and reached <= self.sweep.until:
                    continue
            planned = allocate(
                table,
                budget,
                math.ceil(self.sweep.structures * (len(blocks[0].shares) + 1) / WAVES),
                spare=[block.number for block in blocks],
                seeds=MOST_SEEDS,
                beyond=self.sweep.farther_shares(),
                losses=losses,
            )
            by_number = {block.number: block for block in blocks}
            for run in planned:
                cell = _cell(by_number[run.structure], run)
                if cell is not None:
                    at = rates[budget].at(cell.share)
                    runs.append(_run(cell, at, run.replicate, t.MEASURE, wave=wave, horizon=1.0))
        return runs


@dataclass(frozen=True, kw_only=True)
class PlannedPart:
    """A part of what a sweep trains.

    Args:
        name: What it is for.
        runs: How many; estimated where results decide.
        examples: Training examples of all of them together.
        exact: Whether no result decides how many there are.
    """

    name: str
    runs: int
    examples: int
    exact: bool = True


def _planned(plan: SweepPlan) -> list[PlannedPart]:
    """What a sweep will train, part by part, in order."""
    sweep, parts = plan.sweep, list[PlannedPart]()

    def add(name: str, runs: int, length: float, *, exact: bool = True) -> None:
        if runs:
            examples = runs * plan.length(length)
            parts.append(PlannedPart(name=name, runs=runs, examples=examples, exact=exact))

    kept = [block for own in plan.by_budget.values() for block in own[: sweep.structures]]
    tuned = [block for own in plan.by_budget.values() for block in own[:TUNED_STRUCTURES]]
    horizon = [block for own in plan.by_budget.values() for block in own[: sweep.horizons]]
    if sweep.screen > 1:
        screened = sum(len(_spread(block.shares, TOURNAMENT_SHARES)) for block in plan.blocks)
        add("choosing structures", screened, SHORT)
    if sweep.rates > 1:
        groups = sum(len(_spread(block.shares, TOURNAMENT_SHARES)) for block in tuned)
        add("tuning learning rates", groups * (max(sweep.rates, 3) + EXPECTED), HALF, exact=False)
    cells = sum(len(block.shares) + 1 for block in kept)
    add("measuring", cells * sweep.seeds, 1.0, exact=False)
    for length in HORIZONS:
        runs = sum(len(_spread(block.shares, HORIZON_SHARES)) for block in horizon)
        add(f"training {length:g} times as long", runs, length)
    return parts


class _List:
    """The runs of a sweep so far, in order; trial n is the n-th."""

    def __init__(self, plan: SweepPlan, study: SearchStudy) -> None:
        self._plan, self._study = plan, study
        self._runs: list[ListedRun] = []

    def table(self) -> pd.DataFrame:
        """The trials of the runs so far, which have all finished."""
        table = self._study.table()
        return table[table[t.TRIAL] < len(self._runs)]

    def add(self, runs: Sequence[ListedRun], name: str, examples: int) -> Phase:
        """A phase of further runs; those of earlier phases are finished by then."""
        self._runs += runs
        config = replace(self._plan.config, trials=len(self._runs), examples=examples)
        return Phase(config=config, space=self._plan.space, runs=tuple(self._runs), name=name)

    def counted(self, runs: Sequence[ListedRun], name: str, examples: int) -> Iterator[Phase]:
        """A phase of runs that count and, where some fail, one that tries them once more."""
        start = len(self._runs)
        yield self.add(runs, name, examples)
        table = self.table()
        failed = table[(table[t.TRIAL] >= start) & (table[t.STATE] == "failed")]
        again = [_again(self._runs[number], number) for number in sorted(failed[t.TRIAL])]
        if again:
            yield self.add(again, f"{name}: failed runs at half the rate", examples)


def _again(run: ListedRun, number: int) -> ListedRun:
    rate = run.learning_rate * RETRY_FACTOR
    return replace(
        run,
        learning_rate=rate,
        labels={**run.labels, t.RETRY_OF: int(number)},
        choices={**run.choices, "learning_rate": rate},
    )


def _cell(block: Block, run: PlannedRun) -> Cell | None:
    """What a planned run trains; `None` where the structure cannot have the share."""
    if run.mirrored:
        return block.mirror
    return block.cell(min(block.grid, key=lambda share: abs(share - run.share)))


def _block_cells(block: Block, shares: Sequence[float]) -> list[Cell]:
    """A structure's architectures at some shares, and its mirrored one, where they can be had."""
    cells = [*(block.cell(share) for share in shares), block.mirror]
    return [cell for cell in cells if cell is not None]


def _spread(shares: Sequence[float], n: int) -> set[float]:
    """So many of the shares, an odd number: one half, and others evenly spread on either side.

    The outermost are left out where there are others enough.
    """
    middle = list(shares).index(EVEN)
    below, above = list(shares[:middle])[::-1], list(shares[middle + 1 :])
    chosen = {EVEN}
    for side in (below, above):  # from one half outwards
        inner = side[:-1] if len(side) > n // 2 else side
        wanted = min(n // 2, len(inner))
        chosen |= {inner[round((place + 1) * len(inner) / wanted) - 1] for place in range(wanted)}
    return chosen


def _cells(block: Block, n: int) -> list[Cell]:
    """A block's architectures at so many of its shares."""
    return [cell for cell in block.cells if cell.share in _spread(block.shares, n)]


def _run(
    cell: Cell,
    rates: tuple[float, float],
    seed: int,
    phase: str,
    **labels: Any,
) -> ListedRun:
    rate, ratio = rates
    return ListedRun(
        architecture=cell.architecture,
        learning_rate=rate,
        rate_ratio=ratio,
        replicate=seed,
        labels={
            t.PHASE: phase,
            t.BUDGET: cell.budget,
            t.TARGET_SHARE: cell.share,
            t.STRUCTURE: cell.structure,
            t.CLUSTER: cell.cluster,
            t.MIRRORED: cell.mirrored,
            **labels,
        },
        choices={
            **cell.drawn,
            "decoder_share": cell.architecture.decoder_share,
            "learning_rate": rate,
            "rate_ratio": ratio,
        },
    )


def plan_sweep(
    sweep: SweepConfig, observe: Callable[[int, int], None] = lambda done, of: None
) -> SweepPlan:
    """Checks everything and draws the design.

    Args:
        sweep: What to run.
        observe: Called with how many structures are drawn, of how many.

    Raises:
        ConfigError: Settings out of range, or that contradict each other or the data.
        DataError: The data set is missing or unusable.
        BudgetError: A budget is too small for the shares.
    """
    study = replace(sweep.study, budget=max(sweep.budgets), enqueue=(), patience=None)
    search = plan_search(replace(study, sampler="random", pruner="none"))
    config = replace(search.config, sampler=FIXED)
    spaces = [
        Space(
            encoder_family=search.space.encoder_family,
            decoder_family=search.space.decoder_family,
            problem=search.space.problem,
            kind=config.kind,
            budget=replace(config.caps(), total_params=budget),
            learning_rates=config.rates(),
            wide=search.space.wide,
        )
        for budget in sweep.budgets
    ]
    shares = sweep.share_grid()
    grid = sorted({*shares, *sweep.farther_shares()})
    blocks = draw_blocks(
        spaces, shares, grid, sweep.structures * sweep.screen, config.seed, observe
    )
    plan = SweepPlan(
        config=config,
        sweep=sweep,
        space=search.space,
        data=search.data,
        blocks=blocks,
        grid=RateGrid(math.sqrt(math.prod(config.rates())), sweep.rates),
    )
    return replace(plan, config=replace(config, trials=sum(part.runs for part in plan.parts)))
