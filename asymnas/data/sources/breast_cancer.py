"""Breast cancer Wisconsin: 569 tumours, 357 of them benign; comes with scikit-learn."""

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.scaling import standardise, value_range
from asymnas.data.splits import split, to_dataset

MALIGNANT = 0  # scikit-learn's id; benign is 1


@DATASETS.register("breast-cancer")
def load(spec: DataSpec) -> Dataset:
    """Loads 411 training, 45 validation and 113 test rows, float32 `[n, 30]`, with labels.

    The labels are scikit-learn's: 0 malignant, 1 benign. Source: Wolberg, Mangasarian, Street &
    Street (1993), UCI, https://doi.org/10.24432/C5DW2B.

    Raises:
        DataError: An option that this data set has no use for.
    """
    return _load(spec, anomalies=False)


@DATASETS.register("breast-cancer-anomalies")
def load_anomalies(spec: DataSpec) -> Dataset:
    """Loads the same rows, the malignant ones as anomalies: nothing trains on them.

    Of the 357 benign rows 258 train, 28 validate and 71 test; of the 212 malignant ones half
    validate and half test. Labels as above.

    Raises:
        DataError: An option that this data set has no use for.
    """
    return _load(spec, anomalies=True)


def _load(spec: DataSpec, *, anomalies: bool) -> Dataset:
    """The rows, with or without anomalies."""
    from sklearn.datasets import load_breast_cancer

    check_spec(spec)
    table = load_breast_cancer()
    odd = table.target == MALIGNANT if anomalies else None
    rows = standardise(split(table.data, spec.seed, anomalous=odd))
    return to_dataset(
        rows,
        labels=split(table.target, spec.seed, anomalous=odd),
        anomalies=None if odd is None else split(odd, spec.seed, anomalous=odd),
        data_range=value_range(rows.train),
        notes=("standardised on the training split",),
    )
