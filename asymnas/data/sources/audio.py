"""Sound recordings in a directory of one's own, cut into signals of one length."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import one_line
from asymnas.data.base import DATASETS, Dataset, to_dataset
from asymnas.data.listing import list_files
from asymnas.data.scaling import standardise_channels, value_range
from asymnas.data.spec import check_spec, existing_directory, without_options
from asymnas.data.splits import Splits, draw


class Recording(NamedTuple):
    """What a WAV file holds.

    Args:
        rate: Samples per second, of each channel.
        samples: float32 `[channels, length]`; PCM lies in [-1, 1).
    """

    rate: int
    samples: NDArray[np.float32]


def read_wav(path: Path) -> Recording:
    """Reads a WAV file of uncompressed PCM, 8 to 64 bits, or of floating-point samples.

    Programs that write to a pipe know no length beforehand and give the greatest there is: such a
    file ends where it ends. Any other is cut short if it ends before its header says.

    Raises:
        DataError: Not such a file, one that is cut short, no sample rate, or samples that are not
            finite.
    """
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks of other content
            if not _is_streamed(path):
                warnings.filterwarnings("error", "Reached EOF", wavfile.WavFileWarning)
            rate, samples = wavfile.read(path)
    except wavfile.WavFileWarning as error:
        raise DataError(f"{path} is cut short ({one_line(error)}): repair or remove it") from error
    except Exception as error:  # SciPy trusts the header: what a wrong one can raise is open
        why = one_line(error) if isinstance(error, ValueError | OSError) else "its header is wrong"
        if why.startswith("cannot reshape"):  # NumPy's word for less than all channels
            raise DataError(
                f"{path} is cut short (it ends within a sample): repair or remove it"
            ) from error
        raise DataError(
            f"{path} is not a readable WAV file ({why}): write it as uncompressed PCM of 8 to 32 "
            "bits, or as floating point"
        ) from error
    if not rate > 0:
        raise DataError(f"{path} gives its sample rate as 0: repair its header, or remove it")
    channels = np.atleast_2d(samples.T)
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):
            real = channels.astype(np.float32)
        if not np.isfinite(real).all():
            raise DataError(f"{path} holds NaN or infinite samples: repair or remove it")
        return Recording(rate, real)
    if samples.dtype == np.uint8:  # the one unsigned type
        return Recording(rate, ((channels - 128.0) / 128).astype(np.float32))
    full_scale = -float(np.iinfo(samples.dtype).min)
    return Recording(rate, (channels / full_scale).astype(np.float32))


def _is_streamed(path: Path) -> bool:
    """Whether the header gives a length that stands for an unknown one."""
    with path.open("rb") as file:
        header = file.read(8)
    return header[:4] == b"RIFF" and int.from_bytes(header[4:8], "little") >= UNKNOWN_LENGTH


UNKNOWN_LENGTH = 2**31 - 2**16  # bytes: ffmpeg writes 2**32 - 1, SoX a little less than 2**31
WINDOW = 1_024  # samples of a signal, unless the name says otherwise
SUFFIXES = (".wav", ".wave")
FEWEST = 3  # files: one for each split


@DATASETS.register("audio")
def load(spec: DataSpec) -> Dataset:
    """Loads every WAV file below `audio:DIR` or `audio:DIR?window=SAMPLES` as signals.

    A file is cut from its beginning into windows that do not overlap; what is left at its end is
    dropped. Files, not windows, are drawn for the splits by the common rule, so that no recording
    is in two of them; the windows of a file are a group. All files must have one rate and as many
    channels; nothing is resampled. Files hold PCM of 8 to 32 bits or floating point. Each channel
    is standardised. Which files count is in `data/listing.py`.

    Returns:
        float32 `[n, channels, window]`, by default with windows of 1,024 samples.

    Raises:
        DataError: Missing or empty directory, fewer than three files, a file that is unreadable or
            shorter than a window, files unlike in rate or channels, a window that is no number.
    """
    spec, options = without_options(spec, ("window",), takes="DIR", value="SAMPLES")
    check_spec(spec, takes="DIR")
    window = _window(options.get("window"))
    directory = existing_directory(spec)
    listing = list_files(directory, SUFFIXES)
    paths = [directory.joinpath(*parts) for parts in listing.files]
    if len(paths) < FEWEST:
        there = f"; {'; '.join(listing.left_out)}" if listing.left_out else ""
        raise DataError(
            f"{directory} holds {len(paths)} WAV file(s) ({', '.join(SUFFIXES)}) but at least "
            f"{FEWEST} are needed, one for each split{there}: add some"
        )
    rate, windows = _read(paths, window)
    drawn = draw(len(paths), spec.seed)
    splits = Splits(*(np.concatenate([windows[i] for i in files]) for files in drawn))
    owners = drawn.map(lambda files: np.repeat(files, [len(windows[i]) for i in files]))
    parts = standardise_channels(splits)
    notes = (
        f"windows of {window:,} samples ({1000 * window / rate:.1f} ms at {rate:,} Hz) of "
        f"{len(paths):,} files, each file in one split",
        "each channel standardised on the training split",
        *listing.left_out,
    )
    return to_dataset(parts, groups=owners, data_range=value_range(parts.train), notes=notes)


def _window(text: str | None) -> int:
    """Samples of a signal."""
    if text is None:
        return WINDOW
    if not text.isdecimal() or int(text) < 2:
        raise DataError(f"window must be a whole number of samples from 2 but got {text!r}")
    return int(text)


def _read(paths: Sequence[Path], window: int) -> tuple[int, list[NDArray[np.float32]]]:
    """The rate of all files, and the windows of each, `[n, channels, window]`."""
    first = read_wav(paths[0])
    windows = []
    for path in paths:
        recording = read_wav(path)
        _check_alike(paths[0], first, path, recording)
        channels, length = recording.samples.shape
        if length < window:
            raise DataError(
                f"{path} has {length:,} samples but a signal has {window:,}: remove it, or write "
                f"audio:DIR?window=N with N up to {length:,}"
            )
        whole = recording.samples[:, : length // window * window]
        windows.append(np.swapaxes(whole.reshape(channels, -1, window), 0, 1))
    return first.rate, windows


def _check_alike(one: Path, first: Recording, path: Path, recording: Recording) -> None:
    """Raises unless two files can share a data set."""
    rates = first.rate, recording.rate
    if rates[0] != rates[1]:
        raise DataError(
            f"{one} has {rates[0]:,} samples per second but {path} has {rates[1]:,}: resample all "
            "files to one rate"
        )
    channels = len(first.samples), len(recording.samples)
    if channels[0] != channels[1]:
        raise DataError(
            f"{one} has {channels[0]} channel(s) but {path} has {channels[1]}: make all files mono "
            "or all stereo"
        )
