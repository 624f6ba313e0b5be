"""What a trained network scores on one split, and what it makes of a few examples.

Whatever a kind draws to validate, such as the corruption that a denoising network must undo, comes
from a generator seeded by a constant and by the chunk's place in the split. On one device, all
candidates, rungs and seeds are therefore scored on the very same corruption.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from asymnas.data.examples import Examples
from asymnas.networks.kinds import Autoencoder, kind_of
from asymnas.training.metrics import METRICS, ExampleMetric

EVALUATION_BATCH = 500  # examples a chunk, at most; part of what is drawn, so it is a constant
EVALUATION_VALUES = 500 * 3 * 32 * 32  # values of a chunk, at most: large images take less memory
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


Watch = Callable[[Tensor, Tensor, Tensor], None]
"""Called with each chunk: examples and outputs `[b, *shape]`, losses `[b]`."""


def _unwatched(x: Tensor, output: Tensor, losses: Tensor) -> None:
    """Nobody looks."""


@torch.inference_mode()
def evaluate(
    model: Autoencoder,
    examples: Examples,
    metrics: tuple[str, ...] = (),
    *,
    kind: str,
    data_range: float = 1.0,
    progress: float = 1.0,
    watch: Watch = _unwatched,
) -> Scores:
    """Scores a network on one split, in fp32.

    Args:
        model: On any device; chunks of the split are moved there.
        examples: The split as stored, `[n, *shape]`, uint8 or float32.
        metrics: Registered names of metrics that compare an output with its clean example; other
            metrics are left to `asymnas.training.measurement`.
        kind: The kind whose validation loss is taken.
        data_range: Greatest minus least possible value, for the metrics.
        progress: Share of the training schedule that is done.
        watch: Sees each chunk as it passes by.
    """
    model.eval()
    validate = kind_of(kind).validate
    loss, sums = 0.0, _Sums(metrics, data_range)
    for x, generator in inputs_of(model, examples):
        output, losses = validate(model, x, generator, progress)
        loss += float(losses.double().sum())
        sums.add(x, output)
        watch(x, output, losses)
    model.train()
    return Scores(loss / len(examples), sums.over(len(examples)))


@torch.inference_mode()
def averages(
    model: Autoencoder,
    examples: Examples,
    metrics: tuple[str, ...],
    outputs: Mapping[int, Tensor],
    *,
    kind: str,
    data_range: float,
    progress: float,
) -> dict[str, float]:
    """The metrics that `evaluate` takes, of a network whose loss is known by then.

    Args:
        outputs: What the network made of a chunk, by the chunk's place; others are made again.
        model, examples, metrics, kind, data_range, progress: As for `evaluate`.
    """
    model.eval()
    validate, sums = kind_of(kind).validate, _Sums(metrics, data_range)
    for place, (x, generator) in enumerate(inputs_of(model, examples)):
        known = outputs.get(place)
        sums.add(x, validate(model, x, generator, progress).output if known is None else known)
    model.train()
    return sums.over(len(examples))


class _Sums:
    """Metrics of an output and its clean example, summed over examples.

    Args:
        metrics: Names; metrics of a whole network are left out.
        data_range: Greatest minus least possible value.
    """

    def __init__(self, metrics: Sequence[str], data_range: float) -> None:
        wanted = {name: METRICS.get(name) for name in metrics}
        self._of = {name: m.of for name, m in wanted.items() if isinstance(m, ExampleMetric)}
        self._sums, self._range = dict.fromkeys(self._of, 0.0), data_range

    def add(self, x: Tensor, output: Tensor) -> None:
        """Takes in a chunk, `[b, *shape]` each."""
        for name, of in self._of.items():
            self._sums[name] += float(of(x, output, self._range).double().sum())

    def over(self, n: int) -> dict[str, float]:
        """The averages over `n` examples."""
        return {name: total / n for name, total in self._sums.items()}


def inputs_of(
    model: Autoencoder, examples: Examples, places: Tensor | None = None
) -> Iterator[tuple[Tensor, torch.Generator]]:
    """Examples chunk by chunk as the network takes them, each with its chunk's generator.

    Args:
        model: On whose device they are wanted.
        examples: The split as stored.
        places: Which of them, int64 `[k]`; all by default.
    """
    size, device = _chunk_size(examples.shape[1:]), _device(model)
    dtype = next(model.parameters()).dtype
    if places is None:
        chunks = iter(examples.split(size))
    else:
        starts = range(0, len(places), size)
        chunks = (examples[places[start : start + size]] for start in starts)
    for place, chunk in enumerate(chunks):
        x = as_input(chunk.to(device)).to(dtype)
        yield x, _generator(x, place)


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
    output, _ = kind_of(kind).validate(model, x, _generator(x, place=0), 1.0)
    model.train()
    return _array(x), _array(output)


@torch.inference_mode()
def outputs_of(
    model: Autoencoder, examples: Examples, of: Callable[[Tensor], Tensor]
) -> npt.NDArray[np.float32]:
    """What a network in evaluation mode makes of examples, clean and chunk by chunk, `[n, ...]`.

    Args:
        model: On any device.
        examples: As a split holds them, `[n, *shape]`.
        of: The network itself, or what it calls to encode.
    """
    return np.concatenate([_array(of(x)) for x, _ in inputs_of(model, examples)])


def as_input(x: Tensor) -> Tensor:
    """Stored examples as the network takes them: float32, bytes over 255, channels last."""
    x = x.float() / 255 if x.dtype == torch.uint8 else x
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _chunk_size(shape: torch.Size) -> int:
    """Examples that are scored at a time: it follows from the data's shape alone."""
    return max(1, min(EVALUATION_BATCH, EVALUATION_VALUES // shape.numel()))


def _device(model: Autoencoder) -> torch.device:
    return next(model.parameters()).device


def _generator(x: Tensor, place: int) -> torch.Generator:
    return torch.Generator(x.device).manual_seed(EVALUATION_SEED + place)


def _array(x: Tensor) -> npt.NDArray[np.float32]:
    values: npt.NDArray[np.float32] = x.float().cpu().contiguous().numpy()
    return values
