"""A file system that becomes read-only ends a run with one line; what it had finished is kept."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from .conftest import Command, finished


@pytest.fixture
def freeze(tmp_path: Path) -> Iterator[Callable[[bool], None]]:
    """Makes all in the folder read-only, also for files that are open, or undoes it.

    As a file system does after an error of its disk. It cannot be remounted so for a test while
    files in it are open.
    """

    def changed(immutable: bool) -> None:
        command = ["chattr", "-R", "-f", "+i" if immutable else "-i", str(tmp_path / "run")]
        subprocess.run(command, capture_output=True)  # a file may vanish meanwhile

    probe = tmp_path / "probe"
    probe.touch()
    if subprocess.run(["chattr", "+i", str(probe)], capture_output=True).returncode:
        pytest.skip("files cannot be made immutable here")
    subprocess.run(["chattr", "-i", str(probe)], check=True)
    yield changed
    changed(False)


SETTINGS = "--workers 1 --trials 9 --examples 20k --family dense --budget 10k --latent 8"
SETTINGS += " --precision fp32 --metrics mse --run-dir"


def table(run_dir: Path) -> pd.DataFrame:
    return pd.read_csv(run_dir / "trials.csv").drop(columns="seconds")


@pytest.mark.slow
@pytest.mark.essential
def test_a_run_whose_files_become_read_only_says_so_and_goes_on(
    freeze: Callable[[bool], None], search: Callable[..., Command], tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    arguments = (*SETTINGS.split(), str(run_dir))
    for trials in (2, 5):
        running = search(*arguments)
        running.wait_until(lambda at_least=trials: finished(run_dir / "study.db") >= at_least)
        if trials == 5:  # now the next write to a page mapped into memory asks the file system
            os.sync()
        freeze(True)
        code, out, err = running.finish()
        freeze(False)
        assert code == 1, (code, out, err)
        assert "Traceback" not in out + err, err
        assert err.strip().splitlines()[-1].startswith("error: "), err
    code, out, err = search(*arguments).finish()
    assert code == 0, err
    code, out, err = search(*arguments[:-1], str(tmp_path / "uninterrupted")).finish()
    assert code == 0, err
    pd.testing.assert_frame_equal(table(run_dir), table(tmp_path / "uninterrupted"))


WRITER = """
import gc, os, subprocess, sqlalchemy as sa
from asymnas.runs.study.storage import WriteAheadLog
from pathlib import Path
engine = sa.create_engine("sqlite:///run/a.db")
log = WriteAheadLog(Path("run/a.db"), [engine])
log.begin()
with engine.begin() as connection:
    connection.execute(sa.text("CREATE TABLE t (x)"))
os.sync()
subprocess.run(["chattr", "-R", "+i", "run"], check=True)
try:
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))
except sa.exc.OperationalError as error:
    print(error)
log.fold()
del log, engine, connection
gc.collect()
"""


def test_a_process_whose_database_became_read_only_lives_on(
    freeze: Callable[[bool], None], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WRITER], cwd=tmp_path, capture_output=True, text=True
    )
    freeze(False)
    assert done.returncode == 0, done.stderr
    assert "run/a.db can no longer be written" in done.stdout
