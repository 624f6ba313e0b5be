"""What a run will do: a configuration with everything settled that it left open."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from asymnas.core.config import Precision, StudyConfig, default_examples
from asymnas.core.errors import ConfigError
from asymnas.core.provenance import cores
from asymnas.data.base import Dataset, load_dataset
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.kinds import kind_of
from asymnas.runs.phases import Phase
from asymnas.runs.pruners import PRUNERS
from asymnas.runs.study import SAMPLERS, Purpose, SearchStudy, resolve_objectives
from asymnas.space.presets import Queue, queue_of
from asymnas.space.space import Space
from asymnas.training.measurement import facts_of, settle_metrics
from asymnas.training.rung import native_bf16, resolve_device, rung_steps

MOST_WORKERS = 8
VALUES_AT_ONCE = 8_192  # examples looked at together
BF16_MACS = 1_000_000  # an example; on a CPU, casting costs smaller candidates more than it gains


Phases = Callable[[SearchStudy], Iterable[Phase]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A configuration with everything settled that it left open, and what it means.

    Args:
        config: Family, examples and workers are set.
        space: The search space; its existence says that the budget is feasible.
        n_train: Size of the training split.
        notes: What was done to the data.
        queue: Presets that a search begins with.
        purpose: What the run is for.
        design: What a continued run must share with its start besides its configuration.
        remarks: What else a sweep or a confirmation was started with; may differ when continued.
        phases: What to train, one phase after another, each asked for when the one before is
            finished; a search has one, its space.
    """

    config: StudyConfig
    space: Space
    n_train: int
    notes: tuple[str, ...] = ()
    queue: Queue = field(default_factory=Queue)
    purpose: Purpose = "search"
    design: Mapping[str, Any] = field(default_factory=dict)
    remarks: Mapping[str, Any] = field(default_factory=dict)
    phases: Phases | None = None

    def phases_of(self, study: SearchStudy) -> Iterable[Phase]:
        """The phases, in order."""
        if self.phases is None:
            name = "symmetric trials" if self.config.symmetric else "trials"
            presets = self.queue.draws
            return [Phase(config=self.config, source=self.space, name=name, presets=presets)]
        return self.phases(study)


def settle(config: StudyConfig) -> Plan:
    """Checks every name, looks at the data, and settles what the configuration left open.

    Raises:
        ConfigError: An unknown name, or settings that contradict each other or the data.
        DataError: The data set is missing or unusable.
        BudgetError: Nothing fits the budget.
    """
    PRUNERS.get(config.pruner)
    kind_of(config.kind)
    resolve_objectives(config.objectives)
    if isinstance(config.sampler, str) and config.sampler not in SAMPLERS:
        known = ", ".join(SAMPLERS)
        raise ConfigError(f"no sampler is called {config.sampler!r}; there are: {known}")
    if config.family is not None:
        FAMILIES.get(config.family)
    data = load_dataset(config.data())
    family = config.family or default_family(data.shape)
    examples = config.examples or default_examples(len(data.train))
    space = Space(
        family=family,
        problem=Problem(shape=data.shape, latent=config.latent, bottleneck=config.bottleneck),
        kind=config.kind,
        budget=config.caps(),
        learning_rates=config.learning_rates,
        symmetric=config.symmetric,
    )
    queue = queue_of(config.enqueue, space)
    facts = facts_of(data, space.sample(0).architecture)
    _check_values(config, data)
    settled = replace(
        config,
        family=family,
        enqueue=queue.names,
        metrics=settle_metrics(config.objectives, facts, config.metrics),
        examples=rung_steps(examples, config.batch_size)[-1] * config.batch_size,
        workers=config.workers or min(cores(), MOST_WORKERS),
        precision=_precision(config, space),
        run_dir=str(Path(config.run_dir).absolute()),
        storage=_absolute(config.storage),
    )
    n_train = len(data.train)
    return Plan(config=settled, space=space, n_train=n_train, notes=data.notes, queue=queue)


def _check_values(config: StudyConfig, data: Dataset) -> None:
    """Refuses data with values that the kind cannot take for probabilities."""
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
        raise ConfigError("a run needs a storage that lasts, not one in memory")
    return storage if path == storage else f"sqlite:///{Path(path).absolute()}"


def _precision(config: StudyConfig, space: Space) -> Precision:
    """What `auto` stands for: bf16 where it is native and candidates are large enough to gain."""
    device = resolve_device(config.device)
    if config.precision != "auto":
        return config.precision
    if not native_bf16(device):
        return "fp32"
    macs = [space.sample(seed).architecture.counts.total_macs for seed in range(8)]
    return "bf16" if device.type == "cuda" or sum(macs) / len(macs) >= BF16_MACS else "fp32"
