"""Which errors in a rung are the machine's and not the candidate's."""

import os
import re
import socket

import torch

from asymnas.core.errors import WorkerError

_ACCELERATOR = re.compile(
    r"(CUDA|HIP)( driver)? error|cuDNN error|CU(DNN|BLAS|FFT|RAND|SOLVER|SPARSE)_(STATUS|FAIL)"
)
_MEMORY = re.compile(r"out of memory|can't allocate memory|CUBLAS_STATUS_ALLOC_FAILED", re.I)

# A class of its own only in newer versions of torch; in older ones a RuntimeError by its text.
_ACCELERATOR_ERROR: type[Exception] | None = getattr(torch, "AcceleratorError", None)


def worker_failure(error: Exception) -> WorkerError | None:
    """The failure of a worker that an exception stands for; `None` if it is the candidate's.

    A worker's failures are errors of the accelerator and its libraries (after one of CUDA, all
    later calls of the process may fail), too little memory, and errors of the file system.
    """
    text = str(error).partition("\n")[0]
    runtime = isinstance(error, RuntimeError)
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError) or bool(
        runtime and _MEMORY.search(text)
    )
    accelerator = _ACCELERATOR_ERROR is not None and isinstance(error, _ACCELERATOR_ERROR)
    accelerator = accelerator or bool(runtime and _ACCELERATOR.search(text))
    if not (memory or accelerator or isinstance(error, OSError)):
        return None
    name = f"{socket.gethostname()}:{os.getpid()}"
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return WorkerError(message, workers=(name,), out_of_memory=memory)
