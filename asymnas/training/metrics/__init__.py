"""Metrics: what a trained network is judged by, one file or a few siblings in one.

There are two sorts in one registry. An `ExampleMetric` compares each output with its example and is
averaged in the one pass over a split that takes the loss. A `NetworkMetric` looks at a `View` of
the trained network: latents, losses, labels, whatever it asks for; nothing else is worked out. Any
metric can be an objective of a search.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from asymnas.core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What decides before anything trains whether a metric can be measured.

    Args:
        shape: Shape of an example.
        labels: Whether the training examples have classes, two or more.
        anomalies: Whether held-out splits have anomalies, separated from the rest.
        statistics: Names of what only the kind knows: `kl`, `distortion`, `codes`.
        upsamples: Whether the decoder is a chain of layers some of which double the resolution.
    """

    shape: tuple[int, ...]
    labels: bool = False
    anomalies: bool = False
    statistics: frozenset[str] = frozenset()
    upsamples: bool = False


class Network(Protocol):
    """As much of an autoencoder as metrics need."""

    @property
    def decoder(self) -> nn.Module:
        """`[b, latent, ...] -> [b, *shape]`, or to logits of it."""
        ...

    def encode(self, x: Tensor, /) -> Tensor:
        """`[b, *shape] -> [b, latent, ...]`."""
        ...

    def decode(self, z: Tensor, /) -> Tensor:
        """`[b, latent, ...] -> [b, *shape]`."""
        ...


class View(Protocol):
    """A trained network on one split; each property is worked out when it is first asked for.

    Latents, classes and statistics are those of the split's examples without its anomalies, `n` of
    them spread evenly over the split if it has more than there is use for; `N` are all. Tensors are
    on the CPU, but for `inputs`.
    """

    @property
    def network(self) -> Network:
        """In fp32 and in evaluation mode."""
        ...

    @property
    def inputs(self) -> Tensor:
        """The first few examples as the network takes them, `[b, *shape]`, on its device."""
        ...

    @property
    def latents(self) -> Tensor:
        """What `encode` makes of the examples, flattened, float32 `[n, d]`."""
        ...

    @property
    def labels(self) -> Tensor:
        """Class ids of the same examples, int64 `[n]`."""
        ...

    @property
    def train_latents(self) -> Tensor:
        """Latents of a part of the training split, float32 `[m, d]`."""
        ...

    @property
    def train_labels(self) -> Tensor:
        """Their class ids, int64 `[m]`."""
        ...

    @property
    def losses(self) -> Tensor:
        """The kind's loss of every example that is not anomalous, float32 `[N]`."""
        ...

    @property
    def anomaly_losses(self) -> Tensor:
        """The kind's loss of every anomaly, float32 `[a]`."""
        ...

    @property
    def statistics(self) -> Mapping[str, Tensor]:
        """What only the kind knows: `kl` `[n, ...]`, `distortion` `[n]`, `codes` `[n, k]`."""
        ...


def needs_labels(facts: Facts) -> str | None:
    """Classes to be read off the latent."""
    return None if facts.labels else "it needs labels, of two classes or more to train on"


def needs_anomalies(facts: Facts) -> str | None:
    """Anomalies to be separated from the rest."""
    if facts.anomalies:
        return None
    return (
        "it needs anomalies in the validation and test splits, marked as such, and this data set "
        "has none"
    )


def needs_posterior(facts: Facts) -> str | None:
    """A latent that is a distribution."""
    if "kl" in facts.statistics:
        return None
    return "it needs a latent that is a distribution: take the variational kind"


def needs_codes(facts: Facts) -> str | None:
    """A latent that is quantised."""
    if "codes" in facts.statistics:
        return None
    return "it needs a latent that is quantised: take the kind vq or fsq"


def needs_rate(facts: Facts) -> str | None:
    """A latent that takes a known number of bits."""
    if facts.statistics & {"kl", "codes"}:
        return None
    return (
        "it needs a latent that is a distribution or quantised: take the kind variational, vq or "
        "fsq"
    )


def _nothing_needed(facts: Facts) -> str | None:
    return None


@dataclass(frozen=True)
class ExampleMetric:
    """One measure of an output, averaged over the examples of a split.

    Args:
        of: `(x, output, data_range) -> [b]`: the value of each example; `x` and `output` are
            float32 `[b, *shape]`, `data_range` is the greatest minus the least possible value.
        description: What it is, one line.
        maximize: Whether more is better.
        unit: For labels; empty if none.
        unsupported_reason: Why it cannot be measured, given the facts: what is needed. `None` if it
            can.
        on_request: Measured only where it is asked for by name.
        ceiling: Its greatest value, if more is better and there is one: what is missing to it is an
            error, of which a sweep infers the best share too.
    """

    of: Callable[[Tensor, Tensor, float], Tensor]
    description: str
    maximize: bool = False
    unit: str = ""
    unsupported_reason: Callable[[Facts], str | None] = _nothing_needed
    on_request: bool = False
    ceiling: float | None = None


@dataclass(frozen=True)
class NetworkMetric:
    """One measure of a trained network.

    Args:
        of: What it is worked out from; a finite number.
        description: See `ExampleMetric`, as for all that follow but the last.
        maximize: Whether more is better.
        unit: For labels; empty if none.
        unsupported_reason: Why it cannot be measured.
        on_request: Measured only where it is asked for by name.
        ceiling: Its greatest value, if more is better and there is one.
        of_split: Whether it depends on the split; otherwise it is not measured on the test split.
    """

    of: Callable[[View], float]
    description: str
    maximize: bool = False
    unit: str = ""
    unsupported_reason: Callable[[Facts], str | None] = _nothing_needed
    on_request: bool = False
    ceiling: float | None = None
    of_split: bool = True


Metric = ExampleMetric | NetworkMetric

METRICS: Registry[Metric] = Registry("metric", __name__, "asymnas.metrics")
