"""Finding the best architecture of a finished or running search, with its weights."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from asymnas.analysis.estimates import Comparison, Contender, Interval, SplitInference
from asymnas.analysis.front import Objective, Preference, front, select
from asymnas.analysis.rows import counting
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.networks.architecture import Architecture
from asymnas.networks.kinds import Autoencoder
from asymnas.runs.directory import (
    CONFIRMATION_DIR,
    CONTROL_DIR,
    SWEEP_DIR,
    holds_run,
    load_trained,
    storage_of,
)
from asymnas.runs.study import SearchStudy, read_study


@dataclass(frozen=True)
class Found:
    """An architecture that a search found.

    Args:
        architecture: Its description.
        trial: The trial that trained it.
        values: Its objectives and metrics on the validation split.
        run_dir: Where its weights are kept.
        examples: Training examples it has seen.
    """

    architecture: Architecture
    trial: int
    values: dict[str, float]
    run_dir: Path
    examples: int

    @property
    def encoder_params(self) -> int:
        """Trainable parameters of the encoder."""
        return self.architecture.encoder_params

    @property
    def decoder_params(self) -> int:
        """Trainable parameters of the decoder."""
        return self.architecture.decoder_params

    @property
    def decoder_share(self) -> float:
        """decoder / (encoder + decoder) parameters."""
        return self.architecture.decoder_share

    def build(self, seed: int | None = None) -> Autoencoder:
        """The module with fresh weights."""
        return self.architecture.build(seed)

    def load(self) -> Autoencoder:
        """The module with the weights it was trained to, in evaluation mode, on the CPU.

        Raises:
            StudyError: The run keeps weights of its front only, and this one is not on it.
        """
        return load_trained(self.run_dir, self.trial, self.examples, self.architecture)


@dataclass(frozen=True)
class Run:
    """A search's results, read from its study.

    Args:
        study: The study.
        directory: The run directory.
    """

    study: SearchStudy
    directory: Path

    @classmethod
    def open(cls, directory: str | Path) -> "Run":
        """Opens a run directory.

        Raises:
            StudyError: No run is there.
        """
        path = Path(directory)
        storage, name = storage_of(path)
        return cls(read_study(storage, name), path)

    @property
    def objectives(self) -> Sequence[Objective]:
        """What the search improved."""
        return self.study.objectives

    @property
    def table(self) -> pd.DataFrame:
        """All trials; `asymnas.core.columns` describes the columns."""
        return self.study.table()

    @property
    def front(self) -> pd.DataFrame:
        """The trials that nothing dominates, the best in the first objective first."""
        return front(self.table, self.objectives)

    @property
    def best(self) -> Found:
        """The front's member that is best in the first objective."""
        return find_best_architecture(self)

    @property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds."""
        values: dict[str, Any] = json.loads((self.directory / "summary.json").read_text())
        return values


def find_best_architecture(
    source: Any,
    study_name: str | None = None,
    *,
    prefer: Preference = "loss",
    max_params: int | None = None,
    max_encoder_params: int | None = None,
    max_decoder_params: int | None = None,
    max_macs: int | None = None,
) -> Found:
    """The best architecture of a run under caps.

    Args:
        source: A run directory, a `Run`, an Optuna study, or a storage URL.
        study_name: The study's name, for a storage URL that holds several.
        prefer: `loss` for the lowest first objective; `knee` for the best compromise.
        max_params: Cap on all parameters.
        max_encoder_params: Cap on the encoder's parameters.
        max_decoder_params: Cap on the decoder's parameters.
        max_macs: Cap on the MACs of encoding and decoding one example.

    Raises:
        StudyError: No such run, or none of its trials has completed.
        ConfigError: No completed trial is within the caps.
    """
    run = _as_run(source, study_name)
    row = select(
        run.table,
        run.objectives,
        prefer,
        max_params=max_params,
        max_encoder_params=max_encoder_params,
        max_decoder_params=max_decoder_params,
        max_macs=max_macs,
    )
    return found(row, run.directory)


def found(row: "pd.Series[Any]", directory: Path) -> Found:
    """A row of a trial table as what the finder returns."""
    names = [name for name in row.index if isinstance(row[name], float | int)]
    skipped = {t.TRIAL, t.DUPLICATE_OF, t.QUOTA, t.EXAMPLES}
    plain = [n for n in names if n not in skipped and not n.startswith(t.DRAWN)]
    return Found(
        architecture=Architecture.from_dict(row[t.ARCHITECTURE]),
        trial=int(row[t.TRIAL]),
        values={name: float(row[name]) for name in plain},
        run_dir=directory,
        examples=int(row[t.EXAMPLES]),
    )


def _as_run(source: Any, study_name: str | None) -> Run:
    if isinstance(source, Run):
        return source
    if isinstance(source, str) and "://" in source:
        study = read_study(source, study_name)
    elif isinstance(source, str | Path):
        return Run.open(source)
    else:
        study = SearchStudy(source)
    return Run(study, Path(study.config["run_dir"]))


#: Settings that a sweep must share with a search to answer for it.
SAME = ("dataset", "image_size", "family", "kind", "latent", "bottleneck")


@dataclass(frozen=True, eq=False)
class Record:
    """One run and its table.

    Args:
        study: The study.
        directory: Where its files are.
    """

    study: SearchStudy
    directory: Path

    @cached_property
    def table(self) -> pd.DataFrame:
        """All trials."""
        return self.study.table()

    @cached_property
    def own(self) -> pd.DataFrame:
        """Trials that were not told as duplicates."""
        return self.table[self.table[t.DUPLICATE_OF].isna()]

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Own trials without the short runs that chose structures and learning rates."""
        return counting(self.own)

    @property
    def objectives(self) -> list[Objective]:
        """What it improved."""
        return self.study.objectives

    @cached_property
    def front(self) -> pd.DataFrame:
        """The trials that nothing dominates."""
        return front(self.table, self.objectives)

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration."""
        return self.study.config


@dataclass(frozen=True, kw_only=True)
class Records:
    """What there is of the runs that belong together.

    Args:
        main: The run that is published.
        search: The search.
        control: The search of symmetric architectures.
        sweep: The sweep.
        confirmation: The confirmation.
        left_out: What lies in the directory and is not part of the answer, one sentence each.
    """

    main: Record
    search: Record | None = None
    control: Record | None = None
    sweep: Record | None = None
    confirmation: Record | None = None
    left_out: tuple[str, ...] = ()

    @property
    def all(self) -> dict[str, Record]:
        """Those that there are, by name, in the order they are run."""
        named = {
            "search": self.search,
            "control": self.control,
            "sweep": self.sweep,
            "confirmation": self.confirmation,
        }
        return {name: record for name, record in named.items() if record is not None}


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """What a sweep's table says.

    Args:
        split: Where the best share lies.
        equal_macs: The same with MACs in place of parameters.
        horizons: The best share by budget after shorter training, by examples seen.
        measures: The best share by budget for what else was measured, by metric.
        rates: Learning rates tried.
        edge: The part of the architectures whose best learning rate is at the range's edge.
        verdict: The answer in sentences.
    """

    split: SplitInference
    equal_macs: SplitInference
    horizons: dict[int, dict[int, Interval]]
    measures: dict[str, dict[int, Interval]]
    rates: int
    edge: float | None
    verdict: list[str]

    @property
    def rates_too_narrow(self) -> bool:
        """Whether more rates are best at an edge than half, and than by chance: two of all."""
        return self.edge is not None and self.edge > max(1 / 2, 2 / self.rates)


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What a confirmation's table says.

    Args:
        contenders: Their test scores by seed.
        comparisons: The best against each control.
        seeds: Replicates asked for.
        missing: Contenders there are none of, and why.
        verdict: The answer in sentences.
    """

    contenders: tuple[Contender, ...]
    comparisons: tuple[Comparison, ...]
    seeds: int
    missing: dict[str, str]
    verdict: list[str]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that a summary and a report are written from."""

    records: Records
    inferred: Inferred | None = None
    confirmed: Confirmed | None = None


def gather(study: SearchStudy, directory: Path) -> Records:
    """The study with the runs that follow it up in its directory."""
    main = Record(study, directory)
    if study.purpose == "sweep":
        return Records(main=main, sweep=main)
    if study.purpose == "confirmation":
        return Records(main=main, confirmation=main)
    sweep = _read(directory / SWEEP_DIR)
    unlike = [n for n in SAME if sweep and sweep.config[n] != main.config[n]]
    told = ", ".join(f"{n} {sweep.config[n]} there, {main.config[n]} here" for n in unlike if sweep)
    return Records(
        main=main,
        search=main,
        control=_read(directory / CONTROL_DIR),
        sweep=None if unlike else sweep,
        confirmation=_read(directory / CONFIRMATION_DIR),
        left_out=(f"The sweep in {SWEEP_DIR}/ is about something else: {told}.",) if unlike else (),
    )


def _read(directory: Path) -> Record | None:
    """The run in a directory; nothing if it has not got as far as being one."""
    if not holds_run(directory):
        return None
    try:
        study = read_study(*storage_of(directory))
    except StudyError:
        return None
    if study.purpose != "search" and not study.design:
        return None
    return Record(study, directory)
