"""The steps of training: taken one by one or, on a GPU, recorded once and replayed.

A small network on a GPU waits for the launch of its kernels, a hundred or more per step. As a CUDA
graph they are launched as one. The graph reads the examples, the learning rates and the state of
the random generator from fixed memory, which is filled before each replay.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from asymnas.core.config import Precision
from asymnas.training.optimizer import AdamW

EAGER_STEPS = 3  # before a step is recorded: libraries choose algorithms and allocate in the first

Loss = Callable[[Tensor, torch.Generator, float], Tensor]
"""A step's scalar loss: of examples `[b, *shape]`, a generator, and the share that is done."""

Record = Callable[[Callable[[], None], torch.Generator], Callable[[], None]]
"""Makes a function that does again what the one given does, with the draws of that generator."""


def cuda_graph(function: Callable[[], None], generator: torch.Generator) -> Callable[[], None]:
    """Records what a function does on the current stream, without doing it.

    Args:
        function: Of kernels on fixed memory alone; it may not wait for the device.
        generator: The CUDA generator that it draws from.

    Returns:
        The replay.

    Raises:
        RuntimeError: It cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    stream = torch.cuda.current_stream()
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        function()
    return graph.replay


@contextmanager
def recording(device: torch.device) -> Iterator[Record | None]:
    """How the steps of the block are recorded: on a GPU by a graph, in a stream of their own.

    Yields:
        `None` where a step costs more than its launch: on a CPU.
    """
    if device.type != "cuda":
        yield None
        return
    usual = torch.cuda.current_stream(device)
    own = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    own.wait_stream(usual)
    try:
        with torch.cuda.stream(own):
            yield cuda_graph
    finally:
        usual.wait_stream(own)


def arithmetic(precision: Precision, device: torch.device) -> torch.autocast:
    """Runs networks in a precision, by autocast where it is less than fp32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


class Steps:
    """Takes the steps of one network.

    Args:
        loss: What a step minimises.
        optimizer: Moves the parameters; its rates are set here.
        precision: Of the forward pass.
        device: Where the network is.
        record: Records a step to replay it; `None` to take each step by itself.
    """

    def __init__(
        self,
        loss: Loss,
        optimizer: AdamW,
        precision: Precision,
        device: torch.device,
        record: Record | None,
    ) -> None:
        self._loss_of, self._optimizer = loss, optimizer
        self._precision, self._device = precision, device
        self._record = record
        self._generator = torch.Generator(device)
        self._taken = 0
        self._replay: Callable[[], None] | None = None

    def take(
        self, x: Tensor, seed: int, rates: Sequence[float], progress: float, *, steady: bool
    ) -> Tensor:
        """One step; its loss, which the next step may overwrite.

        Args:
            x: The examples of the step, as many in each.
            seed: Of what the step draws.
            rates: The learning rate of each group of the optimizer.
            progress: The share of the schedule that is done.
            steady: Whether the loss is the same function of its examples from here on.
        """
        if self._replay is None and self._record and steady and self._taken >= EAGER_STEPS:
            self._prepare(self._record, x, progress)
        self._generator.manual_seed(seed)
        if self._replay is None:
            self._taken += 1
            self._optimizer.rates = list(rates)
            return self._step(x, progress)
        self._x.copy_(x)
        for place, rate in zip(self._rates, rates, strict=True):
            place.fill_(rate)
        self._replay()
        return self._loss

    def _step(self, x: Tensor, progress: float) -> Tensor:
        with arithmetic(self._precision, self._device):
            loss = self._loss_of(x, self._generator, progress)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return loss.detach()

    def _prepare(self, record: Record, x: Tensor, progress: float) -> None:
        """Records a step; one that cannot be recorded is taken by itself from here on."""
        self._x, self._loss = x.clone(), torch.zeros((), device=x.device)
        self._rates = [torch.zeros((), device=x.device) for _ in self._optimizer.rates]

        def step() -> None:
            self._loss.copy_(self._step(self._x, progress))

        self._optimizer.rates = self._rates
        try:
            self._replay = record(step, self._generator)
        except RuntimeError:  # a layer of the user's that waits for the device, say
            self._record, self._generator = None, torch.Generator(self._device)
