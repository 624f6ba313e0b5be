"""STL-10: 13,000 colour images of ten classes, 96 by 96 pixels."""

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.sources._torchvision import fetch
from asymnas.data.splits import with_shipped_test


@DATASETS.register("stl10")
def load(spec: DataSpec) -> Dataset:
    """Loads 4,500 training, 500 validation and 8,000 test images, uint8 `[n, 3, 96, 96]`.

    The 100,000 unlabelled images (2.8 GB) are left alone: data are resident in every worker.

    Read by torchvision from `stl10_binary` under the data root. Tested on small files in
    that layout, not on the real ones.

    Source: Coates, Ng & Lee (2011), https://cs.stanford.edu/~acoates/stl10/.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    from torchvision.datasets import STL10

    check_spec(spec)
    parts = [fetch(spec, STL10, split=part) for part in ("train", "test")]
    return with_shipped_test(
        [part.data for part in parts], [part.labels for part in parts], spec.seed
    )
