"""python -m asymnas.report: a run as one self-contained HTML page."""

import webbrowser
from typing import Annotated

from cyclopts import Parameter

from asymnas.core.cli import OK, RunDirectory, serve


def report(
    run_dir: RunDirectory,
    /,
    *,
    open_it: Annotated[
        bool,
        Parameter(
            name="--open", help="Open the page in the browser", negative="", show_default="off"
        ),
    ] = False,
) -> int:
    """Write a run's results anew: report.html, summary.json, trials.csv and best/.

    The page of a search covers its sweep, control and confirmation too, where there are some.
    Works on a run that is still going on, and trains nothing.
    """
    from asymnas.core.files import holds_run
    from asymnas.reporting.publish import publish
    from asymnas.runs.directory import SWEEP_DIR
    from asymnas.runs.run import Run

    sweep = run_dir / SWEEP_DIR
    directory = sweep if holds_run(sweep) and not holds_run(run_dir) else run_dir
    run = Run.open(directory)
    page = publish(run).report
    print(page)
    if open_it:
        webbrowser.open(page.absolute().as_uri())
    return OK


if __name__ == "__main__":
    serve(report)
