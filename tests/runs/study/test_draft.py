"""Trials are drawn in memory and written whole, as Optuna would have drawn them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from made_studies import made_plan, write_trials
from made_tables import made_table
from marks import fast_first
from optuna.samplers import BaseSampler, NSGAIISampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from asymnas.core import columns as t
from asymnas.runs.study import Draft, SearchStudy, open_study

NAMES = ("a", "b", "c", "d")
KNOWN = {t.ARCHITECTURE: {"family": "dense"}, t.DECODER_SHARE: 0.5, t.LEARNING_RATE: 1e-3}
WRITES = ("set_trial_param", "set_trial_user_attr", "set_trial_system_attr")


def draw(draft: Draft, names: tuple[str, ...] = NAMES) -> dict[str, float]:
    drawn = {name: draft.trial.suggest_float(name, 0.0, 1.0) for name in names}
    return {**drawn, "kind": draft.trial.suggest_categorical("kind", ("x", "y"))}


def study_in(directory: Path, **config: Any) -> SearchStudy:
    return open_study(made_plan(directory, **config))


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsgaii", "qmc"])
def test_a_draft_that_was_not_added_leaves_nothing_and_is_drawn_again(
    tmp_path: Path, sampler: str
) -> None:
    study = study_in(tmp_path)
    write_trials(study, made_table(15))
    before = study.optuna.trials
    lost = study.draft(sampler, 5, parallel=False)
    first = draw(lost)
    assert study.optuna.trials == before
    again = study.draft(sampler, 5, parallel=False)
    assert draw(again) == first
    assert lost.number == again.number == 15
    study.lease.release()


def test_a_trial_is_written_whole_and_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_in(tmp_path)
    draft = study.draft("random", 5, parallel=False)
    drawn = draw(draft)
    with monkeypatch.context() as patched:
        for name in WRITES:
            patched.setattr(type(study.storage), name, None)
        assert study.add(draft, KNOWN) == 0
    (trial,) = study.optuna.trials
    assert (trial.state, trial.params) == (TrialState.RUNNING, drawn)
    assert trial.datetime_start is not None
    assert trial.user_attrs == study.as_attributes(KNOWN)
    assert study.running() == [0]
    study.tell(0, "pruned", {})
    study.lease.release()


SAMPLERS: dict[str, Callable[[], BaseSampler]] = {
    "random": lambda: RandomSampler(seed=3),
    "tpe": lambda: TPESampler(seed=3, multivariate=True, group=True, constant_liar=True),
    "nsgaii": lambda: NSGAIISampler(seed=3, population_size=4),
    "qmc": lambda: QMCSampler(seed=3, warn_independent_sampling=False),
}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", fast_first(SAMPLERS))
def test_ones_own_sampler_draws_as_in_a_study_of_optuna(tmp_path: Path, name: str) -> None:
    study, sampler = study_in(tmp_path), SAMPLERS[name]()
    directions = study.optuna.directions
    twin = optuna.create_study(directions=directions, sampler=SAMPLERS[name]())
    for number in range(16):
        draft = study.draft(sampler, 5, parallel=False)
        trial = twin.ask()
        drawn = draw(draft)
        assert drawn == {
            **{n: trial.suggest_float(n, 0.0, 1.0) for n in NAMES},
            "kind": trial.suggest_categorical("kind", ("x", "y")),
        }
        study.add(draft, KNOWN)
        values = [drawn["a"] + 0.1 * n for n in range(len(directions))]
        study.tell(number, "complete", dict(zip(names(study), values, strict=True)))
        twin.tell(trial, values)
    study.lease.release()


def names(study: SearchStudy) -> list[str]:
    return [objective.name for objective in study.objectives]


def test_presets_come_first_each_once(tmp_path: Path) -> None:
    presets = {"tiny": {"a": 0.25, "b": 0.5}, "small": {"a": 0.75}}
    study = study_in(tmp_path)
    for name in (*presets, None):
        draft = study.draft("random", 5, parallel=False, presets=presets)
        drawn = draw(draft)
        assert drawn.items() >= presets.get(name, {}).items()
        number = study.add(draft, KNOWN)
        assert study.recall(number).get(t.PRESET) == name
    study.lease.release()


def test_a_queued_trial_comes_first_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    study = study_in(tmp_path)
    study.optuna.enqueue_trial({"a": 0.25}, user_attrs={"by": "me"})
    draft = study.draft("random", 5, parallel=False, presets={"tiny": {"a": 0.5}})
    expected = draw(draft)
    assert expected["a"] == 0.25
    assert study.running() == [0]  # it is started, and a kill now leaves it without a candidate
    draft = study.draft_again(0, "random", 5)
    assert draw(draft) == expected
    assert study.add(draft, KNOWN) == 0
    (trial,) = study.optuna.trials
    assert trial.params == expected
    assert trial.user_attrs == {"by": "me", **study.as_attributes(KNOWN)}
    study.lease.release()


def test_a_trial_that_an_earlier_version_left_half_drawn_keeps_what_it_has(tmp_path: Path) -> None:
    study = study_in(tmp_path)
    drawn = study.optuna.ask().suggest_float("b", 0.0, 1.0)
    draft = study.draft_again(0, "tpe", 5)
    values = draw(draft)
    assert values["b"] == drawn
    study.add(draft, KNOWN)
    assert study.optuna.trials[0].params == values
    study.lease.release()


def test_the_number_is_the_next_one_where_another_process_has_queued_a_trial(
    tmp_path: Path,
) -> None:
    study = study_in(tmp_path)
    draft = study.draft("random", 5, parallel=False)
    draw(draft)
    study.optuna.enqueue_trial({"a": 0.25})
    assert (draft.number, study.add(draft, KNOWN)) == (0, 1)
    assert study.recall(1)[t.ARCHITECTURE] == KNOWN[t.ARCHITECTURE]
    study.lease.release()
