"""Reads damaged files: each is read, or refused by a DataError of one line; nothing else is raised.

    python benchmarks/fuzz_readers.py csv npz wav --seconds 300

Files of each reader are changed at random, a few bytes, spans or lengths at a time, and read. Every
other file of text gets characters in place of bytes, most of which would end it as no UTF-8. It
prints how many were read and how many refused, by what was said. A fault is anything else: another
exception, a message of several lines, or a file that takes longer than `SLOW`. Its file and
traceback are kept in `--faults`, and the exit code is 1. All seconds are of CPU: what else the
machine does makes no file slow. Ctrl-C and SIGTERM end a reader early. What it found so far is in
`fuzz_readers.md`.
"""

import argparse
import io
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import wavfile

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.images.decode import MOST, read_image
from asymnas.data.sources.audio import read_wav

SLOW = 10.0  # seconds
MANY = 2**26  # pixels
CHARACTERS = b"0123456789,;.|\t \n\"'-+eE%abUlm:/_?#()"
MOST_SAID = 20  # messages that are printed
TELLING = (0, 1, 2, 3, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)


class Reader(NamedTuple):
    """What is fuzzed.

    Args:
        suffix: Of its files.
        files: Makes whole ones, to be damaged.
        read: Reads one.
    """

    suffix: str
    files: Callable[[], list[bytes]]
    read: Callable[[Path], object]


def wav_files() -> list[bytes]:
    rng = np.random.default_rng(0)
    files = []
    for kind in (np.uint8, np.int16, np.int32, np.float32, np.float64):
        for channels in (1, 2):
            file = io.BytesIO()
            samples = rng.integers(0, 100, (30, channels)).astype(kind)
            wavfile.write(file, 8_000, samples)
            files.append(file.getvalue())
    guid = b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    plain = files[2]
    described = b"\xfe\xff" + plain[22:36] + b"\x16\0\x10\0\x03\0\0\0" + guid
    extensible = b"WAVEfmt " + len(described).to_bytes(4, "little") + described + plain[36:]
    files.append(b"RIFF" + len(extensible).to_bytes(4, "little") + extensible)
    files.append(plain[:4] + b"\xff" * 4 + plain[8:40] + b"\xff" * 4 + plain[44:])  # streamed
    return files


def image_files() -> list[bytes]:
    rng = np.random.default_rng(0)
    colour = Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    wanted: list[tuple[Image.Image, str, dict[str, object]]] = [
        (colour, form, {}) for form in ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
    ]
    wanted += [(colour.convert(mode), "PNG", {}) for mode in ("1", "L", "LA", "P", "RGBA")]
    wanted += [(colour.convert(mode), "TIFF", {}) for mode in ("1", "L", "RGBA", "CMYK", "F")]
    wanted += [(colour, "TIFF", {"compression": name}) for name in ("tiff_lzw", "jpeg", "packbits")]
    wanted += [(colour, form, {"exif": exif}) for form in ("JPEG", "PNG", "WEBP", "TIFF")]
    several = {"save_all": True, "append_images": [colour.rotate(90), colour.rotate(180)]}
    wanted += [(colour, form, several) for form in ("GIF", "TIFF", "WEBP", "PNG", "MPO")]
    wanted += [(colour, "JPEG", {"progressive": True}), (colour.convert("CMYK"), "JPEG", {})]
    wanted += [(Image.fromarray(rng.integers(0, 2**16, (9, 7), dtype=np.uint16)), "PNG", {})]
    files = []
    for image, form, options in wanted:
        file = io.BytesIO()
        image.save(file, form, **options)
        files.append(file.getvalue())
    return [*files, b"P2 3 2 255\n1 2 3\n4 5 6\n", b"P6 2 1 4095\n" + bytes(12)]


def read_both_ways(path: Path) -> None:
    """Reads an image resized, and in its own size; one that claims very many pixels not at all.

    Up to the limit of a billion pixels, decoding takes its time: half a minute is no fault.
    """
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(path) as image:
            pixels = image.width * image.height
    except Exception:  # for the reader to say
        pixels = 0
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    if MANY < pixels < MOST:
        return
    read_image(path, 8)
    if pixels < 2**24:
        read_image(path, None)


def frame(rng: np.random.Generator) -> pd.DataFrame:
    n = int(rng.integers(4, 40))
    columns = {
        "a": rng.normal(size=n).round(int(rng.integers(0, 5))),
        "b": rng.integers(0, 3, n),
        "town": rng.choice(["Ulm", "Bonn", "Kiel"], n),
        "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
        "ok": rng.random(n) < 0.5,
    }
    names = rng.permutation(list(columns))[: rng.integers(1, 6)]
    return pd.DataFrame({name: columns[name] for name in names})


def csv_file(rng: np.random.Generator) -> bytes:
    sep, decimal = ((",", "."), (";", ","), ("\t", "."), ("|", "."))[rng.integers(4)]
    text = frame(rng).to_csv(
        index=bool(rng.integers(2)), header=bool(rng.integers(2)), sep=sep, decimal=decimal
    )
    return text.encode()


def parquet_file(rng: np.random.Generator) -> bytes:
    target = io.BytesIO()
    frame(rng).to_parquet(target)
    return target.getvalue()


def npz_file(rng: np.random.Generator) -> bytes:
    kinds = ("?", "u1", "i4", ">f4", "f8", "f2", "c8", "U2", "u2", "M8[s]")
    target = io.BytesIO()
    arrays = {}
    for name in rng.choice(["x", "x_test", "y", "train_signals", "anomaly"], rng.integers(1, 3)):
        shape = (int(rng.integers(1, 12)), *rng.integers(0, 5, rng.integers(0, 4)).tolist())
        arrays[name] = rng.integers(0, 300, shape).astype(rng.choice(kinds))
    (np.savez if rng.integers(2) else np.savez_compressed)(target, **arrays)
    return target.getvalue()


def several(make: Callable[[np.random.Generator], bytes]) -> list[bytes]:
    return [make(np.random.default_rng(seed)) for seed in range(40)]


def read_as(source: str) -> Callable[[Path], object]:
    return lambda path: load_dataset(DataSpec(name=f"{source}:{path}"))


READERS = {
    "csv": Reader(".csv", lambda: several(csv_file), read_as("csv")),
    "image": Reader(".png", image_files, read_both_ways),
    "npz": Reader(".npz", lambda: several(npz_file), read_as("npz")),
    "parquet": Reader(".parquet", lambda: several(parquet_file), read_as("parquet")),
    "wav": Reader(".wav", wav_files, read_wav),
}
TEXT = {"csv"}


def damaged(files: Sequence[bytes], rng: np.random.Generator, *, text: bool) -> bytes:
    """A file with one to five changes, perhaps of characters alone."""

    def some(length: int) -> bytes:
        return bytes(rng.choice(list(CHARACTERS), length).tolist()) if text else rng.bytes(length)

    content = bytearray(files[rng.integers(len(files))])
    for _ in range(rng.integers(1, 6)):
        # headers are worth more than what they describe
        most = min(len(content), 64) if rng.random() < 0.5 else len(content)
        place = int(rng.integers(most + 1))
        length = int(rng.integers(1, 17))
        match rng.integers(7):
            case 0:
                content[place : place + 1] = some(1)
            case 1:
                content[place : place + length] = some(length)
            case 2 if not text:
                width, order = int(rng.choice([1, 2, 4])), "little" if rng.random() < 0.7 else "big"
                value = TELLING[rng.integers(len(TELLING))] % 256**width
                content[place : place + width] = value.to_bytes(width, order)
            case 3:
                del content[place:]
            case 4:
                del content[place : place + length]
            case 5:
                content[place:place] = content[place : place + length * 4] or some(length)
            case 6:
                other = files[rng.integers(len(files))]
                start = int(rng.integers(len(other) + 1))
                content[place : place + length * 4] = other[start : start + length * 4]
    return bytes(content)


def fuzz(name: str, seconds: float, seed: int, faults: Path) -> int:
    """Reads damaged files for a while; how many faults there were."""
    reader, rng, end = READERS[name], np.random.default_rng(seed), time.process_time() + seconds
    files, said, count, bad = reader.files(), Counter[str](), 0, 0
    began = time.process_time()
    with tempfile.TemporaryDirectory() as place, suppress(KeyboardInterrupt):
        path = Path(place, f"x{reader.suffix}")
        while time.process_time() < end:
            content = damaged(files, rng, text=name in TEXT and count % 2 == 0)
            path.write_bytes(content)
            count, start, fault = count + 1, time.process_time(), ""
            try:
                with warnings.catch_warnings(record=True) as warned:
                    warnings.simplefilter("always")
                    reader.read(path)
                said["read, with a warning" if warned else "read"] += 1
            except DataError as error:
                line = str(error)
                fault = line if "\n" in line or not line.isprintable() else ""
                said[re.sub(r"\(.*\)|[\d,.]+", "…", line.replace(str(path), "x"))] += 1
            except Exception:  # a fault is whatever else there is
                fault = traceback.format_exc()
            if not fault and (took := time.process_time() - start) > SLOW:
                fault = f"it took {took:.0f} s"
            if fault:
                bad += 1
                faults.mkdir(parents=True, exist_ok=True)
                (faults / f"{name}-{seed}-{count}{reader.suffix}").write_bytes(content)
                (faults / f"{name}-{seed}-{count}.txt").write_text(fault, "utf-8", "replace")
                print(f"{name}: fault {count}: {fault.strip().splitlines()[-1][:200]}", flush=True)
    spent = time.process_time() - began
    print(f"{name}: {count:,} files in {spent:.0f} s of CPU, seed {seed}, {bad} faults", flush=True)
    print(f"  {len(said)} different messages, of which the most frequent:")
    for line, times in said.most_common(MOST_SAID):
        print(f"  {times:7,} {line}")
    return bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", choices=[*READERS, []], help="all by default")
    parser.add_argument("--seconds", type=float, default=300, help="of CPU, for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=Path, default=Path(tempfile.gettempdir(), "faults"))
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = given.readers or READERS
    sys.exit(bool(sum(fuzz(name, given.seconds, given.seed, given.faults) for name in names)))


if __name__ == "__main__":
    main()
