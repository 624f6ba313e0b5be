"""Wine: chemical analyses of 178 Italian wines from three cultivars; comes with scikit-learn."""

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.scaling import standardise, value_range
from asymnas.data.splits import split, to_dataset


@DATASETS.register("wine")
def load(spec: DataSpec) -> Dataset:
    """Loads 129 training, 14 validation and 35 test rows, float32 `[n, 13]`; labels: cultivars.

    Source: Aeberhard & Forina (1992), UCI, https://doi.org/10.24432/C5PC7J.

    Raises:
        DataError: An option that this data set has no use for.
    """
    from sklearn.datasets import load_wine

    check_spec(spec)
    table = load_wine()
    rows = standardise(split(table.data, spec.seed))
    return to_dataset(
        rows,
        labels=split(table.target, spec.seed),
        data_range=value_range(rows.train),
        notes=("standardised on the training split",),
    )
