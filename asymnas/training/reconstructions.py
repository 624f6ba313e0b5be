"""Originals above their reconstructions, as one picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

from asymnas.core.errors import ConfigError

CELL = 64  # least side of an image on the picture, in pixels
LARGEST = 256  # most
STRIP_WIDTH = 720
STRIP_HEIGHT = 22
PAIR_GAP = 2
COLUMN_GAP = 6
ROW_GAP = 10


def reconstruction_grid(originals: NDArray[Any], outputs: NDArray[Any]) -> Image.Image:
    """Originals above their reconstructions by one architecture: `reconstruction_rows` of two.

    Args:
        originals: `[n, c, h, w]`, `[n, c, length]` or `[n, d]`.
        outputs: The same shape.

    Returns:
        RGBA, transparent between the images.

    Raises:
        ConfigError: The shapes differ, are of another rank, or hold nothing.
    """
    return reconstruction_rows({"originals": originals, "outputs": outputs})


def reconstruction_rows(rows: Mapping[str, NDArray[Any]]) -> Image.Image:
    """The same data over and over: the originals on top, below them what each network made of it.

    Values are clipped to the range of the first row, which becomes black to white (or the colour
    scale); what is not finite counts as the lowest. Pixels are enlarged by a whole factor without
    smoothing. Images of three channels are shown in colour, others by their first channel. A
    vector or sequence is a strip, each channel a line of it, and its reconstructions are strips
    right below: light is high.

    Args:
        rows: By name, the originals first; each `[n, c, h, w]`, `[n, c, length]` or `[n, d]`, all
            of one shape.

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
    units = np.stack([_to_unit(stack, low, high) for stack in stacks])
    if x.ndim == 4:
        return _rows_of_images(units)
    return _groups_of_strips(units.reshape(len(units), len(x), -1, x.shape[-1]))


def _to_unit(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    span = high - low or 1.0
    unit: NDArray[np.float64] = np.clip(np.nan_to_num((values - low) / span, nan=0.0), 0, 1)
    return unit


def _rows_of_images(rows: NDArray[np.float64]) -> Image.Image:
    """`[r, n, c, h, w]` in [0, 1] as r rows of n images."""
    count, n, channels, height, width = rows.shape
    factor = max(1, -(-CELL // max(height, width)))
    shrink = min(1.0, LARGEST / max(height, width))
    cell = (max(1, round(width * factor * shrink)), max(1, round(height * factor * shrink)))
    across, down = cell[0] + COLUMN_GAP, cell[1] + PAIR_GAP
    grid = Image.new("RGBA", (n * across - COLUMN_GAP, count * down - PAIR_GAP))
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            pixels = image if channels == 3 else np.repeat(image[:1], 3, axis=0)
            tile = Image.fromarray((pixels.transpose(1, 2, 0) * 255).round().astype(np.uint8))
            tile = tile.resize(cell, Image.Resampling.BOX if shrink < 1 else _NEAREST)
            grid.paste(tile, (column * across, row * down))
    return grid


def _groups_of_strips(rows: NDArray[np.float64]) -> Image.Image:
    """`[r, n, lines, d]` in [0, 1] as n groups of r strips, one above the other."""
    count, n, lines, d = rows.shape
    width = d * max(1, STRIP_WIDTH // d) if d <= STRIP_WIDTH else STRIP_WIDTH
    height = max(STRIP_HEIGHT, 4 * lines)
    group = count * (height + PAIR_GAP) - PAIR_GAP
    grid = Image.new("RGBA", (width, n * (group + ROW_GAP) - ROW_GAP))
    for place in range(n):
        for below, strip in enumerate(rows[:, place]):
            tile = Image.fromarray(_SCALE[(strip * 255).round().astype(int)])
            # Longer vectors than pixels are averaged, so that no value is silently left out.
            tile = tile.resize((width, lines), Image.Resampling.BOX).resize(
                (width, height), _NEAREST
            )
            grid.paste(tile, (0, place * (group + ROW_GAP) + below * (height + PAIR_GAP)))
    return grid


_NEAREST = Image.Resampling.NEAREST
_SCALE = np.array(
    [unlabel_rgb(color) for color in sample_colorscale("Viridis", np.linspace(0, 1, 256).tolist())]
).astype(np.uint8)
