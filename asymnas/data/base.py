"""Data sets: one file each; a loader turns a `DataSpec` into a `Dataset`.

A loader registers under the name that stands before the colon in `--dataset`:

    @DATASETS.register("digits")
    def load(spec: DataSpec) -> Dataset: ...
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote

import torch
from torch import Tensor

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.registry import Registry
from asymnas.data.examples import Examples, Indexed

SplitName = Literal["train", "validation", "test"]
NAMES: dict[SplitName, str] = {"train": "training", "validation": "validation", "test": "test"}
CHUNK = 8_192  # examples whose values are looked at together


class PerSplit(NamedTuple):
    """One entry an example, for each split a tensor `[n]` in the order of its examples."""

    train: Tensor
    validation: Tensor
    test: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Three disjoint splits, and what is known of their examples.

    Each split is `[n, *shape]`, all of one dtype: uint8 (read as value / 255) or float32 (read as
    it is). `shape` is `(channels, height, width)` of an image, `(channels, length)` of a signal or
    `(features,)` of a row. Splits are tensors, or `Indexed` where the data may be larger than
    memory.

    Args:
        train: What candidates train on.
        validation: What the search scores on; taken out of the training data.
        test: What nothing but a confirmation reads.
        labels: Class ids from 0, int64; `None` where there are none. Never trained on.
        anomalies: Which examples are anomalous, bool; `None` where that is not known. The training
            split has none. Losses leave them out: see `normal`.
        data_range: Greatest minus least possible value as the network sees it; for PSNR.
        notes: What was done to the data, for the report ("standardised on the training split").

    Raises:
        DataError: An empty split, unlike shapes or dtypes, values that are not finite; labels or
            anomalies of another length or type; an anomaly to train on.
    """

    train: Examples
    validation: Examples
    test: Examples
    labels: PerSplit | None = None
    anomalies: PerSplit | None = None
    data_range: float = 1.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for split, name in NAMES.items():
            self._check_examples(getattr(self, split), name)
            if self.labels is not None:
                self._check_entries("labels", self.labels, split, torch.int64)
            if self.anomalies is not None:
                self._check_entries("anomalies", self.anomalies, split, torch.bool)
        if self.labels is not None and any(int(ids.min()) < 0 for ids in self.labels):
            raise DataError("labels must be class ids from 0 but one is negative")
        if self.anomalies is not None and bool(self.anomalies.train.any()):
            raise DataError("the training split has anomalies: they belong to the held-out splits")
        for split, name in NAMES.items():
            if self.anomalies is not None and bool(getattr(self.anomalies, split).all()):
                raise DataError(
                    f"the {name} split has anomalies only: losses need examples that are none"
                )

    def _check_examples(self, split: Examples, name: str) -> None:
        if len(split) == 0:
            raise DataError(f"the {name} split is empty: more examples are needed")
        if split.shape[1:] != self.train.shape[1:] or split.dtype != self.train.dtype:
            raise DataError(f"the {name} split differs from the training split in shape or type")
        if split.dtype not in (torch.uint8, torch.float32):
            raise DataError(f"data must be uint8 or float32 but the {name} split is {split.dtype}")
        floats = split.split(CHUNK) if split.dtype == torch.float32 else ()
        if not all(bool(chunk.isfinite().all()) for chunk in floats):
            raise DataError(f"the {name} split holds NaN or infinite values: remove or fill them")

    def _check_entries(
        self, what: str, entries: PerSplit, split: SplitName, dtype: torch.dtype
    ) -> None:
        found, wanted = getattr(entries, split), (len(getattr(self, split)),)
        if tuple(found.shape) != wanted or found.dtype != dtype:
            raise DataError(
                f"{what} of the {NAMES[split]} split must be {dtype} of shape {wanted} but are "
                f"{found.dtype} of shape {tuple(found.shape)}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example, without the batch."""
        return tuple(self.train.shape[1:])


def normal(data: Dataset, split: SplitName) -> Examples:
    """A split without its anomalies: what losses are averaged over."""
    examples: Examples = getattr(data, split)
    if data.anomalies is None:
        return examples
    anomalous: Tensor = getattr(data.anomalies, split)
    if isinstance(examples, Indexed):  # nothing is gathered before its turn
        return examples.only(~anomalous)
    return examples[~anomalous]


Loader = Callable[[DataSpec], Dataset]

DATASETS: Registry[Loader] = Registry("data set", "asymnas.data.sources", "asymnas.datasets")


def load_dataset(spec: DataSpec) -> Dataset:
    """Loads the data set that `spec` names; of `NAME?anomaly=CLASS` with that class held out.

    Raises:
        UnknownNameError: No such data set.
        DataError: It is missing, unreadable or unusable.
    """
    from asymnas.data.anomalies import hold_out, named_class  # which imports this file

    plain, odd = named_class(spec)
    data = DATASETS.get(plain.source)(plain)
    return hold_out(data, plain.name, odd) if odd else data


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
        raise DataError(
            f"{spec.source} takes nothing after a colon but got {spec.name!r}: write {spec.source}"
        )
    if spec.image_size is not None and not resizable:
        raise DataError(
            f"{spec.source} cannot be resized but image_size is {spec.image_size}: "
            "leave out --image-size, which is for folder:DIR and celeba"
        )


def without_options(
    spec: DataSpec, known: Sequence[str], *, takes: str = "FILE", value: str = "COLUMN"
) -> tuple[DataSpec, dict[str, str]]:
    """Takes the options off `SOURCE:FILE?NAME=VALUE&NAME=VALUE`.

    In a value `%26` stands for `&`, `%25` for `%`, and so on as in a web address; the first `?`
    ends the file's name.

    Args:
        spec: What was asked for.
        known: Names of the options there are.
        takes: What stands after the colon, for messages; empty where nothing does.
        value: What an option is given, for messages.

    Returns:
        The spec as if it had been `SOURCE:FILE`, and the options that were given, each once.

    Raises:
        DataError: An option that is unknown, without a value, or given twice.
    """
    name, _, text = spec.name.partition("?")
    plain = f"{spec.source}:{takes}" if takes else spec.source
    form = f"{plain}?{'&'.join(f'{option}={value}' for option in known)}"
    found: dict[str, str] = {}
    for part in text.split("&") if text else ():
        option, _, given = part.partition("=")
        if option not in known or not given:
            raise DataError(f"{part!r} in {spec.name!r} is no option: write {form}")
        if option in found:
            raise DataError(f"{spec.name!r} gives {option} twice: write {form}")
        found[option] = unquote(given)
    return replace(spec, name=name), found


def existing_file(spec: DataSpec) -> Path:
    """The file after the colon.

    Raises:
        DataError: It does not exist or is no file.
    """
    path = Path(spec.argument).expanduser()
    if path.is_dir():
        raise DataError(f"{path} is a directory but {spec.source}: takes a file")
    if not path.is_file():
        raise DataError(
            f"no such file: {path}{_sought(path)}: check what stands after {spec.source}:"
        )
    return path


def existing_directory(spec: DataSpec) -> Path:
    """The directory after the colon.

    Raises:
        DataError: It does not exist or is no directory.
    """
    path = Path(spec.argument).expanduser()
    if path.is_file():
        raise DataError(f"{path} is a file but {spec.source}: takes a directory")
    if not path.is_dir():
        raise DataError(
            f"no such directory: {path}{_sought(path)}: check what stands after {spec.source}:"
        )
    return path


def _sought(path: Path) -> str:
    """Where a relative path leads."""
    return "" if path.is_absolute() else f" (looked for at {path.absolute()})"


def data_root(spec: DataSpec) -> Path:
    """Where downloads and decoded images live: `spec.root`, by default `~/.cache/asymnas`."""
    return Path(spec.root or "~/.cache/asymnas").expanduser()
