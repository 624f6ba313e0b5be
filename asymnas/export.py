"""python -m asymnas.export: a trained network written for use elsewhere."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from asymnas.core.cli import OK, RunDirectory, as_path, serve
from asymnas.core.config import PartName


def export(
    run_dir: RunDirectory,
    /,
    out: Annotated[
        Path, Parameter(converter=as_path, help="A new or empty directory to write into")
    ],
    *,
    format: Annotated[
        str, Parameter(help="safetensors, torch-export, onnx or python")
    ] = "safetensors",
    part: Annotated[PartName, Parameter(help="All of it, or one side")] = "whole",
    trial: Annotated[
        int | None,
        Parameter(help="The member of the front to write", show_default="the best"),
    ] = None,
) -> int:
    """Write a trained network for use elsewhere, with its preprocessing and a model card."""
    from asymnas.runs.run import Run

    run = Run.open(run_dir)
    trained = run.best if trial is None else run.trained(trial)
    print(trained.export(out, format, part=part))
    return OK


if __name__ == "__main__":
    serve(export)
