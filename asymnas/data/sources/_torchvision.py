"""Fetching through torchvision, whose layouts on disk and checksums are the reference."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import data_root
from asymnas.data.messages import one_line


def fetch(spec: DataSpec, source: Callable[..., Any], **options: Any) -> Any:
    """One split of a torchvision data set; only with `spec.download` is the network touched.

    Args:
        spec: Says where to look and whether to download.
        source: A class of `torchvision.datasets`.
        **options: What selects the split (`train=True`, `split="test"`).

    Raises:
        DataError: Missing, unreadable, or the download failed.
    """
    root = data_root(spec)
    try:
        return source(str(root), download=False, **options)
    except Exception as error:  # what a damaged file raises depends on its format
        if "not found" not in str(error):  # torchvision's word for a missing data set
            raise DataError(
                f"{spec.source} under {root} is unreadable ({one_line(error)}): remove it and "
                "pass --download to fetch it again"
            ) from error
        if not spec.download:
            raise DataError(
                f"{spec.source} was not found, or fails its checksum, in torchvision's layout "
                f"under {root}: pass --data-root DIR if it lies elsewhere, or --download"
            ) from error
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return source(str(root), download=True, **options)
    except Exception as error:  # network, disk, archive and checksum errors share no base
        raise DataError(
            f"{spec.source} could not be downloaded to {root} ({one_line(error)}): check the "
            "network, or pass --data-root DIR of a copy in torchvision's layout"
        ) from error
