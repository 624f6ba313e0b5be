"""Optuna's trials as rows of the trial table."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from asymnas.core import columns as t

_STATES: dict[TrialState, t.State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
TOLD = {state: trial_state for trial_state, state in _STATES.items()}
DETAILS = "details"  # a trial attribute that holds columns which nobody reads one by one
METRICS_ATTRIBUTE = "metrics"  # what a complete trial was measured by, the loss left out


def as_row(trial: FrozenTrial) -> dict[str, Any]:
    """A trial as a row of the trial table; what it does not know yet is left out."""
    attributes = dict(trial.user_attrs)
    attributes |= attributes.pop(DETAILS, {})
    attributes |= attributes.pop(METRICS_ATTRIBUTE, {})
    if curve := attributes.get(t.CURVE):
        attributes[t.EXAMPLES], attributes[t.VAL_LOSS] = curve[-1]
    state = _STATES.get(trial.state, "running")
    drawn = {t.DRAWN + name: value for name, value in trial.params.items()}
    blank = {t.QUOTA: False, t.FAILURE: "", t.CURVE: [], t.EXAMPLES: 0, t.SECONDS: 0.0}
    if state != "failed":
        attributes.pop(t.FAILURE, None)
    return {**blank, t.TRIAL: trial.number, t.STATE: state, **attributes, **drawn}


def columns_of(rows: Sequence[Mapping[str, Any]], objectives: Sequence[str]) -> list[str]:
    """The table's columns in order: the fixed ones, then objectives and metrics, then draws."""
    found = [*objectives, *(name for row in rows for name in row)]
    extra = dict.fromkeys(name for name in found if name not in t.COLUMNS)
    metrics = [name for name in extra if not name.startswith(t.DRAWN)]
    return [*t.COLUMNS, *metrics, *(name for name in extra if name.startswith(t.DRAWN))]
