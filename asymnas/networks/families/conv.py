"""What the convolutional families share: sides of stages, in one dimension or two.

    encoder  x ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ bottleneck ─▶ code
    decoder  x ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ bottleneck ◀─ z

A stage halves every axis, odd lengths rounded up; the decoder doubles and crops to the sizes that
the encoder passed through, so what is 27×45 comes back 27×45. The data's own resolution is met by
the outermost resampling alone.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

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
    same_conv,
)
from asymnas.networks.upsampling import UPSAMPLINGS

NARROWEST = 2  # channels
NOMINAL = 1024  # channels of the first stage before the budget fit scales them
MEANS = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}


@dataclass(frozen=True, kw_only=True)
class ConvSide:
    """One side, outermost stage first whichever the side.

    Args:
        channels: Channels of each stage; its length is the depth.
        kernels: Kernel size of each stage, pixels of an image or samples of a signal.
        resampling: An encoder's downsampling or a decoder's upsampling, by name.
        blocks: Blocks a stage beyond the resampling.
        block: `plain`, `residual` or `separable`.
        hidden: Width of a tanh layer between a dense bottleneck and the stages; 0 for none.
        activation: Name in `layers.ACTIVATIONS`.
    """

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    resampling: str
    blocks: int = 0
    block: str = "plain"
    hidden: int = 0
    activation: str = "silu"


S = TypeVar("S", bound=ConvSide)


def encoder(side: ConvSide, problem: Problem, code: int, dilation: int = 1) -> nn.Module:
    """`[b, c, *size] -> [b, code]`, or `[b, code, *inner]` with a spatial latent.

    Args:
        side: The side's config.
        problem: Whose shape says the number of dimensions.
        code: What the encoder puts out, or channels a position of it.
        dilation: What the dilation is multiplied by from one block of a stage to the next.
    """
    downsampling, dims = DOWNSAMPLINGS.get(side.resampling), len(problem.shape) - 1
    layers: list[nn.Module] = []
    size, *inner = sizes(problem.shape[1:], len(side.channels))
    channels = problem.shape[0]
    for outputs, kernel, halved in zip(side.channels, side.kernels, inner, strict=True):
        if any(length % 2 for length in size):
            layers.append(PadToEven())
        layers += [downsampling.build(channels, outputs, kernel, dims), _activation(side)]
        layers += _blocks(side, outputs, kernel, dims, dilation)
        channels, size = outputs, halved
    return nn.Sequential(*layers, *_into_latent(side, problem, size, code))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a convolutional family lets a side have.

    Args:
        depth: Stages, at most.
        spatial_depth: Stages before a spatial latent, where the data allow so many.
        kernels: Kernel sizes to choose from.
    """

    depth: int
    spatial_depth: int
    kernels: tuple[int, ...]

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector, or a map at the resolution that a spatial latent has."""
        if problem.bottleneck != "spatial":
            return (problem.latent,)
        return (problem.latent, *sizes(problem.shape[1:], self._spatial_depth(problem))[-1])

    def draw_stages(self, suggester: Suggester, side: SideName, problem: Problem) -> dict[str, Any]:
        """Draws depth, growth, kernel, blocks and block: a side's arguments but for resampling."""
        if problem.bottleneck == "spatial":
            depth = self._spatial_depth(problem)
        else:
            most = deepest(problem.shape[1:], self.depth)
            depth = suggester.suggest_int(f"{side}_depth", 1, most)
        growth = suggester.suggest_float(f"{side}_growth", 1.0, 2.0, step=0.5)
        kernel = suggester.suggest_categorical(f"{side}_kernel", self.kernels)
        blocks = suggester.suggest_int(f"{side}_blocks", 0, 2)
        block = suggester.suggest_categorical(f"{side}_block", tuple(BLOCKS))
        return {
            "channels": tuple(round(NOMINAL * growth**stage) for stage in range(depth)),
            "kernels": (kernel,) * depth,
            "blocks": blocks,
            "block": block if blocks else "plain",
        }

    def _spatial_depth(self, problem: Problem) -> int:
        return min(self.spatial_depth, deepest(problem.shape[1:], self.depth))


def draw_resampling(suggester: Suggester, side: SideName) -> str:
    """Draws how a side halves or doubles its resolution."""
    registry = DOWNSAMPLINGS if side == "encoder" else UPSAMPLINGS
    way = "downsampling" if side == "encoder" else "upsampling"
    name: str = suggester.suggest_categorical(f"{side}_{way}", registry.names())
    return name


def decoder(side: ConvSide, problem: Problem, dilation: int = 1) -> nn.Module:
    """`[b, latent]`, or `[b, latent, *inner]`, `-> [b, c, *size]`; arguments as for `encoder`."""
    upsample, dims = UPSAMPLINGS.get(side.resampling), len(problem.shape) - 1
    passed = sizes(problem.shape[1:], len(side.channels))
    layers = _out_of_latent(side, problem, passed[-1])
    for stage in reversed(range(len(side.channels))):
        channels, kernel = side.channels[stage], side.kernels[stage]
        outputs = side.channels[stage - 1] if stage else problem.shape[0]
        layers += _blocks(side, channels, kernel, dims, dilation)
        layers.append(as_upsampling(upsample(channels, outputs, kernel, dims)))
        if passed[stage] != tuple(2 * length for length in passed[stage + 1]):
            layers.append(Crop(*passed[stage]))
        if stage:
            layers.append(_activation(side))
    return nn.Sequential(*layers)


def scaled(side: S, factor: float) -> S:
    """The side with channels and hidden layer times `factor`, at least two of each."""
    channels = tuple(max(NARROWEST, round(c * factor)) for c in side.channels)
    hidden = max(NARROWEST, round(side.hidden * factor)) if side.hidden else 0
    return replace(side, channels=channels, hidden=hidden)


def mirrored(side: S) -> S:
    """The same stages, with the upsampling that mirrors the downsampling."""
    return replace(side, resampling=DOWNSAMPLINGS.get(side.resampling).mirror)


def sizes(size: tuple[int, ...], depth: int) -> list[tuple[int, ...]]:
    """Sizes that `depth` stages pass through, the data's own first."""
    passed = [size]
    for _ in range(depth):
        passed.append(tuple((length + 1) // 2 for length in passed[-1]))
    return passed


def deepest(size: tuple[int, ...], most: int) -> int:
    """Most stages, up to `most`, that leave at least two positions on the shortest axis."""
    depth, shortest = 1, min(size)
    while depth < most and (shortest + 1) // 2 >= 4:
        depth, shortest = depth + 1, (shortest + 1) // 2
    return depth


class Residual(nn.Module):
    """(x + conv(act(conv(x)))) / √2, which keeps the variance."""

    def __init__(
        self, channels: int, kernel: int, activation: str, dims: int, dilation: int
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            same_conv(channels, channels, kernel, dims=dims, dilation=dilation),
            ACTIVATIONS[activation](),
            same_conv(channels, channels, kernel, dims=dims, dilation=dilation),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, *size] -> [b, c, *size]`."""
        output: Tensor = (x + self.body(x)) * 0.7071
        return output


def _plain(channels: int, kernel: int, activation: str, dims: int, dilation: int) -> nn.Module:
    return same_conv(channels, channels, kernel, dims=dims, dilation=dilation)


def _separable(channels: int, kernel: int, activation: str, dims: int, dilation: int) -> nn.Module:
    depthwise = same_conv(channels, channels, kernel, channels, dims=dims, dilation=dilation)
    return nn.Sequential(depthwise, CONVOLUTIONS[dims](channels, channels, 1))


#: `(channels, kernel, activation, dims, dilation) -> module` by name.
BLOCKS: dict[str, Callable[[int, int, str, int, int], nn.Module]] = {
    "plain": _plain,
    "residual": Residual,
    "separable": _separable,
}


class AddPosition(nn.Module):
    """Spreads `[b, c]` over all positions and adds a learned map."""

    def __init__(self, channels: int, size: tuple[int, ...]) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(channels, *size) / 2)

    def forward(self, x: Tensor) -> Tensor:
        """Returns `[b, c, *size]`."""
        spread = x.view(*x.shape, *(1,) * (self.position.dim() - 1))
        return spread + self.position


def _activation(side: ConvSide) -> nn.Module:
    return ACTIVATIONS[side.activation]()


def _blocks(
    side: ConvSide, channels: int, kernel: int, dims: int, dilation: int
) -> list[nn.Module]:
    block = BLOCKS[side.block]
    layers: list[nn.Module] = []
    for place in range(side.blocks):
        layers += [
            block(channels, kernel, side.activation, dims, dilation**place),
            _activation(side),
        ]
    return layers


def _into_latent(
    side: ConvSide, problem: Problem, size: tuple[int, ...], code: int
) -> list[nn.Module]:
    channels = side.channels[-1]
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
    channels, latent = side.channels[-1], problem.latent
    if problem.bottleneck == "spatial":
        return [CONVOLUTIONS[len(size)](latent, channels, 1), _activation(side)]
    if problem.bottleneck == "pooled":
        spread = [nn.Linear(latent, channels), AddPosition(channels, size)]
        return [*spread, _activation(side)]
    flat = channels * math.prod(size)
    layers: list[nn.Module] = []
    if side.hidden:
        layers = [nn.Linear(latent, side.hidden), nn.Tanh()]
        latent = side.hidden
    unflatten = nn.Unflatten(1, (channels, *size))
    return [*layers, nn.Linear(latent, flat), _activation(side), unflatten]


SIGNAL_LIMITS = Limits(depth=6, spatial_depth=4, kernels=(3, 7))  # a sixteenth of the length


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
        return SIGNAL_LIMITS.latent_shape(problem)

    def tokens(self, problem: Problem) -> int:
        """None: an example is taken whole."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> SignalSide:
        """Draws depth, blocks, block, dilation, kernel, growth and resampling of one side."""
        stages = SIGNAL_LIMITS.draw_stages(suggester, side, problem)
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


IMAGE_LIMITS = Limits(depth=4, spatial_depth=2, kernels=(3, 5))  # a quarter of height and width


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
        return IMAGE_LIMITS.latent_shape(problem)

    def tokens(self, problem: Problem) -> int:
        """None: an example is taken whole."""
        return 0

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> ConvSide:
        """Draws depth, blocks, block, kernel, growth and resampling of one side."""
        stages = IMAGE_LIMITS.draw_stages(suggester, side, problem)
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
