import time
from dataclasses import replace

import numpy as np
import pytest
from dataset_fakes import TEST, TRAIN, noise, write_idx

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.sources import fashion_mnist

NAMES = fashion_mnist.IMAGES


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A spec under an empty root, on a machine without the Debian package."""
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "debian")
    return DataSpec(name="fashion-mnist", root=str(tmp_path / "root"))


@pytest.mark.parametrize("where", ["root/FashionMNIST/raw", "debian"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_found_in_either_layout_plain_or_gzipped(nowhere, tmp_path, where, suffix):
    train, test = noise(TRAIN, 28, 28), noise(TEST, 28, 28)
    for name, images in zip(NAMES, (train, test), strict=True):
        write_idx(tmp_path / where / f"{name}{suffix}", images)
    data = load_dataset(nowhere)
    assert np.array_equal(data.test[:, 0].numpy(), test)
    assert len(data.validation) == 3
    drawn = np.concatenate([data.train, data.validation])[:, 0]
    assert {image.tobytes() for image in drawn} == {image.tobytes() for image in train}


def test_the_data_root_comes_before_the_debian_package(nowhere, tmp_path):
    for where, seed in (("root/FashionMNIST/raw", 1), ("debian", 2)):
        for name in NAMES:
            write_idx(tmp_path / where / name, noise(TRAIN, 28, 28, seed=seed))
    assert np.array_equal(load_dataset(nowhere).test[:, 0].numpy(), noise(TRAIN, 28, 28, seed=1))


def test_missing_says_where_and_how(nowhere, tmp_path):
    write_idx(tmp_path / "debian" / NAMES[0], noise(2, 28, 28))  # half a copy is none
    with pytest.raises(DataError) as caught:
        load_dataset(nowhere)
    for word in ("root/FashionMNIST/raw", "debian", "--data-root", "--download", "Debian's"):
        assert word in str(caught.value)


def test_a_failed_download_is_one_line(nowhere, network):
    with pytest.raises(DataError, match=r"could not be downloaded to .*unreachable") as caught:
        load_dataset(replace(nowhere, download=True))
    assert "\n" not in str(caught.value)
    assert network
    network.clear()


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8b\x08\x00rubbish", b"no image", bytes(40)], ids=repr
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_damaged_file_is_named(nowhere, tmp_path, content, suffix):
    for name in NAMES:
        write_idx(tmp_path / "debian" / f"{name}{suffix}", noise(9, 28, 28))
    (tmp_path / "debian" / f"{NAMES[1]}{suffix}").write_bytes(content)
    with pytest.raises(DataError, match=rf"{NAMES[1]}{suffix} is (unreadable|not a whole IDX)"):
        load_dataset(nowhere)


def test_a_truncated_file_is_named(nowhere, tmp_path):
    for name in NAMES:
        write_idx(tmp_path / "debian" / name, noise(9, 28, 28))
    path = tmp_path / "debian" / NAMES[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="train-images-idx3-ubyte is not a whole IDX file"):
        load_dataset(nowhere)


@pytest.mark.skipif(not fashion_mnist.DEBIAN.is_dir(), reason="needs dataset-fashion-mnist")
def test_the_real_data_set_loads_fast(tmp_path):
    start = time.process_time()
    data = load_dataset(DataSpec(name="fashion-mnist", root=str(tmp_path)))
    seconds = time.process_time() - start
    parts = (data.train, data.validation, data.test)
    assert [tuple(part.shape) for part in parts] == [(n, 1, 28, 28) for n in (54000, 6000, 10000)]
    pixels = data.train.float().mean().item() / 255
    assert pixels == pytest.approx(0.286, abs=0.002)  # the mean that the literature quotes
    assert seconds < 10  # about one
