"""Local workers: results, failures, deaths, shutdown."""

import importlib
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import BrokenExecutor, wait

import local_tasks as tasks
import numpy as np
import pytest
from load_clock import soon, wait_for

from asymnas.core.errors import WorkerError, WorkerStartError
from asymnas.runs.executors.local import local_processes, start_processes
from asymnas.runs.executors.process import WorkerProcess


@pytest.fixture(scope="module")
def executor():
    with local_processes(2) as executor:
        yield executor


@pytest.fixture
def lone():
    executor = local_processes(1)
    yield executor
    executor.shutdown(cancel_futures=True)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    return not alive(pid)


def ended(pid: int) -> bool:
    """Whether a child has ended whole, the last of its threads too, and waits to be fetched."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def test_results_come_back_each_to_its_future(executor):
    futures = [executor.submit(tasks.add, i, b=1) for i in range(30)]
    assert [future.result() for future in futures] == list(range(1, 31))


def test_a_large_argument_and_result_survive(executor):
    array = np.arange(3_000_000, dtype=np.float64)
    np.testing.assert_array_equal(executor.submit(np.negative, array).result(), -array)


@pytest.mark.slow
@pytest.mark.essential
def test_workers_are_other_processes_of_one_thread_each(executor):
    pids = {executor.submit(os.getpid).result() for _ in range(4)}
    assert os.getpid() not in pids
    assert executor.submit(tasks.threads).result() == 1


def test_two_workers_work_at_once(executor, tmp_path):
    mine, others = tmp_path / "first", tmp_path / "second"
    both = [
        executor.submit(tasks.meet, mine, others),
        executor.submit(tasks.meet, others, mine),
    ]
    assert [future.result(timeout=200) for future in both] == [True, True]


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
    with local_processes(1, log=log) as executor:
        assert executor.submit(tasks.chat, 2000).result() == "done"
        assert executor.submit(tasks.read_input).result(timeout=60) == ""
        assert executor.submit(tasks.add, 1).result(timeout=60) == 1
    written = log.read_text().splitlines()
    for line in ("line 1999", "error 1999", "straight to the descriptor", "from a child"):
        assert line in written


def test_a_second_answer_is_not_taken_for_that_of_the_next_call(lone):
    pid = lone.submit(os.getpid).result(timeout=60)
    lone.submit(tasks.write_twice).result(timeout=60)
    results = [lone.submit(tasks.add, n).result(timeout=60) for n in range(10)]
    assert results == list(range(10))
    assert lone.submit(os.getpid).result(timeout=60) == pid  # it is sound


@pytest.mark.parametrize("ending", [tasks.kill_itself, tasks.die], ids=["killed", "exited"])
def test_a_dead_worker_breaks_its_own_future_only(executor, ending):
    before = executor.submit(tasks.sleep, 0.5)
    broken = executor.submit(ending)
    after = [executor.submit(tasks.add, i) for i in range(4)]
    code = -signal.SIGKILL if ending is tasks.kill_itself else 3
    with pytest.raises(BrokenExecutor, match=f"ended with code {code}"):
        broken.result(timeout=60)
    assert before.result(timeout=60) is None
    assert [future.result(timeout=60) for future in after] == [0, 1, 2, 3]


def test_a_worker_killed_from_outside_is_started_anew(lone):
    pid = lone.submit(os.getpid).result()
    busy = lone.submit(tasks.sleep, 60)
    wait_for(busy.running)
    os.kill(pid, signal.SIGKILL)
    assert soon(busy.done)  # of the minute that the call takes
    with pytest.raises(BrokenExecutor):
        busy.result()
    again = lone.submit(os.getpid).result(timeout=60)
    assert again != pid
    os.kill(again, signal.SIGKILL)  # while idle: nothing is lost
    assert soon(lambda: ended(again))
    assert lone.submit(tasks.add, 5).result(timeout=60) == 5


def test_shutdown_with_cancel_is_quick_and_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr("asymnas.runs.executors.process.END_WITHIN", 300.0)
    executor = local_processes(2)
    pids = [executor.submit(os.getpid).result() for _ in range(2)]
    running = [executor.submit(tasks.spin, 600) for _ in range(2)]
    waiting = [executor.submit(tasks.add, i) for i in range(5)]
    wait_for(lambda: all(future.running() for future in running))
    ending = threading.Thread(target=executor.shutdown, kwargs={"cancel_futures": True})
    ending.start()
    assert soon(lambda: not ending.is_alive())  # of the 300 s a worker may take to end by itself
    assert all(future.cancelled() for future in waiting)
    for future in running:
        with pytest.raises(BrokenExecutor):
            future.result(timeout=0)
    assert all(soon(lambda pid=pid: gone(pid)) for pid in pids)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(tasks.add, 1)
    executor.shutdown()


def test_shutdown_while_workers_take_tasks_does_not_hang():
    executor = local_processes(2)
    wait([executor.submit(os.getpid) for _ in range(2)])
    futures = [executor.submit(tasks.add, 1) for _ in range(200)]
    ending = threading.Thread(target=executor.shutdown, kwargs={"cancel_futures": True})
    ending.start()
    assert soon(lambda: not ending.is_alive(), ticks=500)
    assert all(future.done() for future in futures)


def test_shutdown_without_cancel_finishes_what_was_queued():
    executor = local_processes(1)
    futures = [executor.submit(tasks.add, i) for i in range(20)]
    executor.shutdown()
    assert [future.result(timeout=0) for future in futures] == list(range(20))


def test_a_worker_imports_torch_when_a_call_needs_it(lone):
    assert not lone.submit(tasks.imported, "torch").result(timeout=60)


def test_a_poisoned_process_costs_no_call(tmp_path):
    with local_processes(2, tmp_path / "log") as executor:
        calls = [
            executor.submit(tasks.on_poisoned_process, tmp_path / "flag", n) for n in range(20)
        ]
        assert [call.result(timeout=60) for call in calls] == list(range(20))
    assert "MemoryError: poisoned" in (tmp_path / "log").read_text()


def test_a_poisoned_device_costs_no_call(tmp_path):
    with local_processes(2, tmp_path / "log", devices=("bad", "good")) as executor:
        calls = [executor.submit(tasks.on_poisoned_device, n) for n in range(20)]
        assert [call.result(timeout=60) for call in calls] == list(range(20))
    assert (
        1 <= (tmp_path / "log").read_text().count("Traceback") < 6
    )  # it leaves the work to others


@pytest.mark.parametrize("task", [tasks.run_out_of_memory, tasks.lose_the_mount])
def test_a_call_that_fails_on_two_workers_comes_back_with_both(tmp_path, task):
    with local_processes(3, tmp_path / "log") as executor:
        pids = {executor.submit(os.getpid).result(timeout=60) for _ in range(9)}
        with pytest.raises(WorkerError) as caught:
            executor.submit(task).result(timeout=60)
        assert isinstance(caught.value, BrokenExecutor)
        assert len(set(caught.value.workers)) == 2
        assert caught.value.out_of_memory == (task is tasks.run_out_of_memory)
        name = "MemoryError" if task is tasks.run_out_of_memory else "OSError"
        assert str(caught.value).startswith(name)
        # Those that failed take calls again after a while, by other processes.
        assert soon(lambda: executor.submit(os.getpid).result(timeout=60) not in pids, ticks=500)


def test_a_lone_worker_fails_the_call_and_is_replaced_at_once(lone):
    pid = lone.submit(os.getpid).result(timeout=60)
    with pytest.raises(WorkerError) as caught:
        lone.submit(tasks.run_out_of_memory).result(timeout=60)
    assert caught.value.workers == ("local worker 0",)
    assert lone.submit(os.getpid).result(timeout=60) != pid
    assert soon(lambda: gone(pid))


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.parametrize("dies", [True, False])
def test_a_worker_that_hangs_is_replaced_and_its_call_goes_to_another(tmp_path, monkeypatch, dies):
    """Also where its process does not end, as one that waits for a file server does not."""
    flag, executor = tmp_path / "flag", local_processes(2)
    hung = executor.submit(tasks.hang_once, flag)
    wait_for(lambda: flag.exists() and flag.read_text().endswith("\n"))
    pid = int(flag.read_text())
    with monkeypatch.context() as patched:
        if not dies:
            patched.setattr(WorkerProcess, "kill", lambda process: None)
        assert executor.replace_worker(hung, "it hung")
    assert hung.result(timeout=200) != pid
    both = [
        executor.submit(tasks.meet, tmp_path / one, tmp_path / other) for one, other in ("ab", "ba")
    ]
    assert [future.result(timeout=200) for future in both] == [True, True]
    assert not executor.replace_worker(hung, "it hung")  # it is over: nothing happens
    executor.shutdown(cancel_futures=True)
    assert alive(pid) != dies
    if not dies:
        os.kill(pid, signal.SIGKILL)
    assert soon(lambda: gone(pid))


@pytest.mark.slow
@pytest.mark.essential
def test_a_lone_worker_that_hangs_fails_its_call_with_the_reason(lone, tmp_path):
    flag = tmp_path / "flag"
    hung = lone.submit(tasks.hang_once, flag)
    wait_for(flag.exists)
    lone.replace_worker(hung, "it hung")
    with pytest.raises(WorkerError, match=r"^it hung$") as caught:
        hung.result(timeout=0)
    assert caught.value.workers == ("local worker 0",)
    assert lone.submit(tasks.add, 1).result(timeout=200) == 1


def test_devices_are_handed_out_in_turn(tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    with local_processes(4, tmp_path / "log", devices=("0", "GPU-7f")) as executor:
        calls = [executor.submit(tasks.device_beside_others, here, str(n), 4) for n in range(4)]
        devices = [call.result(timeout=200) for call in calls]
    assert sorted(devices) == ["0", "0", "GPU-7f", "GPU-7f"]


@pytest.fixture
def started():
    processes = []
    yield processes
    for process in processes:
        process.kill()
        process.end()


def test_a_process_that_has_started_is_taken_and_its_output_kept(tmp_path, started):
    log = tmp_path / "log"
    log.write_text("of an earlier run\n")
    start_processes(started, 1, ahead="colorsys")
    with local_processes(1, log, started=started) as executor:
        assert started == []
        assert executor.submit(tasks.imported, "colorsys").result(timeout=60)
        executor.submit(tasks.chat, 1).result(timeout=60)
        with pytest.raises(WorkerError, match=r"ended with code 3 \(from a child\)"):
            executor.submit(tasks.die).result(timeout=60)
        assert not executor.submit(tasks.imported, "colorsys").result(timeout=60)  # a new one
    assert {"of an earlier run", "line 0", "error 0"} < set(log.read_text().splitlines())


def test_a_process_that_has_ended_meanwhile_is_not_taken(tmp_path, monkeypatch, started):
    launched, popen = [], subprocess.Popen
    monkeypatch.setattr(
        "subprocess.Popen",
        lambda *given, **options: launched.append(popen(*given, **options)) or launched[-1],
    )
    start_processes(started, 1)
    first = launched[-1]
    first.kill()
    assert soon(lambda: ended(first.pid))
    with local_processes(1, tmp_path / "log", started=started) as executor:
        assert started == []
        assert executor.submit(os.getpid).result(timeout=60) == launched[-1].pid != first.pid
    assert first.returncode == -signal.SIGKILL  # fetched


def test_a_process_that_sees_another_device_is_not_taken(tmp_path, started):
    start_processes(started, 1, devices=("0",))
    with local_processes(1, tmp_path / "log", ("1",), started=started) as executor:
        assert executor.submit(tasks.device).result(timeout=60) == "1"
    started[0].wait_until_started()
    assert not started[0].has_ended


def test_a_log_that_cannot_be_opened_is_said_at_once_whatever_has_started(tmp_path, started):
    log = tmp_path / "log"
    log.mkdir()
    start_processes(started, 2)
    with pytest.raises(
        WorkerStartError, match=r"worker 1 of 2 cannot be started: .*Is a directory"
    ):
        local_processes(2, log, started=started)


@pytest.mark.parametrize(
    ("preloaded", "found", "wanted"),
    [
        (None, "libtcmalloc.so.4", "libtcmalloc.so.4"),
        (None, None, None),
        ("", "libtcmalloc.so.4", ""),
        ("mine.so", "libtcmalloc.so.4", "mine.so"),
    ],
)
def test_an_allocator_that_is_there_is_preloaded_unless_the_user_has_chosen(
    monkeypatch, preloaded, found, wanted
):
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    if preloaded is not None:
        monkeypatch.setenv("LD_PRELOAD", preloaded)
    monkeypatch.setattr("asymnas.runs.executors.local.faster_allocator", lambda: found)
    started = []
    monkeypatch.setattr(
        "asymnas.runs.executors.local.WorkerProcess",
        lambda environment, log, ahead: started.append(environment) or StartedProcess(),
    )
    local_processes(2).shutdown()
    assert [environment.get("LD_PRELOAD") for environment in started] == [wanted, wanted]


class StartedProcess:
    """A process that has nothing to do."""

    queues = has_ended = False

    def wait_until_started(self):
        pass

    def end(self):
        pass


def test_a_failed_start_ends_the_workers_before_it(tmp_path, monkeypatch):
    launched, popen = [], subprocess.Popen

    def launch(*arguments, **options):
        if len(launched) == 2:
            raise OSError(12, "Cannot allocate memory")
        launched.append(popen(*arguments, **options))
        return launched[-1]

    monkeypatch.setattr("subprocess.Popen", launch)
    with pytest.raises(WorkerStartError) as caught:
        local_processes(4, tmp_path / "workers.log")
    message = str(caught.value)
    assert message.startswith("worker 3 of 4 cannot be started: ")
    assert "Cannot allocate memory" in message
    assert message.endswith(str(tmp_path / "workers.log"))
    assert all(soon(lambda pid=process.pid: gone(pid)) for process in launched)


def test_workers_that_never_start_end_with_the_reason_and_the_log(tmp_path, monkeypatch):
    (tmp_path / "pickle.py").write_text("raise ImportError('a broken installation')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    with local_processes(2, tmp_path / "workers.log") as executor:
        calls = [executor.submit(tasks.add, n) for n in range(5)]
        for call in calls:
            with pytest.raises(WorkerStartError) as caught:
                call.result(timeout=60)
        assert "ImportError: a broken installation" in str(caught.value)
        assert str(caught.value).endswith(str(tmp_path / "workers.log"))
        with pytest.raises(WorkerStartError):
            executor.submit(tasks.add, 1).result(timeout=60)


def test_any_exception_around_the_pipe_fails_the_future(lone, monkeypatch):
    lone.submit(os.getpid).result(timeout=60)

    def dump(*arguments):
        raise ValueError("not foreseen")

    with monkeypatch.context() as patched:
        patched.setattr("asymnas.runs.executors.process.pickle.dump", dump)
        with pytest.raises(WorkerError):
            lone.submit(tasks.add, 1).result(timeout=60)
    assert lone.submit(tasks.add, 1).result(timeout=60) == 1


def test_files_of_the_user_hide_no_module_of_a_library(tmp_path, monkeypatch):
    for name in (
        "copy",
        "random",
        "numpy",
        "pandas",
        "optuna",
        "asymnas",
        "pickle",
        "sitecustomize",
    ):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('my own {name}.py')")
    (tmp_path / "mine.py").write_text("def double(n): return 2 * n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    with local_processes(1, tmp_path / "workers.log") as executor:
        assert executor.submit(np.negative, 3).result(timeout=60) == -3
        mine = importlib.import_module("mine")  # as what a study file defines is found
        assert executor.submit(mine.double, 4).result(timeout=60) == 8


def test_a_call_that_cannot_be_imported_says_why_and_where_the_log_is(tmp_path, monkeypatch):
    log = tmp_path / "workers.log"
    (tmp_path / "leaves.py").write_text("def leave(): pass")
    monkeypatch.setattr("sys.path", [*sys.path, str(tmp_path)])
    leaves = importlib.import_module("leaves")
    (tmp_path / "leaves.py").write_text("raise SystemExit('my own way out')")
    with local_processes(1, log) as executor:
        with pytest.raises(WorkerError, match="SystemExit: my own way out") as caught:
            executor.submit(leaves.leave).result(timeout=60)
        assert str(caught.value).endswith(str(log))
