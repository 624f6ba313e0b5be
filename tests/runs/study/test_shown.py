"""What samplers are shown of a study, and that it changes nothing that is stored."""

import math

import numpy as np
import optuna
import pytest
from optuna.samplers import RandomSampler

from asymnas.analysis.front import Objective
from asymnas.runs.study.shown import trials_shown, values_shown

LOSS, SIZE = Objective("val_loss"), Objective("total_params")
BUDGETS = (1_000, 16_000)


def study_of(trials=30, seed=0, good=0.8, shown=True):
    """A ladder of two rungs whose losses differ tenfold; one rate is right for both."""
    study = optuna.create_study(sampler=RandomSampler(seed=seed))
    for number in range(trials):
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        budget = BUDGETS[number % 2]
        if shown:
            trial.set_user_attr("details", {"budget": budget})
        level = 1.0 if budget == 1_000 else 0.1
        study.tell(trial, level * math.exp((x - good) ** 2))
    return study


def complete(study):
    return study.get_trials(deepcopy=False)


def test_losses_are_relative_to_the_best_of_their_budget():
    study = study_of()
    trials = complete(study)
    shown = values_shown([LOSS], trials, {})
    for rung in (0, 1):
        own = [shown[t.number][0] for t in trials if t.number % 2 == rung]
        stored = [t.value for t in trials if t.number % 2 == rung]
        assert min(own) == 0
        np.testing.assert_allclose(own, np.log(stored) - np.log(min(stored)))


def test_what_is_maximised_is_relative_to_its_greatest():
    trials = complete(study_of())
    shown = values_shown([Objective("psnr", maximize=True)], trials, {})
    assert max(value for (value,) in shown.values()) == 0


def test_studies_without_a_ladder_and_other_objectives_are_shown_as_they_are():
    trials = complete(study_of(shown=False))
    assert values_shown([LOSS], trials, {}) is None
    assert values_shown([LOSS, Objective("decoder_macs")], trials, {}) is None
    assert values_shown([Objective("psnr", True), SIZE], trials, {}) is None


def test_loss_and_size_are_logarithms_over_a_fixed_reference():
    study = optuna.create_study(directions=["minimize"] * 2)
    for loss, size in ((0.2, 500.0), (0.05, 2_000.0), (3.0, 100.0)):
        trial = study.ask()
        study.tell(trial, [loss, size])
    trials = complete(study)
    shown = values_shown([LOSS, SIZE], trials, {"val_loss": 0.4, "total_params": 2_000})
    assert shown[0] == pytest.approx([math.log(0.5), math.log(0.25)])
    assert shown[1] == pytest.approx([math.log(0.125), 0.0])
    assert shown[2] == pytest.approx([0.0, math.log(0.05)])  # worse than the reference


def test_trials_are_shown_with_their_draws_and_those_values_and_stay_as_they_are():
    study = study_of()
    study.ask().suggest_float("x", 0, 1)
    trials = complete(study)
    values = values_shown([LOSS], trials, {})
    shown = trials_shown([LOSS], trials, {})
    assert [t.params for t in shown] == [t.params for t in trials]
    assert [t.values for t in shown[:-1]] == [values[t.number] for t in trials[:-1]]
    assert shown[-1].state == optuna.trial.TrialState.RUNNING
    assert trials[0].values != shown[0].values
    assert trials[0].user_attrs
    assert not shown[0].user_attrs
