"""Files of separated values as people have them: the values that are read, or the one line."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.columns import read_columns
from asymnas.data.delimited import read_delimited

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3)).round(4)


def lines(rows=X, sep=",", decimal="."):
    return "".join(sep.join(f"{v:.4f}" for v in row).replace(".", decimal) + "\n" for row in rows)


def read(path, content, **options):
    """Names, columns as they were read, and notes."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = read_delimited(path, options)
    columns = read_columns(table.frame, table.reading)
    return list(columns), list(columns.values()), table.notes


def refused(path, content, **options):
    with pytest.raises(DataError) as caught:
        read(path, content, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("a,b,c\n" + lines(), {}),
        ("a;b;c\n" + lines(sep=";"), {}),
        ("a;b;c\n" + lines(sep=";", decimal=","), {}),
        ("a\tb\tc\n" + lines(sep="\t", decimal=","), {}),
        ("a|b|c\n" + lines(sep="|"), {}),
        ("a b c\n" + lines(sep="  "), {}),
        ("# a,b,c\n" + lines(), {}),
        ("a;b, roh;c\n" + lines(sep=";", decimal=","), {}),
        ('"a";"b;x";"c"\n' + lines(sep=";", decimal=","), {}),
        ("a,b,c\r\n" + lines().replace("\n", "\r\n"), {}),
        ("a,b,c\r" + lines().replace("\n", "\r"), {}),
        ("\n\na,b,c\n" + lines() + "\n  \n", {}),
        ('a,b,c\n"' + '"\n"'.join(lines(decimal=",", sep='","').split("\n"))[:-2], {}),
        ("a;b;c\n" + lines(sep=";", decimal=","), {"sep": ";", "decimal": ","}),
        ("a\tb\tc\n" + lines(sep="\t"), {"sep": "tab"}),
    ],
    ids=range(15),
)
def test_separators_and_decimal_marks(tmp_path, content, options):
    names, columns, _ = read(tmp_path / "t.csv", content, **options)
    assert [name[0] for name in names] == ["a", "b", "c"]
    assert np.array_equal(np.column_stack([column.values for column in columns]), X)


def test_compressed(tmp_path):
    _, columns, _ = read(tmp_path / "t.csv.gz", gzip.compress(("a,b,c\n" + lines()).encode()))
    assert np.array_equal(columns[0].values, X[:, 0])


NO_HEADER = "no header: the first line is a row"
AS_NAMES = "was read as names"


@pytest.mark.parametrize(
    ("header", "k", "note"),
    [
        ("400.0,402.5,405.0,407.5,410.0,412.5", 6, AS_NAMES),
        ("2010,2011,2012", 3, AS_NAMES),
        ("2010,2012,2020", 3, AS_NAMES),
        ("1,2,3,4,5", 5, AS_NAMES),
        ("0,1,2,3", 4, AS_NAMES),
        ("350,410,412,530,611,700,701,955", 8, AS_NAMES),
        ("a,400,402", 3, None),
        ("x1,x2", 2, None),
        ("0.1234,-0.5678,0.2468,0.1357", 4, NO_HEADER),
        (None, 4, NO_HEADER),
    ],
)
def test_headers_of_numbers(tmp_path, header, k, note):
    rows = RNG.normal(size=(60, k)).round(4)
    body = lines(rows)
    names, columns, notes = read(tmp_path / "t.csv", (f"{header}\n" if header else "") + body)
    is_header = note != NO_HEADER
    assert names == (header.split(",") if is_header else [str(i) for i in range(k)])
    assert len(columns[0].values) == 60 + (header is not None and not is_header)
    assert not notes if note is None else note in notes[-1]
    if header and note:
        for given, n in (("yes", 60), ("no", 61)):
            _, columns, notes = read(tmp_path / "t.csv", f"{header}\n{body}", header=given)
            assert (len(columns[0].values), notes) == (n, [])


@pytest.mark.parametrize(
    ("content", "names", "n"),
    [
        ("a,b,male\n" + "1.5,2,male\n2.5,3,female\n" * 9, ["a", "b", "male"], 18),
        ("1.5,red\n2.5,blue\n3.5,red\n", ["0", "1"], 3),
        ("anna,1.5\nbob,2.5\ncarl,1.75\n", ["0", "1"], 3),
        ("name,size\nanna,big\nbob,small\n", ["name", "size"], 2),
        ("red,big\nblue,small\nred,big\nblue,big\n", ["0", "1"], 4),
        ("sex,town\nmale,Ulm\nfemale,Ulm\n", ["sex", "town"], 2),
        ("born,a\n2024-01-01,1\n2024-01-02,3\n", ["born", "a"], 2),
        (",a,b\n0,1.5,2\n1,2.5,3\n", ["a", "b"], 2),
        ("Unnamed: 0,a,b\n0,1.5,2\n1,2.5,3\n", ["a", "b"], 2),
    ],
)
def test_header_or_row(tmp_path, content, names, n):
    found, columns, _ = read(tmp_path / "t.csv", content)
    assert (found, len(columns[0].values)) == (names, n)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3,4\na,b\n5,6\n", r"line 4 of .* repeats the header: delete it"),
        ("a,b\n1,2\n3,4,5\n", r"2 cell\(s\) separated by commas in its first line but 3 in line 3"),
        ("a,b\n1,2\n3\n", r"but 1 in line 3: make them alike, or say what separates cells"),
        ("x\n1,5\n2,5\n", r"1 cell.* in its first line but 2 in line 2: .*sep=;&decimal=,"),
        ("x, y;z\nAnna, B;s\nCarl, D;t\n", r"may be separated by commas or semicolons: say which"),
        (
            "a;b\n1.234;x\n999;y\n",
            r"column a holds '1\.234', which may be thousands or decimals: say",
        ),
        ("a,b\n1,x\n<5,y\n", r"column a holds numbers but also '<5': .*\?text=a .*\?drop=a"),
        ("a,b\nm,kg\n1,2\n2,3\n", r"column a holds numbers but also 'm'"),
        ("a;b\n1,5;1.5\n2,5;2.25\n1,5;1,5\n", r"column b holds '1\.5' but also '1,5'"),
        ("a\0b\n1\n", "holds NUL characters"),
        ("a,b\n".encode("utf-16"), "is not encoded as UTF-8"),
        ('a,b\n"1,2\n3,4\n', "t.csv"),
    ],
    ids=range(12),
)
def test_what_is_not_certain_is_refused(tmp_path, content, message):
    line = refused(tmp_path / "t.csv", content)
    assert re.search(message, line), line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": "x"}, "sep must be ; , | tab or space but got 'x'"),
        ({"decimal": "x"}, "decimal must be . or , but got 'x'"),
        ({"header": "x"}, "header must be yes or no but got 'x'"),
    ],
)
def test_options_that_cannot_be(tmp_path, options, message):
    assert message in refused(tmp_path / "t.csv", "a,b\n1,2\n", **options)


CASES = {
    "decimal commas among points": ([f"{v:.2f}".replace(".", ",") for v in X[:, 2]], "numbers"),
    "thousands": ([f"{1000 + 50 * i:,}" for i in range(30)], "numbers"),
    "codes": ([f"{i % 3:03d}" for i in range(30)], "levels"),
    "dates": ([f"9999-12-{i % 20 + 1:02d}" for i in range(30)], "dates"),
    "truth values": (["true", "false"] * 15, "numbers"),
    "levels": (["a", "b", "c"] * 10, "levels"),
    "bands": (["<18", "18-64", "65+"] * 10, "levels"),
}


@pytest.mark.parametrize("case", CASES)
def test_columns_are_what_they_hold(tmp_path, case):
    cells, kind = CASES[case]
    content = "a,x\n" + "".join(f'{a},"{c}"\n' for a, c in zip(X[:, 0], cells, strict=True))
    assert read(tmp_path / "t.csv", content)[1][1].kind == kind


def test_options_of_the_name(tmp_path):
    place = tmp_path / "t.csv"
    place.write_text("a;b;c;d\n" + "".join(f"{i},5;{i % 3};{i * i % 7};{i}\n" for i in range(40)))
    data = load_dataset(DataSpec(name=f"csv:{place}?sep=;&decimal=,&text=b,c&drop=d"))
    assert data.shape == (1 + 3 + 4,)
    with pytest.raises(DataError, match="has no column 'z' to leave out; there are: a, b, c, d"):
        load_dataset(DataSpec(name=f"csv:{place}?drop=z"))


def test_rows_without_any_value_are_left_out(tmp_path):
    place = tmp_path / "t.csv"
    place.write_text("a,b\n" + "".join(f"{i},{i % 7}\n" for i in range(20)) + ",\n,\n")
    assert (
        load_dataset(DataSpec(name=f"csv:{place}")).notes[0] == "2 rows without any value left out"
    )


WORDS = st.sampled_from(["Ulm", "Bonn", "New York", "a;b", "x, y"])
FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)


@st.composite
def frames(draw):
    n = draw(st.integers(6, 20))
    column = st.one_of(
        st.lists(FINITE, min_size=n, max_size=n),
        st.lists(st.integers(-9, 5000), min_size=n, max_size=n),
        st.lists(WORDS, min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.dates(), min_size=n, max_size=n),
    )
    names = ["alpha", "beta", "gamma", "delta"][: draw(st.integers(1, 4))]
    return pd.DataFrame({name: draw(column) for name in names})


@settings(max_examples=40)
@given(frame=frames())
def test_one_table_written_in_several_ways_is_one_table(tmp_path_factory, frame):
    pytest.importorskip("pyarrow")
    place = tmp_path_factory.mktemp("t")
    frame.to_csv(place / "a.csv", index=False)
    frame.to_csv(place / "b.csv", index=False, sep=";", decimal=",")
    frame.to_parquet(place / "a.parquet")
    loaded = []
    for name in ("parquet:a.parquet", "csv:a.csv", "csv:b.csv"):
        source, _, file = name.partition(":")
        try:
            loaded.append(load_dataset(DataSpec(name=f"{source}:{place / file}")))
        except DataError:
            continue  # one clear refusal is as good
    for data in loaded[1:]:
        assert data.shape == loaded[0].shape
        for part in ("train", "validation", "test"):
            one, other = getattr(loaded[0], part).numpy(), getattr(data, part).numpy()
            assert np.allclose(one, other, atol=1e-5)


CODES = [
    # header and rows; the columns that are text to be judged, by number
    ("id,a,b\n007,1.5,2\n012,2.5,3\n013,3.5,4\n", {0}),
    ("a,b,id\n1.5,2,007\n2.5,3,012\n3.5,4,013\n", {2}),
    ("a,id,b,code\n1,01,5,1\n2,2,6,02\n3,3,7,3\n", {1, 3}),
    ("a;b;c\n1.234;5;0.5\n2.345;6;1.5\n3.456;7;2.5\n", set()),
    ("a;b;c\n1.234;5;x\n2.345;6;y\n3.456;7;x\n", {0, 2}),
    ("a;b;c\n1.234;5;0,5\n12.5;6;1,25\n3.456;7;2,75\n", {0, 2}),
    ('a,b\n"007",1.5\n"008",2.5\n"009",3.5\n', {0}),
    ('a,b,c\n1,"x,\ny",007\n2,"z",008\n3,"z",009\n', {1, 2}),
    ("a b c\n1 007 1.5\n2 008 2.5\n3 009 3.5\n", {1}),
    ('"a","b"\n"1",1.5\n"2",2.5\n"3",3.5\n', set()),
    ("0123,0456\n1,5\n2,6\n4,7\n", set()),
]


@pytest.mark.parametrize(("text", "judged"), CODES)
def test_only_columns_with_unclear_cells_are_read_as_text(text, judged, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    frame = read_delimited(tmp_path / "t.csv", {}).frame
    assert {i for i, dtype in enumerate(frame.dtypes) if dtype.kind not in "biuf"} == judged
