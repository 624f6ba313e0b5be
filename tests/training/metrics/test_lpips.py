"""LPIPS through a fake in place of its network, whose weights have to be downloaded."""

from importlib.metadata import PackageNotFoundError

import pytest
import torch

from asymnas.training.metrics import METRICS, Facts, lpips

COLOUR = Facts(shape=(3, 32, 32))


class Fake:
    """Mean absolute difference of colour images in [0, 1]."""

    def __init__(self):
        self.seen = []

    def __call__(self, one, other):
        for images in (one, other):
            assert images.shape[1] == 3
            assert images.min() >= 0
            assert images.max() <= 1
        self.seen.append(len(one))
        return (one - other).abs().flatten(1).mean(1)

    def reset(self):
        pass


@pytest.fixture
def fake(monkeypatch):
    made = Fake()
    monkeypatch.setattr(lpips, "perceptual", lambda device: made)
    return made


@pytest.mark.parametrize("channels", [1, 3])
def test_compares_colour_images_in_the_unit_interval(fake, channels):
    x = torch.rand(150, channels, 32, 32) * 4
    output = x.clamp(0, 4) * 1.5
    found = METRICS.get("lpips").of(x, output, 4.0)
    wanted = (output / 4).clamp(0, 1).sub(x / 4).abs().flatten(1).mean(1)
    torch.testing.assert_close(found, wanted)
    assert fake.seen == [64, 64, 22]


def test_is_measured_only_where_it_is_asked_for():
    assert METRICS.get("lpips").on_request
    assert not METRICS.get("lpips").maximize
    assert [n for n in METRICS.names() if METRICS.get(n).on_request] == ["lpips"]


@pytest.mark.parametrize("shape", [(2, 64, 64), (1, 31, 64), (3, 128), (12,)])
def test_needs_images(shape):
    assert "1 or 3 channels" in METRICS.get("lpips").unsupported_reason(Facts(shape=shape))


def test_missing_weights_are_an_error_that_says_how_to_fetch_them(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    reason = METRICS.get("lpips").unsupported_reason(COLOUR)
    assert "weights" in reason
    assert "python -c" in reason
    there = lpips.weights_file()
    assert there.parent.parent == tmp_path
    there.parent.mkdir()
    there.write_bytes(b"")
    assert METRICS.get("lpips").unsupported_reason(COLOUR) is None


@pytest.mark.parametrize("installed", ["1.4.0.post0", None])
def test_an_old_torchmetrics_or_none_is_an_error_that_names_the_extra(monkeypatch, installed):
    def version(name):
        if installed is None:
            raise PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(lpips, "version", version)
    assert "asymnas[lpips]" in METRICS.get("lpips").unsupported_reason(COLOUR)
