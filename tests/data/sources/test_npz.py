import zipfile

import numpy as np
import pytest
import torch
from dataset_fakes import noise

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset


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
@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_shapes(load, stored, read, kind):
    data = load(noise(20, *stored).astype(kind))
    assert data.shape == read
    assert sizes(data) == [15, 1, 4]
    assert data.train.dtype == (torch.uint8 if kind is np.uint8 else torch.float32)


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
        ({"x": np.ones((9, 4, 4))}, "every value of the training images is 1"),
        ({"x": np.geomspace(1, 1e300, 36).reshape(9, 4)}, r"values up to 1\.0e\+300 are too great"),
        ({"x": np.tile([-1e308, 1e308], 72).reshape(9, 4, 4)}, r"1\.0e\+308 are too great"),
        ({"x": np.ones((9, 4))}, "every column is constant on the 7 training row"),
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
    with path.open("wb") as file:
        np.save(file, noise(9, 4))
    with pytest.raises(DataError, match=r"is not an \.npz archive: write one with numpy\.savez"):
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
    images, held_out = noise(30, 4, 4) % 3, noise(6, 4, 4) % 3
    data = load(x=images, y=images[:, 0, 0], x_test=held_out, y_test=held_out[:, :1, 0])
    assert sizes(data) == [27, 3, 6]
    for part, ids in zip((data.train, data.validation, data.test), data.labels, strict=True):
        assert ids.dtype == torch.int64
        assert ids.tolist() == first_values(part)
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
        ({"signals": np.ones((9, 4, 4))}, "every channel is constant on the training signals"),
        ({"signals": np.tile([-1e308, 1e308], (9, 1, 2))}, r"1\.0e\+308 are too great"),
    ],
)
def test_signals_that_are_refused(load, arrays, message):
    with pytest.raises(DataError, match=message) as caught:
        load(**arrays)
    assert "\n" not in str(caught.value)


def test_labels_go_with_signals(load):
    signals = noise(30, 2, 5) % 3
    data = load(signals=signals, y=signals[:, 0, 0])
    assert data.labels.train.tolist() == first_values(data.train)
