"""Local worker processes: started by command, so that scripts need no main guard."""

import os
import sys
from collections.abc import Sequence
from ctypes.util import find_library
from functools import lru_cache, partial
from pathlib import Path

from asymnas.runs.executors.pool import WorkerPool
from asymnas.runs.executors.process import WorkerProcess, see

#: Limits of the libraries that would each use all cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


#: Allocators that are faster than the system's where networks are trained, the best first.
ALLOCATORS = ("tcmalloc_minimal", "tcmalloc")


def local_processes(
    workers: int,
    log: Path | None = None,
    devices: Sequence[str] = (),
    ahead: str = "",
) -> WorkerPool:
    """Local processes of one thread each, started at once.

    Args:
        workers: Processes.
        log: File that their output is appended to; `None` to inherit standard error.
        devices: Values of `CUDA_VISIBLE_DEVICES` to hand out to the workers in turn; by default
            each sees what this process sees.
        ahead: Module that each process imports while it waits for its first call.

    Raises:
        WorkerStartError: A process cannot be started; none is left running.
    """
    visible = [devices[number % len(devices)] if devices else None for number in range(workers)]
    starts = [partial(WorkerProcess, _environment(device), log, ahead) for device in visible]
    return WorkerPool(starts, name="local worker", see=see(log))


def _environment(device: str | None) -> dict[str, str]:
    visible = {} if device is None else {"CUDA_VISIBLE_DEVICES": device}
    allocator = faster_allocator()
    preload = {"LD_PRELOAD": allocator} if allocator and "LD_PRELOAD" not in os.environ else {}
    return {**os.environ, **ONE_THREAD, **preload, **visible}


@lru_cache
def faster_allocator() -> str | None:
    """A shared library to preload into workers, if one is installed; on Linux only."""
    if sys.platform != "linux":
        return None
    return next(filter(None, map(find_library, ALLOCATORS)), None)
