"""What a person sees while a run goes on: on a terminal, in a log, and in a notebook."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from asymnas.core.text import MISSING, duration
from asymnas.runs.snapshot import Snapshot

PLAIN_EVERY = 15.0  # seconds between plain lines
CELL_EVERY = 0.5  # seconds between updates of a notebook's cell


@contextmanager
def display(console: Console) -> Iterator[Callable[[Snapshot], None]]:
    """Yields what to call with each snapshot: live on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield _plain_lines(console)
        return
    name = TextColumn("[bold]{task.description}")
    bar = Progress(name, BarColumn(bar_width=None), MofNCompleteColumn())
    task = bar.add_task("trials", total=None)
    with Live(bar, console=console, refresh_per_second=4, transient=True) as live:

        def show(snapshot: Snapshot) -> None:
            bar.update(
                task,
                description=snapshot.phase,
                total=snapshot.wanted,
                completed=snapshot.finished,
            )
            live.update(Group(bar, Text(progress_line(snapshot), style="dim")))

        yield show


def _plain_lines(console: Console) -> Callable[[Snapshot], None]:
    """Prints a line, for logs, with the first result, every quarter of a minute, and at the end."""
    printed, has_result = time.monotonic(), False

    def show(snapshot: Snapshot) -> None:
        nonlocal printed, has_result
        first = not has_result and snapshot.best_loss is not None
        if first or _is_last(snapshot) or time.monotonic() - printed >= PLAIN_EVERY:
            printed, has_result = time.monotonic(), snapshot.best_loss is not None
            console.print(_plain_line(snapshot), soft_wrap=True)

    return show


def in_notebook() -> Callable[[Snapshot], None]:
    """What a Python caller sees who asks for nothing: a line in a notebook's cell, else nothing."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if not hasattr(shell, "kernel"):  # a script, or IPython on a terminal
        return lambda snapshot: None
    from IPython.display import display as show_in_cell

    cell = show_in_cell({"text/plain": "starting"}, raw=True, display_id=True)
    updated = time.monotonic()

    def show(snapshot: Snapshot) -> None:
        nonlocal updated
        if _is_last(snapshot) or time.monotonic() - updated >= CELL_EVERY:
            updated = time.monotonic()
            cell.update({"text/plain": _plain_line(snapshot)}, raw=True)

    return show


def _is_last(snapshot: Snapshot) -> bool:
    return snapshot.finished == snapshot.wanted and not snapshot.running


def _plain_line(snapshot: Snapshot) -> str:
    return f"{snapshot.finished}/{snapshot.wanted} {snapshot.phase} · {progress_line(snapshot)}"


def progress_line(snapshot: Snapshot) -> str:
    """Where a run stands, in one line."""
    best = MISSING if snapshot.best_loss is None else f"{snapshot.best_loss:.5f}"
    rate = f"{snapshot.examples / snapshot.seconds:,.0f}" if snapshot.seconds > 1 else MISSING
    left = MISSING if snapshot.seconds_left is None else duration(snapshot.seconds_left)
    paused = f"{snapshot.paused} paused · " if snapshot.paused else ""
    return (
        f"{snapshot.complete} complete · {snapshot.pruned} pruned · {paused}"
        f"{snapshot.failed} failed · "
        f"best loss {best} · front {snapshot.front} · {rate} examples/s · {left} left"
    )
