"""What a run will do: a configuration in which nothing is left open, and its phases."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from asymnas.analysis.gain import Gains
from asymnas.core import columns as t
from asymnas.core.config import Bottleneck, Precision, StudyConfig, default_examples
from asymnas.core.errors import ConfigError, UnknownNameError
from asymnas.core.files import expanded
from asymnas.core.provenance import cores
from asymnas.data.base import Dataset, load_dataset
from asymnas.data.spec import located
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.kinds import Kind, kind_of
from asymnas.runs.executors.on_ray import on_ray, usual_workers
from asymnas.runs.phases import Phase
from asymnas.runs.pruners import PRUNERS, PausingPruner
from asymnas.runs.study import (
    LEARNING,
    REFERENCE,
    SAMPLERS,
    Purpose,
    SearchStudy,
    StudyPlan,
    resolve_objectives,
)
from asymnas.space.any_family import ANY
from asymnas.space.filling import sample_filled
from asymnas.space.ladder import Ladder, ladder_under
from asymnas.space.sized_presets import Queue, queue_of
from asymnas.space.space import Candidate, Space
from asymnas.training.devices import native_bf16, resolve_device
from asymnas.training.measurement import metric_facts, resolve_metrics
from asymnas.training.reference_loss import mean_predictor_loss
from asymnas.training.rung import rung_steps

AUTO = "auto"
MOST_WORKERS = 8
ROUNDING = 1e-9  # so that a third of a GPU is for three
VALUES_AT_ONCE = 8_192  # examples looked at together
BF16_MACS = 1_000_000  # an example; on a CPU, casting costs smaller candidates more than it gains


class Plan(StudyPlan, Protocol):
    """What a run will do: what its study needs, and its phases."""

    def phases(self, study: SearchStudy, /) -> Iterable[Phase]:
        """What to train: one phase after another, each made when the one before is finished."""


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """A search in which nothing is left open; it has one phase, its space.

    Args:
        config: Families, examples, workers and precision are set.
        space: The search space; its existence proves that the budget is feasible.
        data: The data set.
        queue: Presets that the search begins with.
        ladder: The parts of the budget that candidates fill; `None` if their size is drawn.
        measure_all: Whether every complete trial is measured by all metrics; otherwise those that
            join the front are.
    """

    config: StudyConfig
    space: Space
    data: Dataset = field(repr=False, compare=False)
    queue: Queue = field(default_factory=Queue)
    ladder: Ladder | None = None
    measure_all: bool = False

    @property
    def purpose(self) -> Purpose:
        """A search."""
        return "search"

    @property
    def n_train(self) -> int:
        """Size of the training split."""
        return len(self.data.train)

    @property
    def notes(self) -> Sequence[str]:
        """What was done to the data."""
        return self.data.notes

    @property
    def design(self) -> Mapping[str, Any]:
        """Nothing besides the configuration."""
        return {}

    @property
    def remarks(self) -> Mapping[str, Any]:
        """From where the hypervolume of loss and size is measured."""
        reference: dict[str, float] = {t.TOTAL_PARAMS: self.config.budget}
        loss = mean_predictor_loss(self.space.of_each_pair()[0], self.data)
        if loss is not None and loss > 0:
            reference[t.VAL_LOSS] = loss
        return {REFERENCE: reference}

    def phases(self, study: SearchStudy, /) -> Iterable[Phase]:
        """The one phase of a search."""
        name = "symmetric trials" if self.config.symmetric else "trials"
        yield Phase(
            config=self.config,
            space=self.space,
            name=name,
            presets=self.queue.draws,
            ladder=self.ladder,
            measure_all=self.measure_all,
        )

    def sample(self, seed: int) -> Candidate:
        """A candidate at random, as large as the search may train; a seed gives the same one."""
        if self.ladder is None:
            return self.space.sample(seed)
        return sample_filled(self.space, seed)


def plan_search(config: StudyConfig, data: Dataset | None = None) -> SearchPlan:
    """Checks every name, loads the data, and resolves what the configuration left open.

    Args:
        config: What to run.
        data: Its data set, where it is loaded already.

    Raises:
        ConfigError: An unknown name, or settings that contradict each other or the data.
        DataError: The data set is missing or unusable.
        BudgetError: Nothing fits the budget.
    """
    pruner = _pruner(config)
    kind = kind_of(config.kind)
    objectives = resolve_objectives(config.objectives)
    if isinstance(config.sampler, str) and config.sampler not in SAMPLERS:
        known = ", ".join(SAMPLERS)
        raise UnknownNameError(
            f"no sampler is called {config.sampler!r}; there are: {known}", name=config.sampler
        )
    given = {config.family, config.encoder_family, config.decoder_family} - {None, ANY}
    for name in sorted(map(str, given)):
        FAMILIES.get(name)
    if data is None:
        config, data = _loaded(config)
    bottleneck = config.bottleneck or _usual_bottleneck(config, kind, data.shape)
    family = config.family or _usual_family(config, kind, data.shape)
    encoder_family = config.encoder_family or family
    decoder_family = config.decoder_family or family
    examples = config.examples or default_examples(len(data.train))
    space = Space(
        encoder_family=encoder_family,
        decoder_family=decoder_family,
        problem=Problem(shape=data.shape, latent=config.latent, bottleneck=bottleneck),
        kind=config.kind,
        budget=config.caps(),
        learning_rates=config.rates(),
        symmetric=config.symmetric,
        wide=config.space == "wide",
    )
    fills = len(config.objectives) == 1
    queue = queue_of(config.enqueue, space, fills=fills)
    ladder = None
    if fills:
        repeats = config.sampler in LEARNING
        ladder = ladder_under(space, first=len(queue.presets), repeats=repeats)
    facts = metric_facts(data, *space.of_each_pair())
    check_values(config, data)
    resolved = replace(
        config,
        family=encoder_family if encoder_family == decoder_family else None,
        encoder_family=encoder_family,
        decoder_family=decoder_family,
        bottleneck=bottleneck,
        enqueue=queue.names,
        pruner=pruner,
        metrics=resolve_metrics(config.objectives, facts, config.metrics),
        examples=rung_steps(examples, config.batch_size)[-1] * config.batch_size,
        learning_rates=config.rates(),
        workers=on_this_machine(config).workers,
        precision=resolve_precision(config, lambda: _usual_macs(space, fills=fills)),
        dataset=located(config.dataset),
        data_root=config.data_root and str(expanded(config.data_root).absolute()),
        run_dir=str(Path(config.run_dir).absolute()),
        storage=_absolute(config.storage),
    )
    plan = SearchPlan(
        config=resolved,
        space=space,
        data=data,
        queue=queue,
        ladder=ladder,
        measure_all=bool(config.metrics),
    )
    if config.patience is not None and len(objectives) > 1:
        reason = Gains.unsupported_reason(objectives, plan.remarks[REFERENCE])
        if reason is not None:
            raise ConfigError(f"patience cannot be judged here: {reason}; leave it out")
    return plan


def _loaded(config: StudyConfig) -> tuple[StudyConfig, Dataset]:
    """The data, read as signals if the families that are asked for take nothing else.

    An array `(n, a, b)` may be images of one channel or signals of `a` channels.

    Raises:
        DataError: The data set is missing or unusable.
    """
    data = load_dataset(config.data())
    given = {config.family, config.encoder_family, config.decoder_family} - {None, ANY}
    if config.data().source == "npz" and len(data.shape) == 3 and data.shape[0] == 1 and given:
        families = [FAMILIES.get(str(name)) for name in given]
        as_images, as_signals = (
            Problem(shape=shape, latent=config.latent) for shape in (data.shape, data.shape[1:])
        )
        if any(f.unsupported_reason(as_images) for f in families) and not any(
            f.unsupported_reason(as_signals) for f in families
        ):
            mark = "&" if "?" in config.dataset else "?"
            config = replace(config, dataset=f"{config.dataset}{mark}as=signals")
            return config, load_dataset(config.data())
    return config, data


def _usual_bottleneck(config: StudyConfig, kind: Kind, shape: tuple[int, ...]) -> Bottleneck:
    """The bottleneck where none is named: that of the kind if its family or the data's allow it."""
    named = {config.family, config.encoder_family, config.decoder_family} - {None}
    return "spatial" if kind.usual_spatial and (named or len(shape) > 1) else "dense"


def _usual_family(config: StudyConfig, kind: Kind, shape: tuple[int, ...]) -> str:
    """The family where none is named: that of the kind if the data allow it, else of the data."""
    if kind.usual_family is not None:
        problem = Problem(shape=shape, latent=config.latent)
        if FAMILIES.get(kind.usual_family).unsupported_reason(problem) is None:
            return kind.usual_family
    return default_family(shape)


def _pruner(config: StudyConfig) -> str:
    """What `auto` stands for: the loss alone where it is the one objective, else all of them.

    Raises:
        ConfigError: The pruner is unknown, or predicts losses where more has to be measured.
    """
    if config.pruner == AUTO:
        return "asha" if len(config.objectives) == 1 else "rank"
    known = (t.VAL_LOSS, *t.COUNT_COLUMNS)
    measured = [name for name in config.objectives[1:] if name not in known]
    if isinstance(PRUNERS.get(config.pruner), PausingPruner) and measured:
        raise ConfigError(
            f"pruner {config.pruner!r} predicts the loss, and takes as further objectives those "
            f"known before training, but {measured[0]} is measured: take rank, or one of "
            + ", ".join(t.COUNT_COLUMNS)
        )
    return config.pruner


def check_values(config: StudyConfig, data: Dataset) -> None:
    """Rejects data with values that the kind cannot take for probabilities.

    Raises:
        ConfigError: There are such values.
    """
    if not kind_of(config.kind).unit_interval or data.train.dtype == torch.uint8:
        return
    for split in (data.train, data.validation, data.test):
        for chunk in split.split(VALUES_AT_ONCE):
            if chunk.min() < 0 or chunk.max() > 1:
                raise ConfigError(
                    f"the kind {config.kind} needs values from 0 to 1, but {config.dataset} has "
                    f"values from {chunk.min():.3g} to {chunk.max():.3g}: take one with a squared "
                    "error or a Gaussian likelihood"
                )


def on_this_machine(config: StudyConfig) -> StudyConfig:
    """A configuration with as many workers as are usual here, if it names no number.

    Raises:
        DeviceError: The device is not there.
        ConfigError: The cluster is not there.
    """
    if on_ray(config):
        return replace(config, workers=config.workers or usual_workers(config))
    device = resolve_device(config.device)
    return replace(
        config, workers=config.workers or default_workers(device, config.gpus_per_trial or 1)
    )


def default_workers(device: torch.device, gpus_per_trial: float = 1) -> int:
    """Workers if none are asked for: as GPUs have places, or one per CPU core, eight at most."""
    if device.type == "cuda":
        gpus = 1 if device.index is not None else max(1, torch.cuda.device_count())
        return gpus * int(1 / gpus_per_trial + ROUNDING)
    return min(cores(), MOST_WORKERS)


def default_family(shape: tuple[int, ...]) -> str:
    """The family for examples of a shape: convolutions where there is something to halve.

    Args:
        shape: `(channels, height, width)`, `(channels, length)` or `(features,)`.
    """
    if min(shape[1:], default=1) < 2:
        return "dense"
    return {2: "conv1d", 3: "conv2d"}.get(len(shape), "dense")


def _absolute(storage: str) -> str:
    """A SQLite URL with its path made absolute, so that it means the same from anywhere."""
    path = storage.removeprefix("sqlite:///")
    if storage in ("sqlite://", "sqlite:///:memory:"):
        raise ConfigError(
            f"--storage {storage} lies in memory and would be lost: write sqlite:///FILE, or leave "
            "--storage out"
        )
    return storage if path == storage else f"sqlite:///{Path(path).absolute()}"


def resolve_precision(config: StudyConfig, macs: Callable[[], float]) -> Precision:
    """What `auto` stands for: bf16 where it is native and networks are large enough to gain.

    Native to this machine, also where candidates train on others.

    Args:
        config: Names the precision and the device.
        macs: Multiply-accumulates per example of the networks, asked for where they decide.
    """
    device = resolve_device("auto" if on_ray(config) else config.device)
    if config.precision != "auto":
        return config.precision
    if not native_bf16(device):
        return "fp32"
    return "bf16" if device.type == "cuda" or macs() >= BF16_MACS else "fp32"


def _usual_macs(space: Space, *, fills: bool) -> float:
    """Multiply-accumulates per example of a few candidates, on average."""
    draw = sample_filled if fills else Space.sample
    macs = [draw(space, seed).architecture.counts.total_macs for seed in range(8)]
    return sum(macs) / len(macs)
