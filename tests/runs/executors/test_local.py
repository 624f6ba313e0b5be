"""Local workers: results, failures, deaths, shutdown."""

import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, wait

import local_tasks as tasks
import numpy as np
import pytest

from asymnas.runs.executors.local import LocalProcesses


@pytest.fixture(scope="module")
def executor():
    with LocalProcesses(2) as executor:
        yield executor


@pytest.fixture
def lone():
    executor = LocalProcesses(1)
    yield executor
    executor.shutdown(cancel_futures=True)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int, within: float) -> bool:
    end = time.monotonic() + within
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pid)


def test_results_come_back_each_to_its_future(executor):
    futures = [executor.submit(tasks.add, i, b=1) for i in range(30)]
    assert [future.result() for future in futures] == list(range(1, 31))


def test_a_large_argument_and_result_survive(executor):
    array = np.arange(3_000_000, dtype=np.float64)
    np.testing.assert_array_equal(executor.submit(np.negative, array).result(), -array)


def test_workers_are_other_processes_of_one_thread_each(executor):
    pids = {executor.submit(os.getpid).result() for _ in range(4)}
    assert os.getpid() not in pids
    assert executor.submit(tasks.threads).result() == 1


def test_two_workers_work_at_once(executor):
    wait([executor.submit(os.getpid) for _ in range(2)])
    began = time.monotonic()
    wait([executor.submit(tasks.sleep, 1) for _ in range(2)])
    assert time.monotonic() - began < 1.8


def test_an_exception_comes_back_as_it_is(executor):
    with pytest.raises(KeyError, match="no such thing"):
        executor.submit(tasks.fail, "no such thing").result()


def test_an_exception_that_cannot_be_sent_comes_back_by_name(executor):
    with pytest.raises(RuntimeError, match="UnreadableError: this and that"):
        executor.submit(tasks.fail_unpicklably).result()
    with pytest.raises(RuntimeError, match="ValueError: holds a function"):
        executor.submit(tasks.fail_with_a_closure).result()


def test_a_result_that_cannot_be_sent_fails_its_future_alone(executor):
    with pytest.raises(Exception, match="pickle"):
        executor.submit(tasks.give_a_closure).result()
    with pytest.raises(AttributeError, match="not in this process"):
        executor.submit(tasks.Foreign).result(timeout=60)
    assert executor.submit(tasks.add, 1).result(timeout=60) == 1


def test_a_call_that_a_worker_cannot_read_fails_its_future_alone(executor):
    with pytest.raises(AttributeError, match="not in this process"):
        executor.submit(tasks.add, tasks.Treacherous()).result(timeout=60)
    assert executor.submit(tasks.add, 1).result(timeout=60) == 1


def test_what_a_task_prints_does_not_mix_with_its_result(tmp_path):
    log = tmp_path / "workers.log"
    with LocalProcesses(1, log=log) as executor:
        assert executor.submit(tasks.chat, 2000).result() == "done"
        assert executor.submit(tasks.read_input).result(timeout=60) == ""
        assert executor.submit(tasks.add, 1).result(timeout=60) == 1
    written = log.read_text().splitlines()
    for line in ("line 1999", "error 1999", "straight to the descriptor", "from a child"):
        assert line in written


@pytest.mark.parametrize("ending", [tasks.kill_itself, tasks.die], ids=["killed", "exited"])
def test_a_dead_worker_breaks_its_own_future_only(executor, ending):
    before = executor.submit(tasks.sleep, 0.5)
    broken = executor.submit(ending)
    after = [executor.submit(tasks.add, i) for i in range(4)]
    code = -signal.SIGKILL if ending is tasks.kill_itself else 3
    with pytest.raises(BrokenExecutor, match=f"ended with code {code}$"):
        broken.result(timeout=60)
    assert before.result(timeout=60) is None
    assert [future.result(timeout=60) for future in after] == [0, 1, 2, 3]


def test_a_worker_killed_from_outside_is_started_anew(lone):
    pid = lone.submit(os.getpid).result()
    busy = lone.submit(tasks.sleep, 60)
    while not busy.running():
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(BrokenExecutor):
        busy.result(timeout=10)
    again = lone.submit(os.getpid).result(timeout=60)
    assert again != pid
    os.kill(again, signal.SIGKILL)  # while idle: nothing is lost
    assert gone(again, within=5)
    time.sleep(0.5)  # for the last of its threads
    assert lone.submit(tasks.add, 5).result(timeout=60) == 5


def test_shutdown_with_cancel_is_quick_and_leaves_nothing_behind():
    executor = LocalProcesses(2)
    pids = [executor.submit(os.getpid).result() for _ in range(2)]
    running = [executor.submit(tasks.spin, 600) for _ in range(2)]
    waiting = [executor.submit(tasks.add, i) for i in range(5)]
    while not all(future.running() for future in running):
        time.sleep(0.01)
    began = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - began < 2
    assert all(future.cancelled() for future in waiting)
    for future in running:
        with pytest.raises(BrokenExecutor):
            future.result(timeout=1)
    assert all(gone(pid, within=1) for pid in pids)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(tasks.add, 1)
    executor.shutdown()


def test_shutdown_while_workers_take_tasks_does_not_hang():
    executor = LocalProcesses(2)
    wait([executor.submit(os.getpid) for _ in range(2)])
    futures = [executor.submit(tasks.add, 1) for _ in range(200)]
    ending = threading.Thread(target=executor.shutdown, kwargs={"cancel_futures": True})
    ending.start()
    ending.join(timeout=10)
    assert not ending.is_alive()
    assert all(future.done() for future in futures)


def test_shutdown_without_cancel_finishes_what_was_queued():
    executor = LocalProcesses(1)
    futures = [executor.submit(tasks.add, i) for i in range(20)]
    executor.shutdown()
    assert [future.result(timeout=0) for future in futures] == list(range(20))
