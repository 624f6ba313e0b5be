"""python -m asymnas.sweep: where the best decoder share lies, and how sure that is."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from asymnas.core.cli import OK, Dashboard, DryRun, Fresh, Given, Json, StudyFile, serve, takes
from asymnas.core.config import StudyConfig
from asymnas.core.declarations import changed, options_of
from asymnas.core.study_file import load_sweep
from asymnas.core.sweep_config import SweepConfig

#: Options of a study that a sweep sets by itself.
OWN = (
    "budget",
    "max_encoder_params",
    "max_decoder_params",
    "max_macs",
    "symmetric",
    "enqueue",
    "objectives",
    "trials",
    "patience",
    "sampler",
    "pruner",
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from asymnas.runs.run import Run
    from asymnas.runs.snapshot import Snapshot
    from asymnas.runs.study import Callback


def run_sweep(
    config: SweepConfig,
    *,
    fresh: bool = False,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None] | None" = None,
    callbacks: "Sequence[Callback]" = (),
) -> "Run":
    """Runs a sweep, or continues it, and writes its results.

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
    from asymnas.runs.execute import execute
    from asymnas.runs.sweep_plan import plan_sweep

    plan, seen = plan_sweep(config), observe or in_notebook()
    executed = execute(plan, fresh=fresh, executor=executor, observe=seen, callbacks=callbacks)
    with executed as (run, _):
        publish(run)
    return run


@takes(SweepConfig, StudyConfig, without=OWN)
def sweep(
    study: StudyFile = None,
    /,
    *,
    fresh: Fresh = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    with_dashboard: Dashboard = False,
    **given: Given,
) -> int:
    """Infer the decoder share with the lowest loss, budget by budget.

    Every structure is trained at every share, sized to fill each budget, and with the decoder that
    mirrors its encoder. Short runs choose structures and both sides' learning rates, nothing is
    pruned. The report then says what 1/3 and 2/3 in the decoder cost against an even split, where
    the best share lies, and what an even split and mirroring cost, each with its interval.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad arguments; 130 interrupted, with
    everything finished saved.
    """
    config = configured(study, given)  # before torch is imported: a bad value is said at once
    from asymnas.reporting.console import exit_code, make_console
    from asymnas.reporting.live_dashboard import live_dashboard
    from asymnas.reporting.progress import display
    from asymnas.reporting.publish import publish
    from asymnas.reporting.sweep_console import print_sweep_plan, print_sweep_summary
    from asymnas.runs.execute import execute
    from asymnas.runs.sweep_plan import plan_sweep

    console = make_console(stderr=as_json)
    with console.status("drawing the design"):
        plan = plan_sweep(config)
    print_sweep_plan(console, plan, full=dry_run)
    if dry_run:
        return OK
    with (
        display(console) as shown,
        live_dashboard(plan.config.run_dir, console, shown, wanted=with_dashboard) as observe,
        execute(plan, fresh=fresh, observe=observe) as (run, ending),
    ):
        published = publish(run)
    print_sweep_summary(console, published, ending)
    if as_json:
        print(json.dumps(published.summary, indent=2))
    return exit_code(ending, done=bool(published.summary["best"]))


def configured(study: Path | None, given: Mapping[str, Given]) -> SweepConfig:
    """The sweep of a study file, or of the defaults, with the flags that were given.

    Its results go into the study's run directory, unless one was given for them.
    """
    loaded: StudyConfig | SweepConfig = StudyConfig()
    if study is not None:
        loaded = load_sweep(study)
    wanted = loaded if isinstance(loaded, SweepConfig) else SweepConfig(study=loaded)
    own = options_of(SweepConfig)
    base = wanted.study.changed({name: value for name, value in given.items() if name not in own})
    design = {name: value for name, value in given.items() if name in own}
    wanted = changed(wanted, {**design, "study": base})
    from asymnas.runs.directory import SWEEP_DIR  # imports torch

    run_dir = base.run_dir if "run_dir" in given else str(Path(base.run_dir) / SWEEP_DIR)
    return replace(wanted, study=replace(base, name=f"{base.name}-sweep", run_dir=run_dir))


if __name__ == "__main__":
    serve(sweep)
