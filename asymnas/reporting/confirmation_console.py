"""What `asymnas.confirm` prints of its plan and its result."""

from rich.console import Console

from asymnas.analysis.comparison import LEAST_SEARCHES, least_pairs
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.files import from_here
from asymnas.core.text import plural
from asymnas.networks.architecture import unsupported_reason
from asymnas.networks.presets import PRESETS
from asymnas.reporting.console import print_ending, print_left_out, print_places, print_rows
from asymnas.reporting.publish import Published
from asymnas.reporting.tables import contender_rows, search_rows
from asymnas.runs.contenders import named_presets
from asymnas.runs.directory import CONFIRMATION
from asymnas.runs.plan import SearchPlan
from asymnas.runs.run import Run
from asymnas.runs.snapshot import Ending
from asymnas.runs.sweep_plan import EXPECTED

CONTROLS = 3  # the symmetric search's best, the mirror, the reference


def print_confirmation_plan(
    console: Console, wanted: ConfirmationConfig, search: Run, plan: SearchPlan
) -> None:
    """Prints what a confirmation is about to do and what it costs at most.

    Args:
        console: Where to print.
        wanted: What was asked for.
        search: The search that is confirmed.
        plan: Of the symmetric search.
    """
    control = plan.config
    top = min(wanted.top, len(search.front))
    presets = _possible(wanted, plan)
    controls = CONTROLS + len(presets)
    more = wanted.searches - 1
    tuned = (2 + len(presets)) * (wanted.rates + EXPECTED) if wanted.rates > 1 else 0
    runs = (top + controls + 2 * more) * wanted.seeds + tuned
    examples = control.examples or 0
    name = search.study.config["name"]
    others = f", and {plural(more, 'further pair')} of a free and a symmetric one" if more else ""
    lines = (
        f"{name}: first a symmetric search of {plural(control.trials, 'trial')}{others}, as far as",
        f"they are not there; then the best of each search, the {top} best of this one's front,",
        "the mirror of the best and, for images, the reference network,",
        *(
            (f"besides {plural(len(presets), 'preset')} ({', '.join(presets)}),",)
            if presets
            else ()
        ),
        f"each trained with {plural(wanted.seeds, 'fresh seed')} and scored on the test split.",
        f"About {plural(runs, 'run')} of {examples:,} examples besides the searches.",
    )
    console.print(" ".join(lines))
    if wanted.searches < LEAST_SEARCHES:
        console.print(
            f"With {plural(wanted.searches, 'pair')} of searches, what symmetry costs is known of "
            f"the networks found alone: it takes --searches {LEAST_SEARCHES}.",
            style="yellow",
        )
    least = least_pairs(controls)
    if wanted.seeds < least:
        console.print(
            f"With {plural(wanted.seeds, 'seed')}, {plural(controls, 'comparison')} at once cannot "
            f"reach p < .05, whatever they show: it takes at least {least}.",
            style="yellow",
        )


def _possible(wanted: ConfirmationConfig, plan: SearchPlan) -> list[str]:
    """The presets whose family can serve the search's data and kind."""
    space = plan.space
    families = {name: PRESETS.get(name).family for name in named_presets(wanted.presets)}
    return [
        name
        for name, family in families.items()
        if unsupported_reason(family, family, space.problem, space.kind) is None
    ]


def print_confirmation(console: Console, published: Published, ending: Ending) -> None:
    """Prints a confirmation's result: the contenders' test losses and the verdict."""
    run, confirmed = published.findings.run, published.findings.confirmed
    console.print()
    print_ending(console, ending)
    places = {"report": str(from_here(published.report))}
    if confirmed is not None:
        objectives = [objective.name for objective in run.objectives]
        print_rows(console, contender_rows(confirmed.contenders, objectives))
        if confirmed.searches:
            print_rows(console, search_rows(confirmed.searches))
        for sentence in confirmed.verdict:
            console.print(sentence)
        for name, why in confirmed.missing.items():
            console.print(f"There is no {name}: {why}.")
        places["scores"] = str(from_here(run.directory / CONFIRMATION))
    print_left_out(console, published.summary)
    print_places(console, places)
