"""Local worker processes: started by command, so that scripts need no main guard."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ctypes.util import find_library
from functools import lru_cache, partial
from pathlib import Path

from asymnas.runs.executors.pool import WorkerPool
from asymnas.runs.executors.process import WorkerProcess, see
from asymnas.training.devices import VISIBLE_DEVICES

#: Limits of the libraries that would each use all cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


#: Allocators that are faster than the system's where networks are trained, the best first.
ALLOCATORS = ("tcmalloc_minimal", "tcmalloc")


def start_processes(
    started: list[WorkerProcess], workers: int, devices: Sequence[str] = (), ahead: str = ""
) -> None:
    """Starts processes for `local_processes` before it is known where their output goes.

    Args:
        started: What each is added to as soon as it has started.
        workers: Processes.
        devices: As of `local_processes`.
        ahead: Module that each process imports meanwhile.
    """
    with suppress(OSError):  # said when one is started that is needed
        for environment in _environments(workers, devices):
            started.append(WorkerProcess(environment, Path(os.devnull), ahead))


def local_processes(
    workers: int,
    log: Path | None = None,
    devices: Sequence[str] = (),
    ahead: str = "",
    started: list[WorkerProcess] | None = None,
) -> WorkerPool:
    """Local processes of one thread each, started at once.

    Args:
        workers: Processes.
        log: File that their output is appended to; `None` to inherit standard error.
        devices: Values of `CUDA_VISIBLE_DEVICES` to hand out to the workers in turn; by default
            each sees what this process sees.
        ahead: Module that each process imports while it waits for its first call.
        started: What `start_processes` started. Those that are used are taken out of the list.

    Raises:
        WorkerStartError: A process cannot be started; none is left running.
    """
    starts = [
        partial(_start, environment, log, ahead, started or [])
        for environment in _environments(workers, devices)
    ]
    return WorkerPool(starts, name="local worker", see=see(log))


def _start(
    environment: Mapping[str, str], log: Path | None, ahead: str, started: list[WorkerProcess]
) -> WorkerProcess:
    """A new process, or one that has been started and waits, if it sees the same devices."""
    seen = environment.get(VISIBLE_DEVICES)
    for process in [one for one in started if one.environment.get(VISIBLE_DEVICES) == seen]:
        if log is not None:
            try:
                started.remove(process)
                process.log_to(log)
                return process
            except ValueError:  # another thread has taken it
                continue
            except OSError:  # it has ended, or the log is at fault, as a new one will say
                process.kill()
                process.end()
    return WorkerProcess(environment, log, ahead)


def _environments(workers: int, devices: Sequence[str]) -> list[dict[str, str]]:
    visible = [devices[number % len(devices)] if devices else None for number in range(workers)]
    return [_environment(device) for device in visible]


def _environment(device: str | None) -> dict[str, str]:
    visible = {} if device is None else {VISIBLE_DEVICES: device}
    allocator = faster_allocator()
    preload = {"LD_PRELOAD": allocator} if allocator and "LD_PRELOAD" not in os.environ else {}
    return {**os.environ, **ONE_THREAD, **preload, **visible}


@lru_cache
def faster_allocator() -> str | None:
    """A shared library to preload into workers, if one is installed; on Linux only."""
    if sys.platform != "linux":
        return None
    return next(filter(None, map(find_library, ALLOCATORS)), None)
