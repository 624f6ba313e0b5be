"""What the Optuna dashboard shows of a run besides its trials: plots, and notes of trials.

The plots are those that Optuna cannot draw: the decoder share, and learning curves where there are
several objectives. They stand on the page of the study; a note stands on its trial's page.
"""

from collections.abc import Iterator, Mapping

import pandas as pd
import plotly.graph_objects as go

from asymnas.core import columns as t
from asymnas.core.labels import label, value
from asymnas.core.tables import Rows
from asymnas.core.text import plural, share_phrase
from asymnas.networks.architecture import Architecture
from asymnas.reporting.figures.decoder_share import share_panel
from asymnas.reporting.findings import Findings
from asymnas.reporting.plots import alone, curves_of, front_of, front_share_of
from asymnas.reporting.summary import as_markdown
from asymnas.runs.run import Run

LARGEST = 200_000  # characters of a plot: the study holds them in pieces of 2,000, some ms each
MOST = 100  # trials that all get a note; of more, those on the front and those that failed


def show_in_dashboard(findings: Findings) -> None:
    """Writes the plots and the notes of trials into the run's study.

    A plot of more than 200,000 characters, of thousands of trials, is left to the report.
    """
    run = findings.run
    for name, figure in plots(findings).items():
        run.study.plot(name, figure, LARGEST)
    for number, text in trial_notes(run):
        run.study.note(text, number)


def plots(findings: Findings) -> Mapping[str, go.Figure]:
    """Figures by the identifier that the dashboard keeps them under."""
    run, inferred = findings.run, findings.inferred
    if run.measured.empty:
        return {}
    if run.sweep is None or inferred is None:
        share = front_share_of(run)
    else:
        share = share_panel(run.sweep.measured, inferred.share)
    panels = {"decoder-share": share, "front": front_of(run), "learning-curves": curves_of(run)}
    left = {"x": 0.02, "xanchor": "left"}  # at the right are the dashboard's buttons
    return {name: alone(panel).update_layout(title=left) for name, panel in panels.items()}


def trial_notes(run: Run) -> Iterator[tuple[int, str]]:
    """Numbers of trials and Markdown: what the network is, and what became of it."""
    table = run.own
    front = set(run.front[t.TRIAL]) if len(run.front) else set()
    ended = table[table[t.STATE].isin(("complete", "pruned", "failed"))]
    if len(ended) > MOST:
        ended = ended[ended[t.TRIAL].isin(front) | (ended[t.STATE] == "failed")].head(MOST)
    for _, row in ended.iterrows():
        number = int(row[t.TRIAL])
        yield number, _note(row, table, on_front=number in front)


def _note(row: "pd.Series", table: pd.DataFrame, *, on_front: bool) -> str:
    paragraphs = [outcome(row, table, on_front=on_front)]
    if pd.notna(row[t.TOTAL_PARAMS]):
        paragraphs.append(
            f"{plural(int(row[t.TOTAL_PARAMS]), 'parameter')}, "
            f"{share_phrase(row[t.DECODER_SHARE], int(row[t.SHARED_PARAMS]))}; "
            f"{row[t.ENCODER_MACS]:,.0f} MACs in the encoder, {row[t.DECODER_MACS]:,.0f} in the "
            "decoder."
        )
    if on_front:
        paragraphs.append(_markdown(Architecture.from_dict(row[t.ARCHITECTURE]).rows()))
    return "\n\n".join(paragraphs)


def outcome(row: "pd.Series", table: pd.DataFrame, *, on_front: bool) -> str:
    """Why a trial ended, in a sentence.

    Args:
        row: The trial.
        table: All trials of its run.
        on_front: Whether it is on the Pareto front.
    """
    if row[t.STATE] == "failed":
        return f"It failed: {as_markdown(str(row[t.FAILURE]))}."
    if pd.notna(row[t.DUPLICATE_OF]):
        return f"Not trained: it is what trial {int(row[t.DUPLICATE_OF])} was."
    loss = f"{label(t.VAL_LOSS)} {value(t.VAL_LOSS, row[t.VAL_LOSS])}"
    if row[t.STATE] == "complete":
        return f"Trained to the end, {loss}{', on the front' if on_front else ''}."
    if not row[t.CURVE]:
        return f"Pruned, {loss}."
    examples, reached = row[t.CURVE][-1]
    peers = table[(table[t.TRIAL] != row[t.TRIAL]) & table[t.DUPLICATE_OF].isna()]
    if t.BUDGET in peers and pd.notna(row.get(t.BUDGET)):
        peers = peers[peers[t.BUDGET] == row[t.BUDGET]]
    losses = [dict(map(tuple, curve)).get(examples) for curve in peers[t.CURVE]]
    others = [float(loss) for loss in losses if loss is not None]
    lower = sum(other < reached for other in others)
    return (
        f"Pruned after {examples:,} examples, {loss}: in the end {lower} of the {len(others)} "
        "others of its budget that came as far had a lower one there."
    )


def _markdown(rows: Rows) -> str:
    """A table as Markdown."""
    lines = [rows.columns, ["---"] * len(rows.columns), *rows.rows]
    return "\n".join(f"| {' | '.join(map(as_markdown, cells))} |" for cells in lines)
