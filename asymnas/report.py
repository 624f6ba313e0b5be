"""python -m asymnas.report: a run as one self-contained HTML page."""

import webbrowser
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from asymnas.commands import guarded, serve


def report(
    run_dir: Annotated[Path, Argument(help="The run directory of a search.")],
    open_it: Annotated[bool, Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write a run's results anew: report.html, summary.json, trials.csv and best/.

    Works on a run that is still going on, and trains nothing.
    """

    def main() -> int:
        from asymnas.finder import Run
        from asymnas.results import publish

        run = Run.open(run_dir)
        publish(run.study, run.directory)
        page = run_dir / "report.html"
        print(page)
        if open_it:
            webbrowser.open(page.absolute().as_uri())
        return 0

    guarded(main)


if __name__ == "__main__":
    serve(report)
