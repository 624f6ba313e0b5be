"""python -m asymnas.compare: searches side by side."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from asymnas.core.cli import OK, Json, RunDirectories, serve

if TYPE_CHECKING:
    from asymnas.reporting.comparison import RunComparison


def compare_runs(sources: "Sequence[Any]", *, by: str | None = None) -> "RunComparison":
    """Holds searches side by side: their fronts, and whether their settings make a difference.

    Searches that differ by their seed alone are of one setting. The first one's setting is compared
    with every other, paired by seed, where the problem is the same: data, budget, latent and
    objectives.

    Args:
        sources: Two or more searches of the same data: run directories, `Run`s, Optuna studies, or
            storage URLs.
        by: What to compare by in place of what the searches improve: `val_loss` or a metric.

    Raises:
        StudyError: No such run.
        ConfigError: Fewer than two, one that is no search, or nothing that is comparable.
    """
    from asymnas.reporting.comparison import RunComparison
    from asymnas.runs.compared import compared
    from asymnas.runs.finder import as_run

    return RunComparison(compared([as_run(source) for source in sources], by))


def compare(
    *runs: RunDirectories,
    by: Annotated[
        str | None,
        Parameter(
            help="Compare by val_loss or by a metric that all searches have measured, such as mse",
            show_default="what the searches improve",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Hold searches side by side: fronts, hypervolumes, and what a setting makes of the loss.

    Searches of the same data that differ by their seed alone are of one setting, named by the
    options in which it differs from the others. The first search's setting is compared with every
    other, paired by seed (--seed), by the exact Wilcoxon signed-rank test, adjusted by Holm; it
    takes six seeds of each. All hypervolumes are measured from one reference point.

    To ask whether a setting helps, search with and without it, each with seeds 0 to 5, and give all
    twelve run directories: asymnas compare runs/tpe-* runs/random-*

    Where the budget, the latent or the objectives differ, the fronts are shown and nothing is
    tested; searches of different data are not comparable.
    """
    from asymnas.reporting.console import make_console, print_rows

    result = compare_runs(runs, by=by)
    console = make_console(stderr=as_json)
    for rows in result.rows():
        console.print(rows.title, style="bold")
        if rows.caption:
            console.print(rows.caption)
        print_rows(console, rows, most=None)
    for sentence in result.verdict:
        console.print(sentence)
    if as_json:
        print(json.dumps(result.summary, indent=2))
    return OK


if __name__ == "__main__":
    serve(compare)
