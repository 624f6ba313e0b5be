"""New examples are prepared as those that were trained on, and changed back, or refused in a line.

The oracle of every row is the data set itself: its validation split, from the same raw examples.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from dataset_fakes import noise
from PIL import Image

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.affine import Affine
from asymnas.data.base import Dataset, load_dataset, preprocessing_of
from asymnas.data.preprocessing import Preprocessing
from asymnas.data.splits import draw

RNG = np.random.default_rng(0)
WAVES = RNG.normal(size=(40, 2, 12)) * [[3.0], [0.01]] + [[100.0], [-4.0]]

#: Raw arrays by the name that an archive gives them; what is read of each is another sort of data.
RAW = {
    "rows": RNG.normal(size=(60, 5)) * [1, 10, 1e-3, 1e6, 1] + [0, 5, 7, -1e6, 3],
    "rows of float32": RNG.normal(size=(60, 5)).astype(np.float32),
    "rows of whole numbers": RNG.integers(-5, 900, (60, 4)),
    "a constant column": np.column_stack([RNG.normal(size=(60, 2)), np.full(60, 7.5)]),
    "bytes in rows": RNG.integers(0, 256, (60, 9), dtype=np.uint8),
    "images of bytes": noise(40, 3, 6, 8),
    "images, channels last": np.moveaxis(noise(40, 3, 6, 8), 1, -1),
    "grey images without channels": noise(40, 6, 8),
    "images of floats": RNG.normal(size=(40, 1, 5, 7)) * 40 + 1000,
    "images of 12 bits": RNG.integers(0, 4096, (40, 5, 7, 3)).astype(np.uint16),
    "signals": WAVES,
    "signals of one channel": WAVES[:, 0],
}


def loaded(name: str, array: np.ndarray, folder) -> tuple[Dataset, np.ndarray]:
    """The data set of an archive, and the raw examples of its validation split."""
    key = "signals" if name.startswith("signals") else "data"
    np.savez(folder / "a.npz", **{key: array})
    data = load_dataset(DataSpec(name=f"npz:{folder / 'a.npz'}"))
    return data, array[draw(len(array), 0).validation]


@pytest.mark.parametrize("name", list(RAW))
def test_raw_examples_become_the_prepared_ones_and_are_changed_back(name, tmp_path):
    data, raw = loaded(name, RAW[name], tmp_path)
    preprocessing = Preprocessing.from_text(preprocessing_of(data).to_text())
    for given in (raw, torch.from_numpy(raw.astype(np.int64 if raw.dtype == "u2" else raw.dtype))):
        torch.testing.assert_close(preprocessing.prepare(given), data.validation, rtol=0, atol=0)
    seen = data.validation.numpy() / (255 if data.train.dtype == torch.uint8 else 1)
    back = preprocessing.restore(seen.astype(np.float32), raw)
    assert back.shape == raw.shape
    spread = np.ptp(RAW[name].reshape(-1, RAW[name].shape[-1]).astype(float), axis=0)
    np.testing.assert_allclose(back, raw, atol=1e-6 * spread.max(), rtol=1e-6)
    if data.train.dtype == torch.uint8:
        assert back.dtype == np.uint8


def test_a_frame_of_rows_comes_back_as_a_frame(tmp_path):
    data, raw = loaded("rows", RAW["rows"], tmp_path)
    frame = pd.DataFrame(raw, columns=list("abcde"), index=range(7, 7 + len(raw)))
    preprocessing = preprocessing_of(data)
    torch.testing.assert_close(preprocessing.prepare(frame), data.validation, rtol=0, atol=0)
    mixed = frame.astype({"a": "Float64"})
    torch.testing.assert_close(preprocessing.prepare(mixed), data.validation, rtol=0, atol=0)
    back = preprocessing.restore(data.validation.numpy(), frame)
    pd.testing.assert_frame_equal(back, frame, rtol=1e-5)


def test_a_class_held_out_scales_what_is_left_once_more():
    whole = load_dataset(DataSpec(name="wine"))
    rest = load_dataset(DataSpec(name="wine?anomaly=2"))
    from sklearn.datasets import load_wine

    raw = load_wine()
    rows = draw(len(raw.data), 0, labels=raw.target).take(raw.data)
    for data in (whole, rest):
        again = Preprocessing.from_text(preprocessing_of(data).to_text())
        torch.testing.assert_close(again.prepare(rows.validation), data.validation)
    assert not torch.equal(whole.validation, rest.validation)


def test_image_files_are_read_as_those_of_the_folder(tmp_path):
    for place in range(12):
        Image.fromarray(noise(9 + place, 14, 3)).save(tmp_path / f"{place:02d}.png")
    spec = DataSpec(name=f"folder:{tmp_path}", root=str(tmp_path / "root"), image_size=8)
    data = load_dataset(spec)
    preprocessing = preprocessing_of(data)
    files = [tmp_path / f"{place:02d}.png" for place in draw(12, 0).validation]
    kept = data.validation[torch.arange(len(files))]
    assert torch.equal(preprocessing.prepare(files), kept)
    assert torch.equal(preprocessing.prepare(str(files[0])), kept[:1])
    restored = preprocessing.restore(kept.numpy() / np.float32(255), files)
    np.testing.assert_array_equal(restored, kept.numpy())


def test_masks_of_zeros_and_ones_are_taken_as_such(tmp_path):
    masks = noise(12, 8, 8) % 2
    for place, mask in enumerate(masks):
        Image.fromarray(mask).save(tmp_path / f"{place:02d}.png")
    data = load_dataset(DataSpec(name=f"folder:{tmp_path}", root=str(tmp_path / "root")))
    preprocessing = Preprocessing.from_text(preprocessing_of(data).to_text())
    rows = draw(12, 0).validation
    kept = data.validation[torch.arange(len(rows))]
    assert kept.unique().tolist() == [0, 255]
    files = [tmp_path / f"{place:02d}.png" for place in rows]
    for given in (files, masks[rows], masks[rows].astype(bool)):
        assert torch.equal(preprocessing.prepare(given), kept)
        restored = preprocessing.restore(kept.numpy() / np.float32(255), given)
        np.testing.assert_array_equal(restored.reshape(-1, 8, 8), masks[rows])
    with pytest.raises(DataError, match=r"of whole numbers from 0 to 1, .* values from 0 to 255"):
        preprocessing.prepare(kept)


def test_data_of_unknown_making_are_taken_as_they_are():
    splits = {name: torch.randn(9, 4) for name in ("train", "validation", "test")}
    preprocessing = preprocessing_of(Dataset(**splits))
    assert torch.equal(preprocessing.prepare(splits["test"]), splits["test"])


ROWS = Preprocessing(shape=(3,), scalings=(Affine(np.zeros(3), np.full(3, 1e-30)),))
IMAGES = Preprocessing(shape=(3, 4, 5), bytewise=True)
GREY = Preprocessing(shape=(1, 4, 5), bytewise=True)
WAVE = Preprocessing(shape=(2, 9))

REFUSED = {
    "too few columns": (
        ROWS,
        np.zeros((4, 2)),
        "rows of 3 value(s) but got an array of shape (4, 2): give (n, 3)",
    ),
    "one row alone": (ROWS, np.zeros(3), "x[None]"),
    "no rows": (ROWS, np.zeros((0, 3)), "shape (0, 3)"),
    "a number": (ROWS, 3.0, "shape ()"),
    "text": (ROWS, np.full((2, 3), "a"), "array of <U1: give real numbers"),
    "objects": (ROWS, np.full((2, 3), None), "array of object: give real numbers"),
    "complex numbers": (ROWS, np.zeros((2, 3), complex), "array of complex128"),
    "nothing": (ROWS, None, "array of object"),
    "NaN": (ROWS, np.array([[1, np.nan, 2.0]]), "1 value(s) are NaN or infinite"),
    "infinite": (ROWS, np.array([[1, -np.inf, np.inf]]), "2 value(s) are NaN or infinite"),
    "too great": (ROWS, np.full((1, 3), 1e300), "too great for what they are scaled by"),
    "ragged": (ROWS, [[1, 2, 3], [1, 2]], "unlike shapes"),
    "a frame of other columns": (ROWS, pd.DataFrame({"a": [1], "b": [2]}), "2 column(s) (a, b)"),
    "a frame of text": (
        ROWS,
        pd.DataFrame({"a": [1], "b": [2], "c": ["x"]}),
        "holds what is no number",
    ),
    "a frame for images": (IMAGES, pd.DataFrame({"a": [1]}), "got a data frame: give an array"),
    "images of another size": (
        IMAGES,
        np.zeros((2, 5, 4, 3), np.uint8),
        "give (n, 3, 4, 5) or (n, 4, 5, 3)",
    ),
    "grey for colour": (IMAGES, np.zeros((2, 4, 5), np.uint8), "images of 3 channel(s), 4 by 5"),
    "colour for grey": (GREY, np.zeros((2, 4, 5, 3), np.uint8), "or (n, 4, 5)"),
    "one image alone": (IMAGES, np.zeros((3, 4, 5), np.uint8), "x[None]"),
    "floats for bytes": (IMAGES, np.full((2, 3, 4, 5), 0.5), "float64 with values from 0.5 to 0.5"),
    "beyond bytes": (IMAGES, np.full((2, 3, 4, 5), 256), "from 256 to 256"),
    "below bytes": (IMAGES, np.full((2, 3, 4, 5), -1), "from -1 to -1"),
    "a path for rows": (ROWS, "a.csv", "got 'a.csv': read the file"),
    "a file that is not there": (IMAGES, ["nowhere.png"], "nowhere.png"),
    "samples of another length": (WAVE, np.zeros((1, 2, 8)), "signals of 2 channel(s), 9 samples"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_does_not_fit_is_refused_in_a_line(case):
    preprocessing, given, reason = REFUSED[case]
    with pytest.raises(DataError) as caught:
        preprocessing.prepare(given)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_image_file_of_another_size_is_refused(tmp_path):
    Image.fromarray(noise(6, 6, 3)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png has the shape \(3, 6, 6\)"):
        IMAGES.prepare(tmp_path / "a.png")


WHOLE = replace(WAVE, scalings=(Affine(np.array([[0.1], [1 / 3]]), np.array([[1.0], [2e-300]])),))


def test_it_is_the_same_to_the_last_digit_after_it_was_written():
    again = Preprocessing.from_text(WHOLE.to_text())
    assert (again.shape, again.bytewise, again.image_size) == ((2, 9), False, None)
    for mine, theirs in zip(again.scalings, WHOLE.scalings, strict=True):
        np.testing.assert_array_equal(mine.offset, theirs.offset)
        np.testing.assert_array_equal(mine.scale, theirs.scale)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "damaged"),
        (WHOLE.to_text()[:-9], "damaged"),
        ("[]", "damaged"),
        ("null", "damaged"),
        ("{}", "damaged"),
        (WHOLE.to_text().replace('"offset"', '"offsat"'), "damaged"),
        (WHOLE.to_text().replace('"version": 1', '"version": 99'), "later version"),
    ],
)
def test_a_damaged_text_is_an_error_of_one_line(text, reason):
    with pytest.raises(DataError, match=reason):
        Preprocessing.from_text(text)


def written(frame: pd.DataFrame, folder, options: str = "") -> tuple[Dataset, pd.DataFrame]:
    """The data set of a table as CSV, and its validation rows as pandas reads them again."""
    frame.to_csv(folder / "t.csv", index=False)
    data = load_dataset(DataSpec(name=f"csv:{folder / 't.csv'}{options}"))
    raw = pd.read_csv(folder / "t.csv")
    labels = None if "label" not in raw else raw["label"].map({"u": 0, "v": 1}).to_numpy()
    return data, raw.iloc[draw(len(raw), 0, labels=labels).validation]


def people(n: int = 300) -> pd.DataFrame:
    """A table of every sort of column, with gaps, a rare level and one that is constant."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n).astype(float),
            "town": rng.choice(["Ulm", "Köln", "Bonn"], n),
            "income": rng.lognormal(10, 1, n).round(2),
            "since": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 9_000, n), "D"),
            "member": rng.random(n) < 0.4,
            "constant": 7,
            "tail": np.where(rng.random(n) < 0.995, "common", "rare"),
            "many": rng.choice([f"level {i}" for i in range(40)], n),
            "id": [f"person {i}" for i in range(n)],
        }
    )
    frame.loc[::17, "age"] = np.nan
    frame.loc[::13, "town"] = None
    return frame


@pytest.mark.parametrize("options", ["", "?label=label"])
def test_rows_of_a_table_become_the_prepared_ones(options, tmp_path):
    frame = people().assign(label=np.random.default_rng(2).choice(["u", "v"], 300))
    data, raw = written(frame if options else frame.drop(columns="label"), tmp_path, options)
    preprocessing = Preprocessing.from_text(preprocessing_of(data).to_text())
    shuffled = raw[raw.columns[::-1]].assign(more=1)
    for given in (raw, shuffled):
        torch.testing.assert_close(preprocessing.prepare(given), data.validation, rtol=0, atol=0)
    back = preprocessing.restore(data.validation.numpy(), raw)
    assert list(back.index) == list(raw.index)
    used = {"age", "town", "income", "since", "member", "tail", "many"}
    varied = used if not options else used - {"tail"}  # its rare level is in no training row
    assert list(back) == [name for name in raw if name in varied]
    there = raw["age"].notna()
    np.testing.assert_allclose(back["age"][there], raw["age"][there], rtol=1e-5)
    assert (back["age"][~there] == back["age"][~there].iloc[0]).all()  # the median
    assert back["town"].fillna("-").tolist() == raw["town"].fillna("-").tolist()
    off = (back["since"] - pd.to_datetime(raw["since"])).abs()
    assert off.max() < pd.Timedelta("1h")
    assert (back["member"].round() == raw["member"]).all()
    if "tail" in back:
        assert back["tail"].tolist() == raw["tail"].tolist()


def test_spans_of_time_and_columns_called_by_numbers_come_back(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({0: rng.normal(size=90), 1: pd.to_timedelta(rng.integers(1, 99, 90), "h")})
    pytest.importorskip("pyarrow")
    frame.set_axis(["0", "1"], axis=1).to_parquet(tmp_path / "t.parquet")
    data = load_dataset(DataSpec(name=f"parquet:{tmp_path / 't.parquet'}"))
    back = preprocessing_of(data).restore(preprocessing_of(data).prepare(frame).numpy(), frame)
    assert list(back) == [0, 1]
    np.testing.assert_allclose(back[0], frame[0], atol=1e-5)
    assert (back[1] - frame[1]).abs().max() < pd.Timedelta("1min")


TABLE_REFUSED = {
    "a column is missing": (lambda f: f.drop(columns="age"), "lack the column(s) age"),
    "several are missing": (lambda f: f[["age"]], "lack the column(s) income, since, member"),
    "a column twice": (lambda f: pd.concat([f, f[["age"]]], axis=1), "two columns called age"),
    "an unknown level": (lambda f: f.assign(town="Wien"), "column town has the level(s) 'Wien'"),
    "a code as a number": (lambda f: f.assign(tail=7), "column tail has the level(s) '7'"),
    "text for numbers": (lambda f: f.assign(age="old"), "age holds levels but held numbers"),
    "dates for numbers": (lambda f: f.assign(age="2024-05-31"), "age holds dates but held numbers"),
    "numbers for dates": (lambda f: f.assign(since=3), "since holds numbers but held dates"),
    "infinite numbers": (lambda f: f.assign(age=np.inf), "infinite value(s) in age"),
    "an array": (lambda f: f[["age"]].to_numpy(), "got a numpy.ndarray: give a pandas data frame"),
    "no rows": (lambda f: f.iloc[:0], "got a data frame without rows"),
    "a path": (lambda f: "t.csv", "got a str: give a pandas data frame with the columns age"),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return written(people(), tmp_path_factory.mktemp("table"))


@pytest.mark.parametrize("case", list(TABLE_REFUSED))
def test_rows_unlike_the_table_are_refused_in_a_line(case, table):
    data, raw = table
    change, reason = TABLE_REFUSED[case]
    with pytest.raises(DataError) as caught:
        preprocessing_of(data).prepare(change(raw))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


TABLE_TAKEN = {
    "one row": lambda f: f.iloc[:1],
    "all missing": lambda f: f.assign(age=np.nan),
    "a level that is rare": lambda f: f.assign(tail="rare"),
    "a level among the others": lambda f: f.assign(many="level 77"),
    "numbers as text": lambda f: f.assign(age=f["age"].map(str).replace("nan", None)),
    "truth values as text": lambda f: f.assign(member=f["member"].map(str)),
    "whole numbers": lambda f: f.assign(age=40),
    "nullable numbers": lambda f: f.assign(age=f["age"].astype("Int64")),
    "categories": lambda f: f.assign(town=f["town"].astype("category")),
    "real dates": lambda f: f.assign(since=pd.to_datetime(f["since"])),
}


@pytest.mark.parametrize("case", list(TABLE_TAKEN))
def test_rows_of_other_types_mean_the_same(case, table):
    data, raw = table
    preprocessing = preprocessing_of(data)
    given = TABLE_TAKEN[case](raw)
    prepared, plain = preprocessing.prepare(given), preprocessing.prepare(raw)
    assert prepared.isfinite().all()
    if case.startswith(("one", "num", "tru", "nul", "cat", "real")):
        torch.testing.assert_close(prepared, plain[: len(given)], rtol=0, atol=0)
    elif case == "a level that is rare":
        assert (preprocessing.restore(prepared.numpy(), given)["tail"] == "(other)").all()
    elif case == "a level among the others":
        assert (preprocessing.restore(prepared.numpy(), given)["many"] == "(other)").all()
