"""Executors: where rungs are trained. Any `concurrent.futures.Executor` will do.

A future that fails with `concurrent.futures.BrokenExecutor` says that its worker died; the
coordinator submits that rung again.
"""
