"""What the fields of a `DataSpec` mean to a loader."""

from pathlib import Path

from asymnas.config import DataSpec
from asymnas.errors import DataError


def check_spec(spec: DataSpec, *, takes: str = "", resizable: bool = False) -> None:
    """Refuses what a data set would otherwise ignore in silence.

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
        raise DataError(f"{spec.source} takes nothing after a colon but got {spec.name!r}")
    if spec.image_size is not None and not resizable:
        raise DataError(
            f"{spec.source} cannot be resized but image_size is {spec.image_size}: "
            "leave out --image-size, which is for folder:DIR and celeba"
        )


def existing_file(spec: DataSpec) -> Path:
    """The file after the colon.

    Raises:
        DataError: It does not exist or is no file.
    """
    path = Path(spec.argument).expanduser()
    if path.is_dir():
        raise DataError(f"{path} is a directory but {spec.source}: takes a file")
    if not path.is_file():
        raise DataError(f"no such file: {path} (looked for at {path.absolute()})")
    return path


def existing_directory(spec: DataSpec) -> Path:
    """The directory after the colon.

    Raises:
        DataError: It does not exist or is no directory.
    """
    path = Path(spec.argument).expanduser()
    if path.is_file():
        raise DataError(f"{path} is a file but {spec.source}: takes a directory of images")
    if not path.is_dir():
        raise DataError(f"no such directory: {path} (looked for at {path.absolute()})")
    return path


def data_root(spec: DataSpec) -> Path:
    """Where downloadable data sets live: `spec.root`, by default `~/.cache/asymnas`."""
    return Path(spec.root or "~/.cache/asymnas").expanduser()
