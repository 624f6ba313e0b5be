"""Equal totals: sizing structures so that they fill a budget at a given decoder share.

A search may stay below its budget; an inference may not, because the part of a budget that is left
unused could depend on the share. Every architecture here has a total within one per cent of the
budget, and never above it.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from scipy.special import expit, logit

from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES, SideName
from asymnas.space.fit import SizedPart, topped_up
from asymnas.space.space import Space

FILLED = 0.99  # of the budget, at least
SHARE_SLACK = 0.1  # between the log odds of the share asked for and of the one that widths allow
STEPS = 4  # shares tried on either side of the one asked for
HALVINGS = 24
# Part of the budget that one factor for all widths of a side fills before single layers are
# widened, and how many of their steps are chosen together. Coarse widths need more of both.
ATTEMPTS = ((1.0, 1), (0.95, 3))


def at_share(space: Space, structures: Sequence[Any], share: float) -> Architecture | None:
    """Sizes two structures to fill the space's budget with a decoder share.

    Widths are whole numbers, so a structure has few sizes: shares near the one asked for are tried
    until the decoder leaves what an encoder can fill.

    Args:
        space: Of two sides.
        structures: The encoder's and the decoder's config of nominal size.
        share: Decoder share to come near, in (0, 1).

    Returns:
        A total of 99 to 100 % of the budget, and log odds of the share within 0.1; `None` where the
        structures' widths are too coarse, or too wide even at their narrowest.
    """
    sides = _at_share(tuple(space.parts), space.side_budget, tuple(structures), share)
    return None if sides is None else space.compose(sides, (1.0, 1.0))


@lru_cache(maxsize=20_000)
def _at_share(
    parts: tuple[SizedPart, ...], budget: int, structures: tuple[Any, ...], share: float
) -> tuple[Any, ...] | None:
    """Both configs at a share; kept, since a sweep asks for each several times."""
    if _too_wide(parts, budget, structures, share):
        return None
    for start, ahead in ATTEMPTS:
        for step in sorted(range(-STEPS, STEPS + 1), key=abs):
            near = float(expit(logit(share) + SHARE_SLACK * step / STEPS))
            sides = _sized(parts, budget, structures, near, start, ahead)
            encoder_params, decoder_params = (
                part.counts(side, 1.0).total_params for part, side in zip(parts, sides, strict=True)
            )
            total = encoder_params + decoder_params
            if not FILLED * budget <= total <= budget:
                continue
            if abs(logit(decoder_params / total) - logit(share)) <= SHARE_SLACK:
                return tuple(sides)
    return None


def _too_wide(
    parts: Sequence[SizedPart], budget: int, structures: Sequence[Any], share: float
) -> bool:
    """Whether a side at its narrowest has more than any total leaves it, at any share near this."""
    odds = logit(share)
    most = (expit(SHARE_SLACK - odds), expit(SHARE_SLACK + odds))  # of the encoder, the decoder
    return any(
        part.counts(structure, 0.0).total_params > (1 + 1e-9) * fraction * budget
        for part, structure, fraction in zip(parts, structures, most, strict=True)
    )


def _sized(
    parts: Sequence[SizedPart],
    budget: int,
    structures: Sequence[Any],
    share: float,
    start: float,
    ahead: int,
) -> list[Any]:
    """Both configs, sized to a part of the budget and topped up to all of it."""
    encoder, decoder = parts
    total = start * budget
    scale = decoder.widest(structures[1], share * total)
    left = total - decoder.counts(structures[1], scale).total_params
    scales = (encoder.widest(structures[0], left), scale)
    sides = [
        part.family.scale(structure, scale)
        for part, structure, scale in zip(parts, structures, scales, strict=True)
    ]
    return topped_up(parts, sides, budget, ahead)


def mirrored_pair(space: Space, encoder: Any) -> Architecture | None:
    """Sizes an encoder together with the decoder that mirrors it to fill the space's budget.

    Args:
        space: Of two sides.
        encoder: The encoder's config of nominal size.

    Returns:
        A total of 99 to 100 % of the budget; `None` where widths are too coarse, or too wide even
        at their narrowest.
    """
    pair = replace(space.parts[0], mirrored=True)
    for start, ahead in ATTEMPTS:
        scale = pair.widest(encoder, start * space.side_budget)
        side = pair.family.scale(encoder, scale)
        (wider,) = topped_up([pair], [side], space.side_budget, ahead)
        total = pair.counts(wider, 1.0).total_params
        if FILLED * space.side_budget <= total <= space.side_budget:
            return space.mirrored(wider)
    return None


def at_total(architecture: Architecture, total: int) -> Architecture | None:
    """The architecture with both sides widened or narrowed by one factor to a total.

    Args:
        architecture: Whose structure is kept.
        total: Parameters to fill, shared ones included.

    Returns:
        The largest one of at most `total` parameters, or `None` if even the narrowest has more.
    """
    families: dict[SideName, str] = {
        "encoder": architecture.encoder_family,
        "decoder": architecture.decoder_family,
    }
    sides = {"encoder": architecture.encoder, "decoder": architecture.decoder}
    problem, kind = architecture.problem, architecture.kind
    parts = [
        SizedPart(name=side, family=FAMILIES.get(name), problem=problem, kind=kind)
        for side, name in families.items()
    ]
    shared = architecture.counts.shared_params

    def params(factor: float) -> int:
        counts = [part.counts(sides[part.name], factor).total_params for part in parts]
        return shared + sum(counts)

    low, high, before = 0.0, 1.0, 0
    while before < (count := params(high)) <= total:  # as long as there is a width to turn
        low, high, before = high, high * 4, count
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if params(middle) <= total else (low, middle)
    if params(low) > total:
        return None
    return architecture.with_sides(*(part.family.scale(sides[part.name], low) for part in parts))
