"""What a file says that it holds, compared with the memory there is before it is unpacked.

A few kilobytes may stand for gigabytes: of zeros in an archive, or of one value in a Parquet file.
A process that unpacks them is ended by the system, without a word.
"""

from pathlib import Path

import psutil

from asymnas.core.errors import DataError
from asymnas.core.text import bytes_in_words


def free_memory() -> int:
    """Bytes that this machine can give to processes without paging."""
    free: int = psutil.virtual_memory().available
    return free


def check_memory(path: Path, needed: int) -> None:
    """Raises unless what is in a file fits into memory.

    Args:
        path: The file.
        needed: Bytes that reading it takes at least.

    Raises:
        DataError: It does not fit.
    """
    if needed > (free := free_memory()):
        raise DataError(
            f"reading {path} takes {bytes_in_words(needed)} of memory but {bytes_in_words(free)} "
            "are free: give a part of it, or a smaller one, or take a machine with more memory"
        )
