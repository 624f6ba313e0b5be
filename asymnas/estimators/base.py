"""What both estimators can do once they are fitted.

scikit-learn's contract is by inheritance, so this is the package's one class with behaviour that
others inherit. The options of an estimator are those of `StudyConfig`, by their names; they are
checked when it is fitted, as scikit-learn wants it.
"""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from asymnas.core.config import StudyConfig
from asymnas.core.declarations import options_of
from asymnas.core.errors import OptionError
from asymnas.data.base import Dataset
from asymnas.estimators.examples import NAME, dataset_of, more_examples, training_examples
from asymnas.estimators.fitted import FittedNetwork

FLOATS = (np.float64, np.float32)
MOST_SEED = 2**31 - 1


class FittedAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """An autoencoder as a transformer; `AutoencoderSearch` and `Autoencoder` fit one."""

    n_features_in_: int
    _fitted: FittedNetwork

    def transform(self, X: Any) -> Any:
        """The latents of examples.

        Args:
            X: As for `fit`: `[n, d]`, or images and signals as those that were fitted on.

        Returns:
            `[n, k]`, float64 for float64 and else float32; of a spatial latent all its numbers in a
            row. A data frame after `set_output(transform="pandas")`.

        Raises:
            NotFittedError: Before `fit`.
            ValueError: Another number of features, NaN or infinite values; of a table a level that
                the training data had not.
        """
        examples = more_examples(self, X)
        latents = self._fitted.encode(examples)
        return latents.astype(_dtype_like(examples), copy=False)

    def inverse_transform(self, Z: Any) -> Any:
        """What the decoder makes of latents.

        Args:
            Z: `[n, k]`, as `transform` returns them.

        Returns:
            Examples in the units and the arrangement of those that were fitted on: an array
            `[n, ...]`, uint8 where those were bytes; of a table a data frame of the columns that
            the network has seen.

        Raises:
            NotFittedError: Before `fit`.
            ValueError: Another number of latents; NaN or infinite values.
        """
        check_is_fitted(self)
        latents = check_array(Z, dtype=FLOATS)
        if latents.shape[1] != self._n_features_out:
            raise ValueError(
                f"Z has {latents.shape[1]} features, but {type(self).__name__} makes "
                f"{self._n_features_out} latents per example: give what transform returns"
            )
        restored = self._fitted.decode(latents)
        floats = isinstance(restored, np.ndarray) and restored.dtype.kind == "f"
        return restored.astype(latents.dtype, copy=False) if floats else restored

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """The negative reconstruction error of each example: the lower, the more anomalous.

        The sign is that of scikit-learn's outlier detectors and density estimators.

        Args:
            X: As for `fit`.

        Returns:
            `[n]`, at most 0: minus the squared error, averaged over an example's values as the
            network sees them. Those are columns standardised on the training rows (so that -1 is
            what the mean of the training data gets, on average), columns of 0 and 1 as they are, or
            pixels from 0 to 1.

        Raises:
            NotFittedError: Before `fit`.
            ValueError: What `transform` raises.
        """
        return -self._fitted_errors(X).astype(np.float64)

    def score(self, X: Any, y: Any = None) -> float:
        """The negative mean squared reconstruction error, at most 0: higher is better.

        Args:
            X: As for `fit`.
            y: Ignored.

        Returns:
            The mean of `score_samples`.
        """
        return float(self.score_samples(X).mean())

    def _fitted_errors(self, X: Any) -> NDArray[np.float32]:
        examples = more_examples(self, X)
        return self._fitted.errors(examples)

    @property
    def _n_features_out(self) -> int:
        """Numbers of a latent; scikit-learn names features of the output by it."""
        return int(np.prod(self._fitted.latent_shape))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.string = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _prepared(
        self,
        X: Any,
        run_dir: str,
        workers: int,
        **changed: Any,
    ) -> tuple[Any, StudyConfig, Dataset]:
        """Examples, settings and data set of a fit.

        Raises:
            OptionError: A parameter breaks its rule.
            ValueError: What `training_examples` and `dataset_of` raise.
        """
        given = self.get_params(deep=False)
        options = {n: v for n, v in given.items() if n in options_of(StudyConfig)}
        fixed = {
            "dataset": NAME,
            "name": type(self).__name__,
            "seed": seed_of(given["random_state"]),
            "workers": workers,
            "run_dir": run_dir,
        }
        config = StudyConfig(**{**options, **changed, **fixed})
        examples = training_examples(self, X)
        families = {config.family, config.encoder_family, config.decoder_family}
        data = dataset_of(examples, config.data().seed, signals="conv1d" in families)
        return examples, config, data


def seed_of(random_state: Any) -> int:
    """The seed that a `random_state` stands for: a number itself, else a draw from it.

    Raises:
        OptionError: A number that is no seed.
    """
    if isinstance(random_state, Integral):
        if not 0 <= int(random_state) < 2**32:
            raise OptionError(
                "random_state", f"None, a RandomState or from 0 to {2**32 - 1}", random_state
            )
        return int(random_state)
    return int(check_random_state(random_state).randint(MOST_SEED))


def _dtype_like(examples: Any) -> Any:
    """float64 for examples of it, or of numbers that are no floats; else float32."""
    dtype = getattr(examples, "dtype", None)
    return np.float32 if dtype in (np.float32, np.float16) else np.float64
