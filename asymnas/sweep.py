"""python -m asymnas.sweep: where the best decoder share lies, and how sure that is."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from asymnas.core import cli
from asymnas.core.cli import MACHINE, flag, guarded, load_study_file, serve

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from asymnas.core.config import SweepConfig
    from asymnas.runs.coordinator import Snapshot
    from asymnas.runs.run import Run

DESIGN = "Design"


def run_sweep(
    config: "SweepConfig",
    *,
    fresh: bool = False,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None]" = lambda snapshot: None,
) -> "Run":
    """Runs a sweep, or continues it, and writes its results.

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
    from asymnas.runs.sweep import plan_sweep

    plan = plan_sweep(config)
    with execute(plan, fresh=fresh, executor=executor, observe=observe) as (run, _):
        publish(run)
    return run


def sweep(
    study: cli.StudyFile = None,
    budgets: Annotated[
        str | None,
        flag(
            "Comma-separated totals, each filled to within 1 %: 50k,150k,500k [default: a quarter, "
            "a half and all of the study's budget]",
            DESIGN,
        ),
    ] = None,
    shares: Annotated[
        str | None, flag("Decoder shares a budget, evenly spaced [default: 9]", DESIGN)
    ] = None,
    share_range: Annotated[
        str | None, flag("Lowest and highest share [default: 0.1,0.9]", DESIGN)
    ] = None,
    architectures: Annotated[
        str | None, flag("Architectures of each budget and share [default: 4]", DESIGN)
    ] = None,
    screen: Annotated[
        str | None,
        flag(
            "Structures tried in short runs for each architecture kept; 1 tries none [default: 3]",
            DESIGN,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        flag("Runs of each architecture; more may be added later [default: 3]", DESIGN),
    ] = None,
    rates: Annotated[
        str | None,
        flag("Learning rates tried for each architecture, in short runs [default: 3]", DESIGN),
    ] = None,
    tolerance: Annotated[
        str | None,
        flag("Relative loss above the lowest that does not matter [default: 0.01]", DESIGN),
    ] = None,
    dataset: cli.Dataset = None,
    data_root: cli.DataRoot = None,
    download: cli.Download = False,
    image_size: cli.ImageSize = None,
    family: cli.Family = None,
    kind: cli.Kind = None,
    latent: cli.Latent = None,
    bottleneck: cli.Bottleneck = None,
    timeout: cli.Timeout = None,
    examples: cli.Examples = None,
    seed: cli.Seed = None,
    workers: cli.Workers = None,
    device: cli.Device = None,
    precision: cli.Precision = None,
    run_dir: Annotated[
        str | None, flag("Where results go [default: runs/<study name>/sweep]", MACHINE)
    ] = None,
    storage: cli.Storage = None,
    fresh: cli.Fresh = False,
    dry_run: cli.DryRun = False,
    as_json: cli.Json = False,
) -> None:
    """Infer the decoder share with the lowest loss, budget by budget.

    Architectures are drawn afresh for every share and sized to fill each budget, short runs choose
    structures and learning rates, nothing is pruned. The report then says where the best
    share lies with its interval, which shares are as good, and what an even split costs.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad settings; 130 interrupted, with
    everything finished saved.
    """
    values = cli.given(locals())
    guarded(lambda: _main(values))


def _main(given: dict[str, Any]) -> int:
    from asymnas.reporting.console import (
        exit_code,
        make_console,
        print_sweep_plan,
        print_sweep_summary,
    )
    from asymnas.reporting.progress import display
    from asymnas.reporting.publish import publish
    from asymnas.runs.execute import execute
    from asymnas.runs.sweep import plan_sweep

    console = make_console(stderr="as_json" in given)
    with console.status("drawing the design"):
        plan = plan_sweep(_config(given))
    print_sweep_plan(console, plan, full="dry_run" in given)
    if "dry_run" in given:
        return 0
    with (
        display(console) as observe,
        execute(plan, fresh="fresh" in given, observe=observe) as (run, ending),
    ):
        summary = publish(run)
    print_sweep_summary(console, summary, run.directory, ending)
    if "as_json" in given:
        print(json.dumps(summary, indent=2))
    return exit_code(ending, done=bool(summary["best"]))


def _config(given: dict[str, Any]) -> Any:
    from asymnas.core.config import StudyConfig, SweepConfig
    from asymnas.runs.directory import SWEEP_DIR

    values = cli.parsed(given)
    design = {name: values.pop(name) for name in _DESIGN if name in values}
    if "budgets" in design:
        design["budgets"] = cli.counts(design["budgets"])
    for name in ("share_range", "tolerance"):
        if name in design:
            numbers = cli.numbers(name, design[name])
            design[name] = numbers if name == "share_range" else numbers[0]
    loaded = load_study_file(given["study"], "sweep") if "study" in given else StudyConfig()
    wanted = loaded if isinstance(loaded, SweepConfig) else SweepConfig(study=loaded)
    apart = "run_dir" in values
    if "dataset" in values:
        values = {"name": "", "run_dir": "", **values}
    base = replace(wanted.study, **values)
    if not apart:
        base = replace(base, run_dir=str(Path(base.run_dir) / SWEEP_DIR))
    return replace(wanted, study=replace(base, name=f"{base.name}-sweep"), **design)


_DESIGN = (
    *("budgets", "shares", "share_range", "architectures"),
    *("screen", "seeds", "rates", "tolerance"),
)


if __name__ == "__main__":
    serve(sweep)
