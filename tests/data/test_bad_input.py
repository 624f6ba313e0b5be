"""What a person can give by mistake: one line says what, and what to do."""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from command_line import asymnas
from dataset_fakes import noise, write_wav
from PIL import Image

from asymnas.core.config import DataSpec
from asymnas.core.errors import AsymnasError
from asymnas.data.base import load_dataset
from asymnas.data.images import cache as image_cache

NUMBERS = "".join(
    f"{a:.3f},{b:.3f},{c:.3f}\n" for a, b, c in np.random.default_rng(0).random((40, 3))
)


def load(place, dataset, image_size=None):
    return load_dataset(DataSpec(name=dataset, root=str(place / "root"), image_size=image_size))


def refused(place, dataset, image_size=None):
    """The one line that says why data cannot be used."""
    with pytest.raises(AsymnasError) as caught:
        load(place, dataset, image_size)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(place), "PLACE")


def taken(place, dataset, image_size=None):
    """What was done to the data."""
    return [*load(place, dataset, image_size).notes]


def run(dataset, root, *flags):
    """Exit code, standard output and the lines of standard error of a search that only plans."""
    command = ["search", "--dataset", dataset, "--data-root", str(root), "--dry-run", *flags]
    result = asymnas(*command)
    return result.exit_code, result.stdout, result.stderr.strip().splitlines()


def refused_by_command(place, dataset, *flags, code=1):
    """The one line that a search ends with."""
    status, out, lines = run(dataset, place / "root", *flags)
    assert (status, out, len(lines)) == (code, "", 1), (out, lines)
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ").replace(str(place), "PLACE")


def pictures(place, *others, n=12, size=(12, 10)):
    """A directory of like images, and others by name: bytes, or arrays."""
    folder = place / "pictures"
    folder.mkdir()
    for number, image in enumerate(noise(n, *size, 3)):
        Image.fromarray(image).save(folder / f"{number:02d}.png")
    for name, content in others:
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            Image.fromarray(content).save(folder / name)
    return f"folder:{folder}"


def classes(place):
    for name in ("cats", "dogs", "birds"):
        (place / name).mkdir()
    for number, image in enumerate(noise(8, 9, 9)):
        Image.fromarray(image).save(place / ("cats", "dogs")[number % 2] / f"{number}.png")
    return f"folder:{place}"


def table(place, content, options=""):
    """A csv file."""
    text = content.encode() if isinstance(content, str) else content
    (place / "t.csv").write_bytes(text)
    return f"csv:{place / 't.csv'}{options}"


def arrays(place, **named):
    np.savez(place / "a.npz", **named)
    return f"npz:{place / 'a.npz'}"


def sounds(place, options="", **last):
    """Four recordings, and a last one unlike them."""
    folder = place / "sounds"
    folder.mkdir()
    for number in range(5):
        unlike = last if number == 4 else {}
        samples = noise(unlike.get("length", 3_000), unlike.get("channels", 1), seed=number)
        path = folder / f"{number}.wav"
        write_wav(path, samples, unlike.get("rate", 8_000))
        path.write_bytes(path.read_bytes()[: unlike.get("bytes")])
    return f"audio:{folder}{options}"


PNG = b"\x89PNG\r\n\x1a\n"

REFUSED = {
    "an image that is none": (
        lambda p: pictures(p, ("05.png", b"rubbish")),
        r"PLACE/pictures/05\.png is not a readable image \(its content is of no format that is "
        r"read\): repair, convert or remove it",
    ),
    "an image that is cut": (
        lambda p: pictures(p, ("05.png", PNG)),
        r"PLACE/pictures/05\.png is not a readable image \(.+\): repair, convert or remove it",
    ),
    "images of two sizes": (
        lambda p: pictures(p, ("05.png", noise(1, 9, 8, 3)[0])),
        r"PLACE/pictures/00\.png has 12 by 10 pixels but PLACE/pictures/05\.png has 9 by 8: pass "
        r"--image-size N to resize all",
    ),
    "images in colour and grey": (
        lambda p: pictures(p, ("05.png", noise(1, 12, 10)[0])),
        r"00\.png is RGB but .*05\.png is greyscale: convert all images to one of them",
    ),
    "a class without images": (
        classes,
        r"PLACE has 2 classes but no images in birds: add some, or remove the directory",
    ),
    "a directory without images": (
        lambda p: f"folder:{p}",
        r"PLACE holds no images \(\.png, .*\): add some, or name another directory",
    ),
    "two images": (
        lambda p: pictures(p, n=2),
        r"there are 2 example\(s\) .* at least 3 are needed: add some",
    ),
    "a directory that is not there": (
        lambda p: f"folder:{p}/nowhere",
        r"no such directory: PLACE/nowhere: check what stands after folder:",
    ),
    "a directory without its name": (
        lambda p: "folder:",
        r"'folder:' lacks its DIR: write folder:DIR",
    ),
    "text alone": (
        lambda p: table(p, "name,remark\n" + "".join(f"p{i},did {i}\n" for i in range(30))),
        r"PLACE/t\.csv: there is no column to learn from, only free text \(name, remark\): add "
        r"numbers, or text of a few levels",
    ),
    "nothing but constants": (
        lambda p: table(p, "a,b\n" + "1,2\n" * 30),
        r"PLACE/t\.csv: every column is constant on the 22 training row\(s\), so nothing can be "
        r"learnt: add columns that vary",
    ),
    "one row": (
        lambda p: table(p, "a,b\n1,2\n"),
        r"there are 1 example\(s\) .* at least 3 are needed: add some",
    ),
    "no row": (
        lambda p: table(p, "a,b\n"),
        r"PLACE/t\.csv has a header but no rows: add some",
    ),
    "an empty file": (
        lambda p: table(p, ""),
        r"PLACE/t\.csv is empty: write a line of column names, then one line per example",
    ),
    "infinite values": (
        lambda p: table(p, f"a,b,c\n{NUMBERS}1,inf,2\n1,-inf,2\n"),
        r"PLACE/t\.csv: 2 infinite value\(s\) in b: fill or drop them",
    ),
    "columns called alike": (
        lambda p: table(p, f"a,b,a\n{NUMBERS}"),
        r"PLACE/t\.csv has columns that are called alike: a; rename them",
    ),
    "another encoding": (
        lambda p: table(p, b"a,b,caf\xe9\n" + NUMBERS.encode()),
        r"PLACE/t\.csv is not encoded as UTF-8 \(.*0xe9.*\): save it as UTF-8",
    ),
    "a label that is not there": (
        lambda p: table(p, f"a,b,c\n{NUMBERS}", "?label=ward"),
        r"PLACE/t\.csv has no column 'ward' to be the label; there are: a, b, c",
    ),
    "an anomaly that is not there": (
        lambda p: table(p, f"a,b,c\n{NUMBERS}", "?anomaly=ill"),
        r"PLACE/t\.csv has no column 'ill' to be the anomaly; there are: a, b, c",
    ),
    "measurements as a label": (
        lambda p: table(p, f"a,b,c\n{NUMBERS}", "?label=a"),
        r"label column 'a' holds no classes: they are text, truth values or whole numbers",
    ),
    "an option that is none": (
        lambda p: table(p, f"a,b,c\n{NUMBERS}", "?classes=a"),
        r"'classes=a' in .* is no option: write csv:FILE\?label=COLUMN&anomaly=COLUMN&group=COLUMN"
        r"&text=COLUMNS&drop=COLUMNS&sep=;&decimal=,&header=no",
    ),
    "a file that is not there": (
        lambda p: f"csv:{p}/nowhere.csv",
        r"no such file: PLACE/nowhere\.csv: check what stands after csv:",
    ),
    "sounds of two rates": (
        lambda p: sounds(p, rate=16_000),
        r"sounds/0\.wav has 8,000 samples per second but PLACE/sounds/4\.wav has 16,000: resample "
        r"all files to one rate",
    ),
    "sounds of one and two channels": (
        lambda p: sounds(p, channels=2),
        r"0\.wav has 1 channel\(s\) but .*4\.wav has 2: make all files mono or all stereo",
    ),
    "a sound shorter than a window": (
        lambda p: sounds(p, length=500),
        r"4\.wav has 500 samples but a signal has 1,024: remove it, or write "
        r"audio:DIR\?window=N with N up to 500",
    ),
    "a sound cut short": (
        lambda p: sounds(p, bytes=2_000),
        r"4\.wav is cut short \(.*at 2000 bytes, expected 3044 bytes.*\): repair or remove it",
    ),
    "a sound cut in its header": (
        lambda p: sounds(p, bytes=20),
        r"4\.wav is not a readable WAV file \(.+\): write it as uncompressed PCM of 8 to 32 bits, "
        r"or as floating point",
    ),
    "a window that is no number": (
        lambda p: sounds(p, "?window=long"),
        r"window must be a whole number of samples from 2 but got 'long'",
    ),
    "objects": (
        lambda p: arrays(p, data=np.array([[1, "a"], [None, 2]], dtype=object)),
        r"PLACE/a\.npz holds Python objects, which are not read: write arrays of numbers with "
        r"numpy\.savez",
    ),
    "arrays of no known name": (
        lambda p: arrays(p, foo=noise(40, 4), bar=noise(40, 4)),
        r"PLACE/a\.npz has no training array among foo, bar: name one of them train, x_train, .* "
        r"or data",
    ),
    "five axes": (
        lambda p: arrays(p, data=noise(40, 2, 2, 2, 2)),
        r"has shape \(40, 2, 2, 2, 2\): it must be rows \(n, d\) or images \(n, h, w\), .*",
    ),
    "text in an archive": (
        lambda p: arrays(p, data=np.array([["a", "b"]] * 40)),
        r"the train array of PLACE/a\.npz is <U1: it must hold real numbers",
    ),
    "NaN in an archive": (
        lambda p: arrays(p, data=np.where(np.eye(40, 4) > 0, np.nan, noise(40, 4))),
        r"holds 4 NaN or infinite value\(s\), the first at \(0, 0\): fill or remove them",
    ),
    "an argument too many": (
        lambda p: "digits:8",
        r"digits takes nothing after a colon but got 'digits:8': write digits",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_one_line(tmp_path, case):
    make, message = REFUSED[case]
    line = refused(tmp_path, make(tmp_path))
    assert re.search(f"{message}$", line), line


@pytest.mark.parametrize("case", ["an image that is cut", "text alone", "sounds of two rates"])
def test_the_command_prints_that_line_and_nothing_else(tmp_path, case):
    make, message = REFUSED[case]
    line = refused_by_command(tmp_path, make(tmp_path))
    assert re.search(f"{message}$", line), line


TAKEN = {
    "images of two sizes, resized": (
        lambda p: pictures(p, ("05.png", noise(1, 9, 8, 3)[0])),
        8,
        ["centre-cropped and resized to 8 by 8"],
    ),
    "a constant column": (
        lambda p: table(p, "a,b,c,k\n" + NUMBERS.replace("\n", ",5\n")),
        None,
        ["constant on the training split, left out: k", "standardised on the training split"],
    ),
    "missing values": (
        lambda p: table(p, f"a,b,c\n{NUMBERS}1,NaN,2\n,NaN,2\n"),
        None,
        [
            "missing, filled with the training split's median: a (1), b (2)",
            "standardised on the training split",
        ],
    ),
    "an empty column": (
        lambda p: table(p, "a,b,c,k\n" + NUMBERS.replace("\n", ",\n")),
        None,
        ["constant on the training split, left out: k", "standardised on the training split"],
    ),
    "a label and an anomaly column": (
        lambda p: table(
            p,
            "a,b,c,ward,ill\n"
            + "".join(
                f"{row},{'ns'[n % 2]},{n % 8 == 0:d}\n" for n, row in enumerate(NUMBERS.split())
            ),
            "?label=ward&anomaly=ill",
        ),
        None,
        [
            "label: column ward",
            "anomaly: column ill",
            "standardised on the training split",
            "anomalies: 2 to validate, 3 to test, none to train on",
        ],
    ),
    "whole numbers": (
        lambda p: arrays(p, data=noise(40, 4).astype(np.int64)),
        None,
        ["standardised on the training split"],
    ),
    "labels that are objects": (
        lambda p: arrays(p, data=noise(40, 4), y=np.array([*"ab"] * 20, dtype=object)),
        None,
        [
            "labels left out: y; they count if each split has them, as text, truth values or "
            "whole numbers, not as Python objects, of 2 classes or more"
        ],
    ),
    "signals shorter than any downsampling": (
        lambda p: arrays(p, signals=noise(40, 2)),
        None,
        ["read as signals of 1 channel(s), 2 samples"],
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_notes_say_what_was_done(tmp_path, case):
    make, image_size, notes = TAKEN[case]
    assert taken(tmp_path, make(tmp_path), image_size) == notes


def test_the_command_prints_the_notes(tmp_path):
    make, _, notes = TAKEN["a label and an anomaly column"]
    code, out, lines = run(make(tmp_path), tmp_path / "root")
    assert (code, lines) == (0, [])
    printed = [line for line in out.splitlines() if line.startswith("Data: ")]
    assert printed == [f"Data: {note}" for note in notes]


def test_a_signal_too_short_for_its_family(tmp_path):
    signals = arrays(tmp_path, signals=noise(40, 1))
    line = refused_by_command(tmp_path, signals, "--family", "conv1d", code=2)
    assert re.search(r"conv1d takes signals .* of 2 samples or more; .* \(1, 1\): take .*", line), (
        line
    )


def test_an_image_size_where_there_are_no_images(tmp_path):
    line = refused(tmp_path, table(tmp_path, f"a,b,c\n{NUMBERS}"), 8)
    assert line.endswith("leave out --image-size, which is for folder:DIR and celeba")


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    line = refused_by_command(tmp_path, "coffee", code=2)
    known = r"there are: audio, .* digits, .* wine$"
    assert re.match(rf"--dataset: no data set is called 'coffee'; {known}", line)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    pd.DataFrame(noise(40, 3)).rename(columns=str).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    line = refused(tmp_path, f"parquet:{tmp_path / 't.parquet'}")
    assert line.endswith("which is not installed: run pip install 'asymnas[parquet]'")


def test_a_cache_directory_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    dataset = pictures(tmp_path)
    monkeypatch.setattr(Path, "open", refuse)
    line = refused(tmp_path, dataset)
    assert re.match(
        r"cannot write the cache of decoded images PLACE/root/images/pictures-.*\.npy "
        r"\(Permission denied\): make space, or pass --data-root DIR of another place$",
        line,
    )


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    dataset = pictures(tmp_path)
    monkeypatch.setattr(image_cache.shutil, "disk_usage", lambda _: SimpleNamespace(free=9))
    line = refused(tmp_path, dataset)
    assert re.match(
        r"the decoded images of PLACE/pictures take .* has 0\.0 MB free: make space", line
    )
    assert list((tmp_path / "root" / "images").iterdir()) == []


def test_an_image_changed_since_the_cache_was_made(tmp_path):
    dataset = pictures(tmp_path)
    assert taken(tmp_path, dataset) == []
    image = tmp_path / "pictures" / "03.png"
    image.write_bytes(b"rubbish")
    os.utime(image, ns=(1, 1))
    assert "03.png is not a readable image" in refused(tmp_path, dataset)
    image.unlink()
    assert taken(tmp_path, dataset) == []
    assert len(list((tmp_path / "root" / "images").glob("*.npy"))) == 1


def test_a_damaged_cache_names_itself(tmp_path):
    dataset = pictures(tmp_path)
    taken(tmp_path, dataset)
    (path,) = (tmp_path / "root" / "images").glob("*.npy")
    path.write_bytes(path.read_bytes()[:-9])
    line = refused(tmp_path, dataset)
    assert line.startswith("the cache of decoded images PLACE/root/images/pictures-")
    assert line.endswith(": delete it, and it is decoded again")


def test_compressed_sound_is_named(tmp_path):
    dataset = sounds(tmp_path)
    path = tmp_path / "sounds" / "2.wav"
    content = bytearray(path.read_bytes())
    content[20:22] = (17).to_bytes(2, "little")  # ADPCM
    path.write_bytes(content)
    assert re.search(
        r"2\.wav is not a readable WAV file \(.*\): write it as uncompressed PCM",
        refused(tmp_path, dataset),
    )
