"""From a suggester to an architecture that fits the budget, whatever is drawn.

Structure and size are independent knobs. Each side's structure is drawn under fixed names; its
`width` in [0, 1] is a position, on a log scale of that side's parameters, between the narrowest
side and the widest that the budget leaves room for. Two sides that exceed the budget together are
shrunk by one factor that keeps their share. A structure that the budget cannot hold even at its
narrowest is replaced by the nearest one that fits. So no draw is ever rejected.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from asymnas.core.budget import Budget, Counts
from asymnas.core.errors import BudgetError, ConfigError
from asymnas.networks.architecture import Architecture, unsupported_reason
from asymnas.networks.counting import count_params
from asymnas.networks.families import FAMILIES, Problem, SideName, Suggester
from asymnas.networks.kinds import kind_of
from asymnas.space.fit import SizedPart
from asymnas.space.suggesters import First, Fixed, Random, options_of

HALVINGS = 12  # of the common factor, when MACs bind and parameters do not


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What one trial trains.

    Args:
        architecture: The network.
        learning_rate: The rate it is trained with.
        rate_ratio: The decoder's rate over the encoder's.
    """

    architecture: Architecture
    learning_rate: float
    rate_ratio: float = 1.0


class Space:
    """The architectures of one family under one budget.

    Args:
        family: Registered name.
        problem: Data shape, latent and bottleneck.
        kind: What is trained.
        budget: Hard caps.
        learning_rates: Range of the rate, drawn on a log scale.
        symmetric: Draw encoders only, each with the decoder that mirrors it.

    Attributes:
        parts: The parts that are sized on their own: two sides, or with `symmetric` one pair.
        side_budget: Parameters that the budget leaves for the sides.

    Raises:
        BudgetError: Nothing fits; the message names the smallest architecture.
        ConfigError: The family does not support the problem, or the kind cannot train it.
    """

    def __init__(
        self,
        *,
        family: str,
        problem: Problem,
        kind: str,
        budget: Budget,
        learning_rates: tuple[float, float],
        symmetric: bool = False,
    ) -> None:
        self.family, self.problem, self.kind = family, problem, kind
        self.budget, self.learning_rates, self.symmetric = budget, learning_rates, symmetric
        entry = FAMILIES.get(family)
        if reason := unsupported_reason(family, problem, kind):
            raise ConfigError(reason)
        sides: tuple[SideName, ...] = ("encoder",) if symmetric else ("encoder", "decoder")
        self.parts = [
            SizedPart(
                name=side,
                family=entry,
                problem=problem,
                kind=kind,
                mirrored=symmetric,
                count_macs=budget.macs is not None,
            )
            for side in sides
        ]
        bottleneck = kind_of(kind).bottleneck(problem.latent)
        self._shared = Counts(shared_params=count_params(bottleneck))
        self.side_budget = budget.total_params - self._shared.shared_params
        self._feasible([self.structure(part, First()) for part in self.parts])

    def suggest(self, suggester: Suggester) -> Candidate:
        """Draws a candidate; its architecture fits the budget."""
        structures = [self.structure(part, suggester) for part in self.parts]
        positions = [suggester.suggest_float(f"{part.name}_width", 0.0, 1.0) for part in self.parts]
        rate = suggester.suggest_float("learning_rate", *self.learning_rates, log=True)
        return Candidate(
            architecture=self._realise(self._feasible(structures), positions), learning_rate=rate
        )

    def sample(self, seed: int) -> Candidate:
        """A candidate drawn at random; the same seed gives the same one."""
        return self.suggest(Random(seed))

    def choices(self) -> dict[str, list[Any]]:
        """Every structural choice and its values; a study pins them."""
        grids = [options_of(partial(self.structure, part)) for part in self.parts]
        return {name: list(values) for grid in grids for name, values in grid.items()}

    def structure(self, part: SizedPart, suggester: Suggester) -> Any:
        """Draws a part's side config of nominal size."""
        return part.family.suggest(suggester, part.name, self.problem)

    def fits(self, structures: Sequence[Any]) -> bool:
        """Whether the budget admits one structure per part, at their narrowest."""
        return self.budget.admits(self._total(self._narrowest(structures)))

    def spans(self, structures: Sequence[Any]) -> list[tuple[int, int]]:
        """Fewest and most parameters of each part, between which its width is a position."""
        narrowest, spans = self._narrowest(structures), []
        for i, (part, structure) in enumerate(zip(self.parts, structures, strict=True)):
            others = self._total(narrowest[:i] + narrowest[i + 1 :])
            scale = part.widest(structure, math.inf, self.budget, others)
            most = part.counts(structure, scale).total_params
            spans.append((narrowest[i].total_params, most))
        return spans

    def _narrowest(self, structures: Sequence[Any]) -> list[Counts]:
        pairs = zip(self.parts, structures, strict=True)
        return [part.counts(structure, 0.0) for part, structure in pairs]

    def _realise(self, structures: Sequence[Any], positions: Sequence[float]) -> Architecture:
        narrowest = self._narrowest(structures)
        spans = zip(self.spans(structures), positions, strict=True)
        targets = [least * (most / least) ** position for (least, most), position in spans]
        targets = _shrink(targets, [c.total_params for c in narrowest], self.side_budget)
        return self.compose(structures, self._within_macs(structures, targets, narrowest))

    def _within_macs(
        self, structures: Sequence[Any], targets: Sequence[float], narrowest: Sequence[Counts]
    ) -> list[float]:
        """Scales that meet the targets or, if MACs bind, the same share of them on each part."""
        scales = self._scales(structures, targets, narrowest)
        if self.budget.admits(self._counts(structures, scales)):
            return scales
        best, low, high = [0.0] * len(targets), 0.0, 1.0
        for _ in range(HALVINGS):
            factor = (low + high) / 2
            scales = self._scales(structures, [factor * t for t in targets], narrowest)
            if self.budget.admits(self._counts(structures, scales)):
                best, low = scales, factor
            else:
                high = factor
        return best

    def _scales(
        self, structures: Sequence[Any], targets: Sequence[float], narrowest: Sequence[Counts]
    ) -> list[float]:
        return [
            part.widest(structure, max(target, low.total_params))
            for part, structure, target, low in zip(
                self.parts, structures, targets, narrowest, strict=True
            )
        ]

    def _counts(self, structures: Sequence[Any], scales: Sequence[float]) -> Counts:
        triples = zip(self.parts, structures, scales, strict=True)
        return self._total([part.counts(structure, scale) for part, structure, scale in triples])

    def compose(self, structures: Sequence[Any], scales: Sequence[float]) -> Architecture:
        """The architecture of one structure and one scale per part."""
        entry = FAMILIES.get(self.family)
        sides = [entry.scale(s, scale) for s, scale in zip(structures, scales, strict=True)]
        return Architecture(
            family=self.family,
            encoder=sides[0],
            decoder=entry.mirror(sides[0]) if self.symmetric else sides[1],
            shape=self.problem.shape,
            latent=self.problem.latent,
            bottleneck=self.problem.bottleneck,
            kind=self.kind,
        )

    def _total(self, counts: Sequence[Counts]) -> Counts:
        """Counts of parts together with the shared ones."""
        return sum(counts, start=self._shared)

    def _feasible(self, structures: Sequence[Any]) -> list[Any]:
        """The structures drawn or, where even their narrowest is too large, the nearest smaller."""
        chosen = list(structures)
        narrowest = self._narrowest(chosen)
        largest_first = sorted(range(len(chosen)), key=lambda i: -narrowest[i].total_params)
        for i in largest_first:
            if self.budget.admits(self._total(narrowest)):
                return chosen
            others = self._total(narrowest[:i] + narrowest[i + 1 :])
            fitting = [s for s in self._by_size[i] if self.budget.admits(s[1] + others)]
            pool = fitting or self._by_size[i][:1]
            chosen[i], narrowest[i] = min(pool, key=lambda s: _distance(s[0], chosen[i]))
        if self.budget.admits(self._total(narrowest)):
            return chosen
        return self._smallest()

    def _smallest(self) -> list[Any]:
        """The smallest structures; if MACs are what is short, those with the fewest MACs."""
        without_macs = replace(self.budget, macs=None)
        pairs = list(itertools.product(*map(_pareto_front, self._by_size)))
        affordable = [p for p in pairs if without_macs.admits(self._total([row[1] for row in p]))]
        rows = min(
            affordable, key=lambda p: self._total([r[1] for r in p]).total_macs, default=pairs[0]
        )
        counts = self._total([row[1] for row in rows])
        if self.budget.admits(counts):
            return [row[0] for row in rows]
        macs = f" and {counts.total_macs:,} MACs" if self.budget.macs is not None else ""
        shared, remedy = "", "make data or latent smaller"
        if counts.shared_params:
            shared = f", shared by both {counts.shared_params:,}"
            remedy = f"make what {self.kind} shares smaller, or data or latent"
        raise BudgetError(
            f"no {self.family} architecture fits {_describe(self.budget)}: the smallest has "
            f"{counts.total_params:,} parameters (encoder {counts.encoder_params:,}, decoder "
            f"{counts.decoder_params:,}{shared}){macs}; raise the budget or {remedy}"
        )

    @cached_property
    def _by_size(self) -> list[list[tuple[Any, Counts]]]:
        """Every structure of each part with its narrowest counts, the smallest first."""
        tables = []
        for part in self.parts:
            options = options_of(partial(self.structure, part))
            combinations = itertools.product(*options.values())
            draws = [dict(zip(options, values, strict=True)) for values in combinations]
            structures = [self.structure(part, Fixed(draw)) for draw in draws]
            rows = [(structure, part.counts(structure, 0.0)) for structure in structures]
            tables.append(sorted(rows, key=lambda row: (row[1].total_params, row[1].total_macs)))
        return tables


def _shrink(targets: list[float], narrowest: list[int], budget: int) -> list[float]:
    """Scales all targets by one factor to fit the budget; none below its narrowest."""
    if len(targets) == 1 or sum(targets) <= budget:
        return [min(target, budget) for target in targets]
    scaled = [target * budget / sum(targets) for target in targets]
    for i, low in enumerate(narrowest):
        if scaled[i] < low:
            scaled[i], scaled[1 - i] = low, min(targets[1 - i], budget - low)
    return scaled


def _distance(one: Any, other: Any) -> int:
    """How many fields two structures of a family differ in."""
    return sum(getattr(one, name) != getattr(other, name) for name in one.__dataclass_fields__)


def _pareto_front(rows: list[tuple[Any, Counts]]) -> list[tuple[Any, Counts]]:
    """The rows, sorted by parameters, with fewer MACs than every smaller row."""
    front: list[tuple[Any, Counts]] = []
    for row in rows:
        if not front or row[1].total_macs < front[-1][1].total_macs:
            front.append(row)
    return front


def _describe(budget: Budget) -> str:
    caps = {
        "{:,} parameters": budget.total_params,
        "{:,} encoder parameters": budget.encoder_params,
        "{:,} decoder parameters": budget.decoder_params,
        "{:,} MACs": budget.macs,
    }
    return "a budget of " + ", ".join(t.format(cap) for t, cap in caps.items() if cap is not None)
