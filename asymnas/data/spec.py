"""What a data set's name says besides: `SOURCE:ARGUMENT?OPTION=VALUE`, and paths out of it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.files import expanded
from asymnas.data.anomalies import CHOICES


def check_spec(spec: DataSpec, *, takes: str = "", resizable: bool = False) -> None:
    """Raises for what a data set would otherwise ignore in silence.

    Args:
        spec: What was asked for.
        takes: What stands after the colon ("FILE", "DIR"); empty where nothing may.
        resizable: Whether the data set honours `image_size`.

    Raises:
        DataError: An argument too many or missing, or an image size that changes nothing.
    """
    if takes and not spec.argument:
        raise DataError(f"{spec.name!r} lacks its {takes}: write {spec.source}:{takes}")
    if not takes and spec.argument:
        raise DataError(
            f"{spec.source} takes nothing after a colon but got {spec.name!r}: write {spec.source}"
        )
    if spec.image_size is not None and not resizable:
        raise DataError(
            f"{spec.source} cannot be resized but image_size is {spec.image_size}: "
            "leave out --image-size, which is for folder:DIR and celeba"
        )


def without_options(
    spec: DataSpec,
    known: Sequence[str] | Mapping[str, str],
    *,
    takes: str = "FILE",
    value: str = "COLUMN",
) -> tuple[DataSpec, dict[str, str]]:
    """Takes the options off `SOURCE:FILE?NAME=VALUE&NAME=VALUE`.

    In a value `%26` stands for `&`, `%25` for `%`, and so on as in a web address; the first `?`
    ends the file's name.

    Args:
        spec: What was asked for.
        known: Names of the options there are, perhaps with what each is given, for messages.
        takes: What stands after the colon, for messages; empty where nothing does.
        value: What an option is given if that is not in `known`.

    Returns:
        The spec as if it had been `SOURCE:FILE`, and the options that were given, each once.

    Raises:
        DataError: An option that is unknown, without a value, or given twice.
    """
    name, _, text = spec.name.partition("?")
    plain = f"{spec.source}:{takes}" if takes else spec.source
    values = known if isinstance(known, Mapping) else dict.fromkeys(known, value)
    form = f"{plain}?{'&'.join(f'{option}={given}' for option, given in values.items())}"
    options: dict[str, str] = {}
    for part in text.split("&") if text else ():
        option, _, given = part.partition("=")
        if option not in known or not given:
            raise DataError(f"{part!r} in {spec.name!r} is no option: write {form}")
        if option in options:
            raise DataError(f"{spec.name!r} gives {option} twice: write {form}")
        options[option] = unquote(given)
    return replace(spec, name=name), options


def names_in(text: str) -> list[str]:
    """Names of columns from `A,B`; a comma within a name is written twice."""
    return [name.replace("\0", ",") for name in text.replace(",,", "\0").split(",") if name]


def existing_file(spec: DataSpec) -> Path:
    """The file after the colon.

    Raises:
        DataError: It does not exist or is no file.
    """
    path = expanded(spec.argument)
    if path.is_dir():
        raise DataError(f"{path} is a directory but {spec.source}: takes a file")
    if not path.is_file():
        raise DataError(
            f"no such file: {path}{_resolved(path)}: check what stands after {spec.source}:"
        )
    return path


def existing_directory(spec: DataSpec) -> Path:
    """The directory after the colon.

    Raises:
        DataError: It does not exist or is no directory.
    """
    path = expanded(spec.argument)
    if path.is_file():
        raise DataError(f"{path} is a file but {spec.source}: takes a directory")
    if not path.is_dir():
        raise DataError(
            f"no such directory: {path}{_resolved(path)}: check what stands after {spec.source}:"
        )
    return path


def located(name: str) -> str:
    """A data set's name with its path made absolute, so that it means the same from anywhere.

    Links stay as they are. What follows the colon and is no path that exists is left alone.
    """
    source, argument, options = _parts(name)
    path = expanded(argument)
    if not argument or not path.exists():
        return name
    return f"{source}:{os.path.abspath(path)}{f'?{options}' if options else ''}"


def same_source(one: str, other: str) -> bool:
    """Whether two names have one source and the same options, in any order, wherever files lie."""
    parts = [
        (source, sorted(options.split("&"))) for source, _, options in map(_parts, (one, other))
    ]
    return parts[0] == parts[1]


def same_place(one: str, other: str) -> bool:
    """Whether two names are of the same files, however they are written.

    A relative path, which earlier versions stored, is the same as any that ends in the same name:
    where it lay is not known.
    """
    if not same_source(one, other):
        return False
    arguments = [argument for _, argument, _ in map(_parts, (one, other))]
    if arguments[0] == arguments[1] or not all(arguments):
        return arguments[0] == arguments[1]
    paths = [expanded(argument) for argument in arguments]
    if not all(path.is_absolute() for path in paths):
        return paths[0].name == paths[1].name
    return os.path.realpath(paths[0]) == os.path.realpath(paths[1])


def _parts(name: str) -> tuple[str, str, str]:
    """Source, argument and options of `SOURCE:ARGUMENT?OPTIONS`."""
    plain, _, options = name.partition("?")
    source, _, argument = plain.partition(":")
    return source, argument, options


def _resolved(path: Path) -> str:
    """Where a relative path leads."""
    return "" if path.is_absolute() else f" ({path.absolute()})"


#: The source of files by their ending, compressed or not.
SOURCES = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".tab": "csv", ".dat": "csv",
    ".npz": "npz", ".npy": "npz", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def meant(name: str) -> str | None:
    """The name of a data set that a mere path may have been meant for: `a.csv` for `csv:a.csv`."""
    path, mark, options = name.partition("?")
    place = Path(path).expanduser()
    ending = (
        place.with_suffix("").suffix if place.suffix in (".gz", ".bz2", ".xz") else place.suffix
    )
    source = SOURCES.get(ending.lower())
    if source is None and place.is_dir():
        source = "folder"
    return f"{source}:{path}{mark}{options}" if source else None


def data_root(spec: DataSpec) -> Path:
    """Where downloads and decoded images live: `spec.root`, by default `~/.cache/asymnas`.

    Raises:
        DataError: None is given, and there is no home directory.
    """
    if spec.root:
        return expanded(spec.root)
    try:
        return Path("~/.cache/asymnas").expanduser()
    except RuntimeError as error:  # Python's word for it
        raise DataError("no home directory: pass --data-root DIR, or set HOME") from error


def named_classes(spec: DataSpec) -> tuple[DataSpec, dict[str, str]]:
    """Takes the classes off `NAME?anomaly=CLASS,CLASS` or `NAME?normal=CLASS`.

    Names with a colon are left alone: what follows it may have options of its own.

    Raises:
        DataError: Another option, or one without a value.
    """
    if ":" in spec.name:
        return spec, {}
    return without_options(spec, CHOICES, takes="", value="CLASS")
