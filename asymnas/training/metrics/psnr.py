"""Peak signal-to-noise ratio, decibels."""

from torch import Tensor

from asymnas.training.metrics import METRICS, ExampleMetric

LEAST_ERROR = 1e-10  # caps the ratio at 100 dB for a data range of one


def psnr(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """10 log₁₀(data_range² / MSE) of each example, `[b, *shape] -> [b]`."""
    error = (output - x).square().flatten(1).mean(1)
    ratio: Tensor = data_range**2 / error.clamp_min(LEAST_ERROR * data_range**2)
    return 10 * ratio.log10()


METRICS.register("psnr")(
    ExampleMetric(psnr, "peak signal-to-noise ratio", maximize=True, unit="dB")
)
