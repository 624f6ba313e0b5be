"""Vector quantisation (van den Oord et al. 2017, https://arxiv.org/abs/1711.00937).

Each `width` numbers of the latent are replaced by the nearest vector of a codebook; gradients pass
straight through. The codebook follows the mean of the vectors that chose it, by exponential moving
averages. A vector that is chosen by almost none is dead and takes the place of an encoder output
drawn at random (Williams et al. 2020, https://arxiv.org/abs/2002.08111); at the start all are dead.
The codebook is learned and stored, so it counts: its numbers are shared parameters.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, mse_loss

from asymnas.networks.kinds import KINDS, Autoencoder, Kind, LatentSpec
from asymnas.networks.kinds.plain import ERRORS, ErrorName, reconstruction
from asymnas.networks.layers import at_least_fp32
from asymnas.networks.named_options import check_option

DECAY = 0.99  # of the moving averages, per step
DEAD = 0.1  # of the choices that a vector would have if all were chosen alike
REVIVED_UNTIL = 0.75  # of the schedule: while rates decay, a code is not moved far from its use
SMOOTHING = 1e-5
MOST_CODES = 2**20
AT_ONCE = 2**24  # distances that are held together


class Codebook(nn.Module):
    """Replaces each `width` numbers of a code by the nearest of `codes` vectors.

    `[b, latent, ...] -> [b, latent, ...]`; the latent is a multiple of `width`.
    """

    chosen: Tensor
    total: Tensor

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.codes, self.width = codes, width
        self.weight = nn.Parameter(torch.randn(codes, width))  # by averages, not by gradients
        self.register_buffer("chosen", torch.zeros(codes))
        self.register_buffer("total", torch.zeros(codes, width))

    def forward(self, code: Tensor) -> Tensor:
        """The nearest vectors, in place of the code's."""
        return self.join(embedding(self.nearest(code), self.weight), code)

    def split(self, code: Tensor) -> Tensor:
        """`[b, latent, ...] -> [b, n, width]`, in float32 or more."""
        code = at_least_fp32(code)
        last = code.flatten(2).transpose(1, 2) if code.dim() > 2 else code
        return last.reshape(code.shape[0], -1, self.width)

    def join(self, vectors: Tensor, like: Tensor) -> Tensor:
        """`[b, n, width]` back in the shape of a code, `[b, latent, ...]`."""
        if like.dim() == 2:
            return vectors.reshape(like.shape)
        b, latent = like.shape[:2]
        return vectors.reshape(b, -1, latent).transpose(1, 2).reshape(like.shape)

    def nearest(self, code: Tensor) -> Tensor:
        """Indices of the nearest vectors, `[b, latent, ...] -> [b, n]`, int64."""
        vectors = self.split(code)
        rows, size = vectors.flatten(0, 1), max(1, AT_ONCE // self.codes)
        if torch.compiler.is_compiling():  # a program for any batch takes no look at its size
            by_products = "use_mm_for_euclid_dist"
            nearest = torch.cdist(rows, self.weight, compute_mode=by_products).argmin(1)
        else:
            chunks = torch.split(rows, size)
            nearest = torch.cat([torch.cdist(chunk, self.weight).argmin(1) for chunk in chunks])
        return nearest.view(vectors.shape[:2])

    @torch.no_grad()
    def learn(self, code: Tensor, generator: torch.Generator, *, revive: bool) -> None:
        """Moves each vector toward the mean of those assigned to it; may revive dead ones."""
        vectors = self.split(code).flatten(0, 1)
        even = len(vectors) / self.codes
        choice = self.nearest(code).flatten()
        chosen = torch.zeros_like(self.chosen).index_add_(0, choice, torch.ones_like(vectors[:, 0]))
        total = torch.zeros_like(self.total).index_add_(0, choice, vectors)
        self.chosen.lerp_(chosen, 1 - DECAY)
        self.total.lerp_(total, 1 - DECAY)
        dead = (self.chosen < DEAD * even) & revive
        drawn = torch.randint(
            len(vectors), (self.codes,), generator=generator, device=vectors.device
        )
        self.total.copy_(torch.where(dead[:, None], even * vectors[drawn], self.total))
        self.chosen.masked_fill_(dead, even)
        self.weight.copy_(self.total / (self.chosen[:, None] + SMOOTHING))


@KINDS.register("vq")
def vq(codes: int = 256, width: int = 4, commitment: float = 0.25, loss: ErrorName = "mse") -> Kind:
    """Minimises the error of reconstructions from quantised latents, and the commitment loss.

    `encode` gives the quantised latent; an example takes latent / width · log₂(codes) bits, times
    its positions for a spatial latent. `val_loss` is the error alone.

    Args:
        codes: Vectors in the codebook, from 2 to 2²⁰.
        width: Numbers in a vector; must divide the latent.
        commitment: Weight of the squared distance between the encoder's output and its vector.
        loss: See `plain`.
    """
    check_option("codes", codes, f"from 2 to {MOST_CODES}", 2 <= codes <= MOST_CODES)
    check_option("width", width, f"from 1 to {MOST_CODES}", 1 <= width <= MOST_CODES)
    check_option("commitment", commitment, "at least 0", commitment >= 0)

    def training_loss(
        model: Autoencoder, x: Tensor, generator: torch.Generator, progress: float
    ) -> Tensor:
        codebook = cast(Codebook, model.bottleneck)
        code = model.encoder(x).float()
        if progress == 0:
            codebook.learn(code, generator, revive=True)
        nearest = codebook(code).detach()
        codebook.learn(code, generator, revive=progress < REVIVED_UNTIL)
        raw = model.decoder(code + (nearest - code).detach())
        return ERRORS[loss].between(raw.float(), x) + commitment * mse_loss(code, nearest)

    def statistics(
        model: Autoencoder, x: Tensor, generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        return {"codes": cast(Codebook, model.bottleneck).nearest(model.encoder(x))}

    def unsupported_reason(latent: LatentSpec) -> str | None:
        if latent.size % width == 0:
            return None
        return (
            f"a latent of {latent.size} cannot be cut into vectors of {width} numbers; "
            f"take a latent that is a multiple of {width}, or another width"
        )

    return replace(
        reconstruction(loss),
        training_loss=training_loss,
        bottleneck=lambda latent: Codebook(codes, width),
        steady_from=REVIVED_UNTIL,
        unsupported_reason=unsupported_reason,
        statistics=statistics,
    )
