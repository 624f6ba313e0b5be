"""What the process that writes a study has in memory is what is stored."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from made_studies import made_plan, write_trials
from made_tables import made_table
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from asymnas.core import columns as t
from asymnas.runs.study import SearchStudy, open_study, read_study, samplers
from asymnas.runs.study.bridge import MOST_REPEATED
from asymnas.runs.study.rows import OPTUNA_STATES

KNOWN = {t.ARCHITECTURE: {"family": "dense"}, t.DECODER_SHARE: 0.5, t.LEARNING_RATE: 1e-3}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SearchStudy]:
    study = open_study(made_plan(tmp_path, objectives=("val_loss",)))
    yield study
    study.lease.release()


def begin(study: SearchStudy, sampler: str = "tpe") -> int:
    draft = study.draft(sampler, 5, parallel=True)
    draft.trial.suggest_float("x", 0.0, 1.0)
    return study.add(draft, KNOWN)


class Repeating(RandomSampler):
    """Draws the same for ever."""

    def sample_independent(self, *args: Any) -> Any:
        return 0.25


def test_it_is_what_another_process_reads_of_a_run_that_goes_on(
    study: SearchStudy, tmp_path: Path
) -> None:
    reader, random, running = read_study(f"sqlite:///{tmp_path / 'study.db'}"), Random(1), []
    for step in range(25):
        if running and random.random() < 0.5:
            number = running.pop(random.randrange(len(running)))
            loss = random.random()
            study.remember(number, {t.CURVE: [[100, loss]], t.SECONDS: 1.0})
            study.report(number, 100, loss)
            state = random.choice(("complete", "pruned", "failed"))
            study.tell(number, state, {t.VAL_LOSS: loss})
        else:
            running.append(begin(study))
        if step % 5 == 0:
            own = study.table()
            assert own.equals(reader.table())
            assert own[t.STATE].eq("running").sum() == len(running)
    assert study.running() == sorted(running)


def test_a_draw_reads_no_trial_that_is_in_training(
    study: SearchStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cost does not grow with the number of workers."""
    numbers = [begin(study) for _ in range(3)]
    reads: list[int] = []
    whole = type(study.storage).get_all_trials

    def counted(*args, **kwargs):
        read = whole(*args, **kwargs)
        reads.append(len(read))
        return read

    monkeypatch.setattr(type(study.storage), "get_all_trials", counted)
    monkeypatch.setattr(type(study.storage), "get_trial", None)
    assert begin(study) == len(numbers)
    assert reads == [0]


def test_a_sampler_sees_each_trial_as_it_has_ended(study: SearchStudy) -> None:
    states, ends = [TrialState.RUNNING] * 3, ("complete", "pruned", "failed")
    numbers = [begin(study) for _ in ends]
    for number, end in zip(numbers, ends, strict=True):
        study.report(number, 100, 0.5)
        study.tell(number, end, {t.VAL_LOSS: 0.25})
        states[number] = OPTUNA_STATES[end]
        seen = study.draft("random", 5, parallel=True).view.get_all_trials(0)
        assert [trial.state for trial in seen] == [*states, TrialState.RUNNING]
        assert len({trial.params.get("x") for trial in seen}) == 4
    assert [trial.values for trial in seen] == [[0.25], [0.5], None, None]
    assert seen[1].intermediate_values == {100: 0.5}


def test_a_trial_that_is_queued_while_the_run_goes_on_is_the_next(study: SearchStudy) -> None:
    assert (begin(study), begin(study)) == (0, 1)
    assert (study.queued(), study.next_number()) == (None, 2)
    study.optuna.enqueue_trial({"x": 0.25})
    assert (study.queued(), study.next_number()) == (2, 2)
    draft = study.draft("tpe", 5, parallel=True)
    assert (draft.number, draft.trial.suggest_float("x", 0.0, 1.0)) == (2, 0.25)
    study.add(draft, KNOWN)
    assert (study.queued(), study.next_number()) == (None, 3)


def test_a_sampler_that_repeats_a_trial_in_training_gives_way_to_a_random_draw(
    study: SearchStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(samplers._MAKERS, "qmc", lambda draw: Repeating())
    original = begin(study, "qmc")
    for _ in range(MOST_REPEATED):
        study.remember(begin(study, "qmc"), {t.DUPLICATE_OF: original})
    begin(study, "qmc")
    drawn = [trial.params["x"] for trial in study.optuna.trials]
    assert set(drawn[:-1]) == {0.25}
    assert drawn[-1] != 0.25


def test_trials_that_another_process_has_added_are_read_before_the_next(
    study: SearchStudy,
) -> None:
    assert begin(study) == 0
    write_trials(study, made_table(4))
    assert begin(study) == 5
    assert begin(study) == 6
    assert study.table()[t.TRIAL].tolist() == list(range(7))


def test_a_trial_that_another_process_has_ended_is_no_longer_running(study: SearchStudy) -> None:
    numbers = [begin(study) for _ in range(3)]
    study.optuna.tell(numbers[1], state=TrialState.FAIL)
    assert study.running() == [0, 2]
    assert study.table()[t.STATE].tolist() == ["running", "failed", "running"]


@pytest.mark.parametrize("losses", [[], [0.5], [0.5, 0.25], [0.5, float("nan")]])
def test_a_pruned_trial_has_the_value_that_optuna_gives_it(
    study: SearchStudy, losses: list[float]
) -> None:
    number = begin(study)
    twin = study.optuna.ask()
    for step, loss in enumerate(losses):
        study.report(number, step, loss)
        twin.report(loss, step)
    study.tell(number, "pruned", {})
    told = study.optuna.tell(twin, state=TrialState.PRUNED)
    assert study.optuna.trials[number].values == told.values


def test_a_finished_trial_is_told_to_the_sampler(study: SearchStudy) -> None:
    number, seen = begin(study), []

    class Noting(type(study.optuna.sampler)):
        def after_trial(self, study, trial, state, values):
            seen.append((trial.number, state, values))

    study.optuna.sampler = Noting()
    study.tell(number, "complete", {t.VAL_LOSS: 0.5})
    assert seen == [(number, TrialState.COMPLETE, [0.5])]
