"""Presets in a space: sized to its budget, and queued as the first trials of a search.

A preset's structural choices are taken as the space offers them, or the nearest that it does. Both
sides are then sized to the preset's decoder share. Where widths are too coarse for that, simpler
structures are tried, from the preset's own downwards, until one comes near enough.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from asymnas.core.budget import Budget, Counts
from asymnas.core.config import Bottleneck
from asymnas.core.declarations import native
from asymnas.core.errors import BudgetError, ConfigError
from asymnas.core.rates import at_size
from asymnas.core.text import percent, share_phrase
from asymnas.networks.architecture import Architecture
from asymnas.networks.families import FAMILIES, Problem, SideName
from asymnas.networks.presets import PRESETS, Preset
from asymnas.space.any_family import under_family
from asymnas.space.equal_budget import at_total
from asymnas.space.filling import MOST_RATIO, RATE_RATIO, SIZE_RATIO, suggest_filled
from asymnas.space.space import Space
from asymnas.space.suggesters import Fixed, options_of

ALL = "all"
NONE = "none"
SIMPLER = ("blocks", "depth")  # choices that are reduced, in this order
EVEN = 0.01  # distance of a mirrored pair's decoder share from one half, at most
FILLED = 0.9  # of the budget, at least, before a simpler structure is tried
SHARE_SLACK = 0.03  # from the share aimed at, at most, before a simpler structure is tried
MARGIN = 0.25  # of a parameter, so that a target is met in spite of rounding
SIDES: tuple[SideName, ...] = ("encoder", "decoder")


@dataclass(frozen=True, kw_only=True)
class ScaledPreset:
    """A preset for one problem, kind and budget.

    Args:
        name: The preset's.
        architecture: The network.
        parameters: The draw of a search's space that gives it, the learning rate included; empty
            where no draw does.
        notes: How it differs from the preset, one phrase each.
    """

    name: str
    architecture: Architecture
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts, published = self.architecture.counts, PRESETS.get(self.name).decoder_share
        text = f"{self.name}: {counts.total_params:,} parameters, "
        text += share_phrase(counts.decoder_share, counts.shared_params)
        if published is not None:
            text += f" (published: {percent(published)})"
        return "; ".join([text, *self.notes])


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
    problem = Problem(shape=native(tuple(shape)), latent=native(latent), bottleneck=bottleneck)
    return scaled_for(name, problem, kind=kind, budget=Budget(total_params=native(budget)))


def scaled_for(name: str, problem: Problem, *, kind: str, budget: Budget) -> ScaledPreset:
    """Sizes a preset in a space of its own family; see `scale_preset`."""
    family = PRESETS.get(name).family
    return scaled_in(
        name,
        Space(
            encoder_family=family,
            decoder_family=family,
            problem=problem,
            kind=kind,
            budget=budget,
            learning_rates=(1e-3, 1e-2),
            wide=True,
        ),
    )


def scaled_in(name: str, space: Space) -> ScaledPreset:
    """Sizes a preset in a space.

    Args:
        name: A registered preset of the space's family, or of one that it draws on both sides.
        space: Of two sides; of mirrored pairs for a preset that is one.

    Raises:
        UnknownNameError: No preset has that name.
        ConfigError: It is a preset of another family.
        BudgetError: It is too large even at its narrowest.
    """
    preset = PRESETS.get(name)
    if not _draws(space, preset.family):
        raise ConfigError(
            f"{name} is a preset of {preset.family}, not of {space.family}, which has: "
            f"{', '.join(presets_in(space)) or 'none'}"
        )
    if space.family != preset.family:
        sized = scaled_in(name, space.of_one_family(preset.family))
        draw = sized.parameters
        for part in space.parts:
            if space.draws_family(part.name):
                draw = under_family(draw, part.name, preset.family, space.problem)
        return replace(sized, parameters=draw)
    if not preset.drawn:
        return _undrawn(name, preset, space)
    tried: list[tuple[tuple[bool, float], ScaledPreset]] = []
    for choices, changes in structures_to_try(preset, space):
        structures = [space.structure(part, Fixed(choices)) for part in space.parts]
        if not space.fits(structures):
            continue
        share = preset.decoder_share or _share_of_equal_widths(space, structures)
        target = _Target(space, share, _rate(preset, space))
        missed, parameters, architecture = _sized(target, structures, choices)
        sized = ScaledPreset(
            name=name,
            architecture=architecture,
            parameters=parameters,
            notes=(*changes, *target.shortfalls(architecture)),
        )
        if not missed[0] or space.budget.macs is not None:  # simpler ones may have more MACs
            return sized
        tried.append((missed, sized))
    if not tried:
        raise _too_large(name, space)
    return min(tried, key=lambda entry: entry[0])[1]


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Presets, in the order in which a search trains them.

    Args:
        presets: Sized to the search's budget.
        left_out: Presets of the family that `all` leaves out, with the reason.
    """

    presets: tuple[ScaledPreset, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The presets' names."""
        return tuple(preset.name for preset in self.presets)

    @property
    def draws(self) -> dict[str, Mapping[str, Any]]:
        """The draw of each, by name."""
        return {preset.name: preset.parameters for preset in self.presets}


def queue_of(names: Sequence[str] | None, space: Space, *, fills: bool = False) -> Queue:
    """Sizes the presets that a search begins with.

    Args:
        names: Presets of the space's family; `all` means each that the space can draw, `none` and
            an empty list none. `None` means those that are usual, as far as the space draws them.
        space: The search's.
        fills: Whether candidates fill the budget, so that a preset is drawn by the sides' ratio.

    Raises:
        UnknownNameError: No preset has such a name.
        ConfigError: A preset is one that the space cannot draw, or `all` finds none.
        BudgetError: A preset is too large even at its narrowest.
    """
    if names is None:
        usual = [name for name in presets_of(space.family) if PRESETS.get(name).usual]
        try:
            return queue_of(usual, space, fills=fills)
        except (BudgetError, ConfigError):
            return Queue()
    if tuple(names) == (NONE,):
        return Queue()
    wanted = expand_all(names)
    if ALL not in names:
        sized = (_enqueued(name, space) for name in wanted)
        return Queue(presets=tuple(_filling(p, space) if fills else p for p in sized))
    presets: list[ScaledPreset] = []
    left_out: dict[str, str] = {}
    for name in wanted:
        if not _draws(space, PRESETS.get(name).family):
            continue
        try:
            preset = _enqueued(name, space)
            presets.append(_filling(preset, space) if fills else preset)
        except (BudgetError, ConfigError) as error:
            left_out[name] = str(error)
    if not presets:
        reasons = "; ".join(left_out.values()) or f"{space.family} has no preset"
        raise ConfigError(f"there is nothing to enqueue: {reasons}")
    return Queue(presets=tuple(presets), left_out=left_out)


def _filling(preset: ScaledPreset, space: Space) -> ScaledPreset:
    """A sized preset as a draw of candidates that fill the budget."""
    widths = [f"{part.name}_width" for part in space.parts]
    structure = {name: value for name, value in preset.parameters.items() if name not in widths}
    share = preset.architecture.decoder_share
    drawn = {**structure, RATE_RATIO: 1.0}
    if len(widths) > 1:
        drawn[SIZE_RATIO] = min(max(share / (1 - share), 1 / MOST_RATIO), MOST_RATIO)
    made = suggest_filled(space, Fixed(drawn)).architecture
    return replace(preset, architecture=made, parameters=drawn)


def _enqueued(name: str, space: Space) -> ScaledPreset:
    preset = PRESETS.get(name)
    if _draws(space, preset.family):
        if not preset.drawn:
            raise ConfigError(
                f"{name} cannot be enqueued, for a {preset.family} space draws no such structure: "
                f"compare with it by python -m asymnas.confirm --presets {name}"
            )
        if space.symmetric and not is_mirrored(preset, space.problem):
            mirrored = [
                other
                for other in presets_in(space)
                if is_mirrored(PRESETS.get(other), space.problem)
            ]
            raise ConfigError(
                f"{name} is not symmetric, so a symmetric search cannot enqueue it; "
                f"presets that are: {', '.join(mirrored) or 'none'}"
            )
    return scaled_in(name, space)


def expand_all(names: Sequence[str]) -> tuple[str, ...]:
    """The presets asked for; `all` means every one.

    Raises:
        UnknownNameError: No preset has such a name.
    """
    for name in names:
        if name != ALL:
            PRESETS.get(name)
    return PRESETS.names() if ALL in names else tuple(names)


def presets_of(family: str) -> list[str]:
    """The presets that searches of a family can draw."""
    presets = {name: PRESETS.get(name) for name in PRESETS.names()}
    return [name for name, p in presets.items() if p.family == family and p.drawn]


def presets_in(space: Space) -> list[str]:
    """The presets that a space can draw: those of a family that it has on both sides."""
    return [
        name for family in FAMILIES.names() if _draws(space, family) for name in presets_of(family)
    ]


def _draws(space: Space, family: str) -> bool:
    """Whether a space can draw one family on both sides."""
    return all(family in names for names in space.families.values())


def is_mirrored(preset: Preset, problem: Problem) -> bool:
    """Whether the decoder mirrors the encoder, so that a symmetric search can draw the preset."""
    share, entry = preset.decoder_share, FAMILIES.get(preset.family)
    if share is None or abs(share - 0.5) > EVEN:
        return False
    wanted = _named(preset)
    structures = []
    for side in SIDES:

        def draw(suggester: Any, side: SideName = side) -> Any:
            return entry.suggest(suggester, side, problem)

        options = options_of(draw)
        structures.append(draw(Fixed({n: _nearest(n, wanted, v) for n, v in options.items()})))
    return bool(entry.mirror(structures[0]) == structures[1])


def structures_to_try(
    preset: Preset, space: Space
) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Structures to try, from the preset's own to simpler ones.

    Args:
        preset: Of the space's family.
        space: Whose choices they are.

    Yields:
        Structural choices by the space's names, and how they differ from the preset's.
    """
    options: dict[str, Any] = {}
    for part in space.parts:
        options |= options_of(partial(space.structure, part))
    wanted = {n: v for n, v in _named(preset).items() if n.startswith(_prefixes(space))}
    choices = {name: _nearest(name, wanted, values) for name, values in options.items()}
    yield choices, _differences(choices, wanted)
    for choice in SIMPLER:
        own = {name: value for name, value in choices.items() if name.endswith(f"_{choice}")}
        for most in range(max(own.values(), default=0) - 1, -1, -1):
            simpler = {
                name: max(round(value * most / max(own.values())), min(options[name]))
                for name, value in own.items()
            }
            if simpler != {name: choices[name] for name in own}:
                choices = {**choices, **simpler}
                yield choices, _differences(choices, wanted)


def _named(preset: Preset) -> dict[str, Any]:
    sides: dict[str, Mapping[str, Any]] = {"encoder": preset.encoder, "decoder": preset.decoder}
    return {f"{side}_{name}": v for side, own in sides.items() for name, v in own.items()}


def _prefixes(space: Space) -> tuple[str, ...]:
    return tuple(f"{part.name}_" for part in space.parts)


def _nearest(name: str, wanted: Mapping[str, Any], options: Any) -> Any:
    """The nearest option, or the first one where the preset leaves it open."""
    value = wanted.get(name, options[0])
    if value in options:
        return value
    if isinstance(value, str):
        known = ", ".join(map(str, options))
        raise ConfigError(f"a preset asks for {name} {value!r}; there are: {known}")
    return min(options, key=lambda option: abs(option - value))


def _differences(choices: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """`depth 2 instead of 3` on both sides, `encoder_depth …` on one."""
    changes: dict[str, str] = {}
    for name, value in wanted.items():
        if name not in choices:
            changes[name] = f"not drawn here (the preset's: {value})"
        elif choices[name] != value:
            changes[name] = f"{choices[name]:g} instead of {value:g}"
    shared = [
        n for n in changes if n.startswith("encoder_") and changes.get(_other(n)) == changes[n]
    ]
    left_out = {_other(name) for name in shared}
    return tuple(
        f"{name.removeprefix('encoder_') if name in shared else name} {change}"
        for name, change in changes.items()
        if name not in left_out
    )


def _other(name: str) -> str:
    return name.replace("encoder_", "decoder_", 1)


@dataclass(frozen=True)
class _Target:
    """The decoder share to reach in a space; measures how far an architecture is from it."""

    space: Space
    share: float
    rate: float  # that it trains at

    @property
    def total(self) -> float:
        """Parameters that both sides can have together at the share under every cap."""
        budget, total = self.space.budget, float(self.space.side_budget)
        if budget.encoder_params is not None:
            total = min(total, budget.encoder_params / (1 - self.share))
        if budget.decoder_params is not None:
            total = min(total, budget.decoder_params / self.share)
        return total

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
        shortfalls = []
        if off > SHARE_SLACK:
            shortfalls.append(f"widths allow no decoder share nearer to {percent(self.share)}")
        if empty > 1 - FILLED:
            binding = "widths" if self.space.budget.macs is None else "MACs"
            shortfalls.append(f"{binding} leave {percent(empty)} of the budget empty")
        return tuple(shortfalls)

    def _off(self, architecture: Architecture) -> tuple[float, float]:
        counts = self.counts(architecture)
        off = 0.0 if self.space.symmetric else abs(counts.decoder_share - self.share)
        return off, 1 - counts.total_params / self.total


def _rate(preset: Preset, space: Space) -> float:
    """The learning rate that a preset begins with: one that suits it, or the range's middle."""
    low, high = space.learning_rates
    if preset.rate is None:
        return math.sqrt(low * high)
    return min(max(at_size(preset.rate, space.budget.total_params), low), high)


def _sized(
    target: _Target, structures: Sequence[Any], choices: Mapping[str, Any]
) -> tuple[tuple[bool, float], dict[str, Any], Architecture]:
    """The draw that comes nearest to a target, and the architecture that the space makes of it."""
    space, total = target.space, target.total
    names = [f"{part.name}_width" for part in space.parts]
    spans = space.spans(structures)

    def draw(*targets: float) -> tuple[tuple[bool, float], dict[str, Any], Architecture]:
        places = map(_place, targets, spans)
        drawn = {**choices, **dict(zip(names, places, strict=True)), "learning_rate": target.rate}
        made = space.suggest(Fixed(drawn)).architecture
        return target.missed(made), drawn, made

    if len(names) == 1:
        return draw(total)
    first = draw((1 - target.share) * total, target.share * total)
    counts = target.counts(first[2])
    encoder, decoder = counts.encoder_params + MARGIN, counts.decoder_params + MARGIN
    others = draw(total - decoder, decoder), draw(encoder, total - encoder)  # the rest, to one
    return min((first, *others), key=lambda entry: entry[0])


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
    draws = {side: _of_side(side, getattr(preset, side)) for side in SIDES}
    structures = [space.structure(part, Fixed(draws[part.name])) for part in space.parts]
    wide = space.compose(structures, [1.0] * len(structures))
    architecture = at_total(wide, space.budget.total_params)
    if architecture is None or not space.budget.admits(architecture.counts):
        raise _too_large(name, space)
    return ScaledPreset(name=name, architecture=architecture)


def _of_side(side: str, choices: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{side}_{name}": value for name, value in choices.items()}


def _too_large(name: str, space: Space) -> BudgetError:
    return BudgetError(
        f"{name} does not fit {space.budget.total_params:,} parameters even at its narrowest: "
        "raise the budget or make data or latent smaller"
    )
