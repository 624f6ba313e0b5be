"""Two-dimensional convolutions: stages of blocks between resamplings, for images of any size.

    encoder  x ─▶ [pad to even ▸ downsample ▸ blocks] × depth ─▶ bottleneck ─▶ code
    decoder  x ◀─ [crop ◂ upsample ◂ blocks] × depth ◀─ bottleneck ◀─ z

A stage halves height and width, odd sizes rounded up; the decoder doubles and crops to the sizes
that the encoder passed through, so 27×45 comes back 27×45. The data's own resolution is met by the
outermost resampling alone.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from asymnas.downsampling import DOWNSAMPLINGS
from asymnas.families import FAMILIES, Problem, SideName, Suggester
from asymnas.layers import ACTIVATIONS, Crop, PadToEven, same_conv
from asymnas.upsampling import UPSAMPLINGS

MAX_DEPTH = 4
SPATIAL_DEPTH = 2  # stages before a spatial latent: a quarter of height and width
NARROWEST = 2  # channels
NOMINAL = 1024  # channels of the first stage before the budget fit scales them


@dataclass(frozen=True, kw_only=True)
class ConvSide:
    """One side, outermost stage first whichever the side.

    Args:
        channels: Channels of each stage; its length is the depth.
        kernels: Kernel size of each stage, pixels.
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


class Residual(nn.Module):
    """(x + conv(act(conv(x)))) / √2, which keeps the variance."""

    def __init__(self, channels: int, kernel: int, activation: str) -> None:
        super().__init__()
        self.body = nn.Sequential(
            same_conv(channels, channels, kernel),
            ACTIVATIONS[activation](),
            same_conv(channels, channels, kernel),
        )

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, h, w] -> [b, c, h, w]`."""
        output: Tensor = (x + self.body(x)) * 0.7071
        return output


def _plain(channels: int, kernel: int, activation: str) -> nn.Module:
    return same_conv(channels, channels, kernel)


def _separable(channels: int, kernel: int, activation: str) -> nn.Module:
    depthwise = same_conv(channels, channels, kernel, groups=channels)
    return nn.Sequential(depthwise, nn.Conv2d(channels, channels, 1))


BLOCKS = {"plain": _plain, "residual": Residual, "separable": _separable}


class AddPosition(nn.Module):
    """Spreads `[b, c]` over height and width and adds a learned map."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(channels, height, width) / 2)

    def forward(self, x: Tensor) -> Tensor:
        """Returns `[b, c, height, width]`."""
        return x[:, :, None, None] + self.position


def sizes(height: int, width: int, depth: int) -> list[tuple[int, int]]:
    """Heights and widths that `depth` stages pass through, the data's own first."""
    passed = [(height, width)]
    for _ in range(depth):
        height, width = (height + 1) // 2, (width + 1) // 2
        passed.append((height, width))
    return passed


def deepest(shape: tuple[int, ...]) -> int:
    """Most stages that leave at least two pixels on the shorter side; at most `MAX_DEPTH`."""
    depth, shorter = 1, min(shape[1:])
    while depth < MAX_DEPTH and (shorter + 1) // 2 >= 4:
        depth, shorter = depth + 1, (shorter + 1) // 2
    return depth


class Conv2d:
    """The family; see the module's docstring."""

    config_type = ConvSide

    def refuse(self, problem: Problem) -> str | None:
        """Images only, of at least 2×2 pixels."""
        if len(problem.shape) != 3 or min(problem.shape[1:]) < 2:
            return (
                "conv2d takes images of 2×2 pixels or more; an example here is "
                f"{problem.shape}: take the dense family"
            )
        return None

    def latent_shape(self, problem: Problem) -> tuple[int, ...]:
        """A vector, or a map at the resolution that a spatial latent has."""
        if problem.bottleneck != "spatial":
            return (problem.latent,)
        depth = min(SPATIAL_DEPTH, deepest(problem.shape))
        return (problem.latent, *sizes(problem.shape[1], problem.shape[2], depth)[-1])

    def suggest(self, suggester: Suggester, side: SideName, problem: Problem) -> ConvSide:
        """Draws depth, blocks, block, kernel, growth and resampling of one side."""
        if problem.bottleneck == "spatial":
            depth = min(SPATIAL_DEPTH, deepest(problem.shape))
        else:
            depth = suggester.suggest_int(f"{side}_depth", 1, deepest(problem.shape))
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
        channels = tuple(max(NARROWEST, round(c * factor)) for c in config.channels)
        hidden = max(NARROWEST, round(config.hidden * factor)) if config.hidden else 0
        return replace(config, channels=channels, hidden=hidden)

    def build_encoder(self, config: ConvSide, problem: Problem, code: int) -> nn.Module:
        """`[b, c, h, w] -> [b, code]`, or `[b, code, h', w']` with a spatial latent."""
        downsampling = DOWNSAMPLINGS.get(config.resampling)
        layers: list[nn.Module] = []
        inputs, *inner = sizes(problem.shape[1], problem.shape[2], len(config.channels))
        channels = problem.shape[0]
        for outputs, kernel, size in zip(config.channels, config.kernels, inner, strict=True):
            if inputs[0] % 2 or inputs[1] % 2:
                layers.append(PadToEven())
            layers += [downsampling.build(channels, outputs, kernel), _activation(config)]
            layers += _blocks(config, outputs, kernel)
            channels, inputs = outputs, size
        return nn.Sequential(*layers, *_into_latent(config, problem, inputs, code))

    def build_decoder(self, config: ConvSide, problem: Problem) -> nn.Module:
        """`[b, latent]`, or `[b, latent, h', w']`, `-> [b, c, h, w]`."""
        upsample = UPSAMPLINGS.get(config.resampling)
        passed = sizes(problem.shape[1], problem.shape[2], len(config.channels))
        layers = _out_of_latent(config, problem, passed[-1])
        for stage in reversed(range(len(config.channels))):
            channels, kernel = config.channels[stage], config.kernels[stage]
            outputs = config.channels[stage - 1] if stage else problem.shape[0]
            layers += [*_blocks(config, channels, kernel), upsample(channels, outputs, kernel)]
            if passed[stage] != (2 * passed[stage + 1][0], 2 * passed[stage + 1][1]):
                layers.append(Crop(*passed[stage]))
            if stage:
                layers.append(_activation(config))
        return nn.Sequential(*layers)

    def mirror(self, encoder: ConvSide) -> ConvSide:
        """The same stages, with the upsampling that mirrors the downsampling."""
        return replace(encoder, resampling=DOWNSAMPLINGS.get(encoder.resampling).mirror)


FAMILIES.register("conv2d")(Conv2d())


def _activation(config: ConvSide) -> nn.Module:
    return ACTIVATIONS[config.activation]()


def _blocks(config: ConvSide, channels: int, kernel: int) -> list[nn.Module]:
    block = BLOCKS[config.block]
    layers: list[nn.Module] = []
    for _ in range(config.blocks):
        layers += [block(channels, kernel, config.activation), _activation(config)]
    return layers


def _into_latent(
    config: ConvSide, problem: Problem, size: tuple[int, int], code: int
) -> list[nn.Module]:
    channels = config.channels[-1]
    if problem.bottleneck == "spatial":
        return [nn.Conv2d(channels, code, 1)]
    if problem.bottleneck == "pooled":
        return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, code)]
    flat = channels * size[0] * size[1]
    if config.hidden:
        hidden = [nn.Linear(flat, config.hidden), nn.Tanh(), nn.Linear(config.hidden, code)]
        return [nn.Flatten(), *hidden]
    return [nn.Flatten(), nn.Linear(flat, code)]


def _out_of_latent(config: ConvSide, problem: Problem, size: tuple[int, int]) -> list[nn.Module]:
    channels, latent = config.channels[-1], problem.latent
    if problem.bottleneck == "spatial":
        return [nn.Conv2d(latent, channels, 1), _activation(config)]
    if problem.bottleneck == "pooled":
        spread = [nn.Linear(latent, channels), AddPosition(channels, *size)]
        return [*spread, _activation(config)]
    flat = channels * size[0] * size[1]
    layers: list[nn.Module] = []
    if config.hidden:
        layers = [nn.Linear(latent, config.hidden), nn.Tanh()]
        latent = config.hidden
    return [
        *layers,
        nn.Linear(latent, flat),
        _activation(config),
        nn.Unflatten(1, (channels, *size)),
    ]
