"""The Optuna dashboard of a run while it goes on, in a process of its own."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from asymnas.core.terminal import shown
from asymnas.runs.snapshot import Snapshot

PORT = 8080  # of `asymnas dashboard`; if it is taken, any that is free
END_WITHIN = 5.0  # seconds that the process has to end by itself
WHERE = Path(__file__).parents[2]  # where it finds this package, and nothing of the user's


@contextmanager
def live_dashboard(
    run_dir: str, console: Console, observe: Callable[[Snapshot], None], *, wanted: bool = True
) -> Iterator[Callable[[Snapshot], None]]:
    """Serves a run's dashboard from its first snapshot on, when there is a study to show.

    Args:
        run_dir: The run directory.
        console: Says the address, or that the dashboard has ended by itself.
        observe: Called with each snapshot besides.
        wanted: Whether there is to be one.

    Yields:
        What to call with each snapshot.
    """
    process: subprocess.Popen[bytes] | None = None

    def start_and_observe(snapshot: Snapshot) -> None:
        nonlocal process
        if wanted and process is None:
            port = _free_port()
            process = _started(run_dir, port)
            console.print(f"Dashboard: http://127.0.0.1:{port}", soft_wrap=True)
        observe(snapshot)

    try:
        yield start_and_observe
    finally:
        if process is not None:
            if process.poll() not in (None, 130):  # Ctrl-C reaches it, too
                console.print(
                    "The dashboard has ended early; python -m asymnas.dashboard "
                    f"{shown(run_dir)} says why.",
                    soft_wrap=True,
                )
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_WITHIN)
            process.kill()
            process.wait()


def _started(run_dir: str, port: int) -> subprocess.Popen[bytes]:
    directory = str(Path(run_dir).absolute())
    command = [sys.executable, "-m", "asymnas.dashboard", directory, "--port", str(port)]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=WHERE, stdin=nowhere, stdout=nowhere, stderr=nowhere)


def _free_port() -> int:
    with suppress(OSError), socket.create_server(("127.0.0.1", PORT)):
        return PORT
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
