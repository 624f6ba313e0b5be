"""Executors: where rungs are trained. Any `concurrent.futures.Executor` will do.

A future that fails with `concurrent.futures.BrokenExecutor`, or with its own kind of it,
`asymnas.core.errors.WorkerError`, means that a worker failed and not the candidate: the coordinator
submits the rung again.
"""
