"""Which errors in a rung are the machine's and not the candidate's."""

import errno
import os
import re
import socket

import torch

from asymnas.core.errors import AsymnasError, StudyError, WorkerError

_ACCELERATOR = re.compile(
    r"(CUDA|HIP)( driver)? error|cuDNN error|CU(DNN|BLAS|FFT|RAND|SOLVER|SPARSE)_(STATUS|FAIL)"
)
_TORCH_WRITER = "inline_container"  # in what torch raises where a file cannot be written
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # of storage that takes nothing from any worker
_MEMORY = re.compile(r"out of memory|can't allocate memory|CUBLAS_STATUS_ALLOC_FAILED", re.I)

# A class of its own only in newer versions of torch; in older ones a RuntimeError by its text.
_ACCELERATOR_ERROR: type[Exception] | None = getattr(torch, "AcceleratorError", None)


def machine_failure(error: Exception) -> AsymnasError | None:
    """The failure that an exception stands for; `None` if it is the candidate's.

    A `WorkerError` for errors of the accelerator and its libraries (after one of CUDA, all later
    calls of the process may fail), too little memory, and errors of the file system. A `StudyError`
    where storage is full or read-only: another worker can write no more to it.
    """
    cause = error.__context__
    if isinstance(cause, OSError) and _TORCH_WRITER in str(error):
        error = cause
    if isinstance(error, OSError) and error.errno in _FULL:
        return StudyError(
            f"a rung cannot be saved: {error.strerror}. What had finished is saved; mend this and "
            "run the command again"
        )
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
