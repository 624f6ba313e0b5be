"""Trials of a fixed list: stored whole before they are asked for."""

from pathlib import Path

import pytest
from made_studies import made_plan
from optuna.trial import TrialState, create_trial

from asymnas.core import columns as t
from asymnas.networks.families import Suggester
from asymnas.runs.study import FIXED, ask_fixed, candidate_of, open_study

CHOICES = {"depth": 3, "growth": 1.25, "activation": "tanh", "rate": 1.6e-2}
CANDIDATE = {
    t.ARCHITECTURE: {"family": "dense"},
    t.TOTAL_PARAMS: 900,
    t.DECODER_SHARE: 0.5,
    t.REPLICATE: 2,
}


def draw(suggester: Suggester) -> None:
    suggester.suggest_int("depth", 1, 4)
    suggester.suggest_float("growth", 0.5, 1.5, step=0.25)
    suggester.suggest_categorical("activation", ("relu", "silu", "tanh"))
    suggester.suggest_float("rate", 1e-3, 1.6e-2, log=True)


def test_a_trial_has_its_candidate_and_its_choices_from_the_start(tmp_path: Path) -> None:
    study = open_study(made_plan(tmp_path, sampler=FIXED))
    assert study.next_number() == 0
    assert ask_fixed(study, CANDIDATE, CHOICES, draw) == 0
    (trial,) = study.optuna.trials
    assert trial.state == TrialState.RUNNING
    assert trial.params == CHOICES
    values = candidate_of(study, 0)
    assert {name: values[name] for name in CANDIDATE} == CANDIDATE
    assert study.next_number() == 1
    study.lease.release()


def test_a_trial_that_an_earlier_version_left_waiting_is_started_and_not_doubled(
    tmp_path: Path,
) -> None:
    study = open_study(made_plan(tmp_path, sampler=FIXED))
    attributes = study.as_attributes(CANDIDATE)
    study.optuna.add_trial(create_trial(state=TrialState.WAITING, user_attrs=attributes))
    assert study.next_number() == 0
    assert ask_fixed(study, CANDIDATE, CHOICES, draw) == 0
    (trial,) = study.optuna.trials
    assert trial.state == TrialState.RUNNING
    study.lease.release()


def test_a_trial_is_added_in_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = open_study(made_plan(tmp_path, sampler=FIXED))
    for name in ("set_trial_param", "set_trial_user_attr", "set_trial_state_values"):
        monkeypatch.setattr(type(study.storage), name, None)
    assert ask_fixed(study, CANDIDATE, CHOICES, draw) == 0
    study.lease.release()


def test_an_undescribed_trial_has_no_candidate(tmp_path: Path) -> None:
    study = open_study(made_plan(tmp_path))
    study.optuna.ask()
    assert candidate_of(study, 0) == {}
    study.lease.release()
