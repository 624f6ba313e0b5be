"""Files of separated values as data frames: separator, decimal mark and header.

All three are taken from the whole file.

* **Separator**: of comma, semicolon, tab and bar the one that every line has equally often outside
  quotes. If several are, it is the one that leaves more cells numbers. Spaces separate where none
  of these is in the file and all lines but the first are numbers.
* **Decimal mark**: a cell such as `12,5`, `0.512` or `1.234,5` can be read in one way only. Where
  such cells decide, they decide for the whole file. Where they contradict each other, or there are
  only cells such as `1.234` in a file without separating commas, each column decides.
* **Header**: the first line, if one of its cells is text above a column of numbers, or if it is
  text that is in none of its columns. A first line of numbers is a header if it counts from 0 or 1,
  rises evenly, or lies far from all others in each column. Otherwise it is a row.

What cannot be decided is an error that names the option which does: `?sep=`, `?decimal=`,
`?header=`.
"""

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.core.text import listed, one_line, printable
from asymnas.data.columns import Reading
from asymnas.data.memory import check_memory
from asymnas.data.spec import names_in
from asymnas.data.written import Mark, Unclear, read_written

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SPACE = " "
NAMED = {"tab": "\t", "space": SPACE, "comma": ",", "semicolon": ";", "bar": "|", "\\t": "\t"}
MISSING = ("?",)  # besides what pandas takes for missing
#: Options of a data set's name, each with an example.
OPTIONS = {"sep": ";", "decimal": ",", "header": "no"}

PIECE = 2**24  # bytes that are unpacked at a time
COPIES = 4  # of a file's text that are in memory at once, numbers included

_COMPRESSED: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zip": lambda path: _only_member(path),
}


class Table(NamedTuple):
    """A file of separated values.

    Args:
        frame: A pandas data frame whose columns have the file's names, or their numbers from 0.
        reading: How the text in it is read.
        notes: What was decided and could have been otherwise.
    """

    frame: Any
    reading: Reading
    notes: list[str]


class _File(NamedTuple):
    """A file whose separator is known.

    Args:
        path: Where it is, for messages.
        content: All of it, lines ending in `\\n`, without a byte order mark.
        lines: The same by lines.
        sep: What separates cells.
        first: Cells of the first record.
        after: How many lines stand before the second record.
    """

    path: Path
    content: bytes
    lines: Sequence[bytes]
    sep: str
    first: list[str]
    after: int


def read_delimited(path: Path, options: Mapping[str, str]) -> Table:
    """Reads a file of separated values.

    Args:
        path: UTF-8, perhaps compressed (`.gz`, `.bz2`, `.xz`, `.zip`).
        options: Some of `OPTIONS`; and `text`, which names columns to leave as text.

    Raises:
        DataError: An empty or unreadable file, lines of unlike length, options that cannot be,
            columns that are called alike, a header that is repeated, or what is left undecided.
    """
    sep, given, header = _options(options)
    content = _content(path)
    lines = content.split(b"\n")
    if sep is None:
        sep = _separator(path, content, lines)
    first, after = _first_record(path, lines, sep)
    file = _File(path, content, lines, sep, first, after)
    _check_lengths(file)
    decimal, unclear = (given, []) if given else _decimal(content, sep)
    unclear = [rb"0\d+", *unclear]
    if not any(line.strip() for line in lines[after:]):  # one record
        is_header = header if header is not None else any(_look(cell) == "text" for cell in first)
        frame = _parsed(file, after if is_header else 0, decimal, unclear)
        note = ""
    else:
        frame = _parsed(file, after, decimal, unclear)
        is_header, note = (header, "") if header is not None else _is_header(first, frame)
        if not is_header:
            frame = _parsed(file, 0, decimal, unclear)
    notes = [note] if note else []
    if sep != "," or decimal == ",":
        marks = f", decimal mark {decimal!r}" if decimal == "," else ""
        notes.insert(0, f"cells separated by {SEPARATORS.get(sep, 'spaces')}{marks}")
    if is_header:
        _check_repeated(file)
        frame, index = _named(file, frame)
        notes += index
    else:
        frame = frame.set_axis(frame.columns.map(str), axis=1)
    wanted = set(names_in(options.get("text", "")))
    if any(
        name in wanted and dtype.kind in "biuf"
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True)
        if isinstance(dtype, np.dtype)
    ):
        raw = _parsed(file, after if is_header else 0, decimal, [rb".*"])
        raw = raw.iloc[:, -frame.shape[1] :].set_axis(frame.columns, axis=1)
        for name in wanted.intersection(frame.columns):
            frame[name] = raw[name]
    return Table(frame, Reading(typed=False, decimal=decimal), notes)


def _options(options: Mapping[str, str]) -> tuple[str | None, Mark | None, bool | None]:
    """Separator, decimal mark and whether there is a header, as far as they are given."""
    sep = options.get("sep")
    if sep is not None:
        sep = NAMED.get(sep, sep)
        if sep not in (*SEPARATORS, SPACE):
            raise DataError(f"sep must be ; , | tab or space but got {options['sep']!r}")
    decimal: Mark | None = None
    if "decimal" in options:
        named = {"comma": ",", "point": "."}.get(options["decimal"], options["decimal"])
        if named not in (".", ","):
            raise DataError(f"decimal must be . or , but got {options['decimal']!r}")
        decimal = "," if named == "," else "."
    header = options.get("header")
    if header not in (None, "yes", "no"):
        raise DataError(f"header must be yes or no but got {header!r}")
    return sep, decimal, None if header is None else header == "yes"


def _content(path: Path) -> bytes:
    """The file's text, lines ending in `\\n`."""
    try:
        content = _bytes(path)
        content.decode()
    except DataError:
        raise
    except UnicodeError as error:
        raise DataError(
            f"{path} is not encoded as UTF-8 ({one_line(error)}): save it as UTF-8"
        ) from error
    except Exception as error:  # of the system and of each compression
        raise DataError(f"{path} cannot be read ({one_line(error)}): check the file") from error
    if b"\0" in content:
        raise DataError(
            f"{path} is not encoded as UTF-8 (it holds NUL characters): save it as UTF-8"
        )
    content = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    content = re.sub(rb"(?m)^ +$", b"", content)
    if not content.strip():
        raise DataError(f"{path} is empty: write a line of column names, then one line per example")
    return content


def _bytes(path: Path) -> bytes:
    """All of a file, unpacked."""
    unpacked = _COMPRESSED.get(path.suffix.lower())
    check_memory(path, COPIES * path.stat().st_size)
    if unpacked is None:
        return path.read_bytes()
    pieces, size = list[bytes](), 0
    with unpacked(path) as file:
        while piece := file.read(PIECE):  # a little may stand for much
            pieces.append(piece)
            size += len(piece)
            check_memory(path, COPIES * size)
    return b"".join(pieces)


def _only_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = archive.namelist()
    if len(names) != 1:
        raise ValueError(f"it holds {len(names)} files in place of one")
    return archive.open(names[0])


# Separator


def _separator(path: Path, content: bytes, lines: Sequence[bytes]) -> str:
    """What separates cells.

    Raises:
        DataError: Nothing that every line has equally often, or several of which none is better.
    """
    widths = {sep: _widths(content, lines, sep) for sep in SEPARATORS if sep.encode() in content}
    alike = [sep for sep, n in widths.items() if len(set(n)) == 1 and n[0] > 1]
    if len(alike) == 1:
        return alike[0]
    if alike:
        return _clearest(path, content, lines, alike)
    if any(max(n, default=0) > 1 for n in widths.values()):
        usual = max(widths, key=lambda sep: Counter(widths[sep]).most_common(1)[0])
        _raise_unlike(path, content, lines, usual)
    spaces = [len(line.split()) for line in lines if line]
    rest = [line for line in lines if line][1:]
    columns = len(set(spaces)) == 1 and spaces[0] > 1 and rest
    if columns and all(_is_cell_of_data(cell) for line in rest for cell in line.decode().split()):
        return SPACE
    return ","


def _widths(content: bytes, lines: Sequence[bytes], sep: str) -> list[int]:
    """Cells per line that is not empty."""
    if sep == SPACE:
        return [len(line.split()) for line in lines if line]
    if b'"' not in content:
        mark = sep.encode()
        return [line.count(mark) + 1 for line in lines if line]
    try:
        return [len(row) for row in _records(lines, sep) if row]
    except csv.Error:
        return []


def _records(lines: Sequence[bytes], sep: str) -> Any:
    """The records of lines that may hold quotes."""
    text = (line.decode() + "\n" for line in lines)
    return csv.reader(text, delimiter=sep, skipinitialspace=True)


def _clearest(path: Path, content: bytes, lines: Sequence[bytes], alike: Sequence[str]) -> str:
    """Of several separators that all lines have equally often the one that leaves more numbers."""
    shares = {}
    for sep in alike:
        records = [row for row in _records(lines, sep) if row]
        cells = [cell for row in records[1:] or records for cell in row]
        shares[sep] = sum(map(_is_cell_of_data, cells)) / max(len(cells), 1)
    best = max(shares.values())
    left = [sep for sep in alike if shares[sep] == best]
    if len(left) > 1 and "," in left and len(re.findall(rb"\d,\d", content)) == content.count(b","):
        left.remove(",")  # every comma stands between digits: it is a decimal mark
    if len(left) > 1:
        names = " or ".join(SEPARATORS[sep] for sep in left)
        raise DataError(
            f"{path} may be separated by {names}: say which with ?sep={_shown(left[0])} or "
            f"?sep={_shown(left[1])}"
        )
    return left[0]


def _is_cell_of_data(cell: str) -> bool:
    """Whether a cell is a number, a date or empty."""
    cell = cell.strip()
    try:
        float(cell)
    except ValueError:
        return not cell or read_written([cell]) is not None
    return True


def _shown(sep: str) -> str:
    return {"\t": "tab", SPACE: "space"}.get(sep, sep)


def _first_record(path: Path, lines: Sequence[bytes], sep: str) -> tuple[list[str], int]:
    """Cells of the first record, and how many lines stand before the second one."""
    if sep == SPACE:
        place = next(place for place, line in enumerate(lines) if line)
        return lines[place].decode().split(), place + 1
    reader = _records(lines, sep)
    try:
        first = next(row for row in reader if row)
    except (csv.Error, StopIteration) as error:
        raise DataError(f"the first line of {path} cannot be read ({one_line(error)})") from error
    return [cell.strip() for cell in first], reader.line_num


def _check_lengths(file: _File) -> None:
    widths = _widths(file.content, file.lines, file.sep)
    if len(set(widths)) > 1:
        _raise_unlike(file.path, file.content, file.lines, file.sep)
    if not widths:
        raise DataError(
            f"{file.path} cannot be read: a cell is too long, or a quote is never closed"
        )


def _raise_unlike(path: Path, content: bytes, lines: Sequence[bytes], sep: str) -> None:
    """Names the first line of another length than the first one."""
    widths = _widths(content, lines, sep)
    place = next((i for i, width in enumerate(widths) if width != widths[0]), 0)
    numbers = [number for number, line in enumerate(lines, 1) if line]
    line = numbers[place] if b'"' not in content else place + 1
    raise DataError(
        f"{path} has {widths[0]} cell(s) separated by {SEPARATORS.get(sep, 'spaces')} in its first "
        f"line but {widths[place]} in line {line}: make them alike, or say what separates cells, "
        "as in ?sep=; or ?sep=;&decimal=,"
    )


# Decimal mark


def _decimal(content: bytes, sep: str) -> tuple[Mark | None, list[bytes]]:
    """The decimal mark of the file, if it has one.

    Returns:
        Also patterns of cells for whose sake a column is read as text, and decides for itself.
    """
    proofs = {}
    for mark, group in ((b".", b","), (b",", b".")):
        m, g = re.escape(mark), re.escape(group)
        proof = (
            rb"[-+]?(?:0?" + m + rb"\d+|\d+" + m + rb"(?:\d{1,2}|\d{4,})|\d{4,}" + m + rb"\d+|\d+"
            + m + rb"\d+(?=[eE])|\d{1,3}(?:" + g + rb"\d{3})+" + m + rb"\d+|\d{1,3}(?:" + g
            + rb"\d{3}){2,})(?:[eE][-+]?\d+)?"
        )  # fmt: skip
        there = mark in content and (mark != sep.encode() or b'"' in content)
        proofs[mark.decode()] = there and _holds(proof, content, sep)
    either = rb"[-+]?[1-9]\d{0,2}[.,]\d{3}"
    if proofs["."] and proofs[","]:
        return None, [either]
    if proofs[","]:
        return ",", []
    if not proofs["."] and sep in ";\t" and _holds(rb"[1-9]\d{0,2}[.,]\d{3}", content, sep):
        return None, [either]
    return ".", []


def _holds(cell: bytes, content: bytes, sep: str) -> bool:
    """Whether a cell of the file is like a pattern."""
    return _like(cell, sep).search(b"\n" + content) is not None


def _like(cell: bytes, sep: str) -> re.Pattern[bytes]:
    """A cell of a pattern with the edge before it: one character of a set, which is found fast."""
    edge = rb'["\n' + re.escape(sep.encode()) + rb"]"
    return re.compile(edge + rb" *(?:" + cell + rb") *(?=" + edge + rb"|\Z)")


def _columns_like(cells: Sequence[bytes], file: _File, skipped: int) -> set[int]:
    """Columns of which a cell, from a line on, is like one of some patterns."""
    columns: set[int] = set()
    pattern, sep = _like(b"|".join(cells), file.sep), file.sep.encode()
    lines = file.lines[skipped:]
    if b'"' in file.content or file.sep == SPACE:
        if pattern.search(b"\n" + b"\n".join(lines)) is None:
            return columns
        cell = re.compile(b"|".join(cells).decode())
        spaced = file.sep == SPACE
        rows = map(str.split, map(bytes.decode, lines)) if spaced else _records(lines, file.sep)
        return {i for row in rows for i, text in enumerate(row) if cell.fullmatch(text.strip())}
    for line in lines:
        edged, place, column = b"\n" + line, 0, 0
        for match in pattern.finditer(edged):
            column += edged.count(sep, place, match.start() + 1)
            place = match.start() + 1
            columns.add(column)
    return columns


# Header


def _look(cell: str) -> str:
    """`number` (or date), `text` or `missing`."""
    if not cell or cell in MISSING or cell in ("NA", "NaN", "nan", "null", "N/A"):
        return "missing"
    return "number" if _is_cell_of_data(cell) else "text"


def _is_header(first: Sequence[str], body: Any) -> tuple[bool, str]:
    """Whether the first line names the columns, and a note where that may be wrong.

    Args:
        first: Its cells, `[k]`.
        body: All others, `[n, k]`.
    """
    looks = [_look(cell) for cell in first]
    numeric = [isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in body.dtypes]
    words = [i for i, look in enumerate(looks) if look == "text"]
    if any(numeric[i] and body[i].notna().any() for i in words):
        return True, ""
    if any(not numeric[i] and _is_written(body[i]) for i in words):
        return True, ""
    digits = [i for i, look in enumerate(looks) if look == "number"]
    if not digits and not words:
        return True, ""
    repeated = [i for i in words if first[i] in set(body[i].dropna().astype(str).str.strip())]
    if words and not digits and len(repeated) < len(words):
        if repeated:
            return True, _said(first)
        return True, ""
    least = 1 if words else 2
    named = not repeated and _are_numeric_names([first[i] for i in digits], body[digits], least)
    if named:
        return True, _said(first)
    return False, (
        "no header: the first line is a row and columns go by number, from 0; ?header=yes if it "
        "has names"
    )


def _said(first: Sequence[str]) -> str:
    return f"the first line ({listed(first, 3)}) was read as names: ?header=no if it is a row"


def _is_written(column: Any) -> bool:
    """Whether text `[n]` holds numbers or dates."""
    cells = [str(cell) for cell in column.dropna().unique()]
    read = read_written(cells) if cells else None
    return read is not None and not (isinstance(read, Unclear) and len(cells) < 2)


def _are_numeric_names(cells: Sequence[str], body: Any, least: int) -> bool:
    """Whether numbers are names: wavelengths, years, 1 … k.

    Args:
        cells: The first line's numbers as text, `[m]`.
        body: The other lines' cells below them, `[n, m]`.
        least: Of how many cells a first line has to be for its values alone to decide.
    """
    from pandas import to_numeric

    names = _as_floats(cells)
    if names is None or len(set(names)) < len(names):
        return False
    m = len(names)
    text = body.dtypes.eq(object).any() or body.dtypes.eq("str").any()
    rows = (body.apply(to_numeric, errors="coerce") if text else body).to_numpy(dtype=float)
    counts = np.array_equal(names, np.arange(m)) or np.array_equal(names, np.arange(1, m + 1))
    if counts and m >= 1 + least:
        return True
    if m >= 4 and _rises_evenly(names[None])[0] and _rises_evenly(rows).mean() < 0.01:
        return True
    rising = (np.diff(names) > 0).all()
    if m >= 8 and rising and (np.diff(rows, axis=1) > 0).all(axis=1).mean() < 0.01:
        return True
    if m < least:
        return False
    with np.errstate(invalid="ignore"):
        low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
        beyond = np.maximum(names - high, low - names)
        far = bool((beyond > np.maximum(high - low, 1e-12)).all())
    fractional = (rows % 1 != 0).mean(axis=0)
    whole = m >= 3 and rising and not any("." in c for c in cells) and (fractional > 0.5).all()
    return far or bool(whole)


def _as_floats(cells: Sequence[str]) -> NDArray[np.float64] | None:
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        return None


def _rises_evenly(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows `[n, m]` rise or fall by equal steps, up to a hundredth of one."""
    steps = np.diff(rows, axis=1)
    step = steps.mean(axis=1, keepdims=True)
    even = (np.abs(steps - step) <= 0.01 * np.abs(step)).all(axis=1) & (step[:, 0] != 0)
    return np.asarray(even)


def _check_repeated(file: _File) -> None:
    """Raises if a line is the header once more."""
    header = file.lines[file.after - 1].strip()
    if any(_look(cell) == "text" for cell in file.first):
        for number, line in enumerate(file.lines[file.after :], file.after + 1):
            if line.strip() == header:
                raise DataError(f"line {number} of {file.path} repeats the header: delete it")


def _named(file: _File, body: Any) -> tuple[Any, list[str]]:
    """The rows below a header with its names, without pandas's index, and a note of that."""
    names = [printable(name) or f"Unnamed: {place}" for place, name in enumerate(file.first)]
    names[0] = re.sub(r"^#\s*(?=\S)", "", names[0])  # NumPy's
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(
            f"{file.path} has columns that are called alike: {listed(twice)}; rename them"
        )
    frame = body.set_axis(names, axis=1)
    if len(names) > 1 and not file.first[0]:
        return frame.iloc[:, 1:], ["first column has no name: left out as an index"]
    if len(names) > 1 and names[0] == "Unnamed: 0" and _counts_rows(body.iloc[:, 0]):
        return frame.iloc[:, 1:], ["Unnamed: 0 counts the rows: left out as an index"]
    return frame, []


def _counts_rows(column: Any) -> bool:
    """Whether a column `[n]` is 0, 1, 2 …"""
    return bool(column.astype(str).eq([str(number) for number in range(len(column))]).all())


def _parsed(file: _File, skipped: int, decimal: Mark | None, unclear: Sequence[bytes]) -> Any:
    """The records from a line on, columns by number: numbers where all cells are, else text.

    A column with a cell like one of the patterns `unclear` is text, whatever its cells are.
    """
    import pandas as pd

    content = b"\n".join(file.lines[skipped:]) if skipped else file.content
    if not content.strip():
        return pd.DataFrame(columns=range(len(file.first)))
    try:
        frame = pd.read_csv(
            io.BytesIO(content),
            header=None,
            sep=r"\s+" if file.sep == SPACE else file.sep,
            decimal=decimal or ".",
            dtype=dict.fromkeys(_columns_like(unclear, file, skipped), object) or None,
            na_values=list(MISSING),
            skipinitialspace=True,
            low_memory=False,
            index_col=False,
        )
        return frame.copy()  # columns of one type in one block: what follows is slow with thousands
    except Exception as error:  # the parser's errors share no base
        raise DataError(
            f"{file.path} cannot be read as separated values ({one_line(error)}): check the file"
        ) from error
