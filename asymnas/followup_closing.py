"""What a sweep and a confirmation say before and after."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from rich.console import Console
from rich.table import Table

from asymnas.analysis.cautions import LEAST_ARCHITECTURES
from asymnas.analysis.estimates import Contender
from asymnas.analysis.multiplicity import least_pairs
from asymnas.architecture import refusal
from asymnas.closing import print_ending, print_places, relative, trials_line
from asymnas.confirmations import ConfirmationPlan
from asymnas.coordinator import Ending
from asymnas.figures.wording import MISSING, change
from asymnas.finder import Run
from asymnas.presets import PRESETS
from asymnas.results.confirmed import confirmed
from asymnas.results.records import Record, gather
from asymnas.rundir import CONFIRMATION, REPORT
from asymnas.sweeps import SweepPlan
from asymnas.wording import percent, plural, short, tenths

CONTROLS = 3  # the symmetric search's best, the mirror, the reference


def print_sweep_plan(console: Console, settled: SweepPlan, *, full: bool) -> None:
    """Prints what a sweep is about to do and what it costs; in full with rates and sizes."""
    sweep, config = settled.sweep, settled.plan.config
    examples = config.examples or 0
    grid = sweep.share_grid()
    console.print(
        f"{config.name}: {config.family} autoencoders ({config.kind}) of {config.dataset} "
        f"({settled.plan.n_train:,} training examples), latent {config.latent}. "
        f"{plural(len(sweep.budgets), 'budget')} ({', '.join(map(short, sweep.budgets))}) x "
        f"{plural(len(grid), 'decoder share')} ({percent(grid[0])} to {percent(grid[-1])}) x "
        f"{plural(sweep.architectures, 'architecture')} x {plural(sweep.seeds, 'seed')}: "
        f"{plural(settled.runs, 'run')} of {examples:,} examples{_before(settled)}, on "
        f"{plural(config.workers or 1, 'worker')}.",
    )
    for note in settled.plan.notes:
        console.print(f"Data: {note}")
    if full:
        _print_cost(console, settled)


def _kept(screen: int) -> str:
    return f", of which one in {screen} is kept" if screen > 1 else ""


def _before(settled: SweepPlan) -> str:
    """The short runs that come first, in words."""
    short = settled.screening_runs + settled.tuning_runs
    if not short:
        return ""
    return (
        f", after {plural(short, 'short run')} of {settled.short_examples:,} that choose "
        "structures and learning rates"
    )


def _print_cost(console: Console, settled: SweepPlan) -> None:
    config, sweep = settled.plan.config, settled.sweep
    counts = [cell.architecture.counts for cell in settled.cells]
    filled = [c.total_params / cell.budget for c, cell in zip(counts, settled.cells, strict=True)]
    off = max(
        abs(c.decoder_share - cell.share) for c, cell in zip(counts, settled.cells, strict=True)
    )
    seen = settled.examples
    macs = sum(c.total_macs for c in counts) / len(counts)
    part = (seen - settled.runs * (config.examples or 0)) / seen
    rates = ", ".join(f"{rate:.2g}" for rate in settled.rates)
    console.print("Design", style="bold")
    console.print(
        f"{plural(len(counts), 'architecture')}{_kept(sweep.screen)}; each at "
        f"{100 * min(filled):.1f} to {100 * max(filled):.1f} % of its budget and at most "
        f"{100 * off:.1f} points off its share; learning rates {rates}."
    )
    console.print("Cost", style="bold")
    console.print(
        f"{seen:,} training examples ({percent(part)} of them in short runs), about "
        f"{short(3 * macs * seen)} MACs forward and back.\n"
        f"Results would go to {relative(Path(config.run_dir))}. Nothing was trained."
    )
    if sweep.architectures * len(sweep.share_grid()) < LEAST_ARCHITECTURES:
        console.print(
            f"So few architectures give no interval: {LEAST_ARCHITECTURES} a budget are the least."
        )


def print_sweep_summary(
    console: Console, summary: Mapping[str, Any], directory: Path, ending: Ending
) -> None:
    """Prints what a sweep came to."""
    console.print()
    print_ending(console, ending)
    if summary["decoder_share"]:
        console.print(_shares(summary["decoder_share"]), soft_wrap=False)
        console.print()
    for sentence in [
        *summary["verdict"],
        *(summary["cautions"] if summary["decoder_share"] else ()),
    ]:
        console.print(sentence)
    console.print(trials_line(summary))
    shown = relative(directory)
    places = {
        "report": f"{shown / REPORT}",
        "dashboard": f"python -m asymnas.dashboard {shown}",
    }
    print_places(console, places)


def _shares(entries: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    tolerance = entries[0]["within"]["tolerance"]
    names = ("parameters", "best share", "95 %", f"within {100 * tolerance:g} %")
    for name in (*names, "symmetry costs", "95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in entries:
        cost = entry["cost_of_symmetry"]
        table.add_row(
            f"{entry['budget']:,}",
            MISSING if entry["estimate"] is None else f"{entry['estimate']:.2f}",
            _share_span(entry),
            _share_span(entry["within"]),
            MISSING if cost["estimate"] is None else change(cost["estimate"], sign=False),
            _cost_span(cost),
        )
    return table


def _share_span(entry: Mapping[str, Any]) -> str:
    if entry["low"] is None or entry["high"] is None:
        return MISSING
    return f"{entry['low']:.2f}\N{EN DASH}{entry['high']:.2f}"


def _cost_span(entry: Mapping[str, Any]) -> str:
    if entry["low"] is None or entry["high"] is None:
        return MISSING
    return f"{tenths(entry['low'])} to {tenths(entry['high'])} %"


def print_confirmation_plan(console: Console, settled: ConfirmationPlan) -> None:
    """Prints what a confirmation is about to do and what it costs at most."""
    wanted, control = settled.wanted, settled.control.config
    top = min(wanted.top, len(settled.search.front))
    presets = _possible(settled)
    controls = CONTROLS + len(presets)
    runs = (top + controls) * wanted.seeds + (2 + len(presets)) * len(settled.rates)
    examples = control.examples or 0
    name = settled.search.study.config["name"]
    lines = (
        f"{name}: first a symmetric search of {plural(control.trials, 'trial')}, unless it is",
        f"there; then the {top} best of the front, the best symmetric one, the mirror of the best",
        "and, for images, the reference network,",
        *(
            (f"besides {plural(len(presets), 'preset')} ({', '.join(presets)}),",)
            if presets
            else ()
        ),
        f"each trained with {plural(wanted.seeds, 'fresh seed')} and scored on the test split.",
        f"At most {plural(runs, 'run')} of {examples:,} examples besides the symmetric search.",
    )
    console.print(" ".join(lines))
    least = least_pairs(controls)
    if wanted.seeds < least:
        console.print(
            f"With {plural(wanted.seeds, 'seed')}, {plural(controls, 'comparison')} at once cannot "
            f"reach p < .05, whatever they show: {least} are the least.",
            style="yellow",
        )


def _possible(settled: ConfirmationPlan) -> list[str]:
    """The presets whose family can serve the search's data and kind."""
    space = settled.control.space
    families = {name: PRESETS.get(name).family for name in settled.presets}
    return [n for n, f in families.items() if refusal(f, space.problem, space.kind) is None]


def print_confirmation(console: Console, run: Run, ending: Ending) -> None:
    """Prints what a confirmation came to."""
    console.print()
    print_ending(console, ending)
    record: Record | None = gather(run.study, run.directory).confirmation
    if record is not None:
        found = confirmed(record)
        console.print(_contenders(found.contenders), soft_wrap=False)
        console.print()
        for sentence in found.verdict:
            console.print(sentence)
        for name, why in found.missing.items():
            console.print(f"There is no {name}: {why}.")
    shown = relative(run.directory)
    print_places(console, {"report": f"{shown / REPORT}", "scores": f"{shown / CONFIRMATION}"})


def _contenders(contenders: Sequence[Contender]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("contender", "test loss ± sd", "decoder share", "parameters", "MACs", "seeds"):
        table.add_column(name, justify="left" if name == "contender" else "right", no_wrap=True)
    means = [mean(c.scores.values()) if c.scores else math.inf for c in contenders]
    for contender, score in zip(contenders, means, strict=True):
        losses = list(contender.scores.values())
        spread = f" ± {stdev(losses):.2g}" if len(losses) > 1 else ""
        table.add_row(
            contender.name,
            f"{score:.4g}{spread}" if losses else "\N{EN DASH}",
            percent(contender.decoder_share),
            f"{contender.params:,}",
            short(contender.macs),
            str(len(losses)),
            style="bold" if score == min(means) else None,
        )
    return table
