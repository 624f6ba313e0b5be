"""Fully connected layers, for rows, tables and flattened data of any shape.

encoder  x ─▶ flatten ─▶ [linear ▸ activation] × depth ─▶ linear ─▶ code
decoder  x ◀─ unflatten ◀─ linear ◀─ [activation ◂ linear] × depth ◀─ z

Shapes: `b` batch, `*shape` one example's, `code` what the encoder puts out.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from torch import nn

from asymnas.networks.families import FAMILIES, Problem, SideName, Suggester
from asymnas.networks.layers import ACTIVATIONS, one_wider, scaled_widths

MAX_DEPTH = 4
NARROWEST = 2  # units
NOMINAL = 1024  # units of the layer next to the data before the budget fit scales them


@dataclass(frozen=True, kw_only=True)
class DenseSide:
    """One side, the layer next to the data first whichever the side.

    Args:
        widths: Units of each hidden layer; empty for a linear side.
        activation: Name in `layers.ACTIVATIONS`.
    """

    widths: tuple[int, ...]
    activation: str = "silu"


class Dense:
    """The family; see the module's docstring."""

    config_type = DenseSide

    def unsupported_reason(self, problem: Problem) -> str | None:
        """Any data; the latent is a vector."""
        if problem.bottleneck != "dense":
            return f"the dense family has a dense bottleneck only but got {problem.bottleneck!r}"
        return None

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector."""
        return (problem.latent,)

    def tokens(self, problem: Problem) -> int:
        """None: an encoder needs all of an example."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> DenseSide:
        """Draws depth, growth from the data inwards (below one: taper) and activation."""
        depth = suggester.suggest_int(f"{side}_depth", 1, MAX_DEPTH)
        growth = suggester.suggest_float(f"{side}_growth", 0.5, 1.5, step=0.25)
        activation = suggester.suggest_categorical(f"{side}_activation", ("relu", "silu", "tanh"))
        widths = tuple(round(NOMINAL * growth**layer) for layer in range(depth))
        return DenseSide(widths=widths, activation=activation)

    def scale(self, config: DenseSide, factor: float) -> DenseSide:
        """Multiplies every hidden layer by `factor`; each has at least two units."""
        return replace(config, widths=scaled_widths(config.widths, factor, NARROWEST))

    def widened(self, config: DenseSide) -> list[DenseSide]:
        """One hidden layer."""
        return [replace(config, widths=widths) for widths in one_wider(config.widths)]

    def build_encoder(self, config: DenseSide, problem: Problem, code: int) -> nn.Module:
        """`[b, *shape] -> [b, code]`."""
        sizes = (math.prod(problem.shape), *config.widths, code)
        return nn.Sequential(nn.Flatten(), *_layers(sizes, config.activation))

    def build_decoder(self, config: DenseSide, problem: Problem) -> nn.Module:
        """`[b, latent] -> [b, *shape]`."""
        sizes = (problem.latent, *reversed(config.widths), math.prod(problem.shape))
        return nn.Sequential(*_layers(sizes, config.activation), nn.Unflatten(1, problem.shape))

    def mirror(self, encoder: DenseSide) -> DenseSide:
        """The same layers; a decoder reads them from the latent outwards."""
        return encoder


FAMILIES.register("dense", "Fully connected layers, for rows and flattened data of any shape")(
    Dense()
)


def _layers(sizes: tuple[int, ...], activation: str) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[activation]()]
    return layers[:-1]
