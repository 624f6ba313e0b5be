"""Writing a run's results: summary, trials, the best architecture with its weights, the report."""

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
from asymnas.reporting.findings import confirmation_json, findings_of
from asymnas.reporting.page import page
from asymnas.reporting.render import render_page
from asymnas.reporting.summary import dashboard_note, summarise
from asymnas.runs.directory import CONFIRMATION, REPORT, SUMMARY, load_trained
from asymnas.runs.run import Run

__all__ = ["publish"]


def publish(run: Run) -> dict[str, Any]:
    """Writes everything a run directory holds besides the study, and returns the summary.

    A search's summary and report tell of the sweep, the control and the confirmation in its
    directory too. Each file is written whole or not at all; what an earlier start wrote is
    replaced, and kept where what it was made from cannot be read now.
    """
    findings, run_dir = findings_of(run), run.directory
    summary = summarise(findings)
    write_whole(run_dir / "trials.csv", trials_csv(run.table))
    if summary["best"]:
        examples = int(run.table.set_index(t.TRIAL).loc[summary["best"]["trial"], t.EXAMPLES])
        write_best(summary["best"], examples, run_dir)
    write_whole(run_dir / SUMMARY, json.dumps(summary, indent=2) + "\n")
    if findings.confirmed:
        text = json.dumps(confirmation_json(findings.confirmed), indent=2) + "\n"
        write_whole(run_dir / CONFIRMATION, text)
    elif "confirmation" not in run.unreadable:
        (run_dir / CONFIRMATION).unlink(missing_ok=True)
    run.study.note(dashboard_note(summary))
    write_whole(run_dir / REPORT, render_page(page(findings, summary)))
    return summary


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
