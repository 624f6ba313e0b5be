"""What one run is: frozen, checked when made, stored with the results."""

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from asymnas.core.budget import Budget
from asymnas.core.errors import ConfigError

Bottleneck = Literal["dense", "spatial", "pooled"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]

#: Fields that may differ when a run is continued: they change neither space nor values.
RUNTIME_FIELDS = frozenset(
    {"trials", "timeout", "workers", "device", "precision", "run_dir", "storage"}
    | {"data_root", "download", "metrics"}
)

_COUNTS = (
    *("trials", "latent", "batch_size", "examples", "image_size", "workers"),
    *("budget", "max_encoder_params", "max_decoder_params", "max_macs"),
)


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Everything that determines a data set and its splits.

    Args:
        name: A registered data set, or `folder:DIR`, `audio:DIR`, `npz:FILE`, `csv:FILE`,
            `parquet:FILE`.
        root: Where downloads and decoded images live; `None` for `~/.cache/asymnas`.
        download: Whether to fetch a missing data set.
        image_size: Height and width in pixels that a folder's images are resized to.
        seed: Fixes the splits.
    """

    name: str
    root: str | None = None
    download: bool = False
    image_size: int | None = None
    seed: int = 0

    @property
    def source(self) -> str:
        """The registered name: what stands before the colon, and before options."""
        return self.name.partition(":")[0].partition("?")[0]

    @property
    def argument(self) -> str:
        """What stands after the colon; empty if nothing does."""
        return self.name.partition(":")[2]


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """One search, whole.

    Args:
        dataset: A registered data set, or `folder:DIR`, `audio:DIR`, `npz:FILE`, `csv:FILE`,
            `parquet:FILE`.
        data_root: Where downloads and decoded images live; by default `~/.cache/asymnas`.
        download: Fetch a missing data set.
        image_size: Height and width in pixels that a folder's images are resized to.
        name: The study's name; by default the data set's.
        family: How a side is built; by default chosen by the data's shape.
        kind: What is trained; a name, or one with options such as `variational:beta=4`.
        budget: Total trainable parameters, a hard cap.
        max_encoder_params: Cap on the encoder's parameters.
        max_decoder_params: Cap on the decoder's parameters.
        max_macs: Cap on the MACs of encoding and decoding one example.
        objectives: Metrics or counts; the first must be measured. Pruning compares `val_loss`.
        metrics: What complete trials are measured by besides; by default all that data, kind and
            family allow.
        latent: Latent size: numbers an example (dense, pooled), channels a position (spatial).
        bottleneck: How an image side meets the latent.
        trials: Finished trials the run holds in all: complete, pruned or failed.
        timeout: Seconds after which the run pauses; `None` for no limit.
        examples: Training examples a completed candidate sees; by default
            `default_examples(training set size)`.
        batch_size: Examples a step.
        learning_rates: Range of the rate, drawn per candidate on a log scale.
        sampler: A sampler's name, or any Optuna sampler.
        pruner: A pruner's name, or `none`.
        symmetric: Search mirrored architectures only.
        enqueue: Presets of the family, sized to the budget, that are the first trials; `all` for
            each of them.
        workers: Local processes; by default one a core, eight at most.
        device: Where candidates train.
        precision: Arithmetic of training; `auto` is bf16 where the hardware has it natively and
            candidates are large enough to gain from it.
        seed: Fixes splits, draws, initial weights and batch order.
        run_dir: Where results go; by default `runs/<name>`.
        storage: Optuna storage URL; by default a SQLite file in the run directory.

    Raises:
        ConfigError: A value out of its range.
    """

    dataset: str = "digits"
    data_root: str | None = None
    download: bool = False
    image_size: int | None = None
    name: str = ""
    family: str | None = None
    kind: str = "plain"
    budget: int = 20_000
    max_encoder_params: int | None = None
    max_decoder_params: int | None = None
    max_macs: int | None = None
    objectives: tuple[str, ...] = ("val_loss", "total_params")
    metrics: tuple[str, ...] | None = None
    latent: int = 16
    bottleneck: Bottleneck = "dense"
    trials: int = 60
    timeout: float | None = None
    examples: int | None = None
    batch_size: int = 64
    learning_rates: tuple[float, float] = (1e-3, 1.6e-2)
    sampler: Any = "tpe"
    pruner: str = "rank"
    symmetric: bool = False
    enqueue: tuple[str, ...] = ()
    workers: int | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    seed: int = 0
    run_dir: str = ""
    storage: str = ""

    def __post_init__(self) -> None:
        for name in (*_COUNTS, "seed"):
            if not isinstance(value := getattr(self, name), int | None):
                raise ConfigError(f"{name} must be a whole number but got {value!r}")
        for name in _COUNTS:
            if (value := getattr(self, name)) is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1 but got {value}")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"seed must be from 0 to {2**32 - 1} but got {self.seed}")
        if "?" in self.run_dir:
            raise ConfigError(f"run_dir cannot hold a question mark but got {self.run_dir!r}")
        if self.timeout is not None and not self.timeout > 0:
            raise ConfigError(f"timeout must be above 0 seconds but got {self.timeout}")
        rates = self.learning_rates
        if len(rates) != 2 or not 0 < rates[0] < rates[1] < math.inf:
            given = ", ".join(map(str, rates))
            raise ConfigError(f"learning_rates must be 0 < low < high but got {given}")
        for name, allowed in (
            ("bottleneck", get_args(Bottleneck)),
            ("device", get_args(Device)),
            ("precision", get_args(Precision)),
        ):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} must be one of {', '.join(allowed)} but got {getattr(self, name)!r}"
                )
        names = self.objectives
        if isinstance(names, str) or not names or len(set(names)) != len(names):
            raise ConfigError(f"objectives must be a tuple of distinct names but got {names!r}")
        if isinstance(self.metrics, str):
            raise ConfigError(f"metrics must be a tuple of names but got {self.metrics!r}")
        queue = self.enqueue
        if isinstance(queue, str) or len(set(queue)) != len(queue):
            raise ConfigError(f"enqueue must be a tuple of distinct names but got {queue!r}")
        if not self.name:
            source, _, argument = self.dataset.partition(":")
            path = Path(argument.partition("?")[0])
            label = f"{source}-{path.stem}" if argument else source
            object.__setattr__(self, "name", re.sub(r"[^\w.-]+", "-", label))
        if not self.run_dir:
            object.__setattr__(self, "run_dir", str(Path("runs") / self.name))
        self.caps()

    def caps(self) -> Budget:
        """The budget as hard caps."""
        return Budget(
            total_params=self.budget,
            encoder_params=self.max_encoder_params,
            decoder_params=self.max_decoder_params,
            macs=self.max_macs,
        )

    def data(self) -> DataSpec:
        """What determines the data and its splits."""
        return DataSpec(
            name=self.dataset,
            root=self.data_root,
            download=self.download,
            image_size=self.image_size,
            seed=self.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON values; a sampler object becomes its class's name."""
        values = dataclasses.asdict(dataclasses.replace(self, sampler=None))
        named = isinstance(self.sampler, str)
        values["sampler"] = self.sampler if named else type(self.sampler).__name__
        values["objectives"] = list(self.objectives)
        values["metrics"] = None if self.metrics is None else list(self.metrics)
        values["learning_rates"] = list(self.learning_rates)
        values["enqueue"] = list(self.enqueue)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StudyConfig":
        """Reads what `to_dict` wrote."""
        known = {f.name for f in dataclasses.fields(cls)}
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in known
        }
        return cls(**plain)

    def identity(self) -> dict[str, Any]:
        """The fields that a continued run must share with its start."""
        return {k: v for k, v in self.to_dict().items() if k not in RUNTIME_FIELDS}


def default_examples(n_train: int) -> int:
    """Training examples a completed candidate sees: six passes, at least 60,000, at most 240,000.

    Args:
        n_train: Size of the training split.
    """
    return min(max(6 * n_train, 60_000), 240_000)


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """One sweep, whole: budgets × decoder shares × architectures × seeds.

    Args:
        study: Data, family, kind, latent, examples, machine; its budget, sampler, pruner,
            trials and enqueued presets are the sweep's own to set.
        budgets: Total parameters, each filled to within one per cent; by default a quarter, a half
            and all of the study's budget.
        shares: Decoder shares a budget, evenly spaced over `share_range`.
        share_range: The lowest and the highest share, in (0, 1).
        architectures: Architectures of each budget and share.
        screen: Structures tried in short runs for each one kept; 1 keeps every one.
        seeds: Runs of each architecture.
        rates: Learning rates tried in short runs of each architecture, spread over the study's
            range.
        tolerance: Relative loss above the lowest that does not matter: 0.01 is one per cent.

    Raises:
        ConfigError: A value out of its range.
    """

    study: StudyConfig
    budgets: tuple[int, ...] = ()
    shares: int = 9
    share_range: tuple[float, float] = (0.1, 0.9)
    architectures: int = 4
    screen: int = 3
    seeds: int = 3
    rates: int = 3
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        if self.study.symmetric:
            raise ConfigError("a sweep cannot be symmetric: its shares are what it is about")
        for name in ("max_encoder_params", "max_decoder_params", "max_macs"):
            if getattr(self.study, name) is not None:
                raise ConfigError(
                    f"a sweep fills its budgets at every share, so it takes no {name}: leave it out"
                )
        for name in ("shares", "architectures", "screen", "seeds", "rates"):
            value, least = getattr(self, name), 2 if name == "shares" else 1
            if not isinstance(value, int) or value < least:
                raise ConfigError(f"{name} must be at least {least} but got {value!r}")
        ends = self.share_range
        if len(ends) != 2 or not 0 < ends[0] < ends[1] < 1:
            given = ", ".join(map(str, ends))
            raise ConfigError(f"share_range must be 0 < low < high < 1 but got {given}")
        if not 0 < self.tolerance < 1:
            raise ConfigError(f"tolerance must be between 0 and 1 but got {self.tolerance}")
        whole = self.study.budget
        budgets = self.budgets or (whole // 4, whole // 2, whole)
        for budget in budgets:
            if not isinstance(budget, int) or budget < 1:
                raise ConfigError(f"budgets must be whole numbers above 0 but got {budget!r}")
        object.__setattr__(self, "budgets", tuple(sorted(set(budgets))))

    def share_grid(self) -> list[float]:
        """The decoder shares, rising."""
        low, high = self.share_range
        step = (high - low) / (self.shares - 1)
        return [round(low + place * step, 6) for place in range(self.shares)]

    def design(self) -> dict[str, Any]:
        """What a continued sweep must share with its start; more seeds only add to it."""
        return {
            "budgets": list(self.budgets),
            "shares": self.share_grid(),
            "architectures": self.architectures,
            "screen": self.screen,
            "rates": self.rates,
        }


@dataclass(frozen=True, kw_only=True)
class ConfirmationConfig:
    """One confirmation of a search.

    Args:
        run_dir: The search's run directory.
        seeds: Fresh seeds for each contender; six are the least for a verdict on one comparison,
            seven on three at once.
        top: Members of the search's front that are retrained.
        rates: Learning rates tried for controls that no search has chosen one for.
        margin: Relative difference that does not matter: 0.01 is one per cent.
        presets: Presets of any family that are contenders besides, sized to the search's budget;
            `all` for each of them.
        workers: Local processes; by default as in the search.
        device: Where to train; by default as in the search.
        timeout: Seconds after which each of its runs pauses; `None` for no limit.

    Raises:
        ConfigError: A value out of its range.
    """

    run_dir: str
    seeds: int = 8
    top: int = 3
    rates: int = 4
    margin: float = 0.01
    presets: tuple[str, ...] = ()
    workers: int | None = None
    device: Device | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        for name in ("seeds", "top", "rates"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be at least 1 but got {value!r}")
        names = self.presets
        if isinstance(names, str) or len(set(names)) != len(names):
            raise ConfigError(f"presets must be a tuple of distinct names but got {names!r}")
        if not 0 < self.margin < 1:
            raise ConfigError(f"margin must be between 0 and 1 but got {self.margin}")
