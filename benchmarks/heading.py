"""What stands at the head of every table: what wrote it, when, and on what."""

from datetime import date
from pathlib import Path

from asymnas.core.provenance import setup

PACKAGES = ("torch", "optuna", "scikit-learn", "numpy")


def heading(title: str, script: str, device: str = "cpu") -> list[str]:
    """Lines of Markdown, the last one empty; the GPU is named where it did the work."""
    facts = setup()
    packages = ", ".join(f"{package} {facts[package]}" for package in PACKAGES)
    gpu = f"{facts['gpu']}, " if device != "cpu" else ""
    return [
        f"# {title}",
        "",
        f"Written by `python benchmarks/{Path(script).name}`. {date.today()}, "
        f"{gpu}{facts['processor']}, {facts['cores']} cores, Python {facts['python']}, {packages}.",
        "",
    ]
