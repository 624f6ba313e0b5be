"""Two-dimensional convolutions: stages of blocks between resamplings, for images of any size.

    encoder  x ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ bottleneck ─▶ code
    decoder  x ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ bottleneck ◀─ z

A stage halves height and width; see `_stages`, which builds the sides.
"""

from torch import nn

from asymnas.families import FAMILIES, Problem, SideName, Suggester
from asymnas.families._stages import (
    ConvSide,
    Limits,
    decoder,
    draw_resampling,
    encoder,
    mirrored,
    scaled,
)

LIMITS = Limits(depth=4, spatial_depth=2, kernels=(3, 5))  # a quarter of height and width


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
        return LIMITS.latent_shape(problem)

    def tokens(self, problem: Problem) -> int:
        """None: an example is taken whole."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> ConvSide:
        """Draws depth, blocks, block, kernel, growth and resampling of one side."""
        stages = LIMITS.draw_stages(suggester, side, problem)
        return ConvSide(**stages, resampling=draw_resampling(suggester, side))

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
