"""python -m asymnas.report: a run as one self-contained HTML page."""

import webbrowser
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from asymnas.core.cli import guarded, serve


def report(
    run_dir: Annotated[Path, Argument(help="The run directory of a search or a sweep.")],
    open_it: Annotated[bool, Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write a run's results anew: report.html, summary.json, trials.csv and best/.

    A search's page tells of its sweep, control and confirmation too, where there are some. Works
    on a run that is still going on, and trains nothing.
    """

    def main() -> int:
        from asymnas.reporting.publish import publish
        from asymnas.runs.directory import REPORT, SWEEP_DIR, holds_run
        from asymnas.runs.run import Run

        sweep = run_dir / SWEEP_DIR
        directory = sweep if holds_run(sweep) and not holds_run(run_dir) else run_dir
        run = Run.open(directory)
        publish(run)
        page = directory / REPORT
        print(page)
        if open_it:
            webbrowser.open(page.absolute().as_uri())
        return 0

    guarded(main)


if __name__ == "__main__":
    serve(report)
