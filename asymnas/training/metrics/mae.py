"""Mean absolute error, L1."""

from torch import Tensor

from asymnas.training.metrics import METRICS, ExampleMetric


def absolute_error(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Mean absolute error of each example, `[b, *shape] -> [b]`."""
    return (output - x).abs().flatten(1).mean(1)


METRICS.register("mae")(ExampleMetric(absolute_error, "mean absolute error of a value"))
