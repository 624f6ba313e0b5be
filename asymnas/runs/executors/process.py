"""One worker process, as its parent sees it."""

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from asymnas.runs.executors.worker import STARTED, append_output_to

END_WITHIN = 5.0  # seconds that a process has to end by itself
LAST_OUTPUT = 10_000  # bytes of the log that the reason of a failure is looked for in

PACKAGE = Path(__file__).parents[2] / "__init__.py"

# What a worker runs first; its arguments are the file of this package, the module to import ahead
# of calls, and the places where its parent looks for modules. Those that a Python of its own has
# not come last: nothing that lies in a user's directory, such as a file `copy.py`, hides a module
# of a library.
START = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
package, ahead, *places = sys.argv[1:]
sys.path += [place for place in places if place not in sys.path]
spec = spec_from_file_location("asymnas", package)
sys.modules["asymnas"] = module_from_spec(spec)
spec.loader.exec_module(sys.modules["asymnas"])
from asymnas.runs.executors.worker import main
main(ahead)
"""


class WorkerProcess:
    """A Python process that runs `asymnas.runs.executors.worker`, of the same package as this one.

    Args:
        environment: Its environment variables, kept as an attribute of that name.
        log: File that its output is appended to; `None` to inherit standard error.
        ahead: Module to import while it waits for its first call; empty for none.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, environment: Mapping[str, str], log: Path | None, ahead: str) -> None:
        self.environment = dict(environment)
        self._log, self._log_start = log, 0
        self._started = False
        self._calls = 0
        places = [place or os.getcwd() for place in sys.path]
        command = [sys.executable, "-P", "-c", START, str(PACKAGE), ahead, *places]
        output = log.open("ab") if log else None
        try:
            if output:
                self._log_start = output.seek(0, os.SEEK_END)
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environment,
            )
        finally:
            if output:
                output.close()

    queues = False

    def log_to(self, log: Path) -> None:
        """Has its output appended to another file, before its first call.

        Raises:
            OSError: It has ended, or the file cannot be opened.
        """
        with log.open("ab") as output:
            self._log, self._log_start = log, output.seek(0, os.SEEK_END)
        self._send(pickle.dumps((append_output_to, (log,), {})))  # its answer is dropped

    @property
    def has_ended(self) -> bool:
        """Whether it has ended after it had started."""
        return self._started and self._process.poll() is not None

    def wait_until_started(self) -> None:
        """Returns when the process is ready for calls.

        Raises:
            EOFError: It has ended instead.
        """
        if not self._started:
            if pickle.load(_pipe(self._process.stdout)) != STARTED:
                raise EOFError("its first message is another one")
            self._started = True

    def exchange(self, call: bytes) -> bytes:
        """Sends a call and receives its answer, both as bytes that only their reader unpacks.

        Both carry the call's number: a second answer to an earlier call is dropped.

        Raises:
            Exception: The process has ended, or left something else in the pipe.
        """
        self._send(call)
        stdout = _pipe(self._process.stdout)
        number, answer = 0, b""
        while number != self._calls:
            number, answer = pickle.load(stdout)
        return answer

    def _send(self, call: bytes) -> None:
        stdin = _pipe(self._process.stdin)
        self._calls += 1
        pickle.dump((self._calls, call), stdin)
        stdin.flush()

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def end(self) -> None:
        """Lets it end, by force if it does not."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                _pipe(pipe).close()
        try:
            self._process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def reason(self, error: Exception) -> str:
        """How it ended, with the last line of its output; what broke the pipe says less."""
        said = f" ({line})" if (line := self._last_line()) else ""
        return f"a worker process ended with code {self._process.poll()}{said}{see(self._log)}"

    def _last_line(self) -> str:
        """The last line of its output in the log; empty without one."""
        if self._log is None:
            return ""
        with suppress(OSError), self._log.open("rb") as output:
            end = output.seek(0, os.SEEK_END)
            output.seek(max(self._log_start, end - LAST_OUTPUT))
            lines = output.read().decode(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""


def see(log: Path | None) -> str:
    """The end of a message after a failure: where the output of the workers is."""
    return f"; the output of the workers is in {log}" if log else ""


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise EOFError("the worker has no pipe")
    return pipe
