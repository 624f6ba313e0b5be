"""Transformers on patches of images and signals: blocks of attention and two linear layers.

    encoder  x ─▶ patches ─▶ linear ▸ + position ─▶ [attention ▸ linear ▸ linear] × depth ─▶ code
    decoder  x ◀─ patches ◀─ linear ◀─ [linear ◂ linear ◂ attention] × depth ◀─ + position ◀─ z

Blocks as in the Vision Transformer (Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929),
with parameter-free norms before each branch. A dense latent is read from all tokens, a pooled one
from their mean, a spatial one has its channels at each token. Both sides cut their own patches,
except around a spatial latent, whose grid they share.
"""

import math
from dataclasses import dataclass, replace

from torch import nn

from asymnas.families import FAMILIES, Problem, SideName, Suggester
from asymnas.families._transformer import (
    AddPosition,
    JoinPatches,
    MapEncoder,
    MapToTokens,
    MeanToken,
    Patches,
    Trunk,
    blocks,
)
from asymnas.layers import Readout

MAX_DEPTH = 6
MAX_RATIO = 4  # of units between the linear layers to the width
HEADS = (1, 2, 4)
FEW_TOKENS = 8
MOST_TOKENS = 100  # of an example; what attention costs grows with their square
NARROWEST = 4  # numbers of a token, fewer than which its norm would leave hardly any
LEAST = 2  # numbers of a head, or units
NOMINAL = 1024  # numbers of a token before the budget fit scales them


@dataclass(frozen=True, kw_only=True)
class TransformerSide:
    """One side, the block next to the data first whichever the side.

    Args:
        width: Numbers of a token.
        heads: Heads of each block.
        head_sizes: Numbers of a head, by block; their count is the depth. The heads together may be
            narrower or wider than the tokens.
        hidden: Units between the two linear layers, by block.
        patch: Pixels or samples of a patch along each size.
        activation: Name in `layers.ACTIVATIONS`.
    """

    width: int
    heads: int
    head_sizes: tuple[int, ...]
    hidden: tuple[int, ...]
    patch: int
    activation: str = "gelu"


def patch_sizes(problem: Problem) -> tuple[int, ...]:
    """Patch sizes to choose from: what a spatial latent has and, for a latent vector, twice that.

    A patch has 16 positions, as a spatial latent of the convolutional families has; fewer where
    that leaves under `FEW_TOKENS`, more where it leaves over `MOST_TOKENS`.
    """
    patch = 4 if len(problem.shape) == 3 else 16
    while patch > 2 and Patches(problem.shape, patch).tokens < FEW_TOKENS:
        patch //= 2
    while Patches(problem.shape, patch).tokens > MOST_TOKENS:
        patch *= 2
    coarser = Patches(problem.shape, 2 * patch).tokens >= FEW_TOKENS // 2
    return (patch, 2 * patch) if coarser and problem.bottleneck != "spatial" else (patch,)


class Transformer:
    """The family; see the module's docstring."""

    config_type = TransformerSide

    def refuse(self, problem: Problem) -> str | None:
        """Images and signals of two patches or more; features of a row have no neighbours."""
        if len(problem.shape) not in (2, 3) or max(problem.shape[1:]) <= 2:
            return (
                "transformer takes images and signals of more than two pixels or samples; an "
                f"example here is {problem.shape}: take the dense family"
            )
        return None

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector, or a map with one position a patch."""
        if problem.bottleneck != "spatial":
            return (problem.latent,)
        return (problem.latent, *Patches(problem.shape, patch_sizes(problem)[0]).grid)

    def tokens(self, problem: Problem) -> int:
        """All patches with a spatial latent; a latent vector is read from all of them at once."""
        if problem.bottleneck != "spatial":
            return 0
        return Patches(problem.shape, patch_sizes(problem)[0]).tokens

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> TransformerSide:
        """Draws depth, heads, the hidden units' ratio to the width, and the patch of one side."""
        depth = suggester.suggest_int(f"{side}_depth", 1, MAX_DEPTH)
        heads = suggester.suggest_categorical(f"{side}_heads", HEADS)
        ratio = suggester.suggest_int(f"{side}_ratio", 1, MAX_RATIO)
        patches = patch_sizes(problem)
        several = len(patches) > 1
        patch = suggester.suggest_categorical(f"{side}_patch", patches) if several else patches[0]
        return TransformerSide(
            width=NOMINAL,
            heads=heads,
            head_sizes=(NOMINAL // heads,) * depth,
            hidden=(NOMINAL * ratio,) * depth,
            patch=patch,
        )

    def scale(self, config: TransformerSide, factor: float) -> TransformerSide:
        """Scales tokens, heads and hidden units; blocks grow by turns, so that steps are small."""
        return replace(
            config,
            width=max(NARROWEST, round(config.width * factor)),
            head_sizes=_by_turns(config.head_sizes, factor, 0.25),
            hidden=_by_turns(config.hidden, factor, 0.75),
        )

    def build_encoder(self, config: TransformerSide, problem: Problem, code: int) -> nn.Module:
        """`[b, c, ...] -> [b, code]`, or `[b, code, *grid]` with a spatial latent."""
        patches, width = Patches(problem.shape, config.patch), config.width
        trunk = Trunk(patches, width, _body(config, config.head_sizes, config.hidden))
        if problem.bottleneck == "spatial":
            return MapEncoder(trunk, width, code)
        if problem.bottleneck == "pooled":
            return nn.Sequential(trunk, MeanToken(), nn.Linear(width, code))
        return nn.Sequential(trunk, nn.Flatten(), nn.Linear(patches.tokens * width, code))

    def build_decoder(self, config: TransformerSide, problem: Problem) -> nn.Module:
        """`[b, latent]`, or `[b, latent, *grid]`, `-> [b, c, ...]`."""
        patches, width = Patches(problem.shape, config.patch), config.width
        tokens = patches.tokens
        body = _body(config, config.head_sizes[::-1], config.hidden[::-1])
        layers: list[nn.Module]
        if problem.bottleneck == "spatial":
            layers = [MapToTokens(), nn.Linear(problem.latent, width), AddPosition(tokens, width)]
        elif problem.bottleneck == "pooled":
            spread = [nn.Unflatten(1, (1, width)), AddPosition(tokens, width)]
            layers = [nn.Linear(problem.latent, width), *spread]
        else:  # each token has weights of its own, and so its own position
            layers = [nn.Linear(problem.latent, tokens * width), nn.Unflatten(1, (tokens, width))]
        return nn.Sequential(*layers, body, Readout(width, patches.values), JoinPatches(patches))

    def mirror(self, encoder: TransformerSide) -> TransformerSide:
        """The same patches and blocks; a decoder reads them from the latent outwards."""
        return encoder


FAMILIES.register("transformer")(Transformer())


def _body(
    config: TransformerSide, head_sizes: tuple[int, ...], hidden: tuple[int, ...]
) -> nn.Sequential:
    return blocks(config.width, config.heads, head_sizes, hidden, config.activation)


def _by_turns(sizes: tuple[int, ...], factor: float, first: float) -> tuple[int, ...]:
    """Sizes times a factor, each block's rounded at another place, at least `LEAST`.

    Args:
        sizes: Sizes by block.
        factor: What they are multiplied by.
        first: Where the first block's is rounded, in (0, 1); others follow evenly.
    """
    turns = [(block + first) / len(sizes) for block in range(len(sizes))]
    scaled = zip(sizes, turns, strict=True)
    return tuple(max(LEAST, math.floor(size * factor + turn)) for size, turn in scaled)
