"""Training one candidate by one rung: a pure function of its job.

Trained rung by rung or straight through, in one process or another, the result is bit-identical in
fp32 on one machine: weights, moments and the step travel in the checkpoint; the batch of a step and
its learning rate follow from the step's number and the seed alone.
"""

import math
import time
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from asymnas.core.columns import TEST_LOSS, TRAIN_LOSS, VAL_LOSS
from asymnas.core.config import DataSpec, Device, Precision
from asymnas.core.errors import AsymnasError
from asymnas.core.files import whole_file
from asymnas.data.base import Dataset, normal
from asymnas.data.examples import Examples
from asymnas.data.prepared import PreparedData
from asymnas.networks.architecture import Architecture
from asymnas.networks.kinds import Autoencoder, kind_of
from asymnas.training.checkpoints import resume, write_checkpoint
from asymnas.training.devices import resolve_device
from asymnas.training.evaluation import as_input, evaluate, reconstruct
from asymnas.training.loaded_data import loaded_dataset
from asymnas.training.machine_failures import machine_failure
from asymnas.training.measurement import evenly_spaced, measure
from asymnas.training.optimizer import AdamW, learning_rate_at
from asymnas.training.rewrites import rewrite
from asymnas.training.steps import Steps, arithmetic, recording

RUNGS = (1 / 6, 1 / 3, 2 / 3, 1.0)
FIRST_RUNG = 1 / 18  # before those, where candidates are pruned
FIRST_STEPS = 50  # at the least: of an earlier loss nothing is known
WEIGHT_DECAY = 0.01
CHECK_EVERY = 50  # steps between looks at the loss
EARLY_EXAMPLES = 2_000  # validation examples that rungs before the last are scored on
COLLAPSE_STEPS = 200  # in a shorter schedule what has not begun to learn looks collapsed
TEST = "test_"  # before the name of a metric on the test split


@dataclass(frozen=True, kw_only=True)
class Job:
    """One rung of one candidate.

    Args:
        architecture: What to train.
        data: What to train on; a run says what its content is, and where it lies prepared.
        learning_rate: The constant rate between warm-up and decay.
        rate_ratio: The decoder's rate over the encoder's. The encoder trains at the rate over its
            root, the decoder at the rate times its root, what both share at the rate itself.
        batch_size: Examples a step.
        seed: Fixes initial weights and batch order.
        until: Steps at the end of this rung.
        total: Steps of the whole schedule.
        checkpoint: The file that the last rung was saved to; `None` to start from fresh weights.
        save: File that this rung is saved to, whole or not at all; `None` to save nothing. Where
            workers are on other machines, both paths lie on a file system that all of them share.
        metrics: Registered metrics to report besides the validation loss, after the last rung.
        measure_below: The highest validation loss with which the network is worth measuring by
            `metrics`; above it they are left out.
        every_rung: Those of `metrics` that are reported after each rung, for pruning.
        device: Where to train.
        precision: Arithmetic of training and of the losses before the last rung, `fp32` or `bf16`;
            the last rung and all metrics are in fp32.
        samples: Whether to return reconstructions.
        test: Whether the last rung is also scored on the test split, for a confirmation.
        losses: File that the validation loss of each example is saved to after the last rung, as
            float32 `[n]` in the order of the split; `None` to save none.
    """

    architecture: Architecture
    data: DataSpec | PreparedData
    learning_rate: float
    batch_size: int
    seed: int
    until: int
    total: int
    rate_ratio: float = 1.0
    checkpoint: Path | None = None
    save: Path | None = None
    metrics: tuple[str, ...] = ()
    measure_below: float = math.inf
    every_rung: tuple[str, ...] = ()
    device: Device = "auto"
    precision: Precision = "fp32"
    samples: bool = False
    test: bool = False
    losses: Path | None = None

    @property
    def last(self) -> bool:
        """Whether this rung ends the schedule."""
        return self.until == self.total


@dataclass(frozen=True, kw_only=True)
class RungResult:
    """What a rung came to; the weights are in the file that the job names.

    Args:
        metrics: `val_loss`, on the validation split or on a part of it, and on the whole split what
            the job wants of every rung. After the last rung, of a network worth measuring, also all
            metrics asked for, `train_loss`, on as many training examples as validate, and, for a
            job with `test`, `test_loss` and `test_<metric>`.
        seconds: Time the rung took.
        cpu_seconds: Processor time of the worker's process meanwhile, which other work on the
            machine changes little; of one that trains several rungs at once, of all of them.
        failure: Why the candidate cannot go on; empty if it can.
        samples: Validation examples, clean, and what the network made of them as its kind
            validates, each `[n, *shape]`, float32.
    """

    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    failure: str = ""
    samples: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None


def train_rung(job: Job) -> RungResult:
    """Trains from the job's checkpoint to `job.until` steps and evaluates.

    A loss that is no longer finite ends the candidate: the result then names step and rate. So does
    a collapse that shows after the last rung (`asymnas.training.collapse`), or a
    metric that is not finite. A candidate that fails is not saved.

    Raises:
        CheckpointError: The checkpoint is missing, cut short or damaged.
        WorkerError: The machine failed and not the candidate: an error of the accelerator, too
            little memory, a file that cannot be read or written.
        DataError: The data set cannot be loaded.
        DeviceError: The device asked for is not there.
        StudyError: There is no room to save the rung.
    """
    began, before = time.perf_counter(), time.process_time()
    try:
        result = _train(job)
    except AsymnasError:
        raise
    except Exception as error:  # any: it is raised again, as the machine's if it is that
        if (failure := machine_failure(error)) is None:
            raise
        raise failure from error
    return replace(
        result,
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - before,
    )


def _train(job: Job) -> RungResult:
    device = resolve_device(job.device)
    data = loaded_dataset(job.data, str(device))
    state = _State.of(job, device)
    failure = state.train(job, data.train)
    if failure:
        return RungResult(failure=failure)
    metrics, failure, losses = _scores(state.model, data, job)
    kind = job.architecture.kind
    wanted = job.samples and not failure
    if job.save is not None and not failure:
        write_checkpoint(job.save, state.model, state.optimizer, state.step)
    if job.losses is not None and job.last and not failure:
        with whole_file(job.losses) as file:
            np.savez(file, losses.numpy())  # an archive: its checksum shows a changed bit
    return RungResult(
        metrics=metrics,
        failure=failure,
        samples=reconstruct(state.model, data.validation, kind=kind) if wanted else None,
    )


def rung_steps(examples: int, batch_size: int, *, pruned: bool = False) -> tuple[int, ...]:
    """Steps at the end of each rung: a sixth, a third, two thirds and all, duplicates dropped.

    Args:
        examples: What a candidate sees that is trained to the end.
        batch_size: Examples per step.
        pruned: Whether candidates may be pruned: then one more rung, after an eighteenth, comes
            first, unless it would have fewer than 50 steps.
    """
    total = math.ceil(examples / batch_size)
    first = (FIRST_RUNG,) if pruned and round(total * FIRST_RUNG) >= FIRST_STEPS else ()
    return tuple(sorted({max(1, round(total * part)) for part in (*first, *RUNGS)}))


def batch_indices(
    step: int, batch_size: int, n: int, seed: int, device: torch.device | str = "cpu"
) -> Tensor:
    """Indices of a step's examples, `[batch_size]`: consecutive in one permutation a pass."""
    first, last = step * batch_size, (step + 1) * batch_size - 1
    parts = [
        _permutation(n, seed, number, device)[max(0, first - number * n) : last + 1 - number * n]
        for number in range(first // n, last // n + 1)
    ]
    return torch.cat(parts)


def _parameter_groups(
    model: Autoencoder, rate_ratio: float
) -> list[tuple[list[nn.Parameter], float]]:
    """Parameters of the encoder, of the decoder and those shared, each with its rate's factor.

    Sides that train alike are one group, as in checkpoints from before sides had their own rates.
    """
    if rate_ratio == 1:
        return [(list(model.parameters()), 1.0)]
    root = math.sqrt(rate_ratio)
    parts = ((model.encoder, 1 / root), (model.decoder, root), (model.bottleneck, 1.0))
    groups = [(list(part.parameters()), factor) for part, factor in parts]
    return [(parameters, factor) for parameters, factor in groups if parameters]


@dataclass(eq=False)
class _State:
    """A model in training, its optimizer with a peak rate per group, and the steps it has taken."""

    model: Autoencoder
    optimizer: AdamW
    peaks: tuple[float, ...]
    step: int
    device: torch.device

    @classmethod
    def of(cls, job: Job, device: torch.device) -> "_State":
        model = job.architecture.build(job.seed).to(device)
        if len(job.architecture.shape) == 3:
            model = model.to(memory_format=torch.channels_last)
            rewrite(model)
        groups = _parameter_groups(model, job.rate_ratio)
        peaks = tuple(job.learning_rate * factor for _, factor in groups)
        optimizer = AdamW([parameters for parameters, _ in groups], peaks, WEIGHT_DECAY)
        step = 0
        if job.checkpoint is not None:
            step = resume(job.checkpoint, model, optimizer)
        return cls(model, optimizer, peaks, step, device)

    def train(self, job: Job, examples: Examples) -> str:
        """Takes the steps up to `job.until`; returns why it stopped early, or nothing."""
        kind, device = kind_of(job.architecture.kind), self.device
        loss_of = partial(kind.training_loss, self.model)
        place = device if isinstance(examples, Tensor) else "cpu"
        with recording(device) as record:
            steps = Steps(loss_of, self.optimizer, job.precision, device, record)
            for step in range(self.step, job.until):
                indices = batch_indices(step, job.batch_size, len(examples), job.seed, place)
                loss = steps.take(
                    as_input(examples[indices]),
                    job.seed * 1_000_003 + step,
                    [learning_rate_at(step, job.total, peak) for peak in self.peaks],
                    step / job.total,
                    steady=step >= kind.steady_from * job.total,
                )
                if step % CHECK_EVERY == 0 and not math.isfinite(reached := loss.item()):
                    return (
                        f"diverged: training loss {reached} after {(step + 1) * job.batch_size:,} "
                        f"examples{_rates(job)}"
                    )
        self.step = job.until
        return ""


class _Scored(NamedTuple):
    """What `RungResult` says of metrics and failure, and the loss of each validation example."""

    metrics: dict[str, float]
    failure: str
    losses: Tensor = torch.empty(0)


def _scores(model: Autoencoder, data: Dataset, job: Job) -> _Scored:
    """Reads the test split only if the job asks for it."""
    kind, failure, progress = job.architecture.kind, "", job.until / job.total
    validation = normal(data, "validation")
    if not job.last:
        if job.every_rung:
            measured = measure(
                model, data, "validation", job.every_rung, kind=kind, progress=progress
            )
            scores = {VAL_LOSS: measured.loss, **measured.metrics}
        else:
            seen = validation
            if len(validation) > EARLY_EXAMPLES:
                seen = validation[evenly_spaced(len(validation), EARLY_EXAMPLES)]
            with arithmetic(job.precision, next(model.parameters()).device):
                scores = {VAL_LOSS: evaluate(model, seen, kind=kind, progress=progress).loss}
        if not math.isfinite(scores[VAL_LOSS]):
            failure = "diverged: validation loss not finite"
        return _Scored(scores, _at_rate(failure, job))
    below = job.measure_below
    measured = measure(model, data, "validation", job.metrics, kind=kind, highest_loss=below)
    scores = {VAL_LOSS: measured.loss, **measured.metrics}
    if measured.loss <= below:
        scores[TRAIN_LOSS] = evaluate(model, data.train[: len(validation)], kind=kind).loss
    failure = measured.diverged or (measured.collapsed if job.total >= COLLAPSE_STEPS else "")
    if job.test and not failure:
        tested = measure(model, data, "test", job.metrics, kind=kind)
        scores[TEST_LOSS], failure = tested.loss, tested.diverged
        scores |= {f"{TEST}{name}": value for name, value in tested.metrics.items()}
    if infinite := [name for name, value in scores.items() if not math.isfinite(value)]:
        failure = failure or f"diverged: {', '.join(infinite)} not finite"
    return _Scored(scores, _at_rate(failure, job), measured.losses)


def _at_rate(failure: str, job: Job) -> str:
    return f"{failure}{_rates(job)}" if failure else ""


def _rates(job: Job) -> str:
    rate = f" at learning rate {job.learning_rate:.2g}"
    if job.rate_ratio == 1:
        return rate
    return f"{rate}, the decoder's over the encoder's {job.rate_ratio:.2g}"


@lru_cache(maxsize=4)
def _permutation(n: int, seed: int, number: int, device: torch.device | str) -> Tensor:
    """Drawn on the CPU, so that it is the same on every device."""
    generator = torch.Generator().manual_seed(seed * 10_007 + number)
    return torch.randperm(n, generator=generator).to(device)
