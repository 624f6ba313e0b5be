"""What a command says when it is done: the plan it would follow, the result it came to."""

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from asymnas.analysis.comparison import least_pairs
from asymnas.analysis.estimates import Contender
from asymnas.analysis.laws.optimum import LEAST_ARCHITECTURES
from asymnas.core import columns as t
from asymnas.core.config import ConfirmationConfig, StudyConfig
from asymnas.core.text import MISSING, change, duration, percent, plural, short, tenths
from asymnas.networks.architecture import refusal
from asymnas.networks.presets import PRESETS
from asymnas.reporting.findings import confirmed
from asymnas.runs.confirmation import named_presets
from asymnas.runs.coordinator import Ending
from asymnas.runs.directory import CONFIRMATION, REPORT, SWEEP_DIR
from asymnas.runs.plan import SearchPlan
from asymnas.runs.run import PROBLEM_SETTINGS, Run
from asymnas.runs.sweep import SweepPlan
from asymnas.training.rung import rung_steps

MOST_ROWS = 12
SAMPLE = 32  # random candidates that a plan's cost is estimated from
SAVED = "everything finished is saved; the same command without --fresh goes on from here."
ENDINGS: dict[Ending, str] = {
    "interrupted": f"Interrupted: {SAVED}",
    "timeout": f"The time is up: {SAVED}",
    "exhausted": "The space holds hardly any architecture that is not trained yet: stopped early.",
}


def make_console(*, stderr: bool) -> Console:
    """Wraps words on a terminal; elsewhere a sentence stays on its line."""
    on_terminal = Console(stderr=stderr).is_terminal
    return Console(stderr=stderr, soft_wrap=not on_terminal, highlight=False, markup=False)


def print_plan(console: Console, plan: SearchPlan, *, full: bool) -> None:
    """Prints what a run is about to do; in full with the space, the rungs and the cost."""
    config = plan.config
    workers = plural(config.workers or 1, "worker")
    console.print(
        f"{config.name}: {config.family} autoencoders ({config.kind}) of {config.dataset} "
        f"({plan.n_train:,} training examples), at most {config.budget:,} parameters, "
        f"latent {config.latent}; {plural(config.trials, 'trial')} of up to "
        f"{config.examples or 0:,} examples on {workers}.",
    )
    for note in plan.notes:
        console.print(f"Data: {note}")
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
    rungs = [
        steps * config.batch_size for steps in rung_steps(config.examples or 0, config.batch_size)
    ]
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, values in plan.space.choices().items():
        table.add_row(name, ", ".join(str(value) for value in values))
    for side in ("encoder",) if config.symmetric else ("encoder", "decoder"):
        table.add_row(f"{side}_width", "0 to 1: from the narrowest to the widest that fits")
    table.add_row("learning_rate", "{:g} to {:g}, log scale".format(*config.learning_rates))
    console.print("Search space", style="bold")
    console.print(table, soft_wrap=False)
    draws = [plan.space.sample(seed).architecture.counts for seed in range(SAMPLE)]
    macs = sum(counts.total_macs for counts in draws) / SAMPLE
    params = sorted(counts.total_params for counts in draws)
    most = config.trials * (config.examples or 0)
    console.print("Cost", style="bold")
    console.print(
        f"Rungs at {', '.join(f'{rung:,}' for rung in rungs)} examples; pruner {config.pruner}, "
        f"sampler {config.sampler}.\n"
        f"{SAMPLE} random candidates: {params[0]:,} to {params[-1]:,} parameters, on average "
        f"{short(macs)} MACs an example.\n"
        f"At most {most:,} training examples, about {short(3 * macs * most)} MACs forward and back "
        "if nothing is pruned.\n"
        f"Results would go to {relative(Path(config.run_dir))}. Nothing was trained.",
    )


def print_summary(console: Console, run: Run, summary: Mapping[str, Any], ending: Ending) -> None:
    """Prints a run's result: the front, where the share lands, where everything is."""
    console.print()
    print_ending(console, ending)
    if summary["front"]:
        console.print(_front(summary), soft_wrap=False)
        console.print()
    for sentence in summary["verdict"]:
        console.print(sentence)
    console.print(trials_line(summary))
    if told := presets_line(run):
        console.print(told)
    shown = relative(run.directory)
    places = {
        "report": f"{shown / 'report.html'}",
        "dashboard": f"python -m asymnas.dashboard {shown}",
        "best weights": f"{shown / 'best' / 'weights.safetensors'}",
        "in Python": f'asymnas.find_best_architecture("{shown}").load()',
        "best share": _sweep_command(run.study.config, shown),
        "confirm": f"python -m asymnas.confirm {shown}",
    }
    if not summary["best"]:
        places = {name: places[name] for name in ("report", "dashboard")}
    print_places(console, places)


def _sweep_command(config: Mapping[str, Any], shown: Path) -> str:
    """What infers the best share of the same problem, beside the run."""
    usual = StudyConfig().to_dict()
    flags = {
        f"--{name.replace('_', '-')}": config[name]
        for name in ("data_root", *PROBLEM_SETTINGS)
        if config[name] != usual[name]
    }
    budgets = ",".join(short(config["budget"] // part).lower() for part in (4, 2, 1))
    flags |= {"--budgets": budgets, "--run-dir": shown / SWEEP_DIR}
    words = (f"{name} {shlex.quote(str(value))}" for name, value in flags.items())
    return f"python -m asymnas.sweep {' '.join(words)}"


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


def _front(summary: Mapping[str, Any]) -> Table:
    objectives = summary["objectives"]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    own = [name for name in objectives if name != t.TOTAL_PARAMS]
    for name in ("trial", *own, "parameters", "encoder", "decoder", "decoder share", "MACs"):
        table.add_column(name, justify="right")
    members = summary["front"]
    presets = any(t.PRESET in entry for entry in members)
    if presets:
        table.add_column("preset")
    for place, entry in enumerate(members[:MOST_ROWS]):
        total = entry[t.ENCODER_PARAMS] + entry[t.DECODER_PARAMS] + entry[t.SHARED_PARAMS]
        values = [_number(name, entry["values"][name]) for name in own]
        table.add_row(
            str(entry["trial"]),
            *values,
            f"{total:,}",
            f"{entry[t.ENCODER_PARAMS]:,}",
            f"{entry[t.DECODER_PARAMS]:,}",
            percent(entry[t.DECODER_SHARE]),
            short(entry[t.ENCODER_MACS] + entry[t.DECODER_MACS]),
            *([entry.get(t.PRESET, "")] if presets else []),
            style="bold" if place == 0 else None,
        )
    if len(members) > MOST_ROWS:
        table.add_row("…", *[""] * (len(own) + 5))
        table.caption = f"{len(members) - MOST_ROWS} more in the report"
    return table


def _number(name: str, value: float) -> str:
    return f"{int(value):,}" if name in t.COUNT_COLUMNS else f"{value:.5g}"


def trials_line(summary: Mapping[str, Any]) -> str:
    """How many trials ended how, and what they cost, in a line."""
    trials = summary["trials"]
    parts = [f"{trials[state]} {state}" for state in ("complete", "pruned", "failed")]
    parts += [f"{trials[s]} {s}" for s in ("duplicate", "unfinished") if trials[s]]
    seen = f"{summary['examples_seen']:,} training examples in {duration(summary['wall_seconds'])}"
    return f"Trials: {', '.join(parts)}. {seen}."


def presets_line(run: Run) -> str:
    """What became of the presets that the run began with; empty if there are none."""
    table = run.table
    if t.PRESET not in table or not table[t.PRESET].notna().any():
        return ""
    members = set(run.front[t.TRIAL])
    told = []
    for _, row in table[table[t.PRESET].notna()].iterrows():
        ending = f"{row[t.STATE]}, val_loss {row[t.VAL_LOSS]:.5g}"
        if pd.notna(row[t.DUPLICATE_OF]):
            ending = f"the very architecture of trial {row[t.DUPLICATE_OF]}"
        elif pd.isna(row[t.VAL_LOSS]):
            ending = str(row[t.STATE])
        elif row[t.TRIAL] in members:
            ending += ", on the front"
        told.append(f"{row[t.PRESET]} (trial {row[t.TRIAL]}): {ending}")
    return f"Presets: {'; '.join(told)}."


def relative(directory: Path) -> Path:
    """The directory as a person in the working directory would call it."""
    try:
        return directory.relative_to(Path.cwd())
    except ValueError:
        return directory


CONTROLS = 3  # the symmetric search's best, the mirror, the reference


def print_sweep_plan(console: Console, plan: SweepPlan, *, full: bool) -> None:
    """Prints what a sweep is about to do and what it costs; in full with rates and sizes."""
    sweep, config = plan.sweep, plan.config
    examples = config.examples or 0
    grid = sweep.share_grid()
    console.print(
        f"{config.name}: {config.family} autoencoders ({config.kind}) of {config.dataset} "
        f"({plan.n_train:,} training examples), latent {config.latent}. "
        f"{plural(len(sweep.budgets), 'budget')} ({', '.join(map(short, sweep.budgets))}) x "
        f"{plural(len(grid), 'decoder share')} ({percent(grid[0])} to {percent(grid[-1])}) x "
        f"{plural(sweep.architectures, 'architecture')} x {plural(sweep.seeds, 'seed')}: "
        f"{plural(plan.runs, 'run')} of {examples:,} examples{_before(plan)}, on "
        f"{plural(config.workers or 1, 'worker')}.",
    )
    for note in plan.notes:
        console.print(f"Data: {note}")
    if full:
        _print_cost(console, plan)


def _kept(screen: int) -> str:
    return f", of which one in {screen} is kept" if screen > 1 else ""


def _before(plan: SweepPlan) -> str:
    """The short runs that come first, in words."""
    short = plan.screening_runs + plan.tuning_runs
    if not short:
        return ""
    return (
        f", after {plural(short, 'short run')} of {plan.short_examples:,} that choose "
        "structures and learning rates"
    )


def _print_cost(console: Console, plan: SweepPlan) -> None:
    config, sweep = plan.config, plan.sweep
    counts = [cell.architecture.counts for cell in plan.cells]
    filled = [c.total_params / cell.budget for c, cell in zip(counts, plan.cells, strict=True)]
    off = max(abs(c.decoder_share - cell.share) for c, cell in zip(counts, plan.cells, strict=True))
    seen = plan.examples
    macs = sum(c.total_macs for c in counts) / len(counts)
    part = (seen - plan.runs * (config.examples or 0)) / seen
    rates = ", ".join(f"{rate:.2g}" for rate in plan.rates)
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
    for name in (*names, "even split costs", "95 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in entries:
        cost = entry["cost_of_even_split"]
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
    runs = (top + controls) * wanted.seeds + (2 + len(presets)) * wanted.rates
    examples = control.examples or 0
    name = search.study.config["name"]
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


def _possible(wanted: ConfirmationConfig, plan: SearchPlan) -> list[str]:
    """The presets whose family can serve the search's data and kind."""
    space = plan.space
    families = {name: PRESETS.get(name).family for name in named_presets(wanted.presets)}
    return [n for n, f in families.items() if refusal(f, space.problem, space.kind) is None]


def print_confirmation(console: Console, run: Run, ending: Ending) -> None:
    """Prints what a confirmation came to."""
    console.print()
    print_ending(console, ending)
    if run.confirmation is not None:
        result = confirmed(run.confirmation)
        console.print(_contenders(result.contenders), soft_wrap=False)
        console.print()
        for sentence in result.verdict:
            console.print(sentence)
        for name, why in result.missing.items():
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
