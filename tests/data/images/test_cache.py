"""Images are decoded once; a cache is whole or not there; a changed directory gets a new one."""

import errno
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from dataset_fakes import noise
from PIL import Image
from problems import space_of

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.examples import Indexed
from asymnas.data.fingerprint import changes, fingerprint
from asymnas.data.images import cache as image_cache
from asymnas.data.images.cache import cached_images
from asymnas.data.images.stored import StoredRows
from asymnas.networks.families import Problem
from asymnas.runs.executors.local import local_processes
from asymnas.training.rung import Job, train_rung

IMAGES = noise(150, 6, 5, 3)  # more than one piece


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "my pictures"
    place.mkdir()
    for number, image in enumerate(IMAGES):
        Image.fromarray(image).save(place / f"{number:03d}.png")
    return place


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def cache(folder, root, size=None):
    """All images of the cache."""
    rows = cached_images(folder, names(folder), size, root).rows
    return rows.index_select(0, torch.arange(len(names(folder)))).numpy()


@pytest.fixture(params=["mapped", "read"], autouse=True)
def way(request, monkeypatch):
    """Small caches are mapped, great ones are read: here each way for all."""
    monkeypatch.setattr(image_cache, "MAPPED_BYTES", 2**40 if request.param == "mapped" else 0)
    return request.param


def files(root):
    """The caches, and what else there is but the facts of each."""
    every = sorted((root / "images").iterdir())
    return [
        path for path in every if path.with_suffix(".npy") not in every or path.suffix != ".json"
    ]


@pytest.fixture
def undecoded(monkeypatch):
    """From here on, decoding fails."""

    def start():
        def refuse(*_):
            raise AssertionError("decoded again")

        monkeypatch.setattr(image_cache, "read_images", refuse)

    return start


def test_the_cache_holds_every_image_in_order_and_the_next_start_decodes_nothing(
    folder, root, undecoded
):
    first = cache(folder, root)
    assert np.array_equal(first, IMAGES.transpose(0, 3, 1, 2))
    undecoded()
    assert np.array_equal(cache(folder, root), first)


def test_a_small_cache_is_mapped_and_a_great_one_is_read(folder, root, way):
    rows = cached_images(folder, names(folder), None, root).rows
    assert isinstance(rows, torch.Tensor if way == "mapped" else StoredRows)


def test_what_is_written_to_a_map_stays_in_this_process(folder, root, monkeypatch):
    monkeypatch.setattr(image_cache, "MAPPED_BYTES", 2**40)
    cached_images(folder, names(folder), None, root).rows.zero_()
    assert np.array_equal(cache(folder, root), IMAGES.transpose(0, 3, 1, 2))


def test_splits_are_views_of_one_source(folder, root):
    data = load_dataset(DataSpec(name=f"folder:{folder}", root=str(root)))
    splits = (data.train, data.validation, data.test)
    assert all(isinstance(split, Indexed) for split in splits)
    assert len({id(split.source) for split in splits}) == 1
    found = {image.numpy().tobytes() for split in splits for x in split.split(50) for image in x}
    assert found == {image.transpose(2, 0, 1).tobytes() for image in IMAGES}


def test_a_copy_of_the_directory_has_the_same_fingerprint_until_a_file_changes(
    folder, root, tmp_path
):
    def described(directory, place):
        return fingerprint(load_dataset(DataSpec(name=f"folder:{directory}", root=str(place))))

    before = described(folder, root)
    copy = shutil.copytree(folder, tmp_path / "copy")  # keeps times of modification
    assert changes(before, described(copy, tmp_path / "other root")) == []
    Image.fromarray(IMAGES[0] // 2).save(copy / "000.png")
    assert changes(before, described(copy, tmp_path / "other root")) != []


def test_sizes_have_caches_of_their_own(folder, root):
    assert cache(folder, root).shape == (150, 3, 6, 5)
    assert cache(folder, root, 4).shape == (150, 3, 4, 4)
    assert len(files(root)) == 2
    assert all(path.name.startswith("my-pictures-") for path in files(root))


def replace_one(folder):
    Image.fromarray(255 - IMAGES[3]).save(folder / "003.png")
    os.utime(folder / "003.png", ns=(1, 1))


@pytest.mark.parametrize(
    "change",
    [
        replace_one,
        lambda folder: (folder / "007.png").unlink(),
        lambda folder: (folder / "007.png").rename(folder / "zebra.png"),
        lambda folder: Image.fromarray(IMAGES[0]).save(folder / "new.png"),
    ],
    ids=["other content", "less", "renamed", "more"],
)
def test_a_changed_directory_gets_a_new_cache_and_the_old_one_goes(folder, root, change):
    cache(folder, root, 4)
    before, old = cached_images(folder, names(folder), None, root).rows, files(root)
    change(folder)
    after = cache(folder, root)
    expected = [np.moveaxis(np.asarray(Image.open(folder / n)), -1, 0) for n in names(folder)]
    assert np.array_equal(after, expected)
    kept = before.index_select(0, torch.arange(150))  # whoever has it open keeps it
    assert np.array_equal(kept, IMAGES.transpose(0, 3, 1, 2))
    assert len(files(root)) == 2
    assert len({*files(root), *old}) == 3  # the other size's is left alone


def test_directories_alike_do_not_share_a_cache(tmp_path, root):
    for place, grey in (("a", 10), ("b", 200)):
        for number in range(3):
            path = tmp_path / place / "set" / f"{number}.bmp"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), grey + number, np.uint8)).save(path)
            os.utime(path, ns=(5, 5))
    assert cache(tmp_path / "a" / "set", root).max() == 12
    assert cache(tmp_path / "b" / "set", root).min() == 200


@pytest.mark.parametrize(
    ("images", "values", "notes"),
    [
        (
            IMAGES % 2,
            255 * (IMAGES % 2),
            ["all pixels are 0 and 1, which are read as black and white"],
        ),
        (IMAGES % 3, IMAGES % 3, ["no pixel is above 2 of 255: images are read as 0 to 0.0078"]),
        (IMAGES // 2, IMAGES // 2, ["no pixel is above 127 of 255: images are read as 0 to 0.5"]),
        (IMAGES // 255 * 255, IMAGES // 255 * 255, []),
        (
            IMAGES % 2 + 7,
            IMAGES % 2 + 7,
            ["no pixel is above 8 of 255: images are read as 0 to 0.031"],
        ),
    ],
    ids=["masks", "classes", "half", "black and white", "narrow"],
)
def test_bytes_that_use_little_of_their_range(folder, root, images, values, notes):
    for name, image in zip(names(folder), images, strict=True):
        Image.fromarray(image).save(folder / name)
    for _ in ("decoded", "read again"):
        cached = cached_images(folder, names(folder), None, root)
        rows = cached.rows.index_select(0, torch.arange(len(images))).numpy()
        assert np.array_equal(rows, values.transpose(0, 3, 1, 2))
        assert list(cached.notes) == notes


def test_images_of_one_value_are_refused_each_time(folder, root):
    for name in names(folder):
        Image.fromarray(np.full((6, 5), 7, np.uint8)).save(folder / name)
    for _ in ("decoded", "read again"):
        with pytest.raises(DataError, match=r"every pixel of the 150 images of .* is 7: nothing"):
            cached_images(folder, names(folder), None, root)


def test_what_was_remarked_in_decoding_is_noted_each_time(folder, root):
    first, *others = map(Image.fromarray, IMAGES[:3])
    for name in ("003.png", "140.png"):
        first.save(folder / name, save_all=True, append_images=others)
    for _ in ("decoded", "read again"):
        assert cached_images(folder, names(folder), None, root).notes == (
            "2 images of which the first of several frames or pages is read",
        )


def test_a_cache_whose_facts_are_gone_is_made_anew(folder, root):
    cache(folder, root)
    (path,) = files(root)
    path.with_suffix(".json").unlink()
    assert np.array_equal(cache(folder, root), IMAGES.transpose(0, 3, 1, 2))
    path.with_suffix(".json").write_text("{")
    with pytest.raises(DataError, match="delete it, and it is decoded again"):
        cache(folder, root)


def test_an_error_in_the_middle_leaves_nothing(folder, root):
    (folder / "140.png").write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"140\.png is not a readable image"):
        cache(folder, root)
    assert files(root) == []


def test_unlike_sizes_leave_nothing(folder, root):
    Image.fromarray(noise(1, 9, 9, 3)[0]).save(folder / "140.png")
    with pytest.raises(DataError, match=r"6 by 5 pixels .* has 9 by 9: pass --image-size N"):
        cache(folder, root)
    assert files(root) == []


class Full:
    """A file on a disk that is full after the header."""

    def __init__(self, file):
        self._file, self._left = file, 1

    def write(self, data):
        if not self._left:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._left -= 1
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing(folder, root, monkeypatch):
    plain = Path.open
    monkeypatch.setattr(Path, "open", lambda path, mode: Full(plain(path, mode)))
    with pytest.raises(
        DataError, match=r"No space left on device\): make space, or pass"
    ) as caught:
        cache(folder, root)
    assert "\n" not in str(caught.value)
    assert files(root) == []


def test_a_disk_without_space_is_reported_before_decoding(folder, root, monkeypatch):
    usage = SimpleNamespace(free=9)
    monkeypatch.setattr("asymnas.data.images.cache.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DataError, match=r"take 0\.0 MB but .* has 0\.0 MB free: make space"):
        cache(folder, root)
    assert files(root) == []


def test_a_root_that_cannot_be_written_is_one_line(folder, tmp_path):
    (tmp_path / "root").write_text("a file")
    with pytest.raises(DataError, match=r"cannot write the cache of decoded images .*--data-root"):
        cache(folder, tmp_path / "root")


@pytest.mark.parametrize("damage", [b"", b"rubbish", "cut", "other"])
def test_a_damaged_cache_is_one_line(folder, root, damage):
    cache(folder, root)
    (path,) = files(root)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "other":
        np.save(path, np.zeros((150, 3)))
    else:
        path.write_bytes(damage)
    with pytest.raises(DataError, match="delete it, and it is decoded again") as caught:
        cache(folder, root)
    assert "\n" not in str(caught.value)
    path.unlink()
    assert np.array_equal(cache(folder, root), IMAGES.transpose(0, 3, 1, 2))


def test_a_file_that_vanished_is_named(folder, root):
    with pytest.raises(DataError, match=r"nowhere\.png is not a readable image \(No such file"):
        cached_images(folder, ["000.png", "nowhere.png"], None, root)


def test_a_crashed_draft_is_deleted_when_it_is_old(folder, root):
    drafts = [root / "images" / f".pictures.npy.{name}" for name in ("old", "new")]
    drafts[0].parent.mkdir(parents=True)
    for draft in drafts:
        draft.touch()
    long_ago = time.time() - 2 * image_cache.FORGOTTEN_AFTER
    os.utime(drafts[0], (long_ago, long_ago))
    cache(folder, root)
    assert [path.exists() for path in drafts] == [False, True]


@pytest.mark.parametrize("way", ["read"], indirect=True)
@pytest.mark.slow
@pytest.mark.essential
def test_processes_that_build_at_once_agree(folder, root):
    with local_processes(2) as workers:
        tasks = [workers.submit(cached_images, folder, names(folder), None, root) for _ in "abcd"]
        for task in tasks:
            assert np.array_equal(task.result().rows, IMAGES.transpose(0, 3, 1, 2))
    assert np.array_equal(cache(folder, root), IMAGES.transpose(0, 3, 1, 2))
    assert len(files(root)) == 1


def test_drafts_that_are_built_at_once_do_not_meet(folder, root, monkeypatch):
    """The second of two builders starts and ends while the first is decoding."""
    inner, began = image_cache.read_images, []

    def interleaved(paths, size):
        pieces = inner(paths, size)
        yield next(pieces)
        if not began:
            began.append(True)
            cache(folder, root)
        yield from pieces

    monkeypatch.setattr(image_cache, "read_images", interleaved)
    assert np.array_equal(cache(folder, root), IMAGES.transpose(0, 3, 1, 2))
    assert len(files(root)) == 1


def test_progress_is_shown_on_standard_error(folder, root, monkeypatch, capsys):
    monkeypatch.setattr("asymnas.data.images.cache.PLAIN_EVERY", 0.0)
    cache(folder, root)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1] == "decoding images: 150 of 150"


def test_a_rung_is_the_same_from_the_cache_as_from_memory(folder, root):
    spec = DataSpec(name=f"folder:{folder}", root=str(root))
    problem = Problem(shape=(3, 6, 5), latent=4)
    job = Job(
        architecture=space_of("dense", problem, budget=5_000).sample(0).architecture,
        data=spec,
        learning_rate=1e-3,
        batch_size=32,
        seed=0,
        until=12,
        total=12,
        metrics=("mse",),
        device="cpu",
        samples=True,
        test=True,
    )
    cached = train_rung(job)
    data = load_dataset(spec)
    parts = {n: torch.cat(list(getattr(data, n).split(9))) for n in ("train", "validation", "test")}
    np.savez(root / "resident.npz", **parts)
    resident = train_rung(replace(job, data=DataSpec(name=f"npz:{root / 'resident.npz'}")))
    assert cached.metrics == resident.metrics
    assert all(np.array_equal(*pair) for pair in zip(cached.samples, resident.samples, strict=True))
