"""Image files as arrays of uint8 or uint16: what can be read without loss, or is refused by name.

Pillow reads pixels of 16 bits in colour as 8 without a word, signed bytes as unsigned ones, and the
first page of several. The first two are refused here, the last is said. It keeps the 16 bits of
greyscale.
"""

import os
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.core.text import one_line
from asymnas.data.memory import check_memory

#: What Pillow calls an image's pixels, and what they become.
PIXELS = {
    **dict.fromkeys(("1", "L"), "L"),
    **dict.fromkeys(("RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"), "RGB"),
    **dict.fromkeys(("RGBA", "LA", "PA"), "RGBA"),
}
DEEP = ("I;16", "I;16B", "I;16L")  # its names of 16 bits in greyscale, which it keeps
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "WEBP", "GIF", "TIFF", "PPM")  # others may run programs
PIECE_BYTES = 4 * 2**20  # of the images that a thread reads at a time, at least one
PIECE_IMAGES = 64  # the most of them
MOST_THREADS = 8
HUGE = 50_000_000  # pixels from which on one image is decoded at a time
HUGE_BYTES = 8  # of memory for each of its pixels, as decoded and as converted
MOST = 2**30  # pixels of an image that is decoded at all
MOST_SIDE = 2**17  # pixels of its height and width: decoders take a time of their own for each line

DEEPEST = 2**16 - 1

FRAMES = "of which the first of several frames or pages is read"
TRANSPARENT = "whose transparent colour is read like any other"

COLOURS = {1: "greyscale", 3: "RGB", 4: "RGBA"}


class Pictures(NamedTuple):
    """Images in the order of their files.

    Args:
        pixels: uint8 `[k, c, h, w]`, or uint16 of files with 16 bits.
        remarks: How many files were read other than whole, by what was done to them.
    """

    pixels: NDArray[np.uint8]
    remarks: Counter[str]


def read_images(paths: Sequence[Path], size: int | None) -> Generator[Pictures, None, None]:
    """Reads image files of one kind, in parallel threads: decoders leave Python's lock alone.

    However slowly the pieces are taken, memory holds at most twice as many as there are threads.
    Close the generator if not all pieces are taken: it holds the threads.

    Args:
        paths: At least one file.
        size: Height and width in pixels; `None` to keep the files' own, which must agree.

    Yields:
        Pieces of what is read, in the order of `paths`.

    Raises:
        DataError: An unreadable file, or two that differ in channels or size.
    """
    first = read_image(paths[0], size).pixels[0]
    k = min(max(PIECE_BYTES // first.nbytes, 1), PIECE_IMAGES)

    def piece(start: int) -> Pictures:
        remarks: Counter[str] = Counter()
        images = np.empty((min(k, len(paths) - start), *first.shape), dtype=first.dtype)
        for path, place in zip(paths[start : start + k], images, strict=True):
            (image,), remarked = read_image(path, size)
            remarks += remarked
            if (image.shape, image.dtype) != (first.shape, first.dtype):
                raise _unlike(paths[0], first, path, image)
            place[:] = image
        return Pictures(images, remarks)

    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Pictures]] = deque()
        try:
            for start in range(0, len(paths), k):
                ahead.append(pool.submit(piece, start))
                if len(ahead) == 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def read_image(path: Path, size: int | None) -> Pictures:
    """Reads one image file, upright, with 1, 3 or 4 channels.

    Of an animation it is the first frame. With a `size`, the largest centred square is resized.

    Raises:
        DataError: Unreadable, too large, or pixels of which bits would be lost.
    """
    from PIL import ImageOps, UnidentifiedImageError

    try:
        with _opened(path) as image:
            if size is not None:
                image.draft(None, (2 * size, 2 * size))  # decode a large JPEG at a lower scale
            _check_pixels(image, path)
            remarks = _remarks(image)
            huge = image.width * image.height > HUGE
            with _DECODING if huge else nullcontext(), _without_limit():
                upright = ImageOps.exif_transpose(image)
                read = _deep_pixels if image.mode in DEEP else _pixels
                array: NDArray[Any] = read(upright, size)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not a readable image (its content is of no format that is read): repair, "
            "convert or remove it"
        ) from error
    except MemoryError as error:
        raise DataError(
            f"{path} takes more memory to decode than there is: make it smaller, or cut it into "
            "tiles"
        ) from error
    except Exception as error:  # Pillow's decoders raise half a dozen unrelated types
        raise DataError(
            f"{path} is not a readable image ({one_line(error)}): repair or remove it"
        ) from error
    return Pictures(np.moveaxis(np.atleast_3d(array), -1, 0)[None], remarks)


_DECODING, _LIMIT = threading.Lock(), threading.Lock()
_lifted: list[int | None] = []  # Pillow's limit, once per thread that has lifted it


@contextmanager
def _without_limit() -> Iterator[None]:
    """Lifts Pillow's own limit of pixels, which is for strangers' files, in this block.

    It stands again for whoever else uses Pillow when the last of the threads has left the block.
    """
    from PIL import Image

    with _LIMIT:
        _lifted.append(_lifted[0] if _lifted else Image.MAX_IMAGE_PIXELS)
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _LIMIT:
            limit = _lifted.pop()
            if not _lifted:
                Image.MAX_IMAGE_PIXELS = limit


def _opened(path: Path) -> Any:
    """The image with its header read, of whatever size."""
    from PIL import Image

    with _without_limit():
        return Image.open(path, formats=FORMATS)


def _check_pixels(image: Any, path: Path) -> None:
    """Raises for what Pillow would read with a loss, and for more than fits in memory.

    Raises:
        DataError: Pixels of more than 8 bits, signed ones, or too many.
    """
    if image.width * image.height > MOST:
        raise DataError(
            f"{path} has {image.width:,} by {image.height:,} pixels but at most {MOST:,} in all "
            "are read: make it smaller, or cut it into tiles"
        )
    if max(image.width, image.height) > MOST_SIDE:
        raise DataError(
            f"{path} has {image.width:,} by {image.height:,} pixels but at most {MOST_SIDE:,} a "
            "side are read: make it smaller, or cut it into tiles"
        )
    if image.width * image.height > HUGE:
        check_memory(path, image.width * image.height * HUGE_BYTES)
    if image.format == "TIFF":
        bits, kinds = (_entries(image.tag_v2.get(tag, 1)) for tag in (258, 339))
        most = 16 if image.mode in DEEP else 8
        if max(bits) > most or set(kinds) - {1, 4}:  # whole numbers from 0, or undefined
            kind = {2: "signed ", 3: "floating-point "}.get(max(kinds), "")
            raise _deep(path, f"{kind}pixels of {max(bits)} bits")
    arguments = [part for tile in image.tile for part in _entries(tile[3])]  # of the decoder
    deep_ppm = image.format == "PPM" and any(isinstance(a, int) and a > 255 for a in arguments)
    if image.mode in DEEP:
        return
    if deep_ppm or any(isinstance(a, str) and ";16" in a for a in arguments):
        raise _deep(path, "pixels of 16 bits")
    if image.mode not in PIXELS and image.mode != "P":
        raise _deep(path, f"pixels of type {image.mode}")


def _entries(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _deep(path: Path, what: str) -> DataError:
    return DataError(
        f"{path} has {what}, of which some would be lost: convert it to 8-bit greyscale or RGB, or "
        "save all images as one array for npz:FILE, which keeps them"
    )


def _remarks(image: Any) -> Counter[str]:
    """What is not read of an image."""
    remarks = Counter[str]()
    if getattr(image, "is_animated", False) and image.format != "MPO":  # a photograph's preview
        remarks[FRAMES] += 1
    if "transparency" in image.info and image.mode not in ("P", "LA", "PA", "RGBA"):
        remarks[TRANSPARENT] += 1
    return remarks


def _pixels(image: Any, size: int | None) -> NDArray[np.uint8]:
    """The image as 8-bit greyscale, RGB or RGBA, `[h, w]` or `[h, w, c]`, perhaps resized."""
    from PIL import ImageOps

    mode = _palette_pixels(image) if image.mode == "P" else PIXELS[image.mode]
    pixels = image if image.mode == mode else image.convert(mode)
    if size is not None:
        pixels = ImageOps.fit(pixels, (size, size))
    return np.asarray(pixels, dtype=np.uint8)


def _deep_pixels(image: Any, size: int | None) -> NDArray[np.uint16]:
    """An image of 16 bits in greyscale `[h, w]`, perhaps resized."""
    from PIL import Image, ImageOps

    values: NDArray[np.uint16] = np.asarray(image).astype(np.uint16)
    if size is None:
        return values
    resized = ImageOps.fit(Image.fromarray(values.astype(np.float32)), (size, size))
    rounded: NDArray[np.uint16] = np.rint(np.asarray(resized).clip(0, DEEPEST)).astype(np.uint16)
    return rounded


def _palette_pixels(image: Any) -> str:
    """What the pixels of an image with a palette become: grey if all its colours are."""
    if "transparency" in image.info:
        return "RGBA"
    red, green, blue = np.reshape(image.getpalette("RGB"), (-1, 3)).T
    return "L" if np.array_equal(red, green) and np.array_equal(green, blue) else "RGB"


def _unlike(one: Path, first: NDArray[Any], other: Path, image: NDArray[Any]) -> DataError:
    """The error for two images that cannot share a data set."""
    colours = [COLOURS[array.shape[0]] for array in (first, image)]
    if colours[0] != colours[1]:
        return DataError(
            f"{one} is {colours[0]} but {other} is {colours[1]}: convert all images to one of them"
        )
    if first.dtype != image.dtype:
        bits = [8 * array.dtype.itemsize for array in (first, image)]
        return DataError(
            f"{one} has {bits[0]} bits per pixel but {other} has {bits[1]}: convert all images to "
            "one of them"
        )
    sizes = [f"{array.shape[1]} by {array.shape[2]}" for array in (first, image)]
    return DataError(
        f"{one} has {sizes[0]} pixels but {other} has {sizes[1]}: pass --image-size N to resize all"
    )
