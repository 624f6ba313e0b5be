"""What a transformer side is built of: patches, positions, attention, blocks, an encoder's ends.

Shape suffixes: b batch, c channels, n sizes of an example, t tokens, k tokens kept, p values of a
patch, d width, h heads, s values of a head, z latent channels.
"""

import math
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from asymnas.layers import ACTIVATIONS


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
        x = x_bcn.reshape(len(x_bcn), self.shape[0], *split)
        x = x.permute(0, *range(2, 2 + 2 * n, 2), 1, *range(3, 3 + 2 * n, 2))
        return x.reshape(len(x), self.tokens, self.values)

    def join(self, x_btp: Tensor) -> Tensor:
        """`[b, tokens, values] -> [b, *shape]`."""
        n = len(self.grid)
        x = x_btp.reshape(len(x_btp), *self.grid, self.shape[0], *(self.patch,) * n)
        pairs = chain.from_iterable((1 + i, n + 2 + i) for i in range(n))
        x = x.permute(0, n + 1, *pairs)
        x = x.reshape(len(x), self.shape[0], *(g * self.patch for g in self.grid))
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


class AddPosition(nn.Module):
    """Adds a learned vector to each token, or spreads a single one over all positions."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(tokens, width) / 2)

    def forward(self, x_bkd: Tensor, keep_bk: Tensor | None = None) -> Tensor:
        """`[b, tokens, d]` or `[b, 1, d]`, `-> [b, tokens, d]`; or the tokens `keep_bk` alone."""
        return x_bkd + (self.position if keep_bk is None else self.position[keep_bk])


class Attention(nn.Module):
    """Attends in each head by scaled dot products; holds no parameters."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, qkv: Tensor) -> Tensor:
        """Queries, keys and values side by side, `[b, t, 3·h·s] -> [b, t, h·s]`."""
        split = qkv.reshape(*qkv.shape[:2], 3, self.heads, -1)
        q_bhts, k_bhts, v_bhts = split.permute(2, 0, 3, 1, 4).unbind(0)
        attended_bhts = nn.functional.scaled_dot_product_attention(q_bhts, k_bhts, v_bhts)
        return attended_bhts.transpose(1, 2).flatten(2)


class Residual(nn.Module):
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
        layers += [Residual(width, gain, *attention), Residual(width, gain, *forward)]
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
        """`[b, *shape] -> [b, t, d]`; tokens that are not kept cost nothing."""
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
    """A code for each token, in place; it can be shown a part of them (`kinds.TokenEncoder`).

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
        """Gives each value what its token has, `[b, tokens] -> [b, *shape]`."""
        patches = self.trunk.patches
        return patches.join(of_tokens_bt[..., None].expand(-1, -1, patches.values))


class MapToTokens(nn.Module):
    """A map's positions as tokens."""

    def forward(self, z_bzn: Tensor) -> Tensor:
        """`[b, z, *grid] -> [b, t, z]`."""
        return z_bzn.flatten(2).transpose(1, 2)
