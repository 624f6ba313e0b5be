"""python -m asymnas.search: the main job."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from asymnas.core.cli import OK, DryRun, Fresh, Given, Json, StudyFile, serve, takes
from asymnas.core.config import StudyConfig
from asymnas.core.study_file import load_study

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from asymnas.runs.coordinator import Snapshot
    from asymnas.runs.run import Run


def run_search(
    config: StudyConfig,
    *,
    fresh: bool = False,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None]" = lambda snapshot: None,
) -> "Run":
    """Runs a search, or continues it, and writes its results.

    Args:
        config: What to run.
        fresh: Start over; otherwise an existing run is continued.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on.

    Raises:
        AsymnasError: Bad settings or data, or a run directory of another study.
    """
    from asymnas.reporting.publish import publish
    from asymnas.runs.execute import execute
    from asymnas.runs.plan import plan_search

    plan = plan_search(config)
    with execute(plan, fresh=fresh, executor=executor, observe=observe) as (run, _):
        publish(run)
    return run


@takes(StudyConfig)
def search(
    study: StudyFile = None,
    /,
    *,
    fresh: Fresh = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    **given: Given,
) -> int:
    """Search encoder/decoder pairs under a hard parameter budget.

    Each side's depth, width and resampling is drawn on its own; unpromising candidates are
    stopped early. The run directory then holds the front, the best weights and a report.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad arguments; 130 interrupted, with
    everything finished saved.
    """
    config = configured(study, given)  # before torch is imported: a bad value is said at once
    from asymnas.reporting.console import exit_code, make_console, print_plan, print_summary
    from asymnas.reporting.progress import display
    from asymnas.reporting.publish import publish
    from asymnas.runs.execute import execute
    from asymnas.runs.plan import plan_search

    plan = plan_search(config)
    console = make_console(stderr=as_json)
    print_plan(console, plan, full=dry_run)
    if dry_run:
        return OK
    with (
        display(console) as observe,
        execute(plan, fresh=fresh, observe=observe) as (run, ending),
    ):
        published = publish(run)
    print_summary(console, published, ending)
    if as_json:
        print(json.dumps(published.summary, indent=2))
    return exit_code(ending, done=bool(published.summary["best"]))


def configured(study: Path | None, given: Mapping[str, Given]) -> StudyConfig:
    """The configuration of a study file, or the defaults, with the flags that were given."""
    base = StudyConfig() if study is None else load_study(study)
    return base.changed(given)


if __name__ == "__main__":
    serve(search)
