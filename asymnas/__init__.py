"""Neural architecture search of asymmetric autoencoders under a hard parameter budget."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asymnas.architecture import Architecture
    from asymnas.budget import Budget
    from asymnas.config import StudyConfig
    from asymnas.confirmations import run_confirmation
    from asymnas.errors import AsymnasError
    from asymnas.finder import Found, Run, find_best_architecture
    from asymnas.followups import ConfirmationConfig, SweepConfig
    from asymnas.preset_sizes import ScaledPreset, scale_preset
    from asymnas.run import run_search
    from asymnas.sweeps import run_sweep

__all__ = [
    "Architecture",
    "AsymnasError",
    "Budget",
    "ConfirmationConfig",
    "Found",
    "Run",
    "ScaledPreset",
    "StudyConfig",
    "SweepConfig",
    "find_best_architecture",
    "run_confirmation",
    "run_search",
    "run_sweep",
    "scale_preset",
]

_HOMES = {
    "Architecture": "architecture",
    "AsymnasError": "errors",
    "Budget": "budget",
    "ConfirmationConfig": "followups",
    "Found": "finder",
    "Run": "finder",
    "ScaledPreset": "preset_sizes",
    "StudyConfig": "config",
    "SweepConfig": "followups",
    "find_best_architecture": "finder",
    "run_confirmation": "confirmations",
    "run_search": "run",
    "run_sweep": "sweeps",
    "scale_preset": "preset_sizes",
}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that workers and `--help` start fast."""
    if name not in _HOMES:
        raise AttributeError(f"module 'asymnas' has no attribute {name!r}")
    return getattr(import_module(f"asymnas.{_HOMES[name]}"), name)
