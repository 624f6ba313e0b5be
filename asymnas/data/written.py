"""Numbers and dates as people write them in text: read where that is certain, else unclear.

A cell is a number if it is digits with at most one decimal mark and with marks between groups of
three digits, perhaps a sign, an exponent, and a unit or a currency. What decides the marks:

* `1.234,5`, `1,234,567`, `0,512`, `12,5` and `1234,567` can be read in one way only. One such cell
  decides for its column.
* `1,234` and `1.234` alone are 1234 or 1.234. The column's other cells decide, then the decimal
  mark of the file or of `?decimal=`; where none does, the column is unclear.
* Spaces, apostrophes and underscores between groups of three digits are never decimal marks.
* A unit, a currency or `%` has to be the same in every cell; the number is what stands beside it.
* Whole numbers of which one has a leading zero (`007`) are codes, which are text.
* Dashes, points and `…` alone are missing values among numbers and dates.

Dates are `2024-05-31`, `2024/05/31` and `31.05.2024`, of any year from 1 to 9999 and perhaps with a
time of day; `31/05/2024` if the column has a day above the twelfth. They become days since 1970.

Cells of which some are numbers, or dates, and some are not are unclear. Cells of which none is a
number are text.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Mark = Literal[".", ","]

_UNITS = (
    "% ‰ ° °C °F K m mm cm dm km µm nm in ft yd mi g mg µg kg t lb lbs oz l L ml mL dl µl s "
    "ms µs min h hr hrs d y yr yrs sec second seconds minute minutes hour hours day days week "
    "weeks month months year years Pa hPa kPa MPa bar mbar psi Hz kHz MHz GHz V mV kV A mA W "
    "kW MW J kJ kcal cal kWh N mol mmol M mM µM ppm ppb px k MB GB kB TB mph km/h m/s kg/m² "
    "mg/dl mg/dL mg/l mg/L g/l g/L g/dl g/dL mmol/l mmol/L µg/l µg/L ng/ml U/l U/L mm² cm² m² "
    "km² ha cm³ m³ mmHg bpm dB pH"
)
#: Units that make a cell a number even if the others have none, or another one.
UNITS = frozenset(_UNITS.split())
_SIGNS = r"$€£¥₹₽₩₺¢"
_CURRENCIES = rf"[{_SIGNS}]|USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|CZK|BRL|US\$|Rs\.?"
_GROUPS = "[ '’_.,\u00a0\u2009\u202f]"
_CELL = re.compile(
    rf"(?P<sign>[-+])?(?P<before>(?:{_CURRENCIES})\s*)?(?P<sign2>[-+])?"
    rf"(?:(?P<whole>[1-9]\d{{0,2}}(?P<group>{_GROUPS})\d{{3}}(?:(?P=group)\d{{3}})*"
    r"|[1-9]\d?(?:,\d\d)+,\d{3}"
    r"|\d+)(?:(?P<mark>[.,])(?P<fraction>\d*))?|(?P<mark0>[.,])(?P<fraction0>\d+))"
    r"(?P<power>[eE][-+]?\d{1,3})?"
    rf"\s*(?P<unit>{_CURRENCIES}|[^\W\d_/·^]{{1,12}}[²³]?(?:[/·][^\W\d_]{{1,6}}[²³]?)?|°[CF]?|[%‰])?"
)
_MINUS = str.maketrans({"−": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " "})
_DASHES = frozenset({"-", "--", "---", "–", "—", ".", "..", "...", "…"})
_TIME = (
    r"(?:(?:T| +)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<part>\d+))?)?"
    r" ?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_DATES = tuple(
    re.compile(form + _TIME)
    for form in (
        r"(?P<year>\d{4})(?P<by>[-/])(?P<month>\d{1,2})(?P=by)(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
        r"(?P<day>\d{1,2})(?P<by>[/-])(?P<month>\d{1,2})(?P=by)(?P<year>\d{4})",
    )
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Written(NamedTuple):
    """What a column of text holds.

    Args:
        kind: Numbers, or dates as days since 1970.
        values: Float64 `[m]`, one per cell; NaN for a dash.
        how: How they were written, for a note; empty for plain numbers.
        decimal: The decimal mark that was read; empty where no cell has one.
    """

    kind: Literal["numbers", "dates"]
    values: NDArray[np.float64]
    how: str = ""
    decimal: Mark | Literal[""] = ""


class Unclear(NamedTuple):
    """Why a column of text is neither numbers nor dates nor text.

    Args:
        why: What it holds, after "column x".
        remedy: What to do.
    """

    why: str
    remedy: str


class _Number(NamedTuple):
    """A cell taken apart.

    Args:
        sign: -1 or 1.
        whole: Digits before the decimal mark, with the marks between groups.
        group: The mark between groups of three digits; empty for none.
        mark: The decimal mark; empty for none.
        fraction: Digits after it.
        power: `e5`; empty for none.
        unit: Unit or currency; empty for none.
    """

    sign: str
    whole: str
    group: str
    mark: str
    fraction: str
    power: str
    unit: str

    @property
    def open(self) -> bool:
        """Whether its one mark may stand between thousands or before decimals."""
        return self.group in (".", ",") and not self.mark and self.whole.count(self.group) == 1

    @property
    def is_number(self) -> bool:
        """Whether nothing but a number is meant: it stands alone, or beside a usual unit."""
        return (
            not self.unit or self.unit in UNITS or re.fullmatch(_CURRENCIES, self.unit) is not None
        )

    def value(self, decimal: str) -> float:
        """The number, where `decimal` is the mark before decimals."""
        whole, fraction = self.whole, self.fraction
        if self.open and self.group == decimal:
            whole, fraction = whole.split(decimal)
        digits = re.sub(r"\D", "", whole)
        return float(f"{self.sign}{digits or '0'}.{fraction or '0'}{self.power}")


def read_written(cells: Sequence[str], decimal: Mark | None = None) -> Written | Unclear | None:
    """Reads text as numbers or dates; `None` if it is text.

    Args:
        cells: What cells hold, `[m]`, none of them missing; each may be there once only.
        decimal: The decimal mark of all numbers, where it is known.
    """
    plain = [cell.translate(_MINUS).strip() for cell in cells]
    present = [cell for cell in plain if cell not in _DASHES]
    dates = [any(form.fullmatch(cell) for form in _DATES) for cell in present]
    if any(dates):
        return _read_dates(plain, present, dates)
    numbers = {cell: _taken_apart(cell) for cell in present}
    of_cells = [number for number in numbers.values() if number is not None]
    if not of_cells:
        return None
    units = {number.unit for number in of_cells}
    uniform = len(of_cells) == len(numbers) and len(units) == 1
    if not uniform:
        if not any(number.is_number for number in of_cells):
            return None
        if (mixed := _mixed(numbers)) is not None:
            return mixed
        return _several_units(numbers)
    if re.search(r"(?<!\d)0\d", " ".join(n.whole for n in of_cells if not (n.mark or n.group))):
        if any(n.mark or n.group for n in of_cells):
            code = next(c for c, n in numbers.items() if n and re.match(r"0\d", n.whole))
            return Unclear(
                f"holds numbers but also {code!r} with a leading zero",
                "write either numbers or codes in it",
            )
        return None
    return _read_numbers(plain, numbers, decimal)


def _taken_apart(cell: str) -> _Number | None:
    """A cell as a number; `None` if it is none."""
    match = _CELL.fullmatch(cell)
    if match is None or (match["sign"] and match["sign2"]):
        return None
    before, unit = (match["before"] or "").strip(), match["unit"] or ""
    if before and unit:
        return None
    whole, group = match["whole"] or "", match["group"] or ""
    if not group and "," in whole:  # 12,34,567 as in India
        group = ","
    mark, fraction = match["mark"] or match["mark0"] or "", match["fraction"] or ""
    fraction = fraction or match["fraction0"] or ""
    if mark and mark == group:
        return None
    number = _Number(
        (match["sign"] or match["sign2"] or "").replace("+", ""),
        whole,
        group,
        mark,
        fraction,
        match["power"] or "",
        before or unit,
    )
    if number.open and number.power:  # no one groups digits before an exponent
        first, last = whole.split(group)
        return number._replace(whole=first, group="", mark=group, fraction=last)
    return number


def _mixed(numbers: dict[str, _Number | None]) -> Unclear | None:
    """That some cells are numbers and some are not; `None` if all are."""
    for cell, number in numbers.items():
        if number is None or not number.is_number:
            return Unclear(
                f"holds numbers but also {cell!r}",
                "make it a number, or leave it empty for a missing value",
            )
    return None


def _several_units(numbers: dict[str, _Number | None]) -> Unclear:
    """That numbers have different units."""
    first: dict[str, str] = {}
    for cell, number in numbers.items():
        first.setdefault(number.unit if number else "", cell)
    one, other = list(first.values())[:2]
    return Unclear(
        f"holds {one!r} but also {other!r}", "write numbers of one unit, the unit in its name"
    )


def _read_numbers(
    plain: Sequence[str], numbers: dict[str, _Number | None], decimal: Mark | None
) -> Written | Unclear:
    """The values of cells that are all numbers or dashes."""
    by_role: dict[tuple[str, bool], str] = {}  # (mark, whether it is decimal): first such cell
    undecided: dict[str, str] = {}
    for cell, number in numbers.items():
        if number is None:
            continue
        if number.mark:
            by_role.setdefault((number.mark, True), cell)
        if number.open:
            undecided.setdefault(number.group, cell)
        elif number.group in (".", ","):
            by_role.setdefault((number.group, False), cell)
    fixed = {
        "." if (mark == ".") == is_decimal else ",": c for (mark, is_decimal), c in by_role.items()
    }
    if decimal is not None:
        fixed = {decimal: "", **fixed}
    if len(fixed) > 1:
        point, comma = fixed["."], fixed[","]
        if not (point and comma):
            return Unclear(
                f"holds {point or comma!r} although the decimal mark is {decimal!r}",
                "write all numbers alike, or leave it out",
            )
        return Unclear(
            f"holds {point!r} but also {comma!r}", "write one decimal mark in all of its numbers"
        )
    if undecided and not fixed:
        cell = next(iter(undecided.values()))
        return Unclear(
            f"holds {cell!r}, which may be thousands or decimals",
            "say which with ?decimal=. or ?decimal=,",
        )
    mark = next(iter(fixed), ".")
    values = [number.value(mark) if (number := numbers.get(cell)) else np.nan for cell in plain]
    of_cells = [number for number in numbers.values() if number is not None]
    unit = of_cells[0].unit
    grouped = any(n.group and not (n.open and n.group == mark) for n in of_cells)
    has_decimals = any(n.mark or n.group == mark for n in of_cells)
    how = [
        "decimal commas" if mark == "," and has_decimals else "",
        "marks between thousands" if grouped else "",
        f"the unit {unit}" if unit else "",
        "dashes as missing" if len(numbers) < len(set(plain)) else "",
    ]
    seen: Mark | Literal[""] = ""
    if has_decimals or grouped:
        seen = "," if mark == "," else "."
    return Written("numbers", np.array(values, float), ", ".join(filter(None, how)), seen)


def _read_dates(
    plain: Sequence[str], present: Sequence[str], dates: Sequence[bool]
) -> Written | Unclear:
    """The days of cells that are all dates or dashes."""
    if not all(dates):
        other = present[dates.index(False)]
        return Unclear(
            f"holds dates but also {other!r}",
            "make it a date, or leave it empty for a missing value",
        )
    matches = {c: next(m for form in _DATES if (m := form.fullmatch(c))) for c in present}
    slashed = [m for m in matches.values() if m.re is _DATES[2]]
    firsts = [int(m["day"]) > 12 for m in slashed]
    seconds = [int(m["month"]) > 12 for m in slashed]
    if slashed and not any(firsts) and not any(seconds):
        return Unclear(
            f"holds dates such as {slashed[0].string!r}, whose day may stand first or second",
            "write them as 2024-05-31",
        )
    days = {}
    for cell, match in matches.items():
        swapped = any(seconds) and match.re is _DATES[2]
        try:
            days[cell] = _days(match, swapped)
        except (ValueError, OverflowError):
            return Unclear(
                f"holds {cell!r}, which is no date",
                "make it one, or leave it empty for a missing value",
            )
    values = np.array([days.get(cell, np.nan) for cell in plain], float)
    return Written("dates", values)


def _days(match: re.Match[str], swapped: bool) -> float:
    """Days from 1970 to a date, which may have a time of day."""
    day, month = match["day"], match["month"]
    if swapped:
        day, month = month, day
    zone = UTC
    if match["zone"] and match["zone"] != "Z":
        digits = match["zone"].replace(":", "")
        offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5] or 0))
        zone = timezone(-offset if digits[0] == "-" else offset)
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    part = float(f"0.{match['part'] or 0}")
    whole = datetime(int(match["year"]), int(month), int(day), hour, minute, second, tzinfo=UTC)
    shift = (zone.utcoffset(None) or timedelta()).total_seconds()
    return ((whole - _EPOCH).total_seconds() - shift + part) / 86_400
