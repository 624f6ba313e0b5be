"""One writer per study: two processes or threads never both hold its lease."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from runs.database_leases import ELSEWHERE, STALE, row_of
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from asymnas.core.errors import StudyError
from asymnas.runs.study.lease import DatabaseLease, FileLease, Holder, Lease, lease_of

MakeLease = Callable[[], Lease]


@pytest.fixture(params=["file", "database"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeLease:
    database = tmp_path / "s.db"
    if request.param == "file":
        return lambda: FileLease(database, "a study")
    return lambda: DatabaseLease(f"sqlite:///{database}", "a study")


def held(lease: Lease) -> bool:
    try:
        lease.acquire()
    except StudyError:
        return False
    return True


def test_the_second_is_kept_out_and_the_message_names_the_first(make: MakeLease) -> None:
    first, second = make(), make()
    first.acquire()
    first.check()
    with pytest.raises(StudyError, match=rf"process {psutil.Process().pid} on \S+; wait for it"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_releasing_what_is_not_held_frees_nothing(make: MakeLease) -> None:
    first, second = make(), make()
    first.acquire()
    assert not held(second)
    second.release()
    assert not held(make())
    first.release()
    first.release()


def test_a_lock_that_is_discarded_leaves_no_file_and_excludes_as_before(tmp_path: Path) -> None:
    first, second = (FileLease(tmp_path / "s.db", "a study") for _ in range(2))
    first.acquire()
    assert not held(second)
    first.release(discard=True)
    assert list(tmp_path.iterdir()) == []
    assert held(second)
    assert not held(first)
    second.release()


@pytest.mark.parametrize("deleted", [False, True])
def test_a_folder_that_is_moved_or_deleted_is_noticed(tmp_path: Path, deleted: bool) -> None:
    """What is written to an open database would go where it is now, or nowhere."""
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    folder.mkdir()
    lease = FileLease(folder / "study.db", "a study")
    lease.acquire()
    lease.check()
    if deleted:
        shutil.rmtree(folder)
    else:
        folder.rename(elsewhere)
    with pytest.raises(StudyError, match=f"^{folder} was moved or deleted"):
        lease.check()
    lease.release()


def test_studies_in_one_storage_do_not_exclude_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    leases = [lease_of(url, name) for name in ("a", "b", "a/b", "a-b", "ü")]
    assert all(held(lease) for lease in leases)
    for lease in leases:
        lease.release()


@pytest.mark.parametrize("round_", range(10))
def test_of_many_at_the_same_moment_one_holds(make: MakeLease, round_: int) -> None:
    leases = [make() for _ in range(6)]
    barrier = threading.Barrier(len(leases))

    def attempt(lease: Lease) -> bool:
        barrier.wait()
        return held(lease)

    with ThreadPoolExecutor(len(leases)) as threads:
        results = list(threads.map(attempt, leases))
    assert sum(results) == 1
    for lease in leases:
        lease.release()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 's.db'}"


def left_by(url: str, **changes: object) -> None:
    """A row whose holder is gone without releasing it."""
    lease = DatabaseLease(url, "a study", renew_s=3600)
    lease.acquire()
    row_of(url, **changes)
    lease.release()  # not its row any more: `token` is another one's


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("step", range(1, 12))
def test_interleaved_at_every_statement_one_holds(url: str, step: int, stale: bool) -> None:
    """A second lease is acquired as a whole before the n-th statement of the first."""
    left_by(url, **ELSEWHERE, **STALE)
    if not stale:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM asymnas_leases"))
        engine.dispose()
    first, second = DatabaseLease(url, "a study"), DatabaseLease(url, "a study")
    results: list[bool] = []
    statements = 0
    main = threading.get_ident()

    def interleave(*_: object) -> None:
        nonlocal statements
        if threading.get_ident() != main or results:
            return
        statements += 1
        if statements == step:
            with ThreadPoolExecutor(1) as other:
                results.append(other.submit(held, second).result())

    event.listen(sa.Engine, "before_cursor_execute", interleave)
    try:
        results.append(held(first))
    finally:
        event.remove(sa.Engine, "before_cursor_execute", interleave)
    if len(results) == 1:
        results.append(held(second))  # the first acquired in fewer statements
    assert sorted(results) == [False, True]
    first.release()
    second.release()


def test_a_holder_elsewhere_is_taken_over_when_it_is_stale_and_not_before(url: str) -> None:
    left_by(url, **ELSEWHERE)
    assert not held(DatabaseLease(url, "a study"))
    row_of(url, **STALE)
    lease = DatabaseLease(url, "a study")
    assert held(lease)
    lease.release()


def test_a_dead_process_of_this_host_is_taken_over_at_once(url: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(child.pid).create_time()
    left_by(url, token="x", pid=child.pid, started=started)
    assert not held(DatabaseLease(url, "a study"))
    child.communicate(b"\n")
    lease = DatabaseLease(url, "a study")
    assert held(lease)
    lease.release()


def test_a_live_process_of_this_host_is_never_stale_whatever_the_clocks_say(url: str) -> None:
    here = Holder.here()
    left_by(url, token="x", pid=here.pid, started=here.started, **STALE)
    assert not held(DatabaseLease(url, "a study"))


def test_a_later_process_with_the_same_number_is_another_one(url: str) -> None:
    here = Holder.here()
    left_by(url, token="x", pid=here.pid, started=here.started - 100)
    lease = DatabaseLease(url, "a study")
    assert held(lease)
    lease.release()


def test_it_is_renewed_while_its_process_is_busy_with_something_else(url: str) -> None:
    """As when a run publishes for longer than a lease lasts."""
    lease = DatabaseLease(url, "a study", renew_s=0.05)
    lease.acquire()
    engine = sa.create_engine(url)
    try:
        end = time.monotonic() + 100
        renewals = 0
        while renewals < 3 and time.monotonic() < end:
            time.sleep(0.05)
            with engine.begin() as connection:
                query = sa.text("SELECT renewals FROM asymnas_leases")
                renewals = connection.execute(query).scalar_one()
        assert renewals >= 3
        lease.check()
    finally:
        engine.dispose()
        lease.release()


def check_for_a_while(lease: DatabaseLease) -> None:
    """As the coordinator does between results, for 100 s at most."""
    end = time.monotonic() + 100
    while time.monotonic() < end:
        lease.check()
        time.sleep(0.02)


def test_a_lease_that_was_lost_is_noticed(url: str) -> None:
    lease = DatabaseLease(url, "a study", renew_s=0.05)
    lease.acquire()
    row_of(url, **ELSEWHERE)
    with pytest.raises(StudyError, match="another process has taken this study over"):
        check_for_a_while(lease)
    lease.release()
    assert not held(DatabaseLease(url, "a study"))  # the other one's row is left alone


def test_a_database_that_is_gone_ends_the_lease_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///file:{tmp_path / 's.db'}?uri=true&password=S3cr3t"
    lease = DatabaseLease(url, "a study", renew_s=0.01, longest_s=0.03)
    lease.acquire()
    monkeypatch.setattr("asymnas.runs.study.lease.reason_of", lambda error: f"cannot reach {url}")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE asymnas_leases"))
    engine.dispose()
    with pytest.raises(StudyError, match=r"could not be reached: .*password=\*\*\*"):
        check_for_a_while(lease)
    lease.release()


def test_a_database_that_is_away_for_a_while_leaves_the_lease_in_doubt_until_it_is_renewed(
    url: str,
) -> None:
    def rename(old: str, new: str) -> None:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))
        engine.dispose()

    lease = DatabaseLease(url, "a study", renew_s=3600, stale_s=0.05)
    assert not lease.held
    lease.acquire()
    assert lease.held
    rename("asymnas_leases", "away")
    time.sleep(0.06)
    assert lease.may_be_stale
    with pytest.raises(SQLAlchemyError):
        lease.renew()
    lease.check()
    assert lease.may_be_stale
    rename("away", "asymnas_leases")
    before = time.monotonic()
    lease.renew()
    assert not lease.may_be_stale or time.monotonic() - before > 0.05
    row_of(url, **ELSEWHERE)
    with pytest.raises(StudyError, match="another process has taken this study over"):
        lease.renew()
    lease.release()
    assert not lease.held


@pytest.mark.slow
@pytest.mark.essential
def test_a_killed_process_frees_its_file_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; "
        "from asymnas.runs.study.lease import FileLease; "
        "lease = FileLease(Path(sys.argv[1]), 'a study'); lease.acquire(); "
        "print('held', flush=True); time.sleep(600)"
    )
    database = tmp_path / "s.db"
    command = [sys.executable, "-c", code, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(StudyError, match=f"process {child.pid} on"):
            FileLease(database, "a study").acquire()
        child.kill()
    lease = FileLease(database, "a study")
    lease.acquire()
    lease.release()


@pytest.mark.parametrize("url", ["redis://me:secret@host/0", "grpc://host"])
def test_what_cannot_be_locked_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StudyError, match="cannot be locked") as caught:
        lease_of(url, "a study")
    assert "secret" not in str(caught.value)


def test_a_start_that_fails_while_it_takes_the_lease_leaves_it_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("asymnas.runs.study.lease.write_whole", full)
        with pytest.raises(OSError, match="No space left"):
            FileLease(tmp_path / "s.db", "a study").acquire()
    second = FileLease(tmp_path / "s.db", "a study")
    assert held(second)
    second.release()
