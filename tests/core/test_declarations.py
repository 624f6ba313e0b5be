"""An option declared once: what follows from its declaration."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.config import DataSpec, StudyConfig
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.declarations import (
    DATA,
    SEARCH,
    Count,
    Duration,
    Names,
    Option,
    Whole,
    changed,
    check,
    documented,
    identity,
    make,
    options_of,
    parse_duration,
)
from asymnas.core.errors import ConfigError, OptionError
from asymnas.core.sweep_config import SweepConfig


@documented
@dataclass(frozen=True, kw_only=True)
class Made:
    """A configuration.

    Raises:
        ConfigError: A value breaks its rule.
    """

    place: Annotated[str, Option("Where", DATA)]
    size: Annotated[Count, Option("How large", DATA)] = 20_000
    width: Annotated[Whole | None, Option("How wide", DATA, default="by the data")] = None
    mode: Annotated[Literal["slow", "fast"], Option("How", SEARCH, runtime=True)] = "fast"
    wait: Annotated[Duration, Option("How long", SEARCH, runtime=True)] = 90.0
    names: Annotated[Names, Option("Which", SEARCH)] = ("a", "b")
    loud: Annotated[bool, Option("Whether", SEARCH)] = False
    note: str = "no option"

    def __post_init__(self) -> None:
        check(self)


OPTIONS = options_of(Made)


def test_fields_without_an_option_are_none():
    assert list(OPTIONS) == ["place", "size", "width", "mode", "wait", "names", "loud"]


def test_flags_and_arguments():
    assert OPTIONS["size"].flag == "--size"
    assert options_of(StudyConfig)["max_encoder_params"].flag == "--max-encoder-params"
    assert [name for name, option in OPTIONS.items() if option.is_required] == ["place"]
    assert [name for name, option in OPTIONS.items() if option.is_switch] == ["loud"]


def test_defaults_read_as_a_person_writes_them():
    assert {name: option.default for name, option in OPTIONS.items() if name != "place"} == {
        "size": "20k",
        "width": "by the data",
        "mode": "fast",
        "wait": "90",
        "names": "a,b",
        "loud": "off",
    }


def test_the_rule_follows_from_the_type():
    assert OPTIONS["place"].rule.text == "text"
    assert OPTIONS["width"].rule.text == "a whole number of at least 1"
    assert OPTIONS["mode"].rule.text == "one of slow, fast"
    assert OPTIONS["loud"].rule.text == "on or off"


def test_values_and_text_make_the_same():
    text = {"place": "x", "size": "1.5k", "width": "3", "wait": "2m", "names": "c, d"}
    values = {"place": "x", "size": 1_500, "width": 3, "wait": 120, "names": ("c", "d")}
    assert make(Made, text) == make(Made, values) == Made(**values)
    assert make(Made, values).wait == 120.0
    assert changed(make(Made, values), {"width": "4", "names": ["e"]}).names == ("e",)


def test_an_error_has_its_parts_and_survives_a_pipe():
    with pytest.raises(OptionError) as caught:
        Made(place="x", mode="odd")
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.name, error.rule, error.value) == ("mode", "one of slow, fast", "odd")
    assert str(error) == "mode must be one of slow, fast but got 'odd'"
    assert isinstance(error, ConfigError)
    assert isinstance(error, ValueError)


def test_identity_leaves_runtime_and_other_fields_out():
    assert identity(Made(place="x", wait=3, note="y")) == {
        "place": "x",
        "size": 20_000,
        "width": None,
        "names": ["a", "b"],
        "loud": False,
    }


def test_help_of_the_class_has_every_option():
    assert Made.__doc__ is not None
    for line in (
        "place: Where; text.",
        "size: How large; a count from 1 to 100G (150000, 150k, 1.5M) [default: 20k].",
        "mode: How; one of slow, fast [default: fast].",
    ):
        assert line in Made.__doc__


@pytest.mark.parametrize("config", [StudyConfig, SweepConfig, ConfirmationConfig])
def test_every_default_is_in_words_and_obeys_its_rule(config):
    for option in options_of(config).values():
        if not option.is_required:
            assert option.default not in ("", "None"), option.name
            assert option.read(option.value) == option.value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("45s", 45),
        ("30m", 1_800),
        ("30min", 1_800),
        ("2h", 7_200),
        ("1d", 86_400),
        ("1h30m", 5_400),
        ("0.5h", 1_800),
        (" 7s ", 7),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-3", "0", "0s", "3w", "1 h", "h", "1.2.3", "5m-"])
def test_what_is_no_duration(text):
    with pytest.raises(ConfigError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(1, 59))
def test_durations_add_up(hours, minutes, seconds):
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == 3600 * hours + 60 * minutes + seconds


AS_ARRAYS_HAVE_THEM = [
    ("latent", np.int64(4), 4),
    ("latent", np.uint8(4), 4),
    ("latent", np.array(4), 4),
    ("budget", np.int32(5_000), 5_000),
    ("image_size", np.int16(32), 32),
    ("timeout", np.float32(1.5), 1.5),
    ("timeout", np.float64(1.5), 1.5),
    ("symmetric", np.True_, True),
    ("family", np.str_("dense"), "dense"),
    ("learning_rates", np.array([0.25, 0.5]), (0.25, 0.5)),
    ("learning_rates", (np.float32(0.25), np.float64(0.5)), (0.25, 0.5)),
    ("metrics", np.array(["psnr", "ssim"]), ("psnr", "ssim")),
    ("dataset", Path("npz:a") / "b.npz", "npz:a/b.npz"),
    ("run_dir", Path("a"), "a"),
    ("data_root", Path("a"), "a"),
]


@pytest.mark.parametrize(("name", "given", "wanted"), AS_ARRAYS_HAVE_THEM)
def test_paths_and_numbers_of_arrays_are_taken_as_pythons_own(name, given, wanted):
    config = StudyConfig(**{name: given})
    assert getattr(config, name) == wanted
    assert type(getattr(config, name)) in (type(wanted), np.str_)
    json.dumps(config.to_dict())


@pytest.mark.parametrize(
    ("name", "given"),
    [("latent", np.float64(4.5)), ("latent", np.True_), ("latent", np.int64(0)), ("seed", "nan")],
)
def test_what_is_no_such_number_is_refused_all_the_same(name, given):
    with pytest.raises(OptionError, match=f"{name} must be"):
        StudyConfig(**{name: given})


def test_a_data_specification_takes_them_too():
    spec = DataSpec(name=Path("a"), root=Path("b"), image_size=np.int64(8), seed=np.uint32(3))
    assert spec == DataSpec(name="a", root="b", image_size=8, seed=3)
    assert [type(v) for v in (spec.name, spec.root, spec.image_size)] == [str, str, int]
