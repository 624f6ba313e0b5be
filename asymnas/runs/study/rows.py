"""Optuna's trials as rows of the trial table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from asymnas.core import columns as t
from asymnas.core.checksums import CHECKSUM, checksum
from asymnas.core.errors import DamageError
from asymnas.core.side_families import with_side_families

_STATES: dict[TrialState, t.State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
OPTUNA_STATES = {state: trial_state for trial_state, state in _STATES.items()}
DETAILS = "details"  # a trial attribute that holds columns which nobody reads one by one
METRICS_ATTRIBUTE = "metrics"  # what a complete trial was measured by, the loss left out

#: Names that attributes had in studies of earlier versions.
_RENAMED = {"quota": t.NEVER_PRUNED}


class TrialTable:
    """The trial table of a study that grows: a finished trial becomes a row once.

    Args:
        objectives: Names of the objectives, which are columns even without any trial.
    """

    def __init__(self, objectives: Sequence[str]) -> None:
        self._objectives = objectives
        self._numbers: dict[int, None] = {}  # finished trials, in the order they were read
        self._columns: dict[str, list[Any]] = {}  # their values by column
        self._first: dict[str, tuple[int, int]] = {}  # the trial and place a column first had

    def frame(self, trials: Sequence[FrozenTrial]) -> pd.DataFrame:
        """All trials as a table, one row each; `asymnas.core.columns` describes the columns.

        Args:
            trials: All trials of the study.
        """
        if [trial.number for trial in trials] != list(range(len(trials))):
            raise DamageError("its trials are damaged: they are not numbered one after another")
        changed = [trial for trial in trials if trial.number not in self._numbers]
        for trial in changed:
            if trial.state.is_finished():
                check_trial(trial)
                self._append(as_row(trial))
        unfinished = [as_row(trial) for trial in changed if not trial.state.is_finished()]
        first = dict(self._first)
        for row in unfinished:
            _note_first(first, row)
        columns = {
            name: self._column(name) + [row.get(name, math.nan) for row in unfinished]
            for name in self._ordered(first)
        }
        kind = None if self._numbers or unfinished else object  # no rows have no types
        table = pd.DataFrame(columns, dtype=kind).sort_values(t.TRIAL, ignore_index=True)
        sized = {t.SIZED_FROM: "Int64"} if t.SIZED_FROM in table else {}
        return table.astype({t.DUPLICATE_OF: "Int64", t.TRIAL: int, **sized})

    def _append(self, row: Mapping[str, Any]) -> None:
        for name in row:
            if name not in self._columns:
                self._columns[name] = [math.nan] * len(self._numbers)
        for name, values in self._columns.items():
            values.append(row.get(name, math.nan))
        self._numbers[row[t.TRIAL]] = None
        _note_first(self._first, row)

    def _column(self, name: str) -> list[Any]:
        return self._columns.get(name) or [math.nan] * len(self._numbers)

    def _ordered(self, first: Mapping[str, tuple[int, int]]) -> list[str]:
        """The columns in order: the fixed ones, then objectives and metrics, then draws."""
        names = [*self._objectives, *sorted(first, key=lambda name: first[name])]
        extra = [name for name in dict.fromkeys(names) if name not in t.COLUMNS]
        metrics = [name for name in extra if not name.startswith(t.DRAWN)]
        return [*t.COLUMNS, *metrics, *(name for name in extra if name.startswith(t.DRAWN))]


def trial_checksum(trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> str:
    """The checksum of all that a finished trial says.

    Args:
        trial: The trial, finished or about to be.
        state: In which it ends.
        values: Its objectives where it is complete; of others Optuna makes up values of its own.
    """
    drawn = {
        name: distribution.to_internal_repr(trial.params[name])
        for name, distribution in trial.distributions.items()
    }
    curve = {str(step): value for step, value in trial.intermediate_values.items()}
    told = list(values) if state == TrialState.COMPLETE and values is not None else None
    return checksum([trial.number, state.name, told, drawn, trial.user_attrs, curve])


def check_trial(trial: FrozenTrial) -> None:
    """Raises if a finished trial is not as it was when it ended.

    Trials of earlier versions, and of other programs, have no checksum to tell by.

    Raises:
        DamageError: What the storage has of it has changed since.
    """
    known = trial.system_attrs.get(CHECKSUM)
    if known is not None and known != trial_checksum(trial, trial.state, trial.values):
        raise DamageError(
            f"trial {trial.number} is damaged: its values do not agree with its checksum"
        )


def as_row(trial: FrozenTrial) -> dict[str, Any]:
    """A trial as a row of the trial table; what is not known yet is left out."""
    attributes = dict(trial.user_attrs)
    attributes |= attributes.pop(DETAILS, {})
    attributes |= attributes.pop(METRICS_ATTRIBUTE, {})
    for before, now in _RENAMED.items():
        if before in attributes:
            attributes[now] = attributes.pop(before)
    if t.ARCHITECTURE in attributes:
        families = with_side_families(attributes[t.ARCHITECTURE])
        attributes |= {name: families[name] for name in (t.ENCODER_FAMILY, t.DECODER_FAMILY)}
    if curve := attributes.get(t.CURVE):
        attributes[t.EXAMPLES], attributes[t.VAL_LOSS] = curve[-1]
    state = _STATES.get(trial.state, "running")
    drawn = {t.DRAWN + name: value for name, value in trial.params.items()}
    blank = {t.NEVER_PRUNED: False, t.FAILURE: "", t.CURVE: [], t.EXAMPLES: 0, t.SECONDS: 0.0}
    blank[t.RATE_RATIO] = 1.0  # of studies made before the sides had rates of their own
    if state != "failed":
        attributes.pop(t.FAILURE, None)
    return {**blank, t.TRIAL: trial.number, t.STATE: state, **attributes, **drawn}


def _note_first(first: dict[str, tuple[int, int]], row: Mapping[str, Any]) -> None:
    for place, name in enumerate(row):
        here = (row[t.TRIAL], place)
        first[name] = min(first.get(name, here), here)
