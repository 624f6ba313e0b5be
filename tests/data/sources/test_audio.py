import numpy as np
import pytest
import torch
from dataset_fakes import noise, write_wav
from scipy.io import wavfile

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import load_dataset
from asymnas.data.sources.audio import read_wav


def load(directory, options="?window=50", seed=0):
    return load_dataset(DataSpec(name=f"audio:{directory}{options}", seed=seed))


def sound(seed, length=170, channels=1):
    values = np.random.default_rng(seed).integers(-(2**15), 2**15, (length, channels))
    return values.astype(np.int16)


@pytest.fixture
def ten(tmp_path):
    """A directory of ten files, whose samples say which file and where."""
    for number in range(10):
        samples = 100 * number + np.arange(170) // 50
        path = tmp_path / ("deep" if number % 2 else ".") / f"{number}.WAV"
        path.parent.mkdir(exist_ok=True)
        write_wav(path, samples[:, None].astype(np.int16))
    return tmp_path


def parts_of(data):
    return data.train, data.validation, data.test


def test_windows_follow_one_another_and_no_file_is_in_two_splits(ten):
    data = load(ten)
    assert data.shape == (1, 50)
    assert [len(part) for part in parts_of(data)] == [7 * 3, 1 * 3, 2 * 3]
    levels = torch.cat([part.flatten(1) for part in parts_of(data)])
    assert (levels == levels[:, :1]).all()  # no window crosses the end of another
    assert len(levels[:, 0].unique()) == 30  # each window once, the rest of 20 samples dropped
    places = [100 * file + window for file in range(10) for window in range(3)]
    scale = np.polyfit(np.sort(levels[:, 0]), places, 1)
    files = [
        set(np.rint(np.polyval(scale, part[:, 0, 0])).astype(int) // 100) for part in parts_of(data)
    ]
    assert [len(own) for own in files] == [7, 1, 2]
    assert set.union(*files) == set(range(10))
    assert [len(ids.unique()) for ids in data.groups] == [7, 1, 2]
    for ids in data.groups:  # three windows of each file, one after another
        assert torch.equal(ids, ids[::3].repeat_interleave(3))


def test_the_seed_deals_out_the_files(ten):
    assert torch.equal(load(ten).train, load(ten).train)
    assert not torch.equal(load(ten).test, load(ten, seed=1).test)


def test_every_channel_is_standardised_on_the_training_split_alone(tmp_path):
    for number in range(20):
        loud = sound(number, 200, 2) // [1, 100]
        write_wav(tmp_path / f"{number}.wav", loud.astype(np.int16))
    data = load(tmp_path)
    assert data.shape == (2, 50)
    assert data.train.dtype == torch.float32
    torch.testing.assert_close(data.train.mean((0, 2)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        data.train.std((0, 2), correction=0), torch.ones(2), atol=1e-5, rtol=0
    )
    assert data.test.mean().abs() > 1e-5
    assert data.data_range == float(data.train.max() - data.train.min())
    assert data.notes == (
        "windows of 50 samples (6.2 ms at 8,000 Hz) of 20 files, each file in one split",
        "each channel standardised on the training split",
    )


def test_the_window_is_1024_samples_unless_the_name_says_otherwise(tmp_path):
    for number in range(3):
        write_wav(tmp_path / f"{number}.wav", sound(number, 2_500))
    assert load(tmp_path, "").shape == (1, 1_024)
    assert load(tmp_path, "?window=2500").shape == (1, 2_500)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_every_width_are_numbers_below_one(tmp_path, width):
    whole = np.array([[0, -(2**31)], [2**30, 2**31 - 2**24], [-(2**24), 2**24]])
    packed = (whole >> 8 * (4 - width)) + (128 if width == 1 else 0)
    low_bytes = packed.astype("<i8").view(np.uint8).reshape(3, 2, 8)[..., :width]
    stored = np.ascontiguousarray(low_bytes).view(f"V{width}")[..., 0]
    write_wav(tmp_path / "a.wav", stored, rate=44_100)
    recording = read_wav(tmp_path / "a.wav")
    assert recording.rate == 44_100
    assert recording.samples.dtype == np.float32
    np.testing.assert_array_equal(recording.samples, (whole / 2**31).T)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 2])
def test_floating_point_samples_stay_as_they_are(tmp_path, dtype, channels):
    samples = np.random.default_rng(0).normal(0, 2, (60, channels)).astype(dtype)
    wavfile.write(tmp_path / "a.wav", 22_050, samples)
    recording = read_wav(tmp_path / "a.wav")
    assert recording.rate == 22_050
    assert recording.samples.dtype == np.float32
    np.testing.assert_array_equal(recording.samples, samples.T.astype(np.float32))


def test_a_recording_of_floating_point_samples_is_the_same_data(tmp_path):
    for kind, scale in ((np.int16, 1), (np.float32, 2**15)):
        (tmp_path / kind.__name__).mkdir()
        for number in range(4):
            samples = (sound(number) / scale).astype(kind)
            wavfile.write(tmp_path / kind.__name__ / f"{number}.wav", 8_000, samples)
    whole, real = load(tmp_path / "int16"), load(tmp_path / "float32")
    torch.testing.assert_close(whole.train, real.train, atol=1e-6, rtol=0)


def test_samples_that_are_not_finite_are_named(tmp_path):
    for number in range(4):
        samples = np.full(170, np.nan if number == 2 else number, np.float32)
        wavfile.write(tmp_path / f"{number}.wav", 8_000, samples)
    with pytest.raises(DataError, match=r"2\.wav holds NaN or infinite samples: repair or remove"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("b.wav", lambda p: write_wav(p, sound(9), rate=44_100), "8,000 .* 44,100: resample all"),
        (
            "b.wav",
            lambda p: write_wav(p, sound(9, channels=2)),
            r"1 channel.* has 2: make all .*mono",
        ),
        (
            "b.wav",
            lambda p: write_wav(p, sound(9, 49)),
            r"b\.wav has 49 samples but .* N up to 49$",
        ),
        ("b.wav", lambda p: write_wav(p, sound(9, 0)), r"b\.wav has 0 samples"),
        (
            "b.wav",
            lambda p: p.write_bytes(b""),
            r"b\.wav is not a readable WAV file \(File format b'' not understood",
        ),
        (
            "b.wav",
            lambda p: p.write_bytes(b"rubbish" * 9),
            "not a readable WAV file .* as uncompressed PCM of 8 to 32 bits, or as floating",
        ),
        ("b.wav", lambda p: p.mkdir(), None),
        (".b.wav", lambda p: p.write_bytes(b""), None),
        ("b.mp3", lambda p: p.write_bytes(b""), None),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, write, message):
    for number in range(4):
        write_wav(tmp_path / f"a{number}.wav", sound(number))
    write(tmp_path / name)
    if message is None:  # hidden, a directory, of another kind: left alone
        assert len(load(tmp_path).train) == 2 * 3
        return
    with pytest.raises(DataError, match=message) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_short_or_compressed(tmp_path):
    for number in range(4):
        write_wav(tmp_path / f"{number}.wav", sound(number))
    path = tmp_path / "3.wav"
    content = path.read_bytes()
    path.write_bytes(content[:-40])
    with pytest.raises(
        DataError, match=r"3\.wav is cut short \(.*344 bytes, expected 384 bytes.*\): repair"
    ):
        load(tmp_path)
    path.write_bytes(content[:20] + b"\x11\x00" + content[22:])  # ADPCM
    with pytest.raises(DataError, match=r"3\.wav is not a readable WAV file \(Unknown wave file"):
        load(tmp_path)


def test_an_empty_directory_and_too_few_files(tmp_path):
    with pytest.raises(DataError, match=r"holds 0 WAV file\(s\) \(\.wav, \.wave\)"):
        load(tmp_path)
    for number in range(2):
        write_wav(tmp_path / f"{number}.wav", sound(number))
    with pytest.raises(DataError, match=r"holds 2 .* at least 3 are needed, one for each split"):
        load(tmp_path)


def test_silence_is_refused_and_a_silent_channel_is_not(tmp_path):
    for number in range(4):
        write_wav(tmp_path / f"{number}.wav", np.full((170, 1), 7, np.int16))
    with pytest.raises(DataError, match="every channel is constant on the training signals"):
        load(tmp_path)
    for number in range(4):
        write_wav(tmp_path / f"{number}.wav", sound(number, channels=2) * np.array([1, 0], "i2"))
    data = load(tmp_path)
    assert data.train[:, 0].std() == pytest.approx(1, abs=0.01)
    assert (data.train[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("?window=1", "window must be a whole number of samples from 2 but got '1'"),
        ("?window=1.5", "but got '1.5'"),
        ("?hop=3", r"'hop=3' in .* is no option: write audio:DIR\?window=SAMPLES"),
        ("?window=", "is no option"),
    ],
)
def test_options_that_cannot_be(tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path, options)


def test_noise_of_eight_bits_spans_the_range(tmp_path):
    write_wav(tmp_path / "a.wav", noise(4_000, 1))
    samples = read_wav(tmp_path / "a.wav").samples
    assert (samples.min(), samples.max()) == (-1, 127 / 128)
