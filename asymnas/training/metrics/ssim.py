"""Structural similarity (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861).

The Gaussian window is separable, so that blurring an image is a product with one band matrix per
axis: a tenth of the time of a convolution with the window at 28 pixels a side, a third at 64, as
much at 512 (`benchmarks/scoring.py`). Images are mirrored at their borders, as in torchmetrics,
with whose values these agree.
"""

from functools import lru_cache

import torch
from torch import Tensor

from asymnas.training.metrics import METRICS, ExampleMetric, Facts

RADIUS = 5  # pixels; the window has 11
DEVIATION = 1.5  # pixels, of the Gaussian, as in the paper
WINDOW = 2 * RADIUS + 1
K1, K2 = 0.01, 0.03  # the paper's constants, in parts of the data's range
TOGETHER = 2**17  # values at a time, so that their maps of moments stay in the cache


def ssim(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Mean over positions and channels of each image, `[b, c, h, w] -> [b]`, at most 1."""
    together = max(1, TOGETHER // x[0].numel())
    parts = [slice(start, start + together) for start in range(0, len(x), together)]
    return torch.cat([_similarity(x[part], output[part], data_range) for part in parts])


def _similarity(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    rows, columns = (blur_matrix(size, str(x.device)) for size in x.shape[-2:])
    x, output = x.contiguous(), output.contiguous()
    moments = torch.stack((x, output, x * x, output * output, x * output))
    mean_x, mean_output, square_x, square_output, product = rows @ moments @ columns.T
    means, covariance = mean_x * mean_output, product - mean_x * mean_output
    squares = mean_x.square() + mean_output.square()
    variances = (square_x + square_output - squares).clamp(min=0)
    similarity = (2 * means + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))
    averages: Tensor = similarity.flatten(1).mean(dim=1)
    return averages


@lru_cache(maxsize=8)
def blur_matrix(size: int, device: str) -> Tensor:
    """Blurs an axis of so many pixels, mirrored at its ends without repeating them, `[size, size]`.

    Args:
        size: At least `WINDOW`.
        device: Where it is used.
    """
    offsets = torch.arange(-RADIUS, RADIUS + 1)
    weights = torch.exp(-0.5 * (offsets / DEVIATION).double().square())
    places = (torch.arange(size)[:, None] + offsets).abs()
    places = (size - 1) - ((size - 1) - places).abs()
    blur = torch.zeros(size, size, dtype=torch.float64)
    blur.scatter_add_(1, places, (weights / weights.sum()).expand(size, -1))
    return blur.float().to(device)


def _unsupported_reason(facts: Facts) -> str | None:
    if len(facts.shape) == 3 and min(facts.shape[1:]) >= WINDOW:
        return None
    return (
        f"it needs images with both sides of {WINDOW} pixels or more, and an example here is "
        f"{facts.shape}"
    )


METRICS.register("ssim")(
    ExampleMetric(
        ssim,
        "structural similarity, at most 1",
        maximize=True,
        unsupported_reason=_unsupported_reason,
        ceiling=1.0,
    )
)
