"""A table of one's own, as separated values."""

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset
from asymnas.data.delimited import OPTIONS as FORMAT
from asymnas.data.delimited import read_delimited
from asymnas.data.spec import check_spec, existing_file, without_options
from asymnas.data.tables import OPTIONS, table_dataset


@DATASETS.register("csv")
def load(spec: DataSpec) -> Dataset:
    """Loads `csv:FILE?label=COLUMN&anomaly=COLUMN&group=COLUMN` as standardised rows.

    Separator, decimal mark and header are taken from the whole file, unless `sep`, `decimal` and
    `header` give them: `delimited.py`. A first column without a name is pandas's index and is left
    out. Empty cells, `?`, and what pandas takes for missing (`NA`, `NaN`, `null`, …) are missing.

    What becomes of the columns: `tables.py`.

    Raises:
        DataError: What `read_delimited` and `table_dataset` raise.
    """
    spec, options = without_options(spec, {**OPTIONS, **FORMAT})
    check_spec(spec, takes="FILE")
    table = read_delimited(existing_file(spec), options)
    return table_dataset(table.frame, spec, options, table.notes, table.reading)
