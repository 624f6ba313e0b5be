"""What a sweep and a confirmation refuse, and what a continued one must share."""

from dataclasses import replace

import pytest

from asymnas.core.config import ConfirmationConfig, StudyConfig, SweepConfig
from asymnas.core.errors import ConfigError

STUDY = StudyConfig(budget=20_000)

REFUSED_SWEEPS = [
    *[("shares", value) for value in (1, 0, -3, 2.5, "9")],
    *[
        (name, value)
        for name in ("architectures", "screen", "seeds", "rates")
        for value in (0, -1, 1.5)
    ],
    ("share_range", (0.0, 0.5)),
    ("share_range", (0.5, 1.0)),
    ("share_range", (0.6, 0.4)),
    ("share_range", (0.5, 0.5)),
    ("share_range", (float("nan"), 0.5)),
    ("share_range", (0.5,)),
    ("share_range", (0.1, 0.5, 0.9)),
    ("tolerance", 0.0),
    ("tolerance", 1.0),
    ("tolerance", float("nan")),
    ("budgets", (5_000, 0)),
    ("budgets", (-1,)),
    ("budgets", (5_000.5,)),
    ("budgets", ("5k", 5_000)),
]


@pytest.mark.parametrize(("name", "value"), REFUSED_SWEEPS)
def test_a_bad_value_of_a_sweep_is_refused_by_name_and_value(name, value):
    with pytest.raises(ConfigError) as caught:
        SweepConfig(study=STUDY, **{name: value})
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    if not isinstance(value, tuple):
        assert repr(value) in message


@pytest.mark.parametrize("value", [1, 6])
@pytest.mark.parametrize("name", ["architectures", "screen", "seeds", "rates"])
def test_few_are_taken(name, value):
    assert getattr(SweepConfig(study=STUDY, **{name: value}), name) == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"symmetric": True}, "cannot be symmetric"),
        ({"max_encoder_params": 5_000}, "max_encoder_params"),
        ({"max_decoder_params": 5_000}, "max_decoder_params"),
        ({"max_macs": 5_000}, "max_macs"),
    ],
)
def test_a_study_that_holds_one_side_back_is_refused(change, words):
    with pytest.raises(ConfigError, match=words):
        SweepConfig(study=replace(STUDY, **change))


def test_budgets_are_distinct_and_rise_and_follow_the_study_by_default():
    assert SweepConfig(study=STUDY).budgets == (5_000, 10_000, 20_000)
    assert SweepConfig(study=STUDY, budgets=(9_000, 300, 9_000)).budgets == (300, 9_000)


def test_shares_are_evenly_spaced_over_the_range():
    assert SweepConfig(study=STUDY).share_grid() == [
        *(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    ]
    two = SweepConfig(study=STUDY, shares=2, share_range=(0.25, 0.5))
    assert two.share_grid() == [0.25, 0.5]
    many = SweepConfig(study=STUDY, shares=50, share_range=(0.05, 0.95)).share_grid()
    assert len(set(many)) == 50
    assert many == sorted(many)
    assert (many[0], many[-1]) == (0.05, 0.95)


CHANGES = {
    "budgets": (20_000,),
    "shares": 5,
    "share_range": (0.2, 0.8),
    "architectures": 2,
    "screen": 1,
    "rates": 2,
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_design_is_another(name):
    sweep = SweepConfig(study=STUDY)
    assert replace(sweep, **{name: CHANGES[name]}).design() != sweep.design()


@pytest.mark.parametrize("change", [{"seeds": 9}, {"tolerance": 0.05}])
def test_more_seeds_or_another_tolerance_are_the_same_design(change):
    sweep = SweepConfig(study=STUDY)
    assert replace(sweep, **change).design() == sweep.design()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("seeds", "top", "rates") for value in (0, -2, 1.5, "3")],
        *[("margin", value) for value in (0.0, 1.0, -0.1, float("nan"))],
    ],
)
def test_a_bad_value_of_a_confirmation_is_refused_by_name_and_value(name, value):
    with pytest.raises(ConfigError, match=name) as caught:
        ConfirmationConfig(run_dir="runs/digits", **{name: value})
    assert str(value) in str(caught.value)


def test_a_confirmation_has_enough_seeds_by_default():
    wanted = ConfirmationConfig(run_dir="runs/digits")
    assert (wanted.seeds, wanted.top) == (8, 3)
    assert ConfirmationConfig(run_dir="x", seeds=1, top=1, rates=1, margin=0.5).seeds == 1
