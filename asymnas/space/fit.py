"""Fitting a part of an autoencoder to a budget by the one factor that families offer.

A part is sized as a whole: one side, or a mirrored pair of sides. Its structure is a side config of
nominal size; `scale` makes it narrower or wider, and its counts grow with the scale.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Any

import torch
from torch import nn

from asymnas.core.budget import Budget, Counts
from asymnas.networks.counting import count_macs, count_params, shapes_only
from asymnas.networks.families import Family, Problem, SideName
from asymnas.networks.kinds import kind_of
from asymnas.space.any_family import DrawnSide
from asymnas.space.formula import ParameterFormula, Widths, derive, width_fields

NO_COUNTS = Counts()
CLOSE = 0.995  # a fit this near below its target is good enough
FINEST = 1e-4  # relative difference of scales that no longer changes a width


@dataclass(frozen=True, kw_only=True)
class SizedPart:
    """One side, or with `mirrored` the encoder and the decoder that mirrors it.

    Args:
        name: The side whose choices are drawn.
        family: The family that scales and builds.
        problem: What both sides have in common.
        kind: What is trained.
        mirrored: Whether the part is a symmetric pair.
        count_macs: Whether to count MACs, which takes a pass without values besides building.
    """

    name: SideName
    family: Family
    problem: Problem
    kind: str
    mirrored: bool = False
    count_macs: bool = False

    def counts(self, structure: Any, scale: float) -> Counts:
        """Parameters, and MACs if asked for, of the part at a scale (0: the narrowest)."""
        config = self.family.scale(structure, scale)
        counts = _side_counts(self, self.name, config)
        if self.mirrored:
            counts += _side_counts(self, "decoder", self.family.mirror(config))
        return counts

    def widest(
        self,
        structure: Any,
        target: float,
        budget: Budget | None = None,
        others: Counts = NO_COUNTS,
    ) -> float:
        """The greatest scale with at most `target` parameters, admitted by the budget.

        Bisection steered by interpolation of log parameters in log scale; it stops within half a
        per cent of the target, or where widths are too coarse for that. The narrowest part is
        taken to be admitted.

        Args:
            structure: The side config of nominal size.
            target: Parameters of the part; `math.inf` to be held by the budget alone.
            budget: Caps that must hold for the part together with `others`.
            others: What the other parts take.
        """

        def fits(counts: Counts) -> bool:
            admitted = budget is None or budget.admits(counts + others)
            return counts.total_params <= target and admitted

        if budget is not None:
            target = min(target, budget.total_params - others.total_params)
        low, below = FINEST, self.counts(structure, FINEST)
        high = 1.0
        while fits(above := self.counts(structure, high)):
            low, below, high = high, above, high * 4
        for step in range(64):
            if below.total_params >= CLOSE * target or high / low < 1 + FINEST:
                break
            middle = _guess(low, below, high, above, target if step % 3 < 2 else 0.0)
            counts = self.counts(structure, middle)
            if fits(counts):
                low, below = middle, counts
            else:
                high, above = middle, counts
        return low


_Step = tuple[int, int, Any]  # parameters that it adds, to which part, the part's wider config


def widths_of(family: Family, config: Any) -> str:
    """The widths of a realised side, as `channels 12-18, hidden 40`: all that `scale` changes.

    Args:
        family: The side's.
        config: Its config.
    """
    widths = {name: getattr(config, name) for name in width_fields(family, config)}
    return ", ".join(f"{name.replace('_', ' ')} {_joined(width)}" for name, width in widths.items())


def _joined(width: Any) -> str:
    return "-".join(map(str, width)) if isinstance(width, tuple) else str(width)


def topped_up(
    parts: Sequence[SizedPart], sides: Sequence[Any], total: float, ahead: int = 1
) -> list[Any]:
    """Widens single layers by a unit, the largest step that fits first, up to a total.

    One factor for all widths of a part leaves up to several per cent of a small budget unused.

    Args:
        parts: What is sized together.
        sides: A config per part, whose parameters are at most `total` together.
        total: Parameters of all parts.
        ahead: So many steps are chosen together, the largest sum that fits; more than one where
            steps are coarse, since the time that a choice takes grows with its power.

    Returns:
        The configs, wider by a few units where that fits.
    """
    chosen = list(sides)
    left = total - sum(p.counts(s, 1.0).total_params for p, s in zip(parts, chosen, strict=True))
    while left > (1 - CLOSE) * total:
        steps = [
            (part.counts(wider, 1.0).total_params - part.counts(side, 1.0).total_params, i, wider)
            for i, (part, side) in enumerate(zip(parts, chosen, strict=True))
            for wider in part.family.widened(side)
        ]
        fitting = [step for step in steps if 0 < step[0] <= left]
        if not fitting:
            break
        size, i, wider = _first_of_largest_sum(fitting, left, ahead)
        chosen[i], left = wider, left - size
    return chosen


def _first_of_largest_sum(steps: Sequence[_Step], left: float, ahead: int) -> _Step:
    """The largest of those steps, at most `ahead`, whose sum comes nearest to what is left."""
    largest_first = sorted(steps, key=lambda step: -step[0])
    sums = (
        (sum(step[0] for step in together), together[0])
        for count in range(1, ahead + 1)
        for together in combinations_with_replacement(largest_first, count)
    )
    fitting = (entry for entry in sums if entry[0] <= left)
    return max(fitting, key=lambda entry: entry[0])[1]


def _guess(low: float, below: Counts, high: float, above: Counts, target: float) -> float:
    """Where between two scales the target should lie; halfway if that is unknown."""
    span = math.log(above.total_params / below.total_params)
    part = math.log(target * 0.998 / below.total_params) / span if target and span > 0 else 0.5
    return float(low * (high / low) ** min(max(part, 0.02), 0.98))


@lru_cache(maxsize=200_000)
def _side_counts(part: SizedPart, side: SideName, config: Any) -> Counts:
    """Counts of one side alone: by its structure's formula, or built on the meta device."""
    if isinstance(config, DrawnSide):  # the formula is that of the family that was drawn
        return _side_counts(replace(part, family=config.entry), side, config.config)
    if not part.count_macs:
        widths = Widths(config, width_fields(part.family, config))
        formula = _formula(part, side, _Structure(widths))
        if formula is not None:
            return _counts(side, formula.count(widths.values))
    problem, kind = part.problem, kind_of(part.kind)
    module = _built(part, side, config)
    macs = 0
    if part.count_macs:
        with torch.device("meta"):
            if side == "encoder":
                inputs = kind.encoder_inputs(module, torch.empty(1, *problem.shape))
            else:
                inputs = (torch.empty(1, *part.family.latent_shape(problem)),)
            macs = count_macs(module, *inputs)
    return _counts(side, count_params(module), macs)


class _Structure:
    """A side config as a key: equal to every other that differs by its widths alone."""

    def __init__(self, widths: Widths) -> None:
        self.widths = widths
        self._key = widths.replaced((1,) * len(widths.values))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Structure) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=10_000)
def _formula(part: SizedPart, side: SideName, structure: _Structure) -> ParameterFormula | None:
    return derive(structure.widths, lambda config: _built(part, side, config))


def _built(part: SizedPart, side: SideName, config: Any) -> nn.Module:
    """One side on the meta device."""
    with shapes_only():
        if side == "decoder":
            return part.family.build_decoder(config, part.problem)
        code = kind_of(part.kind).code_size(part.problem.latent)
        return part.family.build_encoder(config, part.problem, code)


def _counts(side: SideName, params: int, macs: int = 0) -> Counts:
    if side == "encoder":
        return Counts(encoder_params=params, encoder_macs=macs)
    return Counts(decoder_params=params, decoder_macs=macs)
