"""Measuring a trained network on a split by any metrics, and which metrics a study can have."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from asymnas.core.errors import ConfigError
from asymnas.data.base import Dataset, normal
from asymnas.data.examples import Examples
from asymnas.data.splits import SplitName
from asymnas.networks.architecture import Architecture
from asymnas.networks.kinds import Autoencoder, kind_of
from asymnas.training.collapse import Spread, collapse, not_finite
from asymnas.training.evaluation import evaluate, inputs_of
from asymnas.training.metrics import METRICS, Facts, NetworkMetric
from asymnas.training.metrics.checkerboard import upsampling_layers
from asymnas.training.metrics.probes import NEIGHBOURS

MOST_LATENTS = 10_000  # examples of a split whose latents and statistics are kept
MOST_TRAIN = 5_000  # training examples that probes are fitted on
MOST_VALUES = 2**24  # of the latents of a split
FEW = 64  # examples that are passed through again and again


class Measured(NamedTuple):
    """What a network is worth on a split.

    Args:
        loss: The kind's validation loss, without the split's anomalies.
        metrics: By name; none of a network that has diverged.
        diverged: What is not finite, in a sentence; empty if all is.
        collapsed: How the network has collapsed, in a sentence; empty if it has not.
        losses: The loss of each example without the anomalies, float32 `[n]`.
    """

    loss: float
    metrics: dict[str, float]
    diverged: str = ""
    collapsed: str = ""
    losses: Tensor = torch.empty(0)


@torch.inference_mode()
def measure(
    model: Autoencoder,
    data: Dataset,
    split: SplitName,
    metrics: tuple[str, ...],
    *,
    kind: str,
    progress: float = 1.0,
) -> Measured:
    """Takes the loss and metrics of a network in fp32, and looks whether it has collapsed.

    Args:
        model: On any device.
        data: Whose split is scored; probes are fitted on a part of the training split.
        split: Which one; the test split for a confirmation alone.
        metrics: Registered names that this data set, kind and family allow.
        kind: The kind that it was trained as.
        progress: Share of the training schedule that is done.
    """
    inputs, outputs, residuals, losses = Spread(), Spread(), Spread(), []
    latest: list[Tensor] = []  # what the decoder has made of the present chunk

    def watch(x: Tensor, output: Tensor, loss: Tensor) -> None:
        inputs.add(x)
        residuals.add(x.float() - latest[-1])
        latest.clear()
        losses.append(loss.cpu())

    def decoded(module: nn.Module, given: tuple[Tensor], output: Tensor) -> None:
        outputs.add(output.float())
        latest.append(output.float())

    # The decoder's own output: of a masked network's, visible patches are the example's.
    hook = model.head.register_forward_hook(decoded)
    try:
        scores = evaluate(
            model,
            normal(data, split),
            metrics,
            kind=kind,
            data_range=data.data_range,
            progress=progress,
            watch=watch,
        )
    finally:
        hook.remove()
    if diverged := not_finite(scores.loss, outputs):
        return Measured(scores.loss, {}, diverged)
    model.eval()
    view = TrainedNetwork(model, data, split, kind, torch.cat(losses))
    values = dict(scores.metrics)
    for name in metrics:
        metric = METRICS.get(name)
        if isinstance(metric, NetworkMetric) and (metric.of_split or split != "test"):
            values[name] = metric.of(view)
    codes = int(getattr(model.bottleneck, "codes", 0))
    collapsed = collapse(inputs, outputs, residuals, view.latents, view.statistics, codes)
    model.train()
    ordered = {name: values[name] for name in metrics if name in values}
    return Measured(scores.loss, ordered, collapsed=collapsed, losses=view.losses.float())


class TrainedNetwork:
    """The `View` that metrics look at; see there.

    Args:
        model: In evaluation mode.
        data: The data set.
        split: Which split is looked at.
        kind: The kind that the network was trained as.
        losses: Of the split's examples without its anomalies, float32 `[N]`.
    """

    def __init__(
        self, model: Autoencoder, data: Dataset, split: SplitName, kind: str, losses: Tensor
    ) -> None:
        self.network, self.losses = model, losses
        self._data, self._split, self._kind = data, split, kind

    @cached_property
    def inputs(self) -> Tensor:
        """See `View`."""
        places = torch.arange(min(FEW, len(self._examples)))
        return next(inputs_of(self.network, self._examples, places))[0]

    @cached_property
    def latents(self) -> Tensor:
        """See `View`."""
        return self._encoded(self._split, self._places)

    @cached_property
    def labels(self) -> Tensor:
        """See `View`."""
        ids = self._entries("labels", self._split)
        if self._data.anomalies is None:
            return ids[self._places]
        kept = ids[~self._entries("anomalies", self._split)]
        return kept[self._places]

    @cached_property
    def train_latents(self) -> Tensor:
        """See `View`."""
        return self._encoded("train", self._train_places)

    @cached_property
    def train_labels(self) -> Tensor:
        """See `View`."""
        return self._entries("labels", "train")[self._train_places]

    @cached_property
    def anomaly_losses(self) -> Tensor:
        """See `View`."""
        anomalies = getattr(self._data, self._split)[self._entries("anomalies", self._split)]
        losses: list[Tensor] = []
        evaluate(
            self.network,
            anomalies,
            kind=self._kind,
            watch=lambda x, output, loss: losses.append(loss.cpu()),
        )
        self.network.eval()
        return torch.cat(losses)

    @cached_property
    def statistics(self) -> Mapping[str, Tensor]:
        """See `View`."""
        of = kind_of(self._kind).statistics
        chunks = [
            {name: values.cpu() for name, values in of(self.network, x, generator).items()}
            for x, generator in inputs_of(self.network, self._examples, self._places)
        ]
        return {name: torch.cat([chunk[name] for chunk in chunks]) for name in chunks[0]}

    @cached_property
    def _examples(self) -> Examples:
        return normal(self._data, self._split)

    @cached_property
    def _places(self) -> Tensor:
        return evenly_spaced(len(self._examples), min(MOST_LATENTS, self._affordable))

    @cached_property
    def _train_places(self) -> Tensor:
        return evenly_spaced(len(self._data.train), min(MOST_TRAIN, self._affordable))

    @cached_property
    def _affordable(self) -> int:
        """Examples whose latents are few enough values to hold."""
        return max(FEW, MOST_VALUES // self.network.encode(self.inputs[:1]).numel())

    def _encoded(self, split: SplitName, places: Tensor) -> Tensor:
        examples = normal(self._data, split)
        return torch.cat(
            [
                self.network.encode(x).float().flatten(1).cpu()
                for x, _ in inputs_of(self.network, examples, places)
            ]
        )

    def _entries(self, what: str, split: SplitName) -> Tensor:
        """Labels or anomalies of a split."""
        entries: Tensor = getattr(getattr(self._data, what), split)
        return entries.cpu()


def evenly_spaced(n: int, most: int) -> Tensor:
    """Places of `most` examples spread evenly over `n`, or of all; int64."""
    if n <= most:
        return torch.arange(n)
    return torch.linspace(0, n - 1, most, dtype=torch.float64).round().long()


def metric_facts(data: Dataset, architecture: Architecture, *others: Architecture) -> Facts:
    """What decides which metrics can be measured of all that a search may train.

    Args:
        data: The data set.
        architecture: Any one of the search space.
        others: One of each other pair of families that the space has.
    """
    kind = kind_of(architecture.kind)
    x = torch.full((2, *architecture.shape), 0.5)
    upsamples = []
    with torch.inference_mode():
        for network in (architecture, *others):
            model = network.build(seed=0).eval()
            upsamples.append(bool(upsampling_layers(model.decoder, model.encode(x))))
        statistics = kind.statistics(model, x, torch.Generator().manual_seed(0))
    seen = None if data.labels is None else data.labels.train.cpu()
    few = len(data.train) < NEIGHBOURS
    probed = [] if seen is None or few else seen[evenly_spaced(len(seen), MOST_TRAIN)].tolist()
    held_out = () if data.anomalies is None else data.anomalies[1:]
    return Facts(
        shape=architecture.shape,
        labels=len(set(probed)) > 1,
        anomalies=bool(held_out) and all(bool(a.any()) and not bool(a.all()) for a in held_out),
        statistics=frozenset(statistics),
        upsamples=all(upsamples),
    )


def resolve_metrics(
    objectives: Sequence[str], facts: Facts, wanted: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The metrics of a study: objectives among them, those asked for, by default all there can be.

    Args:
        objectives: Names of metrics, losses and counts.
        facts: What there is to measure.
        wanted: Names of metrics; `None` for all that can be measured and need not be asked for.

    Raises:
        ConfigError: One that is asked for cannot be measured.
        UnknownNameError: There is no such metric.
    """
    asked = [*(name for name in objectives if name in METRICS.names()), *(wanted or ())]
    for name in asked:
        if reason := METRICS.get(name).unsupported_reason(facts):
            raise ConfigError(f"{name} cannot be measured here: {reason}")
    if wanted is None:
        entries = {name: METRICS.get(name) for name in METRICS.names()}
        asked += [
            n
            for n, m in entries.items()
            if not m.on_request and m.unsupported_reason(facts) is None
        ]
    return tuple(sorted(set(asked)))
