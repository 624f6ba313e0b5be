"""From a suggester to an architecture that fits the budget, whatever is drawn.

Structure and size are independent knobs. Each side's structure is drawn under fixed names; its
`width` in [0, 1] is a position, on a log scale of that side's parameters, between the narrowest
side and the widest that the budget leaves room for. Two sides that exceed the budget together are
shrunk by one factor that keeps their share. A structure that the budget cannot hold even at its
narrowest is replaced by the nearest one that fits. So no draw is ever rejected.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from asymnas.core.budget import Budget, Counts
from asymnas.core.errors import BudgetError, ConfigError
from asymnas.core.side_families import family_label
from asymnas.networks.architecture import Architecture, unsupported_reason
from asymnas.networks.counting import count_params
from asymnas.networks.families import FAMILIES, Family, Problem, SideName, Suggester
from asymnas.networks.kinds import kind_of
from asymnas.space.any_family import ANY, FAMILY, AnyFamily, DrawnSide
from asymnas.space.feasibility import Draw, Draws, reduced
from asymnas.space.fit import SizedPart
from asymnas.space.suggesters import First, Random, Recorded, options_of, usual

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
    """The architectures of one family, or of one per side, under one budget.

    Args:
        encoder_family: Registered name, or `any` to draw the encoder's family.
        decoder_family: The same for the decoder.
        problem: Data shape, latent and bottleneck.
        kind: What is trained.
        budget: Hard caps.
        learning_rates: Range of the rate, drawn on a log scale.
        symmetric: Draw encoders only, each with the decoder that mirrors it.
        wide: Draw the families' optional choices too.

    Attributes:
        parts: The parts that are sized on their own: two sides, or with `symmetric` one pair.
        side_budget: Parameters that the budget leaves for the sides.

    Raises:
        BudgetError: Nothing fits; the message names the smallest architecture.
        ConfigError: A family does not support the problem, the kind cannot train it, or what is
            asked for needs one family on both sides.
    """

    def __init__(
        self,
        *,
        encoder_family: str,
        decoder_family: str,
        problem: Problem,
        kind: str,
        budget: Budget,
        learning_rates: tuple[float, float],
        symmetric: bool = False,
        wide: bool = False,
    ) -> None:
        self.problem, self.kind, self.wide = problem, kind, wide
        self.budget, self.learning_rates, self.symmetric = budget, learning_rates, symmetric
        self.encoder_family, self.decoder_family = encoder_family, decoder_family
        if symmetric and encoder_family != decoder_family:
            raise ConfigError(
                f"a decoder that mirrors its encoder is of the same family, not {self.family}: "
                "take one family for both sides"
            )
        families: dict[SideName, str] = {"encoder": encoder_family, "decoder": decoder_family}
        self.families = _supported(families, problem, kind)
        self._drawn = {side for side, family in families.items() if family == ANY}
        sides: tuple[SideName, ...] = ("encoder",) if symmetric else ("encoder", "decoder")
        self.parts = [
            SizedPart(
                name=side,
                family=self._entry(side),
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
        self._check_feasible()

    def under(self, budget: Budget) -> "Space":
        """The same space under another budget.

        Raises:
            BudgetError: Nothing fits.
        """
        return Space(
            encoder_family=self.encoder_family,
            decoder_family=self.decoder_family,
            problem=self.problem,
            kind=self.kind,
            budget=budget,
            learning_rates=self.learning_rates,
            symmetric=self.symmetric,
            wide=self.wide,
        )

    def suggest_structures(self, suggester: Suggester) -> list[Any]:
        """Draws a side config of nominal size per part, or the nearest whose narrowest fit."""
        recorded = [Recorded(suggester) for _ in self.parts]
        for part, own in zip(self.parts, recorded, strict=True):
            self.structure(part, own)
        return self._feasible([own.drawn for own in recorded])

    def suggest(self, suggester: Suggester) -> Candidate:
        """Draws a candidate; its architecture fits the budget."""
        structures = self.suggest_structures(suggester)
        positions = [suggester.suggest_float(f"{part.name}_width", 0.0, 1.0) for part in self.parts]
        rate = suggester.suggest_float("learning_rate", *self.learning_rates, log=True)
        return Candidate(architecture=self._realise(structures, positions), learning_rate=rate)

    def sample(self, seed: int) -> Candidate:
        """A candidate drawn at random; the same seed gives the same one."""
        return self.suggest(Random(seed))

    def of_each_pair(self) -> list[Architecture]:
        """One architecture of each pair of families that may be drawn, at its narrowest."""
        narrowest = [0.0] * len(self.parts)
        return [self.compose(self._structures(d), narrowest) for d in self._first_of_each_pair()]

    def choices(self) -> dict[str, list[Any]]:
        """Every structural choice and its values; a study pins them."""
        grids = [options_of(partial(self.structure, part)) for part in self.parts]
        return {name: list(values) for grid in grids for name, values in grid.items()}

    def structure(self, part: SizedPart, suggester: Suggester) -> Any:
        """Draws a part's side config of nominal size."""
        own = suggester if self.wide else usual(part.family, suggester, part.name)
        return part.family.suggest(own, part.name, self.problem)

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
        triples = zip(self.parts, structures, scales, strict=True)
        sides = [part.family.scale(structure, scale) for part, structure, scale in triples]
        encoder = self._named("encoder", sides[0])
        decoder = self.parts[0].family.mirror(sides[0]) if self.symmetric else sides[1]
        return self._joined(encoder, self._named("decoder", decoder))

    def mirrored(self, encoder: Any) -> Architecture:
        """The architecture of an encoder's config and of the decoder that mirrors it."""
        named = self._named("encoder", encoder)
        decoder = replace(named, config=named.entry.mirror(named.config))
        return self._joined(named, decoder)

    def _joined(self, encoder: DrawnSide, decoder: DrawnSide) -> Architecture:
        return Architecture(
            encoder_family=encoder.family,
            decoder_family=decoder.family,
            encoder=encoder.config,
            decoder=decoder.config,
            shape=self.problem.shape,
            latent=self.problem.latent,
            bottleneck=self.problem.bottleneck,
            kind=self.kind,
        )

    @property
    def family(self) -> str:
        """The family of both sides, or `encoder/decoder` where they differ."""
        return family_label(self.encoder_family, self.decoder_family)

    def of_one_family(self, family: str) -> "Space":
        """The same space with one family on both sides."""
        return Space(
            encoder_family=family,
            decoder_family=family,
            problem=self.problem,
            kind=self.kind,
            budget=self.budget,
            learning_rates=self.learning_rates,
            symmetric=self.symmetric,
            wide=self.wide,
        )

    def draws_family(self, side: SideName) -> bool:
        """Whether the family of a side is drawn."""
        return side in self._drawn

    def _entry(self, side: SideName) -> Family:
        names = self.families[side]
        return AnyFamily(names, self.wide) if self.draws_family(side) else FAMILIES.get(names[0])

    def _named(self, side: SideName, config: Any) -> DrawnSide:
        if isinstance(config, DrawnSide):
            return config
        return DrawnSide(self.families[side][0], config)

    def _total(self, counts: Sequence[Counts]) -> Counts:
        """Counts of parts together with the shared ones."""
        return sum(counts, start=self._shared)

    def _feasible(self, draws: Draws) -> list[Any]:
        """The structures drawn, or the nearest whose narrowest fit."""
        chosen = reduced(draws, self._options, self._used)
        if self._used(chosen) > 1:
            chosen = min(self._smallest, key=lambda d: (self._used(d) > 1, _unlike(d, draws)))
        return self._structures(chosen)

    def _structures(self, draws: Draws) -> list[Any]:
        pairs = zip(self.parts, draws, strict=True)
        return [self.structure(part, First(draw)) for part, draw in pairs]

    def _used(self, draws: Draws) -> float:
        """The largest part of a cap that structures use at their narrowest."""
        return self.budget.used(self._total(self._narrowest(self._structures(draws))))

    @cached_property
    def _options(self) -> list[dict[str, Sequence[Any]]]:
        """The choices of each part that may be changed so that it fits; not its family."""
        grids = [options_of(partial(self.structure, part)) for part in self.parts]
        return [{n: v for n, v in grid.items() if not n.endswith(f"_{FAMILY}")} for grid in grids]

    @cached_property
    def _smallest(self) -> list[Draws]:
        """Draws of each pair of families that use least of the caps."""
        return [reduced(draws, self._options, self._used) for draws in self._first_of_each_pair()]

    def _first_of_each_pair(self) -> list[Draws]:
        """The first draw of each pair of families."""
        firsts: list[Draws] = []
        for names in itertools.product(*(self.families[part.name] for part in self.parts)):
            draws = []
            for part, name in zip(self.parts, names, strict=True):
                recorded = Recorded(First({f"{part.name}_{FAMILY}": name}))
                self.structure(part, recorded)
                draws.append(recorded.drawn)
            firsts.append(draws)
        return firsts

    def _check_feasible(self) -> None:
        """Raises if nothing fits.

        Raises:
            BudgetError: Names the smallest architecture.
        """
        draws = min(self._smallest, key=self._used)
        if self._used(draws) <= 1:
            return
        counts = self._total(self._narrowest(self._structures(draws)))
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


def _shrink(targets: list[float], narrowest: list[int], budget: int) -> list[float]:
    """Scales all targets by one factor to fit the budget; none below its narrowest."""
    if len(targets) == 1 or sum(targets) <= budget:
        return [min(target, budget) for target in targets]
    scaled = [target * budget / sum(targets) for target in targets]
    for i, low in enumerate(narrowest):
        if scaled[i] < low:
            scaled[i], scaled[1 - i] = low, min(targets[1 - i], budget - low)
    return scaled


def _supported(
    families: Mapping[SideName, str], problem: Problem, kind: str
) -> dict[SideName, tuple[str, ...]]:
    """The families of each side, one or those that are drawn from.

    Raises:
        UnknownNameError: No family or kind has such a name.
        ConfigError: Two families cannot serve the problem, or the kind cannot train them.
    """
    if problem.bottleneck == "spatial" and ANY in families.values():
        raise ConfigError(
            "a family can be drawn where a latent vector lies between the sides: take a dense or "
            "a pooled bottleneck, or name one family for both sides"
        )
    serving = [n for n in FAMILIES.names() if FAMILIES.get(n).unsupported_reason(problem) is None]
    names = {
        side: tuple(serving) if family == ANY else (family,) for side, family in families.items()
    }
    if ANY in families.values() and not serving:
        raise ConfigError(f"no family serves examples of {problem.shape} here")
    for pair in itertools.product(names["encoder"], names["decoder"]):
        if reason := unsupported_reason(*pair, problem, kind):
            raise ConfigError(reason)
    return names


def _unlike(draws: Draws, others: Draws) -> int:
    """How many parts are of other families."""
    pairs = zip(draws, others, strict=True)
    return sum(_family_of(one) != _family_of(other) for one, other in pairs)


def _family_of(draw: Draw) -> Any:
    return next((value for name, value in draw.items() if name.endswith(f"_{FAMILY}")), None)


def _describe(budget: Budget) -> str:
    caps = {
        "{:,} parameters": budget.total_params,
        "{:,} encoder parameters": budget.encoder_params,
        "{:,} decoder parameters": budget.decoder_params,
        "{:,} MACs": budget.macs,
    }
    return "a budget of " + ", ".join(t.format(cap) for t, cap in caps.items() if cap is not None)
