"""Layers that are computed otherwise in training, with the same result: what a step gains.

    python benchmarks/exact_rewrites.py [--networks 30]

Candidates drawn at random from the default space of Fashion-MNIST (150,000 parameters), forward and
backward pass of a batch of 64, with one thread, in bf16. Compared with the layers as they are, in
turn, by processor time, the smallest of `ROUNDS` for each, are

- those of `asymnas.training.rewrites`, one kind at a time and both;
- swapped: the weight gradient of a convolution to at most three channels taken with the roles of
  input and output swapped. It is not in the package.

Then single layers of several sizes, each after a pointwise convolution: they show from which size
on it gains. Writes benchmarks/exact_rewrites.md.
"""

import argparse
import copy
import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from heading import heading
from torch import Tensor, nn
from torch.nn.functional import conv2d, mse_loss

from asymnas import Architecture, StudyConfig
from asymnas.runs.plan import plan_search
from asymnas.space.suggesters import Random
from asymnas.training import rewrites
from asymnas.training.rewrites import FoldedUpsampling, TiledConv2d, rewrite
from asymnas.training.steps import arithmetic

RESULTS = Path(__file__).with_suffix(".md")
BATCH, ROUNDS, STEPS, WARM_UP = 64, 5, 12, 3
FEW = 3  # channels of an image
CHANNELS = (2, 4, 8, 16, 32, 64)


class _Swapped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return conv2d(x, weight, bias, padding=weight.shape[2] // 2)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        edge = weight.shape[2] // 2
        rest = (None, [1, 1], [edge, edge], [1, 1], False, [0, 0], 1)
        backward = torch.ops.aten.convolution_backward
        by_x = backward(grad, x, weight, *rest, (True, False, False))[0]
        turned = backward(x, grad, weight.transpose(0, 1), *rest, (False, True, False))[1]
        return by_x, turned.flip((2, 3)).transpose(0, 1), grad.sum((0, 2, 3))


class SwappedConv2d(nn.Conv2d):
    """A convolution to few channels."""

    def forward(self, x: Tensor) -> Tensor:
        """`[b, c, h, w] -> [b, few, h, w]`."""
        low = (each.to(torch.bfloat16) for each in (x, self.weight, self.bias))
        return _Swapped.apply(*low)


def swap(model: nn.Module) -> None:
    """Makes the convolutions to few channels such that their gradients are swapped, in place."""
    for conv in model.modules():
        if type(conv) is nn.Conv2d and conv.out_channels <= FEW < conv.in_channels:
            edge = conv.kernel_size[0] // 2
            if conv.kernel_size[0] > 1 and conv.padding == (edge, edge) and conv.stride == (1, 1):
                conv.__class__ = SwappedConv2d


def keep(model: nn.Module, kinds: Iterable[type]) -> None:
    """Takes back the rewrites of other kinds."""
    for layer in model.modules():
        for kind, usual in ((TiledConv2d, nn.Conv2d), (FoldedUpsampling, nn.Sequential)):
            if isinstance(layer, kind) and kind not in kinds:
                layer.__class__ = usual


WAYS = {
    "folded": (FoldedUpsampling,),
    "tiled": (TiledConv2d,),
    "both": (FoldedUpsampling, TiledConv2d),
    "swapped": (SwappedConv2d,),
}


def seconds(model: nn.Module, x: Tensor) -> float:
    """Processor time of a forward and backward pass."""
    before = 0.0
    for step in range(WARM_UP + STEPS):
        if step == WARM_UP:
            before = time.process_time()
        with arithmetic("bf16", torch.device("cpu")):
            y = model(x)
            loss = mse_loss(y, x) if y.shape == x.shape else y.square().mean()
        loss.backward()
        model.zero_grad(set_to_none=True)
    return (time.process_time() - before) / STEPS


def compare(architecture: Architecture) -> dict[str, float]:
    """Seconds per step of the network, under "", and with each rewrite that changes it."""
    x = torch.rand(BATCH, *architecture.shape, generator=torch.Generator().manual_seed(0))
    x = x.to(memory_format=torch.channels_last)
    models = {"": architecture.build(0).to(memory_format=torch.channels_last)}
    for name, kinds in WAYS.items():
        other = copy.deepcopy(models[""])
        if name == "swapped":
            swap(other)
        else:
            rewrite(other)
            keep(other, kinds)
        if any(isinstance(layer, kinds) for layer in other.modules()):
            models[name] = other
    best = dict.fromkeys(models, float("inf"))
    for _ in range(ROUNDS):
        for name, model in models.items():
            best[name] = min(best[name], seconds(model, x))
    return best


def layer_gain(layer: nn.Module, inputs: int, side: int) -> float:
    """How many times as fast a layer is when it is rewritten, whatever its size."""
    x = torch.rand(BATCH, inputs, side, side).to(memory_format=torch.channels_last)
    model = nn.Sequential(nn.Conv2d(inputs, inputs, 1), layer).to(memory_format=torch.channels_last)
    other = copy.deepcopy(model)
    rewrite(other)
    best = {id(each): float("inf") for each in (model, other)}
    with patch.multiple(rewrites, LEAST_WIDTH=0, LEAST_MAP=0):
        for _ in range(ROUNDS):
            for each in (model, other):
                best[id(each)] = min(best[id(each)], seconds(each, x))
    return best[id(model)] / best[id(other)]


def layers() -> list[str]:
    """Gains of single layers, each after a pointwise convolution, as Markdown."""
    lines = ["", "Tiled depthwise 5×5, by channels and side of the map:", ""]
    lines += [f"| side | {' | '.join(map(str, CHANNELS))} |", f"|---{'|---' * len(CHANNELS)}|"]
    for side in (28, 14, 7, 4):
        gains = [layer_gain(nn.Conv2d(c, c, 5, padding=2, groups=c), c, side) for c in CHANNELS]
        lines.append(f"| {side} | {' | '.join(f'{gain:.2f}' for gain in gains)} |")
    columns = [(kernel, outputs) for kernel in (3, 5) for outputs in (1, 4, 16, 32)]
    heads = (f"{kernel}×{kernel} to {outputs}" for kernel, outputs in columns)
    lines += ["", "Folded, from 16 channels, by side of the small map, kernel and outputs:", ""]
    lines += [f"| side | {' | '.join(heads)} |", f"|---{'|---' * len(columns)}|"]
    for side in (14, 7, 4):
        with patch.object(rewrites, "FEW", 64):
            gains = [
                layer_gain(
                    nn.Sequential(
                        nn.Upsample(scale_factor=2.0),
                        nn.Conv2d(16, outputs, kernel, padding=kernel // 2),
                    ),
                    16,
                    side,
                )
                for kernel, outputs in columns
            ]
        lines.append(f"| {side} | {' | '.join(f'{gain:.2f}' for gain in gains)} |")
    return lines


def report(found: Sequence[Mapping[str, float]]) -> str:
    """The tables, as Markdown."""
    lines = [
        *heading("Layers computed otherwise", __file__),
        f"{len(found)} candidates, bf16. Gain: how many times as fast. Load "
        f"{os.getloadavg()[0]:.1f} at the end.",
        "",
        "| rewrite | candidates it changes | their gain, median (range) | gain over all, by time |",
        "|---|---|---|---|",
    ]
    for name in WAYS:
        gains = [times[""] / times[name] for times in found if name in times]
        before = sum(times[""] for times in found)
        after = sum(times.get(name, times[""]) for times in found)
        lines.append(
            f"| {name} | {len(gains)} | {statistics.median(gains):.2f} "
            f"({min(gains):.2f} to {max(gains):.2f}) | {before / after:.2f} |"
        )
    return "\n".join([*lines, *layers()]) + "\n"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=30)
    count = parser.parse_args().networks
    torch.set_num_threads(1)
    plan = plan_search(StudyConfig(dataset="fashion-mnist", budget=150_000))
    draw, found = Random(0), []
    for number in range(count):
        found.append(compare(plan.space.suggest(draw).architecture))
        print(number, {name: round(found[-1][""] / found[-1][name], 3) for name in found[-1]})
    RESULTS.write_text(report(found), "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
