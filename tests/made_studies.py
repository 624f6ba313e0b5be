"""Studies made without training: plans with tiny data, and trials written from a made table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.data.base import Dataset
from asymnas.runs.study import METRICS_ATTRIBUTE, Purpose, SearchStudy
from asymnas.runs.study.rows import OPTUNA_STATES

CHOICES = {"depth": [1, 2, 3], "activation": ["relu", "silu"]}


def made_data(rows: int = 12, value: int = 7) -> Dataset:
    """Twelve rows of eight features, three for each held-out split."""
    values = torch.full((rows, 8), value, dtype=torch.uint8)
    return Dataset(train=values, validation=values[:3], test=values[3:6])


@dataclass(frozen=True)
class MadeSpace:
    """A space that is nothing but its choices."""

    offered: Mapping[str, Any] = field(default_factory=lambda: CHOICES)

    def choices(self) -> Mapping[str, Any]:
        return self.offered


@dataclass(frozen=True, kw_only=True)
class MadePlan:
    """What a study needs of a plan."""

    config: StudyConfig
    space: MadeSpace = field(default_factory=MadeSpace)
    data: Dataset = field(default_factory=made_data)
    notes: tuple[str, ...] = ()
    purpose: Purpose = "search"
    design: Mapping[str, Any] = field(default_factory=dict)
    remarks: Mapping[str, Any] = field(default_factory=dict)


def made_plan(run_dir: Path, *, plan: Mapping[str, Any] | None = None, **config: Any) -> MadePlan:
    """A plan for a directory, with changes of the configuration and of the plan."""
    settings: dict[str, Any] = {
        "name": "made",
        "family": "dense",
        "run_dir": str(run_dir),
        "examples": 6_000,
    }
    return MadePlan(config=StudyConfig(**{**settings, **config}), **(plan or {}))


def write_trials(study: SearchStudy, table: pd.DataFrame) -> None:
    """Adds a trial for each row of a made table, drawn, described and finished as the row is."""
    begun = len(study.optuna.get_trials(deepcopy=False))
    study.optuna.add_trials(
        [_as_trial(study, begun + n, row) for n, row in enumerate(table.to_dict("records"))]
    )


def _as_trial(study: SearchStudy, number: int, row: Mapping[str, Any]) -> FrozenTrial:
    """A row as a trial that is written at once, which takes a third of the time."""
    state, rate = OPTUNA_STATES[row[t.STATE]], FloatDistribution(1e-3, 8e-3, log=True)
    return create_trial(
        state=state,
        values=[row[o.name] for o in study.objectives] if state == TrialState.COMPLETE else None,
        params={"learning_rate": 1e-3 * 8 ** (0.618 * number % 1)},
        distributions={"learning_rate": rate},
        user_attrs={**study.as_attributes(_known(row)), **_learned(row)},
    )


def write_trial(study: SearchStudy, number: int, row: Mapping[str, Any]) -> None:
    """Describes and finishes a trial as a row of a made table is."""
    study.remember(number, study.as_attributes(_known(row)))
    study.remember(number, _learned(row))
    if row[t.STATE] != "running":
        study.tell(number, row[t.STATE], row)


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a candidate from the start."""
    counts = {name: row[name] for name in (*t.COUNT_COLUMNS, t.SHARED_PARAMS) if name in row}
    known = {t.ARCHITECTURE: row.get(t.ARCHITECTURE, {}), t.DECODER_SHARE: row[t.DECODER_SHARE]}
    return {**known, **counts, t.LEARNING_RATE: row[t.LEARNING_RATE]}


def _learned(row: Mapping[str, Any]) -> dict[str, Any]:
    """What its training and its ending add."""
    learned: dict[str, Any] = {t.SECONDS: 1.0, t.CURVE: row[t.CURVE]}
    if pd.notna(row[t.DUPLICATE_OF]):
        learned[t.DUPLICATE_OF] = int(row[t.DUPLICATE_OF])
    if row[t.STATE] == "failed":
        learned[t.FAILURE] = row[t.FAILURE]
    if row[t.STATE] == "complete":
        learned[METRICS_ATTRIBUTE] = {"psnr": row["psnr"]}
    return learned
