"""Neural architecture search of asymmetric autoencoders under a hard parameter budget."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asymnas.architecture import Architecture
    from asymnas.budget import Budget
    from asymnas.config import StudyConfig
    from asymnas.errors import AsymnasError
    from asymnas.finder import Found, Run, find_best_architecture
    from asymnas.run import run_search

__all__ = [
    "Architecture",
    "AsymnasError",
    "Budget",
    "Found",
    "Run",
    "StudyConfig",
    "find_best_architecture",
    "run_search",
]

_HOMES = {
    "Architecture": "architecture",
    "AsymnasError": "errors",
    "Budget": "budget",
    "Found": "finder",
    "Run": "finder",
    "StudyConfig": "config",
    "find_best_architecture": "finder",
    "run_search": "run",
}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that workers and `--help` start fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'asymnas' has no attribute {name!r}")
    return getattr(import_module(f"asymnas.{_HOMES[name]}"), name)
