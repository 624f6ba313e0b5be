"""Convolutional families: stages that halve signals (`conv1d`) or images (`conv2d`).

    encoder  x ─▶ (conv) ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ (attention) ─▶ code
    decoder  x ◀─ (conv) ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ (attention) ◀─ bottleneck ◀─ z

What stands in brackets is there in some sides only: a convolution at the data's own resolution, and
attention among the positions next to the bottleneck. A stage halves every axis, odd lengths rounded
up; the decoder doubles and crops to the sizes that the encoder passed through, so an image of 27×45
is reconstructed as 27×45.

Both families are one implementation, registered with other limits.

Shapes: `b` batch, `c` channels, `*size` the length, or height and width, of an example, `*inner`
the same after the last stage, `code` what the encoder puts out.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, get_args

from torch import nn

from asymnas.core.errors import ConfigError
from asymnas.networks.conv_blocks import BLOCKS, Norm, PositionAttention, SpreadOverMap, active
from asymnas.networks.downsampling import DOWNSAMPLINGS
from asymnas.networks.families import FAMILIES, Problem, SideName, Suggester
from asymnas.networks.layers import (
    ACTIVATIONS,
    CONVOLUTIONS,
    Crop,
    PadToEven,
    SmallStart,
    as_upsampling,
    one_wider,
    same_conv,
    scaled_widths,
)
from asymnas.networks.upsampling import UPSAMPLINGS

NARROWEST = 2  # channels
NOMINAL = 1024  # channels of the first stage before the budget fit scales them
HIDDEN = 2  # units of the hidden layer over the innermost channels, as in `reference`
MOST_POSITIONS = 400  # among which attention is offered; its cost grows with their square
PLACES = ("all", "inner", "outer")  # stages that have the most blocks
ACTIVE = ("silu", "relu", "gelu")
OPTIONAL = ("outer", "hidden", "attention")  # widths of what only some sides have
MEANS = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}


@dataclass(frozen=True, kw_only=True)
class ConvSide:
    """One side of images, outermost stage first whichever the side.

    Args:
        channels: Channels next to each stage's resampling; its length is the depth.
        kernels: Kernel size of each stage, pixels of an image or samples of a signal.
        resampling: An encoder's downsampling or a decoder's upsampling, by name.
        blocks: Blocks of each stage beyond the resampling; a number stands for all stages.
        block: Name in `BLOCKS`: `plain`, `residual` or `separable`.
        hidden: Width of a tanh layer between a dense bottleneck and the stages; 0 for none.
        activation: Name in `layers.ACTIVATIONS`.
        inner: Channels of each block, stage by stage: those inside of a residual block, those on
            the latent's side of a plain one. Empty: as `channels`. They may differ by a channel, so
            that a budget can be filled to one per cent.
        outer: Channels of a convolution at the data's own resolution, next to the data; 0 for none.
        norm: `none`, or `group`: a group norm of one group before each activation but those after
            residual sums.
        attention: Numbers of the head by which positions next to the bottleneck attend to each
            other; 0 for none.
    """

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    resampling: str
    blocks: tuple[int, ...] | int = 0
    block: str = "plain"
    hidden: int = 0
    activation: str = "silu"
    inner: tuple[int, ...] = ()
    outer: int = 0
    norm: Norm = "none"
    attention: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.blocks, int):  # as architectures of earlier versions have it
            object.__setattr__(self, "blocks", (self.blocks,) * len(self.channels))
        elif len(self.blocks) != len(self.channels):
            raise ConfigError(
                f"blocks has {len(self.blocks)} entries for {len(self.channels)} stages: give "
                "one number per stage, or one for all"
            )

    def stage_blocks(self) -> tuple[int, ...]:
        """Blocks of each stage."""
        return (self.blocks,) if isinstance(self.blocks, int) else self.blocks

    def stage_widths(self, stage: int) -> tuple[int, ...]:
        """Channels next to a stage's resampling, then those of each of its blocks."""
        blocks = self.stage_blocks()
        before, own = sum(blocks[:stage]), blocks[stage]
        inner = self.inner[before : before + own]
        return (self.channels[stage], *(inner or self.channels[stage : stage + 1] * own))

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

    @property
    def optional(self) -> tuple[str, ...]:
        """Choices that only a wide space draws; docs/space.md says why."""
        return ("blocks_place", "norm", "activation", "outer", "hidden", "attention")

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> ConvSide:
        """Draws every choice of the table in docs/space.md but the size."""
        if problem.bottleneck == "spatial":
            depth = self._spatial_depth(problem)
        else:
            most = deepest(problem.shape[1:], self.depth)
            depth = suggester.suggest_int(f"{side}_depth", 1, most)
        growth = suggester.suggest_float(f"{side}_growth", 1.0, 2.0, step=0.5)
        channels = tuple(round(NOMINAL * growth**stage) for stage in range(depth))
        kernel = suggester.suggest_categorical(f"{side}_kernel", self.kernels)
        most_blocks = suggester.suggest_int(f"{side}_blocks", 0, 2)
        place = suggester.suggest_categorical(f"{side}_blocks_place", PLACES)
        blocks = spread_blocks(most_blocks, place, depth)
        block = suggester.suggest_categorical(f"{side}_block", tuple(BLOCKS))
        more: dict[str, Any] = {
            "norm": suggester.suggest_categorical(f"{side}_norm", get_args(Norm)),
            "activation": suggester.suggest_categorical(f"{side}_activation", ACTIVE),
        }
        if suggester.suggest_categorical(f"{side}_outer", (False, True)):
            more["outer"] = round(NOMINAL / growth)
        if problem.bottleneck == "dense" and suggester.suggest_categorical(
            f"{side}_hidden", (False, True)
        ):
            more["hidden"] = HIDDEN * channels[-1]
        if self._may_attend(problem) and suggester.suggest_categorical(
            f"{side}_attention", (False, True)
        ):
            innermost = stage_sizes(problem.shape[1:], depth)[-1]
            few = math.prod(innermost) <= MOST_POSITIONS
            more["attention"] = channels[-1] if few else 0
        if self.config_type is SignalSide:
            dilation = suggester.suggest_categorical(f"{side}_dilation", (1, 2))
            more["dilation"] = dilation if max(blocks) > 1 else 1
        registry, way = (
            (DOWNSAMPLINGS, "downsampling") if side == "encoder" else (UPSAMPLINGS, "upsampling")
        )
        return self.config_type(
            channels=channels,
            kernels=(kernel,) * depth,
            resampling=suggester.suggest_categorical(f"{side}_{way}", registry.names()),
            blocks=blocks,
            block=block if any(blocks) else "plain",
            # A separable block has one width, so that the mirror of each has as many weights.
            inner=tuple(
                width
                for width, count in zip(channels, blocks, strict=True)
                for _ in range(count)
                if block != "separable"
            ),
            **more,
        )

    def scale(self, config: ConvSide, factor: float) -> ConvSide:
        """Multiplies every width by `factor`; each is at least two."""
        optional = {
            name: max(NARROWEST, round(width * factor))
            for name in OPTIONAL
            if (width := getattr(config, name))
        }
        channels = scaled_widths(config.channels, factor, NARROWEST, 0.25)
        inner = scaled_widths(config.inner, factor, NARROWEST, 0.75)
        return replace(config, channels=channels, inner=inner, **optional)

    def widened(self, config: ConvSide) -> list[ConvSide]:
        """A stage's channels, a block's, or the width of a layer that only some sides have."""
        wider = [replace(config, channels=channels) for channels in one_wider(config.channels)]
        wider += [replace(config, inner=inner) for inner in one_wider(config.inner)]
        for name in OPTIONAL:
            if width := getattr(config, name):
                one: dict[str, Any] = {name: width + 1}
                wider.append(replace(config, **one))
        return wider

    def build_encoder(self, config: ConvSide, problem: Problem, code: int) -> nn.Module:
        """`[b, c, *size] -> [b, code]`, or `[b, code, *inner]` with a spatial latent."""
        downsampling = DOWNSAMPLINGS.get(config.resampling)
        layers: list[nn.Module] = []
        size, *inner = stage_sizes(problem.shape[1:], len(config.channels))
        inputs = problem.shape[0]
        if config.outer:
            layers.append(same_conv(inputs, config.outer, config.kernels[0], dims=self.dims))
            layers += _active(config, config.outer)
            inputs = config.outer
        for stage, halved in enumerate(inner):
            outputs, kernel = config.channels[stage], config.kernels[stage]
            if any(length % 2 for length in size):
                layers.append(PadToEven())
            layers.append(downsampling.build(inputs, outputs, kernel, self.dims))
            layers += _active(config, outputs)
            layers += _blocks(config, stage, self.dims)
            inputs, size = config.innermost(stage), halved
        if config.attention:
            layers.append(PositionAttention(inputs, config.attention))
        return nn.Sequential(*layers, *_into_latent(config, problem, size, code))

    def build_decoder(self, config: ConvSide, problem: Problem) -> nn.Module:
        """`[b, latent]`, or `[b, latent, *inner]`, `-> [b, c, *size]`."""
        upsample = UPSAMPLINGS.get(config.resampling)
        sizes = stage_sizes(problem.shape[1:], len(config.channels))
        layers = _out_of_latent(config, problem, sizes[-1])
        if config.attention:
            channels = config.innermost(len(config.channels) - 1)
            layers.append(PositionAttention(channels, config.attention))
        values = problem.shape[0]
        for stage in reversed(range(len(config.channels))):
            channels, kernel = config.channels[stage], config.kernels[stage]
            outputs = config.innermost(stage - 1) if stage else config.outer or values
            layers += _blocks(config, stage, self.dims, outwards=True)
            layer = upsample(channels, outputs, kernel, self.dims)
            last = stage == 0 and not config.outer
            layers.append(as_upsampling(_output(config, layer) if last else layer))
            if sizes[stage] != tuple(2 * length for length in sizes[stage + 1]):
                layers.append(Crop(*sizes[stage]))
            if not last:
                layers += _active(config, outputs)
        if config.outer:
            outermost = same_conv(config.outer, values, config.kernels[0], dims=self.dims)
            layers.append(_output(config, outermost))
        return nn.Sequential(*layers)

    def mirror(self, encoder: ConvSide) -> ConvSide:
        """The same stages, with the upsampling that mirrors the downsampling."""
        return replace(encoder, resampling=DOWNSAMPLINGS.get(encoder.resampling).mirror)

    def _may_attend(self, problem: Problem) -> bool:
        """Whether some draw of images has few enough positions next to the bottleneck."""
        spatial = problem.bottleneck == "spatial"
        most = self._spatial_depth(problem) if spatial else deepest(problem.shape[1:], self.depth)
        innermost = stage_sizes(problem.shape[1:], most)[-1]
        return self.dims == 2 and math.prod(innermost) <= MOST_POSITIONS

    def _spatial_depth(self, problem: Problem) -> int:
        return min(self.spatial_depth, deepest(problem.shape[1:], self.depth))


FAMILIES.register("conv1d", "Convolutional stages that halve signals")(
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
FAMILIES.register("conv2d", "Convolutional stages that halve images")(
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


def spread_blocks(most: int, place: str, depth: int) -> tuple[int, ...]:
    """Blocks of each stage, the outermost first.

    Args:
        most: Of a stage.
        place: `all` stages have so many, or the number falls to none towards the other end: most
            are `inner`, next to the latent, or `outer`, next to the data.
        depth: Stages.
    """
    if place == "all" or depth == 1:
        return (most,) * depth
    rising = tuple(math.floor(most * stage / (depth - 1) + 0.5) for stage in range(depth))
    return rising if place == "inner" else rising[::-1]


def _active(side: ConvSide, channels: int) -> list[nn.Module]:
    return active(side.norm, side.activation, channels)


def _output(side: ConvSide, layer: nn.Module) -> nn.Module:
    """The layer that gives the output; it starts small after a norm."""
    return layer if side.norm == "none" else SmallStart(layer)


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
    activate = partial(active, side.norm, side.activation)
    layers: list[nn.Module] = []
    for place, (inputs, outputs) in enumerate(pairs):
        block = build(inputs, outputs, kernel, activate, dims, dilation**place)
        after = [ACTIVATIONS[side.activation]()] if side.block == "residual" else activate(outputs)
        layers += [block, *after]
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
        return [CONVOLUTIONS[len(size)](latent, channels, 1), *_active(side, channels)]
    if problem.bottleneck == "pooled":
        spread = [nn.Linear(latent, channels), SpreadOverMap(channels, size)]
        return [*spread, *_active(side, channels)]
    flat = channels * math.prod(size)
    layers: list[nn.Module] = []
    if side.hidden:
        layers = [nn.Linear(latent, side.hidden), nn.Tanh()]
        latent = side.hidden
    unflatten = nn.Unflatten(1, (channels, *size))
    layers.append(nn.Linear(latent, flat))
    if side.norm == "none":
        return [*layers, ACTIVATIONS[side.activation](), unflatten]
    return [*layers, unflatten, *_active(side, channels)]
