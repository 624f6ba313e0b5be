"""A table of one's own, as a Parquet file."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import listed, one_line, printable
from asymnas.data.base import DATASETS, Dataset
from asymnas.data.memory import check_memory
from asymnas.data.spec import check_spec, existing_file, names_in, without_options
from asymnas.data.tables import OPTIONS, table_dataset

CELL = 8  # bytes of a number, whatever the file makes of many that are alike


@DATASETS.register("parquet")
def load(spec: DataSpec) -> Dataset:
    """Loads `parquet:FILE?label=COLUMN&anomaly=COLUMN&group=COLUMN` as standardised rows.

    Columns are what the file's types say: whole numbers, floating-point and decimal numbers, truth
    values, dates, timestamps, times of day, durations, text, and dictionaries of text as
    categories. A column of nulls is constant. Lists, structs, maps and bytes are refused, unless
    they are left out. An index that pandas stored in the file is left out. What becomes of the
    columns: `tables.py`.

    Raises:
        DataError: pyarrow is not installed; missing or unreadable file; a type that there is no
            rule for; what `table_dataset` raises.
    """
    spec, options = without_options(spec, OPTIONS)
    check_spec(spec, takes="FILE")
    frame = _read(existing_file(spec), set(names_in(options.get("drop", ""))))
    index = [str(name) for name in frame.index.names if name is not None]
    notes = [f"index left out: {listed(index)}"] if index else []
    return table_dataset(frame, spec, options, notes)


def _read(path: Path, dropped: Collection[str]) -> Any:
    """The file's rows as a pandas data frame; what is dropped stays in it, perhaps as nothing."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            "parquet files are read by pyarrow, which is not installed: run "
            "pip install 'asymnas[parquet]'"
        ) from error
    try:
        file = parquet.ParquetFile(path)
        check_memory(path, file.metadata.num_rows * file.metadata.num_columns * CELL)
        table = file.read()
        table.validate(full=True)  # that text is text
        fields = [(field.name, field.type) for field in table.schema]
    except DataError:
        raise
    except Exception as error:  # Arrow's errors share no base
        raise DataError(
            f"{path} cannot be read as a Parquet file ({one_line(error)}): check the file"
        ) from error
    for place, (name, of) in enumerate(fields):
        if _has_rule(pa.types, of):
            continue
        if name not in dropped:
            shown = printable(name)
            raise DataError(
                f"{path}: column {shown} holds values of type {of}: it must hold numbers, text, "
                f"truth values or dates; write them so, or leave it out with ?drop={shown}"
            )
        table = table.set_column(place, name, pa.nulls(len(table)))
    try:
        return table.to_pandas()
    except Exception as error:  # Arrow's errors share no base
        raise DataError(
            f"{path} cannot be read as a table ({one_line(error)}): check the file"
        ) from error


def _has_rule(types: Any, of: Any) -> bool:
    """Whether a column of an Arrow type can be read."""
    if types.is_dictionary(of):
        return _has_rule(types, of.value_type)
    scalar = (
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_boolean,
        types.is_temporal,
        types.is_string,
        types.is_large_string,
        types.is_null,
        getattr(types, "is_string_view", types.is_string),  # since pyarrow 16
    )
    return any(has(of) for has in scalar) and not types.is_interval(of)
