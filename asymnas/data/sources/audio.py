"""Sound recordings in a directory of one's own, cut into signals of one length."""

import os
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.core.text import one_line
from asymnas.data.base import DATASETS, Dataset, to_dataset
from asymnas.data.options import check_spec, existing_directory, without_options
from asymnas.data.scaling import standardise_channels, value_range
from asymnas.data.splits import Splits, draw

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


WINDOW = 1_024  # samples of a signal, unless the name says otherwise
SUFFIXES = (".wav", ".wave")
FEWEST = 3  # files: one for each split


@DATASETS.register("audio")
def load(spec: DataSpec) -> Dataset:
    """Loads every WAV file below `audio:DIR` or `audio:DIR?window=SAMPLES` as signals.

    A file is cut from its beginning into windows that do not overlap; what is left at its end is
    dropped. Files, not windows, are dealt to the splits by the common rule, so that no recording is
    in two of them. All files must have one rate and as many channels; nothing is resampled. Files
    hold PCM of 8, 16, 24 or 32 bits. Each channel is standardised. Hidden files are skipped.

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
    paths = sorted(_wav_files(directory))
    if len(paths) < FEWEST:
        raise DataError(
            f"{directory} holds {len(paths)} WAV file(s) ({', '.join(SUFFIXES)}) but at least "
            f"{FEWEST} are needed, one for each split: add some"
        )
    rate, windows = _read(paths, window)
    drawn = draw(len(paths), spec.seed)
    splits = Splits(*(np.concatenate([windows[i] for i in files]) for files in drawn))
    parts = standardise_channels(splits)
    notes = (
        f"windows of {window:,} samples ({1000 * window / rate:.1f} ms at {rate:,} Hz) of "
        f"{len(paths):,} files, each file in one split",
        "each channel standardised on the training split",
    )
    return to_dataset(parts, data_range=value_range(parts.train), notes=notes)


def _window(text: str | None) -> int:
    """Samples of a signal."""
    if text is None:
        return WINDOW
    if not text.isdecimal() or int(text) < 2:
        raise DataError(f"window must be a whole number of samples from 2 but got {text!r}")
    return int(text)


def _wav_files(directory: Path) -> Iterator[Path]:
    """WAV files below `directory`."""
    for place, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(place, name)


def _read(paths: Sequence[Path], window: int) -> tuple[int, list[NDArray[np.float32]]]:
    """The rate of all files, and the windows of each, `[n, channels, window]`."""
    first = read_wav(paths[0])
    windows = []
    for path in paths:
        recording = read_wav(path)
        _refuse_unlike(paths[0], first, path, recording)
        channels, length = recording.samples.shape
        if length < window:
            raise DataError(
                f"{path} has {length:,} samples but a signal has {window:,}: remove it, or write "
                f"audio:DIR?window=N with N up to {length:,}"
            )
        whole = recording.samples[:, : length // window * window]
        windows.append(np.swapaxes(whole.reshape(channels, -1, window), 0, 1))
    return first.rate, windows


def _refuse_unlike(one: Path, first: Recording, path: Path, recording: Recording) -> None:
    """Raises unless two files can share a data set."""
    rates = first.rate, recording.rate
    if rates[0] != rates[1]:
        raise DataError(
            f"{one} has {rates[0]:,} samples a second but {path} has {rates[1]:,}: resample all "
            "files to one rate"
        )
    channels = len(first.samples), len(recording.samples)
    if channels[0] != channels[1]:
        raise DataError(
            f"{one} has {channels[0]} channel(s) but {path} has {channels[1]}: make all files mono "
            "or all stereo"
        )
