"""A sweep's design: structures that can have every decoder share, each sized to all of them.

Structures are quasi-random: a scrambled Halton sequence over all structural choices of a budget.
One that cannot be sized to every share is passed over, so a block is complete by construction, and
a difference between two of its cells is a difference of the share alone.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from typing import Any

import numpy as np
from scipy.stats import qmc

from asymnas.core.errors import BudgetError
from asymnas.core.sweep_config import COMPARED, EVEN
from asymnas.networks.architecture import Architecture
from asymnas.space.equal_budget import at_share, mirrored_pair
from asymnas.space.space import Space
from asymnas.space.suggesters import AtPoint, Fixed

SPARES = 400  # structures passed over in a row before a design is given up
PROBED = 12  # structures that show which shares a budget allows
COMMON = 0.25  # of them must be able to have a share, or it is left out


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One architecture of a sweep.

    Args:
        budget: Total parameters that it fills to within one per cent.
        share: Decoder share asked for.
        structure: The block that it belongs to.
        cluster: Its number among all architectures of the design.
        architecture: The network.
        drawn: Its structural choices by name.
        mirrored: Whether its decoder is the mirror of the block's encoder.
    """

    budget: int
    share: float
    structure: int
    cluster: int
    architecture: Architecture
    drawn: dict[str, Any]
    mirrored: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """One structure of a budget, sized to every share.

    Args:
        number: Unique over all budgets.
        space: Of its budget.
        grid: Every decoder share of the sweep, rising.
        shares: Those of `grid` that every block of its budget has.
        drawn: Its structural choices by name.
    """

    number: int
    space: Space
    grid: tuple[float, ...]
    shares: tuple[float, ...]
    drawn: dict[str, Any]

    @property
    def budget(self) -> int:
        """Total parameters of each of its architectures."""
        return self.space.budget.total_params

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Its architectures, by rising share."""
        cells = [self.cell(share) for share in self.shares]
        return tuple(cell for cell in cells if cell is not None)

    def cell(self, share: float) -> Cell | None:
        """Its architecture at a share of `grid`; `None` where that cannot be had."""
        architecture = at_share(self.space, self._structures, share)
        return self._cell(share, self.grid.index(share), architecture, mirrored=False)

    @cached_property
    def mirror(self) -> Cell | None:
        """Its encoder with the decoder that mirrors it, at the same total.

        `None` where the pair's widths are too coarse for that total.
        """
        architecture = mirrored_pair(self.space, self._structures[0])
        return self._cell(EVEN, len(self.grid), architecture, mirrored=True)

    @property
    def structure(self) -> str:
        """What the choices come to: several draws can give one structure."""
        return repr(self._structures)

    @cached_property
    def _structures(self) -> list[Any]:
        return [self.space.structure(part, Fixed(self.drawn)) for part in self.space.parts]

    def _cell(
        self, share: float, place: int, architecture: Architecture | None, *, mirrored: bool
    ) -> Cell | None:
        if architecture is None:
            return None
        return Cell(
            budget=self.budget,
            share=share,
            structure=self.number,
            cluster=self.number * (len(self.grid) + 1) + place,
            architecture=architecture,
            drawn=self.drawn,
            mirrored=mirrored,
        )


def draw_blocks(
    spaces: Sequence[Space],
    shares: Sequence[float],
    grid: Sequence[float],
    structures: int,
    seed: int,
    observe: Callable[[int, int], None] = lambda done, of: None,
) -> list[Block]:
    """The blocks of a sweep, budget by budget.

    A share that hardly any structure of a budget can have is left out of that budget, the outermost
    ones of small budgets for the most part; those of `COMPARED` never are.

    Args:
        spaces: One per budget.
        shares: Decoder shares in (0, 1), rising, those of `COMPARED` among them.
        grid: The same and further ones that structures need not have, rising.
        structures: Distinct structures per budget.
        seed: Fixes them.
        observe: Called after each block with the number drawn and the number in all.

    Raises:
        BudgetError: Too few structures of a budget can have every share.
    """
    blocks: list[Block] = []
    total = len(spaces) * structures
    for place, space in enumerate(spaces):
        drawn = _candidates(space, tuple(shares), tuple(grid), (seed, place))
        probed = list(islice(drawn, PROBED))
        common = _common(probed, shares)
        candidates = chain(probed, drawn)
        taken: set[str] = set()
        for _ in range(structures):
            block = _next_block(candidates, common, taken)
            taken.add(block.structure)
            blocks.append(replace(block, number=len(blocks), shares=common))
            observe(len(blocks), total)
    return blocks


def _common(probed: Sequence[Block], shares: Sequence[float]) -> tuple[float, ...]:
    """The shares that enough structures can have."""
    return tuple(
        share
        for share in shares
        if share in COMPARED
        or sum(block.cell(share) is not None for block in probed) >= COMMON * len(probed)
    )


def _next_block(candidates: Iterator[Block], shares: Sequence[float], taken: Set[str]) -> Block:
    """The first structure that can have every share and is not in the design yet."""
    extremes_first = sorted(shares, key=lambda share: -abs(share - EVEN))
    lacking = Counter[float]()
    for block in islice(candidates, SPARES):
        missing = next((s for s in extremes_first if block.cell(s) is None), None)
        if missing is not None:
            lacking[missing] += 1
        elif block.mirror is not None and block.structure not in taken:
            return block
    space, (worst, _) = block.space, (lacking or Counter(extremes_first)).most_common(1)[0]
    raise BudgetError(
        f"hardly any {space.family} architecture of {space.side_budget:,} parameters"
        f"{_shared(space)} can have {worst:.0%} of them in the decoder: raise the budget, narrow "
        "--share-range, or ask for fewer --structures"
    )


def _candidates(
    space: Space, shares: tuple[float, ...], grid: tuple[float, ...], seed: Sequence[int]
) -> Iterator[Block]:
    """Structures without end, whatever shares they can have."""
    for point in _points(space, seed):
        suggester = AtPoint(point)
        for part in space.parts:
            space.structure(part, suggester)
        yield Block(number=0, space=space, grid=grid, shares=shares, drawn=suggester.drawn)


def _shared(space: Space) -> str:
    shared = space.budget.total_params - space.side_budget
    return f" beside the {shared:,} that both sides share" if shared else ""


def _points(space: Space, seed: Sequence[int]) -> Iterator[dict[str, float]]:
    """Points of the unit cube over the structural choices, by name, without end."""
    names = list(space.choices())
    rng = np.random.default_rng(np.random.SeedSequence((*seed, 3)))
    sequence = qmc.Halton(len(names), scramble=True, rng=rng)
    while True:
        point = np.minimum(sequence.random(1)[0], math.nextafter(1, 0))
        yield dict(zip(names, point.tolist(), strict=True))
