"""`X` as people give it, as examples: what scikit-learn checks, then what the data package takes.

Arrays of numbers, and data frames of numbers alone, are checked by scikit-learn and read as
`asymnas.data.arrays` reads an array of one's own. A data frame with text, dates or categories is
read as `asymnas.data.tables` reads a Parquet file. Neither writes a file.
"""

import math
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.arrays import array_dataset
from asymnas.data.base import MEMORY, Dataset
from asymnas.data.tables import table_dataset

NAME = f"{MEMORY}:X"  # what a run calls data that were given to `fit`
FEWEST = 3  # rows: two that differ to train on, and one to validate


def training_examples(estimator: Any, X: Any) -> Any:
    """Checks what an estimator is fitted on, and notes its features.

    Args:
        estimator: Is given `n_features_in_` and, by a data frame, `feature_names_in_`.
        X: See `checked`.

    Returns:
        An array of numbers `[n, ...]`, or a data frame that holds more than numbers.

    Raises:
        ValueError: Fewer than three examples, no feature, NaN or infinite values, one axis.
        TypeError: A sparse matrix.
    """
    return _checked(estimator, X, reset=True)


def more_examples(estimator: Any, X: Any) -> Any:
    """Checks examples that a fitted estimator is given; see `training_examples`.

    Raises:
        NotFittedError: The estimator is not fitted.
        ValueError: Another number of features, or other names of features.
    """
    check_is_fitted(estimator)
    return _checked(estimator, X, reset=False)


def dataset_of(examples: Any, seed: int, *, signals: bool) -> Dataset:
    """Examples as a data set: a tenth of them validates, the others train.

    Args:
        examples: What `training_examples` returns.
        seed: Fixes which of them validate.
        signals: Whether arrays of three axes are signals `[n, c, length]`; otherwise they are
            images of one channel `[n, h, w]`.

    Raises:
        DataError: Nothing that varies, values that are too great, columns that cannot be read.
    """
    if isinstance(examples, np.ndarray):
        return array_dataset({"train": examples}, seed, where="X", signals=signals, test=False)
    return table_dataset(examples, DataSpec(name=NAME, seed=seed), {}, (), test=False)


def _checked(estimator: Any, X: Any, *, reset: bool) -> Any:
    fewest = FEWEST if reset else 1
    if _is_table(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        if len(X) < fewest:
            raise DataError(f"X has {len(X)} sample(s) but at least {fewest} are needed: add some")
        return X
    X = _as_array(X)
    shape: tuple[int, ...] = getattr(X, "shape", ())
    if len(shape) > 2:
        flat = X.reshape(shape[0], math.prod(shape[1:]))
        return validate_data(estimator, flat, reset=reset, ensure_min_samples=fewest).reshape(shape)
    return validate_data(estimator, X, reset=reset, ensure_min_samples=fewest)


def _is_table(X: Any) -> bool:
    """Whether it is a pandas data frame that holds more than numbers.

    Columns of Python objects that are numbers are numbers, which scikit-learn converts.
    """
    if not all(hasattr(X, name) for name in ("iloc", "dtypes", "columns")):
        return False
    from pandas.api.types import infer_dtype

    numbers = ("integer", "floating", "mixed-integer-float", "boolean", "decimal")
    return not all(
        getattr(dtype, "kind", "O") in "biufc"
        or (str(dtype) == "object" and infer_dtype(X.iloc[:, place], skipna=True) in numbers)
        for place, dtype in enumerate(X.dtypes)
    )


def _as_array(X: Any) -> Any:
    """Tensors of torch as arrays; anything else as it is."""
    if hasattr(X, "detach") and hasattr(X, "cpu"):
        X = X.detach().cpu()
        return (X.float() if X.dtype.is_floating_point and X.dtype.itemsize < 4 else X).numpy()
    return X
