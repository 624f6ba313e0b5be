"""Who is compared in a confirmation: the best found, and the symmetric habit in three forms.

Published designs can be contenders besides: presets of any family that the data allow, sized to the
search's budget.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from asymnas.architecture import Architecture
from asymnas.config import StudyConfig
from asymnas.errors import BudgetError, ConfigError
from asymnas.finder import Run, found
from asymnas.iso import at_total
from asymnas.preset_choices import spelled_out
from asymnas.preset_sizes import scaled_for

REFERENCE = "reference"


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One architecture to be retrained.

    Args:
        name: `best`, `runner-up 1`, …, `symmetric`, `mirror`, `reference`, a preset's.
        architecture: The network.
        learning_rate: The rate a search found for it; `None` if it has to be tuned.
        origin: Where it comes from, one line.
        is_control: Whether the best is held against it.
    """

    name: str
    architecture: Architecture
    learning_rate: float | None
    origin: str
    is_control: bool = False


def front_members(search: Run, top: int) -> list[Contestant]:
    """The first of a search's front, the best in the first objective first."""
    entered = []
    for place, (_, row) in enumerate(search.front.head(top).iterrows()):
        member = found(row, search.directory)
        entered.append(
            Contestant(
                name="best" if place == 0 else f"runner-up {place}",
                architecture=member.architecture,
                learning_rate=member.values["learning_rate"],
                origin=f"trial {member.trial} of the search{_mark(member.architecture)}",
            )
        )
    return entered


def named_presets(names: Sequence[str]) -> tuple[str, ...]:
    """The presets asked for, `all` spelled out, without the reference: it is a contender anyway.

    Raises:
        UnknownNameError: No preset has such a name.
    """
    return tuple(name for name in spelled_out(names) if name != REFERENCE)


def enter(
    search: Run, control: Run, *, top: int, presets: Sequence[str] = ()
) -> tuple[list[Contestant], dict[str, str]]:
    """The contenders of a confirmation, and those there are none of, with the reason.

    Args:
        search: The search that is confirmed.
        control: The equally long search of symmetric architectures.
        top: Members of the search's front, the best in the first objective first.
        presets: Presets that are contenders besides.
    """
    entered = front_members(search, top)
    missing: dict[str, str] = {}
    best = entered[0].architecture
    total = best.counts.total_params
    if control.front.empty:
        missing["symmetric"] = "no trial of the symmetric search has completed"
    elif (own := control.best).architecture.key() == best.key():
        missing["symmetric"] = "the best found is the best symmetric one itself"
    else:
        entered.append(
            Contestant(
                name="symmetric",
                architecture=own.architecture,
                learning_rate=own.values["learning_rate"],
                origin=f"trial {own.trial} of the symmetric search{_mark(own.architecture)}",
                is_control=True,
            )
        )
    caps = StudyConfig.from_dict(search.study.config).caps()
    controls = {
        "mirror": (at_total(best.mirror(), total), "the best's encoder mirrored, up to its total"),
        REFERENCE: (
            _reference(best, caps.total_params),
            "the reference preset, up to the budget",
        ),
    }
    for name in presets:
        try:
            preset = scaled_for(name, best.problem, kind=best.kind, budget=caps)
        except (BudgetError, ConfigError) as error:
            missing[name] = str(error)
        else:
            origin = f"the preset, up to the budget ({preset}){_mark(preset.architecture)}"
            controls[name] = preset.architecture, origin
    for name, (architecture, origin) in controls.items():
        if architecture is None:
            missing[name] = f"{origin}: there is none for such data, or none as small"
        elif not caps.admits(architecture.counts):
            missing[name] = f"{origin}: it exceeds another of the search's caps"
        elif architecture.key() in {c.architecture.key() for c in entered}:
            missing[name] = "the very architecture of another contender"
        else:
            entered.append(
                Contestant(
                    name=name,
                    architecture=architecture,
                    learning_rate=None,
                    origin=origin,
                    is_control=True,
                )
            )
    return entered, missing


def _mark(architecture: Architecture) -> str:
    """A short name for the very architecture: the same trial number may be another one's."""
    return f" ({hashlib.sha256(architecture.key().encode()).hexdigest()[:8]})"


def _reference(best: Architecture, budget: int) -> Architecture | None:
    """The reference preset for the data and the latent of another architecture."""
    preset = Architecture.preset(REFERENCE).to_dict()
    shared = best.to_dict()
    problem = {name: shared[name] for name in ("shape", "latent", "bottleneck", "kind")}
    try:
        return at_total(Architecture.from_dict({**preset, **problem}), budget)
    except (ConfigError, RuntimeError, ValueError):  # not images, or images too small for it
        return None
