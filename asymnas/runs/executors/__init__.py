"""Executors: where rungs are trained. Any `concurrent.futures.Executor` will do.

A future that fails with `concurrent.futures.BrokenExecutor`, or with its own kind of it,
`asymnas.core.errors.WorkerError`, means that a worker failed and not the candidate: the coordinator
submits the rung again.

An executor that has a method `replace_worker(future, reason)` is asked to end the worker that a
call hangs on, and to start another in its place: the call goes to a worker that has not failed on
it, or its future fails with `WorkerError(reason)`. It returns whether a worker was on the call.
Without that method rungs may take any time, as those do that wait in the queue of a cluster. With
it, one call more is submitted than there are workers, if there are several.

`WorkerPool` (`pool.py`) is the package's own: local processes (`local.py`) and whatever submits
calls (`submitting.py`).
"""
