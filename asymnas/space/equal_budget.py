"""Equal totals: sizing structures so that they fill a budget at a given decoder share.

A search may stay below its budget; an inference may not, because the part of a budget that is left
unused could depend on the share. Every architecture here has a total within one per cent of the
budget, and never above it.
"""

from collections.abc import Sequence
from typing import Any

from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES, SideName
from asymnas.space.fit import SizedPart
from asymnas.space.space import Space

FILLED = 0.99  # of the budget, at least
SHARE_SLACK = 0.03  # between the share asked for and the one that widths allow
HALVINGS = 24


def at_share(space: Space, structures: Sequence[Any], share: float) -> Architecture | None:
    """Sizes two structures to fill the space's budget with a decoder share.

    Args:
        space: Of two sides.
        structures: The encoder's and the decoder's config of nominal size.
        share: Decoder share to come near, in (0, 1).

    Returns:
        A total of 99 to 100 % of the budget and a share within 0.03; `None` where the structures'
        widths are too coarse, or too wide even at their narrowest.
    """
    encoder, decoder = space.parts
    scale = decoder.widest(structures[1], share * space.side_budget)
    decoder_params = decoder.counts(structures[1], scale).total_params
    scales = [encoder.widest(structures[0], space.side_budget - decoder_params), scale]
    encoder_params = encoder.counts(structures[0], scales[0]).total_params
    if encoder_params + decoder_params < FILLED * space.side_budget:
        scales[1] = decoder.widest(structures[1], space.side_budget - encoder_params)
        decoder_params = decoder.counts(structures[1], scales[1]).total_params
    total = encoder_params + decoder_params
    if not FILLED * space.side_budget <= total <= space.side_budget:
        return None
    if abs(decoder_params / total - share) > SHARE_SLACK:
        return None
    return space.compose(structures, scales)


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
