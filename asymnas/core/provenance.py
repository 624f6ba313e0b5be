"""What it takes to say where a result came from: versions, hardware, source revision."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

_PACKAGES = ("asymnas", "torch", "torchvision", "optuna", "moocore", "scikit-learn", "numpy")


def setup() -> dict[str, str]:
    """Versions of Python and packages, processor, cores, GPU, git revision."""
    facts = {"python": platform.python_version(), "system": platform.platform()}
    for package in _PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            continue
    facts["processor"] = _processor()
    facts["cores"] = str(cores())
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    if revision := _revision():
        facts["revision"] = revision
    return facts


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _revision() -> str:
    """The commit of the source tree asymnas runs from, marked if it has uncommitted changes."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    if not (here.parent / ".git").exists():
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
