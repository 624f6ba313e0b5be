"""A clock that runs as slowly as the machine is loaded: what it bounds is not missed by load."""

import subprocess
import sys
import time
from collections.abc import Callable

TICK = [sys.executable, "-I", "-S", "-c", ""]


def soon(condition: Callable[[], bool], *, ticks: int = 50) -> bool:
    """Whether something holds before so many processes have begun and ended, one after another.

    Fifty of them take about a second on a machine with nothing else to do, and as much longer as
    a process has to wait for a core on one that is busy.
    """
    for _ in range(ticks):
        if condition():
            return True
        subprocess.run(TICK, check=True)
    return condition()


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits for what is only the beginning of a test; the limit of the test's time bounds it."""
    while not condition():
        time.sleep(0.01)
