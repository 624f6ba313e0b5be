"""One column of a table: numbers, dates or text, judged by all that it holds."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.data.written import Mark, Written, read_written

MISSING = "(missing)"
PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_EPOCH = datetime.datetime(1970, 1, 1)

Kind = Literal["numbers", "dates", "levels", "free text"]


class Column(NamedTuple):
    """A column before it is fitted.

    Args:
        kind: What it was taken for.
        values: Numbers and dates as float64 `[n]`, NaN where missing; else text, `[n]`.
        missing: Number of missing values.
        how: How numbers were written in text ("decimal commas"); empty for plain ones.
        decimal: The decimal mark of numbers that were written in text; empty where there was none.
    """

    kind: Kind
    values: NDArray[Any]
    missing: int
    how: str = ""
    decimal: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How cells are read.

    Args:
        typed: Whether the table has types of its own, as Parquet files do and CSV files do not.
            Text then stays text, except for dates such as `2024-05-31`.
        decimal: The decimal mark of numbers in text, where it is known.
        text: Columns that are text whatever they hold.
    """

    typed: bool = True
    decimal: Mark | None = None
    text: Collection[str] = ()


TYPED = Reading()


def read_columns(frame: Any, reading: Reading) -> dict[str, Column]:
    """Reads all columns of a pandas data frame `[n, columns]`, in its order.

    Raises:
        DataError: A column holds infinite numbers, numbers or dates mixed with other text, or what
            is neither number, text, truth value, date nor time; the message names it.
    """
    text = set(reading.text)
    names = list(frame.columns)
    plain = [
        place
        for place, (name, dtype) in enumerate(zip(names, frame.dtypes, strict=True))
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf" and name not in text
    ]
    numbers = frame.iloc[:, plain].to_numpy(dtype=np.float64)  # at once: there may be many
    gaps, infinite = np.isnan(numbers).sum(axis=0), np.isinf(numbers).sum(axis=0)
    columns: dict[str, Column] = {}
    for place, column in enumerate(plain):
        _check_infinite(names[column], int(infinite[place]))
        columns[names[column]] = Column("numbers", numbers[:, place], int(gaps[place]))
    return {
        name: columns[name] if name in columns else read_column(frame[name], reading)
        for name in names
    }


def read_column(column: Any, reading: Reading = TYPED) -> Column:
    """Reads a pandas Series `[n]`; see `read_columns`."""
    missing = int(column.isna().sum())
    if column.name in reading.text:
        return Column("levels", _as_text(column), missing)
    read = _typed(column)
    if read is None and missing == len(column):
        read = Column("numbers", np.full(len(column), np.nan), missing)
    if read is None:
        read = _written(column, reading) or Column("levels", _as_text(column), missing)
    if read.kind != "levels":
        _check_infinite(column.name, int(np.isinf(read.values).sum()))
    return read


def _check_infinite(name: str, count: int) -> None:
    if count:
        raise DataError(f"{count} infinite value(s) in {name}: fill or drop them")


def _typed(column: Any) -> Column | None:
    """What is numbers or dates by its type, and categories; `None` for text.

    Raises:
        DataError: A type that there is no rule for.
    """
    import pandas as pd

    missing = int(column.isna().sum())
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Column("levels", _as_text(column), missing)
    held = pd.api.types.infer_dtype(column, skipna=True)
    if held in ("integer", "floating", "mixed-integer-float", "boolean", "decimal"):
        return Column("numbers", column.to_numpy(dtype=float, na_value=np.nan), missing)
    if held == "datetime64" and isinstance(column.dtype, np.dtype | pd.DatetimeTZDtype):
        return Column("dates", _days_of(column), missing)
    if held in ("datetime64", "datetime", "date"):
        return Column("dates", _each(column, _day), missing)
    if held in ("timedelta64", "timedelta"):
        return Column("dates", _spans(column), missing)
    if held == "time":
        return Column("numbers", _each(column, _time_of_day), missing)
    if held in ("string", "empty"):
        return None
    raise DataError(
        f"column {column.name} holds values of type {held}: it must hold numbers, text, truth "
        f"values or dates; write them so, or leave it out with ?drop={column.name}"
    )


def _written(column: Any, reading: Reading) -> Column | None:
    """Text as numbers, truth values or dates where that is what it holds; `None` for text.

    Raises:
        DataError: It is unclear what it holds.
    """
    import pandas as pd

    codes, cells = pd.factorize(column)
    cells = [str(cell) for cell in cells]
    if reading.typed:
        if not all(len(cell) >= 10 and cell[4:5] == "-" == cell[7:8] for cell in cells):
            return None
        read = read_written(cells)
        if not isinstance(read, Written) or read.kind != "dates":
            return None
    elif all(cell.strip().lower() in ("true", "false") for cell in cells):
        truth = np.array([float(cell.strip().lower() == "true") for cell in cells])
        read = Written("numbers", truth)
    else:
        read = read_written(cells, reading.decimal)
    if read is None:
        return None
    if not isinstance(read, Written):
        raise DataError(
            f"column {column.name} {read.why}: {read.remedy}; ?text={column.name} takes it as "
            f"text, ?drop={column.name} leaves it out"
        )
    values = np.append(read.values, np.nan)[codes]
    return Column(read.kind, values, int(np.isnan(values).sum()), read.how, read.decimal)


def _as_text(column: Any) -> NDArray[Any]:
    """Every cell as text, `[n]`; whole numbers without a point, as whichever type has them."""
    text = column.astype(object).where(column.notna(), MISSING)
    cells: NDArray[Any] = text.map(_text).to_numpy(dtype=object)
    return cells


def _text(cell: Any) -> str:
    whole = isinstance(cell, float | np.floating) and float(cell).is_integer()
    return str(int(cell)) if whole else str(cell)


def _days_of(dates: Any) -> NDArray[np.float64]:
    """Days since 1970, of a Series of pandas's own dates in any unit; `[n]`."""
    import pandas as pd

    if isinstance(dates.dtype, pd.DatetimeTZDtype):
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    return _in_days(dates.to_numpy())


def _spans(spans: Any) -> NDArray[np.float64]:
    """Days that time spans take, `[n]`."""
    values = spans.to_numpy()
    if values.dtype.kind != "m":
        return _each(spans, lambda span: span / datetime.timedelta(days=1))
    return _in_days(values)


def _in_days(values: NDArray[Any]) -> NDArray[np.float64]:
    """NumPy's dates or time spans `[n]` as days; not by way of nanoseconds, which end in 2262."""
    unit, step = np.datetime_data(values.dtype)
    if unit not in PER_DAY:
        values, unit = values.astype(f"{values.dtype.kind}8[s]"), "s"
    days = values.astype(np.int64) * step / PER_DAY[unit]
    return np.where(np.isnat(values), np.nan, days)


def _each(column: Any, change: Any) -> NDArray[np.float64]:
    """What becomes of each Python object, NaN where missing; `[n]`."""
    there = column.notna().to_numpy()
    values = np.full(len(column), np.nan)
    values[there] = [change(cell) for cell in column.to_numpy(dtype=object)[there]]
    return values


def _day(date: Any) -> float:
    """Days from 1970 to a date, or to a time of a date."""
    if not isinstance(date, datetime.datetime):
        return float(date.toordinal() - _EPOCH.toordinal())
    if date.tzinfo is not None:
        date = date.astimezone(datetime.UTC).replace(tzinfo=None)
    return float((date - _EPOCH) / datetime.timedelta(days=1))


def _time_of_day(time: datetime.time) -> float:
    """The part of a day that has passed."""
    seconds = 3600 * time.hour + 60 * time.minute + time.second
    return (seconds + time.microsecond / 1e6) / 86_400


def as_entries(column: Any, reading: Reading) -> NDArray[Any]:
    """A column of labels, anomalies or groups `[n]`: numbers or truth values as such, else text.

    Raises:
        DataError: Missing values.
    """
    from pandas.api.types import infer_dtype

    if column.isna().any():
        raise DataError(f"column {column.name!r} lacks {int(column.isna().sum())} value(s)")
    held = infer_dtype(column)
    if held == "boolean":
        return np.asarray(column.to_numpy(), dtype=bool)
    if held in ("integer", "floating", "mixed-integer-float"):
        numbers: NDArray[Any] = column.to_numpy()
        return numbers
    text = column.map(str)
    if not reading.typed:
        read = read_written(list(text.unique()))  # in the order of factorize's codes
        if isinstance(read, Written) and read.kind == "numbers" and not read.how:
            codes = text.factorize()[0]
            return np.asarray(read.values[codes])
    entries: NDArray[Any] = text.to_numpy(dtype="U")
    return entries
