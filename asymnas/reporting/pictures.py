"""Reconstructions for the report: the best beside the symmetric control, and along the front."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core import columns as t
from asymnas.core.config import DataSpec, StudyConfig
from asymnas.core.errors import AsymnasError
from asymnas.data.base import load_dataset
from asymnas.networks.architecture import Architecture
from asymnas.reporting.content import Picture
from asymnas.reporting.findings import Findings
from asymnas.runs.directory import load_trained, reconstruction_path
from asymnas.runs.run import Run
from asymnas.training.evaluation import reconstruct
from asymnas.training.reconstructions import reconstruction_rows

MOST_PICTURES = 12


def pictures(findings: Findings, summary: Mapping[str, Any]) -> list[Picture]:
    """Side by side first, if there is a control, then each member of the front."""
    found = []
    search, control = findings.run.search, findings.run.control
    if search is not None and control is not None and len(search.front) and len(control.front):
        found += _beside(search, control)
    directory = findings.run.directory
    for entry in summary["front"][:MOST_PICTURES]:
        path = reconstruction_path(directory, entry["trial"])
        if path.is_file():
            name, reached = next(iter(entry["values"].items()))
            total = entry["encoder_params"] + entry["decoder_params"] + entry["shared_params"]
            caption = f"Trial {entry['trial']}: {total:,} parameters, {name} {reached:.5g}"
            found.append(Picture(png=path.read_bytes(), caption=caption))
    return found


def _beside(search: Run, control: Run) -> list[Picture]:
    """Original, symmetric and best; nothing where weights or data are gone."""
    data = StudyConfig.from_dict(search.config).data()
    try:
        rows = {"symmetric": _outputs(control, data), "best": _outputs(search, data)}
    except AsymnasError:
        return []
    originals = rows["best"][0]
    losses = [run.front.iloc[0][t.VAL_LOSS] for run in (control, search)]
    caption = (
        "Validation examples: the original, what the best symmetric network made of it (loss "
        f"{losses[0]:.4g}), and the best network (loss {losses[1]:.4g})."
    )
    outputs = {name: output for name, (_, output) in rows.items()}
    return [side_by_side({"original": originals, **outputs}, caption)]


def _outputs(run: Run, data: DataSpec) -> tuple[Any, Any]:
    row = run.front.iloc[0]
    architecture = Architecture.from_dict(row[t.ARCHITECTURE])
    model = load_trained(run.directory, int(row[t.TRIAL]), int(row[t.EXAMPLES]), architecture)
    return reconstruct(model, load_dataset(data).validation, kind=architecture.kind)


def side_by_side(rows: Mapping[str, NDArray[Any]], caption: str) -> Picture:
    """`reconstruction_rows` as a page shows it, with the names of the rows.

    Args:
        rows: As there.
        caption: What is shown, one line.
    """
    png = BytesIO()
    reconstruction_rows(rows).save(png, "PNG")
    strips = np.ndim(next(iter(rows.values()))) < 4
    return Picture(png=png.getvalue(), caption=caption, labels=tuple(rows), strips=strips)
