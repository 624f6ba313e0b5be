"""Mean squared error."""

from torch import Tensor

from asymnas.training.metrics import METRICS, ExampleMetric


def squared_error(x: Tensor, output: Tensor, data_range: float) -> Tensor:
    """Mean squared error of each example, `[b, *shape] -> [b]`."""
    return (output - x).square().flatten(1).mean(1)


METRICS.register("mse")(ExampleMetric(squared_error, "mean squared error of a value"))
