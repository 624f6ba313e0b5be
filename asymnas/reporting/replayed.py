"""What a command prints of a search whose trials are trained again."""

from typing import Any

from rich.console import Console

from asymnas.core.config import StudyConfig
from asymnas.core.text import plural
from asymnas.runs.execute import workers_of
from asymnas.runs.plan import on_this_machine
from asymnas.runs.replay import Replayed, recorded, replay, unlike
from asymnas.runs.run import Run


def print_replay(console: Console, run: Run, config: StudyConfig) -> dict[str, Any]:
    """Trains a search's trials again and prints each as it is done, then how many are equal.

    Args:
        console: Where to print.
        run: The search.
        config: Its configuration, with the machine to train on.

    Returns:
        `trials` and how many are `equal`, `unlike` what differs in the set-up, as pairs, and
        `different` with `trial`, `examples`, `loss`, `again` and `failure` of each other trial.
    """
    config = on_this_machine(config)
    count = len(recorded(run))
    console.print(f"{plural(count, 'trial')} of {run.directory} to train again")
    setups = unlike(run)
    for name, (then, now) in setups.items():
        console.print(f"note: {name} was {then}, now {now}: last digits may differ", style="yellow")
    done: list[Replayed] = []
    with workers_of(config) as workers:
        for trial in replay(run, config, workers):
            done.append(trial)
            console.print(f"{len(done)}/{count}  {_line(trial)}", soft_wrap=True, highlight=False)
    different = [trial for trial in sorted(done, key=lambda d: d.trial) if not trial.equal]
    equal = count - len(different)
    console.print(f"{equal} of {plural(count, 'trial')} came out the same, bit for bit")
    return {
        "trials": count,
        "equal": equal,
        "unlike": {name: list(pair) for name, pair in setups.items()},
        "different": [vars(trial) for trial in different],
    }


def _line(trial: Replayed) -> str:
    seen = f"trial {trial.trial} after {trial.examples:,} examples"
    if trial.equal:
        return f"{seen}: {trial.loss:.9g}, the same"
    if trial.again is None:
        return f"{seen}: {trial.loss:.9g}, now it fails: {trial.failure}"
    change = trial.again / trial.loss - 1
    return f"{seen}: {trial.loss:.9g}, now {trial.again:.9g} ({change:+.1e})"
