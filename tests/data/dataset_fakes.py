"""Small data sets written in torchvision's layouts on disk."""

import gzip
import hashlib
import pickle
import struct
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

TRAIN, VALIDATION, TEST = 30, 5, 12


def noise(n: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Distinct examples, uint8 `[n, *shape]`."""
    return np.random.default_rng((seed, n)).integers(0, 256, (n, *shape), dtype=np.uint8)


def labels_of(examples: np.ndarray) -> np.ndarray:
    """The class of each fake example: its first value modulo ten, int64 `[n]`."""
    return examples.reshape(len(examples), -1)[:, 0].astype(np.int64) % 10


def write_idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    pack = gzip.compress if path.suffix == ".gz" else bytes
    path.write_bytes(pack(header + array.tobytes()))


def write_wav(path: Path, samples: np.ndarray, rate: int = 8_000) -> None:
    """Writes PCM `[length, channels]`: 8 bits if uint8, else as many as the type has."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def _write_idx_family(
    root: Path, _: pytest.MonkeyPatch, folder: str, prefixes: tuple[str, str]
) -> None:
    for prefix, n in zip(prefixes, (TRAIN, TEST), strict=True):
        images = noise(n, 28, 28)
        write_idx(root / folder / "raw" / f"{prefix}-images-idx3-ubyte", images)
        labels = labels_of(images).astype(np.uint8)
        write_idx(root / folder / "raw" / f"{prefix}-labels-idx1-ubyte", labels)


def _write_pickle(path: Path, content: object) -> str:
    data = pickle.dumps(content)
    path.write_bytes(data)
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _write_cifar(root: Path, patch: pytest.MonkeyPatch, class_name: str, labels: str) -> None:
    """CIFAR's batches, and their checksums in place of the real ones."""
    import torchvision.datasets  # takes seconds, which no other test has to wait for

    source = getattr(torchvision.datasets, class_name)
    folder = root / source.base_folder
    folder.mkdir()
    for listing, total in (("train_list", TRAIN), ("test_list", TEST)):
        names = [name for name, _ in getattr(source, listing)]
        batches = np.split(noise(total, 3 * 32 * 32), len(names))
        sums = [
            [name, _write_pickle(folder / name, {"data": batch, labels: labels_of(batch).tolist()})]
            for name, batch in zip(names, batches, strict=True)
        ]
        patch.setattr(source, listing, sums)
    md5 = _write_pickle(folder / source.meta["filename"], {source.meta["key"]: ["class"]})
    patch.setattr(source, "meta", {**source.meta, "md5": md5})


def _trust_files_of(name: str, patch: pytest.MonkeyPatch) -> None:
    """Checks that files exist but not their checksums."""
    module = f"torchvision.datasets.{name}.check_integrity"
    patch.setattr(module, lambda path, md5=None: Path(path).is_file())


def _write_svhn(root: Path, patch: pytest.MonkeyPatch) -> None:
    _trust_files_of("svhn", patch)
    for part, n in (("train", TRAIN), ("test", TEST)):
        images = noise(n, 32, 32, 3)
        labels = np.where(labels_of(images) == 0, 10, labels_of(images))  # SVHN's zero is a ten
        content = {"X": images.transpose(1, 2, 3, 0), "y": labels[:, None].astype(np.uint8)}
        savemat(root / f"{part}_32x32.mat", content)


def _write_stl10(root: Path, patch: pytest.MonkeyPatch) -> None:
    _trust_files_of("stl10", patch)
    folder = root / "stl10_binary"
    folder.mkdir()
    for part, n in (("train", TRAIN), ("test", TEST)):
        images = noise(n, 3, 96, 96)
        images.tofile(folder / f"{part}_X.bin")
        (labels_of(images) + 1).astype(np.uint8).tofile(folder / f"{part}_y.bin")
    (folder / "unlabeled_X.bin").touch()


def _write_celeba(root: Path, patch: pytest.MonkeyPatch) -> None:
    _trust_files_of("celeba", patch)
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    total = TRAIN + VALIDATION + TEST
    names = [f"{i + 1:06d}.jpg" for i in range(total)]
    parts = [0] * TRAIN + [1] * VALIDATION + [2] * TEST
    for name, image in zip(names, noise(total, 218, 178, 3), strict=True):
        Image.fromarray(image).save(folder / "img_align_celeba" / name)
    tables = {
        "list_attr_celeba.txt": (f"{total}\nSmiling Young\n", "-1  1"),
        "identity_CelebA.txt": ("", "7"),
        "list_bbox_celeba.txt": (f"{total}\nimage_id x_1 y_1 width height\n", "1 2 3 4"),
        "list_landmarks_align_celeba.txt": (f"{total}\nlefteye_x lefteye_y\n", "69 109"),
    }
    for name, (header, row) in tables.items():
        (folder / name).write_text(header + "".join(f"{image} {row}\n" for image in names))
    partition = "".join(f"{name} {part}\n" for name, part in zip(names, parts, strict=True))
    (folder / "list_eval_partition.txt").write_text(partition)


_T10K = ("train", "t10k")
_BALANCED = ("emnist-balanced-train", "emnist-balanced-test")

#: Writes a data set under a root, its checksums patched in where torchvision checks them.
WRITERS: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    "mnist": partial(_write_idx_family, folder="MNIST", prefixes=_T10K),
    "kmnist": partial(_write_idx_family, folder="KMNIST", prefixes=_T10K),
    "fashion-mnist": partial(_write_idx_family, folder="FashionMNIST", prefixes=_T10K),
    "emnist": partial(_write_idx_family, folder="EMNIST", prefixes=_BALANCED),
    "cifar10": partial(_write_cifar, class_name="CIFAR10", labels="labels"),
    "cifar100": partial(_write_cifar, class_name="CIFAR100", labels="fine_labels"),
    "svhn": _write_svhn,
    "stl10": _write_stl10,
    "celeba": _write_celeba,
}
