"""One-dimensional convolutions: stages of blocks between resamplings, for signals of any length.

    encoder  x ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ bottleneck ─▶ code
    decoder  x ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ bottleneck ◀─ z

A stage halves the length; see `_stages`, which builds the sides. The blocks of a stage may be
dilated, each twice as far as the one before (WaveNet: van den Oord et al. 2016, arXiv 1609.03499).
"""

from dataclasses import dataclass

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

LIMITS = Limits(depth=6, spatial_depth=4, kernels=(3, 7))  # a sixteenth of the length


@dataclass(frozen=True, kw_only=True)
class SignalSide(ConvSide):
    """One side, outermost stage first whichever the side.

    Args:
        dilation: Dilation of a block over that of the one before it in its stage; the first has 1.
    """

    dilation: int = 1


class Conv1d:
    """The family; see the module's docstring."""

    config_type = SignalSide

    def refuse(self, problem: Problem) -> str | None:
        """Signals only, of at least two samples: what a stage can halve."""
        if len(problem.shape) != 2 or problem.shape[1] < 2:
            return (
                "conv1d takes signals (channels, length) of 2 samples or more; an example here is "
                f"{problem.shape}: take conv2d for images, dense for any data"
            )
        return None

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector, or a map at the resolution that a spatial latent has."""
        return LIMITS.latent_shape(problem)

    def tokens(self, problem: Problem) -> int:
        """None: an example is taken whole."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> SignalSide:
        """Draws depth, blocks, block, dilation, kernel, growth and resampling of one side."""
        stages = LIMITS.draw_stages(suggester, side, problem)
        dilation = suggester.suggest_categorical(f"{side}_dilation", (1, 2))
        return SignalSide(
            **stages,
            resampling=draw_resampling(suggester, side),
            dilation=dilation if stages["blocks"] > 1 else 1,
        )

    def scale(self, config: SignalSide, factor: float) -> SignalSide:
        """Scales channels and the hidden layer, at least two of each."""
        return scaled(config, factor)

    def build_encoder(self, config: SignalSide, problem: Problem, code: int) -> nn.Module:
        """`[b, c, length] -> [b, code]`, or `[b, code, length']` with a spatial latent."""
        return encoder(config, problem, code, config.dilation)

    def build_decoder(self, config: SignalSide, problem: Problem) -> nn.Module:
        """`[b, latent]`, or `[b, latent, length']`, `-> [b, c, length]`."""
        return decoder(config, problem, config.dilation)

    def mirror(self, encoder: SignalSide) -> SignalSide:
        """The same stages, with the upsampling that mirrors the downsampling."""
        return mirrored(encoder)


FAMILIES.register("conv1d")(Conv1d())
