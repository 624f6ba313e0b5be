"""Structural similarity (Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861)."""

import torch
from torch import Tensor

from asymnas.training.metrics import METRICS, ExampleMetric, Facts

WINDOW = 11  # pixels a side: a Gaussian of standard deviation 1.5, as in the paper
TOGETHER = 64  # examples; the maps of moments take five times the memory of the images


def ssim(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Mean over positions and channels of each image, `[b, c, h, w] -> [b]`, at most 1."""
    from torchmetrics.functional.image import structural_similarity_index_measure as of

    parts = [slice(start, start + TOGETHER) for start in range(0, len(x), TOGETHER)]
    similarities = [of(output[p], x[p], data_range=data_range, reduction="none") for p in parts]
    return torch.cat([torch.as_tensor(values).reshape(-1) for values in similarities])


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
