"""The presets that a search begins with, checked and sized before anything is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asymnas.errors import BudgetError, ConfigError
from asymnas.preset_choices import ALL, is_mirrored, presets_of, spelled_out
from asymnas.preset_sizes import ScaledPreset, scaled
from asymnas.presets import PRESETS
from asymnas.space import Space


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Presets in the order that a search trains them in.

    Args:
        presets: Sized to the search's budget.
        left_out: Those that `all` could not take, and why.
    """

    presets: tuple[ScaledPreset, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The presets' names."""
        return tuple(preset.name for preset in self.presets)

    @property
    def draws(self) -> dict[str, Mapping[str, Any]]:
        """What the space has to draw for each, by name."""
        return {preset.name: preset.parameters for preset in self.presets}


def queue_of(names: Sequence[str], space: Space) -> Queue:
    """Sizes the presets that a search is to begin with.

    Args:
        names: Presets of the space's family; `all` stands for each that the space can draw.
        space: The search's.

    Raises:
        UnknownNameError: No preset has such a name.
        ConfigError: A preset is one that the space cannot draw, or `all` finds none.
        BudgetError: A preset is too large even at its narrowest.
    """
    wanted = spelled_out(names)
    if ALL not in names:
        return Queue(presets=tuple(_sized(name, space) for name in wanted))
    presets: list[ScaledPreset] = []
    left_out: dict[str, str] = {}
    for name in wanted:
        if PRESETS.get(name).family != space.family:
            continue
        try:
            presets.append(_sized(name, space))
        except (BudgetError, ConfigError) as error:
            left_out[name] = str(error)
    if not presets:
        reasons = "; ".join(left_out.values()) or f"{space.family} has no preset"
        raise ConfigError(f"there is nothing to enqueue: {reasons}")
    return Queue(presets=tuple(presets), left_out=left_out)


def _sized(name: str, space: Space) -> ScaledPreset:
    preset = PRESETS.get(name)
    if preset.family == space.family:
        if not preset.drawn:
            raise ConfigError(
                f"{name} cannot be enqueued, for the {space.family} space draws no such structure: "
                f"compare with it by python -m asymnas.confirm --presets {name}"
            )
        if space.symmetric and not is_mirrored(preset, space.problem):
            mirrored = [
                other
                for other in presets_of(space.family)
                if is_mirrored(PRESETS.get(other), space.problem)
            ]
            raise ConfigError(
                f"{name} is not symmetric, so a symmetric search cannot enqueue it; "
                f"presets that are: {', '.join(mirrored) or 'none'}"
            )
    return scaled(name, space)
