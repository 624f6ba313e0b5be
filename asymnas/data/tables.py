"""Columns of a table as numbers, by rules that are fitted on the training rows alone.

* Numbers and truth values stay as they are; a missing one becomes the training rows' median. There
  is no column that marks which were missing: it would be one more thing to reconstruct, as heavy
  as a measured column, and is not what the table is about.
* Dates and times become days since 1970, time spans become days: an order with distances. Text is
  read as dates if all of it is in ISO 8601 (`2024-05-31`, `2024-05-31T12:00`).
* Text and pandas's categories become columns of zeros and ones, one per level, for levels that at
  least `COMMON` of the training rows (and two) have. A rarer level, once standardised, would reach
  10 and more and dominate the squared error. Rarer levels together, and the least common ones
  beyond `LEVELS` columns, are `other`, which has a column if it is as common. A missing value is a
  level like any other.
* Text of which no value is that common is free text: it is left out.
* A column that is constant on the training rows is left out. All others are standardised.

Numbers and dates come first, then levels, both in the order of the table.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed
from asymnas.data.anomalies import class_ids, truth_values
from asymnas.data.base import Dataset, to_dataset
from asymnas.data.scaling import standardise, value_range, varying
from asymnas.data.splits import draw, draw_groups

LEVELS = 20  # most columns that a column of text becomes, `other` included
COMMON = 0.01  # of the training rows
MISSING = "(missing)"
OPTIONS = ("label", "anomaly", "group")  # of a data set's name: FILE?label=COLUMN&group=COLUMN

Kind = Literal["numbers", "dates", "levels", "free text"]


class Column(NamedTuple):
    """A column before it is fitted.

    Args:
        kind: What it was taken for.
        values: Numbers and dates as float64 `[n]`, NaN where missing; else text, `[n]`.
        missing: Number of missing values.
    """

    kind: Kind
    values: NDArray[Any]
    missing: int


class Encoded(NamedTuple):
    """All columns of a table as numbers.

    Args:
        values: `[n, k]`, finite.
        owners: The name of the table's column that each of the k belongs to, `[k]`.
        other: Which of the k stand for the rarer levels of their column, `[k]`.
    """

    values: NDArray[np.float64]
    owners: NDArray[Any]
    other: NDArray[np.bool_]


def table_dataset(
    frame: Any, spec: DataSpec, options: Mapping[str, str], notes: Sequence[str]
) -> Dataset:
    """Rows, float32 `[n, columns]`, encoded and standardised on the training split alone.

    Args:
        frame: A pandas data frame.
        spec: Says where the frame comes from, and the seed of the splits.
        options: The columns that are the label, the anomaly and the group (what rows belong to,
            such as a patient), which leave the table.
        notes: What was done to the frame before.

    Raises:
        DataError: No rows or too few; columns that are called alike, that are not there or cannot
            be encoded; nothing that varies.
    """
    from pandas import RangeIndex

    where = spec.argument
    frame = frame.set_axis(RangeIndex(len(frame))).set_axis(frame.columns.map(str), axis=1)
    _check_frame(frame, where, options)
    labels, anomalies = None, None
    if "label" in options:
        labels = class_ids(_array(frame[options["label"]]), f"label column {options['label']!r}")
    if "anomaly" in options:
        what = f"anomaly column {options['anomaly']!r}"
        anomalies = truth_values(_array(frame[options["anomaly"]]), what)
    groups = None
    if "group" in options:
        groups = class_ids(_array(frame[options["group"]]), f"group column {options['group']!r}")
        rows = draw_groups(groups, spec.seed, anomalous=anomalies)
    else:
        rows = draw(len(frame), spec.seed, labels=labels, anomalous=anomalies)
    columns = _columns(frame.drop(columns=list(set(options.values()))), rows.train, where)
    encoded = encode(columns, rows.train)
    try:
        keep = varying(encoded.values[rows.train])
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    scaled = standardise(rows.take(encoded.values[:, keep]))
    roles = [f"{role}: column {name}" for role, name in options.items()]
    done = _notes(columns, encoded, set(encoded.owners[keep]))
    return to_dataset(
        scaled,
        labels=None if labels is None else rows.take(labels),
        anomalies=None if anomalies is None else rows.take(anomalies),
        groups=None if groups is None else rows.take(groups),
        data_range=value_range(scaled.train),
        notes=[*notes, *roles, *done, "standardised on the training split"],
    )


def read_column(column: Any) -> Column:
    """Reads a column as numbers, dates or text.

    Args:
        column: A pandas Series, `[n]`.

    Raises:
        DataError: Infinite numbers, numbers mixed with text, or what is neither number, text,
            truth value nor date.
    """
    missing = int(column.isna().sum())
    numbers, kind = _numbers(column)
    if numbers is None:
        text = column.astype(object).where(column.notna(), MISSING).map(str)
        return Column(kind, text.to_numpy(dtype=object), missing)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise DataError(f"{infinite} infinite value(s) in {column.name}: fill or drop them")
    return Column(kind, numbers, missing)


def encode(columns: Mapping[str, Column], train: NDArray[np.int64]) -> Encoded:
    """Columns as numbers, `[n, k]`, with missing ones filled; free text has none.

    Args:
        columns: What was read of each column, by its name; not all are free text.
        train: Indices of the training rows.
    """
    from pandas import DataFrame
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    numbers = [name for name, c in columns.items() if c.kind in ("numbers", "dates")]
    levels = [name for name, c in columns.items() if c.kind == "levels"]
    encoder = OneHotEncoder(
        max_categories=LEVELS,
        min_frequency=_least(len(train)),
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    transformer = ColumnTransformer(
        [("numbers", imputer, numbers), ("levels", encoder, levels)], sparse_threshold=0.0
    )
    frame = DataFrame({name: columns[name].values for name in (*numbers, *levels)})
    transformer.fit(frame.iloc[train])
    values = transformer.transform(frame)
    owners, other = list(numbers), np.zeros(values.shape[1], dtype=bool)
    if levels:
        fitted = transformer.named_transformers_["levels"]
        for name, known, rare in zip(
            levels, fitted.categories_, fitted.infrequent_categories_, strict=True
        ):
            owners += [name] * (len(known) if rare is None else len(known) - len(rare) + 1)
            other[len(owners) - 1] = rare is not None  # the encoder puts it last
    scarce = other & (values[train].sum(axis=0) < _least(len(train)))
    return Encoded(values[:, ~scarce], np.array(owners, dtype=object)[~scarce], other[~scarce])


def _columns(frame: Any, train: NDArray[np.int64], where: str) -> dict[str, Column]:
    """What each column is; text of which no value is common on the training rows is free text."""
    try:
        columns = {name: read_column(frame[name]) for name in frame.columns}
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    for name, column in columns.items():
        if column.kind == "levels":
            _, counts = np.unique(column.values[train], return_counts=True)
            if counts.max() < _least(len(train)):
                columns[name] = column._replace(kind="free text")
    free = [name for name, column in columns.items() if column.kind == "free text"]
    if len(free) == len(columns):
        raise DataError(
            f"{where} has no column to learn from, {'only free text' if free else 'none is left'}"
            f"{f' ({listed(free)})' if free else ''}: add numbers, or text of a few levels"
        )
    return columns


def _least(n_train: int) -> int:
    """Training rows that a level needs for a column of its own."""
    return max(2, math.ceil(COMMON * n_train))


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


def _check_frame(frame: Any, where: str, options: Mapping[str, str]) -> None:
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


def _notes(columns: Mapping[str, Column], encoded: Encoded, used: set[str]) -> list[str]:
    """How columns that are no plain numbers were read, and what was missing."""
    of_kind = {
        kind: [name for name, column in columns.items() if column.kind == kind and name in used]
        for kind in ("numbers", "dates", "levels")
    }
    free = [name for name, column in columns.items() if column.kind == "free text"]
    with_other = set(encoded.owners[encoded.other])
    sizes = {
        name: int((encoded.owners == name).sum()) - (name in with_other)
        for name in of_kind["levels"]
    }
    gaps = {name: f"{name} ({columns[name].missing})" for name in used if columns[name].missing}
    notes = {
        "constant on the training split, left out": [
            name for name in columns if name not in used and name not in free
        ],
        "free text, left out": free,
        f"text as columns of levels, at most {LEVELS}": [
            f"{name} ({size}{' and other' if name in with_other else ''})"
            for name, size in sizes.items()
        ],
        "dates as days": of_kind["dates"],
        "missing, filled with the training split's median": [
            gaps[n] for n in columns if n in gaps and columns[n].kind != "levels"
        ],
        "missing, a level of its own": [gaps[n] for n in of_kind["levels"] if n in gaps],
    }
    return [f"{what}: {listed(names)}" for what, names in notes.items() if names]
