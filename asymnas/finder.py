"""Finding the best architecture of a finished or running search, with its weights."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from asymnas import table as t
from asymnas.analysis.front import Objective, front
from asymnas.analysis.selection import Preference, select
from asymnas.architecture import Architecture
from asymnas.checkpoints import load_trained
from asymnas.kinds import Autoencoder
from asymnas.rundir import storage_of
from asymnas.study import SearchStudy, read_study


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
        """All trials; `asymnas.table` describes the columns."""
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
