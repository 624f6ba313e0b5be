"""Image files as uint8 arrays."""

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asymnas.core.errors import DataError
from asymnas.core.text import one_line

#: What Pillow calls an image's pixels, and what they become.
PIXELS = {
    **dict.fromkeys(("1", "L"), "L"),
    **dict.fromkeys(("RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"), "RGB"),
    **dict.fromkeys(("RGBA", "LA", "PA"), "RGBA"),
}
PIECE_BYTES = 4 * 2**20  # of the images that a thread reads at a time, at least one
PIECE_IMAGES = 64  # the most of them
MOST_THREADS = 8

COLOURS = {1: "greyscale", 3: "RGB", 4: "RGBA"}


def read_images(
    paths: Sequence[Path], size: int | None
) -> Generator[NDArray[np.uint8], None, None]:
    """Reads image files of one kind, in parallel threads: decoders leave Python's lock alone.

    However slowly the pieces are taken, memory holds at most twice as many as there are threads.
    Close the generator if not all pieces are taken: it holds the threads.

    Args:
        paths: At least one file.
        size: Height and width in pixels; `None` to keep the files' own, which must agree.

    Yields:
        Pieces of what is read, in the order of `paths`, uint8 `[k, c, h, w]`.

    Raises:
        DataError: An unreadable file, or two that differ in channels or size.
    """
    first = read_image(paths[0], size)
    k = min(max(PIECE_BYTES // first.nbytes, 1), PIECE_IMAGES)

    def piece(start: int) -> NDArray[np.uint8]:
        images = np.empty((min(k, len(paths) - start), *first.shape), dtype=np.uint8)
        for path, place in zip(paths[start : start + k], images, strict=True):
            image = read_image(path, size)
            if image.shape != first.shape:
                raise _unlike(paths[0], first, path, image)
            place[:] = image
        return images

    threads = min(MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[NDArray[np.uint8]]] = deque()
        try:
            for start in range(0, len(paths), k):
                ahead.append(pool.submit(piece, start))
                if len(ahead) == 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def read_image(path: Path, size: int | None) -> NDArray[np.uint8]:
    """Reads one image file, upright; uint8 `[c, h, w]` with 1, 3 or 4 channels.

    Of an animation it is the first frame. With a `size`, the largest centred square is resized.

    Raises:
        DataError: Unreadable, or pixels of more than 8 bits.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if size is not None:
                image.draft(None, (2 * size, 2 * size))  # decode a large JPEG at a lower scale
            upright = ImageOps.exif_transpose(image)
            pixels = _pixels(upright, path)
            if size is not None:
                pixels = ImageOps.fit(pixels, (size, size))
            array = np.asarray(pixels, dtype=np.uint8)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not a readable image (its content is of no known format): repair or remove "
            "it"
        ) from error
    except Exception as error:  # Pillow's decoders raise half a dozen unrelated types
        raise DataError(
            f"{path} is not a readable image ({one_line(error)}): repair or remove it"
        ) from error
    return np.moveaxis(np.atleast_3d(array), -1, 0)


def _pixels(image: Any, path: Path) -> Any:
    """The image as 8-bit greyscale, RGB or RGBA."""
    mode = _palette_pixels(image) if image.mode == "P" else PIXELS.get(image.mode)
    if mode is None:
        raise DataError(
            f"{path} has pixels of type {image.mode}: convert it to 8-bit greyscale or RGB"
        )
    return image if image.mode == mode else image.convert(mode)


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
    sizes = [f"{array.shape[1]} by {array.shape[2]}" for array in (first, image)]
    return DataError(
        f"{one} has {sizes[0]} pixels but {other} has {sizes[1]}: pass --image-size N to resize all"
    )
