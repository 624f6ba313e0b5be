"""The trial table: what it holds, and that it grows without being built anew."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_studies import made_plan, write_trial, write_trials
from made_tables import made_table
from optuna.trial import FrozenTrial, TrialState, create_trial

from asymnas.core import columns as t
from asymnas.runs.study import SearchStudy, open_study, read_study
from asymnas.runs.study.rows import TrialTable, as_row


@pytest.fixture
def study(tmp_path: Path) -> Any:
    study = open_study(made_plan(tmp_path))
    yield study
    study.lease.release()


def test_it_holds_what_the_trials_were_written_from(study: SearchStudy) -> None:
    made = made_table(30)
    write_trials(study, made)
    table = study.table()
    for name in (t.STATE, t.TOTAL_PARAMS, t.DECODER_SHARE, t.DUPLICATE_OF, t.LEARNING_RATE, "psnr"):
        expected = made[name].reset_index(drop=True)
        pd.testing.assert_series_equal(table[name], expected, check_dtype=False, obj=name)
    assert list(table[t.TRIAL]) == list(range(30))
    assert list(table.columns)[: len(t.COLUMNS)] == list(t.COLUMNS)
    assert table[t.TOTAL_PARAMS].dtype.kind == "i"


def finished(number: int, **attributes: Any) -> FrozenTrial:
    trial = create_trial(state=TrialState.COMPLETE, values=[1.0, 2.0], user_attrs=attributes)
    trial.number = number
    return trial


def naive(trials: list[FrozenTrial]) -> pd.DataFrame:
    """The table as it is built from nothing."""
    rows = [as_row(trial) for trial in trials]
    names = dict.fromkeys([*t.COLUMNS, "val_loss", "total_params", *(n for r in rows for n in r)])
    extra = [n for n in names if n not in t.COLUMNS]
    order = [n for n in extra if not n.startswith(t.DRAWN)]
    order += [n for n in extra if n.startswith(t.DRAWN)]
    frame = pd.DataFrame(rows, columns=[*t.COLUMNS, *order])
    return frame.astype({t.DUPLICATE_OF: "Int64", t.TRIAL: int})


def test_read_bit_by_bit_it_is_the_same_as_read_at_once() -> None:
    """Trials finish out of order, and columns appear with later trials."""
    attributes: list[dict[str, Any]] = [
        {"total_params": 5, "z": 1.5},
        {"total_params": 7, "phase": "measure", "a": 2},
        {},
        {"total_params": 9, "duplicate_of": 1, "quota": True},
        {"metrics": {"psnr": 20.0}, "curve": [[100, 0.5], [200, 0.25]]},
    ]
    trials = [finished(number, **known) for number, known in enumerate(attributes)]
    table = TrialTable(["val_loss", "total_params"])
    for order in ([2], [2, 4], [0, 2, 4], [0, 1, 2, 4], [0, 1, 2, 3, 4]):
        some = []
        for number in range(max(order) + 1):
            trial = finished(number, **attributes[number])
            if number not in order:
                trial.state = TrialState.RUNNING
            some.append(trial)
        pd.testing.assert_frame_equal(table.frame(some), naive(some))
    pd.testing.assert_frame_equal(table.frame(trials), naive(trials))
    pd.testing.assert_frame_equal(TrialTable(["val_loss", "total_params"]).frame([]), naive([]))


def test_a_running_trial_is_read_anew_until_it_is_finished(study: SearchStudy) -> None:
    row = made_table(30).query("state == 'complete'").to_dict("records")[0]
    number = study.optuna.ask().number
    assert study.table()[t.STATE].tolist() == ["running"]
    study.remember(number, {t.CURVE: [[10, 0.9]]})
    assert study.table()[t.VAL_LOSS].tolist() == [0.9]
    study.remember(number, {t.CURVE: [[10, 0.9], [20, 0.8]]})
    assert study.table()[t.VAL_LOSS].tolist() == [0.8]
    write_trial(study, number, row)
    assert study.table()[t.STATE].tolist() == ["complete"]


def test_a_finished_trial_becomes_a_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counting(trial: FrozenTrial) -> dict[str, Any]:
        made.append(trial.number)
        return as_row(trial)

    monkeypatch.setattr("asymnas.runs.study.rows.as_row", counting)
    table = TrialTable(["val_loss", "total_params"])
    trials: list[FrozenTrial] = []
    for number in range(50):
        trials.append(finished(number, total_params=number))
        assert len(table.frame(trials)) == number + 1
    assert made == list(range(50))


def test_reading_a_grown_table_again_costs_little() -> None:
    """At 4,000 trials a call costs a few times what it costs at 500, far from building them all."""

    def seconds(count: int) -> tuple[float, float]:
        rows = {f"column {n}": float(n) for n in range(30)}
        trials = [finished(number, **rows, curve=[[1, 0.5]] * 6) for number in range(count)]
        table = TrialTable(["val_loss", "total_params"])
        began = time.process_time()
        table.frame(trials)
        first = time.process_time() - began
        again = min(_timed(table, trials) for _ in range(5))
        return first, again

    first, again = seconds(4_000)
    assert again < first / 2
    assert again < 0.25


def _timed(table: TrialTable, trials: list[FrozenTrial]) -> float:
    began = time.process_time()
    table.frame(trials)
    return time.process_time() - began


def test_an_attribute_of_an_earlier_version_is_read_under_its_new_name() -> None:
    row = as_row(finished(0, details={"quota": True}))
    assert row[t.NEVER_PRUNED] is True


def test_a_study_that_others_write_to_is_read_as_it_is_now(tmp_path: Path) -> None:
    writer = open_study(made_plan(tmp_path))
    reader = read_study(f"sqlite:///{tmp_path / 'study.db'}")
    made = made_table(10)
    write_trials(writer, made.head(4))
    assert len(reader.table()) == 4
    write_trials(writer, made.tail(6))
    pd.testing.assert_frame_equal(reader.table(), writer.table())
    writer.lease.release()
