"""Training steps per second on a GPU: launched kernel by kernel, or replayed as a CUDA graph.

    python benchmarks/gpu_steps.py [--processes 1 4 8] [--seconds 2]

Each process trains one network after the other on random examples, batches of 64: that of the
question (2.6 million parameters, 48×48×3), and a random one for Fashion-MNIST (at most 150,000
parameters), another one in each process. Processes begin together, and a figure is their sum.
Prints a table.
"""

import argparse
import time
from functools import partial
from itertools import product
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

import torch
from heading import heading

from asymnas import Architecture
from asymnas.core.budget import Budget
from asymnas.core.config import Precision
from asymnas.core.tables import Rows
from asymnas.core.text import short
from asymnas.networks.families import Problem
from asymnas.networks.kinds import kind_of
from asymnas.space.space import Space
from asymnas.training.evaluation import as_input
from asymnas.training.optimizer import AdamW
from asymnas.training.steps import Record, Steps, recording

BATCH, EXAMPLES, BEFORE = 64, 4_096, 30
NETWORKS = ("question's", "Fashion-MNIST, 150k")
PRECISIONS: tuple[Precision, ...] = ("bf16", "fp32")
MODES = ("kernel by kernel", "as a graph")
ROWS = tuple(product(NETWORKS, PRECISIONS, MODES))


def architecture(name: str, number: int) -> Architecture:
    """What one process trains."""
    if name == NETWORKS[0]:
        return Architecture.preset("reference")
    space = Space(
        encoder_family="conv2d",
        decoder_family="conv2d",
        problem=Problem(shape=(1, 28, 28), latent=16),
        kind="plain",
        budget=Budget(total_params=150_000),
        learning_rates=(1e-3, 1e-2),
    )
    return space.sample(number).architecture


class Training:
    """A network in training on random examples.

    Args:
        network: Its architecture.
        precision: Of the forward pass.
        record: Records a step to replay it; `None` to take each by itself.
    """

    def __init__(self, network: Architecture, precision: Precision, record: Record | None) -> None:
        device = torch.device("cuda")
        kind = kind_of(network.kind)
        model = network.build(0).to(device).to(memory_format=torch.channels_last)
        optimizer = AdamW([list(model.parameters())], [1e-3], 0.01)
        loss = partial(kind.training_loss, model)
        self.steps = Steps(loss, optimizer, precision, device, record)
        size = (EXAMPLES, *network.shape)
        self.data = torch.randint(0, 255, size, dtype=torch.uint8, device=device)
        self.order = torch.randperm(EXAMPLES, device=device)
        self.taken = 0

    def take(self, count: int) -> None:
        """So many steps, until the device has done them."""
        for _ in range(count):
            first = self.taken * BATCH % EXAMPLES
            x = as_input(self.data[self.order[first : first + BATCH]])
            self.steps.take(x, self.taken, [1e-3], 0.5, steady=True)
            self.taken += 1
        torch.cuda.synchronize()


def rate(
    name: str, precision: Precision, mode: str, number: int, seconds: float, barrier: Barrier
) -> float:
    """Steps per second of one process, while the others take theirs."""
    with recording(torch.device("cuda")) as record:
        network = architecture(name, number)
        training = Training(network, precision, record if mode == MODES[1] else None)
        training.take(BEFORE)
        barrier.wait()
        began, before = time.perf_counter(), training.taken
        while time.perf_counter() - began < seconds:
            training.take(20)
        return (training.taken - before) / (time.perf_counter() - began)


def worker(results: Any, number: int, seconds: float, barrier: Barrier) -> None:
    """All rows of one process."""
    torch.set_num_threads(1)
    for row in ROWS:
        results.put((row, rate(*row, number, seconds, barrier)))


def together(count: int, seconds: float) -> dict[tuple[str, str, str], float]:
    """Steps per second of so many processes in all, by row."""
    context = get_context("spawn")
    results, barrier = context.Queue(), context.Barrier(count)
    arguments = [(results, number, seconds, barrier) for number in range(count)]
    processes = [context.Process(target=worker, args=given) for given in arguments]
    for process in processes:
        process.start()
    found = dict.fromkeys(ROWS, 0.0)
    for _ in range(count * len(ROWS)):
        row, steps = results.get(timeout=120)
        found[row] += steps
    for process in processes:
        process.join()
    return found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--seconds", type=float, default=2, help="of each figure")
    given = parser.parse_args()
    found = [together(count, given.seconds) for count in given.processes]
    lines = tuple((*row, *(short(round(steps[row])) for steps in found)) for row in ROWS)
    columns = ("network", "precision", "steps", *(f"{count} at once" for count in given.processes))
    print("\n".join(heading("Training steps per second on a GPU", __file__, "cuda")))
    print(Rows(columns=columns, rows=lines).to_markdown())


if __name__ == "__main__":
    main()
