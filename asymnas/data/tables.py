"""Tables as rows of numbers: what each column is, and rules fitted on the training rows alone.

**What a column is** follows from all that it holds, never from the most of it:

* A type of the file decides, where it has types (Parquet, pandas): numbers, truth values, dates,
  times, time spans, categories and text each stay what they are. Text stays text, codes such as
  `007` and years included, unless all of it is dates such as `2024-05-31`.
* In a file of text alone (CSV), cells that are all numbers are numbers, all dates are dates, and
  none of either are text. Numbers may be written for people, with decimal commas, marks between
  thousands, one unit, `%` or a currency (`written.py`). Whole numbers with leading zeros are text.
* Anything between is refused with the column, the first such cell and what to do: numbers beside
  other text (`<5`, `n. a.`), two units, two decimal marks, marks that may be either.
* `?text=COLUMN` takes a column as text, `?drop=COLUMN` leaves it out.

**What becomes of it**, fitted on the training rows:

* Numbers stay as they are, truth values become 1 and 0; a missing one becomes the training rows'
  median. There is no column that marks which were missing: it would be one more thing to
  reconstruct, as heavy as a measured column, and is not what the table is about.
* Dates become days since 1970, time spans days, times of day parts of a day.
* Text and categories become columns of zeros and ones, one per level, for levels that at least
  `COMMON` of the training rows (and two) have. A rarer level, once standardised, would reach 10 and
  more and dominate the squared error. Rarer levels together, and the least common ones beyond
  `LEVELS` columns, are `other`, which has a column if it is as common. A missing value is a level
  like any other.
* Text of which no value is that common is free text: it is left out, with a note. Text of a typed
  file that is free and holds measurements is refused.
* A column that is constant on the training rows is left out. All others are standardised.
* Rows without any value are left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed, plural
from asymnas.data.anomalies import class_ids, truth_values
from asymnas.data.base import Dataset, to_dataset
from asymnas.data.columns import TYPED, Column, Reading, as_entries, read_columns
from asymnas.data.fitted_table import LEVELS, FittedTable, fit_table, least_common
from asymnas.data.preprocessing import Preprocessing
from asymnas.data.scaling import value_range
from asymnas.data.spec import names_in
from asymnas.data.splits import draw, draw_groups
from asymnas.data.written import Written, read_written

#: Options of a data set's name that give a column a role, and those for how columns are read.
ROLES = ("label", "anomaly", "group")
OPTIONS = {**dict.fromkeys(ROLES, "COLUMN"), "text": "COLUMNS", "drop": "COLUMNS"}


def table_dataset(
    frame: Any,
    spec: DataSpec,
    options: Mapping[str, str],
    notes: Sequence[str],
    reading: Reading = TYPED,
    *,
    test: bool = True,
) -> Dataset:
    """Rows, float32 `[n, columns]`, encoded and standardised on the training split alone.

    Args:
        frame: A pandas data frame.
        spec: Says where the frame comes from, and the seed of the splits.
        options: The columns that are the label, the anomaly and the group (what rows belong to,
            such as a patient), which leave the table; those that are text, and those to leave out.
        notes: What was done to the frame before.
        reading: How cells are read.
        test: Whether a test split is drawn; otherwise the validation split stands for it.

    Raises:
        DataError: No rows or too few; columns that are called alike, that are not there or cannot
            be read; nothing that varies.
    """
    where = spec.argument
    roles = {option: name for option, name in options.items() if option in ROLES}
    text, dropped = (names_in(options.get(option, "")) for option in ("text", "drop"))
    frame, empty = _checked(frame, where, roles, {"text": text, "drop": dropped})
    reading = Reading(typed=reading.typed, decimal=reading.decimal, text=text)
    try:
        given = {option: as_entries(frame[name], reading) for option, name in roles.items()}
        rows, labels, anomalies, groups = _split(given, roles, len(frame), spec.seed, test)
        given_away = {*roles.values(), *dropped}
        kept = frame.loc[:, [name not in given_away for name in frame.columns]]
        columns = _columns(kept, rows.train, reading)
        fitted, values = fit_table(columns, rows.train)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    scaled = rows.take(values).map(fitted.scaled)
    done = [
        *notes,
        *([f"left out: {listed(dropped)}"] if dropped else []),
        *([f"{plural(empty, 'row')} without any value left out"] if empty else []),
        *(f"{role}: column {name}" for role, name in roles.items()),
        *_notes(columns, fitted),
        "standardised on the training split",
    ]
    return to_dataset(
        scaled,
        labels=None if labels is None else rows.take(labels),
        anomalies=None if anomalies is None else rows.take(anomalies),
        groups=None if groups is None else rows.take(groups),
        data_range=value_range(scaled.train),
        notes=done,
        preprocessing=Preprocessing(shape=scaled.train.shape[1:], table=fitted),
    )


def _split(
    given: Mapping[str, NDArray[Any]], roles: Mapping[str, str], n: int, seed: int, test: bool
) -> tuple[Any, Any, Any, Any]:
    """Rows of each split; labels, anomalies and groups of all rows `[n]`, or `None`."""
    labels = anomalies = groups = None
    if "label" in given:
        labels = class_ids(given["label"], f"label column {roles['label']!r}")
    if "anomaly" in given:
        anomalies = truth_values(given["anomaly"], f"anomaly column {roles['anomaly']!r}")
    if "group" in given:
        groups = class_ids(given["group"], f"group column {roles['group']!r}")
        return draw_groups(groups, seed, anomalous=anomalies), labels, anomalies, groups
    rows = draw(n, seed, test=test, labels=labels, anomalous=anomalies)
    rows = rows if test else replace(rows, test=rows.validation)
    return rows, labels, anomalies, groups


def _columns(frame: Any, train: NDArray[np.int64], reading: Reading) -> dict[str, Column]:
    """What each column is; text of which no value is common on the training rows is free text."""
    columns = read_columns(frame, reading)
    for name, column in columns.items():
        if column.kind == "levels":
            _, counts = np.unique(column.values[train], return_counts=True)
            if counts.max() < least_common(len(train)):
                if name not in reading.text:
                    _check_free_text(name, column)
                columns[name] = column._replace(kind="free text")
    free = [name for name, column in columns.items() if column.kind == "free text"]
    if len(free) == len(columns):
        raise DataError(
            f"there is no column to learn from, {'only free text' if free else 'none is left'}"
            f"{f' ({listed(free)})' if free else ''}: add numbers, or text of a few levels"
        )
    return columns


def _check_free_text(name: str, column: Column) -> None:
    """Raises for measurements that are written as text."""
    read = read_written(list(dict.fromkeys(column.values)))
    if isinstance(read, Written) and read.kind == "numbers" and (read.values % 1 != 0).any():
        raise DataError(
            f"column {name} is text but holds numbers such as {column.values[0]!r}: store it as "
            f"numbers, or leave it out with ?drop={name}"
        )


def _checked(
    frame: Any, where: str, roles: Mapping[str, str], named: Mapping[str, Sequence[str]]
) -> tuple[Any, int]:
    """The frame with plain names and without empty rows, and how many of these there were.

    Raises:
        DataError: No rows, columns called alike, or columns asked for that are not there.
    """
    from pandas import RangeIndex

    frame = frame.set_axis(frame.columns.map(str), axis=1)
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise DataError(f"{where} has columns that are called alike: {listed(twice)}; rename them")
    if len(frame) == 0:
        raise DataError(f"{where} has a header but no rows: add some")
    known = set(frame.columns)
    asked: dict[str, Sequence[str]] = {f"be the {option}": [name] for option, name in roles.items()}
    asked |= {"take as text": named["text"], "leave out": named["drop"]}
    for purpose, names in asked.items():
        for name in names:
            if name not in known:
                raise DataError(
                    f"{where} has no column {name!r} to {purpose}; there are: "
                    f"{listed(list(frame.columns), 20)}"
                )
    empty = frame.isna().to_numpy().all(axis=1)
    if empty.any() and not empty.all():
        frame = frame[~empty]
    return frame.set_axis(RangeIndex(len(frame))), int(empty.sum()) if not empty.all() else 0


def _notes(columns: Mapping[str, Column], fitted: FittedTable) -> list[str]:
    """How columns that are no plain numbers were read, and what was missing."""
    used = {column.name: column for column in fitted.columns}
    in_order = [used[name] for name in columns if name in used]
    free = [name for name, column in columns.items() if column.kind == "free text"]
    left_out = {*used, *free}
    gaps = {n: f"{n} ({c.missing})" for n, c in columns.items() if c.missing and n in used}
    levels = [column for column in in_order if column.kind == "levels"]
    notes = {
        "constant on the training split, left out": [n for n in columns if n not in left_out],
        "free text, left out": free,
        "read as numbers": [
            f"{name} ({column.how})" for name, column in columns.items() if column.how
        ],
        f"text as columns of levels, at most {LEVELS}": [
            f"{c.name} ({len(c.levels)}{' and other' if c.other else ''})" for c in levels
        ],
        "dates as days": [column.name for column in in_order if column.kind == "dates"],
        "missing, filled with the training split's median": [
            gaps[column.name]
            for column in in_order
            if column.name in gaps and column.kind != "levels"
        ],
        "missing, a level of its own": [gaps[c.name] for c in levels if c.name in gaps],
    }
    return [f"{what}: {listed(names)}" for what, names in notes.items() if names]
