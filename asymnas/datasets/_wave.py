"""WAV files as arrays."""

import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.datasets._messages import one_line
from asymnas.errors import DataError

WIDEST = 4  # bytes a sample


class Recording(NamedTuple):
    """What a WAV file holds.

    Args:
        rate: Samples a second, of each channel.
        samples: float32 `[channels, length]`, full scale is -1 to 1.
    """

    rate: int
    samples: NDArray[np.float32]


def read_wav(path: Path) -> Recording:
    """Reads a WAV file of uncompressed PCM with 8, 16, 24 or 32 bits a sample.

    Raises:
        DataError: Not such a file, or one that is cut short.
    """
    try:
        with wave.open(str(path)) as file:
            header = file.getparams()
            data = file.readframes(header.nframes)
    except Exception as error:  # wave's own, EOFError, struct's and the system's errors
        raise DataError(
            f"{path} is not a readable WAV file ({one_line(error)}): write it as PCM of 8, 16, 24 "
            "or 32 bits"
        ) from error
    if not 1 <= header.sampwidth <= WIDEST:
        raise DataError(f"{path} has {8 * header.sampwidth} bits a sample: write it with 8 to 32")
    whole = header.nframes * header.nchannels * header.sampwidth
    if len(data) != whole:
        raise DataError(
            f"{path} is cut short: its header names {whole:,} bytes of samples but there are "
            f"{len(data):,}; repair or remove it"
        )
    samples = _pcm(data, header.sampwidth).reshape(-1, header.nchannels).T
    return Recording(header.framerate, samples)


def _pcm(data: bytes, width: int) -> NDArray[np.float32]:
    """Little-endian samples of `width` bytes, those of one byte unsigned, as numbers below one."""
    raw: NDArray[np.uint8] = np.frombuffer(data, np.uint8).reshape(-1, width)
    if width == 1:
        raw = raw ^ np.uint8(0x80)
    words = np.zeros((len(raw), WIDEST), np.uint8)
    words[:, WIDEST - width :] = raw
    return (words.view("<i4")[:, 0] / 2.0**31).astype(np.float32)
