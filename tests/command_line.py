"""A command in this process, as a person would run it."""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

from asymnas.__main__ import build_app
from asymnas.core.cli import run

APP = build_app()


@dataclass(frozen=True)
class Result:
    """What a command answered."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All that was printed."""
        return self.stdout + self.stderr


def asymnas(*arguments: str) -> Result:
    """Runs `asymnas ARGUMENTS`."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = run(APP, arguments)
        except SystemExit as exit:
            code = int(exit.code or 0)
    return Result(code, out.getvalue(), err.getvalue())
