"""Where the next runs of a sweep go, when it has enough of them, and what it could have seen.

A sweep trains in waves. `allocate` sends the runs of the next one where the intervals of the
primary contrasts narrow most per run. `half_width` is what a sweep that trains until its intervals
are narrow enough looks at; `stopping_level` makes up for looking.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import nct
from scipy.stats import t as student

from asymnas.analysis.blocked.blocks import DIGITS, Blocks, blocks_of
from asymnas.analysis.blocked.contrasts import contrasts
from asymnas.analysis.blocked.curves import fit_curve, to_targets
from asymnas.analysis.blocked.sampling import ExampleLosses, resampled
from asymnas.analysis.estimates import EVEN, PRIMARY, Components, Contrast, Floats
from asymnas.analysis.rows import is_mirrored, of_blocks
from asymnas.core.columns import BUDGET, REPLICATE, STRUCTURE, TARGET_SHARE

#: Before anything is trained: convolutional networks of 20k parameters on digits.
ASSUMED = Components(interaction=0.025, seed=0.03)

#: Of the error allowed that is left when a sweep stops at a width: it stops more often where the
#: spread happens to look small. Simulated for three structures and more, looked at after each one.
STOPPING = 0.85

POWER = 0.8
LARGEST_CONTRAST = 100.0  # in standard errors, between which the detectable one is looked for


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """A run of the next wave.

    Args:
        structure: The block.
        share: The target decoder share.
        replicate: The place of the seed.
        mirrored: Whether the decoder is the mirror of the block's encoder.
    """

    structure: int
    share: float
    replicate: int
    mirrored: bool = False


def stopping_level(level: float) -> float:
    """What to compute intervals at, for a coverage of `level` where their width ended a sweep."""
    return 1 - STOPPING * (1 - level)


def half_width(
    table: pd.DataFrame, budget: int, *, losses: ExampleLosses | None = None, level: float = 0.95
) -> float | None:
    """Half of the width of the wider primary interval, in log loss, as `until` compares it.

    Args:
        table: A sweep's table so far.
        budget: Which.
        losses: Of single examples; `None` if unknown.
        level: Confidence of the intervals after stopping.

    Returns:
        `None` where a primary contrast has no interval yet.
    """
    for blocks in blocks_of(table):
        if blocks.budget == budget:
            sampling = resampled(losses, blocks)
            exact = to_targets(blocks, fit_curve(blocks, sampling))
            entries = contrasts(exact, sampling, level=stopping_level(level))
            return _widest([entry for entry in entries if entry.primary])
    return None


def _widest(primary: Sequence[Contrast]) -> float | None:
    ends = [(entry.family.low, entry.family.high) for entry in primary]
    halves = [(high - low) / 2 for low, high in ends if low is not None and high is not None]
    return max(halves) if len(halves) == len(PRIMARY) else None


def components_of(blocks: Blocks, entries: Sequence[Contrast]) -> Components | None:
    """What varies within structures at one third, one half and two thirds.

    Args:
        blocks: Of one budget.
        entries: Its contrasts.

    Returns:
        `None` for fewer than two structures with both primary contrasts. Without a second seed all
        noise counts as interaction.
    """
    places = [blocks.column(share) for share in (PRIMARY[0], EVEN, PRIMARY[1])]
    columns = [place for place in places if place is not None]
    if len(columns) < len(places):
        return None
    values = blocks.log_loss[:, columns]  # [i, 3, r]
    counts = np.isfinite(values).sum(axis=2)
    whole = (counts > 0).all(axis=1)
    if whole.sum() < 2:
        return None
    values, counts = values[whole], counts[whole]
    means = np.nanmean(values, axis=2)
    freedom = (counts - 1).sum()
    squares = np.nansum((values - means[:, :, None]) ** 2)
    seed = float(squares / freedom) if freedom else 0.0
    spread = float(np.var(means[:, [0, 2]] - means[:, [1]], axis=0, ddof=1).mean()) / 2
    return Components(
        interaction=float(np.sqrt(max(spread - seed * (1 / counts).mean(), 0.0))),
        seed=float(np.sqrt(seed)),
        sampling=max((entry.sampling or 0.0 for entry in entries if entry.primary), default=0.0),
    )


def detectable_cost(
    components: Components,
    structures: int,
    seeds: float,
    *,
    level: float = 0.95,
    power: float = POWER,
) -> float | None:
    """The smallest relative difference from an even split that a sweep shows with some power.

    Args:
        components: Assumed beforehand (`ASSUMED`), or estimated afterwards.
        structures: How many are trained.
        seeds: Runs of each network.
        level: One minus the error allowed for both primary contrasts together.
        power: The chance to see it, by the smaller p of the two.

    Returns:
        0.02 is two per cent; `None` for fewer than two structures.
    """
    if structures < 2:
        return None
    freedom = structures - 1
    error = float(np.sqrt(_variance(components, np.full(structures, seeds))))
    least = student.ppf(1 - (1 - level) / 2 / len(PRIMARY), freedom)

    def short_of(size: float) -> float:
        return float(nct.sf(least, freedom, size) - power)

    return float(np.expm1(error * brentq(short_of, 0.0, LARGEST_CONTRAST)))


def _variance(components: Components, seeds: Floats) -> float:
    """Of a mean contrast over structures with these seeds `[i]`."""
    single = 2 * (components.interaction**2 + components.seed**2 / seeds)
    return float(single.sum()) / len(seeds) ** 2 + components.sampling**2


def allocate(
    table: pd.DataFrame,
    budget: int,
    runs: int,
    *,
    spare: Sequence[int] = (),
    seeds: int = 1,
    beyond: Sequence[float] = (),
    losses: ExampleLosses | None = None,
    level: float = 0.95,
) -> tuple[PlannedRun, ...]:
    """Where the runs of a budget's next wave go.

    First what blocks begun lack. Then, if the best share is the lowest or highest trained, the next
    share beyond it in every block. Then whole blocks, one after the other: another structure with
    its first seed, or another seed of a structure, whichever narrows the intervals of the primary
    contrasts more by the components of variance estimated so far. The last block may be cut; it
    begins with the shares of the primary contrasts, and the next wave completes it.

    Args:
        table: A sweep's table so far, with a first wave at this budget.
        budget: Which.
        runs: How many to give out.
        spare: Structures that may be added, in order.
        seeds: The most a network may have.
        beyond: Shares that may be added outside those trained.
        losses: Of single examples; `None` if unknown.
        level: Confidence of the intervals.

    Returns:
        At most `runs`, in order; fewer where nothing is left to add.
    """
    rows = of_blocks(table)
    rows = rows[rows[BUDGET] == budget]
    plan = _Plan.of(rows, tuple(spare), seeds)
    blocks = next((b for b in blocks_of(table) if b.budget == budget), None)
    if blocks is None:
        return ()
    sampling = resampled(losses, blocks)
    curve = fit_curve(blocks, sampling)
    entries = contrasts(blocks, sampling, level=level)
    components = components_of(blocks, entries) or ASSUMED
    farther = [] if curve is None else _beyond(curve.edges, curve.side, beyond)
    return tuple(islice(plan.runs(components, farther, level), runs))


def _beyond(edges: tuple[float, float], side: int, beyond: Sequence[float]) -> list[float]:
    """The next share outside the edge that the best one lies at, if there is one."""
    if side < 0:
        return sorted((share for share in beyond if share < edges[0]), reverse=True)[:1]
    if side > 0:
        return sorted(share for share in beyond if share > edges[1])[:1]
    return []


@dataclass
class _Plan:
    """What there is of one budget, and what may be added.

    Args:
        there: (structure, share, mirrored, replicate) of all runs that were begun.
        shares: Target shares.
        mirrored: Whether blocks have a mirrored run.
        seeds: How many each structure has, by its number; those of `spare` have none.
        spare: Structures that may be added.
        most: Seeds that a network may have.
    """

    there: set[tuple[int, float, bool, int]]
    shares: list[float]
    mirrored: bool
    seeds: dict[int, int]
    spare: tuple[int, ...]
    most: int

    @classmethod
    def of(cls, rows: pd.DataFrame, spare: tuple[int, ...], most: int) -> "_Plan":
        """From the rows of a budget."""
        marks = is_mirrored(rows)
        shares = rows[TARGET_SHARE].astype(float).round(DIGITS)
        structures, replicates = rows[STRUCTURE].astype(int), rows[REPLICATE].astype(int)
        there = set(zip(structures, shares, marks, replicates, strict=True))
        seeds = replicates.groupby(structures).max() + 1
        known = {int(structure): int(count) for structure, count in seeds.items()}
        return cls(
            there=there,
            shares=sorted(set(shares[~marks])),
            mirrored=bool(marks.any()),
            seeds=known,
            spare=tuple(structure for structure in spare if structure not in known),
            most=most,
        )

    def runs(
        self, components: Components, farther: Sequence[float], level: float
    ) -> Iterator[PlannedRun]:
        """All runs that may be added, the most useful first."""
        for structure, seeds in self.seeds.items():
            for replicate in range(seeds):
                yield from self._lacking(structure, replicate)
        for share in farther:
            self.shares.append(round(share, DIGITS))
            for structure in self.seeds:
                yield PlannedRun(structure=structure, share=share, replicate=0)
                self.there.add((structure, round(share, DIGITS), False, 0))
        spare = list(self.spare)
        while True:
            options = [s for s, count in self.seeds.items() if count < self.most] + spare[:1]
            if not options:
                return
            best = min(options, key=lambda option: self._width(components, option, level))
            replicate = self.seeds.get(best, 0)
            self.seeds[best] = replicate + 1
            spare = [structure for structure in spare if structure != best]
            yield from self._lacking(best, replicate)

    def _width(self, components: Components, added: int, level: float) -> float:
        """Half of the width of a primary interval, one seed of a structure added."""
        seeds = {**self.seeds, added: self.seeds.get(added, 0) + 1}
        counts = np.array(list(seeds.values()), dtype=float)
        quantile = student.ppf((1 + level) / 2, max(len(counts) - 1, 1))
        return float(quantile * np.sqrt(_variance(components, counts)))

    def _lacking(self, structure: int, replicate: int) -> Iterator[PlannedRun]:
        """The runs of a block's seed that were not begun, those of the primary contrasts first."""
        first = [EVEN, *PRIMARY]
        order = sorted(self.shares, key=lambda s: (min(abs(s - p) for p in first) > 1e-5, s))
        cells = [(share, False) for share in order] + [(EVEN, True)] * self.mirrored
        for share, mirrored in cells:
            key = structure, round(share, DIGITS), mirrored, replicate
            if key not in self.there:
                self.there.add(key)
                yield PlannedRun(
                    structure=structure, share=share, replicate=replicate, mirrored=mirrored
                )
