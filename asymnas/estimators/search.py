"""The search as a scikit-learn estimator."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pandas as pd
from joblib import effective_n_jobs

from asymnas.core.columns import VAL_LOSS
from asymnas.data.base import preprocessing_of
from asymnas.estimators.base import FittedAutoencoder
from asymnas.estimators.fitted import FittedNetwork
from asymnas.networks.architecture import Architecture
from asymnas.reporting.publish import publish
from asymnas.runs.execute import execute
from asymnas.runs.executors.own_process import OwnProcess
from asymnas.runs.plan import plan_search


class AutoencoderSearch(FittedAutoencoder):
    """Searches the best encoder/decoder pair under a parameter budget, and is it afterwards.

    Parameters are the options of `StudyConfig` by their names, `docs/options.md` describes each.
    They may be given as on the command line (`budget="20k"`), and are checked by `fit`.

    Args:
        budget: Total trainable parameters, a hard cap: 20000, "150k".
        trials: Finished trials; pruned ones are among them.
        latent: Latent numbers per example: the columns of `transform`'s result, unless the
            bottleneck is spatial.
        examples: Training examples that a completed candidate sees; by default six passes, at
            least 60,000, at most 240,000.
        family: How both sides are built; by default by the data's shape. `conv1d` reads arrays of
            three axes as signals `[n, channels, length]`.
        encoder_family: How the encoder is built; by default the family.
        decoder_family: How the decoder is built; by default the family.
        kind: What is trained: plain, variational, denoising, vq, …
        bottleneck: How images meet the latent: dense, spatial or pooled.
        max_encoder_params: Cap on the encoder's parameters.
        max_decoder_params: Cap on the decoder's parameters.
        max_macs: Cap on the multiply-accumulates per example.
        symmetric: Whether to search symmetric architectures only.
        space: "usual" or "wide".
        enqueue: Published designs to begin with; by default `reference` with conv2d.
        objectives: What the front is over.
        metrics: What else every complete trial is measured by; nothing by default.
        timeout: Seconds, or "30m", after which the search ends with what it has.
        patience: Ends the search earlier, when the last so many trials lowered the loss by less
            than 1 % together.
        batch_size: Examples per step.
        learning_rates: Lowest and highest rate; by default what suits the budget.
        sampler: "tpe", "nsgaii", "gp", "random", "qmc", or an Optuna sampler.
        pruner: "asha", "rank", "pause", "none" or "auto".
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "auto", "fp32" or "bf16".
        n_jobs: `None` or 1 trains in this process; more in that many worker processes, which take
            seconds to start; -1 takes one per core. With more than one, trials depend on timing.
        random_state: Fixes which rows validate, draws, initial weights and batches.
        run_dir: Where the run is kept, with its report; it is then continued by a `fit` with the
            same parameters and data, and an error for others. By default the run is in a temporary
            directory and deleted when it is read.

    Attributes:
        best_architecture_: The `Architecture` of the lowest validation loss.
        best_loss_: That loss.
        front_: The Pareto front, a data frame, the best first.
        trials_: All trials, a data frame; `docs/run-directory.md` describes the columns.
        n_features_in_: Values per example.
        feature_names_in_: Names of columns, if `fit` was given a data frame.
    """

    best_architecture_: Architecture
    best_loss_: float
    front_: pd.DataFrame
    trials_: pd.DataFrame

    def __init__(
        self,
        budget: Any = 20_000,
        *,
        trials: Any = 60,
        latent: Any = 16,
        examples: Any = None,
        family: Any = None,
        encoder_family: Any = None,
        decoder_family: Any = None,
        kind: Any = "plain",
        bottleneck: Any = None,
        max_encoder_params: Any = None,
        max_decoder_params: Any = None,
        max_macs: Any = None,
        symmetric: Any = False,
        space: Any = "usual",
        enqueue: Any = None,
        objectives: Any = ("val_loss",),
        metrics: Any = (),
        timeout: Any = None,
        patience: Any = None,
        batch_size: Any = 64,
        learning_rates: Any = None,
        sampler: Any = "tpe",
        pruner: Any = "auto",
        device: Any = "auto",
        precision: Any = "auto",
        n_jobs: Any = None,
        random_state: Any = None,
        run_dir: Any = None,
    ) -> None:
        self.budget = budget
        self.trials = trials
        self.latent = latent
        self.examples = examples
        self.family = family
        self.encoder_family = encoder_family
        self.decoder_family = decoder_family
        self.kind = kind
        self.bottleneck = bottleneck
        self.max_encoder_params = max_encoder_params
        self.max_decoder_params = max_decoder_params
        self.max_macs = max_macs
        self.symmetric = symmetric
        self.space = space
        self.enqueue = enqueue
        self.objectives = objectives
        self.metrics = metrics
        self.timeout = timeout
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rates = learning_rates
        self.sampler = sampler
        self.pruner = pruner
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.run_dir = run_dir

    def fit(self, X: Any, y: Any = None) -> Self:
        """Searches, and keeps the best network.

        Args:
            X: Rows `[n, d]`, an array or a data frame; images `[n, h, w]`, `[n, h, w, c]` with 1, 3
                or 4 channels or `[n, c, h, w]`; signals `[n, c, length]` with a family for them.
                Arrays of NumPy or torch. At least three examples; a tenth of them validates. A
                data frame with text, dates or categories is encoded, and its missing cells filled,
                as `docs/data.md` says of tables.
            y: Ignored.

        Raises:
            ValueError: A parameter breaks its rule (`ConfigError`), nothing fits the budget, or the
                examples are unusable.
            StudyError: No trial has completed, or `run_dir` holds another run.
        """
        workers = effective_n_jobs(self.n_jobs)
        with _run_dir(self.run_dir) as directory:
            examples, config, data = self._prepared(X, directory, workers)
            plan = plan_search(config, data)
            executor = OwnProcess() if workers == 1 else None
            try:
                with execute(plan, executor=executor) as (run, ending):
                    if self.run_dir is not None:
                        publish(run)
                    if ending == "interrupted":
                        raise KeyboardInterrupt
                    best = run.best
                    network, front, trials = best.load(), run.front, run.table
            finally:
                if executor is not None:
                    executor.shutdown()
        self._fitted = FittedNetwork.of(
            best.architecture, network, preprocessing_of(data), examples
        )
        self.best_architecture_, self.best_loss_ = best.architecture, best.values[VAL_LOSS]
        self.front_, self.trials_ = front, trials
        return self


@contextmanager
def _run_dir(given: Any) -> Iterator[str]:
    """Where a run lies; a directory of its own that is deleted afterwards, if none is given."""
    if given is not None:
        yield str(Path(given))
        return
    with tempfile.TemporaryDirectory(prefix="asymnas-") as directory:
        yield directory
