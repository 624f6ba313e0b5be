"""Presets sized to a problem and a budget: the published split, as near as widths allow.

Sizes are sought through the space itself. The two widths are placed so that the sides have the
published share of the budget, and what the space makes of them is the architecture: the parameters
that a sampler is handed give that very architecture back. Where widths are too coarse to fill a
small budget at that share, the structure loses blocks, then stages or layers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asymnas.architecture import Architecture
from asymnas.budget import Budget, Counts
from asymnas.config import Bottleneck
from asymnas.errors import BudgetError, ConfigError
from asymnas.families import Problem
from asymnas.iso import at_total
from asymnas.preset_choices import SIDES, ladder, presets_of
from asymnas.presets import PRESETS, Preset
from asymnas.space import Space
from asymnas.suggesters import Fixed
from asymnas.wording import percent, split_words

FILLED = 0.9  # of the budget, at least, before a simpler structure is tried
SHARE_SLACK = 0.03  # between the share aimed at and the one that widths allow, before one is tried
MARGIN = 0.25  # of a parameter, so that a target is met in spite of rounding


@dataclass(frozen=True, kw_only=True)
class ScaledPreset:
    """A preset for one problem, kind and budget.

    Args:
        name: The preset's.
        architecture: The network.
        parameters: What a search's space has to draw to make it, the learning rate among it; empty
            where no draw does.
        notes: What is not as the preset has it, one phrase each.
    """

    name: str
    architecture: Architecture
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts, published = self.architecture.counts, PRESETS.get(self.name).decoder_share
        told = f"{self.name}: {counts.total_params:,} parameters, "
        told += split_words(counts.decoder_share, counts.shared_params)
        if published is not None:
            told += f" (published: {percent(published)})"
        return "; ".join([told, *self.notes])


def scale_preset(
    name: str,
    *,
    shape: tuple[int, ...],
    budget: int,
    latent: int = 16,
    bottleneck: Bottleneck = "dense",
    kind: str = "plain",
) -> ScaledPreset:
    """Sizes a preset to a problem, a kind and a budget.

    Args:
        name: A registered preset.
        shape: Shape of one example: `(channels, height, width)` of an image, `(channels, length)`
            of a signal or `(features,)` of a row.
        budget: Total trainable parameters, a hard cap.
        latent: Latent numbers an example, or channels a position of a spatial latent.
        bottleneck: How an example meets the latent.
        kind: What is trained.

    Raises:
        UnknownNameError: No preset has that name.
        ConfigError: Its family cannot serve this data, this bottleneck or this kind.
        BudgetError: It is too large even at its narrowest.
    """
    problem = Problem(shape=shape, latent=latent, bottleneck=bottleneck)
    return scaled_for(name, problem, kind=kind, budget=Budget(total_params=budget))


def scaled_for(name: str, problem: Problem, *, kind: str, budget: Budget) -> ScaledPreset:
    """Sizes a preset in a space of its own family; see `scale_preset`."""
    return scaled(
        name,
        Space(
            family=PRESETS.get(name).family,
            problem=problem,
            kind=kind,
            budget=budget,
            learning_rates=(1e-3, 1e-2),
        ),
    )


def scaled(name: str, space: Space) -> ScaledPreset:
    """Sizes a preset in a space.

    Args:
        name: A registered preset of the space's family.
        space: Of two sides; of mirrored pairs for a preset that is one.

    Raises:
        UnknownNameError: No preset has that name.
        ConfigError: It is a preset of another family.
        BudgetError: It is too large even at its narrowest.
    """
    preset = PRESETS.get(name)
    if preset.family != space.family:
        raise ConfigError(
            f"{name} is a preset of {preset.family}, not of {space.family}, which has: "
            f"{', '.join(presets_of(space.family)) or 'none'}"
        )
    if not preset.drawn:
        return _undrawn(name, preset, space)
    tried: list[tuple[tuple[bool, float], ScaledPreset]] = []
    for choices, changes in ladder(preset, space):
        structures = [space.structure(part, Fixed(choices)) for part in space.parts]
        if not space.fits(structures):
            continue
        share = preset.decoder_share or _share_of_equal_widths(space, structures)
        aim = _Aim(space, share)
        missed, parameters, architecture = _sized(aim, structures, choices)
        found = ScaledPreset(
            name=name,
            architecture=architecture,
            parameters=parameters,
            notes=(*changes, *aim.shortfalls(architecture)),
        )
        if not missed[0] or space.budget.macs is not None:  # simpler ones may have more MACs
            return found
        tried.append((missed, found))
    if not tried:
        raise _too_large(name, space)
    return min(tried, key=lambda entry: entry[0])[1]


@dataclass(frozen=True)
class _Aim:
    """A decoder share in a space, and how near to it and to the budget an architecture comes."""

    space: Space
    share: float

    @property
    def room(self) -> float:
        """Parameters that both sides can have together at the share, whatever cap binds."""
        budget, room = self.space.budget, float(self.space.room)
        if budget.encoder_params is not None:
            room = min(room, budget.encoder_params / (1 - self.share))
        if budget.decoder_params is not None:
            room = min(room, budget.decoder_params / self.share)
        return room

    def counts(self, architecture: Architecture) -> Counts:
        """Parameters of the sides; MACs, which take long to count, are left out."""
        sides = (architecture.encoder, architecture.decoder)
        parts = zip(self.space.parts, sides, strict=False)  # a mirrored pair is one part
        return sum((part.counts(side, 1.0) for part, side in parts), start=Counts())

    def missed(self, architecture: Architecture) -> tuple[bool, float]:
        """Whether it is too far from either, and how far from both together."""
        off, empty = self._off(architecture)
        return bool(self.shortfalls(architecture)), off + empty

    def shortfalls(self, architecture: Architecture) -> tuple[str, ...]:
        """What it is too far from, in words."""
        off, empty = self._off(architecture)
        told = []
        if off > SHARE_SLACK:
            told.append(f"widths allow no decoder share nearer to {percent(self.share)}")
        if empty > 1 - FILLED:
            binding = "widths" if self.space.budget.macs is None else "MACs"
            told.append(f"{binding} leave {percent(empty)} of the budget empty")
        return tuple(told)

    def _off(self, architecture: Architecture) -> tuple[float, float]:
        counts = self.counts(architecture)
        off = 0.0 if self.space.symmetric else abs(counts.decoder_share - self.share)
        return off, 1 - counts.total_params / self.room


def _sized(
    aim: _Aim, structures: Sequence[Any], choices: Mapping[str, Any]
) -> tuple[tuple[bool, float], dict[str, Any], Architecture]:
    """The draw that comes nearest to an aim, and the architecture that the space makes of it."""
    space, room = aim.space, aim.room
    names = [f"{part.name}_width" for part in space.parts]
    spans = space.spans(structures)
    rate = math.sqrt(space.learning_rates[0] * space.learning_rates[1])

    def draw(*targets: float) -> tuple[tuple[bool, float], dict[str, Any], Architecture]:
        places = map(_place, targets, spans)
        drawn = {**choices, **dict(zip(names, places, strict=True)), "learning_rate": rate}
        made = space.suggest(Fixed(drawn)).architecture
        return aim.missed(made), drawn, made

    if len(names) == 1:
        return draw(room)
    first = draw((1 - aim.share) * room, aim.share * room)
    counts = aim.counts(first[2])
    encoder, decoder = counts.encoder_params + MARGIN, counts.decoder_params + MARGIN
    rests = draw(room - decoder, decoder), draw(encoder, room - encoder)  # what is left, to one
    return min((first, *rests), key=lambda entry: entry[0])


def _place(target: float, span: tuple[int, int]) -> float:
    """The width that asks for a size: the inverse of what the space makes of a width."""
    least, most = span
    if target <= least or most == least:
        return 0.0
    return min(math.log(target / least) / math.log(most / least), 1.0)


def _share_of_equal_widths(space: Space, structures: Sequence[Any]) -> float:
    """The decoder share where both sides are as wide as each other and fill the budget."""
    wide = at_total(space.compose(structures, [1.0] * len(structures)), space.budget.total_params)
    narrow = space.compose(structures, [0.0] * len(structures))
    return (wide or narrow).decoder_share


def _undrawn(name: str, preset: Preset, space: Space) -> ScaledPreset:
    """A structure that no draw has: both sides scaled together to the budget."""
    draws = {side: _draws(side, getattr(preset, side)) for side in SIDES}
    structures = [space.structure(part, Fixed(draws[part.name])) for part in space.parts]
    wide = space.compose(structures, [1.0] * len(structures))
    architecture = at_total(wide, space.budget.total_params)
    if architecture is None or not space.budget.admits(architecture.counts):
        raise _too_large(name, space)
    return ScaledPreset(name=name, architecture=architecture)


def _draws(side: str, choices: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{side}_{name}": value for name, value in choices.items()}


def _too_large(name: str, space: Space) -> BudgetError:
    return BudgetError(
        f"{name} does not fit {space.budget.total_params:,} parameters even at its narrowest: "
        "raise the budget or make data or latent smaller"
    )
