"""Numbers and dates that people write into text: their values, or why they are unclear."""

import numpy as np
import pytest

from asymnas.data.written import Unclear, Written, read_written

NAN = float("nan")

READ = {
    "points": (["1.5", "-2", "+3.25", ".5", "1."], [1.5, -2, 3.25, 0.5, 1]),
    "exponents": (["1e5", "2E-3", "1,5e2"], [1e5, 2e-3, 150]),
    "decimal commas": (["1,5", "2,25", "-0,125"], [1.5, 2.25, -0.125]),
    "decimal commas of three digits": (["0,512", "1,234"], [0.512, 1.234]),
    "thousands": (["1,234", "999", "1,234,567"], [1234, 999, 1_234_567]),
    "thousands and decimals": (["1,234.50", "2,000"], [1234.5, 2000]),
    "German": (["1.234,50", "2.000", "7"], [1234.5, 2000, 7]),
    "French": (["1\u202f234,5", "3", "1\u00a0000"], [1234.5, 3, 1000]),
    "Swiss": (["1'234.5", "1’234"], [1234.5, 1234]),
    "Indian": (["12,34,567", "1,00,000"], [1_234_567, 100_000]),
    "programmers": (["1_000", "20"], [1000, 20]),
    "one unit": (["5 kg", "7.5kg"], [5, 7.5]),
    "a compound unit": (["5 mg/dl", "7 mg/dl"], [5, 7]),
    "per cent": (["12%", "5.5 %"], [12, 5.5]),
    "a currency": (["$1,234.50", "-$3", "$ 4"], [1234.5, -3, 4]),
    "a currency behind": (["5,00 €", "7,10 €"], [5, 7.1]),
    "degrees": (["20 °C", "-3°C"], [20, -3]),
    "a minus sign": (["−5.2", "3"], [-5.2, 3]),
    "two minus signs of one number": (["−1", "-1", "3"], [-1, -1, 3]),
    "one number with a space of another kind": (["2.0", "\u20022.0", "\x1f2.0"], [2, 2, 2]),
    "a unit with and without a space behind": (["5 kg", "5 kg\u2003", "7 kg"], [5, 5, 7]),
    "per cent after a tab": (["1 %", "\t1 %"], [1, 1]),
    "decimal commas after a space": (["1,5", "\u00a01,5", "2,5"], [1.5, 1.5, 2.5]),
    "dashes for missing": (["-", "3", "–"], [NAN, 3, NAN]),
    "digits of another script": (["٣", "٤"], [3, 4]),
    "dates": (["2024-01-01", "2024-01-02T12:00", "2024/1/3"], [19_723, 19_724.5, 19_725]),
    "dates in a zone": (["2024-01-02 13:00+01:00", "2024-01-02T12:00Z"], [19_724.5, 19_724.5]),
    "dates far away": (["9999-12-31", "1523-05-01", "0001-01-01"], [2_932_896, -163_144, -719_162]),
    "German dates": (["31.05.2024", "1.6.2024"], [19_874, 19_875]),
    "American dates": (["05/31/2024", "06/01/2024"], [19_874, 19_875]),
    "British dates": (["31/05/2024", "01/06/2024"], [19_874, 19_875]),
    "dates with a space of another kind": (["2024-01-01", "\u20022024-01-01"], [19_723, 19_723]),
    "missing dates": (["2024-01-01", "-"], [19_723, NAN]),
}


@pytest.mark.parametrize("case", READ)
def test_values(case):
    cells, values = READ[case]
    read = read_written(cells)
    assert isinstance(read, Written), read
    assert read.kind == ("dates" if "dates" in case else "numbers")
    assert np.array_equal(read.values, values, equal_nan=True)


@pytest.mark.parametrize(
    ("decimal", "values"), [(".", [1234, 999]), (",", [1.234, 999])], ids=["point", "comma"]
)
def test_the_mark_of_the_file_decides_where_cells_do_not(decimal, values):
    assert read_written(["1,234", "999"], decimal).values.tolist() == values


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["<5", "3"], "holds numbers but also '<5'"),
        (["3", "n. a."], "holds numbers but also 'n. a.'"),
        (["PC 17599", "113803"], "holds numbers but also 'PC 17599'"),
        (["(5)", "3"], "holds numbers but also '(5)'"),
        (["5", "3+"], "holds numbers but also '3+'"),
        (["5", "#DIV/0!"], "holds numbers but also '#DIV/0!'"),
        (["5 kg", "7 g"], "holds '5 kg' but also '7 g'"),
        (["5 kg", "7"], "holds '5 kg' but also '7'"),
        (["5 days", "1 day"], "holds '5 days' but also '1 day'"),
        (["5 €", "7 $"], "holds '5 €' but also '7 $'"),
        (["1,5", "1.5"], "holds '1.5' but also '1,5'"),
        (["1,234.5", "1.234,5"], "holds '1,234.5' but also '1.234,5'"),
        (["1,234", "2,345"], "holds '1,234', which may be thousands or decimals"),
        (["007", "1.5"], "holds numbers but also '007' with a leading zero"),
        (["2024-01-01", "soon"], "holds dates but also 'soon'"),
        (["2024-02-30", "2024-02-28"], "holds '2024-02-30', which is no date"),
        (["0000-00-00", "2024-02-28"], "holds '0000-00-00', which is no date"),
        (["05/06/2024"], "holds dates such as '05/06/2024', whose day may"),
    ],
)
def test_unclear(cells, why):
    read = read_written(cells)
    assert isinstance(read, Unclear)
    assert read.why.startswith(why)
    assert read.remedy
    assert isinstance(read_written(cells[::-1]), Unclear)


@pytest.mark.parametrize(
    "cells",
    [
        ["a", "b"],
        ["<5", "5-10", ">10"],
        ["18-24", "25-34", "65+"],
        ["5a", "5b", "6a"],
        ["1st", "2nd", "3rd"],
        ["007", "012"],
        ["00", "01"],
        ["Q1", "Q2"],
        ["08:30", "09:00"],
        ["1.2.3", "1.2.4"],
        ["12 Main St", "5 Elm Rd"],
        ["-", "x"],
        [],
    ],
)
def test_text(cells):
    assert read_written(cells) is None
