"""The files of a run directory that other tools read: the table, the best architecture."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import save

from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.core.files import write_whole
from asymnas.networks.architecture import Architecture
from asymnas.runs.directory import load_trained


def trials_csv(table: pd.DataFrame) -> str:
    """The trial table as text, curves and architectures as JSON."""
    plain = table.copy()
    for column in (t.CURVE, t.ARCHITECTURE):
        plain[column] = [json.dumps(v) if isinstance(v, list | dict) else "" for v in plain[column]]
    text: str = plain.to_csv(index=False)
    return text


def write_best(entry: Mapping[str, Any], examples: int, run_dir: Path) -> None:
    """Writes the best architecture and, if the run has kept them, its weights."""
    architecture = Architecture.from_dict(entry["architecture"])
    text = json.dumps(architecture.to_dict(), indent=2) + "\n"
    write_whole(run_dir / "best" / "architecture.json", text)
    weights_file = run_dir / "best" / "weights.safetensors"
    try:
        weights = load_trained(run_dir, entry["trial"], examples, architecture).state_dict()
    except StudyError:  # trained in another run directory, or removed: none beats another's
        weights_file.unlink(missing_ok=True)
        return
    content = save({name: tensor.contiguous() for name, tensor in weights.items()})
    write_whole(weights_file, content)
