"""What samplers are shown of a study, and that it changes nothing that is stored."""

import math
from copy import copy
from random import Random

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial

from asymnas.analysis.front import Objective
from asymnas.runs.study.rows import DETAILS
from asymnas.runs.study.shown import ShownTrials

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


def values_shown(objectives, trials, reference):
    return [trial.values for trial in ShownTrials(objectives, reference).of(trials)]


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
    for rung in (0, 1):
        assert max(value for (value,) in shown[rung::2]) == 0


def test_studies_without_a_ladder_and_other_objectives_are_shown_as_they_are():
    trials = complete(study_of(shown=False))
    for objectives in ([LOSS], [LOSS, Objective("decoder_macs")], [Objective("psnr", True), SIZE]):
        assert ShownTrials(objectives, {}).of(trials) is trials


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
    shown = ShownTrials([LOSS], {}).of(trials)
    assert [t.params for t in shown] == [t.params for t in trials]
    assert [t.state for t in shown] == [t.state for t in trials]
    assert shown[-1].state == TrialState.RUNNING
    assert (shown[-1].values, len(shown[0].values)) == (None, 1)
    assert trials[0].values != shown[0].values
    assert trials[0].user_attrs
    assert not shown[0].user_attrs


def test_trials_that_repeat_the_draws_of_another_are_not_shown():
    study = study_of()
    trial = study.ask()
    trial.set_user_attr("sized_from", 3)
    study.tell(trial, 1e-9)
    shown = ShownTrials([LOSS], {}).of(complete(study))
    assert [t.number for t in shown] == list(range(30))


def ended(
    study,
    number,
    *,
    curve=(),
    budget=BUDGETS[0],
    state=TrialState.PRUNED,
    copy_of=None,
    sized_from=None,
    drawn=True,
):
    """A trial that has not been trained to the end."""
    details = {"budget": budget, "total_params": 500}
    attributes = {DETAILS: details, "curve": list(curve), "duplicate_of": copy_of}
    if sized_from is not None:
        attributes["sized_from"] = sized_from
    x = {"x": FloatDistribution(0, 1)} if drawn else {}
    params = dict.fromkeys(x, 0.5)
    trial = create_trial(state=state, user_attrs=attributes, params=params, distributions=x)
    study.add_trial(trial)
    assert study.trials[-1].number == number


def test_to_a_model_of_complete_trials_all_that_have_finished_are_complete():
    study = study_of(trials=4)
    ended(study, 4, curve=[(100, 4.0), (200, 2.0)])
    ended(study, 5, copy_of=4)
    ended(study, 6, curve=[(100, 0.5)], budget=BUDGETS[1])
    ended(study, 7, curve=[(100, 0.1)], state=TrialState.FAIL)  # what it had before says nothing
    ended(study, 8, state=TrialState.RUNNING)
    trials = complete(study)
    shown = ShownTrials([LOSS], {}, as_complete=True).of(trials)
    best = [min(trial.value for trial in trials[rung:4:2]) for rung in (0, 1)]
    values = [trial.value for trial in shown if trial.state == TrialState.COMPLETE]
    assert values[:4] == [value for (value,) in values_shown([LOSS], trials[:4], {})]
    assert values[4] == values[5] == pytest.approx(math.log(2.0 / best[0]))
    assert values[6] == pytest.approx(math.log(0.5 / best[1]))
    assert values[7] == max(values[:7])
    assert (len(values), shown[8].state) == (8, TrialState.RUNNING)
    assert trials[4].state == TrialState.PRUNED


def test_a_pruned_trial_is_never_shown_better_than_the_best_complete_one_of_its_budget():
    study = study_of(trials=4)
    ended(study, 4, curve=[(100, 1e-3)])  # as where the weight of a part of the loss still rises
    trials = complete(study)
    shown = ShownTrials([LOSS], {}, as_complete=True).of(trials)
    assert [trial.values for trial in shown[:4]] == values_shown([LOSS], trials[:4], {})
    assert shown[4].value == 0


def test_a_failure_without_draws_is_no_complete_trial():
    study = study_of(trials=4)
    ended(study, 4, state=TrialState.FAIL, drawn=False)
    shown = ShownTrials([LOSS], {}, as_complete=True).of(complete(study))
    assert shown[4].state == TrialState.FAIL


def test_a_copy_has_the_values_of_what_it_repeats_shown_or_not_earlier_or_later():
    study = study_of(trials=4)
    ended(study, 4, curve=[(100, 3.0)], sized_from=0)  # itself is not shown
    ended(study, 5, copy_of=4)
    ended(study, 6, copy_of=7)
    ended(study, 7, curve=[(100, 2.0)])
    ended(study, 8, curve=[(100, 9.0)])
    trials = complete(study)
    best = min(trial.value for trial in trials[:4:2])
    shown = ShownTrials([LOSS], {}, as_complete=True).of(trials)
    values = {trial.number: trial.value for trial in shown}
    assert 4 not in values
    assert [values[n] for n in (5, 6, 7)] == pytest.approx(
        [math.log(loss / best) for loss in (3.0, 2.0, 2.0)]
    )


def test_what_was_not_measured_of_a_pruned_trial_is_the_worst_and_its_size_is_known():
    study = optuna.create_study(directions=["minimize", "minimize", "maximize"])
    for psnr in (20.0, 30.0):
        study.tell(study.ask(), [0.1, 900.0, psnr])
    ended(study, 2, curve=[(100, 0.3)])
    ended(study, 3, state=TrialState.FAIL)
    objectives = [LOSS, SIZE, Objective("psnr", maximize=True)]
    shown = ShownTrials(objectives, {}, as_complete=True).of(complete(study))
    assert [trial.values for trial in shown[2:]] == [[0.3, 500.0, 20.0]] * 2


def test_where_nothing_is_complete_yet_all_values_are_equal():
    study = optuna.create_study()
    ended(study, 0, state=TrialState.FAIL)
    shown = ShownTrials([LOSS], {}, as_complete=True).of(complete(study))
    assert [trial.value for trial in shown] == [0.0]
    assert ShownTrials([LOSS], {}, as_complete=True).of([]) == []


def naive_values(trials, *, maximize):
    """Each value less the best of its budget, as logarithms where that can be."""
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    logarithms = not maximize and all(trial.value > 0 for trial in done)
    own = {n.number: math.log(n.value) if logarithms else n.value for n in done}
    budgets = {n.number: n.user_attrs.get(DETAILS, {}).get("budget") for n in done}
    best = max if maximize else min
    level = {b: best(v for n, v in own.items() if budgets[n] == b) for b in budgets.values()}
    return {n: value - level[budgets[n]] for n, value in own.items()}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), maximize=st.booleans(), lowest=st.sampled_from([-1.0, 0.1]))
def test_a_study_that_grows_is_shown_as_it_would_be_at_once(seed, maximize, lowest):
    """Trials begin and end in any order; levels fall, and a loss below zero changes all values."""
    random = Random(seed)
    growing = ShownTrials([Objective("loss", maximize)], {})
    trials, running = [], []
    for _ in range(40):
        if running and random.random() < 0.5:
            number = running.pop(random.randrange(len(running)))
            state = random.choice((TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED))
            value = random.uniform(lowest, 2) if state == TrialState.COMPLETE else None
            trials[number] = copy(trials[number])
            trials[number].state, trials[number].values = state, None if value is None else [value]
        else:
            details = {} if random.random() < 0.1 else {"budget": random.choice(BUDGETS)}
            trials.append(create_trial(state=TrialState.RUNNING, user_attrs={DETAILS: details}))
            trials[-1].number = len(trials) - 1
            running.append(trials[-1].number)
        shown = growing.of(trials)
        if shown is not trials:
            values = naive_values(trials, maximize=maximize)
            assert [n.state for n in shown] == [n.state for n in trials]
            assert {n.number: n.value for n in shown if n.values} == pytest.approx(values)


def test_a_finished_trial_is_copied_once():
    trials = complete(study_of())
    growing = ShownTrials([LOSS], {})
    first, again = growing.of(trials), growing.of(trials)
    assert [id(trial) for trial in first] == [id(trial) for trial in again]
