"""Trials that were stopped in the middle of their draws go on as if they had not been."""

from pathlib import Path
from typing import Any

import pytest
from made_studies import made_plan, write_trials
from made_tables import made_table

from asymnas.runs.study import SearchStudy, Trial, open_study

NAMES = ("a", "b", "c", "d")


def draw(trial: Trial, names: tuple[str, ...] = NAMES) -> dict[str, float]:
    drawn = {name: trial.suggest_float(name, 0.0, 1.0) for name in names}
    return {**drawn, "kind": trial.suggest_categorical("kind", ("x",))}  # one choice: no draw


def study_in(directory: Path, **config: Any) -> SearchStudy:
    return open_study(made_plan(directory, **config))


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsgaii"])
def test_two_trials_half_drawn_are_drawn_to_the_end_each_by_its_own_sampler(
    tmp_path: Path, sampler: str
) -> None:
    whole = study_in(tmp_path / "whole")
    expected = [draw(whole.ask(sampler, 5, parallel=True)) for _ in range(2)]
    assert expected[0] != expected[1]
    whole.lease.release()

    stopped = study_in(tmp_path / "stopped")
    for drawn in (2, 1):
        draw(stopped.ask(sampler, 5, parallel=True), NAMES[:drawn])
    stopped.lease.release()

    resumed = study_in(tmp_path / "stopped")
    trials = resumed.unfinished(sampler, 5)
    assert [trial.number for trial in trials] == [0, 1]
    assert [draw(trial) for trial in trials] == expected
    resumed.lease.release()


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_number_that_was_drawn_is_not_drawn_again_for_the_next_name(
    tmp_path: Path, sampler: str
) -> None:
    study = study_in(tmp_path)
    first = study.ask(sampler, 5, parallel=False).suggest_float("a", 0.0, 1.0)
    (trial,) = study.unfinished(sampler, 5)
    assert trial.suggest_float("b", 0.0, 1.0) != first
    study.lease.release()


def test_a_preset_half_drawn_goes_on_as_the_preset(tmp_path: Path) -> None:
    presets = {"tiny": {"a": 0.25, "b": 0.5}}
    whole = study_in(tmp_path / "whole")
    expected = draw(whole.ask("random", 5, parallel=False, presets=presets))
    assert (expected["a"], expected["b"]) == (0.25, 0.5)
    whole.lease.release()
    study = study_in(tmp_path / "stopped")
    draw(study.ask("random", 5, parallel=False, presets=presets), NAMES[:1])
    (trial,) = study.unfinished("random", 5)
    assert draw(trial) == expected
    study.lease.release()


def test_what_is_drawn_together_after_many_trials_is_drawn_the_same(tmp_path: Path) -> None:
    """TPE draws the learning rate, which all trials have, before the names that are new."""
    results = []
    for stop in (False, True):
        study = study_in(tmp_path / str(stop))
        write_trials(study, made_table(20))
        trial = study.ask("tpe", 5, parallel=False)
        rate = trial.suggest_float("learning_rate", 1e-3, 8e-3, log=True)
        if stop:
            trial.suggest_float("a", 0.0, 1.0)
            (trial,) = (t for t in study.unfinished("tpe", 5) if t.number == trial.number)
        results.append((rate, draw(trial)))
        study.lease.release()
    assert results[0] == results[1]
