"""What was fitted on the training rows of a table, and turns any rows of it into a network's input.

Numbers and dates come first, then levels, both in the order of the table. A missing number becomes
the training rows' median, text a column of ones and zeros per level, and every column is
standardised.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.core.text import listed
from asymnas.data.columns import MISSING, PER_DAY, Column, Kind, Reading, read_columns
from asymnas.data.scaling import standard_scaler, varying

LEVELS = 20  # most columns that a column of text becomes, `other` included
COMMON = 0.01  # of the training rows
OTHER = "(other)"
FARTHEST = 5e7  # days from 1970 to what is still given as a date


class FittedColumn(NamedTuple):
    """One column of a table that is used.

    Args:
        name: Its name in the table.
        kind: Numbers, dates or levels.
        fill: What stands for a missing number: the training rows' median.
        levels: The levels that have a column of their own, of text.
        other: Whether all other levels share a column, of text.
        decimal: The decimal mark of numbers that were written in text; empty for none.
        rare: Where `other` has no column, the levels of the data that have none of their own.
    """

    name: str
    kind: Kind
    fill: float = 0.0
    levels: tuple[str, ...] = ()
    other: bool = False
    decimal: str = ""
    rare: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Columns that it becomes."""
        return len(self.levels) + self.other if self.kind == "levels" else 1


@dataclass(frozen=True, eq=False)
class FittedTable:
    """Turns rows of a table into rows of float32; plain values, which can be written as JSON.

    Args:
        columns: What is used of the table, numbers and dates first, then levels.
        mean: What is subtracted from each of the k columns, `[k]`.
        scale: What it is then divided by, `[k]`.
    """

    columns: tuple[FittedColumn, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def features(self) -> list[str]:
        """Names of the k columns: `age`, `town=Ulm`, `town=(other)`."""
        names: list[str] = []
        for column in self.columns:
            if column.kind == "levels":
                names += [f"{column.name}={level}" for level in column.levels]
                names += [f"{column.name}={OTHER}"] if column.other else []
            else:
                names.append(column.name)
        return names

    def transform(self, frame: Any, *, typed: bool = False) -> NDArray[np.float32]:
        """New rows as the network takes them, `[n, k]`.

        Args:
            frame: A pandas data frame with at least the columns that are used, in any order.
            typed: Whether text stays text where numbers are expected.

        Raises:
            DataError: A column is not there or twice, holds something else than it did in
                training, or a level that the data had not.
        """
        from pandas import RangeIndex

        frame = frame.set_axis(RangeIndex(len(frame))).set_axis(frame.columns.map(str), axis=1)
        names = [column.name for column in self.columns]
        if lacking := [name for name in names if name not in frame.columns]:
            raise DataError(f"rows lack the column(s) {listed(lacking)}: add them")
        if twice := [name for name in names if (frame.columns == name).sum() > 1]:
            raise DataError(f"rows have two columns called {listed(twice)}: rename one")
        marks = {column.decimal for column in self.columns} - {""}
        reading = Reading(
            typed=typed,
            decimal="," if marks == {","} else "." if marks == {"."} else None,
            text=[column.name for column in self.columns if column.kind == "levels"],
        )
        read = read_columns(frame[names], reading)
        for column in self.columns:
            given = read[column.name]
            if given.kind != column.kind and given.missing < len(frame):
                raise DataError(
                    f"column {column.name} holds {given.kind} but held {column.kind} in training"
                )
            _check_levels(column, given.values)
        return self.scaled(encode(self.columns, read))

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Standardises columns `[n, k]`."""
        with np.errstate(over="ignore", invalid="ignore"):
            return ((values - self.mean) / self.scale).astype(np.float32)

    def restore(self, scaled: NDArray[Any], like: Any) -> Any:
        """Rows as a network puts them out, in the table's own units.

        Args:
            scaled: `[n, k]`.
            like: The frame that was transformed.

        Returns:
            A data frame of the columns that are used, in the order and with the index of `like`.
            Of a column of text it has the level that comes out highest, of dates the time to the
            microsecond, of whole numbers and truth values a number.
        """
        from pandas import DataFrame

        values = scaled.astype(np.float64) * self.scale + self.mean
        ends = np.cumsum([column.width for column in self.columns])
        restored = {
            column.name: _restored(column, part, like[_named(like, column.name)])
            for column, part in zip(self.columns, np.split(values, ends[:-1], axis=1), strict=True)
        }
        names = [str(name) for name in like.columns if str(name) in restored]
        frame = DataFrame({name: restored[name] for name in names}, index=like.index)
        return frame.set_axis([_named(like, name) for name in names], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "columns": [column._asdict() for column in self.columns],
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FittedTable":
        """Reads what `to_dict` wrote."""
        columns = [
            FittedColumn(**{**c, "levels": tuple(c["levels"]), "rare": tuple(c.get("rare", ()))})
            for c in values["columns"]
        ]
        return cls(tuple(columns), np.array(values["mean"]), np.array(values["scale"]))


def fit_table(
    columns: Mapping[str, Column], train: NDArray[np.int64]
) -> tuple[FittedTable, NDArray[np.float64]]:
    """Fits the rules on the training rows.

    Args:
        columns: What was read of each column, by its name; those of free text are left out.
        train: Indices of the training rows.

    Returns:
        What was fitted, and all rows before they are standardised, `[n, k]`.

    Raises:
        DataError: Nothing varies on the training rows, or values are too great.
    """
    fitted = fit_columns(columns, train)
    values = encode(fitted, columns)
    keep = varying(values[train])
    values = values[:, keep]
    scaler = standard_scaler(values[train])
    return FittedTable(_kept(fitted, keep), scaler.mean_, scaler.scale_), values


def fit_columns(
    columns: Mapping[str, Column], train: NDArray[np.int64]
) -> tuple[FittedColumn, ...]:
    """The medians of numbers and dates, then the levels of text; see `fit_table`."""
    numbers = {n: c for n, c in columns.items() if c.kind in ("numbers", "dates")}
    levels = {n: c for n, c in columns.items() if c.kind == "levels"}
    return (*_fitted_numbers(numbers, train), *_fitted_levels(levels, train))


def encode(fitted: Sequence[FittedColumn], columns: Mapping[str, Column]) -> NDArray[np.float64]:
    """Columns as finite numbers before they are standardised, `[n, k]`."""
    parts: list[NDArray[np.float64]] = []
    numbers = [column for column in fitted if column.kind != "levels"]
    if numbers:
        values = np.column_stack([columns[column.name].values for column in numbers])
        fills = np.array([column.fill for column in numbers])
        parts.append(np.where(np.isnan(values), fills, values))
    for column in fitted[len(numbers) :]:
        cells = columns[column.name].values
        own = [np.asarray(cells == level) for level in column.levels]
        if column.other:
            own.append(~np.isin(cells, column.levels))
        parts.append(np.column_stack(own).astype(np.float64))
    return np.column_stack(parts)


def least_common(n_train: int) -> int:
    """Training rows that a level needs for a column of its own."""
    return max(2, math.ceil(COMMON * n_train))


def _fitted_numbers(columns: Mapping[str, Column], train: NDArray[np.int64]) -> list[FittedColumn]:
    from sklearn.impute import SimpleImputer

    if not columns:
        return []
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    imputer.fit(np.column_stack([column.values for column in columns.values()])[train])
    fills = np.nan_to_num(imputer.statistics_).tolist()
    return [
        FittedColumn(name, column.kind, fill, decimal=column.decimal)
        for (name, column), fill in zip(columns.items(), fills, strict=True)
    ]


def _fitted_levels(columns: Mapping[str, Column], train: NDArray[np.int64]) -> list[FittedColumn]:
    from sklearn.preprocessing import OneHotEncoder

    if not columns:
        return []
    least = least_common(len(train))
    encoder = OneHotEncoder(
        max_categories=LEVELS,
        min_frequency=least,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    encoder.fit(np.column_stack([column.values[train] for column in columns.values()]))
    fitted = []
    for (name, column), known, rare in zip(
        columns.items(), encoder.categories_, encoder.infrequent_categories_, strict=True
    ):
        rarer = set() if rare is None else set(rare)
        levels = tuple(level for level in known if level not in rarer)
        shared = len(train) - int(np.isin(column.values[train], levels).sum())
        other = shared >= least
        unseen = () if other else tuple(sorted(set(column.values) - set(levels)))
        fitted.append(FittedColumn(name, "levels", levels=levels, other=other, rare=unseen))
    return fitted


def _check_levels(column: FittedColumn, cells: NDArray[Any]) -> None:
    """Raises for levels that the data had not, unless rarer levels share a column."""
    if column.kind != "levels" or column.other:
        return
    if unknown := sorted(set(cells) - {*column.levels, *column.rare}):
        raise DataError(
            f"column {column.name} has the level(s) {listed([repr(u) for u in unknown])}, which "
            f"the data of the run had not; it had {listed([repr(v) for v in column.levels])}"
        )


def _named(frame: Any, name: str) -> Any:
    """What a frame itself calls the column of a name, which may be a number."""
    return next(own for own in frame.columns if str(own) == name)


def _restored(column: FittedColumn, values: NDArray[np.float64], like: Any) -> Any:
    """A column in its own units, from the columns `[n, width]` that it had become."""
    from pandas.api.types import infer_dtype

    if column.kind == "numbers":
        return values[:, 0]
    if column.kind == "levels":
        names = [*column.levels, *([OTHER] if column.other else [])]
        cells = np.array([None if name == MISSING else name for name in names], dtype=object)
        highest: NDArray[Any] = cells[values.argmax(axis=1)]
        if column.rare:  # a row of zeros
            highest[values.max(axis=1) < 0.5] = OTHER
        return highest
    days = np.where(np.abs(values[:, 0]) < FARTHEST, values[:, 0], np.nan)
    spans = infer_dtype(like, skipna=True) in ("timedelta64", "timedelta")
    ticks = np.nan_to_num(np.rint(days * PER_DAY["us"])).astype(np.int64)
    times = ticks.astype("timedelta64[us]" if spans else "datetime64[us]")
    return np.where(np.isnan(days), np.array("NaT", dtype=times.dtype), times)


def _kept(columns: tuple[FittedColumn, ...], keep: NDArray[np.bool_]) -> tuple[FittedColumn, ...]:
    """What is left of columns without those of the k that are constant."""
    left, place = [], 0
    for column in columns:
        mine = keep[place : place + column.width]
        place += column.width
        if not mine.any():
            continue
        if column.kind == "levels":
            levels = tuple(
                level
                for level, kept in zip(column.levels, mine, strict=False)  # `other` stands last
                if kept
            )
            column = column._replace(levels=levels, other=column.other and bool(mine[-1]))
        left.append(column)
    return tuple(left)
