"""EMNIST, balanced: 131,600 greyscale images of digits and letters, 28 by 28 pixels."""

from asymnas.core.config import DataSpec
from asymnas.data.base import DATASETS, Dataset, check_spec
from asymnas.data.sources._torchvision import fetch
from asymnas.data.splits import with_shipped_test


@DATASETS.register("emnist")
def load(spec: DataSpec) -> Dataset:
    """Loads 106,800 training, 6,000 validation and 18,800 test images, uint8 `[n, 1, 28, 28]`.

    Of EMNIST's six divisions it is `balanced`. Its files hold the images transposed; here they are
    upright. Read by torchvision from `EMNIST/raw` under the data root. Tested on small files in
    that layout, not on the real ones.

    Source: Cohen et al. (2017), https://arxiv.org/abs/1702.05373.

    Raises:
        DataError: Missing and not to be downloaded, or unreadable.
    """
    from torchvision.datasets import EMNIST

    check_spec(spec)
    parts = [fetch(spec, EMNIST, split="balanced", train=part) for part in (True, False)]
    images = [part.data.numpy()[:, None].swapaxes(2, 3) for part in parts]
    return with_shipped_test(images, [part.targets.numpy() for part in parts], spec.seed)
