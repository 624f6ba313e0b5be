"""What is asked for settles what is open."""

import numpy as np
import pytest
from command_line import asymnas

from asymnas.core.config import StudyConfig
from asymnas.core.errors import ConfigError, UnknownNameError
from asymnas.runs.plan import plan_search


def plan(tmp_path, shape, **options):
    np.savez(tmp_path / "a.npz", np.random.default_rng(0).normal(size=(40, *shape)))
    options = {"dataset": f"npz:{tmp_path / 'a.npz'}", "workers": 1, "device": "cpu", **options}
    return plan_search(StudyConfig(budget=60_000, precision="fp32", **options))


def test_an_array_of_three_axes_is_signals_for_a_family_of_signals(tmp_path):
    found = plan(tmp_path, (2, 64), family="conv1d")
    assert found.data.shape == (2, 64)
    assert found.config.dataset.endswith("a.npz?as=signals")
    assert plan(tmp_path, (16, 64), encoder_family="conv1d", decoder_family="dense").data.shape == (
        16,
        64,
    )


def test_it_is_images_for_any_other(tmp_path):
    for family in ("conv2d", "dense", "any", None):
        assert plan(tmp_path, (16, 16), family=family).data.shape == (1, 16, 16)


def test_masked_brings_its_family_and_its_bottleneck(tmp_path):
    found = plan(tmp_path, (16, 16), kind="masked").config
    assert (found.family, found.bottleneck) == ("transformer", "spatial")


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((16, 16), {"family": "conv2d"}, "masked kind cannot train conv2d here"),
        ((16, 16), {"bottleneck": "dense"}, "masked kind cannot train transformer here"),
        ((6,), {}, "masked kind cannot train dense here: .* denoising-masking for a table"),
    ],
)
def test_what_is_named_stays(tmp_path, shape, options, message):
    with pytest.raises(ConfigError, match=message):
        plan(tmp_path, shape, kind="masked", **options)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("a.csv", "csv:a.csv"),
        ("some/a.tsv.gz?label=x", "csv:some/a.tsv.gz?label=x"),
        ("a.npy", "npz:a.npy"),
        ("A.PARQUET", "parquet:A.PARQUET"),
        ("../a.txt", "csv:../a.txt"),
    ],
)
def test_a_mere_path_gets_a_hint(given, meant):
    with pytest.raises(UnknownNameError) as caught:
        plan_search(StudyConfig(dataset=given))
    assert str(caught.value) == f"no data set is called {given!r}; did you mean {meant}?"


def test_a_mere_directory_gets_a_hint(tmp_path):
    result = asymnas("search", "--dataset", str(tmp_path), "--dry-run")
    assert f"did you mean folder:{tmp_path}?" in result.stderr
