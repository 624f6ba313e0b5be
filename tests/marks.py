"""Marks of tests that are tried on many values."""

from collections.abc import Iterable
from typing import Any

import pytest


def fast_first(values: Iterable[Any], fast: int = 1) -> list[Any]:
    """Values to parametrize with: the first few are fast, all others slow and essential."""
    slow = (pytest.mark.slow, pytest.mark.essential)
    return [v if i < fast else pytest.param(v, marks=slow) for i, v in enumerate(values)]


def essential_first(values: Iterable[Any], essential: int) -> list[Any]:
    """Values to parametrize with: all slow, the first few essential."""
    marks = (pytest.mark.slow, pytest.mark.essential)
    return [
        pytest.param(*(v if isinstance(v, tuple) else (v,)), marks=marks[: 1 + (i < essential)])
        for i, v in enumerate(values)
    ]
