"""What a person sees while a run goes on: a live display, or plain lines where there is none."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

PLAIN_EVERY = 15.0  # seconds between plain lines


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Where a run stands.

    Args:
        wanted: Finished trials the run is to hold.
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


class Display(Protocol):
    """Shows snapshots between entering and leaving."""

    def __enter__(self) -> Callable[[Snapshot], None]:
        """Begins; returns what to call with each snapshot."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends."""


class LiveDisplay:
    """A progress bar with the state of the run below it."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("[bold]trials"), BarColumn(bar_width=None), MofNCompleteColumn()
        )
        self._task = self._bar.add_task("trials", total=None)
        self._live = Live(self._bar, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Callable[[Snapshot], None]:
        self._live.__enter__()
        return self._show

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def _show(self, snapshot: Snapshot) -> None:
        self._bar.update(self._task, total=snapshot.wanted, completed=snapshot.finished)
        self._live.update(Group(self._bar, Text(snapshot.text(), style="dim")))


class PlainDisplay:
    """A line every quarter of a minute, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed = time.monotonic()

    def __enter__(self) -> Callable[[Snapshot], None]:
        return self._show

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def _show(self, snapshot: Snapshot) -> None:
        last = snapshot.finished == snapshot.wanted and not snapshot.running
        if last or time.monotonic() - self._printed >= PLAIN_EVERY:
            self._printed = time.monotonic()
            line = f"{snapshot.finished}/{snapshot.wanted} trials · {snapshot.text()}"
            self._console.print(line, soft_wrap=True, highlight=False)


def display(console: Console) -> Display:
    """The live display on a terminal, plain lines elsewhere."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def duration(seconds: float) -> str:
    """Seconds as a person says them: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
