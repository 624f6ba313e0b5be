"""Originals above their reconstructions and the errors of these, as one picture."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from plotly.colors import sample_colorscale, unlabel_rgb

from asymnas.core.errors import ConfigError

CELL = 80  # least side of an image on the picture, in pixels
LARGEST = 256  # most
STRIP_WIDTH = 720
STRIP_HEIGHT = 22
PAIR_GAP = 2
COLUMN_GAP = 6
ROW_GAP = 10
ERROR_RANGE = 0.25  # of the originals' range: an error of that much and more is brightest

ORIGINAL, RECONSTRUCTION, ERROR = "original", "reconstruction", "error"
LABELS, STRIPS = "labels", "strips"  # texts of a PNG file: the rows' names, and how they stand


def reconstruction_png(rows: Mapping[str, NDArray[Any]]) -> bytes:
    """`reconstruction_rows` with maps of the errors, as a PNG file that has the rows' names."""
    first, *others = rows
    labels = [first, *(label for name in others for label in (name, ERROR))]
    strips = np.ndim(next(iter(rows.values()))) < 4
    notes = PngInfo()
    notes.add_text(LABELS, json.dumps(labels))
    notes.add_text(STRIPS, json.dumps(strips))
    png = BytesIO()
    reconstruction_rows(rows, errors=True).save(png, "PNG", pnginfo=notes)
    return png.getvalue()


def read_labels(png: bytes) -> tuple[tuple[str, ...], bool]:
    """The names of a picture's rows, and whether these are strips; none of earlier versions."""
    with Image.open(BytesIO(png)) as image:
        notes = image.info
    return tuple(json.loads(notes.get(LABELS, "[]"))), bool(json.loads(notes.get(STRIPS, "false")))


def reconstruction_rows(rows: Mapping[str, NDArray[Any]], *, errors: bool = False) -> Image.Image:
    """The same data over and over: the originals on top, below them what each network made of it.

    Values are clipped to the range of the first row, which becomes black to white (or the colour
    scale); what is not finite counts as the lowest. Pixels are enlarged by a whole factor without
    smoothing. Images of three channels are shown in colour, others by their first channel. A
    vector or sequence is a strip, each channel a line of it, and its reconstructions are strips
    right below: light is high.

    Args:
        rows: By name, the originals first; each `[n, c, h, w]`, `[n, c, length]` or `[n, d]`, all
            of one shape.
        errors: Whether below each row but the first its distance to the first is shown, on one
            scale for all pictures: black for none, bright for `ERROR_RANGE` of the range and more.

    Returns:
        RGBA, transparent between the images; without the names, which are the page's to set.

    Raises:
        ConfigError: There are no rows, or their shapes differ, are of another rank, or hold
            nothing.
    """
    stacks = [np.asarray(values, dtype=float) for values in rows.values()]
    if not stacks:
        raise ConfigError("rows must hold the originals at least but is empty")
    if len({stack.shape for stack in stacks}) > 1:
        shapes = ", ".join(str(stack.shape) for stack in stacks)
        raise ConfigError(f"{' and '.join(rows)} must share a shape but have {shapes}")
    x = stacks[0]
    if x.ndim not in (2, 3, 4) or not x.size:
        raise ConfigError(
            f"{next(iter(rows))} must be [n, c, h, w], [n, c, length] or [n, d] but have shape "
            f"{x.shape}"
        )
    finite = x[np.isfinite(x)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    units = [_to_unit(stack, low, high) for stack in stacks]
    if x.ndim == 4:
        shown = [_in_gray_or_colour(unit) for unit in units]
    else:
        units = [unit.reshape(len(x), -1, x.shape[-1]) for unit in units]
        shown = [_in_scale(unit, _SCALE) for unit in units]
    if errors:
        maps = [_error_map(units[0], unit, images=x.ndim == 4) for unit in units[1:]]
        pairs = zip(shown[1:], maps, strict=True)
        shown = [shown[0], *(row for pair in pairs for row in pair)]
    colours = np.stack(shown)
    return _rows_of_images(colours) if x.ndim == 4 else _groups_of_strips(colours)


def _to_unit(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    span = high - low or 1.0
    unit: NDArray[np.float64] = np.clip(np.nan_to_num((values - low) / span, nan=0.0), 0, 1)
    return unit


def _in_gray_or_colour(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """`[n, c, h, w]` in [0, 1] as `[n, h, w, 3]`."""
    colours = images if images.shape[1] == 3 else np.repeat(images[:, :1], 3, axis=1)
    return (colours.transpose(0, 2, 3, 1) * 255).round().astype(np.uint8)


def _in_scale(values: NDArray[np.float64], scale: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`[...]` in [0, 1] as `[..., 3]`."""
    colours: NDArray[np.uint8] = scale[(values * 255).round().astype(int)]
    return colours


def _error_map(
    originals: NDArray[np.float64], outputs: NDArray[np.float64], *, images: bool
) -> NDArray[np.uint8]:
    """The distance in colours, of images that of what is shown: of three channels their mean."""
    error = np.abs(outputs - originals)
    if images:
        error = error.mean(axis=1) if error.shape[1] == 3 else error[:, 0]
    return _in_scale(np.minimum(error / ERROR_RANGE, 1), _ERRORS)


def _rows_of_images(rows: NDArray[np.uint8]) -> Image.Image:
    """`[r, n, h, w, 3]` as r rows of n images."""
    count, n, height, width, _ = rows.shape
    factor = max(1, -(-CELL // max(height, width)))
    shrink = min(1.0, LARGEST / max(height, width))
    cell = (max(1, round(width * factor * shrink)), max(1, round(height * factor * shrink)))
    across, down = cell[0] + COLUMN_GAP, cell[1] + PAIR_GAP
    grid = Image.new("RGBA", (n * across - COLUMN_GAP, count * down - PAIR_GAP))
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            tile = Image.fromarray(image)
            tile = tile.resize(cell, Image.Resampling.BOX if shrink < 1 else _NEAREST)
            grid.paste(tile, (column * across, row * down))
    return grid


def _groups_of_strips(rows: NDArray[np.uint8]) -> Image.Image:
    """`[r, n, lines, d, 3]` as n groups of r strips, one above the other."""
    count, n, lines, d, _ = rows.shape
    width = d * max(1, STRIP_WIDTH // d) if d <= STRIP_WIDTH else STRIP_WIDTH
    height = max(STRIP_HEIGHT, 4 * lines)
    group = count * (height + PAIR_GAP) - PAIR_GAP
    grid = Image.new("RGBA", (width, n * (group + ROW_GAP) - ROW_GAP))
    for place in range(n):
        for below, strip in enumerate(rows[:, place]):
            tile = Image.fromarray(strip)
            # Longer vectors than pixels are averaged, so that no value is silently left out.
            tile = tile.resize((width, lines), Image.Resampling.BOX).resize(
                (width, height), _NEAREST
            )
            grid.paste(tile, (0, place * (group + ROW_GAP) + below * (height + PAIR_GAP)))
    return grid


def _scale_of(name: str) -> NDArray[np.uint8]:
    colours = sample_colorscale(name, np.linspace(0, 1, 256).tolist())
    return np.array([unlabel_rgb(colour) for colour in colours]).astype(np.uint8)


_NEAREST = Image.Resampling.NEAREST
_SCALE, _ERRORS = _scale_of("Viridis"), _scale_of("Inferno")
