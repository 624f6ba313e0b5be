"""What `asymnas.sweep` prints of its plan and its result."""

import shlex
from pathlib import Path

from rich.console import Console

from asymnas.analysis.blocked.waves import ASSUMED, detectable_cost
from asymnas.core.files import from_here
from asymnas.core.text import percent, plural, short, tenths
from asymnas.reporting.console import (
    print_ending,
    print_left_out,
    print_places,
    print_rows,
    trials_line,
)
from asymnas.reporting.publish import Published
from asymnas.reporting.tables import share_rows
from asymnas.runs.snapshot import Ending
from asymnas.runs.sweep_plan import SweepPlan


def print_sweep_plan(console: Console, plan: SweepPlan, *, full: bool) -> None:
    """Prints what a sweep is about to do and what it costs; in full with rates and sizes."""
    sweep, config = plan.sweep, plan.config
    grid = sweep.share_grid()
    enough = (
        f"until the intervals at 1/3 and 2/3 reach ±{sweep.until:g} in log loss"
        if sweep.until is not None
        else f"{plural(sweep.seeds, 'run')} of each on average"
    )
    console.print(
        f"{config.name}: {plan.space.family} autoencoders ({config.kind}) of {config.dataset} "
        f"({plan.n_train:,} training examples), latent {config.latent}. "
        f"{plural(len(sweep.budgets), 'budget')} ({', '.join(map(short, sweep.budgets))}) x "
        f"{plural(sweep.structures, 'structure')}, each at {plural(len(grid), 'decoder share')} "
        f"({percent(grid[0])} to {percent(grid[-1])}) and mirrored, {enough}, on "
        f"{plural(config.workers or 1, 'worker')}.",
    )
    for note in [*plan.notes, *_left_out_shares(plan)]:
        console.print(f"Data: {note}" if note in plan.notes else note)
    if full:
        _print_cost(console, plan)


def _left_out_shares(plan: SweepPlan) -> list[str]:
    """Budgets that lack some of the shares, in words."""
    grid, sentences = plan.sweep.share_grid(), []
    for budget, blocks in plan.by_budget.items():
        lacking = [share for share in grid if share not in blocks[0].shares]
        if lacking:
            shares = ", ".join(percent(share) for share in lacking)
            sentences.append(
                f"At {budget:,} parameters hardly any structure can have {shares} of them in the "
                "decoder: left out."
            )
    return sentences


def _print_cost(console: Console, plan: SweepPlan) -> None:
    config = plan.config
    cells = [cell for block in plan.blocks for cell in block.cells]
    counts = [cell.architecture.counts for cell in cells]
    filled = [c.total_params / cell.budget for c, cell in zip(counts, cells, strict=True)]
    off = max(abs(c.decoder_share - cell.share) for c, cell in zip(counts, cells, strict=True))
    macs = sum(c.total_macs for c in counts) / len(counts)
    console.print("Design", style="bold")
    console.print(
        f"{plural(len(plan.blocks), 'structure')} drawn; each at {tenths(min(filled))} to "
        f"{tenths(max(filled))} of its budget and at most {100 * off:.1f} points off its share; "
        f"learning rates from {plan.grid.middle:.2g} on, by factors of 2."
    )
    console.print("Cost", style="bold")
    for part in plan.parts:
        about = "" if part.exact else "about "
        console.print(
            f"{part.name}: {about}{plural(part.runs, 'run')}, {part.examples:,} training examples"
        )
    console.print(
        f"In all about {plan.examples:,} training examples, {short(3 * macs * plan.examples)} MACs "
        f"forward and back.\nResults would go to {from_here(Path(config.run_dir))}. "
        "Nothing was trained."
    )
    cost = detectable_cost(ASSUMED, plan.sweep.structures, plan.sweep.seeds)
    if cost is not None:
        console.print(
            f"If structures and seeds vary as on digits, it shows a difference of {percent(cost)} "
            "at 1/3 or 2/3 from an even split with a chance of 80 %."
        )


def print_sweep_summary(console: Console, published: Published, ending: Ending) -> None:
    """Prints a sweep's result: the best shares, the verdict, what cannot be concluded."""
    summary, inferred = published.summary, published.findings.inferred
    console.print()
    print_ending(console, ending)
    for sentence in summary["verdict"]:
        console.print(sentence)
    if inferred is not None and inferred.share.budgets:
        console.print()
        print_rows(console, share_rows(inferred.share))
        for sentence in summary["cautions"]:
            console.print(sentence, style="yellow")
    console.print(trials_line(summary))
    print_left_out(console, summary)
    shown = from_here(published.findings.run.directory)
    places = {
        "report": str(from_here(published.report)),
        "dashboard": f"python -m asymnas.dashboard {shlex.quote(str(shown))}",
    }
    print_places(console, places)
