"""Filling a budget: architectures of one size, whatever their structure and decoder share.

What is left of two independent widths when the budget is filled is their ratio. If the logarithms
of both sides' parameters are uniform and independent, then so are the logarithm of their ratio and
their total (the Jacobian of the change is 1): given the total, the ratio is log-uniform, which is
to say that the decoder share is logit-uniform. So drawing the ratio is drawing both widths under
the condition that the budget is filled.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from asymnas.core.budget import Counts
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import Suggester
from asymnas.space.equal_budget import at_share
from asymnas.space.fit import topped_up
from asymnas.space.space import Candidate, Space
from asymnas.space.suggesters import Random

FULL = 0.97  # of the budget, at least
MOST_RATIO = 19.0  # of the decoder's parameters over the encoder's: shares of 5 to 95 %
RATE_RATIOS = (0.25, 4.0)  # of the decoder's rate over the encoder's
STEP = 0.15  # between the log odds of shares that are tried where widths are too coarse
FARTHEST = 6.0  # log odds: shares of 0.25 to 99.75 %
HALVINGS = 12  # of the total, where MACs bind and parameters do not

SIZE_RATIO = "size_ratio"
RATE_RATIO = "rate_ratio"


def suggest_filled(space: Space, suggester: Suggester) -> Candidate:
    """Draws a candidate that fills the budget: structures, the sides' ratio and their rates.

    With a space of mirrored pairs there is no ratio to draw.
    """
    structures = space.suggest_structures(suggester)
    ratio = 1.0
    if len(space.parts) > 1:
        ratio = suggester.suggest_float(SIZE_RATIO, 1 / MOST_RATIO, MOST_RATIO, log=True)
    rate = suggester.suggest_float("learning_rate", *space.learning_rates, log=True)
    rate_ratio = suggester.suggest_float(RATE_RATIO, *RATE_RATIOS, log=True)
    return Candidate(
        architecture=fill(space, structures, ratio / (1 + ratio)),
        learning_rate=rate,
        rate_ratio=rate_ratio,
    )


def sample_filled(space: Space, seed: int) -> Candidate:
    """A candidate drawn at random that fills the budget; the same seed gives the same one."""
    return suggest_filled(space, Random(seed))


def fill(space: Space, structures: Sequence[Any], share: float) -> Architecture:
    """Sizes structures so that they fill the budget, as near to a decoder share as they can.

    Where widths are too coarse for 97 % of the budget at that share, the nearest share at which
    they fill it is taken, and where they fill it at no share, the one at which they are fullest. A
    cap on MACs that is reached first leaves parameters unused: both sides are then shrunk by one
    factor.

    Args:
        space: Of two sides, or of mirrored pairs, which have no share to choose.
        structures: One per part, of nominal size; the budget admits them at their narrowest.
        share: Decoder share to come near, in (0, 1).
    """
    if len(structures) == 1:
        return _filled_pair(space, structures[0])
    made = at_share(space, structures, share)
    if made is None or not space.budget.admits(made.counts):
        made = _at_nearest_share(space, structures, share)
    if space.budget.admits(made.counts):
        return made
    return _within_macs(space, structures, made.decoder_share)


def _filled_pair(space: Space, structure: Any) -> Architecture:
    """A mirrored pair as wide as every cap admits."""
    (part,) = space.parts
    shared = Counts(shared_params=space.budget.total_params - space.side_budget)
    scale = part.widest(structure, math.inf, space.budget, shared)
    side = part.family.scale(structure, scale)
    (wider,) = topped_up([part], [side], space.side_budget)
    made = space.compose([wider], [1.0])
    return made if space.budget.admits(made.counts) else space.compose([structure], [scale])


def _at_nearest_share(space: Space, structures: Sequence[Any], share: float) -> Architecture:
    """The budget filled at the nearest share at which it can be; MACs are left out of account."""
    caps, total = _caps(space), _total(space)
    fullest, most = space.compose(structures, [0.0, 0.0]), -1
    for near in _shares(share):
        sides = _sides(space, structures, near, total)
        params = [
            part.counts(side, 1.0).total_params
            for part, side in zip(space.parts, sides, strict=True)
        ]
        if sum(params) > total or any(n > cap for n, cap in zip(params, caps, strict=True)):
            continue
        if sum(params) > most:
            fullest, most = space.compose(sides, [1.0, 1.0]), sum(params)
        if most >= FULL * total:
            break
    return fullest


def _within_macs(space: Space, structures: Sequence[Any], share: float) -> Architecture:
    """The largest architecture of a share that the cap on MACs admits."""
    best, low, high = space.compose(structures, [0.0, 0.0]), 0.0, _total(space)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        made = space.compose(_sides(space, structures, share, middle), [1.0, 1.0])
        if made.counts.total_params > space.budget.total_params:
            low = middle  # too few for the narrowest sides: there is no such total
        elif space.budget.admits(made.counts):
            low, best = middle, made
        else:
            high = middle
    return best


def _sides(space: Space, structures: Sequence[Any], share: float, total: float) -> list[Any]:
    """Both configs: the decoder by its share, the encoder the rest, the decoder what is left then.

    More than the total, or than a cap on one side, only where even the narrowest have more.
    """
    parts, caps = space.parts, _caps(space)

    def widened(i: int, side: Any, most: float) -> Any:
        return topped_up([parts[i]], [side], most)[0]

    def params(i: int, side: Any) -> int:
        return parts[i].counts(side, 1.0).total_params

    def sized(i: int, most: float) -> Any:
        scale = parts[i].widest(structures[i], most)
        return widened(i, parts[i].family.scale(structures[i], scale), most)

    decoder = sized(1, min(share * total, caps[1]))
    encoder = sized(0, min(total - params(1, decoder), caps[0]))
    return [encoder, widened(1, decoder, min(total - params(0, encoder), caps[1]))]


def _caps(space: Space) -> tuple[float, float]:
    """The most parameters of the encoder and of the decoder."""
    budget = space.budget
    return budget.encoder_params or math.inf, budget.decoder_params or math.inf


def _total(space: Space) -> float:
    """Parameters of both sides that are to be filled."""
    return min(float(space.side_budget), sum(_caps(space)))


def _shares(share: float) -> Iterator[float]:
    """Shares from one outwards, the nearest first by their log odds."""
    odds = math.log(share / (1 - share))
    steps = range(1, int((FARTHEST + abs(odds)) / STEP) + 1)
    for offset in chain([0.0], *((i * STEP, -i * STEP) for i in steps)):
        if abs(odds + offset) <= FARTHEST:
            yield 1 / (1 + math.exp(-odds - offset))
