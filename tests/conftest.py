"""Also loaded by the process that hands out the tests: nothing slow is imported here."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples at each run, so that a pass means the same everywhere: a search for new ones is
# `pytest --hypothesis-profile=explore`.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=30)
settings.register_profile("explore", max_examples=2_000, deadline=None)
settings.load_profile("repeatable")

gc.set_threshold(50_000)  # the objects of torch and its like outnumber what tests make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import torch

    torch.set_num_threads(1)  # small steps on two threads collapse when anything else runs
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Leaves what is imported and collected out of later garbage collections."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def unsynced_files() -> Iterator[None]:
    """Files of tests need not outlive the machine: none waits for the disk."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda descriptor: None)
        yield
