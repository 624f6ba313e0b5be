"""A sweep's design: which architectures fill which budget at which share, decided before training.

Structures are quasi-random (a scrambled Halton sequence over all structural choices) and spread
evenly over the shares of a budget; each is then sized to its budget and share. Every cell of the
design has its own structures, so the clusters of the analysis are independent of each other; the
analysis adjusts for the effect of a structure.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from asymnas.core.errors import BudgetError
from asymnas.networks.architecture import Architecture
from asymnas.space.equal_budget import at_share
from asymnas.space.space import Space
from asymnas.space.suggesters import AtPoint

SPARES = 40  # structures that a cell may try before the design is given up


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One architecture of a sweep.

    Args:
        budget: Total parameters that it fills to within one per cent.
        share: Decoder share asked for; the architecture has it to within 0.03.
        cluster: Its number in the design.
        architecture: The network.
        drawn: Its structural choices by name.
    """

    budget: int
    share: float
    cluster: int
    architecture: Architecture
    drawn: dict[str, Any]


def draw_cells(
    spaces: Sequence[Space],
    shares: Sequence[float],
    architectures: int,
    seed: int,
    observe: Callable[[int, int], None] = lambda done, of: None,
) -> list[Cell]:
    """The cells of a sweep: budgets × shares × architectures, architectures outermost.

    Args:
        spaces: One per budget.
        shares: Decoder shares in (0, 1).
        architectures: Distinct architectures of each budget and share.
        seed: Fixes the structures.
        observe: Called after each cell with the number drawn and the number in all.

    Raises:
        BudgetError: Too few architectures of a budget can have a share.
    """
    cells: list[Cell] = []
    taken: set[str] = set()  # keys of the architectures in the design
    total = len(spaces) * len(shares) * architectures
    queues = [
        _Structures(space, shares, architectures, (seed, i)) for i, space in enumerate(spaces)
    ]
    for _ in range(architectures):
        for space, queue in zip(spaces, queues, strict=True):
            for place, share in enumerate(shares):
                architecture, drawn = _next_fitting(space, queue.of(place), share, taken)
                taken.add(architecture.key())
                budget = space.budget.total_params
                cells.append(
                    Cell(
                        budget=budget,
                        share=share,
                        cluster=len(cells),
                        architecture=architecture,
                        drawn=drawn,
                    )
                )
                observe(len(cells), total)
    return cells


def _next_fitting(
    space: Space, points: Iterator[dict[str, float]], share: float, taken: Set[str]
) -> tuple[Architecture, dict[str, Any]]:
    """The first structure that can have the share and is not in the design yet."""
    for _ in range(SPARES):
        suggester = AtPoint(next(points))
        structures = [space.structure(part, suggester) for part in space.parts]
        architecture = at_share(space, structures, share)
        if architecture is not None and architecture.key() not in taken:
            return architecture, suggester.drawn
    raise BudgetError(
        f"hardly any {space.family} architecture of {space.side_budget:,} parameters"
        f"{_shared(space)} has {share:.0%} of them in the decoder: raise the budget, narrow "
        "--share-range, or ask for fewer --architectures"
    )


def _shared(space: Space) -> str:
    shared = space.budget.total_params - space.side_budget
    return f" beside the {shared:,} that both sides share" if shared else ""


class _Structures:
    """Points of the structural choices, dealt to the shares, an even spread to each."""

    def __init__(
        self, space: Space, shares: Sequence[float], architectures: int, seed: Sequence[int]
    ) -> None:
        self._names = list(space.choices())
        self._rng = np.random.default_rng(np.random.SeedSequence((*seed, 3)))
        self._sequence = qmc.Halton(len(self._names) + 1, scramble=True, rng=self._rng)
        points = self._draw(len(shares) * architectures)
        dealt = points[np.argsort(points[:, 0])].reshape(len(shares), architectures, -1)
        self._iterators = [self._iterate(own) for own in dealt]

    def of(self, place: int) -> Iterator[dict[str, float]]:
        """The points of one share: its own, then spare ones without end."""
        return self._iterators[place]

    def _iterate(self, own: NDArray[np.float64]) -> Iterator[dict[str, float]]:
        for point in self._rng.permutation(own):
            yield self._named(point)
        while True:
            yield self._named(self._draw(1)[0])

    def _draw(self, n: int) -> NDArray[np.float64]:
        """The next points of the sequence."""
        points: NDArray[np.float64] = self._sequence.random(n)
        return np.minimum(points, 1 - 1e-12)

    def _named(self, point: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self._names, point[1:].tolist(), strict=True))
