"""Time of one pass through each side, at batch 1 and at batch 64.

The median over repeated passes after a warm-up, on the device of the network, on a CPU with one
thread. Whatever else the machine does disturbs it, other workers of the same run first of all: for
times to be trusted run with one worker, and compare those of one run alone.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from asymnas.training.metrics import METRICS, NetworkMetric, View

WARM_UP = 3  # passes
MOST_PASSES = 31
LEAST_PASSES = 5
ENOUGH = 0.05  # seconds of passes, if they are as many as the least


@torch.inference_mode()
def encoder_latency(view: View, batch: int) -> float:
    """Milliseconds to encode a batch."""
    return median_ms(view.network.encode, _batch(view.inputs, batch))


@torch.inference_mode()
def decoder_latency(view: View, batch: int) -> float:
    """Milliseconds to decode a batch."""
    z = view.network.encode(_batch(view.inputs, batch))
    return median_ms(view.network.decode, z)


def median_ms(run: Callable[[Tensor], object], x: Tensor) -> float:
    """Median time of a call, milliseconds; on CUDA it waits until the device is done."""
    wait = torch.cuda.synchronize if x.is_cuda else _nothing
    with _one_thread():
        for _ in range(WARM_UP):
            run(x)
        seconds: list[float] = []
        while len(seconds) < LEAST_PASSES or (len(seconds) < MOST_PASSES and sum(seconds) < ENOUGH):
            wait()
            began = time.perf_counter()
            run(x)
            wait()
            seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds)


def _batch(inputs: Tensor, batch: int) -> Tensor:
    """So many examples, over again if there are fewer, laid out as the inputs are."""
    places = torch.arange(batch, device=inputs.device) % len(inputs)
    x = inputs[places]
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def _nothing() -> None:
    """A CPU is done when the call is."""


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


for _side, _of in (("encoder", encoder_latency), ("decoder", decoder_latency)):
    for _size in (1, 64):
        METRICS.register(f"{_side}_latency_{_size}")(
            NetworkMetric(
                partial(_of, batch=_size),
                f"time of the {_side} on a batch of {_size}, one thread",
                unit="ms",
                of_split=False,
            )
        )
