"""SVHN: 99,289 colour images of house numbers, 32 by 32 pixels."""

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.sources._torchvision import fetch
from asymnas.data.splits import with_shipped_test


@DATASETS.register("svhn")
def load(spec: DataSpec) -> Dataset:
    """Loads 67,257 training, 6,000 validation and 26,032 test images, uint8 `[n, 3, 32, 32]`.

    The 531,131 extra images are left alone.

    Read by torchvision from `train_32x32.mat` and `test_32x32.mat` under the data root. Tested
    on small files in that layout, not on the real ones.

    Source: Netzer et al. (2011), http://ufldl.stanford.edu/housenumbers/.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    from torchvision.datasets import SVHN

    check_spec(spec)
    parts = [fetch(spec, SVHN, split=part) for part in ("train", "test")]
    return with_shipped_test(
        [part.data for part in parts], [part.labels for part in parts], spec.seed
    )
