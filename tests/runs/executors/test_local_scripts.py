"""Local workers as scripts use them: no main guard, and no orphans."""

import os
import signal
import subprocess
import sys

import pytest
from load_clock import soon
from test_local import gone

UNGUARDED = """
import math
from asymnas.runs.executors.local import local_processes

print("started")
executor = local_processes(1)
print([executor.submit(math.factorial, n).result() for n in range(5)])
"""

PARENT = """
import os, time
from asymnas.runs.executors.local import local_processes

executor = local_processes(2)
busy, idle = (executor.submit(os.getpid).result() for _ in range(2))
while idle == busy:
    idle = executor.submit(os.getpid).result()
executor.submit(time.sleep, 600)
print(busy, idle, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.essential
def test_a_script_without_a_main_guard_and_without_shutdown_runs_once_and_ends(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.stdout == "started\n[1, 1, 2, 6, 24]\n"
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        os.kill(parent.pid, signal.SIGKILL)
        assert len(workers) == 2
        assert all(soon(lambda pid=pid: gone(pid), ticks=150) for pid in workers)  # of 10 minutes
