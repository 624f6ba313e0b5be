"""Families: how a side is built, one file each.

A family owns a frozen side config. It draws one, scales it (`scale`, the one knob of the budget
fit), builds it as an encoder and as a decoder, mirrors an encoder, and says which data and latents
it supports. It carries no state; counting, fitting and training are done elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import nn

from asymnas.core.config import Bottleneck
from asymnas.core.registry import Registry

SideName = Literal["encoder", "decoder"]


class Suggester(Protocol):
    """What a family draws from; `optuna.Trial` and `FixedTrial` satisfy it as they are."""

    def suggest_int(self, name: str, low: int, high: int, /) -> int:
        """An integer in [low, high]."""

    def suggest_float(
        self, name: str, low: float, high: float, /, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float in [low, high], on a grid of `step` or a log scale."""

    def suggest_categorical(self, name: str, choices: Any, /) -> Any:
        """One of the choices."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What both sides of an autoencoder have in common.

    Args:
        shape: Shape of one example: `(channels, height, width)` of an image, `(channels, length)`
            of a signal or `(features,)` of a row.
        latent: Latent numbers per example, or channels per position of a spatial latent.
        bottleneck: How a side is joined to the latent.
    """

    shape: tuple[int, ...]
    latent: int
    bottleneck: Bottleneck = "dense"


class Family(Protocol):
    """See the module's docstring; a config is an instance of the family's `config_type`."""

    @property
    def config_type(self) -> type[Any]:
        """The frozen dataclass of one side."""

    def unsupported_reason(self, problem: Problem) -> str | None:
        """Why the family does not support this problem, or `None` if it does."""

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """Shape of one example's latent: `(latent,)`, or `(latent, h', w')` if spatial."""

    def tokens(self, problem: Problem) -> int:
        """Tokens of an example, if encoders can be given some of them; 0 if they need all of it.

        With tokens, `build_encoder` makes a `kinds.TokenEncoder`.
        """

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> Any:
        """Draws everything but the size, under names that start with the side's.

        Categorical choices that a family lists in a property `optional`, by their names without the
        side's, are drawn in a wide space only; elsewhere they are the first option.
        """

    def scale(self, config: Any, factor: float) -> Any:
        """The same structure with every width times `factor`; monotone in parameters."""

    def widened(self, config: Any) -> Sequence[Any]:
        """The config with one of its widths a unit larger, one entry per width."""

    def build_encoder(self, config: Any, problem: Problem, code: int) -> nn.Module:
        """A module `[b, *shape] -> [b, code, ...]`; `code` is the latent, or what a kind needs."""

    def build_decoder(self, config: Any, problem: Problem) -> nn.Module:
        """A module `[b, latent, ...] -> [b, *shape]`."""

    def mirror(self, encoder: Any) -> Any:
        """The decoder config that mirrors an encoder."""


FAMILIES: Registry[Family] = Registry("family", __name__, "asymnas.families")
