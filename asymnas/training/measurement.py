"""Measuring a trained network on a split by any metrics, and which metrics a study can have."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor, nn

from asymnas.core.errors import ConfigError
from asymnas.data.base import Dataset, normal
from asymnas.data.examples import Examples
from asymnas.data.splits import SplitName
from asymnas.networks.architecture import Architecture
from asymnas.networks.kinds import Autoencoder, kind_of
from asymnas.training.collapse import Spread, collapse, not_finite
from asymnas.training.evaluation import averages, evaluate, inputs_of
from asymnas.training.metrics import METRICS, Facts, NetworkMetric
from asymnas.training.metrics.checkerboard import upsampling_layers
from asymnas.training.metrics.probes import NEIGHBOURS

MOST_LATENTS = 10_000  # examples of a split whose latents and statistics are kept
MOST_TRAIN = 5_000  # training examples that probes are fitted on
MOST_VALUES = 2**24  # of the latents of a split
MOST_OUTPUTS = 2**25  # values of outputs that are held until the loss is known
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
    highest_loss: float = math.inf,
) -> Measured:
    """Takes the loss and metrics of a network in fp32, and looks whether it has collapsed.

    Args:
        model: On any device.
        data: Whose split is scored; probes are fitted on a part of the training split.
        split: Which one; the test split for a confirmation alone.
        metrics: Registered names that this data set, kind and family allow.
        kind: The kind that it was trained as.
        progress: Share of the training schedule that is done.
        highest_loss: With a higher one no metrics are taken.
    """
    examples, at_once = normal(data, split), highest_loss == math.inf
    passage = _Passage(model, len(examples), keep_outputs=not at_once)
    options = _Options(kind=kind, data_range=data.data_range, progress=progress)
    with passage.watched():
        now = metrics if at_once else ()
        scores = evaluate(model, examples, now, watch=passage.watch, **options)
    if diverged := not_finite(scores.loss, passage.outputs):
        return Measured(scores.loss, {}, diverged)
    wanted, values = metrics, scores.metrics
    if scores.loss > highest_loss:
        wanted = ()
    elif not at_once:
        values = averages(model, examples, metrics, passage.kept, **options)
    model.eval()
    view = TrainedNetwork(model, data, split, kind, torch.cat(passage.losses), passage.latents)
    for name in wanted:
        metric = METRICS.get(name)
        if isinstance(metric, NetworkMetric) and (metric.of_split or split != "test"):
            values[name] = metric.of(view)
    codes = int(getattr(model.bottleneck, "codes", 0))
    collapsed = collapse(*passage.spreads, view.latents, view.statistics, codes)
    model.train()
    ordered = {name: values[name] for name in metrics if name in values}
    return Measured(scores.loss, ordered, collapsed=collapsed, losses=view.losses.float())


class _Options(TypedDict):
    """How a split is evaluated."""

    kind: str
    data_range: float
    progress: float


class _Passage:
    """What is noted of the examples of a split as they pass through a network.

    Args:
        model: The network.
        n: Examples of the split.
        keep_outputs: Whether outputs are held, as far as they are few enough values.

    Attributes:
        outputs: The decoder's own: of a masked network's, visible patches are the example's.
        losses: Of each chunk, `[b]`.
        kept: Outputs that are held, by chunk.
    """

    def __init__(self, model: Autoencoder, n: int, *, keep_outputs: bool) -> None:
        self.outputs, self.losses = Spread(), list[Tensor]()
        self.kept: dict[int, Tensor] = {}
        self._model, self._n, self._keep = model, n, keep_outputs
        self._inputs, self._residuals = Spread(), Spread()
        self._latents: list[Tensor] = []
        self._given: tuple[Any, ...] = ()  # to the encoder, of the present chunk as all of these
        self._code = self._latent = self._decoded = torch.empty(0)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Sees what passes between the parts of the network."""

        def encoded(module: nn.Module, given: tuple[Any, ...], code: Tensor) -> None:
            self._given, self._code, self._latent = given, code, torch.empty(0)

        def compressed(module: nn.Module, given: tuple[Any, ...], latent: Tensor) -> None:
            if given[0] is self._code:  # and nothing that a kind has made of it
                self._latent = latent

        def decoded(module: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
            self._decoded = output.float()

        model, hooks = self._model, ExitStack()
        for part, hook in (
            (model.encoder, encoded),
            (model.bottleneck, compressed),
            (model.head, decoded),
        ):
            hooks.callback(part.register_forward_hook(hook).remove)
        with hooks:
            yield

    def watch(self, x: Tensor, output: Tensor, losses: Tensor) -> None:
        """Takes in a chunk that has passed."""
        self._inputs.add(x)
        self.outputs.add(self._decoded)
        self._residuals.add(x.float() - self._decoded)
        if self._keep and (len(self.kept) + 1) * output.numel() <= MOST_OUTPUTS:
            self.kept[len(self.losses)] = output
        latent = self._latent.float().flatten(1) if len(self._latent) == len(x) else None
        clean = len(self._given) == 1 and self._given[0] is x
        if latent is not None and clean and self._n * latent.shape[1] <= MOST_VALUES:
            self._latents.append(latent.cpu())
        self.losses.append(losses.cpu())

    @property
    def spreads(self) -> tuple[Spread, Spread, Spread]:
        """Of examples, outputs and examples less outputs."""
        return self._inputs, self.outputs, self._residuals

    @property
    def latents(self) -> Tensor | None:
        """Those of all examples, `[n, d]`, where the clean examples were encoded."""
        whole = len(self._latents) == len(self.losses) and self._n <= MOST_LATENTS
        return torch.cat(self._latents) if whole else None


class TrainedNetwork:
    """The `View` that metrics look at; see there.

    Args:
        model: In evaluation mode.
        data: The data set.
        split: Which split is looked at.
        kind: The kind that the network was trained as.
        losses: Of the split's examples without its anomalies, float32 `[N]`.
        latents: Of all of them, where they are known, `[N, d]`.
    """

    def __init__(
        self,
        model: Autoencoder,
        data: Dataset,
        split: SplitName,
        kind: str,
        losses: Tensor,
        latents: Tensor | None = None,
    ) -> None:
        self.network, self.losses = model, losses
        self._data, self._split, self._kind, self._latents = data, split, kind, latents

    @cached_property
    def inputs(self) -> Tensor:
        """See `View`."""
        places = torch.arange(min(FEW, len(self._examples)))
        return next(inputs_of(self.network, self._examples, places))[0]

    @cached_property
    def latents(self) -> Tensor:
        """See `View`."""
        known = self._latents
        return self._encoded(self._split, self._places) if known is None else known

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
