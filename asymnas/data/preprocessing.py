"""How examples as people have them become what a network takes, and how they are changed back.

Whatever was fitted on the training split (means and deviations, a range, medians, levels of text)
is in one object of plain values, which the data set carries, a run directory keeps as JSON, and
new examples go through: the same steps, by the same numbers, as those that were trained on.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asymnas.core.checksums import checked, with_checksum
from asymnas.core.errors import DamageError, DataError
from asymnas.core.files import expanded
from asymnas.core.text import listed
from asymnas.data.affine import Affine
from asymnas.data.fitted_table import FittedTable
from asymnas.data.images.decode import read_image

VERSION = 1  # of the file's form
DTYPES = {True: "uint8", False: "float32"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Preprocessing:
    """What turns examples in a user's own units into a network's input.

    Args:
        shape: Of an example as the network takes it: `(channels, height, width)` of an image,
            `(channels, length)` of a signal or `(features,)` of a row.
        bytewise: Whether examples are bytes, which the network sees as value / `white`.
        white: 255; 1 where all images of a directory are masks of 0 and 1.
        scalings: How values are changed, one after another.
        image_size: Height and width in pixels that image files are resized to; `None` where they
            keep their own.
        table: What turns rows of a table into numbers and scales them; `None` for other data.
    """

    shape: tuple[int, ...]
    bytewise: bool = False
    white: int = 255
    scalings: tuple[Affine, ...] = ()
    image_size: int | None = None
    table: FittedTable | None = None

    def prepare(self, examples: Any) -> Tensor:
        """Examples as a split holds them, uint8 or float32 `[n, *shape]`.

        Args:
            examples: Of a table a pandas data frame with at least its columns. Else arrays
                `[n, *shape]` of NumPy, torch or lists, images also `[n, h, w]` or `[n, h, w, c]`,
                signals of one channel also `[n, length]`, rows also a data frame; or paths of
                image files.

        Raises:
            DataError: Another shape; columns that are missing, levels that are unknown; values that
                are no numbers, or that are not finite; bytes beyond 0 … 255; a file that cannot be
                read.
        """
        if self.table is not None:
            return torch.from_numpy(self._of_table(self.table, examples))
        values = self._numbers(self._read(examples))
        arranged = self._arranged(values)
        if self.bytewise:
            return torch.from_numpy(
                np.array(arranged, dtype=np.uint8) * np.uint8(255 // self.white)
            )
        changed = np.array(arranged, dtype=np.float64 if self.scalings else np.float32)
        for scaling in self.scalings:
            changed = scaling.apply(changed)
        if not np.isfinite(changed).all():
            raise DataError("values are too great for what they are scaled by: check their units")
        return torch.from_numpy(np.ascontiguousarray(changed, dtype=np.float32))

    def restore(self, outputs: NDArray[np.float32], like: Any) -> Any:
        """A network's outputs in the units, the arrangement and the container of what went in.

        Args:
            outputs: In values as the network sees them, `[n, *shape]`.
            like: The examples that were prepared.

        Returns:
            A data frame for one, else an array; uint8 where the network takes bytes.
        """
        if self.table is not None:
            return self.table.restore(outputs, like)
        if self.bytewise:
            values: NDArray[Any] = np.rint(
                np.clip(outputs * float(self.white), 0, self.white)
            ).astype(np.uint8)
        else:
            values = outputs
            for scaling in reversed(self.scalings):
                values = scaling.undo(values)
        given = () if _paths_in(like) else _shape_of(like)
        if given and given[1:] != self.shape:
            values = values[:, 0] if len(given) == len(self.shape) else np.moveaxis(values, 1, -1)
        if _is_frame(like):
            return like.__class__(values, index=like.index, columns=like.columns)
        return values

    def to_text(self) -> str:
        """The same as JSON; `from_text` reads it back, to the last digit."""
        values = {
            "version": VERSION,
            "shape": self.shape,
            "dtype": DTYPES[self.bytewise],
            "white": self.white,
            "image_size": self.image_size,
            "scalings": [scaling.to_dict() for scaling in self.scalings],
            "table": None if self.table is None else self.table.to_dict(),
        }
        return json.dumps(with_checksum(values), indent=2)

    @classmethod
    def from_text(cls, text: str) -> "Preprocessing":
        """Reads what `to_text` wrote.

        Raises:
            DataError: It is damaged, or of a later version.
        """
        try:
            values = json.loads(text)
            if values["version"] > VERSION:
                raise DataError(
                    "it was written by a later version of asymnas: read it with that one"
                )
            values = checked(values, "it")
            return cls(
                shape=tuple(values["shape"]),
                bytewise=values["dtype"] == DTYPES[True],
                white=values.get("white", 255),
                scalings=tuple(map(Affine.from_dict, values["scalings"])),
                image_size=values["image_size"],
                table=None if values["table"] is None else FittedTable.from_dict(values["table"]),
            )
        except DamageError as error:
            raise DataError(str(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"it is damaged ({type(error).__name__}: {error})") from error

    def _of_table(self, table: FittedTable, frame: Any) -> NDArray[np.float32]:
        """Rows of a table as the network takes them, `[n, k]`."""
        if not _is_frame(frame) or len(frame) == 0:
            given = "a data frame without rows" if _is_frame(frame) else f"a {_type_of(frame)}"
            names = listed([column.name for column in table.columns])
            raise DataError(
                f"the network takes rows of a table but got {given}: give a pandas data frame with "
                f"the columns {names}"
            )
        rows = table.transform(frame)
        if not np.isfinite(rows).all():
            raise DataError("values are too great for what they are scaled by: check their units")
        return rows

    def _read(self, examples: Any) -> NDArray[Any]:
        """Whatever was given as one array."""
        if paths := _paths_in(examples):
            if len(self.shape) != 3:
                raise DataError(
                    f"the network takes {self._wanted()} but got {str(paths[0])!r}: read the file, "
                    "and give what is in it"
                )
            images = [read_image(path, self.image_size).pixels[0] for path in paths]
            for path, image in zip(paths, images, strict=True):
                if image.shape != self.shape:
                    raise DataError(
                        f"the network takes {self._wanted()} but {path} has the shape "
                        f"{image.shape}: convert it"
                    )
            return np.stack(images)
        if isinstance(examples, Tensor):
            return examples.detach().cpu().numpy()
        if _is_frame(examples):
            return self._of_frame(examples)
        try:
            return np.asarray(examples)
        except ValueError as error:  # lists of unlike lengths
            raise DataError(
                f"the network takes {self._wanted()} but got examples of unlike shapes: make them "
                "alike"
            ) from error

    def _of_frame(self, frame: Any) -> NDArray[Any]:
        if len(self.shape) != 1:
            raise DataError(
                f"the network takes {self._wanted()} but got a data frame: give an array"
            )
        if frame.shape[1] != self.shape[0]:
            raise DataError(
                f"the network takes {self._wanted()} but the data frame has {frame.shape[1]} "
                f"column(s) ({listed(list(frame.columns))}): give those that were trained on"
            )
        values: NDArray[Any] = frame.to_numpy()
        if values.dtype == object:  # columns of several types, perhaps all of them numbers
            try:
                values = values.astype(np.float64)
            except (ValueError, TypeError) as error:
                raise DataError(
                    f"the data frame holds what is no number ({error}): give numbers"
                ) from error
        return values

    def _numbers(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values, once they are finite numbers."""
        if values.dtype.kind not in "biuf":
            raise DataError(
                f"the network takes {self._wanted()} but got an array of {values.dtype}: give real "
                "numbers"
            )
        if self.bytewise:
            whole = values.dtype.kind in ("iub" if self.white == 1 else "iu")
            if values.dtype.kind == "f" and values.size and values.max() > 1:
                whole = bool((values == np.rint(values)).all())  # bytes stored as floats
            if not whole or (values.size and (values.min() < 0 or values.max() > self.white)):
                span = f"from {values.min():g} to {values.max():g}" if values.size else "none"
                raise DataError(
                    f"the network takes {self._wanted()} of whole numbers from 0 to {self.white}, "
                    f"such as uint8, but got {values.dtype} with values {span}: convert them"
                )
            return values
        if bad := int((~np.isfinite(values)).sum()):
            raise DataError(f"{bad} value(s) are NaN or infinite: fill or remove them")
        return values

    def _arranged(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values as `[n, *shape]`."""
        channels, *rest = self.shape
        own = values.shape[1:] if values.size else ()
        if own == self.shape:
            return values
        if rest and channels == 1 and own == tuple(rest):
            return values[:, None]
        if len(rest) == 2 and own == (*rest, channels):
            return np.moveaxis(values, -1, 1)
        alone = ": put one example into an array, as in x[None]"
        raise DataError(
            f"the network takes {self._wanted()} but got an array of shape {values.shape}"
            + (alone if values.shape == self.shape else f": give {self._shapes()}")
        )

    def _wanted(self) -> str:
        """What the network takes, in words."""
        if len(self.shape) == 1:
            return f"rows of {self.shape[0]} value(s)"
        if len(self.shape) == 2:
            return f"signals of {self.shape[0]} channel(s), {self.shape[1]} samples"
        channels, height, width = self.shape
        return f"images of {channels} channel(s), {height} by {width} pixels"

    def _shapes(self) -> str:
        """The shapes that are taken."""
        channels, *rest = self.shape
        forms = [self.shape]
        if len(rest) == 2:
            forms.append((*rest, channels))
        if rest and channels == 1:
            forms.append(tuple(rest))
        return " or ".join(f"(n, {', '.join(map(str, form))})" for form in forms)


def kept_as_it_is(shape: Sequence[int], dtype: torch.dtype) -> Preprocessing:
    """For examples that are given to the network as they are."""
    return Preprocessing(shape=tuple(shape), bytewise=dtype == torch.uint8)


def _is_frame(examples: Any) -> bool:
    """Whether it is a pandas data frame; pandas is not imported for that."""
    return hasattr(examples, "columns") and hasattr(examples, "iloc")


def _paths_in(examples: Any) -> list[Path]:
    """The paths, if that is what was given."""
    if isinstance(examples, str | os.PathLike):
        return [expanded(examples)]
    several = isinstance(examples, list | tuple)
    if several and all(isinstance(example, str | os.PathLike) for example in examples):
        return [expanded(example) for example in examples]
    return []


def _type_of(examples: Any) -> str:
    return f"{type(examples).__module__}.{type(examples).__qualname__}".removeprefix("builtins.")


def _shape_of(examples: Any) -> tuple[int, ...]:
    shape = getattr(examples, "shape", None)
    return tuple(np.shape(examples) if shape is None else shape)
