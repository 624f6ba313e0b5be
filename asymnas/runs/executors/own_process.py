"""Training in the process that leads the run: nothing to start, which takes seconds.

For runs that are short, such as those of an estimator on a small table. A rung is trained while it
is submitted, on one thread as in a worker process, so the results are bit-identical.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

import torch

from asymnas.training.loaded_data import forget_dataset

P = ParamSpec("P")
T = TypeVar("T")


class OwnProcess(Executor):
    """Makes each call at once, in this process and thread; a future is done when it is returned."""

    def __init__(self) -> None:
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Makes a call. What it raises is the future's."""
        if self._closed:
            raise RuntimeError("cannot submit after shutdown")
        future: Future[T] = Future()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # sums depend on how many threads share them
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # any: it is for whoever asks the future
            future.set_exception(error)
        finally:
            torch.set_num_threads(threads)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls, and lets go of the data that the calls have loaded."""
        self._closed = True
        forget_dataset()
