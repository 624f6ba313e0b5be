import numpy as np
import pytest
import torch
from dataset_fakes import noise
from PIL import Image

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.fingerprint import fingerprint
from asymnas.data.images import decode

COLOURS = {"L": 1, "RGB": 3, "RGBA": 4}


def save(path, mode="RGB", size=(12, 12), seed=0):
    """Writes an image of `mode`; `size` is height and width."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = noise(1, *size, COLOURS.get(mode, 3), seed=seed)[0]
    source = {1: "L", 3: "RGB", 4: "RGBA"}[pixels.shape[-1]]
    Image.fromarray(pixels.squeeze(), source).convert(mode).save(path)


def load(directory, **options):
    return load_dataset(DataSpec(name=f"folder:{directory}", **options))


def read_image(path, size):
    """One image, `[c, h, w]`."""
    return decode.read_image(path, size).pixels[0]


def array(split):
    return np.concatenate([chunk.numpy() for chunk in split.split(3)])


@pytest.mark.parametrize("mode", COLOURS)
def test_channels_follow_the_files(tmp_path, mode):
    for i in range(10):
        save(tmp_path / "deep" / str(i % 2) / f"{i}.png", mode, (5, 7), seed=i)
    data = load(tmp_path)
    assert data.shape == (COLOURS[mode], 5, 7)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [7, 1, 2]
    splits = (data.train, data.validation, data.test)
    images = {image.tobytes() for split in splits for image in array(split)}
    written = [noise(1, 5, 7, COLOURS[mode], seed=i)[0] for i in range(10)]
    assert images == {np.moveaxis(image, -1, 0).tobytes() for image in written}


def test_every_format_is_read_and_hidden_files_are_not(tmp_path):
    for i, suffix in enumerate(("png", "jpg", "JPEG", "bmp", "webp", "tif", "tiff", "ppm")):
        save(tmp_path / f"{i}.{suffix}", seed=i)
    Image.fromarray(noise(1, 12, 12, 3)[0]).convert("P").save(tmp_path / "8.gif")
    (tmp_path / "._9.png").write_bytes(b"not an image")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "9.png").write_bytes(b"not an image")
    (tmp_path / "labels.txt").write_text("not an image")
    data = load(tmp_path)
    assert data.shape == (3, 12, 12)
    assert len(data.train) + len(data.validation) + len(data.test) == 9


def test_grey_formats_are_one_channel(tmp_path):
    for i, name in enumerate(("a.pgm", "b.png", "c.gif", "d.jpg")):
        save(tmp_path / name, "L", seed=i)
    save(tmp_path / "e.png", "1")
    assert load(tmp_path).shape == (1, 12, 12)


def test_resizing_keeps_proportions_by_cropping_the_centre(tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200
    for i in range(4):
        Image.fromarray(wide).save(tmp_path / f"{i}.png")
    data = load(tmp_path, image_size=10)
    assert data.shape == (3, 10, 10)
    assert (array(data.train)[..., 2:-2] == 200).all()
    assert array(data.train).min() > 180  # the edges see a little beyond the square
    assert data.notes == ("centre-cropped and resized to 10 by 10",)


def test_a_large_jpeg_shrinks_to_what_the_full_decode_gives(tmp_path):
    ramp = np.linspace(0, 255, 400).astype(np.uint8)
    Image.fromarray(np.broadcast_to(ramp[:, None], (400, 640)).copy()).save(tmp_path / "a.jpg")
    found = read_image(tmp_path / "a.jpg", 20)[0, :, 10].astype(int)
    assert np.abs(found - ramp.reshape(20, 20).mean(axis=1)).max() < 4


def test_the_camera_orientation_is_applied(tmp_path):
    sideways = np.zeros((8, 8, 3), np.uint8)
    sideways[0] = 255  # the first row; rotated by 90 degrees it is the last column
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(sideways).save(tmp_path / "a.png", exif=exif)
    assert (read_image(tmp_path / "a.png", None)[:, :, -1] == 255).all()


@pytest.mark.parametrize("name", ["val", "validation", "VALIDATION"])
def test_shipped_splits_are_the_splits(tmp_path, name):
    for start, folder, n in ((0, "train", 10), (100, name, 3), (200, "test", 4)):
        for i in range(n):
            save(tmp_path / folder / "class" / f"{i}.png", seed=start + i)
    data = load(tmp_path)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [10, 3, 4]
    test = [read_image(tmp_path / "test" / "class" / f"{i}.png", None) for i in range(4)]
    assert np.array_equal(array(data.test), test)
    shipped = {"test split as shipped: test/", f"validation split as shipped: {name}/"}
    assert set(data.notes) == shipped


def test_what_is_not_shipped_is_drawn_from_the_training_images(tmp_path):
    for i in range(20):
        save(tmp_path / "train" / f"{i}.png", seed=i)
    data = load(tmp_path)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [15, 1, 4]
    for i in range(5):
        save(tmp_path / "test" / f"{i}.png", seed=100 + i)
    data = load(tmp_path)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [18, 2, 5]


def test_images_beside_the_shipped_splits_are_refused(tmp_path):
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "extra" / "b.png")
    with pytest.raises(DataError, match=r"extra/b\.png is in none of them"):
        load(tmp_path)


def test_held_out_images_need_training_images(tmp_path):
    save(tmp_path / "test" / "a.png")
    with pytest.raises(DataError, match="none in train/"):
        load(tmp_path)


def test_unlike_sizes_name_two_files_and_the_way_out(tmp_path):
    save(tmp_path / "a.png", size=(12, 12))
    save(tmp_path / "b.png", size=(10, 14))
    message = r"a\.png has 12 by 12 pixels but .*b\.png has 10 by 14: pass --image-size N"
    with pytest.raises(DataError, match=message):
        load(tmp_path)


@pytest.mark.parametrize(("mode", "word"), [("L", "greyscale"), ("RGBA", "RGBA")])
def test_unlike_channels_name_two_files_and_the_way_out(tmp_path, mode, word):
    for i in range(3):
        save(tmp_path / f"a{i}.png")
    save(tmp_path / "b.png", mode)
    message = rf"a0\.png is RGB but .*b\.png is {word}: convert all images"
    with pytest.raises(DataError, match=message):
        load(tmp_path, image_size=8)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x89PNG\r\n\x1a\n" + bytes(30)], ids=len)
def test_an_unreadable_image_is_named(tmp_path, content):
    for i in range(9):
        save(tmp_path / f"{i}.png", seed=i)
    (tmp_path / "5.png").write_bytes(content)
    with pytest.raises(DataError, match=r"5\.png is not a readable image") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_truncated_image_is_named(tmp_path):
    save(tmp_path / "a.jpg", size=(64, 64))
    save(tmp_path / "b.jpg", size=(64, 64))
    path = tmp_path / "b.jpg"
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(DataError, match=r"b\.jpg is not a readable image \(.*truncated"):
        load(tmp_path)


def test_deep_pixels_are_refused(tmp_path):
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif has floating-point pixels of 32 bits, .*convert"):
        load(tmp_path)


def test_an_empty_directory_and_too_few_images(tmp_path):
    with pytest.raises(DataError, match=r"holds no images \(\.png"):
        load(tmp_path)
    save(tmp_path / "a.png")
    with pytest.raises(DataError, match="at least 3 are needed"):
        load(tmp_path)


def test_what_a_directory_holds_instead_of_images_is_said(tmp_path):
    for name in ("a.heic", "b.heic", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d").symlink_to("nowhere")
    message = (
        r"holds no images \(.*\); left out, links that lead nowhere: d; files of other formats "
        r"left out: 2 \.heic, 1 \.txt: add some"
    )
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_what_is_left_out_is_noted_and_a_run_in_the_directory_is_no_data(tmp_path):
    for number in range(9):
        save(tmp_path / "store" / f"{number}.png", seed=number)
    (tmp_path / "d" / "a").mkdir(parents=True)
    (tmp_path / "d" / "b").symlink_to("../store")
    save(tmp_path / "d" / "a" / "9.png", seed=9)
    spec = DataSpec(name=f"folder:{tmp_path / 'd'}", root=str(tmp_path / "d"))
    before = load_dataset(spec)
    assert before.notes[0] == "2 classes: a, b"
    pictures = tmp_path / "d" / "runs" / "x" / "artifacts"
    save(pictures / "trial.png", "RGBA")
    (pictures.parent / "study.db").touch()
    after = load_dataset(spec)
    assert fingerprint(after) == fingerprint(before)
    assert after.notes[1] == "left out, written by asymnas: images, runs/x"


def classes(directory, tree, **options):
    """Writes an image under each name, of noise by its number, and loads them."""
    for number, name in enumerate(tree):
        save(directory / name, seed=number)
    return load(directory, **options)


def test_subdirectories_are_classes_and_their_names_in_order_the_ids(tmp_path):
    tree = [f"{'cat' if i % 2 else 'ant'}/deep/{i}.png" for i in range(20)]
    data = classes(tmp_path, tree)
    drawn = {noise(1, 12, 12, 3, seed=i)[0].transpose(2, 0, 1).tobytes(): i % 2 for i in range(20)}
    for split, ids in zip((data.train, data.validation, data.test), data.labels, strict=True):
        assert ids.dtype == torch.int64
        assert ids.tolist() == [drawn[image.tobytes()] for image in array(split)]


def test_classes_of_shipped_splits_are_numbered_over_all_of_them(tmp_path):
    tree = [f"train/{c}/{i}.png" for c in "bd" for i in range(5)]
    data = classes(tmp_path, [*tree, *(f"test/{c}/1.png" for c in "abcd"), "val/d/1.png"])
    assert set(data.labels.train.tolist()) == {1, 3}
    assert data.labels.test.tolist() == [0, 1, 2, 3]
    assert data.labels.validation.tolist() == [3]


@pytest.mark.parametrize(
    "tree",
    [
        ["a/0.png", "a/1.png", "a/2.png", "a/3.png"],
        ["a/0.png", "b/1.png", "2.png", "3.png"],
        ["train/0.png", "train/1.png", "train/2.png", "test/x/3.png"],
    ],
)
def test_one_directory_or_images_outside_are_no_classes(tmp_path, tree):
    (tmp_path / "notes").mkdir()
    assert classes(tmp_path, tree).labels is None


@pytest.mark.parametrize("top", ["", "train/"])
def test_a_class_without_images_is_named(tmp_path, top):
    (tmp_path / f"{top}birds").mkdir(parents=True)
    tree = [f"{top}{name}/{i}.png" for name in ("cats", "dogs") for i in range(4)]
    with pytest.raises(DataError, match="has 2 classes but no images in birds: add some"):
        classes(tmp_path, tree)


def test_a_class_that_one_split_lacks_is_no_empty_class(tmp_path):
    (tmp_path / "test" / "b").mkdir(parents=True)
    tree = [f"train/{name}/{i}.png" for name in "ab" for i in range(4)]
    assert classes(tmp_path, [*tree, "test/a/1.png"]).labels.test.tolist() == [0]
