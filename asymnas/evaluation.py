"""What a trained network scores on one split, and what it makes of a few examples.

Whatever a kind draws to validate, such as the corruption that a denoising network must undo, comes
from a generator seeded by a constant and by the chunk's place in the split. On one device, all
candidates, rungs and seeds are therefore scored on the very same corruption.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from asymnas.datasets import Examples
from asymnas.kinds import KINDS, Autoencoder
from asymnas.metrics import METRICS

EVALUATION_BATCH = 500  # examples a chunk; part of what is drawn, so it is a constant
EVALUATION_SEED = 1_357_924_680  # any number but a small one, which a training step may have
SAMPLES = 8  # examples whose reconstructions are kept


class Scores(NamedTuple):
    """Averages over the examples of a split.

    Args:
        loss: The kind's validation loss.
        metrics: The metrics asked for, by registered name.
    """

    loss: float
    metrics: dict[str, float]


@torch.inference_mode()
def evaluate(
    model: Autoencoder,
    examples: Examples,
    metrics: tuple[str, ...] = (),
    *,
    kind: str,
    data_range: float = 1.0,
) -> Scores:
    """Scores a network on one split, in fp32.

    Args:
        model: On any device; chunks of the split are moved there.
        examples: The split as stored, `[n, *shape]`, uint8 or float32.
        metrics: Registered names; each compares the output with the clean example.
        kind: The registered kind whose validation loss is taken.
        data_range: Greatest minus least possible value, for the metrics.
    """
    model.eval()
    validate = KINDS.get(kind).validate
    loss, sums = 0.0, dict.fromkeys(metrics, 0.0)
    for place, chunk in enumerate(examples.split(EVALUATION_BATCH)):
        x = as_input(chunk.to(_device(model)))
        output, losses = validate(model, x, _generator(x, place))
        loss += float(losses.double().sum())
        for name in metrics:
            sums[name] += float(METRICS.get(name).of(x, output, data_range).double().sum())
    model.train()
    n = len(examples)
    return Scores(loss / n, {name: total / n for name, total in sums.items()})


@torch.inference_mode()
def reconstruct(
    model: Autoencoder, examples: Examples, *, kind: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The first `SAMPLES` examples, clean, and the outputs that the kind validates.

    A denoising network's output is what it made of the corrupted example.

    Returns:
        Examples and outputs, each float32 `[n, *shape]` in values as the network takes them.
    """
    model.eval()
    first = next(iter(examples.split(SAMPLES)))
    x = as_input(first.to(_device(model)))
    output, _ = KINDS.get(kind).validate(model, x, _generator(x, place=0))
    model.train()
    return _array(x), _array(output)


def as_input(x: Tensor) -> Tensor:
    """Stored examples as the network takes them: float32, bytes over 255, channels last."""
    x = x.float() / 255 if x.dtype == torch.uint8 else x
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _device(model: Autoencoder) -> torch.device:
    return next(model.parameters()).device


def _generator(x: Tensor, place: int) -> torch.Generator:
    return torch.Generator(x.device).manual_seed(EVALUATION_SEED + place)


def _array(x: Tensor) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = x.float().cpu().contiguous().numpy()
    return found
