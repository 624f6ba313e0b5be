"""python -m asymnas.confirm: the best against its controls, fresh seeds, the test split."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from asymnas.core.cli import OK, DryRun, Given, Json, serve, takes
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.declarations import make

Fresh = Annotated[
    bool,
    Parameter(
        help="Confirm anew; searches that are there are kept", negative="", show_default="off"
    ),
]

DONE = ("finished", "exhausted", "patience")  # ways for a search to end with all its trials

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from asymnas.reporting.publish import Published
    from asymnas.runs.plan import SearchPlan
    from asymnas.runs.run import Run
    from asymnas.runs.snapshot import Ending, Snapshot


def run_confirmation(
    config: ConfirmationConfig,
    *,
    fresh: bool = False,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None] | None" = None,
) -> "Run":
    """Confirms a search, or continues to, and writes the results into its directory.

    Args:
        config: Which search, how many seeds.
        fresh: Confirm anew; searches that are there are kept.
        executor: Where to train; by default local processes.
        observe: Called with a snapshot as the run goes on; by default a notebook's cell shows how
            far it is, and a script shows nothing.

    Raises:
        AsymnasError: No finished search, or a confirmation of another one is in the way.
    """
    from asymnas.reporting.progress import in_notebook
    from asymnas.runs.confirmation_plan import open_search, plan_control

    search = open_search(config)
    control, seen = plan_control(config, search), observe or in_notebook()
    _confirm(config, search, control, fresh=fresh, executor=executor, observe=seen)
    return search


def _confirm(
    config: ConfirmationConfig,
    search: "Run",
    control_plan: "SearchPlan",
    *,
    fresh: bool,
    executor: "Executor | None" = None,
    observe: "Callable[[Snapshot], None]",
) -> "tuple[Published, Ending]":
    """The searches that are not there yet, then the confirmation; each publishes its own results.

    Returns:
        The results of the search that is confirmed, and how the last run ended.
    """
    from asymnas.reporting.publish import publish
    from asymnas.runs.confirmation_plan import (
        check_same_front,
        plan_confirmation,
        plan_control,
        plan_repeat,
    )
    from asymnas.runs.execute import execute

    data = control_plan.data

    def searched(plan: "SearchPlan") -> "tuple[Run, Ending]":
        with execute(plan, executor=executor, observe=observe) as (run, ending):
            publish(run)
        return run, ending

    if not fresh:
        check_same_front(config, search)
    control, ending = searched(control_plan)
    repeats = []
    for number in range(1, config.searches):
        if ending in DONE:
            free, ending = searched(plan_repeat(config, search, number, data))
        if ending in DONE:
            symmetric, ending = searched(plan_control(config, free, data))
        if ending in DONE:
            repeats.append((free, symmetric))
    if ending in DONE:
        plan = plan_confirmation(config, search, control, repeats, data)
        with execute(plan, fresh=fresh, executor=executor, observe=observe) as (run, ending):
            publish(run)
    search.refresh()
    return publish(search), ending


@takes(ConfirmationConfig)
def confirm(
    *, fresh: Fresh = False, dry_run: DryRun = False, as_json: Json = False, **given: Given
) -> int:
    """Retrain the best and its symmetric controls, and score them once on the test split.

    First it runs what is not there yet of three pairs of searches (--searches): free and symmetric,
    equally long, on the same splits. Their best networks are retrained; whether symmetry costs
    anything is inferred from the pairs. Besides, for the networks at hand: the best against the
    symmetric one, its mirror at the same total, and the reference network scaled to the budget.
    Stop it with Ctrl-C at any time: the same command continues it.

    Exit codes: 0 done; 1 failed: data, device or run; 2 bad arguments; 130 interrupted, with
    everything finished saved.
    """
    config = make(ConfirmationConfig, given)
    from asymnas.reporting.confirmation_console import print_confirmation, print_confirmation_plan
    from asymnas.reporting.console import exit_code, make_console
    from asymnas.reporting.progress import display
    from asymnas.runs.confirmation_plan import open_search, plan_control

    console = make_console(stderr=as_json)
    search = open_search(config)
    control = plan_control(config, search)
    print_confirmation_plan(console, config, search, control)
    if dry_run:
        return OK
    with display(console) as observe:
        published, ending = _confirm(config, search, control, fresh=fresh, observe=observe)
    print_confirmation(console, published, ending)
    confirmation = published.confirmation
    if as_json and confirmation is not None:
        print(json.dumps(confirmation, indent=2))
    return exit_code(ending, done=confirmation is not None)


if __name__ == "__main__":
    serve(confirm)
