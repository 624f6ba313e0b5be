"""python -m asymnas.confirm: the best against its controls, fresh seeds, the test split."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from asymnas.core import cli
from asymnas.core.cli import MACHINE, flag, guarded, serve

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from asymnas.core.config import ConfirmationConfig
    from asymnas.runs.coordinator import Ending, Snapshot
    from asymnas.runs.plan import SearchPlan
    from asymnas.runs.run import Run

DESIGN = "Design"


def run_confirmation(
    config: "ConfirmationConfig",
    *,
    fresh: bool = False,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None]" = lambda snapshot: None,
) -> "Run":
    """Confirms a search, or continues to, and writes the results into its directory.

    Args:
        config: Which search, how many seeds.
        fresh: Confirm anew; the control search is kept.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on.

    Raises:
        AsymnasError: No finished search, or a confirmation of another one is in the way.
    """
    from asymnas.runs.confirmation import open_search, plan_control

    search = open_search(config)
    control = plan_control(config, search)
    _confirm(config, search, control, fresh=fresh, executor=executor, observe=observe)
    return search


def _confirm(
    config: "ConfirmationConfig",
    search: "Run",
    control_plan: "SearchPlan",
    *,
    fresh: bool,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None]",
) -> "Ending":
    """The symmetric search, then the confirmation; each publishes its own results."""
    from asymnas.reporting.publish import publish
    from asymnas.runs.confirmation import check_same_front, plan_confirmation
    from asymnas.runs.execute import execute

    if not fresh:
        check_same_front(config, search)
    with execute(control_plan, executor=executor, observe=observe) as (control, ending):
        publish(control)
    if ending in ("finished", "exhausted"):
        plan = plan_confirmation(config, search, control, control_plan.data)
        with execute(plan, fresh=fresh, executor=executor, observe=observe) as (run, ending):
            publish(run)
    search.refresh()
    publish(search)
    return ending


def confirm(
    run_dir: Annotated[Path, Argument(help="The run directory of a search.")],
    seeds: Annotated[
        str | None,
        flag(
            "Fresh seeds for each contender; six are the least for a verdict on one comparison, "
            "seven on three at once, eight on four to six [default: 8]",
            DESIGN,
        ),
    ] = None,
    top: Annotated[
        str | None, flag("Members of the front that are retrained [default: 3]", DESIGN)
    ] = None,
    rates: Annotated[
        str | None,
        flag("Learning rates tried for the mirror, the reference and presets [default: 4]", DESIGN),
    ] = None,
    margin: Annotated[
        str | None,
        flag("Relative difference that does not matter [default: 0.01]", DESIGN),
    ] = None,
    presets: Annotated[
        str | None,
        flag(
            "Published designs sized to the budget as contenders besides, comma-separated, or all "
            "that the data allow: dac, dc-ae, linear-decoder, mae, scvi, sd-vae, taesd, vitok "
            "[default: none]",
            DESIGN,
        ),
    ] = None,
    timeout: cli.Timeout = None,
    workers: Annotated[
        str | None, flag("Local processes [default: as in the search]", MACHINE)
    ] = None,
    device: Annotated[
        str | None, flag("auto, cpu or cuda [default: as in the search]", MACHINE)
    ] = None,
    fresh: Annotated[
        bool, flag("Confirm anew; the symmetric search is kept [default: off]", MACHINE, "--fresh")
    ] = False,
    dry_run: cli.DryRun = False,
    as_json: cli.Json = False,
) -> None:
    """Retrain the best and its symmetric controls, and score them once on the test split.

    The contenders: the front's best; the best of an equally long symmetric search, which is run
    first if it is not there yet; the mirror of the best at the same total; and the reference
    network scaled to the budget. They are compared in pairs by seed.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad settings; 130 interrupted, with
    everything finished saved.
    """
    values = cli.given(locals())
    guarded(lambda: _main(values))


def _main(given: dict[str, Any]) -> int:
    from asymnas.core.config import ConfirmationConfig
    from asymnas.reporting.console import (
        exit_code,
        make_console,
        print_confirmation,
        print_confirmation_plan,
    )
    from asymnas.reporting.progress import display
    from asymnas.runs.confirmation import open_search, plan_control
    from asymnas.runs.directory import CONFIRMATION

    values = cli.parsed(given)
    if "margin" in values:
        values["margin"] = cli.numbers("margin", values["margin"])[0]
    console = make_console(stderr="as_json" in given)
    config = ConfirmationConfig(**{**values, "run_dir": str(values["run_dir"])})
    search = open_search(config)
    control = plan_control(config, search)
    print_confirmation_plan(console, config, search, control)
    if "dry_run" in given:
        return 0
    with display(console) as observe:
        ending = _confirm(config, search, control, fresh="fresh" in given, observe=observe)
    print_confirmation(console, search, ending)
    path = search.directory / CONFIRMATION
    if "as_json" in given and path.is_file():
        print(path.read_text(), end="")
    return exit_code(ending, done=path.is_file())


if __name__ == "__main__":
    serve(confirm)
