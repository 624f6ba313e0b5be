"""A table of one's own, as a Parquet file."""

from pathlib import Path
from typing import Any

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed, one_line
from asymnas.data.base import DATASETS, Dataset
from asymnas.data.spec import check_spec, existing_file, without_options
from asymnas.data.tables import OPTIONS, table_dataset


@DATASETS.register("parquet")
def load(spec: DataSpec) -> Dataset:
    """Loads `parquet:FILE?label=COLUMN&anomaly=COLUMN&group=COLUMN` as standardised rows.

    An index that pandas stored in the file is left out. What becomes of the columns: `tables.py`.

    Raises:
        DataError: pyarrow is not installed; missing or unreadable file; what `table_dataset`
            raises.
    """
    spec, options = without_options(spec, OPTIONS)
    check_spec(spec, takes="FILE")
    frame = _read(existing_file(spec))
    index = [str(name) for name in frame.index.names if name is not None]
    notes = [f"index left out: {listed(index)}"] if index else []
    return table_dataset(frame, spec, options, notes)


def _read(path: Path) -> Any:
    """The file as a data frame."""
    import pandas as pd

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except ImportError as error:
        raise DataError(
            "parquet files are read by pyarrow, which is not installed: run "
            "pip install 'asymnas[parquet]'"
        ) from error
    except Exception as error:  # Arrow's errors share no base
        raise DataError(
            f"{path} cannot be read as a Parquet file ({one_line(error)}): check the file"
        ) from error
