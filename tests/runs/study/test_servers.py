"""Studies on PostgreSQL and MySQL, whose server goes away in the middle of a search."""

import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import optuna
import pandas as pd
import pytest
import sqlalchemy as sa
from database_servers import PASSWORD, SERVERS, Server, server_of
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState
from runs.conftest import Command, wait_until

from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.errors import StudyError
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search
from asymnas.runs.snapshot import Snapshot
from asymnas.runs.study import open_study, read_study
from asymnas.runs.study.lease import DatabaseLease
from asymnas.runs.study.storage import open_to_write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # Of psycopg: Optuna's storages keep a connection until they are garbage.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

COLUMNS = [t.TRIAL, t.STATE, t.VAL_LOSS, t.EXAMPLES, t.TOTAL_PARAMS, t.LEARNING_RATE]


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with server_of(request.param) as running:
        yield running
    gc.collect()  # within this filter of warnings


@pytest.fixture
def config(tmp_path: Path) -> StudyConfig:
    return StudyConfig(
        dataset="digits",
        family="dense",
        budget=4_000,
        examples=2_000,
        trials=6,
        workers=2,
        sampler="random",  # what it draws does not depend on when trials finish
        pruner="none",
        device="cpu",
        run_dir=str(tmp_path / "run"),
    )


def test_a_search_waits_for_its_server_and_goes_on(
    server: Server,
    config: StudyConfig,
    in_process: Executor,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stopped: list[Snapshot] = []
    starting = threading.Thread(target=lambda: (time.sleep(3), server.start()))

    def stop(snapshot: Snapshot) -> None:
        if snapshot.finished >= 2 and not stopped:
            stopped.append(snapshot)
            server.stop()
            starting.start()

    plan = plan_search(replace(config, storage=server.url))
    with execute(plan, observe=stop) as (run, ending):
        assert ending == "finished"
        with pytest.raises(StudyError, match=r"this study is being run by process \d+ on"):
            open_study(plan)
        table = run.table[COLUMNS]
    starting.join()
    lines = capfd.readouterr().err.splitlines()
    shown = server.url.replace(PASSWORD, "***")
    assert len(lines) == 2
    assert lines[0].startswith(f"note: {shown} does not answer; waiting for up to 30 min: (")
    assert lines[1].startswith(f"note: {shown} answers again, after ")

    local = plan_search(replace(config, run_dir=str(tmp_path / "local"), workers=1))
    with execute(local, executor=in_process) as (alone, ending):
        assert ending == "finished"
        pd.testing.assert_frame_equal(table, alone.table[COLUMNS])
    pd.testing.assert_frame_equal(table, read_study(server.url, config.name).table()[COLUMNS])


def test_ctrl_c_ends_the_wait_and_the_search_goes_on_later(
    server: Server, search: Callable[..., Command], tmp_path: Path
) -> None:
    options = ["--family", "dense", "--budget", "4k", "--examples", "200k", "--trials", "3"]
    options += [
        "--pruner",
        "none",
        "--workers",
        "1",
        "--run-dir",
        "run",
        "--storage",
        server.url,
        "--name",
        "stopped",
    ]

    def states() -> list[str]:
        try:
            return list(read_study(server.url, "stopped").table()[t.STATE])
        except StudyError:  # it is not there yet
            return []

    stopped = search(*options)
    wait_until(lambda: "running" in states())
    server.stop()
    assert stopped.process.stderr is not None
    lines = list[str]()
    while not lines or "does not answer" not in lines[-1]:
        lines.append(stopped.process.stderr.readline())
        assert lines[-1], lines
    stopped.send(signal.SIGINT)
    code, out, err = stopped.finish(60)
    assert code == 1
    assert "does not answer, and the run was stopped: " in err
    assert PASSWORD not in "".join([out, *lines, err])
    server.start()
    code, out, err = search(*options).finish()
    assert code == 0, err
    assert PASSWORD not in out + err
    assert states() == 3 * ["complete"]


def test_a_trial_is_stored_as_optuna_stores_it(server: Server) -> None:
    drawn = optuna.create_trial(
        state=TrialState.RUNNING,
        params={"rate": 0.03, "kernel": None},
        distributions={
            "rate": FloatDistribution(1e-4, 1.0, log=True),
            "kernel": CategoricalDistribution((3, None)),
        },
        user_attrs={"widths": [3, 5], "note": "ä"},
        system_attrs={"fixed_params": {"kernel": None}},
    )
    backends = open_to_write(server.url)[0], RDBStorage(server.url)
    study = backends[0].create_new_study([StudyDirection.MINIMIZE], "whole trials")
    for backend in (*backends, *backends):
        backend.create_new_trial(study, drawn)
    one, *others = backends[1].get_all_trials(study)
    assert (one.params, one.user_attrs) == (drawn.params, drawn.user_attrs)
    assert [other.number for other in others] == [1, 2, 3]
    for name in ("state", "datetime_start", "params", "distributions", "user_attrs"):
        assert [getattr(other, name) for other in others] == 3 * [getattr(one, name)]
    assert [other.system_attrs for other in others] == 3 * [drawn.system_attrs]


def test_a_stale_lease_is_taken_over_and_its_holder_notices(server: Server) -> None:
    lost = DatabaseLease(server.url, "a study", renew_s=3600)
    lost.acquire()
    with pytest.raises(StudyError, match="this study is being run by process"):
        DatabaseLease(server.url, "a study").acquire()
    engine = sa.create_engine(server.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        elsewhere = "UPDATE asymnas_leases SET host = 'elsewhere', renewed = :renewed"
        connection.execute(sa.text(elsewhere), {"renewed": "2000-01-01 00:00:00"})
    second = DatabaseLease(server.url, "a study")
    second.acquire()
    with pytest.raises(StudyError, match="another process has taken this study over"):
        lost.renew()
    lost.release()
    second.renew()
    second.release()


def test_a_server_that_is_not_there_at_the_start_is_said_at_once(
    server: Server, config: StudyConfig
) -> None:
    port = server.url.partition("@127.0.0.1:")[2].partition("/")[0]
    wrong = [server.url.replace(PASSWORD, f"no{PASSWORD}"), server.url.replace(port, "1")]
    for url in wrong:
        with pytest.raises(StudyError, match="cannot lock the study in") as caught:
            open_study(plan_search(replace(config, storage=url)))
        assert PASSWORD not in str(caught.value)
