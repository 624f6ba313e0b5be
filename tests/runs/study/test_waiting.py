"""A storage whose server goes away: its calls wait, are made once, and write nothing unleased."""

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import optuna
import pytest
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState, create_trial
from sqlalchemy.exc import OperationalError, ProgrammingError

from asymnas.core.errors import StudyError
from asymnas.runs.study import waiting as module
from asymnas.runs.study.lease import DatabaseLease
from asymnas.runs.study.waiting import ATTEMPTS, Waiting, waiting


def cut_off() -> OperationalError:
    """A connection that ended, as SQLAlchemy and then Optuna raise it."""
    return OperationalError("statement", {}, Exception("cut"), connection_invalidated=True)


def refused() -> OperationalError:
    return OperationalError("", None, Exception("connection refused"))


class Lease:
    """A lease whose renewals fail with what is given, one after another, and then succeed."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.renewals = list(failures), 0
        self.held, self.may_be_stale, self.given_up = True, False, False
        self.longest_s, self.shown = 1800.0, "postgresql://me:***@db/x"

    def renew(self) -> None:
        self.renewals += 1
        if self.failures:
            raise self.failures.pop(0)
        self.may_be_stale = False

    def check(self) -> None:
        if self.given_up:
            raise StudyError("the study's database could not be reached: refused")

    def reason_of(self, error: Exception) -> str:
        return str(error).splitlines()[0]


class Backend(InMemoryStorage):
    """Fails in turn with what is given, before or after it has done what it was asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Exception] = []
        self.after: list[Exception] = []
        self.calls = 0

    def fail(self, call: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.before:
            raise self.before.pop(0)
        result = call()
        if self.after:
            raise self.after.pop(0)
        return result

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self.fail(lambda: super(Backend, self).set_study_user_attr(study_id, key, value))

    def create_new_trial(self, study_id: int, template_trial: Any = None) -> int:
        made = self.fail(lambda: super(Backend, self).create_new_trial(study_id, template_trial))
        return int(made)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        call = super().set_trial_state_values
        return bool(self.fail(lambda: call(trial_id, state, values)))


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def backend() -> Backend:
    return Backend()


def over(backend: Backend, lease: Lease) -> tuple[BaseStorage, int]:
    """A waiting storage, and the id of a study in it."""
    study_id = backend.create_new_study([optuna.study.StudyDirection.MINIMIZE], "a study")
    return waiting(backend, cast(DatabaseLease, lease)), study_id


def wrapped(error: Exception) -> StorageInternalError:
    """An error as Optuna's storages raise it."""
    raised = StorageInternalError("An exception is raised during the commit.")
    raised.__cause__ = error
    return raised


@pytest.mark.parametrize("as_raised", [lambda error: error, wrapped])
def test_what_was_cut_off_is_done_once_the_server_is_back(
    backend: Backend, clock: Clock, capsys: pytest.CaptureFixture[str], as_raised: Any
) -> None:
    lease = Lease(*(refused() for _ in range(8)))
    storage, study_id = over(backend, lease)
    backend.before = [as_raised(cut_off())]
    storage.set_study_user_attr(study_id, "key", 3)
    assert storage.get_study_user_attrs(study_id) == {"key": 3}
    assert lease.renewals == 9
    assert clock.now == pytest.approx(0.5 + 1 + 2 + 4 + 8 + 10 + 10 + 10)
    assert capsys.readouterr().err.splitlines() == [
        "note: postgresql://me:***@db/x does not answer; waiting for up to 30 min: "
        "(builtins.Exception) connection refused",
        "note: postgresql://me:***@db/x answers again, after 46 s",
    ]


def test_a_connection_that_cannot_be_made_is_waited_for_too(backend: Backend) -> None:
    lease = Lease(refused(), refused())
    storage, study_id = over(backend, lease)
    backend.before = [refused()]
    storage.set_study_user_attr(study_id, "key", 3)
    assert storage.get_study_user_attrs(study_id) == {"key": 3}


@pytest.mark.parametrize(
    "error",
    [
        ProgrammingError("statement", {}, Exception("no such table")),
        OperationalError("statement", {}, Exception("disk full")),  # and the server answers
        wrapped(OperationalError("statement", {}, Exception("too long"))),
        KeyError("no such study"),
    ],
)
def test_what_is_no_matter_of_connections_is_raised_at_once(
    backend: Backend, clock: Clock, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    storage, study_id = over(backend, Lease())
    backend.before = [error]
    with pytest.raises(type(error)) as caught:
        storage.set_study_user_attr(study_id, "key", 3)
    assert caught.value is error
    assert (backend.calls, clock.now, capsys.readouterr().err) == (1, 0, "")


def test_what_is_cut_off_again_and_again_is_raised_in_the_end(backend: Backend) -> None:
    storage, study_id = over(backend, Lease())
    backend.before = [cut_off() for _ in range(ATTEMPTS)]
    with pytest.raises(OperationalError, match="cut"):
        storage.set_study_user_attr(study_id, "key", 3)
    assert backend.calls == ATTEMPTS


def test_a_trial_that_was_added_before_the_answer_was_lost_is_not_added_again(
    backend: Backend,
) -> None:
    storage, study_id = over(backend, Lease())
    width = optuna.distributions.FloatDistribution(0, 1)
    trials = [
        create_trial(state=TrialState.RUNNING, params={"w": w}, distributions={"w": width})
        for w in (0.25, 0.5, 0.75)
    ]
    made = [storage.create_new_trial(study_id, trials[0])]
    backend.after = [cut_off()]
    made.append(storage.create_new_trial(study_id, trials[1]))
    backend.before = [cut_off()]
    made.append(storage.create_new_trial(study_id, trials[2]))
    assert [trial.params["w"] for trial in storage.get_all_trials(study_id)] == [0.25, 0.5, 0.75]
    assert [storage.get_trial(trial_id).params["w"] for trial_id in made] == [0.25, 0.5, 0.75]


def test_a_trial_like_one_of_long_ago_is_added(backend: Backend) -> None:
    storage, study_id = over(backend, Lease())
    now = create_trial(state=TrialState.RUNNING)
    before = copy.copy(now)
    before.datetime_start = datetime(2000, 1, 1)
    storage.create_new_trial(study_id, before)
    backend.before = [cut_off()]
    storage.create_new_trial(study_id, now)
    assert storage.get_n_trials(study_id) == 2


def test_a_trial_that_was_finished_before_the_answer_was_lost_stays_so(backend: Backend) -> None:
    storage, study_id = over(backend, Lease())
    first, second = storage.create_new_trial(study_id), storage.create_new_trial(study_id)
    backend.after = [cut_off()]
    assert storage.set_trial_state_values(first, TrialState.COMPLETE, [1.0])
    assert storage.get_trial(first).values == [1.0]
    backend.before = [cut_off()]
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(first, TrialState.FAIL)
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(first, TrialState.COMPLETE, [1.0])
    assert storage.set_trial_state_values(second, TrialState.FAIL)


def test_nothing_is_written_once_another_process_has_the_study(backend: Backend) -> None:
    taken = StudyError("another process has taken this study over")
    lease = Lease(refused(), taken)
    storage, study_id = over(backend, lease)
    backend.before = [cut_off()]
    with pytest.raises(StudyError, match="taken this study over"):
        storage.set_study_user_attr(study_id, "key", 3)
    assert backend.calls == 1


def test_nothing_is_written_while_the_lease_may_be_stale(backend: Backend) -> None:
    lease = Lease(refused(), refused())
    storage, study_id = over(backend, lease)
    lease.may_be_stale = True
    storage.set_study_user_attr(study_id, "key", 3)
    assert (lease.renewals, backend.calls) == (3, 1)
    storage.set_study_user_attr(study_id, "key", 4)
    assert (lease.renewals, backend.calls) == (3, 2)


def test_the_wait_ends_when_the_lease_is_given_up(backend: Backend) -> None:
    lease = Lease(*(refused() for _ in range(100)))
    lease.given_up = True
    storage, study_id = over(backend, lease)
    backend.before = [cut_off()]
    with pytest.raises(StudyError, match="could not be reached"):
        storage.set_study_user_attr(study_id, "key", 3)


def test_the_wait_ends_when_the_run_is_to_stop(backend: Backend, clock: Clock) -> None:
    storage, study_id = over(backend, Lease(*(refused() for _ in range(100))))
    assert isinstance(storage, Waiting)
    storage.stopping = lambda: clock.now > 20
    backend.before = [cut_off()]
    with pytest.raises(
        StudyError, match=r"me:\*\*\*@db/x does not answer, and the run was stopped"
    ):
        storage.set_study_user_attr(study_id, "key", 3)
    assert clock.now == pytest.approx(20, abs=0.2)


def test_without_the_lease_nothing_waits(backend: Backend, clock: Clock) -> None:
    lease = Lease()
    storage, study_id = over(backend, lease)
    lease.held, lease.may_be_stale = False, True
    backend.before = [cut_off()]
    with pytest.raises(OperationalError, match="cut"):
        storage.set_study_user_attr(study_id, "key", 3)
    assert (lease.renewals, clock.now) == (0, 0)


def test_it_is_a_storage_to_optuna(backend: Backend) -> None:
    storage, study_id = over(backend, Lease())
    study = optuna.load_study(study_name="a study", storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    assert [trial.state for trial in study.trials] == 3 * [TrialState.COMPLETE]
    assert study.best_value == min(trial.value or 0 for trial in study.trials)
    assert storage.get_n_trials(study_id) == 3
