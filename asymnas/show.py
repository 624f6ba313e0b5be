"""python -m asymnas.show: the layers of an architecture."""

import json
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from asymnas.core.cli import OK, serve
from asymnas.core.errors import ConfigError
from asymnas.core.files import expanded

if TYPE_CHECKING:
    from asymnas.networks.architecture import Architecture


def show(
    architecture: Annotated[
        str,
        Parameter(help="An architecture.json, a run directory (its best), or a preset's name"),
    ],
    /,
    *,
    trial: Annotated[
        int | None,
        Parameter(help="Of a run directory: the trial to show", show_default="the best"),
    ] = None,
) -> int:
    """Print the layers of an architecture, with the parameters and MACs of each side.

    Of a run directory the front comes first, with the members that help to choose marked: best,
    knee, and the smallest within 1 % of the best.
    """
    run = shown = None
    if (directory := expanded(architecture)).is_dir():
        from asymnas.runs.run import Run

        run = Run.open(directory)
        shown = (run.best if trial is None else run.trained(trial)).architecture
    elif trial is not None:
        raise ConfigError(
            f"--trial is of a run directory, and {architecture} is none: leave it out"
        )
    shown = shown or architecture_of(architecture)
    from asymnas.reporting.console import make_console, print_front, print_rows

    console, rows = make_console(stderr=False), shown.rows()
    if run is not None and len(run.front):
        print_front(console, run, most=None)
        console.print()
    console.print(f"{rows.title}\n{rows.caption}\n")
    print_rows(console, rows, most=None)
    return OK


def architecture_of(source: str) -> "Architecture":
    """The architecture of a file, or a preset's.

    Raises:
        ConfigError: There is no such thing, or it is no architecture.
    """
    from asymnas.networks.architecture import Architecture
    from asymnas.networks.presets import PRESETS

    path = expanded(source)
    if path.is_file():
        try:
            values = json.loads(path.read_text("utf-8"))
        except ValueError as error:  # no JSON, or no text
            raise ConfigError(f"{path} is no architecture.json: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{path} is no architecture.json: it holds no JSON object")
        return Architecture.from_dict(values)
    if source in PRESETS.names():
        return Architecture.preset(source)
    raise ConfigError(
        f"there is no architecture {source!r}: give an architecture.json, a run directory, or a "
        f"preset ({', '.join(PRESETS.names())})"
    )


if __name__ == "__main__":
    serve(show)
