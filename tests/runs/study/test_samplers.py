"""The sampler that answers from a list."""

import optuna
import pytest
from made_studies import made_plan

from asymnas.runs.study import Listed, open_study

ENTRIES = [
    {"depth": 3, "growth": 1.25, "activation": "tanh", "rate": 1.6e-2},
    {"depth": 1, "growth": 0.5, "activation": "relu", "rate": 1e-3},
    {"depth": 4, "growth": 1.5, "activation": "silu", "rate": 4e-3},
]


def draw(trial):
    return {
        "depth": trial.suggest_int("depth", 1, 4),
        "growth": trial.suggest_float("growth", 0.5, 1.5, step=0.25),
        "activation": trial.suggest_categorical("activation", ("relu", "silu", "tanh")),
        "rate": trial.suggest_float("rate", 1e-3, 1.6e-2, log=True),
    }


def test_trial_n_draws_the_nth_entry():
    study = optuna.create_study(sampler=Listed(ENTRIES))
    trials = [study.ask() for _ in ENTRIES]
    assert [draw(trial) for trial in reversed(trials)] == ENTRIES[::-1]
    assert [trial.params for trial in study.get_trials()] == ENTRIES


def test_a_choice_of_one_and_names_besides_are_no_obstacle():
    study = optuna.create_study(sampler=Listed([{"rate": 0.5, "unused": 3}]))
    trial = study.ask()
    assert trial.suggest_categorical("only", ("this",)) == "this"
    assert trial.suggest_float("rate", 0.0, 1.0) == 0.5


def test_it_has_no_more_than_its_list():
    study = optuna.create_study(sampler=Listed(ENTRIES[:1]))
    study.ask()
    with pytest.raises(IndexError):
        draw(study.ask())


def test_a_trial_half_drawn_is_drawn_to_the_end(tmp_path):
    changes = {"purpose": "sweep", "design": {"budgets": [5_000]}, "remarks": {"seeds": 2}}
    study = open_study(made_plan(tmp_path, plan=changes, sampler=Listed()))
    first = study.ask(Listed(ENTRIES), 0, parallel=False)
    assert first.suggest_int("depth", 1, 4) == 3
    (again,) = study.unfinished(Listed(ENTRIES), 0)
    assert draw(again) == ENTRIES[0]
    assert study.config["sampler"] == "Listed"
    assert (study.purpose, study.design) == ("sweep", {"budgets": [5_000], "seeds": 2})
    study.lease.release()
