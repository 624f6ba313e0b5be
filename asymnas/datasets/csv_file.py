"""A numeric table of one's own, as comma-separated values."""

from pathlib import Path
from typing import Any

import numpy as np

from asymnas.config import DataSpec
from asymnas.datasets import DATASETS, Dataset
from asymnas.datasets._messages import listed, one_line
from asymnas.datasets._scaling import standardise, value_range, varying
from asymnas.datasets._spec import check_spec, existing_file
from asymnas.datasets._splits import Splits, split, to_dataset
from asymnas.errors import DataError


@DATASETS.register("csv")
def load(spec: DataSpec) -> Dataset:
    """Loads `csv:FILE` as rows, float32 `[n, columns]`, standardised on the training split.

    The first line is a header if a cell of it is not a number, or if it reads 0, 1, 2 … as pandas
    writes unnamed columns; a first column without a name is pandas's index and is left out.
    Columns that are constant on the training split are left out too.

    Raises:
        DataError: Missing, empty or unreadable file; columns that are not numeric; missing or
            infinite values; nothing but constants; too few rows.
    """
    check_spec(spec, takes="FILE")
    path = existing_file(spec)
    table, notes = _read(path)
    _refuse_unusable(path, table)
    splits = split(table.to_numpy(dtype=np.float64), spec.seed)
    keep = varying(splits.train)
    if not keep.all():
        dropped = [str(name) for name in table.columns[~keep]]
        notes.append(f"constant on the training split, left out: {listed(dropped)}")
    rows = standardise(Splits(*(part[:, keep] for part in splits)))
    notes.append("standardised on the training split")
    return to_dataset(rows, data_range=value_range(rows.train), notes=notes)


def _read(path: Path) -> tuple[Any, list[str]]:
    """The file as a data frame without pandas's index, and what was left out."""
    import pandas as pd

    options = {"encoding": "utf-8-sig", "skipinitialspace": True, "low_memory": False}
    try:
        first = pd.read_csv(path, header=None, nrows=1, **options)
        header = _is_header(first)
        table = pd.read_csv(path, header=0 if header else None, **options)
    except Exception as error:  # parser, codec and compression errors share no base
        raise DataError(
            f"{path} cannot be read as comma-separated values ({one_line(error)}): check the file"
        ) from error
    if not table.index.equals(pd.RangeIndex(len(table))):  # pandas took cells for an index
        raise DataError(f"the lines of {path} have more cells than its first line: make them alike")
    if header and first.shape[1] > 1 and pd.isna(first.iloc[0, 0]):
        return table.iloc[:, 1:], ["first column has no name: left out as an index"]
    return table, []


def _is_header(first: Any) -> bool:
    """Whether a file's first line, a frame of one row, names the columns."""
    from pandas.api.types import is_numeric_dtype

    if not all(is_numeric_dtype(dtype) for dtype in first.dtypes):
        return True
    cells = first.iloc[0].to_numpy(dtype=np.float64)
    names = cells[1:] if np.isnan(cells[0]) else cells
    return len(cells) > 2 and np.array_equal(names, np.arange(len(names)))


def _refuse_unusable(path: Path, table: Any) -> None:
    """Raises unless the table has rows and every cell is a finite number."""
    from pandas.api.types import is_numeric_dtype

    if table.shape[0] == 0:
        raise DataError(f"{path} has a header but no rows: add some")
    text = [str(name) for name, dtype in table.dtypes.items() if not is_numeric_dtype(dtype)]
    if text:
        hint = " (values must be separated by commas)" if table.shape[1] == 1 else ""
        raise DataError(
            f"{path} has columns that are not numeric: {listed(text)}{hint}; encode them as "
            "numbers or drop them"
        )
    bad = ~np.isfinite(table.to_numpy(dtype=np.float64))
    if bad.any():
        names = [str(name) for name in table.columns[bad.any(axis=0)]]
        raise DataError(
            f"{path} has {int(bad.sum())} missing or infinite value(s) in {listed(names)}: fill or "
            "drop them"
        )
