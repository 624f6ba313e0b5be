"""One autoencoder as a scikit-learn estimator: no search."""

import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any, Self

from asymnas.core.columns import VAL_LOSS
from asymnas.core.config import StudyConfig, default_examples
from asymnas.core.errors import ConfigError, OptionError
from asymnas.data.base import Dataset, preprocessing_of
from asymnas.data.fingerprint import fingerprint
from asymnas.data.prepared import PreparedData, write_prepared
from asymnas.estimators.base import FittedAutoencoder
from asymnas.estimators.fitted import FittedNetwork
from asymnas.networks.architecture import Architecture
from asymnas.networks.kinds import Autoencoder as Network
from asymnas.networks.presets import PRESETS
from asymnas.runs.executors.own_process import OwnProcess
from asymnas.runs.plan import check_values, plan_search, resolve_precision
from asymnas.space.filling import fill
from asymnas.space.sized_presets import scaled_in
from asymnas.space.suggesters import First
from asymnas.training.checkpoints import load_weights
from asymnas.training.rung import Job, rung_steps, train_rung


class Autoencoder(FittedAutoencoder):
    """Trains one autoencoder: of a given architecture, of a published one, or of a size.

    Parameters may be given as on the command line (`budget="20k"`), and are checked by `fit`.

    Args:
        architecture: An `Architecture`, such as `search.best_architecture_`, or its dictionary;
            budget, share, latent, family, kind and bottleneck are then its own. Or the name of a
            preset, sized to the budget. By default the simplest structure of the family, with
            `decoder_share` of the budget in the decoder.
        budget: Total trainable parameters, a hard cap: 20000, "150k".
        decoder_share: Part of the parameters in the decoder, between 0 and 1; as near as whole
            widths allow.
        latent: Latent numbers per example: the columns of `transform`'s result, unless the
            bottleneck is spatial.
        learning_rate: The rate between warm-up and decay.
        examples: Training examples seen; by default six passes, at least 60,000, at most 240,000.
        family: How both sides are built; by default by the data's shape. `conv1d` reads arrays of
            three axes as signals `[n, channels, length]`.
        kind: What is trained: plain, variational, denoising, vq, …
        bottleneck: How images meet the latent: dense, spatial or pooled.
        batch_size: Examples per step.
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "auto", "fp32" or "bf16".
        random_state: Fixes which rows validate, initial weights and batches.

    Attributes:
        architecture_: The `Architecture` that was trained.
        loss_: Its validation loss.
        n_features_in_: Values per example.
        feature_names_in_: Names of columns, if `fit` was given a data frame.
    """

    architecture_: Architecture
    loss_: float

    def __init__(
        self,
        architecture: Any = None,
        *,
        budget: Any = 20_000,
        decoder_share: Any = 0.5,
        latent: Any = 16,
        learning_rate: Any = 0.01,
        examples: Any = None,
        family: Any = None,
        kind: Any = "plain",
        bottleneck: Any = None,
        batch_size: Any = 64,
        device: Any = "auto",
        precision: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.architecture = architecture
        self.budget = budget
        self.decoder_share = decoder_share
        self.latent = latent
        self.learning_rate = learning_rate
        self.examples = examples
        self.family = family
        self.kind = kind
        self.bottleneck = bottleneck
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains the network.

        Args:
            X: As for `AutoencoderSearch.fit`.
            y: Ignored.

        Raises:
            ValueError: A parameter breaks its rule (`ConfigError`), nothing fits the budget, the
                architecture is for other examples, the network diverges, or the examples are
                unusable.
        """
        given = _given(self.architecture)
        share = _fraction("decoder_share", self.decoder_share)
        rate = _positive("learning_rate", self.learning_rate)
        its_own = {} if given is None else {"family": given.encoder_family, "kind": given.kind}
        with tempfile.TemporaryDirectory(prefix="asymnas-") as directory:
            examples, config, data = self._prepared(X, directory, 1, **its_own)
            architecture = given or _designed(self.architecture, config, data, share)
            if architecture.shape != data.shape:
                raise ConfigError(
                    f"the architecture is for examples of shape {architecture.shape} but those of "
                    f"X are {data.shape}: give one for them"
                )
            network, loss = _trained(architecture, config, data, rate)
        self._fitted = FittedNetwork.of(architecture, network, preprocessing_of(data), examples)
        self.architecture_, self.loss_ = architecture, loss
        return self


def _given(architecture: Any) -> Architecture | None:
    """The architecture, if that is what was given."""
    if isinstance(architecture, Mapping):
        return Architecture.from_dict(architecture)
    if architecture is None or isinstance(architecture, Architecture | str):
        return architecture if isinstance(architecture, Architecture) else None
    raise OptionError(
        "architecture", "an Architecture, its dictionary, a preset's name or None", architecture
    )


def _designed(preset: str | None, config: StudyConfig, data: Dataset, share: float) -> Architecture:
    """A preset sized to the budget, or the family's simplest structure at a decoder share."""
    if preset is not None:
        family = config.family or PRESETS.get(preset).family
        plan = plan_search(replace(config, family=family, space="wide"), data)
        return scaled_in(preset, plan.space).architecture
    space = plan_search(config, data).space
    return fill(space, space.suggest_structures(First()), share)


def _trained(
    architecture: Architecture, config: StudyConfig, data: Dataset, rate: float
) -> tuple[Network, float]:
    """The trained network, and its validation loss.

    Raises:
        ConfigError: It diverges or collapses.
    """
    check_values(config, data)
    directory = Path(config.run_dir)
    prepared = PreparedData(config.data(), fingerprint(data), directory / "data.pt")
    write_prepared(directory / "data.pt", data)
    steps = rung_steps(config.examples or default_examples(len(data.train)), config.batch_size)[-1]
    job = Job(
        architecture=architecture,
        data=prepared,
        learning_rate=rate,
        batch_size=config.batch_size,
        seed=config.seed,
        until=steps,
        total=steps,
        save=directory / "trained.pt",
        device=config.device,
        precision=resolve_precision(config, lambda: architecture.counts.total_macs),
    )
    with OwnProcess() as process:
        result = process.submit(train_rung, job).result()
    if result.failure:
        raise ConfigError(f"{result.failure}: take another learning_rate, or more examples")
    network = load_weights(architecture.build(seed=0), directory / "trained.pt")
    return network, result.metrics[VAL_LOSS]


def _fraction(name: str, value: Any) -> float:
    if not isinstance(value, Real) or not 0 < float(value) < 1:
        raise OptionError(name, "a number between 0 and 1", value)
    return float(value)


def _positive(name: str, value: Any) -> float:
    if not isinstance(value, Real) or not 0 < float(value) < math.inf:
        raise OptionError(name, "a number above 0", value)
    return float(value)
