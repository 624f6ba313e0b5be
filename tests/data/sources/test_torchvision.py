import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dataset_fakes import TEST, TRAIN, VALIDATION, noise

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset

SETS = ("mnist", "kmnist", "emnist", "cifar10", "cifar100", "svhn", "stl10", "celeba")
SHAPES = {
    **dict.fromkeys(("mnist", "kmnist", "emnist"), (1, 28, 28)),
    **dict.fromkeys(("cifar10", "cifar100", "svhn"), (3, 32, 32)),
    **{"stl10": (3, 96, 96), "celeba": (3, 16, 16)},
}


@pytest.mark.parametrize("name", SETS)
def test_sizes_and_shapes(small, name):
    data = load_dataset(small(name))
    assert data.shape == SHAPES[name]
    assert len(data.test) == TEST
    held_out = VALIDATION if name == "celeba" else TRAIN // 10
    assert len(data.validation) == held_out
    assert len(data.train) == (TRAIN if name == "celeba" else TRAIN - held_out)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist", noise(TEST, 28, 28)[:, None]),
        ("kmnist", noise(TEST, 28, 28)[:, None]),
        ("emnist", noise(TEST, 28, 28)[:, None].swapaxes(2, 3)),
        ("cifar10", noise(TEST, 3 * 32 * 32).reshape(-1, 3, 32, 32)),
        ("cifar100", noise(TEST, 3 * 32 * 32).reshape(-1, 3, 32, 32)),
        ("svhn", noise(TEST, 32, 32, 3).transpose(0, 3, 1, 2)),
        ("stl10", noise(TEST, 3, 96, 96).swapaxes(2, 3)),
    ],
)
def test_the_shipped_test_split_is_the_test_split_upright(small, name, expected):
    assert np.array_equal(load_dataset(small(name)).test.numpy(), expected)


def test_celeba_is_64_pixels_by_default(small):
    data = load_dataset(replace(small("celeba"), image_size=None))
    assert data.shape == (3, 64, 64)
    assert data.notes == ("centre-cropped and resized to 64 by 64",)


@pytest.mark.parametrize("name", SETS)
def test_missing_says_where_and_how_and_stays_off_the_network(tmp_path, name):
    with pytest.raises(DataError) as caught:
        load_dataset(DataSpec(name=name, root=str(tmp_path)))
    for word in (name, str(tmp_path), "--data-root", "--download"):
        assert word in str(caught.value)


@pytest.mark.parametrize("name", SETS)
def test_a_failed_download_is_one_line(tmp_path, network, name):
    with pytest.raises(
        DataError, match=r"could not be downloaded to .* check the network"
    ) as caught:
        load_dataset(DataSpec(name=name, root=str(tmp_path), download=True))
    assert "\n" not in str(caught.value)
    assert network or name == "celeba"  # which may lack its downloader, gdown
    network.clear()


@pytest.mark.parametrize("name", SETS)
def test_what_is_there_is_not_downloaded_again(small, name):
    assert len(load_dataset(replace(small(name), download=True)).test) == TEST


@pytest.mark.parametrize(
    "damaged",
    [
        "mnist:MNIST/raw/t10k-images-idx3-ubyte",
        "svhn:test_32x32.mat",
        "stl10:stl10_binary/test_X.bin",
    ],
)
def test_damage_that_has_no_checksum_is_one_line(small, damaged):
    name, _, file = damaged.partition(":")
    spec = small(name)
    path = Path(str(spec.root)) / file
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(DataError, match=f"^{name} under .* is incomplete or damaged"):
        load_dataset(spec)


def test_a_wrong_checksum_is_refused(small):
    spec = small("cifar10")
    batch = Path(str(spec.root)) / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"^cifar10 under .* is incomplete or damaged .*corrupted"):
        load_dataset(spec)


def test_a_face_that_is_missing_is_named(small):
    spec = small("celeba")
    (Path(str(spec.root)) / "celeba" / "img_align_celeba" / "000031.jpg").unlink()
    with pytest.raises(DataError, match=r"000031\.jpg is not a readable image"):
        load_dataset(spec)


def test_the_default_root_is_the_cache_in_the_home_directory(small, tmp_path, monkeypatch):
    home = tmp_path / "home"
    spec = small("kmnist")
    (home / ".cache").mkdir(parents=True)
    shutil.move(str(spec.root), home / ".cache" / "asymnas")
    monkeypatch.setenv("HOME", str(home))
    assert len(load_dataset(DataSpec(name="kmnist")).test) == TEST
