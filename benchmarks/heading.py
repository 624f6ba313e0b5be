"""What stands at the head of every table: what wrote it, when, and on what."""

from datetime import date
from pathlib import Path

from asymnas.core.provenance import setup

PACKAGES = ("torch", "optuna", "scikit-learn", "numpy")


def heading(title: str, script: str) -> list[str]:
    """Lines of Markdown, the last one empty."""
    facts = setup()
    packages = ", ".join(f"{package} {facts[package]}" for package in PACKAGES)
    return [
        f"# {title}",
        "",
        f"Written by `python benchmarks/{Path(script).name}`. {date.today()}, "
        f"{facts['processor']}, {facts['cores']} cores, Python {facts['python']}, {packages}.",
        "",
    ]
