"""What all commands share: study files, quantities as people write them, errors as one line."""

import importlib.util
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer import Argument, Option

from asymnas.core.config import StudyConfig, SweepConfig
from asymnas.core.errors import AsymnasError, ConfigError

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


DATA = "Data"
NETWORK = "Networks"
SEARCH = "Search"
MACHINE = "Machine and files"


def flag(text: str, panel: str, *names: str) -> Any:
    """An option whose help says its default."""
    return Option(*names, help=text, show_default=False, rich_help_panel=panel)


StudyFile = Annotated[
    Path | None,
    Argument(help="A Python file whose study() returns a StudyConfig; flags override it."),
]
Dataset = Annotated[
    str | None,
    flag(
        "digits, photos, signals, fashion-mnist, cifar10, …, folder:DIR, audio:DIR, npz:FILE, "
        "csv:FILE or parquet:FILE [default: digits]",
        DATA,
    ),
]
DataRoot = Annotated[
    str | None, flag("Where downloads and decoded images live [default: ~/.cache/asymnas]", DATA)
]
Download = Annotated[bool, flag("Fetch a missing data set [default: off]", DATA, "--download")]
ImageSize = Annotated[
    str | None, flag("Pixels that a folder's images are resized to [default: their own]", DATA)
]
Family = Annotated[
    str | None, flag("conv2d, conv1d, dense or transformer [default: by the data's shape]", NETWORK)
]
Kind = Annotated[
    str | None,
    flag(
        "What is trained: plain, variational, denoising (Gaussian noise), denoising-masking, "
        "denoising-gross, vq (vector quantisation), fsq (finite scalar quantisation) or masked "
        "(transformer, spatial bottleneck); options after a colon, as in "
        "variational:beta=4,likelihood=bernoulli [default: plain]",
        NETWORK,
    ),
]
Latent = Annotated[
    str | None,
    flag("Latent numbers an example; channels a position if spatial [default: 16]", NETWORK),
]
Bottleneck = Annotated[
    str | None,
    flag("How images meet the latent: dense, spatial or pooled [default: dense]", NETWORK),
]
Timeout = Annotated[
    str | None, flag("Pause after this time: 90, 45s, 30m, 2h [default: no limit]", SEARCH)
]
Examples = Annotated[
    str | None,
    flag(
        "Training examples a completed candidate sees [default: six passes, at least 60k, at most "
        "240k]",
        SEARCH,
    ),
]
Seed = Annotated[
    str | None, flag("Fixes splits, draws, weights and batch order [default: 0]", SEARCH)
]
Workers = Annotated[str | None, flag("Local processes [default: one a core, at most 8]", MACHINE)]
Device = Annotated[str | None, flag("auto, cpu or cuda [default: auto]", MACHINE)]
Precision = Annotated[
    str | None,
    flag("auto, fp32 or bf16; auto is bf16 where it is native and pays [default: auto]", MACHINE),
]
Storage = Annotated[
    str | None, flag("Optuna storage URL [default: SQLite in the run directory]", MACHINE)
]
Fresh = Annotated[
    bool, Option("--fresh", help="Start over; otherwise an existing run is continued.")
]
DryRun = Annotated[bool, Option("--dry-run", help="Print the plan and its cost; train nothing.")]
Json = Annotated[
    bool,
    Option("--json", help="Print the summary on standard output, progress on standard error."),
]

#: What says how a command runs and not what it runs.
ASIDES = ("study", "fresh", "dry_run", "as_json")

COUNTS = ("budget", "max_encoder_params", "max_decoder_params", "max_macs", "examples")
WHOLES = (
    *("image_size", "latent", "trials", "seed", "workers"),
    *("shares", "architectures", "screen", "seeds", "rates", "top"),
)
LISTS = {"objectives", "enqueue", "presets"}


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that were given, of a command's `locals()`."""
    return {name: v for name, v in values.items() if v is not None and v is not False}


def parsed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Flags as settings: counts with suffixes, whole numbers, durations; `ASIDES` left out.

    Raises:
        ConfigError: Not a count, a whole number or a duration.
    """
    from asymnas.core.budget import parse_count

    values = {name: value for name, value in given.items() if name not in ASIDES}
    settings = dict(values)
    settings |= {name: parse_count(values[name]) for name in COUNTS if name in values}
    settings |= {name: parse_whole(name, values[name]) for name in WHOLES if name in values}
    if "timeout" in values:
        settings["timeout"] = parse_duration(values["timeout"])
    for name in LISTS & values.keys():
        settings[name] = tuple(part.strip() for part in values[name].split(","))
    return settings


def counts(text: str) -> tuple[int, ...]:
    """Comma-separated counts: `50k,150k`.

    Raises:
        ConfigError: One of them is not a count.
    """
    from asymnas.core.budget import parse_count

    return tuple(parse_count(part) for part in text.split(","))


def numbers(name: str, text: str) -> tuple[float, ...]:
    """Comma-separated numbers: `0.1,0.9`.

    Raises:
        ConfigError: One of them is not a number.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        shown = f"--{name.replace('_', '-')}"
        raise ConfigError(f"{shown} must be numbers such as 0.1 but got {text!r}") from error
