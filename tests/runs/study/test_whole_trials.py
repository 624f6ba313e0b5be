"""A trial that is added as a whole is stored as Optuna stores it, in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from asymnas.runs.study.storage import open_to_write

DISTRIBUTIONS = {
    "z_rate": FloatDistribution(1e-4, 1.0, log=True),
    "a_depth": IntDistribution(1, 4),
    "kernel": CategoricalDistribution(("three", None, 5)),
}


def trial(depth: int = 3, **attributes: Any) -> FrozenTrial:
    return FrozenTrial(
        number=-1,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=datetime(2026, 11, 27, 8, 30, 15, 250_000),
        datetime_complete=None,
        params={"z_rate": 0.03, "a_depth": depth, "kernel": None},
        distributions=DISTRIBUTIONS,
        user_attrs={"widths": [3, 5], "share": 0.25, "note": "ä", **attributes},
        system_attrs={"fixed_params": {"kernel": None}},
        intermediate_values={},
        trial_id=-1,
    )


def ours(folder: Path) -> BaseStorage:
    return open_to_write(f"sqlite:///{folder / 'ours.db'}")[0]


def optunas(folder: Path) -> BaseStorage:
    return RDBStorage(f"sqlite:///{folder / 'optunas.db'}")


def study_in(storage: BaseStorage, name: str) -> int:
    return storage.create_new_study([StudyDirection.MINIMIZE], name)


@contextmanager
def statements(storage: BaseStorage) -> Iterator[list[str]]:
    """What is sent to the database, with `COMMIT` where a transaction ends."""
    assert isinstance(storage, RDBStorage)
    sent: list[str] = []
    events = {
        "before_cursor_execute": lambda c, cursor, statement, *rest: sent.append(statement),
        "commit": lambda connection: sent.append("COMMIT"),
    }
    for name, note in events.items():
        sa.event.listen(storage.engine, name, note)
    yield sent
    for name, note in events.items():
        sa.event.remove(storage.engine, name, note)


def test_it_is_what_optuna_stores(tmp_path: Path) -> None:
    stored = []
    for storage in (ours(tmp_path), optunas(tmp_path)):
        studies = [study_in(storage, name) for name in ("one", "other")]
        for study, depth in ((0, 1), (1, 2), (0, 3), (1, 4)):  # in turn, each numbered by itself
            storage.create_new_trial(studies[study], trial(depth, of=study))
        storage.create_new_trial(studies[0])
        stored.append([storage.get_all_trials(study) for study in studies])
    stored[0][0][-1].datetime_start = stored[1][0][-1].datetime_start  # begun now
    assert stored[0] == stored[1]
    first, *_ = stored[0][1]
    assert (first.params["a_depth"], first.user_attrs["of"], first.number) == (2, 1, 0)
    assert list(first.params) == list(DISTRIBUTIONS)


def test_it_can_be_changed_and_finished(tmp_path: Path) -> None:
    storage = ours(tmp_path)
    study = study_in(storage, "one")
    added = storage.create_new_trial(study, trial())
    storage.set_trial_user_attr(added, "share", 0.5)
    storage.set_trial_intermediate_value(added, 100, 0.1)
    storage.set_trial_state_values(added, TrialState.COMPLETE, [0.1])
    (seen,) = storage.get_all_trials(study)
    assert seen.state == TrialState.COMPLETE
    assert seen.value == 0.1
    assert seen.user_attrs == {**trial().user_attrs, "share": 0.5}


def test_it_takes_one_transaction_of_few_statements(tmp_path: Path) -> None:
    storage = ours(tmp_path)
    study = study_in(storage, "one")
    with statements(storage) as sent:
        storage.create_new_trial(study, trial())
    assert sent.count("COMMIT") == 1
    assert len(sent) < 12


def test_of_one_that_cannot_be_stored_nothing_is(tmp_path: Path) -> None:
    storage = ours(tmp_path)
    study = study_in(storage, "one")
    with pytest.raises(TypeError, match="not JSON serializable"):
        storage.create_new_trial(study, trial(broken=object()))
    assert storage.get_all_trials(study) == []
    storage.create_new_trial(study, trial())
    (seen,) = storage.get_all_trials(study)
    assert seen.user_attrs == trial().user_attrs
