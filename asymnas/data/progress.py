"""What a person sees while many files are read: on standard error, so that results stay clean."""

import time
from collections.abc import Generator, Iterable
from typing import Any

from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

PLAIN_EVERY = 15.0  # seconds between plain lines


def shown(
    pieces: Iterable[NDArray[Any]], total: int, what: str
) -> Generator[NDArray[Any], None, None]:
    """Passes pieces `[k, ...]` on: a bar on a terminal, a line now and then elsewhere.

    Args:
        pieces: What is being read, piece by piece.
        total: Entries of all pieces together.
        what: What is going on ("decoding images").
    """
    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done, told = 0, time.monotonic()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=total)
        for piece in pieces:
            yield piece
            done += len(piece)
            bar.update(task, completed=done)
            if not console.is_terminal and time.monotonic() - told >= PLAIN_EVERY:
                told = time.monotonic()
                console.print(f"{what}: {done:,} of {total:,}", soft_wrap=True, highlight=False)
