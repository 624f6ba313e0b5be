"""WAV files as programs write them: read to the right values, or one line."""

import struct
import warnings

import numpy as np
import pytest

from asymnas.core.errors import DataError
from asymnas.data.sources.audio import read_wav

N = 40
WHOLE = np.random.default_rng(0).integers(-(2**31), 2**31, (N, 2)) >> 16 << 16  # 16 bits, scaled up
REAL = (WHOLE / 2**31).T.astype(np.float32)
UNKNOWN = 2**32 - 1
GUID = b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
PCM, FLOAT, ALAW, MULAW, ADPCM, MP3, EXTENSIBLE = 1, 3, 6, 7, 0x11, 0x55, 0xFFFE


def packed(bits, ends="<"):
    """The samples as PCM, interleaved; 8 bits are unsigned."""
    values = (WHOLE.ravel() >> 32 - bits if bits <= 32 else WHOLE.ravel() << bits - 32).tolist()
    order = "little" if ends == "<" else "big"
    if bits == 8:
        return bytes(value + 128 for value in values)
    return b"".join(value.to_bytes(bits // 8, order, signed=True) for value in values)


def form(tag, bits, *, rate=8_000, channels=2, block=None, valid=None, ends="<"):
    """The chunk that describes samples; with `valid` bits in the extensible form."""
    block = channels * bits // 8 if block is None else block
    plain = EXTENSIBLE if valid is not None else tag
    chunk = struct.pack(f"{ends}HHIIHH", plain, channels, rate, rate * block, block, bits)
    if valid is not None:
        chunk += struct.pack("<HHIH", 22, valid, 3, tag) + GUID
    return b"fmt ", chunk, len(chunk)


def data(content, size=None):
    return b"data", content, len(content) if size is None else size


def wav(*chunks, size=None, magic=b"RIFF", ends="<"):
    body = b"WAVE"
    for name, content, length in chunks:
        body += name + struct.pack(f"{ends}I", length) + content + bytes(len(content) % 2)
    return magic + struct.pack(f"{ends}I", len(body) if size is None else size) + body


INFO = (b"LIST", b"INFOISFT\x0e\0\0\0Lavf60.16.100\0", 26)
f32, f64 = (WHOLE / 2**31).astype("<f4").tobytes(), (WHOLE / 2**31).astype("<f8").tobytes()
plain = wav(form(PCM, 16), data(packed(16)))
rf64 = (
    b"RF64"
    + struct.pack("<I", UNKNOWN)
    + b"WAVE"
    + b"ds64"
    + struct.pack("<IQQQI", 28, len(plain) + 28, len(packed(16)), N, 0)
    + b"fmt "
    + struct.pack("<I", 16)
    + form(PCM, 16)[1]
    + b"data"
    + struct.pack("<I", UNKNOWN)
)
rf64 += packed(16)

#: Files that hold the samples `WHOLE`.
READ = {
    "16 bits": plain,
    "24 bits": wav(form(PCM, 24), data(packed(24))),
    "32 bits": wav(form(PCM, 32), data(packed(32))),
    "64 bits": wav(form(PCM, 64), data(packed(64))),
    "16 bits, extensible": wav(form(PCM, 16, valid=16), data(packed(16))),
    "24 bits, extensible": wav(form(PCM, 24, valid=24), data(packed(24))),
    "20 of 24 bits": wav(form(PCM, 24, valid=20), data(packed(24))),
    "24 of 32 bits": wav(form(PCM, 32, valid=24), data(packed(32))),
    "valid bits not given": wav(form(PCM, 24, valid=0), data(packed(24))),
    "floats": wav(form(FLOAT, 32), data(f32)),
    "floats, extensible": wav(form(FLOAT, 32, valid=32), data(f32)),
    "double precision": wav(form(FLOAT, 64), data(f64)),
    "streamed by ffmpeg": wav(form(PCM, 16), INFO, data(packed(16), UNKNOWN), size=UNKNOWN),
    "streamed by SoX": wav(form(PCM, 16), data(packed(16), 2**31 - 2**12), size=2**31 - 2**12 + 36),
    "streamed, extensible": wav(form(PCM, 24, valid=24), data(packed(24), UNKNOWN), size=UNKNOWN),
    "longer than 4 GiB may be": rf64,
    "the other order of bytes": wav(
        form(PCM, 16, ends=">"), data(packed(16, ">")), magic=b"RIFX", ends=">"
    ),
    "chunks of other content": wav(INFO, form(PCM, 16), (b"fact", bytes(4), 4), data(packed(16)),
                                   (b"id3 ", b"ID3odd", 6)),
    "a chunk of odd length": wav((b"bext", b"odd", 3), form(PCM, 16), data(packed(16))),
    "what follows the end": plain + b"rubbish!",
}  # fmt: skip


def read(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("case", READ)
def test_every_sample_is_read(tmp_path, case):
    rate, samples = read(tmp_path, READ[case])
    assert rate == 8_000
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, REAL)


HEADER = "not a readable WAV file (its header is wrong): write it as uncompressed PCM of 8 to 32"
CUT = "is cut short (Reached EOF prematurely; "
huge = np.full((N, 2), 1e300).tobytes()

REFUSED = {
    "no rate": (wav(form(PCM, 16, rate=0), data(packed(16))), "gives its sample rate as 0: repair"),
    "no channels": (wav(form(PCM, 16, channels=0, block=2), data(packed(16))), HEADER),
    "no width": (wav(form(PCM, 16, block=0), data(packed(16))), HEADER),
    "no samples": (wav(form(PCM, 16)), HEADER),
    "no length": (wav(form(PCM, 16), data(packed(16), 0), size=0), HEADER),
    "samples first": (wav(data(packed(16)), form(PCM, 16)), "(No fmt chunk before data): write it"),
    "telephone, A-law": (wav(form(ALAW, 8), data(packed(8))), "(Unknown wave file format: ALAW."),
    "telephone, µ-law": (wav(form(MULAW, 8), data(packed(8))), "(Unknown wave file format: MULAW."),
    "ADPCM": (wav(form(ADPCM, 4, block=64), data(packed(8))), "(Unknown wave file format: DVI_AD"),
    "MP3": (wav(form(MP3, 0, block=1), data(packed(8))), "(Unknown wave file format: MPEGLAYER3."),
    "half floats": (wav(form(FLOAT, 16), data(packed(16))), "(Unsupported bit depth: the WAV file"),
    "values beyond floats": (wav(form(FLOAT, 64), data(huge)), "holds NaN or infinite samples"),
    "cut": (plain[:-40], CUT),
    "cut in a sample": (plain[:-1], "is cut short (it ends within a sample): repair or"),
    "cut after the header": (plain[:44], CUT),
    "cut in the header": (plain[:30], "is not a readable WAV file"),
    "four bytes": (b"RIFF", HEADER),
    "nothing": (b"", "is not a readable WAV file (File format b'' not understood."),
    "another name": (b"OggS" + bytes(60), "is not a readable WAV file (File format b'OggS' not"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_line(tmp_path, case):
    content, message = REFUSED[case]
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "a.wav"))
    assert "\n" not in str(caught.value)


def test_bytes_are_read_from_the_middle(tmp_path):
    samples = read(tmp_path, wav(form(PCM, 8), data(packed(8)))).samples
    np.testing.assert_array_equal(samples, ((WHOLE >> 24) / 128).T)
