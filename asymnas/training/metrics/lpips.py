"""Learned perceptual image patch similarity (Zhang et al. 2018, https://arxiv.org/abs/1801.03924).

Distances between features of an AlexNet trained on ImageNet, by torchmetrics. Its weights are not
part of any package: torchvision downloads them once. Values are taken as a share of the data's
range, from 0 to 1.
"""

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asymnas.training.metrics import METRICS, ExampleMetric, Facts

SMALLEST = 32  # pixels a side: below, AlexNet's pooling leaves nothing
TOGETHER = 64  # examples
LEAST_VERSION = (1, 8)  # of torchmetrics: the first with a distance for each image
FETCH = "python -c \"import torchvision; torchvision.models.alexnet(weights='DEFAULT')\""


def lpips(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Distance of each image from its example, `[b, c, h, w] -> [b]`, at least 0."""
    of = perceptual(str(x.device))
    differences = []
    for start in range(0, len(x), TOGETHER):
        some = slice(start, start + TOGETHER)
        pair = [_as_colour(images[some] / data_range) for images in (output, x)]
        differences.append(torch.as_tensor(of(*pair)).reshape(-1))
        of.reset()
    return torch.cat(differences)


@lru_cache(maxsize=1)
def perceptual(device: str) -> Any:
    """The network, loaded once: two images `[b, 3, h, w]` in [0, 1] to `[b]`."""
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    made: Any = LearnedPerceptualImagePatchSimilarity("alex", reduction="none", normalize=True)
    return made.to(device)


def _as_colour(images: Tensor) -> Tensor:
    return images.clamp(0, 1).expand(-1, 3, -1, -1).contiguous()


def _unsupported_reason(facts: Facts) -> str | None:
    shape = facts.shape
    if len(shape) != 3 or shape[0] not in (1, 3) or min(shape[1:]) < SMALLEST:
        return (
            f"it needs images of 1 or 3 channels with both sides of {SMALLEST} pixels or more, and "
            f"an example here is {shape}"
        )
    return missing()


def missing() -> str | None:
    """What has to be installed or fetched first; `None` if everything is here."""
    if _installed() < LEAST_VERSION:
        return 'it needs torchmetrics 1.8 or later: pip install "asymnas[lpips]"'
    if not weights_file().is_file():
        folder = weights_file().parent
        return f"the weights of its AlexNet are not in {folder}: fetch them by {FETCH}"
    return None


def _installed() -> tuple[int, ...]:
    """The version of torchmetrics, major and minor; empty if there is none."""
    try:
        return tuple(map(int, version("torchmetrics").split(".")[:2]))
    except PackageNotFoundError:
        return ()


def weights_file() -> Path:
    """Where torchvision keeps the weights."""
    from torchvision.models import AlexNet_Weights

    name = str(AlexNet_Weights.DEFAULT.url).rpartition("/")[2]
    return Path(torch.hub.get_dir()) / "checkpoints" / name


METRICS.register("lpips")(
    ExampleMetric(
        lpips,
        "learned perceptual distance of images",
        unsupported_reason=_unsupported_reason,
        on_request=True,
    )
)
