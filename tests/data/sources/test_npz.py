import zipfile

import numpy as np
import pytest
import torch
from dataset_fakes import noise

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.splits import draw


@pytest.fixture
def load(tmp_path):
    def write_and_load(*arrays, **named):
        np.savez(tmp_path / "a.npz", *arrays, **named)
        return load_dataset(DataSpec(name=f"npz:{tmp_path / 'a.npz'}"))

    return write_and_load


def sizes(data):
    return [len(part) for part in (data.train, data.validation, data.test)]


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ((7,), (7,)),
        ((9, 5), (1, 9, 5)),
        ((9, 5, 3), (3, 9, 5)),
        ((9, 5, 1), (1, 9, 5)),
        ((9, 5, 4), (4, 9, 5)),
        ((3, 9, 5), (3, 9, 5)),
        ((2, 9, 5), (2, 9, 5)),
    ],
)
@pytest.mark.parametrize("scale", [1, 0.5])
def test_shapes(load, stored, read, scale):
    data = load(noise(20, *stored) * np.array(scale, "u1" if scale == 1 else "f8"))
    assert data.shape == read
    assert sizes(data) == [15, 1, 4]
    assert data.train.dtype == (torch.uint8 if scale == 1 else torch.float32)


def test_channels_last_become_channels_first_and_bytes_stay_bytes(load):
    pool, held_out = noise(20, 6, 5, 3), noise(4, 6, 5, 3)
    data = load(x_train=pool, x_test=held_out, y_train=np.zeros(20))
    assert np.array_equal(data.test.numpy(), held_out.transpose(0, 3, 1, 2))
    assert data.data_range == 1.0
    assert data.notes == (
        "labels left out: y_train; they count if each split has them, as text, truth values or "
        "whole numbers, not as Python objects, of 2 classes or more",
        "read as images of 3 channel(s), 6 by 5 pixels",
    )


@pytest.mark.parametrize("train", ["train", "x_train", "X_train", "train_images", "X", "data"])
@pytest.mark.parametrize("validation", ["validation", "val", "x_val", None])
@pytest.mark.parametrize("test", ["test", "x_test", None])
def test_names(load, train, validation, test):
    held_out = {name: noise(n, 4) for name, n in ((validation, 5), (test, 6)) if name}
    expected = {
        (True, True): [40, 5, 6],
        (True, False): [32, 5, 8],
        (False, True): [36, 4, 6],
        (False, False): [29, 3, 8],
    }[validation is not None, test is not None]
    assert sizes(load(**{train: noise(40, 4)}, **held_out)) == expected


def test_rows_are_standardised_on_the_training_split_alone(load):
    generator = np.random.default_rng(0)
    train = generator.normal(50, 7, (200, 3)) * [1, 1e-6, 1e6]
    validation, test = generator.normal(90, 7, (2, 30, 3)) * [1, 1e-6, 1e6]
    data = load(train=train, val=validation, test=test)
    assert torch.allclose(data.train.mean(0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(data.train.std(0, correction=0), torch.ones(3), atol=1e-5)
    expected = (test - train.mean(0)) / train.std(0)
    assert np.allclose(data.test.numpy(), expected, atol=1e-4)
    assert data.validation.mean() > 4  # other data stay other
    assert data.data_range == pytest.approx((data.train.max() - data.train.min()).item())


def test_a_constant_column_is_noted(load):
    rows = np.random.default_rng(0).normal(size=(50, 3))
    rows[:, 1] = 0.1  # its computed deviation is not exactly 0
    data = load(rows)
    assert data.train[:, 1].abs().max() < 1e-6
    assert any("1 column(s) constant" in note for note in data.notes)


def test_images_are_scaled_by_the_training_split_alone(load):
    train = np.linspace(-3, 5, 10 * 4 * 4).reshape(10, 4, 4)
    data = load(train=train, val=train + 8, test=train - 8)
    assert (data.train.min(), data.train.max()) == (0, 1)
    assert (data.validation.min(), data.test.max()) == (1, 0)
    assert data.data_range == 1.0


@pytest.mark.parametrize("kind", [np.float16, np.int64, np.uint16, bool])
def test_other_numbers_become_floats(load, kind):
    data = load((noise(20, 4, 4) > 99).astype(kind))
    assert data.train.dtype == torch.float32
    assert set(data.train.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": noise(9, 4), "b": noise(9, 4)}, "no training array among a, b: name one"),
        ({"x": noise(9, 4), "train": noise(9, 4)}, "several train arrays .x, train.: keep one"),
        ({"train": noise(9, 4), "test": noise(9, 5)}, r"\(9, 4\) but its test .*\(9, 5\)"),
        ({"train": noise(9, 4), "test": np.ones((9, 4))}, "uint8 .* but its test array is float64"),
        ({"x": np.arange(9.0)}, r"shape \(9,\): it must be rows"),
        ({"x": np.ones((2, 2, 2, 2, 2))}, r"shape \(2, 2, 2, 2, 2\)"),
        ({"x": np.ones((0, 4))}, r"shape \(0, 4\)"),
        ({"x": np.ones((9, 4), complex)}, "is complex128: it must hold real numbers"),
        ({"x": np.full((9, 4), "a")}, "is <U1: it must hold real numbers"),
        ({"x": np.full((9, 4), None)}, "holds Python objects, which are not read: write arrays"),
        ({"x": np.ones((9, 4, 4))}, "all 7 training examples of .* are alike"),
        ({"x": np.geomspace(1, 1e300, 36).reshape(9, 4)}, r"values up to 1\.0e\+300 are too great"),
        ({"x": np.resize([-1e308, 1e308, 0], (9, 4, 4))}, r"1\.0e\+308 are too great"),
        ({"x": np.ones((9, 4))}, "all 7 training examples of .* are alike"),
        ({"x": np.full((9, 4, 4), 7, "u1")}, "all 7 training examples of .* are alike"),
        ({"x": np.tile(noise(1, 4, 4), (9, 1, 1))}, "all 7 training examples of .* are alike"),
        ({"x": noise(2, 4)}, "at least 3 are needed"),
        ({}, "no training array among its 0 arrays"),
    ],
)
def test_refusals(load, arrays, message):
    with pytest.raises(DataError, match=message) as caught:
        load(**arrays)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted_and_located(load, value):
    test = np.ones((9, 4))
    test[2, 1] = test[5, 0] = value
    message = r"the test array of .* holds 2 NaN or infinite value\(s\), the first at \(2, 1\)"
    with pytest.raises(DataError, match=message):
        load(train=noise(9, 4).astype(float), test=test)


def test_files_that_are_no_archive_of_arrays(tmp_path):
    path = tmp_path / "a.npz"
    spec = DataSpec(name=f"npz:{path}")
    for content in (b"", b"rubbish"):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz is not an \.npz archive"):
            load_dataset(spec)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match="must hold real numbers"):
        load_dataset(spec)


def test_a_damaged_archive(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=noise(900, 4))
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz cannot be read"):
        load_dataset(DataSpec(name=f"npz:{path}"))


def first_values(part):
    return [int(x) for x in part.flatten(1)[:, 0]]


def test_labels_are_split_with_their_examples(load):
    images, held_out = noise(30, 4, 4) % 3 * 100, noise(6, 4, 4) % 3 * 100
    y, y_test = images[:, 0, 0], held_out[:, :1, 0]
    data = load(x=images, y=y, x_test=held_out, y_test=y_test)
    assert sizes(data) == [27, 3, 6]
    for part, ids in zip((data.train, data.validation, data.test), data.labels, strict=True):
        assert ids.dtype == torch.int64
        assert (100 * ids).tolist() == first_values(part)
    assert not any("left out" in note for note in data.notes)


def test_labels_may_be_text(load):
    images = noise(30, 4, 4) % 2
    data = load(data=images, Labels=np.array(["pear", "apple"])[images[:, 0, 0]])
    assert data.labels.train.tolist() == [1 - x for x in first_values(data.train)]


@pytest.mark.parametrize(
    "arrays",
    [
        {"y": np.arange(20) % 2, "x_test": noise(4, 3)},  # the test split has none
        {"y": np.linspace(0, 1, 20)},
        {"y": np.zeros(20)},
        {"y": np.ones((20, 2))},
        {"y": np.full(20, None)},
    ],
    ids=["half", "numbers", "one class", "many a row", "objects"],
)
def test_what_are_no_labels_is_left_out(load, arrays):
    data = load(x=noise(20, 3), **arrays)
    assert data.labels is None
    assert data.notes[0].startswith("labels left out: y; they count if each split has them")


def test_anomalies_are_held_out(load):
    images = noise(40, 4, 4)
    anomalous = images[:, 0, 0] < 60
    data = load(x=images, anomalies=anomalous, y=anomalous)
    m = int(anomalous.sum())
    assert [int(part.sum()) for part in data.anomalies] == [0, m // 2, m - m // 2]
    for part, flags in zip((data.train, data.validation, data.test), data.anomalies, strict=True):
        assert flags.tolist() == [x < 60 for x in first_values(part)]
    assert all(torch.equal(a.long(), b) for a, b in zip(data.anomalies, data.labels, strict=True))


def test_anomalies_of_a_shipped_test_split_stay_there(load):
    data = load(x=noise(20, 4), x_test=noise(5, 4), anomalies_test=[0, 1, 0, 0, 1])
    assert [int(part.sum()) for part in data.anomalies] == [0, 0, 2]
    assert sizes(data) == [18, 2, 5]


def test_anomalies_to_train_on_leave_when_all_splits_are_shipped(load):
    shipped = {"x": noise(9, 4), "x_val": noise(3, 4), "x_test": noise(4, 4)}
    data = load(**shipped, anomaly=np.arange(9) < 2)
    assert sizes(data) == [7, 3, 4]
    assert {row.tobytes() for row in data.train.numpy()} == {r.tobytes() for r in noise(9, 4)[2:]}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.arange(19) % 2}, r"array y of .* has shape \(19,\): .* each of the 20 examples"),
        ({"y": np.arange(20) % 2, "label": np.arange(20)}, "several train label arrays .y, label."),
        ({"anomaly": np.arange(20)}, "array anomaly of .* must be true or false, or 1 or 0"),
        ({"anomaly": np.ones((20, 2))}, r"array anomaly of .* has shape \(20, 2\)"),
        ({"anomaly": np.arange(20) < 1}, "there are 1 anomalies but each of the 2 held-out splits"),
    ],
)
def test_labels_and_anomalies_that_do_not_fit(load, arrays, message):
    with pytest.raises(DataError, match=message):
        load(x=noise(20, 3), **arrays)


@pytest.mark.parametrize(("stored", "read"), [((9,), (1, 9)), ((2, 9), (2, 9)), ((4, 3), (4, 3))])
@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_arrays_named_signals_are_signals(load, stored, read, kind):
    data = load(signals=noise(20, *stored).astype(kind))
    assert data.shape == read
    assert sizes(data) == [15, 1, 4]
    assert data.train.dtype == (torch.uint8 if kind is np.uint8 else torch.float32)
    assert data.notes[0] == f"read as signals of {read[0]} channel(s), {read[1]} samples"


def test_channels_of_signals_are_standardised_on_the_training_split_alone(load):
    generator = np.random.default_rng(0)
    train = generator.normal(5, 2, (200, 2, 7)) * [[1], [1e6]]
    data = load(train_signals=train, val_signals=train + 10, Test_Signals=train[:3], y=train[:, 0])
    assert sizes(data) == [200, 200, 3]
    mean, deviation = train.mean((0, 2)), train.std((0, 2))
    expected = (train + 10 - mean[:, None]) / deviation[:, None]
    assert np.allclose(data.validation.numpy(), expected, atol=1e-4)
    assert data.data_range == pytest.approx(float(data.train.max() - data.train.min()))
    assert data.notes[-1] == "each channel standardised on the training split"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"signals": noise(9, 4, 4, 3)}, r"\(9, 4, 4, 3\): it must be signals \(n, length\) or"),
        ({"signals": noise(9, 4), "test": noise(9, 4)}, "names signals signals but not test: name"),
        ({"signals": noise(9, 4), "x": noise(9, 4)}, "several train arrays .signals, x.: keep one"),
        ({"signals": np.ones((9, 4, 4))}, "all 7 training examples of .* are alike"),
        ({"signals": np.resize([-1e308, 1e308, 0], (9, 1, 4))}, r"1\.0e\+308 are too great"),
    ],
)
def test_signals_that_are_refused(load, arrays, message):
    with pytest.raises(DataError, match=message) as caught:
        load(**arrays)
    assert "\n" not in str(caught.value)


def test_labels_go_with_signals(load):
    signals = noise(30, 2, 5) % 3 * 100
    data = load(signals=signals, y=signals[:, 0, 0])
    assert (100 * data.labels.train).tolist() == first_values(data.train)


def whole(*shape, high, kind="u1"):
    """Whole numbers from 0 that reach `high`."""
    numbers = np.random.default_rng(0).integers(0, high + 1, (40, *shape))
    numbers.flat[:: numbers[0].size // 2] = high
    return numbers.astype(kind)


FLOATS = np.random.default_rng(0).beta(5, 5, (40, 6, 6))

RANGES = {
    "fingerprints": (whole(9, high=1), 1, "values are 0 and 1: read as they are"),
    "fingerprints as truth values": (whole(9, high=1) > 0, 1, None),
    "fingerprints as floats": (whole(9, high=1, kind="f8"), 1, "values are 0 and 1: read as"),
    "masks": (whole(6, 6, high=1), 1, "values are 0 and 1: read as they are"),
    "maps of classes": (whole(6, 6, high=5), 5, "whole numbers up to 5: read as value / 5"),
    "digits of scikit-learn": (whole(8, 8, high=16), 16, "whole numbers up to 16: read as value"),
    "dark bytes": (whole(6, 6, high=100), 255, "bytes that reach 100 only, read as value / 255"),
    "bytes": (whole(6, 6, high=255), 255, None),
    "bytes as whole numbers": (whole(6, 6, high=255, kind="i8"), 255, None),
    "bytes as floats": (whole(6, 6, high=255, kind="f4"), 255, None),
    "rows of bytes": (whole(9, high=255), 255, None),
    "10 bits": (whole(6, 6, high=1000, kind="u2"), 1023, "whole numbers up to 1000: read as"),
    "12 bits in 16": (whole(6, 6, high=4095, kind="u2"), 4095, "up to 4095: read as value / 4095"),
    "12 bits in 32": (whole(6, 6, high=4000, kind="i4"), 4095, "up to 4000: read as value / 4095"),
    "16 bits": (whole(6, 6, high=65535, kind="u2"), 65535, "up to 65535: read as value / 65535"),
    "floats from 0 to 1": (FLOATS, 1, "values from 0 to 1: read as they are"),
    "floats that fill a part": (0.2 + 0.5 * FLOATS.astype("f4"), 1, "values from 0 to 1: read as"),
}  # fmt: skip


@pytest.mark.parametrize("case", RANGES)
def test_ranges_come_from_the_values(load, case):
    array, full, note = RANGES[case]
    data = load(array)
    rows = draw(len(array), 0)
    expected = array.astype(float).reshape(40, *data.shape) / full
    for part, own in zip((data.train, data.validation, data.test), rows, strict=True):
        seen = part / 255 if part.dtype == torch.uint8 else part
        assert np.allclose(seen.numpy(), expected[own], atol=1e-7)
    assert (full != 255) == (data.train.dtype == torch.float32)
    notes = [n for n in data.notes if not n.startswith("read as images")]
    assert not notes if note is None else note in notes[0]


@pytest.mark.parametrize(
    ("array", "mean"),
    [
        (0.01 * FLOATS, None),
        (2 * FLOATS - 1, None),
        (300 * FLOATS, None),
        (whole(9, high=5), 0),
        (whole(9, high=5, kind="i4"), 0),
        (whole(9, high=255, kind="i4"), 0),
    ],
)
def test_other_ranges_are_scaled_on_the_training_split(load, array, mean):
    train = load(array).train
    if mean is None:
        assert (float(train.min()), float(train.max())) == (0, 1)
    else:
        assert train.mean(0).abs().max() < 1e-5


@pytest.mark.parametrize(
    "kind", ["?", "u1", "i2", ">i2", "<u4", ">i8", "f2", ">f4", "f8", "longdouble"]
)
@pytest.mark.parametrize(
    "layout", [np.ascontiguousarray, np.asfortranarray, lambda a: a[::-1][::-1]]
)
@pytest.mark.parametrize(("shape", "high"), [((6,), 1), ((5, 4), 1), ((5, 4, 3), 200), ((6,), 9)])
def test_type_byte_order_and_layout_change_no_value(load, kind, layout, shape, high):
    array = whole(*shape, high=1 if kind == "?" else high, kind="i8")
    plain, other = load(array), load(layout(array.astype(kind)))
    assert plain.train.dtype == other.train.dtype
    assert torch.equal(plain.train, other.train)
    assert torch.equal(plain.test, other.test)


def test_a_single_array(tmp_path):
    array = noise(20, 9, 5)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", array)
    one, other = (load_dataset(DataSpec(name=f"npz:{tmp_path}/a.{end}")) for end in ("npy", "npz"))
    assert torch.equal(one.train, other.train)


@pytest.mark.parametrize(
    ("array", "options", "shape", "note"),
    [
        (noise(20, 9, 8, 2), "?channels=last", (2, 9, 8), "read as images of 2 channel(s), 9 by 8"),
        (noise(20, 3, 9, 4), "?channels=first", (3, 9, 4), "read as images of 3 channel(s)"),
        (noise(20, 9, 8, 2), "", (9, 8, 2), "pixels: did you mean channels last? ?channels=last"),
        (noise(20, 2, 9, 8), "", (2, 9, 8), "read as images of 2 channel(s), 9 by 8 pixels"),
        (noise(20, 2, 30), "?as=signals", (2, 30), "read as signals of 2 channel(s), 30 samples"),
        (noise(20, 30), "?as=signals", (1, 30), "read as signals of 1 channel(s), 30 samples"),
        (noise(20, 30, 2), "?as=signals&channels=last", (2, 30), "read as signals of 2 channel(s)"),
        (noise(20, 30, 2), "?as=signals", (30, 2), "samples: did you mean channels last?"),
    ],
)  # fmt: skip
def test_what_axes_are(tmp_path, array, options, shape, note):
    np.savez(tmp_path / "a.npz", array)
    data = load_dataset(DataSpec(name=f"npz:{tmp_path / 'a.npz'}{options}"))
    assert data.shape == shape
    assert note in data.notes[0]
    assert ("did you mean" in data.notes[0]) == ("did you mean" in note)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("?channels=2", "channels must be first or last but got '2'"),
        ("?as=rows", "as must be signals"),
    ],
)
def test_options_that_cannot_be(tmp_path, options, message):
    np.savez(tmp_path / "a.npz", noise(20, 9))
    with pytest.raises(DataError, match=message):
        load_dataset(DataSpec(name=f"npz:{tmp_path / 'a.npz'}{options}"))
