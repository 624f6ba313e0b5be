"""A side whose family is drawn: `any`, one family among those that a problem allows.

To the rest of the space it is a family like another. The name of the family drawn is a choice,
`<side>_family`, and that family's own choices follow under its name: `encoder_conv2d_depth`.
Choices of the families that were not drawn are not asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from asymnas.networks.families import FAMILIES, Family, Problem, SideName, Suggester
from asymnas.space.suggesters import options_of, usual

ANY = "any"
FAMILY = "family"  # the choice's name, without the side's


@dataclass(frozen=True)
class DrawnSide:
    """One side of a drawn family.

    Args:
        family: Its registered name.
        config: A side config of that family.
    """

    family: str
    config: Any

    @property
    def entry(self) -> Family:
        """The family."""
        return FAMILIES.get(self.family)


@dataclass(frozen=True)
class AnyFamily:
    """One of several families for a side; see the module's docstring.

    Args:
        names: The families to draw from, all of which serve the problem.
        wide: Whether their optional choices are drawn.
    """

    names: tuple[str, ...]
    wide: bool = False
    config_type = DrawnSide

    def unsupported_reason(self, problem: Problem) -> str | None:
        """Why none of the families serves a problem, or `None` if one does."""
        reasons = [FAMILIES.get(name).unsupported_reason(problem) for name in self.names]
        return None if None in reasons else "; ".join(filter(None, reasons))

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector: families that are drawn are joined by nothing else."""
        return (problem.latent,)

    def tokens(self, problem: Problem) -> int:
        """None: encoders around a latent vector need all of an example."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> DrawnSide:
        """Draws a family, then its choices."""
        family = suggester.suggest_categorical(f"{side}_{FAMILY}", self.names)
        entry, asked = FAMILIES.get(family), _Renamed(suggester, side, family)
        own = asked if self.wide else usual(entry, asked, side)
        return DrawnSide(family, entry.suggest(own, side, problem))

    def scale(self, config: DrawnSide, factor: float) -> DrawnSide:
        """The same family and structure with every width times `factor`."""
        return DrawnSide(config.family, config.entry.scale(config.config, factor))

    def widened(self, config: DrawnSide) -> list[DrawnSide]:
        """The same family with one of its widths a unit larger."""
        return [replace(config, config=wider) for wider in config.entry.widened(config.config)]

    def build_encoder(self, config: DrawnSide, problem: Problem, code: int) -> nn.Module:
        """`[b, *shape] -> [b, code]`."""
        return config.entry.build_encoder(config.config, problem, code)

    def build_decoder(self, config: DrawnSide, problem: Problem) -> nn.Module:
        """`[b, latent] -> [b, *shape]`."""
        return config.entry.build_decoder(config.config, problem)

    def mirror(self, encoder: DrawnSide) -> DrawnSide:
        """The decoder of the encoder's family that mirrors it."""
        return DrawnSide(encoder.family, encoder.entry.mirror(encoder.config))


def under_family(
    draw: Mapping[str, Any], side: SideName, family: str, problem: Problem
) -> dict[str, Any]:
    """A draw of a space of one family by the names that it has where a side's family is drawn."""
    own = options_of(lambda suggester: FAMILIES.get(family).suggest(suggester, side, problem))
    renamed = {_renamed(side, family, n) if n in own else n: v for n, v in draw.items()}
    return {**renamed, f"{side}_{FAMILY}": family}


def _renamed(side: str, family: str, name: str) -> str:
    return name.replace(f"{side}_", f"{side}_{family}_", 1)


@dataclass(frozen=True)
class _Renamed:
    """Asks a suggester for a side's choices under the name of its family."""

    suggester: Suggester
    side: SideName
    family: str

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        return self.suggester.suggest_int(_renamed(self.side, self.family, name), low, high)

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        name = _renamed(self.side, self.family, name)
        return self.suggester.suggest_float(name, low, high, step=step, log=log)

    def suggest_categorical(self, name: str, choices: Sequence[Any], /) -> Any:
        name = _renamed(self.side, self.family, name)
        return self.suggester.suggest_categorical(name, choices)
