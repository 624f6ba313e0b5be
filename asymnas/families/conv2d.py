"""Two-dimensional convolutions: stages of blocks between resamplings, for images of any size.

    encoder  x ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ bottleneck ─▶ code
    decoder  x ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ bottleneck ◀─ z

A stage halves height and width; see `_stages`, which builds the sides.
"""

from torch import nn

from asymnas.downsampling import DOWNSAMPLINGS
from asymnas.families import FAMILIES, Problem, SideName, Suggester
from asymnas.families._stages import (
    BLOCKS,
    ConvSide,
    decoder,
    deepest,
    encoder,
    mirrored,
    scaled,
    sizes,
)
from asymnas.upsampling import UPSAMPLINGS

MAX_DEPTH = 4
SPATIAL_DEPTH = 2  # stages before a spatial latent: a quarter of height and width
NOMINAL = 1024  # channels of the first stage before the budget fit scales them


class Conv2d:
    """The family; see the module's docstring."""

    config_type = ConvSide

    def refuse(self, problem: Problem) -> str | None:
        """Images only, of at least 2×2 pixels."""
        if len(problem.shape) != 3 or min(problem.shape[1:]) < 2:
            return (
                "conv2d takes images of 2×2 pixels or more; an example here is "
                f"{problem.shape}: take conv1d for signals (channels, length), dense for any data"
            )
        return None

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector, or a map at the resolution that a spatial latent has."""
        if problem.bottleneck != "spatial":
            return (problem.latent,)
        return (problem.latent, *sizes(problem.shape[1:], _spatial_depth(problem))[-1])

    def tokens(self, problem: Problem) -> int:
        """None: an example is taken whole."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> ConvSide:
        """Draws depth, blocks, block, kernel, growth and resampling of one side."""
        if problem.bottleneck == "spatial":
            depth = _spatial_depth(problem)
        else:
            most = deepest(problem.shape[1:], MAX_DEPTH)
            depth = suggester.suggest_int(f"{side}_depth", 1, most)
        growth = suggester.suggest_float(f"{side}_growth", 1.0, 2.0, step=0.5)
        kernel = suggester.suggest_categorical(f"{side}_kernel", (3, 5))
        blocks = suggester.suggest_int(f"{side}_blocks", 0, 2)
        block = suggester.suggest_categorical(f"{side}_block", tuple(BLOCKS))
        registry = DOWNSAMPLINGS if side == "encoder" else UPSAMPLINGS
        way = "downsampling" if side == "encoder" else "upsampling"
        return ConvSide(
            channels=tuple(round(NOMINAL * growth**stage) for stage in range(depth)),
            kernels=(kernel,) * depth,
            resampling=suggester.suggest_categorical(f"{side}_{way}", registry.names()),
            blocks=blocks,
            block=block if blocks else "plain",
        )

    def scale(self, config: ConvSide, factor: float) -> ConvSide:
        """Scales channels and the hidden layer, at least two of each."""
        return scaled(config, factor)

    def build_encoder(self, config: ConvSide, problem: Problem, code: int) -> nn.Module:
        """`[b, c, h, w] -> [b, code]`, or `[b, code, h', w']` with a spatial latent."""
        return encoder(config, problem, code)

    def build_decoder(self, config: ConvSide, problem: Problem) -> nn.Module:
        """`[b, latent]`, or `[b, latent, h', w']`, `-> [b, c, h, w]`."""
        return decoder(config, problem)

    def mirror(self, encoder: ConvSide) -> ConvSide:
        """The same stages, with the upsampling that mirrors the downsampling."""
        return mirrored(encoder)


FAMILIES.register("conv2d")(Conv2d())


def _spatial_depth(problem: Problem) -> int:
    return min(SPATIAL_DEPTH, deepest(problem.shape[1:], MAX_DEPTH))
