"""What a command says when it is done: the plan it would follow, the result it came to."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from asymnas import table as t
from asymnas.config import StudyConfig
from asymnas.coordinator import Ending
from asymnas.finder import Run
from asymnas.plan import Plan
from asymnas.progress import duration
from asymnas.results.records import SAME
from asymnas.rundir import SWEEP_DIR
from asymnas.training import rung_steps
from asymnas.wording import percent, plural, short

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


def print_plan(console: Console, plan: Plan, *, full: bool) -> None:
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


def _print_details(console: Console, plan: Plan) -> None:
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


def print_summary(console: Console, run: Run, ending: Ending) -> None:
    """Prints a run's result: the front, where the share lands, where everything is."""
    summary = run.summary
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
        for name in ("data_root", *SAME)
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
