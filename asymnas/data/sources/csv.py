"""A table of one's own, as comma-separated values."""

from pathlib import Path
from typing import Any

import numpy as np

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed, one_line
from asymnas.data.base import DATASETS, Dataset
from asymnas.data.spec import check_spec, existing_file, without_options
from asymnas.data.tables import OPTIONS, table_dataset

OTHER_SEPARATORS = ";\t|"


@DATASETS.register("csv")
def load(spec: DataSpec) -> Dataset:
    """Loads `csv:FILE?label=COLUMN&anomaly=COLUMN&group=COLUMN` as standardised rows.

    The first line is a header if a cell of it is not a number, or if it reads 0, 1, 2 … as pandas
    writes unnamed columns; a first column without a name is pandas's index and is left out. Empty
    cells, `?`, and what pandas takes for missing (`NA`, `NaN`, `null`, …) are missing values.

    What becomes of the columns: `tables.py`.

    Raises:
        DataError: Missing, empty or unreadable file; what `table_dataset` raises.
    """
    spec, options = without_options(spec, OPTIONS)
    check_spec(spec, takes="FILE")
    frame, notes = _read(existing_file(spec))
    return table_dataset(frame, spec, options, notes)


def _read(path: Path) -> tuple[Any, list[str]]:
    """The file as a data frame without pandas's index, and what was left out."""
    import pandas as pd

    options = {
        "encoding": "utf-8-sig",
        "skipinitialspace": True,
        "low_memory": False,
        "na_values": ["?"],
    }
    try:
        first = pd.read_csv(path, header=None, nrows=1, **options)
        header = _is_header(first)
        table = pd.read_csv(path, header=0 if header else None, **options)
    except pd.errors.EmptyDataError as error:
        raise DataError(
            f"{path} is empty: write a line of column names, then one line per example"
        ) from error
    except UnicodeError as error:
        raise DataError(
            f"{path} is not encoded as UTF-8 ({one_line(error)}): save it as UTF-8"
        ) from error
    except Exception as error:  # parser, codec and compression errors share no base
        raise DataError(
            f"{path} cannot be read as comma-separated values ({one_line(error)}): check the file"
        ) from error
    if not table.index.equals(pd.RangeIndex(len(table))):  # pandas took cells for an index
        raise DataError(f"the lines of {path} have more cells than its first line: make them alike")
    if header:
        _check_header(path, first.iloc[0], table)
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


def _check_header(path: Path, names: Any, table: Any) -> None:
    """Raises for names that pandas would make distinct, and for a first line that is a row."""
    twice = sorted(set(names[names.notna() & names.duplicated()].map(str)))
    if twice:
        raise DataError(f"{path} has columns that are called alike: {listed(twice)}; rename them")
    if len(names) == 1 and any(mark in str(names[0]) for mark in OTHER_SEPARATORS):
        raise DataError(
            f"{path} has the one column {str(names[0])!r}: its values must be separated by commas"
        )
    if any((table[name] == name).any() for name in table.columns if table[name].dtype.kind == "O"):
        raise DataError(f"the first line of {path} is a row like the others: add a line of names")
