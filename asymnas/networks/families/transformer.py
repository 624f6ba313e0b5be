"""Transformers on patches of images and signals: blocks of attention and two linear layers.

    encoder  x ─▶ patches ─▶ linear ▸ + position ─▶ [attention ▸ linear ▸ linear] × depth ─▶ code
    decoder  x ◀─ patches ◀─ linear ◀─ [linear ◂ linear ◂ attention] × depth ◀─ + position ◀─ z

Blocks as in the Vision Transformer (Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929),
with parameter-free norms before each branch. A dense latent is read from all tokens, a pooled one
from their mean, a spatial one has its channels at each token. Both sides cut their own patches,
except around a spatial latent, whose grid they share.

Shapes: `b` batch, `c` channels, `n` the length or height and width, `t` tokens, `k` tokens that the
encoder is given, `d` numbers per token, `p` values per patch, `z` latent channels, `h` heads, `s`
numbers per head.
"""

import math
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor, nn

from asymnas.networks.families import FAMILIES, Problem, SideName, Suggester
from asymnas.networks.layers import ACTIVATIONS, Attention, Readout, one_wider, scaled_widths

MAX_DEPTH = 6
MAX_RATIO = 4  # units between the linear layers over the width
HEADS = (1, 2, 4)
FEW_TOKENS = 8
MOST_TOKENS = 100  # per example; the cost of attention grows with their square
NARROWEST = 4  # numbers per token; of fewer its norm would leave hardly any
LEAST = 2  # numbers per head, or units
NOMINAL = 1024  # numbers per token before the budget fit scales them


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


class Transformer:
    """The family; see the module's docstring."""

    config_type = TransformerSide

    def unsupported_reason(self, problem: Problem) -> str | None:
        """Images and signals of two patches or more; features of a row have no neighbours."""
        if len(problem.shape) not in (2, 3) or max(problem.shape[1:]) <= 2:
            return (
                "transformer takes images and signals of more than two pixels or samples; an "
                f"example here is {problem.shape}: take the dense family"
            )
        return None

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector, or a map with one position per patch."""
        if problem.bottleneck != "spatial":
            return (problem.latent,)
        return (problem.latent, *Patches(problem.shape, patch_sizes(problem)[0]).grid)

    def tokens(self, problem: Problem) -> int:
        """All patches with a spatial latent; a latent vector needs all of them at once."""
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
        """Scales tokens, heads and hidden units; one block grows at a time."""
        return replace(
            config,
            width=max(NARROWEST, round(config.width * factor)),
            head_sizes=scaled_widths(config.head_sizes, factor, LEAST, 0.25),
            hidden=scaled_widths(config.hidden, factor, LEAST, 0.75),
        )

    def widened(self, config: TransformerSide) -> list[TransformerSide]:
        """The heads or the hidden units of one block: a token is as wide in all of them."""
        heads = [replace(config, head_sizes=sizes) for sizes in one_wider(config.head_sizes)]
        return heads + [replace(config, hidden=hidden) for hidden in one_wider(config.hidden)]

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


FAMILIES.register("transformer", "Transformers on patches of images and signals")(Transformer())


def _body(
    config: TransformerSide, head_sizes: tuple[int, ...], hidden: tuple[int, ...]
) -> nn.Sequential:
    return blocks(config.width, config.heads, head_sizes, hidden, config.activation)


@dataclass(frozen=True)
class Patches:
    """Cuts examples into patches and joins them, for images and signals alike.

    Where the patch does not divide a size, the last values are repeated, and cropped afterwards.

    Args:
        shape: Shape of one example, `(channels, height, width)` or `(channels, length)`.
        patch: Pixels or samples of a patch along each size.
    """

    shape: tuple[int, ...]
    patch: int

    @property
    def grid(self) -> tuple[int, ...]:
        """Patches along each size."""
        return tuple(-(-n // self.patch) for n in self.shape[1:])

    @property
    def tokens(self) -> int:
        """Patches of an example."""
        return math.prod(self.grid)

    @property
    def values(self) -> int:
        """Numbers of a patch, its channels included."""
        return math.prod((self.shape[0], *(self.patch for _ in self.grid)))

    def cut(self, x_bcn: Tensor) -> Tensor:
        """`[b, *shape] -> [b, tokens, values]`, row by row."""
        missing = [g * self.patch - n for g, n in zip(self.grid, self.shape[1:], strict=True)]
        if any(missing):
            ends = chain.from_iterable((0, m) for m in reversed(missing))
            x_bcn = nn.functional.pad(x_bcn, tuple(ends), mode="replicate")
        n = len(self.grid)
        split = chain.from_iterable((g, self.patch) for g in self.grid)
        x = x_bcn.reshape(x_bcn.shape[0], self.shape[0], *split)
        x = x.permute(0, *range(2, 2 + 2 * n, 2), 1, *range(3, 3 + 2 * n, 2))
        return x.reshape(x.shape[0], self.tokens, self.values)

    def join(self, x_btp: Tensor) -> Tensor:
        """`[b, tokens, values] -> [b, *shape]`."""
        n = len(self.grid)
        x = x_btp.reshape(x_btp.shape[0], *self.grid, self.shape[0], *(self.patch,) * n)
        pairs = chain.from_iterable((1 + i, n + 2 + i) for i in range(n))
        x = x.permute(0, n + 1, *pairs)
        x = x.reshape(x.shape[0], self.shape[0], *(g * self.patch for g in self.grid))
        for axis, size in enumerate(self.shape[1:], start=2):
            x = x.narrow(axis, 0, size)
        return x


class JoinPatches(nn.Module):
    """Patches to examples."""

    def __init__(self, patches: Patches) -> None:
        super().__init__()
        self.patches = patches

    def forward(self, x_btp: Tensor) -> Tensor:
        """`[b, tokens, values] -> [b, *shape]`."""
        return self.patches.join(x_btp)


def patch_sizes(problem: Problem) -> tuple[int, ...]:
    """Patch sizes to choose from: that of a spatial latent and, for a latent vector, its double.

    A patch has 16 positions, as many as one position of a spatial latent in the convolutional
    families; fewer where that gives under `FEW_TOKENS`, more where it gives over `MOST_TOKENS`.
    """
    patch = 4 if len(problem.shape) == 3 else 16
    while patch > 2 and Patches(problem.shape, patch).tokens < FEW_TOKENS:
        patch //= 2
    while Patches(problem.shape, patch).tokens > MOST_TOKENS:
        patch *= 2
    coarser = Patches(problem.shape, 2 * patch).tokens >= FEW_TOKENS // 2
    return (patch, 2 * patch) if coarser and problem.bottleneck != "spatial" else (patch,)


class AddPosition(nn.Module):
    """Adds a learned vector to each token, or spreads a single one over all positions."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.empty(tokens, width))
        nn.init.normal_(self.position, std=0.5)

    def forward(self, x_bkd: Tensor, keep_bk: Tensor | None = None) -> Tensor:
        """`[b, tokens, d]` or `[b, 1, d]`, `-> [b, tokens, d]`; or the tokens `keep_bk` alone."""
        return x_bkd + (self.position if keep_bk is None else self.position[keep_bk])


class PreNormBranch(nn.Module):
    """x + gain · body(norm(x)): a pre-norm branch (Xiong et al. 2020, arXiv 2002.04745).

    The norm has no parameters, because what follows it is linear. With a gain of 1 / √branches the
    branches of a side together add about as much variance as they are given, whatever the depth.
    """

    def __init__(self, width: int, gain: float, *body: nn.Module) -> None:
        super().__init__()
        self.gain = gain
        self.body = nn.Sequential(nn.LayerNorm(width, elementwise_affine=False), *body)

    def forward(self, x_btd: Tensor) -> Tensor:
        """`[b, t, d] -> [b, t, d]`."""
        output: Tensor = x_btd + self.gain * self.body(x_btd)
        return output


def blocks(
    width: int, heads: int, head_sizes: tuple[int, ...], hidden: tuple[int, ...], activation: str
) -> nn.Sequential:
    """Blocks of attention and two linear layers, then a norm, `[b, t, d] -> [b, t, d]`.

    Args:
        width: Numbers of a token.
        heads: Heads of each block.
        head_sizes: Numbers of a head, by block.
        hidden: Units between the linear layers, by block.
        activation: Name in `layers.ACTIVATIONS`.
    """
    gain = 1 / math.sqrt(max(1, 2 * len(hidden)))
    layers: list[nn.Module] = []
    for size, units in zip(head_sizes, hidden, strict=True):
        inner = heads * size
        # No bias: that of the keys would cancel in the softmax and never learn.
        attention = [
            nn.Linear(width, 3 * inner, bias=False),
            Attention(heads),
            nn.Linear(inner, width),
        ]
        forward = [nn.Linear(width, units), ACTIVATIONS[activation](), nn.Linear(units, width)]
        layers += [PreNormBranch(width, gain, *attention), PreNormBranch(width, gain, *forward)]
    return nn.Sequential(*layers, nn.LayerNorm(width, elementwise_affine=False))


class Trunk(nn.Module):
    """An encoder up to its latent: patches ▸ linear ▸ position ▸ body.

    Args:
        patches: How examples are cut.
        width: Numbers of a token.
        body: `[b, t, d] -> [b, t, d]`.
    """

    def __init__(self, patches: Patches, width: int, body: nn.Module) -> None:
        super().__init__()
        self.patches = patches
        self.embed = nn.Linear(patches.values, width)
        self.position = AddPosition(patches.tokens, width)
        self.body = body

    def forward(self, x_bcn: Tensor, keep_bk: Tensor | None = None) -> Tensor:
        """`[b, *shape] -> [b, t, d]`, or `[b, k, d]` of the tokens `keep_bk` alone."""
        x_bkp = self.patches.cut(x_bcn)
        if keep_bk is not None:
            x_bkp = x_bkp.gather(1, keep_bk[..., None].expand(-1, -1, x_bkp.shape[-1]))
        tokens_bkd: Tensor = self.body(self.position(self.embed(x_bkp), keep_bk))
        return tokens_bkd


class MeanToken(nn.Module):
    """The mean over the tokens."""

    def forward(self, x_btd: Tensor) -> Tensor:
        """`[b, t, d] -> [b, d]`."""
        return x_btd.mean(1)


class MapEncoder(nn.Module):
    """A code for each token, in place; it can be given some of them (`kinds.TokenEncoder`).

    Args:
        trunk: Gives the tokens.
        width: Numbers of a token.
        code: Numbers of a token's code.
    """

    def __init__(self, trunk: Trunk, width: int, code: int) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(width, code)

    @property
    def tokens(self) -> int:
        """Tokens of an example."""
        return self.trunk.patches.tokens

    def forward(self, x_bcn: Tensor, keep_bk: Tensor | None = None) -> Tensor:
        """`[b, *shape] -> [b, code, *grid]`, zero where a token is not kept."""
        code_bkz = self.head(self.trunk(x_bcn, keep_bk))
        code_btz = code_bkz
        if keep_bk is not None:
            nothing = code_bkz.new_zeros(len(code_bkz), self.tokens, code_bkz.shape[-1])
            code_btz = nothing.scatter(1, keep_bk[..., None].expand_as(code_bkz), code_bkz)
        grid: Tensor = code_btz.transpose(1, 2).unflatten(2, self.trunk.patches.grid)
        return grid

    def spread(self, of_tokens_bt: Tensor) -> Tensor:
        """Gives each value the value of its token, `[b, tokens] -> [b, *shape]`."""
        patches = self.trunk.patches
        return patches.join(of_tokens_bt[..., None].expand(-1, -1, patches.values))


class MapToTokens(nn.Module):
    """A map's positions as tokens."""

    def forward(self, z_bzn: Tensor) -> Tensor:
        """`[b, z, *grid] -> [b, t, z]`."""
        return z_bzn.flatten(2).transpose(1, 2)
