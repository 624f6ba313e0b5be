"""One-dimensional convolutions: stages of blocks between resamplings, for signals of any length.

    encoder  x ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ bottleneck ─▶ code
    decoder  x ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ bottleneck ◀─ z

A stage halves the length; see `_stages`, which builds the sides. The blocks of a stage may be
dilated, each twice as far as the one before (WaveNet: van den Oord et al. 2016, arXiv 1609.03499).
"""

from dataclasses import dataclass

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

MAX_DEPTH = 6
SPATIAL_DEPTH = 4  # stages before a spatial latent: a sixteenth of the positions, as with images
NOMINAL = 1024  # channels of the first stage before the budget fit scales them


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
        if problem.bottleneck != "spatial":
            return (problem.latent,)
        return (problem.latent, *sizes(problem.shape[1:], _spatial_depth(problem))[-1])

    def tokens(self, problem: Problem) -> int:
        """None: an example is taken whole."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> SignalSide:
        """Draws depth, blocks, block, dilation, kernel, growth and resampling of one side."""
        if problem.bottleneck == "spatial":
            depth = _spatial_depth(problem)
        else:
            most = deepest(problem.shape[1:], MAX_DEPTH)
            depth = suggester.suggest_int(f"{side}_depth", 1, most)
        growth = suggester.suggest_float(f"{side}_growth", 1.0, 2.0, step=0.5)
        kernel = suggester.suggest_categorical(f"{side}_kernel", (3, 7))
        blocks = suggester.suggest_int(f"{side}_blocks", 0, 2)
        block = suggester.suggest_categorical(f"{side}_block", tuple(BLOCKS))
        dilation = suggester.suggest_categorical(f"{side}_dilation", (1, 2))
        registry = DOWNSAMPLINGS if side == "encoder" else UPSAMPLINGS
        way = "downsampling" if side == "encoder" else "upsampling"
        return SignalSide(
            channels=tuple(round(NOMINAL * growth**stage) for stage in range(depth)),
            kernels=(kernel,) * depth,
            resampling=suggester.suggest_categorical(f"{side}_{way}", registry.names()),
            blocks=blocks,
            block=block if blocks else "plain",
            dilation=dilation if blocks > 1 else 1,
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


def _spatial_depth(problem: Problem) -> int:
    return min(SPATIAL_DEPTH, deepest(problem.shape[1:], MAX_DEPTH))
