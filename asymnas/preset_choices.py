"""What a preset draws in a space: its own structural choices, or the nearest that there are."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from asymnas.errors import ConfigError
from asymnas.families import FAMILIES, Problem, SideName
from asymnas.presets import PRESETS, Preset
from asymnas.space import Space
from asymnas.suggesters import Fixed, options_of

ALL = "all"
SIMPLER = ("blocks", "depth")  # what a structure can lose, in this order
EVEN = 0.01  # distance of a mirrored pair's decoder share from one half, at most
SIDES: tuple[SideName, ...] = ("encoder", "decoder")


def spelled_out(names: Sequence[str]) -> tuple[str, ...]:
    """The presets asked for; `all` stands for every one.

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


def ladder(preset: Preset, space: Space) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Structures to try, from the preset's own to ever simpler ones.

    Args:
        preset: Of the space's family.
        space: Whose choices they are.

    Yields:
        Structural choices by the space's names, and what is not as the preset has it.
    """
    options: dict[str, Any] = {}
    for part in space.parts:
        options |= options_of(partial(space.structure, part))
    wanted = {n: v for n, v in _named(preset).items() if n.startswith(_prefixes(space))}
    choices = {name: _nearest(name, wanted, values) for name, values in options.items()}
    yield choices, _differences(choices, wanted)
    for field in SIMPLER:
        own = {name: value for name, value in choices.items() if name.endswith(f"_{field}")}
        for most in range(max(own.values(), default=0) - 1, -1, -1):
            simpler = {
                name: max(round(value * most / max(own.values())), min(options[name]))
                for name, value in own.items()
            }
            if simpler != {name: choices[name] for name in own}:
                choices = {**choices, **simpler}
                yield choices, _differences(choices, wanted)


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


def _named(preset: Preset) -> dict[str, Any]:
    sides: dict[str, Mapping[str, Any]] = {"encoder": preset.encoder, "decoder": preset.decoder}
    return {f"{side}_{name}": v for side, own in sides.items() for name, v in own.items()}


def _prefixes(space: Space) -> tuple[str, ...]:
    return tuple(f"{part.name}_" for part in space.parts)


def _nearest(name: str, wanted: Mapping[str, Any], options: Any) -> Any:
    """The option that comes nearest, the first one where the preset has no say."""
    value = wanted.get(name, options[0])
    if value in options:
        return value
    if isinstance(value, str):
        known = ", ".join(map(str, options))
        raise ConfigError(f"a preset asks for {name} {value!r}; there are: {known}")
    return min(options, key=lambda option: abs(option - value))


def _differences(choices: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """`depth 2 instead of 3` on both sides, `encoder_depth …` on one."""
    told: dict[str, str] = {}
    for name, value in wanted.items():
        if name not in choices:
            told[name] = f"as this latent has it (the preset's: {value})"
        elif choices[name] != value:
            told[name] = f"{choices[name]:g} instead of {value:g}"
    shared = [n for n in told if n.startswith("encoder_") and told.get(_other(n)) == told[n]]
    left_out = {_other(name) for name in shared}
    return tuple(
        f"{name.removeprefix('encoder_') if name in shared else name} {change}"
        for name, change in told.items()
        if name not in left_out
    )


def _other(name: str) -> str:
    return name.replace("encoder_", "decoder_", 1)
