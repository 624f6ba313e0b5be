"""What a person sees while a run goes on: a live display, or plain lines where there is none."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

PLAIN_EVERY = 15.0  # seconds between plain lines


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Where a run stands.

    Args:
        phase: What is going on.
        wanted: Finished trials the run is to hold at the end of the phase.
        complete: Trials trained to the end.
        pruned: Trials stopped early.
        failed: Trials that diverged or broke.
        duplicate: Draws of an architecture already trained; they cost nothing.
        running: Trials in training.
        best_loss: Lowest validation loss of a complete trial, if any.
        front: Size of the front.
        examples: Training examples seen by this start of the run.
        seconds: Time since this start.
        seconds_left: Estimated time to the end, if there is an estimate.
    """

    wanted: int
    phase: str = "trials"
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    duplicate: int = 0
    running: int = 0
    best_loss: float | None = None
    front: int = 0
    examples: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None

    @property
    def finished(self) -> int:
        """Complete, pruned and failed."""
        return self.complete + self.pruned + self.failed

    def text(self) -> str:
        """One line."""
        best = f"{self.best_loss:.5f}" if self.best_loss is not None else "–"
        rate = f"{self.examples / self.seconds:,.0f}" if self.seconds > 1 else "–"
        left = duration(self.seconds_left) if self.seconds_left is not None else "–"
        return (
            f"{self.complete} complete · {self.pruned} pruned · {self.failed} failed · "
            f"best loss {best} · front {self.front} · {rate} examples/s · {left} left"
        )


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
            live.update(Group(bar, Text(snapshot.text(), style="dim")))

        yield show


def _plain_lines(console: Console) -> Callable[[Snapshot], None]:
    """Prints a line every quarter of a minute and one at the end, for logs."""
    printed = time.monotonic()

    def show(snapshot: Snapshot) -> None:
        nonlocal printed
        last = snapshot.finished == snapshot.wanted and not snapshot.running
        if last or time.monotonic() - printed >= PLAIN_EVERY:
            printed = time.monotonic()
            done = f"{snapshot.finished}/{snapshot.wanted} {snapshot.phase}"
            line = f"{done} · {snapshot.text()}"
            console.print(line, soft_wrap=True, highlight=False)

    return show


def duration(seconds: float) -> str:
    """Seconds as a person says them: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
