"""Columns of a table as numbers, by rules that are fitted on the training rows alone.

* Numbers and truth values stay as they are; a missing one becomes the training rows' median. There
  is no column that tells which were missing: it would be one more thing to reconstruct, as heavy
  as a measured column, and is not what the table is about.
* Dates and times become days since 1970, time spans become days: an order with distances. In text
  they are dates if all of them are in ISO 8601 (`2024-05-31`, `2024-05-31T12:00`).
* Text and pandas's categories become one column of zeros and ones a level: for the `LEVELS` levels
  that most training rows have, if at least `COMMON` of these rows (and two) do. A rarer level, once
  standardised, would reach 10 and more and rule the squared error. The rest is `other`, which has
  a column if it is as common. A missing value is a level like any other.
* Text of which no value is that common is free text: it is left out.
"""

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.errors import DataError

LEVELS = 20  # columns a text column becomes, `other` left out
COMMON = 0.01  # of the training rows
MISSING = "(missing)"

Kind = Literal["numbers", "dates", "levels", "free text"]


class Encoded(NamedTuple):
    """A column as numbers.

    Args:
        values: `[n, k]`; no column of its own (k = 0) for free text.
        kind: What it was taken for.
        missing: Values that were missing.
        other: Whether rare levels have a column.
    """

    values: NDArray[np.float64]
    kind: Kind
    missing: int
    other: bool = False


def encode(column: Any, train: NDArray[np.int64]) -> Encoded:
    """A column of a data frame, `[n]`, as numbers.

    Args:
        column: A pandas Series.
        train: Indices of the training rows.

    Raises:
        DataError: Infinite numbers, numbers mixed with text, or what is neither number, text,
            truth value nor date.
    """
    missing = int(column.isna().sum())
    numbers, kind = _numbers(column)
    if numbers is None:
        return _levels(column, train, missing)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise DataError(f"{infinite} infinite value(s) in {column.name}: fill or drop them")
    if missing:
        known = numbers[train][~np.isnan(numbers[train])]
        numbers = np.where(np.isnan(numbers), np.median(known) if len(known) else 0.0, numbers)
    return Encoded(numbers[:, None], kind, missing)


def _numbers(column: Any) -> tuple[NDArray[np.float64] | None, Kind]:
    """Numbers and dates as float64 `[n]` with NaN where missing; `None` for text."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return None, "levels"
    held = pd.api.types.infer_dtype(column, skipna=True)
    if held in ("integer", "floating", "mixed-integer-float", "boolean", "decimal"):
        return column.to_numpy(dtype=float, na_value=np.nan), "numbers"
    if held in ("datetime64", "datetime", "date"):
        return _days(pd.to_datetime(column, utc=True)), "dates"
    if held in ("timedelta64", "timedelta"):
        return (column / pd.Timedelta("1D")).to_numpy(dtype=float), "dates"
    if held == "empty":
        return np.full(len(column), np.nan), "numbers"
    if held != "string":
        raise DataError(
            f"column {column.name} holds values of type {held}: it must hold numbers, text, truth "
            "values or dates"
        )
    text = column.dropna()
    dates = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    if dates.notna().all():
        return _days(dates.reindex(column.index)), "dates"
    unread = pd.to_numeric(text, errors="coerce").isna()
    if unread.mean() < 0.5:
        raise DataError(
            f"column {column.name} holds numbers but also {text[unread].iloc[0]!r}: make it a "
            "number, or leave it empty for a missing value"
        )
    return None, "levels"


def _days(dates: Any) -> NDArray[np.float64]:
    """Days since 1970, NaN where missing; `[n]`."""
    import pandas as pd

    days: NDArray[np.float64] = ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta("1D")).to_numpy(
        dtype=float
    )
    return days


def _levels(column: Any, train: NDArray[np.int64], missing: int) -> Encoded:
    """One column of zeros and ones a common level, `[n, k]`."""
    text = column.astype(object).where(column.notna(), MISSING).map(str)
    counts = text.iloc[train].value_counts()
    least = max(2, math.ceil(COMMON * len(train)))
    common = sorted(counts[counts >= least].items(), key=lambda item: (-item[1], item[0]))[:LEVELS]
    kept = [level for level, _ in common]
    if not kept:
        return Encoded(np.empty((len(text), 0)), "free text", missing)
    cells = text.to_numpy(dtype=object)
    ones = np.stack([cells == level for level in kept], axis=1).astype(np.float64)
    rest = 1 - ones.sum(axis=1, keepdims=True)
    other = int(rest[train].sum()) >= least
    values = np.concatenate([ones, rest], axis=1) if other else ones
    return Encoded(values, "levels", missing, other)
