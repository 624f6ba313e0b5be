"""Originals above their reconstructions, as one picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

from asymnas.errors import ConfigError

CELL = 64  # least side of an image on the picture, in pixels
LARGEST = 256  # most
STRIP_WIDTH = 720
STRIP_HEIGHT = 22
PAIR_GAP = 2
COLUMN_GAP = 6
ROW_GAP = 10


def reconstruction_grid(originals: NDArray[Any], outputs: NDArray[Any]) -> Image.Image:
    """Images: originals in the top row, reconstructions below. Vectors: heat strips in pairs.

    Values are clipped to the range of the originals, which becomes black to white (or the colour
    scale); what is not finite counts as the lowest. Pixels are enlarged by a whole factor without
    smoothing. Images of three channels are shown in colour, others by their first channel. A
    vector or sequence is a strip, each channel a line of it, the reconstruction right below its
    original: light is high.

    Args:
        originals: `[n, c, h, w]`, `[n, c, length]` or `[n, d]`.
        outputs: The same shape.

    Returns:
        RGBA, transparent between the images.

    Raises:
        ConfigError: The shapes differ, are of another rank, or hold nothing.
    """
    x, y = np.asarray(originals, dtype=float), np.asarray(outputs, dtype=float)
    if x.shape != y.shape:
        raise ConfigError(f"originals and outputs must share a shape but have {x.shape}, {y.shape}")
    if x.ndim not in (2, 3, 4) or not x.size:
        raise ConfigError(
            f"originals must be [n, c, h, w], [n, c, length] or [n, d] but have shape {x.shape}"
        )
    finite = x[np.isfinite(x)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    x, y = (_to_unit(values, low, high) for values in (x, y))
    if x.ndim == 4:
        return _rows_of_images(x, y)
    return _pairs_of_strips(x.reshape(len(x), -1, x.shape[-1]), y.reshape(len(y), -1, y.shape[-1]))


def _to_unit(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    span = high - low or 1.0
    unit: NDArray[np.float64] = np.clip(np.nan_to_num((values - low) / span, nan=0.0), 0, 1)
    return unit


def _rows_of_images(x: NDArray[np.float64], y: NDArray[np.float64]) -> Image.Image:
    """`[n, c, h, w]` in [0, 1] as two rows."""
    n, channels, height, width = x.shape
    factor = max(1, -(-CELL // max(height, width)))
    shrink = min(1.0, LARGEST / max(height, width))
    cell = (max(1, round(width * factor * shrink)), max(1, round(height * factor * shrink)))
    grid = Image.new("RGBA", (n * (cell[0] + COLUMN_GAP) - COLUMN_GAP, 2 * cell[1] + PAIR_GAP))
    for row, images in enumerate((x, y)):
        for column, image in enumerate(images):
            pixels = image if channels == 3 else np.repeat(image[:1], 3, axis=0)
            tile = Image.fromarray((pixels.transpose(1, 2, 0) * 255).round().astype(np.uint8))
            tile = tile.resize(cell, Image.Resampling.BOX if shrink < 1 else _NEAREST)
            grid.paste(tile, (column * (cell[0] + COLUMN_GAP), row * (cell[1] + PAIR_GAP)))
    return grid


def _pairs_of_strips(x: NDArray[np.float64], y: NDArray[np.float64]) -> Image.Image:
    """`[n, lines, d]` in [0, 1] as n pairs of strips, one above the other."""
    n, lines, d = x.shape
    width = d * max(1, STRIP_WIDTH // d) if d <= STRIP_WIDTH else STRIP_WIDTH
    height = max(STRIP_HEIGHT, 4 * lines)
    pair = 2 * height + PAIR_GAP
    grid = Image.new("RGBA", (width, n * (pair + ROW_GAP) - ROW_GAP))
    for row in range(n):
        for below, strip in enumerate((x[row], y[row])):
            tile = Image.fromarray(_SCALE[(strip * 255).round().astype(int)])
            # Longer vectors than pixels are averaged, so that no value is silently left out.
            tile = tile.resize((width, lines), Image.Resampling.BOX).resize(
                (width, height), _NEAREST
            )
            grid.paste(tile, (0, row * (pair + ROW_GAP) + below * (height + PAIR_GAP)))
    return grid


_NEAREST = Image.Resampling.NEAREST
_SCALE = np.array(
    [unlabel_rgb(color) for color in sample_colorscale("Viridis", np.linspace(0, 1, 256).tolist())]
).astype(np.uint8)
