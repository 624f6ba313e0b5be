"""Errors of outputs: how far each value is from the clean example's."""

from torch import Tensor

from asymnas.training.metrics import METRICS, ExampleMetric

LEAST_ERROR = 1e-10  # caps the signal-to-noise ratio at 100 dB for a data range of one


def absolute_error(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Mean absolute error of each example, L1, `[b, *shape] -> [b]`."""
    return (output - x).abs().flatten(1).mean(1)


def squared_error(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Mean squared error of each example, `[b, *shape] -> [b]`."""
    return (output - x).square().flatten(1).mean(1)


def psnr(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Peak signal-to-noise ratio, 10 log₁₀(data_range² / MSE), in dB, `[b, *shape] -> [b]`."""
    error = squared_error(x, output, data_range)
    ratio: Tensor = data_range**2 / error.clamp_min(LEAST_ERROR * data_range**2)
    return 10 * ratio.log10()


METRICS.register("mae")(ExampleMetric(absolute_error, "mean absolute error of a value"))
METRICS.register("mse")(ExampleMetric(squared_error, "mean squared error of a value"))
METRICS.register("psnr")(
    ExampleMetric(psnr, "peak signal-to-noise ratio", maximize=True, unit="dB")
)
