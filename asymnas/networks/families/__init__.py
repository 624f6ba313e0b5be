"""Families: how a side is built, one file each.

A family owns a frozen side config and knows a few things about it: how to draw one, how to turn
its one knob (`scale`), how to build it as an encoder and as a decoder, how to mirror an encoder,
and which data and latents it is for. It carries no state; counting, fitting and training are done
above it.
"""

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
    """What both sides of an autoencoder must agree on.

    Args:
        shape: Shape of one example: `(channels, height, width)` of an image, `(channels, length)`
            of a signal or `(features,)` of a row.
        latent: Latent numbers an example, or channels a position of a spatial latent.
        bottleneck: How an image side meets the latent.
    """

    shape: tuple[int, ...]
    latent: int
    bottleneck: Bottleneck = "dense"


class Family(Protocol):
    """See the module's docstring. `Config` stands for the family's own frozen side config."""

    config_type: type[Any]

    def refuse(self, problem: Problem) -> str | None:
        """Why the family cannot serve this problem, or `None` if it can."""

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """Shape of one example's latent: `(latent,)`, or `(latent, h', w')` if spatial."""

    def tokens(self, problem: Problem) -> int:
        """Tokens of an example that encoders can be shown a part of; 0 if they take it whole.

        With tokens, `build_encoder` makes a `kinds.TokenEncoder`.
        """

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> Any:
        """Draws everything but the size, under names that start with the side's."""

    def scale(self, config: Any, factor: float) -> Any:
        """The same structure with every width times `factor`; monotone in parameters."""

    def build_encoder(self, config: Any, problem: Problem, code: int) -> nn.Module:
        """A module `[b, *shape] -> [b, code, ...]`; `code` is the latent, or what a kind needs."""

    def build_decoder(self, config: Any, problem: Problem) -> nn.Module:
        """A module `[b, latent, ...] -> [b, *shape]`."""

    def mirror(self, encoder: Any) -> Any:
        """The decoder config that mirrors an encoder."""


FAMILIES: Registry[Family] = Registry("family", __name__, "asymnas.families")
