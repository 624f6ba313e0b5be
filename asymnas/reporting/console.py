"""What a command prints: the plan it will follow, the result, and what to run next."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from rich.console import Console
from rich.table import Table

from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.files import from_here
from asymnas.core.labels import label, value
from asymnas.core.tables import Rows
from asymnas.core.terminal import Terminal
from asymnas.core.text import change, duration, joined, plural, short
from asymnas.runs.directory import SWEEP_DIR
from asymnas.runs.front_table import front_rows
from asymnas.runs.likeness import PROBLEM_SETTINGS
from asymnas.runs.plan import SearchPlan
from asymnas.runs.run import Run
from asymnas.runs.snapshot import Ending
from asymnas.space.filling import MOST_RATIO, RATE_RATIO, RATE_RATIOS, SIZE_RATIO
from asymnas.training.rung import rung_steps

if (
    TYPE_CHECKING
):  # what is published is analysed, which imports much that a start need not wait for
    from asymnas.reporting.publish import Published

MOST_ROWS = 12
LOG_WIDTH = 200  # characters to a line where there is no terminal
#: Settings of a search that its sweep shares and has flags for.
SWEEP_SETTINGS = (
    "data_root",
    "download",
    *PROBLEM_SETTINGS,
    "space",
    "examples",
    "batch_size",
    "learning_rates",
    "seed",
    "split_seed",
    "precision",
    "device",
    "executor",
    "gpus_per_trial",
)
SAMPLE = 32  # random candidates that a plan's cost is estimated from
SAVED = "everything finished is saved; the same command without --fresh goes on from here."
ENDINGS: dict[Ending, str] = {
    "interrupted": f"Interrupted: {SAVED}",
    "timeout": f"The time is up: {SAVED}",
    "patience": "The last trials gained less than 1 %: ended by --patience.",
    "exhausted": "The space holds hardly any architecture that is not trained yet: stopped early.",
}


def make_console(*, stderr: bool) -> Console:
    """Wraps words on a terminal; elsewhere a sentence stays on its line."""
    on_terminal = Console(stderr=stderr).is_terminal
    return Terminal(
        stderr=stderr, width=None if on_terminal else LOG_WIDTH, soft_wrap=not on_terminal
    )


def print_plan(console: Console, plan: SearchPlan, *, full: bool) -> None:
    """Prints what a run is about to do; in full with the space, the rungs and the cost."""
    config = plan.config
    workers = plural(config.workers or 1, "worker")
    console.print(
        f"{config.name}: {plan.space.family} autoencoders ({config.kind}) of {config.dataset} "
        f"({plan.n_train:,} training examples), at most {config.budget:,} parameters, "
        f"latent {config.latent}; {plural(config.trials, 'trial')} of up to "
        f"{config.examples or 0:,} examples on {workers}.",
    )
    for note in plan.notes:
        console.print(f"Data: {note}")
    if plan.ladder is not None:
        *smaller, whole = [f"{budget:,}" for budget in plan.ladder.budgets]
        rest = f"; the others fill {' or '.join(smaller)}" if smaller else ""
        console.print(
            f"{'Half of the' if smaller else 'All'} candidates fill {whole} parameters{rest}."
        )
        if plan.ladder.between:
            sizes = sorted(size.space.budget.total_params for size in plan.ladder.between)
            listed = joined([f"{size:,}" for size in sizes], "or")
            console.print(f"One in ten repeats the best so far at another size: {listed}.")
    for why in plan.ladder.left_out.values() if plan.ladder is not None else ():
        console.print(f"  left out: {why}")
    if plan.queue.presets:
        console.print("The first trials are presets:")
    for preset in plan.queue.presets:
        console.print(f"  {preset}")
    for why in plan.queue.left_out.values():
        console.print(f"  left out: {why}")
    if full:
        _print_details(console, plan)


def _print_details(console: Console, plan: SearchPlan) -> None:
    config = plan.config
    pruned = config.pruner != "none"
    steps = rung_steps(config.examples or 0, config.batch_size, pruned=pruned)
    rungs = [step * config.batch_size for step in steps]
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, values in plan.space.choices().items():
        table.add_row(name, ", ".join(str(value) for value in values))
    for name, scale in _continuous(plan).items():
        table.add_row(name, scale)
    console.print("Search space", style="bold")
    console.print(table, soft_wrap=False)
    draws = [plan.sample(seed).architecture.counts for seed in range(SAMPLE)]
    macs = sum(counts.total_macs for counts in draws) / SAMPLE
    params = sorted(counts.total_params for counts in draws)
    most = config.trials * (config.examples or 0)
    console.print("Cost", style="bold")
    console.print(
        f"Rungs at {', '.join(f'{rung:,}' for rung in rungs)} examples; pruner {config.pruner}, "
        f"sampler {config.sampler}.\n"
        f"{SAMPLE} random candidates: {params[0]:,} to {params[-1]:,} parameters, on average "
        f"{short(macs)} MACs per example.\n"
        f"At most {most:,} training examples, about {short(3 * macs * most)} MACs forward and back "
        "if nothing is pruned.\n"
        f"Results would go to {from_here(Path(config.run_dir))}. Nothing was trained.",
    )


def _continuous(plan: SearchPlan) -> dict[str, str]:
    """What is drawn on a scale, by name, with its range in words."""
    config, sides = plan.config, ("encoder",) if plan.config.symmetric else ("encoder", "decoder")
    rates = {"learning_rate": "{:g} to {:g}, log scale".format(*config.rates())}
    if plan.ladder is None:
        width = "0 to 1: from the narrowest to the widest that fits"
        return {**{f"{side}_width": width for side in sides}, **rates}
    ratio = f"{1 / MOST_RATIO:.2g} to {MOST_RATIO:g}, log scale: decoder over encoder parameters"
    rate_ratio = "{:g} to {:g}, log scale: decoder over encoder rate".format(*RATE_RATIOS)
    return {**({} if config.symmetric else {SIZE_RATIO: ratio}), **rates, RATE_RATIO: rate_ratio}


def print_summary(console: Console, published: "Published", ending: Ending) -> None:
    """Prints a search's result: the front, the verdict, where everything is, what to run next."""
    run, summary = published.findings.run, published.summary
    console.print()
    print_ending(console, ending)
    if summary["best"]:
        print_front(console, run)
    for sentence in (
        *summary["verdict"],
        trials_line(summary),
        gain_line(summary),
        presets_line(run),
    ):
        if sentence:
            console.print(sentence)
    print_left_out(console, summary)
    shown = from_here(run.directory)
    quoted = shlex.quote(str(shown))
    places = {
        "report": str(from_here(published.report)),
        "dashboard": f"python -m asymnas.dashboard {quoted}",
    }
    if summary["best"]:
        places |= {
            "best weights": f"{shown / 'best' / 'weights.safetensors'}",
            "in Python": f"asymnas.find_best_architecture({str(shown)!r}).load()",
            "best share": sweep_command(run.config, shown),
            "confirm": f"python -m asymnas.confirm {quoted}",
        }
    print_places(console, places)


def print_front(console: Console, run: Run, most: int | None = MOST_ROWS) -> None:
    """Prints a run's front, which holds a member at least, with what its marks mean."""
    rows = front_rows(run.front, run.objectives, int(run.front[t.TRIAL].iloc[0]))
    print_rows(console, rows, most)
    if rows.caption:
        console.print(rows.caption)


def sweep_command(config: Mapping[str, Any], directory: Path) -> str:
    """The command that infers the best decoder share of a search's problem, beside the search.

    Args:
        config: The search's configuration, as its study holds it.
        directory: The search's run directory, as it is to be printed.
    """
    study, wanted = StudyConfig(budget=config["budget"]), dict(config)
    usual = replace(study, learning_rates=study.rates()).to_dict()
    if config["family"] is not None:  # one name for both sides
        wanted |= {"encoder_family": None, "decoder_family": None}
    options = {
        f"--{name.replace('_', '-')}": wanted[name]
        for name in ("family", *SWEEP_SETTINGS)
        if wanted.get(name) is not None and wanted[name] != usual[name]
    }
    budgets = ",".join(str(config["budget"] // part) for part in (4, 2, 1))
    options |= {"--budgets": budgets, "--run-dir": directory / SWEEP_DIR}
    return " ".join(["python -m asymnas.sweep", *(_flag(*option) for option in options.items())])


def _flag(name: str, value: Any) -> str:
    """An option as it is typed in a shell."""
    if value is True:
        return name
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{name} {shlex.quote(text)}"


def print_ending(console: Console, ending: Ending) -> None:
    """Says why a run ended, unless it is finished."""
    if ending != "finished":
        console.print(ENDINGS[ending], style="yellow")


def exit_code(ending: Ending, *, done: bool) -> int:
    """What a command exits with: 130 interrupted, 1 with nothing to show unless it just paused."""
    if ending == "interrupted":
        return 130
    return 0 if done or ending == "timeout" else 1


def print_places(console: Console, places: Mapping[str, str]) -> None:
    """Prints where to look, and what to run next."""
    console.print()
    for name, place in places.items():
        console.print(f"  {name:<13} {place}")


def print_rows(console: Console, rows: Rows, most: int | None = MOST_ROWS) -> None:
    """Prints a table of the report and an empty line.

    A long table is cut, and on a narrow terminal its last columns are left out: the report has all
    of both.

    Args:
        console: Where to print.
        rows: The table.
        most: Rows to print; `None` for all.
    """
    shown = rows.named()[:most]
    widths = [
        max(len(word) for word in [*column.split(), *(row[place] for row in shown)])
        for place, column in enumerate(rows.columns)
    ]
    fitting = sum(end <= console.width for end in accumulate(width + 1 for width in widths))
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for place, column in enumerate(rows.columns[:fitting]):
        justify: Literal["left", "right"] = "right"
        if place == 0 or place in rows.words:
            justify = "left"
        table.add_column(column, justify=justify, vertical="bottom", width=widths[place])
    for place, row in enumerate(shown):
        table.add_row(*row[:fitting], style="bold" if place == rows.marked else None)
    console.print(table, soft_wrap=False)
    if len(rows.rows) > len(shown):
        console.print(f"… and {len(rows.rows) - len(shown)} more in the report")
    console.print()


def print_left_out(console: Console, summary: Mapping[str, Any]) -> None:
    """Prints what could not be shown or compared."""
    for sentence in summary["left_out"]:
        console.print(sentence, style="yellow")


def trials_line(summary: Mapping[str, Any]) -> str:
    """How many trials ended how, and what they cost, in a line."""
    trials = summary["trials"]
    parts = [f"{trials[state]} {state}" for state in ("complete", "pruned", "failed")]
    parts += [f"{trials[s]} {s}" for s in ("duplicate", "unfinished") if trials[s]]
    if untaught := trials["learned_nothing"]:
        parts[0] += f" ({untaught} of them no better than predicting the mean)"
    seen = f"{summary['examples_seen']:,} training examples in {duration(summary['wall_seconds'])}"
    return f"Trials: {', '.join(parts)}. {seen}."


def gain_line(summary: Mapping[str, Any]) -> str:
    """What the last trials of a search gained; empty where that is not known."""
    last = summary["last_gain"]
    if last is None:
        return ""
    names = summary["objectives"]
    what = (
        f"improved {label(names[0])} at their budgets" if len(names) == 1 else "raised the volume"
    )
    return (
        f"The last {last['trials']} trials {what} by {change(last['relative'], sign=False)} in all."
    )


def presets_line(run: Run) -> str:
    """What became of the presets that the run began with; empty if there are none."""
    table = run.table
    if t.PRESET not in table or not table[t.PRESET].notna().any():
        return ""
    members = set(run.front[t.TRIAL])
    parts = []
    for _, row in table[table[t.PRESET].notna()].iterrows():
        ending = f"{row[t.STATE]}, {label(t.VAL_LOSS)} {value(t.VAL_LOSS, row[t.VAL_LOSS])}"
        if pd.notna(row[t.DUPLICATE_OF]):
            ending = f"the very architecture of trial {row[t.DUPLICATE_OF]}"
        elif pd.isna(row[t.VAL_LOSS]):
            ending = str(row[t.STATE])
        elif row[t.TRIAL] in members:
            ending += ", on the front"
        parts.append(f"{row[t.PRESET]} (trial {row[t.TRIAL]}): {ending}")
    return f"Presets: {'; '.join(parts)}."
