"""What all commands share: study files, quantities as people write them, errors as one line."""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from asymnas.config import StudyConfig
from asymnas.errors import AsymnasError, ConfigError
from asymnas.followups import SweepConfig

HELP = {"help_option_names": ["-h", "--help"]}
_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `90`, `45s`, `30m`, `2h` or `1h30m`.

    Raises:
        ConfigError: Not a duration above zero.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(min|[smhd]?)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text.strip() or seconds <= 0:
        raise ConfigError(f"{text!r} is not a duration: give a number such as 90, 45s, 30m or 2h")
    return seconds


def parse_whole(name: str, text: str) -> int:
    """A whole number given for a flag.

    Raises:
        ConfigError: Not a whole number.
    """
    try:
        return int(text)
    except ValueError as error:
        flag = f"--{name.replace('_', '-')}"
        raise ConfigError(f"{flag} must be a whole number but got {text!r}") from error


def load_study_file(path: Path, prefer: str = "study") -> StudyConfig | SweepConfig:
    """Runs a study file and returns what its `study()` returns.

    Args:
        path: A Python file.
        prefer: A function to call instead, if the file has it.

    Raises:
        ConfigError: No such file, it fails, or it returns something else.
    """
    if not path.is_file():
        raise ConfigError(f"there is no study file {path}")
    spec = importlib.util.spec_from_file_location(f"study_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is not a Python file: a study file ends in .py")
    module = importlib.util.module_from_spec(spec)
    config: Any
    try:
        spec.loader.exec_module(module)
        name = prefer if hasattr(module, prefer) else "study"
        config = getattr(module, name)()
    except AsymnasError:
        raise
    except Exception as error:
        raise ConfigError(
            f"the study file {path} failed: {type(error).__name__}: {error}"
        ) from error
    allowed: tuple[type[Any], ...] = (StudyConfig,)
    if prefer == "sweep":
        allowed = (StudyConfig, SweepConfig)
    if not isinstance(config, allowed):
        wanted = " or a ".join(kind.__name__ for kind in allowed)
        raise ConfigError(f"{name}() in {path} must return a {wanted} but returned {config!r}")
    checked: StudyConfig | SweepConfig = config
    return checked


def guarded(action: Callable[[], int]) -> None:
    """Runs a command's body and exits: one line an error, 130 after Ctrl-C.

    Exit codes: what the action returns; 1 for a failure; 2 for a bad setting; 130 interrupted.
    """
    try:
        code = action()
    except AsymnasError as error:
        line = " ".join(str(error).split())
        Console(stderr=True).print(f"error: {line}", style="bold red", soft_wrap=True, markup=False)
        code = 2 if isinstance(error, ConfigError) else 1
    except OSError as error:
        reason = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        line = f"error: {reason}. What had finished is saved; mend this and run the command again."
        Console(stderr=True).print(line, style="bold red", soft_wrap=True, markup=False)
        code = 1
    except KeyboardInterrupt:
        code = 130
    raise typer.Exit(code)


def serve(command: Callable[..., None]) -> None:
    """Serves `python -m asymnas.X`."""
    app = typer.Typer(add_completion=False, context_settings=HELP, pretty_exceptions_enable=False)
    app.command()(command)
    app(prog_name=f"python -m asymnas.{command.__name__}")
