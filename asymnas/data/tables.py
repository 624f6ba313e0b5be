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
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed
from asymnas.data.anomalies import class_ids, truth_values
from asymnas.data.base import Dataset, to_dataset
from asymnas.data.scaling import standardise, value_range, varying
from asymnas.data.splits import draw

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


OPTIONS = ("label", "anomaly")  # of a data set's name: FILE?label=COLUMN&anomaly=COLUMN


def table_dataset(
    frame: Any, spec: DataSpec, options: Mapping[str, str], notes: list[str]
) -> Dataset:
    """Rows, float32 `[n, columns]`, encoded and standardised on the training split alone.

    Args:
        frame: A pandas data frame.
        spec: Says where the frame comes from, and the seed of the splits.
        options: The columns that are the label and the anomaly, which leave the table.
        notes: What was done to the frame before.

    Raises:
        DataError: No rows or too few; columns that are called alike, that are not there or cannot
            be encoded; nothing that varies.
    """
    from pandas import RangeIndex

    where = spec.argument
    frame = frame.set_axis(RangeIndex(len(frame))).set_axis(frame.columns.map(str), axis=1)
    _refuse_unusable(frame, where, options)
    labels, anomalies = None, None
    if "label" in options:
        labels = class_ids(_array(frame[options["label"]]), f"label column {options['label']!r}")
    if "anomaly" in options:
        what = f"anomaly column {options['anomaly']!r}"
        anomalies = truth_values(_array(frame[options["anomaly"]]), what)
    rows = draw(len(frame), spec.seed, labels=labels, anomalous=anomalies)
    encoded = _encoded(frame.drop(columns=list(set(options.values()))), rows.train, where)
    matrix, constant, left_out = _matrix(encoded, rows.train, where)
    scaled = standardise(rows.take(matrix))
    used = {name: column for name, column in encoded.items() if name not in constant}
    told = [f"{role}: column {name}" for role, name in options.items()]
    notes = [*notes, *told, *left_out, *_told(used), "standardised on the training split"]
    return to_dataset(
        scaled,
        labels=None if labels is None else rows.take(labels),
        anomalies=None if anomalies is None else rows.take(anomalies),
        data_range=value_range(scaled.train),
        notes=notes,
    )


def _refuse_unusable(frame: Any, where: str, options: Mapping[str, str]) -> None:
    """Raises unless there are rows, columns of distinct names, and the columns asked for."""
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise DataError(f"{where} has columns that are called alike: {listed(twice)}; rename them")
    if len(frame) == 0:
        raise DataError(f"{where} has a header but no rows: add some")
    for option, name in options.items():
        if name not in frame.columns:
            raise DataError(
                f"{where} has no column {name!r} to be the {option}; there are: "
                f"{listed(list(frame.columns), 20)}"
            )


def _array(column: Any) -> NDArray[Any]:
    """A column of labels or anomalies `[n]`: numbers or truth values as such, else text."""
    from pandas.api.types import infer_dtype

    numeric = infer_dtype(column) in ("integer", "floating", "mixed-integer-float", "boolean")
    if column.isna().any():
        raise DataError(f"column {column.name!r} lacks {int(column.isna().sum())} value(s)")
    array: NDArray[Any] = column.to_numpy() if numeric else column.map(str).to_numpy(dtype="U")
    return array.astype(bool) if infer_dtype(column) == "boolean" else array


def _encoded(frame: Any, train: NDArray[np.int64], where: str) -> dict[str, Encoded]:
    """Every column as numbers, by its name."""
    try:
        return {name: encode(frame[name], train) for name in frame.columns}
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _matrix(
    encoded: Mapping[str, Encoded], train: NDArray[np.int64], where: str
) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """All columns that vary on the training rows, `[n, columns]`; the others; what to note."""
    free = [name for name, column in encoded.items() if column.kind == "free text"]
    used = {name: column.values for name, column in encoded.items() if name not in free}
    if not used:
        raise DataError(
            f"{where} has no column to learn from, {'only free text' if free else 'none is left'}"
            f"{f' ({listed(free)})' if free else ''}: add numbers, or text of a few levels"
        )
    matrix = np.concatenate(list(used.values()), axis=1)
    try:
        keep = varying(matrix[train])
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    owners = np.repeat(np.array(list(used), dtype=object), [v.shape[1] for v in used.values()])
    constant = [name for name in used if name not in set(owners[keep])]
    notes = [f"constant on the training split, left out: {listed(constant)}"] if constant else []
    if free:
        notes.append(f"free text, left out: {listed(free)}")
    return matrix[:, keep], constant, notes


def _told(encoded: Mapping[str, Encoded]) -> list[str]:
    """How columns that are no plain numbers were read, and what was missing."""
    levels = [
        f"{name} ({column.values.shape[1] - column.other}{' and other' if column.other else ''})"
        for name, column in encoded.items()
        if column.kind == "levels"
    ]
    dates = [name for name, column in encoded.items() if column.kind == "dates"]
    gaps = {name: column for name, column in encoded.items() if column.missing}
    filled = [f"{n} ({c.missing})" for n, c in gaps.items() if c.kind in ("numbers", "dates")]
    own = [f"{n} ({c.missing})" for n, c in gaps.items() if c.kind == "levels"]
    told = {
        f"levels as columns, the {LEVELS} most common at most": levels,
        "dates as days": dates,
        "missing, filled with the training split's median": filled,
        "missing, a level of its own": own,
    }
    return [f"{what}: {listed(names)}" for what, names in told.items() if names]
