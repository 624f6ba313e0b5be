"""Neural architecture search of asymmetric autoencoders under a hard parameter budget."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asymnas.compare import compare_runs
    from asymnas.confirm import run_confirmation
    from asymnas.core.budget import Budget
    from asymnas.core.config import StudyConfig
    from asymnas.core.confirmation_config import ConfirmationConfig
    from asymnas.core.errors import AsymnasError
    from asymnas.core.sweep_config import SweepConfig
    from asymnas.estimators.search import AutoencoderSearch
    from asymnas.estimators.single import Autoencoder
    from asymnas.networks.architecture import Architecture
    from asymnas.reporting.comparison import RunComparison
    from asymnas.reporting.plots import (
        plot_curves,
        plot_front,
        plot_front_share,
        plot_importance,
        plot_share,
    )
    from asymnas.runs.finder import find_best_architecture
    from asymnas.runs.run import Run, TrainedArchitecture
    from asymnas.search import run_search
    from asymnas.space.sized_presets import ScaledPreset, scale_preset
    from asymnas.sweep import run_sweep

    __version__: str

__all__ = [
    "__version__",
    "Architecture",
    "AsymnasError",
    "Autoencoder",
    "AutoencoderSearch",
    "Budget",
    "ConfirmationConfig",
    "Run",
    "RunComparison",
    "ScaledPreset",
    "StudyConfig",
    "SweepConfig",
    "TrainedArchitecture",
    "compare_runs",
    "find_best_architecture",
    "plot_curves",
    "plot_front",
    "plot_front_share",
    "plot_importance",
    "plot_share",
    "run_confirmation",
    "run_search",
    "run_sweep",
    "scale_preset",
]

_HOMES = {
    "Architecture": "networks.architecture",
    "AsymnasError": "core.errors",
    "Autoencoder": "estimators.single",
    "AutoencoderSearch": "estimators.search",
    "Budget": "core.budget",
    "ConfirmationConfig": "core.confirmation_config",
    "TrainedArchitecture": "runs.run",
    "Run": "runs.run",
    "RunComparison": "reporting.comparison",
    "ScaledPreset": "space.sized_presets",
    "StudyConfig": "core.config",
    "SweepConfig": "core.sweep_config",
    "compare_runs": "compare",
    "find_best_architecture": "runs.finder",
    "plot_curves": "reporting.plots",
    "plot_front": "reporting.plots",
    "plot_front_share": "reporting.plots",
    "plot_importance": "reporting.plots",
    "plot_share": "reporting.plots",
    "run_confirmation": "confirm",
    "run_search": "search",
    "run_sweep": "sweep",
    "scale_preset": "space.sized_presets",
}


def __getattr__(name: str) -> Any:
    """Imports a public name on first use, so that workers and `--help` start fast."""
    if name == "__version__":
        return version("asymnas")
    if name not in _HOMES:
        raise AttributeError(f"module 'asymnas' has no attribute {name!r}")
    return getattr(import_module(f"asymnas.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted(__all__)
