"""Writing a run's results: summary, trials, the best architecture with its weights, the report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import save

from asymnas.core import columns as t
from asymnas.core.checksums import with_checksum
from asymnas.core.errors import AsymnasError
from asymnas.core.files import write_whole
from asymnas.networks.architecture import Architecture
from asymnas.reporting.dashboard_content import show_in_dashboard
from asymnas.reporting.findings import Findings, confirmation_json, findings_of
from asymnas.reporting.page import page
from asymnas.reporting.render import render_page
from asymnas.reporting.summary import dashboard_note, summarise
from asymnas.runs.directory import CONFIRMATION, REPORT, SUMMARY, load_trained
from asymnas.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Published:
    """What `publish` wrote.

    Args:
        findings: What was computed from the run and those in its directory.
        summary: The content of `summary.json`.
        confirmation: The content of `confirmation.json`; `None` if there is no confirmation.
        report: The page.
    """

    findings: Findings
    summary: Mapping[str, Any]
    confirmation: Mapping[str, Any] | None
    report: Path


def publish(run: Run) -> Published:
    """Writes everything a run directory holds besides the study, and returns it.

    A search's summary and report cover the sweep, the control and the confirmation in its
    directory too. Each file is written whole or not at all; what an earlier start wrote is
    replaced, and kept where what it was made from cannot be read now: `left_out` in the summary
    says so.
    """
    findings, directory = findings_of(run), run.directory
    write_whole(directory / "trials.csv", trials_csv(run.table))
    summary = summarise(findings)
    left_out = summary["left_out"]
    if summary["best"] and (reason := _write_best(run, summary["best"])):
        left_out.append(reason)
    confirmation = confirmation_json(findings.confirmed) if findings.confirmed else None
    if confirmation is not None:
        write_whole(directory / CONFIRMATION, json.dumps(confirmation, indent=2) + "\n")
    elif "confirmation" not in run.unreadable:
        (directory / CONFIRMATION).unlink(missing_ok=True)
    elif (directory / CONFIRMATION).is_file():
        left_out.append(f"{CONFIRMATION} is as it was published before.")
    summary = with_checksum(summary)
    write_whole(directory / SUMMARY, json.dumps(summary, indent=2) + "\n")
    run.study.note(dashboard_note(summary))
    show_in_dashboard(findings)
    write_whole(directory / REPORT, render_page(page(findings, summary)))
    return Published(
        findings=findings, summary=summary, confirmation=confirmation, report=directory / REPORT
    )


def trials_csv(table: pd.DataFrame) -> str:
    """The trial table as text, curves and architectures as JSON."""
    plain = table.copy()
    for column in (t.CURVE, t.ARCHITECTURE):
        plain[column] = [json.dumps(v) if isinstance(v, list | dict) else "" for v in plain[column]]
    text: str = plain.to_csv(index=False)
    return text


def _write_best(run: Run, entry: dict[str, Any]) -> str:
    """Writes the best architecture and its weights, whose SHA-256 the entry gets.

    Returns:
        What was not written, and why, in a sentence; empty if both were. Weights that an earlier
        publication wrote are kept, with the description that belongs to them.
    """
    architecture = Architecture.from_dict(entry["architecture"])
    description = run.directory / "best" / "architecture.json"
    weights_file = run.directory / "best" / "weights.safetensors"
    text = json.dumps(with_checksum(architecture.to_dict()), indent=2) + "\n"
    examples = int(run.table.set_index(t.TRIAL).loc[entry["trial"], t.EXAMPLES])
    try:
        weights = load_trained(run.directory, entry["trial"], examples, architecture).state_dict()
    except (AsymnasError, OSError) as error:  # OSError: deleted between the look and the reading
        if weights_file.is_file():
            return f"best/ is as it was published before: {error}."
        write_whole(description, text)
        return f"best/ holds no weights: {error}."
    content = save({name: v.contiguous() for name, v in weights.items()})
    write_whole(weights_file, content)
    entry["weights_sha256"] = sha256(content).hexdigest()
    write_whole(description, text)
    return ""
