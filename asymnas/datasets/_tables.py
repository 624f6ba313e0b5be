"""A data frame as a data set of standardised rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.config import DataSpec
from asymnas.datasets import Dataset
from asymnas.datasets._columns import LEVELS, Encoded, encode
from asymnas.datasets._labels import class_ids, truth_values
from asymnas.datasets._messages import listed
from asymnas.datasets._scaling import standardise, value_range, varying
from asymnas.datasets._splits import Splits, deal, draw, to_dataset
from asymnas.errors import DataError

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
    rows = draw(len(frame), spec.seed) if anomalies is None else deal(anomalies, spec.seed)
    encoded = _encoded(frame.drop(columns=list(set(options.values()))), rows.train, where)
    matrix, constant, left_out = _matrix(encoded, rows.train, where)
    scaled = standardise(_taken(matrix, rows))
    used = {name: column for name, column in encoded.items() if name not in constant}
    told = [f"{role}: column {name}" for role, name in options.items()]
    notes = [*notes, *told, *left_out, *_told(used), "standardised on the training split"]
    return to_dataset(
        scaled,
        labels=None if labels is None else _taken(labels, rows),
        anomalies=None if anomalies is None else _taken(anomalies, rows),
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


def _taken(array: NDArray[Any], rows: Splits) -> Splits:
    return Splits(*(array[indices] for indices in rows))
