"""Reconstructions for the report: the best beside the symmetric control, and along the front."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.errors import AsymnasError
from asymnas.core.labels import label
from asymnas.core.text import percent, plural
from asymnas.data.base import load_dataset
from asymnas.networks.architecture import Architecture
from asymnas.networks.kinds import Autoencoder
from asymnas.reporting.content import Folded, Picture, Points
from asymnas.reporting.findings import Findings
from asymnas.runs.directory import load_trained, reconstruction_path
from asymnas.runs.run import Run
from asymnas.training.evaluation import reconstruct
from asymnas.training.reconstructions import (
    ERROR,
    ERROR_RANGE,
    ORIGINAL,
    read_labels,
    reconstruction_png,
)

MOST_PICTURES = 12


def pictures(findings: Findings, summary: Mapping[str, Any]) -> list[Picture | Points | Folded]:
    """The best, side by side with the control if there is one; the front's others folded away."""
    blocks: list[Picture | Points | Folded] = []
    search, control = findings.run.search, findings.run.control
    if search is not None and control is not None and len(search.front) and len(control.front):
        try:
            blocks.append(_beside(search, control))
        except (AsymnasError, OSError) as error:  # OSError: a file deleted while it is read
            reason = f"The best and the symmetric network are not shown side by side: {error}."
            blocks.append(Points([reason]))
    members = []
    for entry in summary["front"][:MOST_PICTURES]:
        try:
            png = reconstruction_path(findings.run.directory, entry["trial"]).read_bytes()
        except FileNotFoundError:  # not drawn yet, or of a trial that has left the front
            continue
        name, reached = next(iter(entry["values"].items()))
        total = entry["encoder_params"] + entry["decoder_params"] + entry["shared_params"]
        caption = f"Trial {entry['trial']}: {total:,} parameters, {label(name)} {reached:.5g}."
        labels, strips = read_labels(png)
        members.append(Picture(png=png, caption=caption, labels=labels, strips=strips))
    if not any(isinstance(block, Picture) for block in blocks):
        blocks += members[:1]
        members = members[1:]
    if members:
        more = plural(len(members), "more member")
        blocks.append(Folded(summary=f"By {more} of the front", body=members))
    return blocks


def errors_sentence(blocks: Sequence[Picture | Points | Folded]) -> str:
    """How to read the maps of errors; empty where no picture has one."""
    shown = [part for b in blocks for part in (b.body if isinstance(b, Folded) else (b,))]
    if not any(isinstance(part, Picture) and ERROR in part.labels for part in shown):
        return ""
    return (
        "Errors are on one scale: black is none, bright yellow is "
        f"{percent(ERROR_RANGE)} of the examples' range of values, or more."
    )


def _beside(search: Run, control: Run) -> Picture:
    """Original, symmetric and best.

    Raises:
        AsymnasError: The data or the weights of one of them are gone.
    """
    best = {"symmetric": _best(control), "best": _best(search)}
    examples = load_dataset(StudyConfig.from_dict(search.config).data()).validation
    rows: dict[str, NDArray[Any]] = {}
    for name, (model, kind) in best.items():
        originals, outputs = reconstruct(model, examples, kind=kind)
        rows = {ORIGINAL: originals, **rows, name: outputs}
    losses = [run.front.iloc[0][t.VAL_LOSS] for run in (control, search)]
    caption = (
        "Validation examples: the original, the reconstruction by the best symmetric network (loss "
        f"{losses[0]:.4g}), and that by the best network (loss {losses[1]:.4g})."
    )
    return side_by_side(rows, caption)


def _best(run: Run) -> tuple[Autoencoder, str]:
    """The best network of a run with its weights, and its kind."""
    row = run.front.iloc[0]
    architecture = Architecture.from_dict(row[t.ARCHITECTURE])
    trial, examples = int(row[t.TRIAL]), int(row[t.EXAMPLES])
    return load_trained(run.directory, trial, examples, architecture), architecture.kind


def side_by_side(rows: Mapping[str, NDArray[Any]], caption: str) -> Picture:
    """`reconstruction_png` as a page shows it, with the names of the rows.

    Args:
        rows: As there.
        caption: What is shown, one line.
    """
    png = reconstruction_png(rows)
    labels, strips = read_labels(png)
    return Picture(png=png, caption=caption, labels=labels, strips=strips)
