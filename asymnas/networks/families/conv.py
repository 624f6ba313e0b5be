"""Convolutional families: stages that halve signals (`conv1d`) or images (`conv2d`).

    encoder  x ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ bottleneck ─▶ code
    decoder  x ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ bottleneck ◀─ z

A stage halves every axis, odd lengths rounded up; the decoder doubles and crops to the sizes that
the encoder passed through, so an image of 27×45 is reconstructed as 27×45. Only the outermost
resampling works at the data's own resolution.

Both families are one implementation, registered with other limits.

Shapes: `b` batch, `c` channels, `*size` the length, or height and width, of an example, `*inner`
the same after the last stage, `code` what the encoder puts out.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from asymnas.networks.downsampling import DOWNSAMPLINGS
from asymnas.networks.families import FAMILIES, Problem, SideName, Suggester
from asymnas.networks.layers import (
    ACTIVATIONS,
    CONVOLUTIONS,
    Crop,
    PadToEven,
    as_upsampling,
    one_wider,
    same_conv,
    scaled_widths,
)
from asymnas.networks.upsampling import UPSAMPLINGS

NARROWEST = 2  # channels
NOMINAL = 1024  # channels of the first stage before the budget fit scales them
MEANS = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}


@dataclass(frozen=True, kw_only=True)
class ConvSide:
    """One side of images, outermost stage first whichever the side.

    Args:
        channels: Channels next to each stage's resampling; its length is the depth.
        kernels: Kernel size of each stage, pixels of an image or samples of a signal.
        resampling: An encoder's downsampling or a decoder's upsampling, by name.
        blocks: Blocks per stage beyond the resampling.
        block: Name in `BLOCKS`: `plain`, `residual` or `separable`.
        hidden: Width of a tanh layer between a dense bottleneck and the stages; 0 for none.
        activation: Name in `layers.ACTIVATIONS`.
        inner: Channels of each block, stage by stage: those inside of a residual block, those on
            the latent's side of a plain one. Empty: as `channels`. They may differ by a channel, so
            that a budget can be filled to one per cent.
    """

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    resampling: str
    blocks: int = 0
    block: str = "plain"
    hidden: int = 0
    activation: str = "silu"
    inner: tuple[int, ...] = ()

    def stage_widths(self, stage: int) -> tuple[int, ...]:
        """Channels next to a stage's resampling, then those of each of its blocks."""
        own = self.inner[stage * self.blocks : (stage + 1) * self.blocks]
        return (self.channels[stage], *(own or self.channels[stage : stage + 1] * self.blocks))

    def innermost(self, stage: int) -> int:
        """Channels of a stage on the latent's side."""
        return self.channels[stage] if self.block == "residual" else self.stage_widths(stage)[-1]


@dataclass(frozen=True, kw_only=True)
class SignalSide(ConvSide):
    """One side of signals, outermost stage first whichever the side.

    Args:
        dilation: Dilation of a block over that of the one before it in its stage; the first has 1.
    """

    dilation: int = 1


@dataclass(frozen=True, kw_only=True)
class ConvFamily:
    """A convolutional family; see the module's docstring.

    Args:
        config_type: Its side config.
        dims: Axes that a stage halves: 1 for signals, 2 for images.
        data: Which data it takes, in words.
        alternative: What to do with other data, in words.
        depth: Stages, at most.
        spatial_depth: Stages before a spatial latent, where the data allow so many.
        kernels: Kernel sizes to choose from.
    """

    config_type: type[ConvSide]
    dims: int
    data: str
    alternative: str
    depth: int
    spatial_depth: int
    kernels: tuple[int, ...]

    def unsupported_reason(self, problem: Problem) -> str | None:
        """Takes examples of the family's dimensions with two positions or more on each axis."""
        if len(problem.shape) != self.dims + 1 or min(problem.shape[1:]) < 2:
            return f"{self.data}; an example here is {problem.shape}: {self.alternative}"
        return None

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector, or a map at the resolution of a spatial latent."""
        if problem.bottleneck != "spatial":
            return (problem.latent,)
        return (problem.latent, *stage_sizes(problem.shape[1:], self._spatial_depth(problem))[-1])

    def tokens(self, problem: Problem) -> int:
        """None: an encoder needs all of an example."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> ConvSide:
        """Draws depth, growth, kernel, blocks, block, resampling and, for signals, dilation."""
        if problem.bottleneck == "spatial":
            depth = self._spatial_depth(problem)
        else:
            most = deepest(problem.shape[1:], self.depth)
            depth = suggester.suggest_int(f"{side}_depth", 1, most)
        growth = suggester.suggest_float(f"{side}_growth", 1.0, 2.0, step=0.5)
        kernel = suggester.suggest_categorical(f"{side}_kernel", self.kernels)
        blocks = suggester.suggest_int(f"{side}_blocks", 0, 2)
        block = suggester.suggest_categorical(f"{side}_block", tuple(BLOCKS))
        dilated: dict[str, Any] = {}
        if self.config_type is SignalSide:
            dilation = suggester.suggest_categorical(f"{side}_dilation", (1, 2))
            dilated = {"dilation": dilation if blocks > 1 else 1}
        registry, way = (
            (DOWNSAMPLINGS, "downsampling") if side == "encoder" else (UPSAMPLINGS, "upsampling")
        )
        channels = tuple(round(NOMINAL * growth**stage) for stage in range(depth))
        return self.config_type(
            channels=channels,
            kernels=(kernel,) * depth,
            resampling=suggester.suggest_categorical(f"{side}_{way}", registry.names()),
            blocks=blocks,
            block=block if blocks else "plain",
            # A separable block has one width, so that the mirror of each has as many weights.
            inner=tuple(c for c in channels for _ in range(blocks) if block != "separable"),
            **dilated,
        )

    def scale(self, config: ConvSide, factor: float) -> ConvSide:
        """Multiplies channels and the hidden layer by `factor`; each is at least two."""
        channels = scaled_widths(config.channels, factor, NARROWEST, 0.25)
        inner = scaled_widths(config.inner, factor, NARROWEST, 0.75)
        hidden = max(NARROWEST, round(config.hidden * factor)) if config.hidden else 0
        return replace(config, channels=channels, inner=inner, hidden=hidden)

    def widened(self, config: ConvSide) -> list[ConvSide]:
        """A stage's channels, a block's, or the hidden layer."""
        wider = [replace(config, channels=channels) for channels in one_wider(config.channels)]
        wider += [replace(config, inner=inner) for inner in one_wider(config.inner)]
        if config.hidden:
            wider.append(replace(config, hidden=config.hidden + 1))
        return wider

    def build_encoder(self, config: ConvSide, problem: Problem, code: int) -> nn.Module:
        """`[b, c, *size] -> [b, code]`, or `[b, code, *inner]` with a spatial latent."""
        downsampling = DOWNSAMPLINGS.get(config.resampling)
        layers: list[nn.Module] = []
        size, *inner = stage_sizes(problem.shape[1:], len(config.channels))
        inputs = problem.shape[0]
        for stage, halved in enumerate(inner):
            outputs, kernel = config.channels[stage], config.kernels[stage]
            if any(length % 2 for length in size):
                layers.append(PadToEven())
            layers += [downsampling.build(inputs, outputs, kernel, self.dims), _activation(config)]
            layers += _blocks(config, stage, self.dims)
            inputs, size = config.innermost(stage), halved
        return nn.Sequential(*layers, *_into_latent(config, problem, size, code))

    def build_decoder(self, config: ConvSide, problem: Problem) -> nn.Module:
        """`[b, latent]`, or `[b, latent, *inner]`, `-> [b, c, *size]`."""
        upsample = UPSAMPLINGS.get(config.resampling)
        sizes = stage_sizes(problem.shape[1:], len(config.channels))
        layers = _out_of_latent(config, problem, sizes[-1])
        for stage in reversed(range(len(config.channels))):
            channels, kernel = config.channels[stage], config.kernels[stage]
            outputs = config.innermost(stage - 1) if stage else problem.shape[0]
            layers += _blocks(config, stage, self.dims, outwards=True)
            layers.append(as_upsampling(upsample(channels, outputs, kernel, self.dims)))
            if sizes[stage] != tuple(2 * length for length in sizes[stage + 1]):
                layers.append(Crop(*sizes[stage]))
            if stage:
                layers.append(_activation(config))
        return nn.Sequential(*layers)

    def mirror(self, encoder: ConvSide) -> ConvSide:
        """The same stages, with the upsampling that mirrors the downsampling."""
        return replace(encoder, resampling=DOWNSAMPLINGS.get(encoder.resampling).mirror)

    def _spatial_depth(self, problem: Problem) -> int:
        return min(self.spatial_depth, deepest(problem.shape[1:], self.depth))


FAMILIES.register("conv1d")(
    ConvFamily(
        config_type=SignalSide,
        dims=1,
        data="conv1d takes signals (channels, length) of 2 samples or more",
        alternative="take conv2d for images, dense for any data",
        depth=6,
        spatial_depth=4,  # a spatial latent has a sixteenth of the samples
        kernels=(3, 7),
    )
)
FAMILIES.register("conv2d")(
    ConvFamily(
        config_type=ConvSide,
        dims=2,
        data="conv2d takes images of 2×2 pixels or more",
        alternative="take conv1d for signals (channels, length), dense for any data",
        depth=4,
        spatial_depth=2,  # a spatial latent has a quarter of height and width
        kernels=(3, 5),
    )
)


def stage_sizes(size: tuple[int, ...], depth: int) -> list[tuple[int, ...]]:
    """Sizes before, between and after `depth` stages, the data's own first."""
    sizes = [size]
    for _ in range(depth):
        sizes.append(tuple((length + 1) // 2 for length in sizes[-1]))
    return sizes


def deepest(size: tuple[int, ...], most: int) -> int:
    """Most stages, up to `most`, that leave at least two positions on the shortest axis."""
    depth, shortest = 1, min(size)
    while depth < most and (shortest + 1) // 2 >= 4:
        depth, shortest = depth + 1, (shortest + 1) // 2
    return depth


class ResidualBlock(nn.Module):
    """(x + conv(act(conv(x)))) / √2, which keeps the variance."""

    def __init__(
        self, channels: int, inner: int, kernel: int, activation: str, dims: int, dilation: int
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            same_conv(channels, inner, kernel, dims=dims, dilation=dilation),
            ACTIVATIONS[activation](),
            same_conv(inner, channels, kernel, dims=dims, dilation=dilation),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, *size] -> [b, c, *size]`."""
        output: Tensor = (x + self.body(x)) * 0.7071
        return output


def _plain(
    inputs: int, outputs: int, kernel: int, activation: str, dims: int, dilation: int
) -> nn.Module:
    return same_conv(inputs, outputs, kernel, dims=dims, dilation=dilation)


def _separable(
    inputs: int, outputs: int, kernel: int, activation: str, dims: int, dilation: int
) -> nn.Module:
    depthwise = same_conv(inputs, inputs, kernel, inputs, dims=dims, dilation=dilation)
    return nn.Sequential(depthwise, CONVOLUTIONS[dims](inputs, outputs, 1))


#: `(channels, inner or outputs, kernel, activation, dims, dilation) -> module` by name.
BLOCKS: dict[str, Callable[[int, int, int, str, int, int], nn.Module]] = {
    "plain": _plain,
    "residual": ResidualBlock,
    "separable": _separable,
}


class SpreadOverMap(nn.Module):
    """Repeats a vector at all positions and adds a learned map."""

    def __init__(self, channels: int, size: tuple[int, ...]) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(channels, *size) / 2)

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c] -> [b, c, *size]`."""
        spread = x.view(*x.shape, *(1,) * (self.position.dim() - 1))
        return spread + self.position


def _activation(side: ConvSide) -> nn.Module:
    return ACTIVATIONS[side.activation]()


def _blocks(side: ConvSide, stage: int, dims: int, *, outwards: bool = False) -> list[nn.Module]:
    """A stage's blocks, from its resampling to the latent or, outwards, the other way round."""
    dilation = side.dilation if isinstance(side, SignalSide) else 1
    build, kernel, widths = BLOCKS[side.block], side.kernels[stage], side.stage_widths(stage)
    if side.block == "residual":
        pairs = [(widths[0], inner) for inner in widths[1:]]
    else:
        pairs = list(pairwise(widths))
        if outwards:
            pairs = [(inner, outer) for outer, inner in reversed(pairs)]
    layers: list[nn.Module] = []
    for place, (inputs, outputs) in enumerate(pairs):
        block = build(inputs, outputs, kernel, side.activation, dims, dilation**place)
        layers += [block, _activation(side)]
    return layers


def _into_latent(
    side: ConvSide, problem: Problem, size: tuple[int, ...], code: int
) -> list[nn.Module]:
    channels = side.innermost(len(side.channels) - 1)
    if problem.bottleneck == "spatial":
        return [CONVOLUTIONS[len(size)](channels, code, 1)]
    if problem.bottleneck == "pooled":
        return [MEANS[len(size)](1), nn.Flatten(), nn.Linear(channels, code)]
    flat = channels * math.prod(size)
    if side.hidden:
        hidden = [nn.Linear(flat, side.hidden), nn.Tanh(), nn.Linear(side.hidden, code)]
        return [nn.Flatten(), *hidden]
    return [nn.Flatten(), nn.Linear(flat, code)]


def _out_of_latent(side: ConvSide, problem: Problem, size: tuple[int, ...]) -> list[nn.Module]:
    channels, latent = side.innermost(len(side.channels) - 1), problem.latent
    if problem.bottleneck == "spatial":
        return [CONVOLUTIONS[len(size)](latent, channels, 1), _activation(side)]
    if problem.bottleneck == "pooled":
        spread = [nn.Linear(latent, channels), SpreadOverMap(channels, size)]
        return [*spread, _activation(side)]
    flat = channels * math.prod(size)
    layers: list[nn.Module] = []
    if side.hidden:
        layers = [nn.Linear(latent, side.hidden), nn.Tanh()]
        latent = side.hidden
    unflatten = nn.Unflatten(1, (channels, *size))
    return [*layers, nn.Linear(latent, flat), _activation(side), unflatten]
