"""Writing a run's results: summary, trials, the best architecture with its weights, the report."""

import json
from pathlib import Path
from typing import Any

from asymnas.core import columns as t
from asymnas.core.files import write_whole
from asymnas.reporting.confirmed import confirmation_json, confirmed
from asymnas.reporting.figures.page import render_page
from asymnas.reporting.files import trials_csv, write_best
from asymnas.reporting.inferred import inferred
from asymnas.reporting.pages import page
from asymnas.reporting.summary import dashboard_note, summarise
from asymnas.runs.directory import CONFIRMATION, REPORT, SUMMARY
from asymnas.runs.run import Findings, gather
from asymnas.runs.study import SearchStudy

__all__ = ["publish"]


def publish(study: SearchStudy, run_dir: Path) -> dict[str, Any]:
    """Writes everything a run directory holds besides the study, and returns the summary.

    A search's summary and report tell of the sweep, the control and the confirmation in its
    directory too. Each file is written whole or not at all; what an earlier start wrote is
    replaced.
    """
    records = gather(study, run_dir)
    findings = Findings(
        records=records,
        inferred=inferred(records.sweep) if records.sweep else None,
        confirmed=confirmed(records.confirmation) if records.confirmation else None,
    )
    summary = summarise(findings)
    main = records.main
    write_whole(run_dir / "trials.csv", trials_csv(main.table))
    if summary["best"]:
        examples = int(main.table.set_index(t.TRIAL).loc[summary["best"]["trial"], t.EXAMPLES])
        write_best(summary["best"], examples, run_dir)
    write_whole(run_dir / SUMMARY, json.dumps(summary, indent=2) + "\n")
    if findings.confirmed:
        text = json.dumps(confirmation_json(findings.confirmed), indent=2) + "\n"
        write_whole(run_dir / CONFIRMATION, text)
    else:
        (run_dir / CONFIRMATION).unlink(missing_ok=True)
    study.note(dashboard_note(summary))
    write_whole(run_dir / REPORT, render_page(page(findings, summary)))
    return summary
