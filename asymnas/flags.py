"""The flags that commands share, each with its one line of help."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from asymnas.commands import parse_duration, parse_whole
from asymnas.errors import ConfigError

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
    from asymnas.budget import parse_count

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
    from asymnas.budget import parse_count

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
