"""A SQLite database is written through a log while a run writes, and is one plain file after."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_studies import made_plan, write_trials
from made_tables import made_table

from asymnas.runs.study import SearchStudy, open_study, read_study


@contextmanager
def written(folder: Path, trials: int = 3) -> Iterator[SearchStudy]:
    """A study with trials that another process could not open yet."""
    study = open_study(made_plan(folder))
    write_trials(study, made_table(trials))
    yield study
    study.close()


def journal(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "study.db")) as database:
        return str(database.execute("PRAGMA journal_mode").fetchone()[0])


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("study.db*")} - {"study.db.lock"}


def test_a_run_writes_to_a_log_and_leaves_one_file(tmp_path: Path) -> None:
    with written(tmp_path) as study:
        assert journal(tmp_path) == "wal"
        assert "study.db-wal" in files(tmp_path)
    assert journal(tmp_path) == "delete"
    assert files(tmp_path) == {"study.db"}
    assert len(study.table()) == 3  # it can still be read,
    assert journal(tmp_path) == "delete"  # and that begins no log


def test_what_a_killed_process_leaves_holds_all_that_was_written(tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    with written(tmp_path / "run"):
        killed.mkdir()
        for name in ("study.db", "study.db-wal"):
            shutil.copy(tmp_path / "run" / name, killed / name)
    assert len(read_study(f"sqlite:///{killed / 'study.db'}").table()) == 3
    study = open_study(made_plan(killed))
    study.close()
    assert files(killed) == {"study.db"}
    assert len(study.table()) == 3


def test_where_a_reader_keeps_the_log_nothing_is_lost(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "study.db")) as reader:
        with written(tmp_path):
            reader.execute("SELECT count(*) FROM trials").fetchone()
        assert reader.execute("SELECT count(*) FROM trials").fetchone() == (3,)
        assert len(read_study(f"sqlite:///{tmp_path / 'study.db'}").table()) == 3


def test_on_the_file_system_of_another_machine_there_is_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = [SimpleNamespace(mountpoint="/", fstype="ext4")]
    mounts += [SimpleNamespace(mountpoint=str(tmp_path), fstype="nfs4")]
    monkeypatch.setattr("psutil.disk_partitions", lambda *, all: mounts)
    with written(tmp_path / "run"):
        assert journal(tmp_path / "run") == "delete"
