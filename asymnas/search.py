"""python -m asymnas.search: the main job."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asymnas.core.cli import (
    FAILED,
    OK,
    Dashboard,
    DryRun,
    Fresh,
    Given,
    Json,
    Replay,
    StudyFile,
    serve,
    takes,
)
from asymnas.core.config import StudyConfig
from asymnas.core.errors import ConfigError
from asymnas.core.study_file import load_study

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from asymnas.runs.run import Run
    from asymnas.runs.snapshot import Snapshot
    from asymnas.runs.study import Callback


def run_search(
    config: StudyConfig,
    *,
    fresh: bool = False,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None] | None" = None,
    callbacks: "Sequence[Callback]" = (),
) -> "Run":
    """Runs a search, or continues it, and writes its results.

    Args:
        config: What to run.
        fresh: Start over; otherwise an existing run is continued.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on; by default a notebook's cell shows how
            far it is, and a script shows nothing.
        callbacks: Optuna's, called as `callback(study, trial)` in this process when a trial has
            completed, was pruned or has failed. `study.stop()` interrupts the run; so does an
            error, which is then raised.

    Raises:
        AsymnasError: Bad settings or data, or a run directory of another study.
    """
    from asymnas.reporting.progress import in_notebook
    from asymnas.reporting.publish import publish
    from asymnas.runs.execute import execute, started_ahead
    from asymnas.runs.plan import plan_search

    with started_ahead(config, executor) as started:
        plan, seen = plan_search(config), observe or in_notebook()
        with execute(
            plan,
            fresh=fresh,
            executor=executor,
            observe=seen,
            callbacks=callbacks,
            started=started,
        ) as (run, _):
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
    with_dashboard: Dashboard = False,
    replay: Replay = None,
    **given: Given,
) -> int:
    """Search encoder/decoder pairs under a hard parameter budget.

    Each side's depth, width and resampling is drawn on its own; unpromising candidates are
    stopped early. The run directory then holds the front, the best weights and a report.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad arguments; 130 interrupted, with
    everything finished saved.
    """
    if replay is not None:
        flags = {"--fresh": fresh, "--dry-run": dry_run, "--dashboard": with_dashboard}
        alone = [name for name, is_set in flags.items() if is_set]
        return _replay(replay, study, given, alone, as_json=as_json)
    config = configured(study, given)  # before torch is imported: a bad value is said at once
    from asymnas.reporting.console import exit_code, make_console, print_plan, print_summary
    from asymnas.reporting.live_dashboard import live_dashboard
    from asymnas.reporting.progress import display
    from asymnas.runs.execute import execute, started_ahead
    from asymnas.runs.plan import plan_search

    console = make_console(stderr=as_json)
    if dry_run:
        print_plan(console, plan_search(config), full=True)
        return OK
    with started_ahead(config) as started:
        plan = plan_search(config)
        print_plan(console, plan, full=False)
        with (
            display(console) as shown,
            live_dashboard(plan.config.run_dir, console, shown, wanted=with_dashboard) as observe,
            execute(plan, fresh=fresh, observe=observe, started=started) as (run, ending),
        ):
            from asymnas.reporting.publish import publish  # the analysis, which no start waits for

            published = publish(run)
    print_summary(console, published, ending)
    if as_json:
        print(json.dumps(published.summary, indent=2))
    return exit_code(ending, done=bool(published.summary["best"]))


#: Options beside --replay: where to train, which does not change what is trained.
MACHINE = ("executor", "workers", "gpus_per_trial", "device")


def _replay(
    directory: Path,
    study: Path | None,
    given: Mapping[str, Given],
    alone: Sequence[str],
    *,
    as_json: bool,
) -> int:
    """Trains the recorded trials of a search again and prints how they compare."""
    others = [f"--{name.replace('_', '-')}" for name in given if name not in MACHINE]
    unwanted = [*(["the study file"] if study is not None else []), *others, *alone]
    if unwanted:
        raise ConfigError(
            "--replay takes the settings of the run, and beside them --executor, --workers, "
            f"--gpus-per-trial and --device alone: leave {unwanted[0]} out"
        )
    from asymnas.reporting.console import make_console
    from asymnas.reporting.replayed import print_replay
    from asymnas.runs.run import Run

    run = Run.open(directory)
    machine = StudyConfig().changed(given)
    config = StudyConfig.from_dict(
        {**run.study.config, **{name: getattr(machine, name) for name in MACHINE}}
    )
    result = print_replay(make_console(stderr=as_json), run, config)
    if as_json:
        print(json.dumps(result, indent=2))
    return OK if result["equal"] == result["trials"] else FAILED


def configured(study: Path | None, given: Mapping[str, Given]) -> StudyConfig:
    """The configuration of a study file, or the defaults, with the flags that were given."""
    base = StudyConfig() if study is None else load_study(study)
    return base.changed(given)


if __name__ == "__main__":
    serve(search)
