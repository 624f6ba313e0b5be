"""Study files: Python files whose `study()` returns what to run."""

import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from asymnas.core.config import StudyConfig
from asymnas.core.errors import AsymnasError, ConfigError
from asymnas.core.sweep_config import SweepConfig


def load_study(path: Path) -> StudyConfig:
    """Runs a study file, as `python FILE` would, and returns what its `study()` returns.

    The file's folder goes to the front of `sys.path` and the file becomes a module, and both stay:
    its neighbours can be imported, its classes pickled, later too.

    Raises:
        ConfigError: No such file, it fails, or it returns something else; names file and line.
    """
    config = _call(path, ["study"])
    if not isinstance(config, StudyConfig):
        raise ConfigError(f"study() in {path} must return a StudyConfig but returned {config!r}")
    return config


def load_sweep(path: Path) -> StudyConfig | SweepConfig:
    """As `load_study`, but calls `sweep()` if the file has it, and takes a `SweepConfig` too.

    Raises:
        ConfigError: No such file, it fails, or it returns something else; names file and line.
    """
    config = _call(path, ["sweep", "study"])
    if not isinstance(config, StudyConfig | SweepConfig):
        raise ConfigError(
            f"sweep() or study() in {path} must return a StudyConfig or a SweepConfig but returned "
            f"{config!r}"
        )
    return config


def _call(path: Path, names: list[str]) -> Any:
    """What the first of these functions that a file has returns."""
    if not path.is_file():
        raise ConfigError(
            f"there is no study file {path}: name a Python file that defines {names[-1]}()"
        )
    if path.suffix != ".py":
        raise ConfigError(f"{path} is not a Python file: a study file ends in .py")
    module = _module(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
        name = next((name for name in names if hasattr(module, name)), "")
        if not name:
            raise ConfigError(
                f"{path} defines no function {names[-1]}(): write one that returns a StudyConfig"
            )
        return getattr(module, name)()
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        if isinstance(error, AsymnasError) and not isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{_place(path, error)}{_reason(error)}") from error


def _module(path: Path) -> ModuleType:
    """An empty module for a file, by its own name unless another module has that already."""
    name = path.stem
    taken = sys.modules.get(name)
    if taken is not None and getattr(taken, "__file__", None) != str(path.absolute()):
        name = f"study_{name}"
    module = ModuleType(name)
    module.__file__ = str(path.absolute())
    sys.modules[name] = module
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return module


def _place(path: Path, error: BaseException) -> str:
    """`FILE, line N: ` of the innermost line that the user wrote: of the file or a neighbour."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}: "
    folder = path.absolute().parent
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<")  # code without a file, as that of dataclasses
        and folder in Path(frame.filename).absolute().parents
    ]
    return f"{own[-1].filename}, line {own[-1].lineno}: " if own else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, ConfigError):
        return str(error)
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
