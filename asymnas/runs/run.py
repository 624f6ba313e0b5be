"""One run as it is read: its tables, the runs beside it, and its best architecture."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from asymnas.analysis.front import Objective, front_objectives, pareto_front, select
from asymnas.analysis.rows import counting
from asymnas.core import columns as t
from asymnas.core.checksums import checked
from asymnas.core.config import PartName, StudyConfig
from asymnas.core.errors import StudyError
from asymnas.core.files import expanded, holds_run
from asymnas.core.labels import cell, label
from asymnas.core.text import MISSING, one_line, plural
from asymnas.data.preprocessing import Preprocessing
from asymnas.networks.architecture import Architecture
from asymnas.networks.formats import NetworkPart
from asymnas.networks.kinds import Autoencoder
from asymnas.runs.directory import (
    CONFIRMATION_DIR,
    CONTROL_DIR,
    REPEATS_DIR,
    SUMMARY,
    SWEEP_DIR,
    example_groups,
    example_losses,
    holds_preprocessing,
    load_trained,
    read_preprocessing,
    storage_of,
)
from asymnas.runs.export import write_export
from asymnas.runs.front_table import front_rows
from asymnas.runs.likeness import other_problem
from asymnas.runs.model_card import Fact
from asymnas.runs.study import SearchStudy, read_study
from asymnas.training.evaluation import outputs_of
from asymnas.training.metrics import METRICS

_FOLLOW_UPS = {"control": CONTROL_DIR, "sweep": SWEEP_DIR, "confirmation": CONFIRMATION_DIR}
BUSY_S = 5.0  # how long a follow-up run may keep its database locked before it is left out


@dataclass(frozen=True, kw_only=True)
class TrainedArchitecture:
    """An architecture that a run has trained.

    Args:
        architecture: Its description.
        trial: The trial that trained it.
        values: Every objective, metric and count by name; metrics on the validation split.
        learning_rate: The rate it was trained at.
        run_dir: Where its weights are kept.
        examples: Training examples it has seen.
        rate_ratio: The decoder's rate over the encoder's.
        config: The options of the run, as `StudyConfig.to_dict` wrote them.
    """

    architecture: Architecture
    trial: int
    values: dict[str, float]
    learning_rate: float
    run_dir: Path
    examples: int
    rate_ratio: float = 1.0
    config: Mapping[str, Any] = field(default_factory=dict)

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

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        values = (
            f"{label(name)} {cell(name, value)}"
            for name, value in self.values.items()
            if name not in t.COUNT_COLUMNS
        )
        rows = self.architecture.rows()
        title = f"trial {self.trial} of {self.run_dir}: {rows.title}"
        caption = f"{rows.caption}; {', '.join(values)}"
        return str(replace(rows, title=title, caption=caption).to_html())

    def build(self, seed: int | None = None) -> Autoencoder:
        """The module with fresh weights."""
        return self.architecture.build(seed)

    def load(self) -> Autoencoder:
        """The module with the weights it was trained to, in evaluation mode, on the CPU.

        Raises:
            StudyError: The run keeps weights of its front only, and this one is not on it.
        """
        return load_trained(self.run_dir, self.trial, self.examples, self.architecture)

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """What new examples go through before the network takes them, fitted in training.

        Raises:
            StudyError: The run was made by an earlier version, which kept none, or it is damaged.
        """
        return read_preprocessing(self.run_dir)

    def encode(self, examples: Any) -> NDArray[np.float32]:
        """The latents of new examples, `[n, latent]`; of a spatial latent `[n, latent, *grid]`.

        Args:
            examples: In the units and with the columns of the data that were trained on: a data
                frame with the columns of a table, or arrays `[n, ...]` of rows, images or signals,
                or paths of image files.

        Raises:
            StudyError: The run keeps no weights of this trial, or no preprocessing.
            DataError: Examples of another shape or type, missing columns, unknown levels.
        """
        prepared = self.preprocessing.prepare(examples)
        return outputs_of(self._network, prepared, self._network.encode)

    def reconstruct(self, examples: Any) -> Any:
        """What the network makes of new examples, in their own units.

        Args:
            examples: As for `encode`.

        Returns:
            A data frame for one, else an array arranged as the examples; uint8 where they are
            bytes. Columns and values that the network has never seen are not in it.

        Raises:
            StudyError: The run keeps no weights of this trial, or no preprocessing.
            DataError: Examples of another shape or type, missing columns, unknown levels.
        """
        prepared = self.preprocessing.prepare(examples)
        outputs = outputs_of(self._network, prepared, self._network)
        return self.preprocessing.restore(outputs, examples)

    def export(
        self, path: str | Path, format: str = "safetensors", *, part: PartName = "whole"
    ) -> Path:
        """Writes the network with its weights for use elsewhere, and a model card beside it.

        Args:
            path: A directory that is made; it must be empty if it exists.
            format: A name in the table of docs/export.md, such as `onnx`.
            part: `whole`, or one side: `encoder`, `decoder`.

        Returns:
            The directory.

        Raises:
            UnknownNameError: No format has that name.
            ConfigError: There is no such part, or the directory holds something.
            ExportError: The format cannot write this network, or needs a package that is not there.
            StudyError: The run keeps no weights of this trial.
        """
        network = NetworkPart(architecture=self.architecture, model=self.load(), part=part)
        return write_export(
            network,
            path,
            format,
            preprocessing=self.preprocessing if holds_preprocessing(self.run_dir) else None,
            facts=self._facts(),
        )

    def _facts(self) -> list[Fact]:
        """Where the network comes from, for its model card."""
        config = self.config
        facts = [
            Fact("data", str(config.get("dataset", MISSING))),
            *([Fact("budget", _caps(StudyConfig.from_dict(config)))] if config else []),
            *(
                Fact(label(name), cell(name, value))
                for name, value in self.values.items()
                if name not in t.COUNT_COLUMNS
            ),
            Fact("measured on", "the validation split, by which the search has chosen"),
            Fact("training examples seen", f"{self.examples:,}"),
            Fact("learning rate", f"{self.learning_rate:.3g}"),
        ]
        if self.rate_ratio != 1:
            facts.append(Fact("decoder's rate over the encoder's", f"{self.rate_ratio:.3g}"))
        return [*facts, Fact("run", f"trial {self.trial} of {self.run_dir}")]

    @cached_property
    def _network(self) -> Autoencoder:
        return self.load()


class Run:
    """One run, read once: what is read or computed is kept until `refresh`.

    Args:
        study: The study.
        directory: The run directory.
        follow_ups: The runs in its directory by name (`control`, `sweep`, `confirmation`); by
            default they are read from there.
    """

    def __init__(
        self,
        study: SearchStudy,
        directory: Path,
        *,
        follow_ups: "Mapping[str, Run] | None" = None,
    ) -> None:
        self.study = study
        self.directory = directory
        self._given = follow_ups

    @classmethod
    def open(cls, directory: str | Path, *, timeout_s: float = 60) -> "Run":
        """Opens a run directory.

        Args:
            directory: The run directory.
            timeout_s: Seconds to wait for a database that another process has locked.

        Raises:
            StudyError: No run is there, or its study cannot be read.
        """
        path = expanded(directory)
        storage, name = storage_of(path)
        return cls(read_study(storage, name, timeout_s=timeout_s), path)

    def refresh(self) -> None:
        """Forgets what was read, so that a run that is going on is read anew."""
        for name in ("config", "table", "own", "measured", "front", "example_losses", "_beside"):
            self.__dict__.pop(name, None)

    def __repr__(self) -> str:
        """What it is in a line; of one that cannot be read, where it is."""
        with suppress(StudyError):
            return f"<Run {self.directory}: {self._headline()}>"
        return f"<Run {self.directory}>"

    def _headline(self) -> str:
        trials, members = plural(len(self.table), "trial"), len(self.front)
        return f"{self.study.purpose} of {self.config['dataset']}, {trials}, {members} on the front"

    def _repr_html_(self) -> str:
        """What a notebook shows: the front."""
        best = int(self.front[t.TRIAL].iloc[0]) if len(self.front) else None
        rows = front_rows(self.front, self.objectives, best)
        caption = ". ".join(filter(None, (self._headline(), rows.caption)))
        return str(replace(rows, title=str(self.directory), caption=caption).to_html())

    @property
    def objectives(self) -> Sequence[Objective]:
        """What the front is over: what the run improves and, where that is one thing, the size."""
        return front_objectives(self.study.objectives)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration of the last start, as `StudyConfig.to_dict` wrote it."""
        return self.study.config

    @cached_property
    def table(self) -> pd.DataFrame:
        """All trials; `asymnas.core.columns` describes the columns."""
        return self.study.table()

    @cached_property
    def own(self) -> pd.DataFrame:
        """Trials that were not duplicates of another."""
        return self.table[self.table[t.DUPLICATE_OF].isna()]

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Own trials without the short runs that chose structures and learning rates."""
        return counting(self.own)

    @cached_property
    def front(self) -> pd.DataFrame:
        """The trials that nothing dominates, the best in the first objective first."""
        return pareto_front(self.table, self.objectives)

    @cached_property
    def example_losses(self) -> Mapping[int, NDArray[np.float32]]:
        """Of a sweep, the validation loss of each example `[n]`, by trial; else empty."""
        return example_losses(self.directory)

    @property
    def example_groups(self) -> NDArray[np.int64] | None:
        """Of a sweep, which of the examples of `example_losses` belong together `[n]`."""
        return example_groups(self.directory)

    @property
    def best(self) -> TrainedArchitecture:
        """The front's member that is best in the first objective.

        Raises:
            StudyError: No trial has completed.
        """
        return self.trained(select(self.table, self.objectives))

    @property
    def summary(self) -> dict[str, Any]:
        """What `summary.json` holds.

        Raises:
            StudyError: There is none yet, or it is damaged.
        """
        path = self.directory / SUMMARY
        try:
            values = json.loads(path.read_text("utf-8"))
            if not isinstance(values, dict):
                raise ValueError("it holds no object")
            checked(values, f"{path}")
            return values
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or one_line(error)
            raise StudyError(
                f"{path} cannot be read ({reason}): write it anew by asymnas report "
                f"{self.directory}"
            ) from error

    @property
    def search(self) -> "Run | None":
        """This run if it is a search."""
        return self if self.study.purpose == "search" else None

    @property
    def control(self) -> "Run | None":
        """The search of symmetric architectures in its directory, if there is one."""
        return self._beside.runs.get("control")

    @property
    def sweep(self) -> "Run | None":
        """This run if it is a sweep, else the sweep of the same problem in its directory."""
        return self if self.study.purpose == "sweep" else self._beside.runs.get("sweep")

    @property
    def confirmation(self) -> "Run | None":
        """This run if it is a confirmation, else the one in its directory."""
        own = self.study.purpose == "confirmation"
        return self if own else self._beside.runs.get("confirmation")

    @property
    def runs(self) -> "dict[str, Run]":
        """This run and those that follow it up, by name, in the order they are run."""
        beside = self._beside.runs
        named = {
            "search": self.search,
            "control": self.control,
            "sweep": self.sweep,
            **{name: run for name, run in beside.items() if name not in _FOLLOW_UPS},
            "confirmation": self.confirmation,
        }
        return {name: run for name, run in named.items() if run is not None}

    @property
    def repeats(self) -> "dict[str, Run]":
        """Further free searches of its confirmation, by name: `search 2` and so on."""
        return {n: run for n, run in self._beside.runs.items() if n.startswith("search ")}

    @property
    def unreadable(self) -> Mapping[str, str]:
        """Runs in its directory that exist and cannot be read, by name, with the reason."""
        return self._beside.unreadable

    @property
    def left_out(self) -> tuple[str, ...]:
        """What lies in the directory and is not part of the results, one sentence each."""
        return self._beside.left_out

    def trained(self, trial: "int | pd.Series[Any]") -> TrainedArchitecture:
        """A trial as an architecture with its weights.

        Args:
            trial: Its number, or its row of the trial table.

        Raises:
            StudyError: There is no such trial, or it has no architecture.
        """
        row = trial if isinstance(trial, pd.Series) else self._row(trial)
        names = dict.fromkeys((*(o.name for o in self.objectives), *_VALUES, *METRICS.names()))
        return TrainedArchitecture(
            architecture=Architecture.from_dict(row[t.ARCHITECTURE]),
            trial=int(row[t.TRIAL]),
            values={n: _number(row[n]) for n in names if n in row.index and pd.notna(row[n])},
            learning_rate=float(row[t.LEARNING_RATE]),
            rate_ratio=float(row.get(t.RATE_RATIO, 1.0)),
            run_dir=self.directory,
            examples=int(row[t.EXAMPLES]),
            config=self.config,
        )

    def _row(self, trial: int) -> "pd.Series[Any]":
        rows = self.table[self.table[t.TRIAL] == trial]
        if rows.empty:
            raise StudyError(f"{self.directory} has no trial {trial}: give one of its front")
        return rows.iloc[0]

    @cached_property
    def _beside(self) -> "_Beside":
        if self._given is not None:
            return _Beside(dict(self._given), {}, ())
        if self.study.purpose != "search":
            return _Beside({}, {}, ())
        return _read_beside(self)


_VALUES = (t.VAL_LOSS, *t.COUNT_COLUMNS)


def _caps(config: StudyConfig) -> str:
    """The budget in words: `20,000 parameters, 2,000 encoder parameters`."""
    caps = asdict(config.caps())
    return ", ".join(f"{cap:,} {label(name)}" for name, cap in caps.items() if cap is not None)


def _number(value: Any) -> float:
    return int(value) if isinstance(value, Integral) else float(value)


@dataclass(frozen=True)
class _Beside:
    """The runs in a search's directory, and what is there and is not used."""

    runs: dict[str, Run]
    unreadable: dict[str, str]
    left_out: tuple[str, ...]


def _read_beside(search: Run) -> _Beside:
    runs: dict[str, Run] = {}
    unreadable: dict[str, str] = {}
    left_out: list[str] = []
    for name, folder in {**_FOLLOW_UPS, **_repeats(search.directory)}.items():
        if not holds_run(search.directory / folder):
            continue
        try:
            run = Run.open(search.directory / folder, timeout_s=BUSY_S)
            if run.study.purpose != "search" and not run.study.design:
                continue  # it was stopped before it began: there is nothing to read yet
            _ = run.table  # a database that opens may still be damaged
        except StudyError as error:
            unreadable[name] = str(error)
            left_out.append(f"The {name} in {folder}/ cannot be read and is left out: {error}.")
            continue
        if name == "sweep" and (unlike := other_problem(run.study, search.study)):
            left_out.append(f"The sweep in {folder}/ is about something else: {unlike}.")
            continue
        runs[name] = run
    return _Beside(runs, unreadable, tuple(left_out))


def _repeats(directory: Path) -> dict[str, str]:
    """Folders of a confirmation's further searches, by the names that the contenders have."""
    folders = [path for path in (directory / REPEATS_DIR).glob("*") if path.name.isdecimal()]
    named: dict[str, str] = {}
    for folder in sorted(folders, key=lambda path: int(path.name)):
        number, place = int(folder.name) + 1, f"{REPEATS_DIR}/{folder.name}"
        named[f"search {number}"] = place
        named[f"symmetric search {number}"] = f"{place}/{CONTROL_DIR}"
    return named
