"""A run's settings: what is not accepted, what it is called, what makes it the same run."""

import json
import math
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asymnas.core.budget import MOST, Budget
from asymnas.core.config import DataSpec, StudyConfig, default_examples
from asymnas.core.confirmation_config import ConfirmationConfig
from asymnas.core.declarations import options_of
from asymnas.core.errors import AsymnasError, ConfigError, OptionError
from asymnas.core.sweep_config import SweepConfig

STUDY = StudyConfig(budget=20_000)
COUNTS = ("budget", "max_encoder_params", "max_decoder_params", "max_macs", "examples")
WHOLES = ("trials", "patience", "latent", "batch_size", "image_size", "workers")

#: For each configuration what makes one of it.
MAKERS = {
    StudyConfig: StudyConfig,
    SweepConfig: lambda **options: SweepConfig(study=STUDY, **options),
    ConfirmationConfig: lambda **options: ConfirmationConfig(run_dir="runs/x", **options),
}

#: Values that break the rule of an option, text among them.
BAD = {
    StudyConfig: [
        *[(name, value) for name in COUNTS + WHOLES for value in (0, -1, 2.5, True, "", "many")],
        *[(name, value) for name in WHOLES for value in ("2.5", "1k", "0", "-1")],
        *[(name, value) for name in COUNTS for value in (MOST + 1, "0", "-5", "9" * 20, "1.5x")],
        *[(n, v) for n in ("seed", "split_seed") for v in (-1, 0.5, 2**32, "x", "-1")],
        *[("timeout", value) for value in (0, -1.5, math.nan, "soon", "0", "-3", "1.5.2", "")],
        *[
            ("learning_rates", value)
            for value in (
                (0.0, 0.1),
                (-0.1, 0.1),
                (0.1, 0.1),
                (0.2, 0.1),
                (math.nan, 0.1),
                (0.1, math.inf),
                (0.1, 0.2, 0.3),
                0.1,
                "0.1",
                "0.2,0.1",
                "low,high",
            )
        ],
        *[(name, "abacus") for name in ("bottleneck", "device", "precision", "space")],
        *[("objectives", value) for value in ((), ("mse", "mse"), ("mse", ""), "mse,mse", "a,,b")],
        *[(name, value) for name in ("enqueue", "metrics") for value in ("a,a", "a,", (1, 2))],
        *[(name, value) for name in ("download", "symmetric") for value in ("yes", 1, None)],
        *[(name, 3) for name in ("dataset", "data_root", "kind", "pruner", "name")],
        *[(name, 3) for name in ("family", "encoder_family", "decoder_family")],
        ("run_dir", "a?b"),
        *[("executor", value) for value in ("", "ray:", "ray: a", "slurm", "Ray", None)],
        *[("gpus_per_trial", value) for value in (0, -0.5, 1.5, math.nan, "x", "2")],
        *[("device", value) for value in ("cuda:", "cuda:x", "cpu:0", "cuda:-1", 0)],
    ],
    SweepConfig: [
        *[
            (name, value)
            for name in ("shares", "structures")
            for value in (2, 1, 0, -3, 3.5, "2", "nine")
        ],
        *[("horizons", value) for value in (-1, 1.5, "few")],
        *[("until", value) for value in (0, 1, -0.1, "narrow")],
        *[
            (name, value)
            for name in ("screen", "seeds", "rates")
            for value in (0, -1, 1.5, "0", "few")
        ],
        *[
            ("share_range", value)
            for value in (
                (0.0, 0.5),
                (0.5, 1.0),
                (0.6, 0.4),
                (0.5, 0.5),
                (math.nan, 0.5),
                (0.5,),
                (0.1, 0.5, 0.9),
                "half",
                "0.9,0.1",
            )
        ],
        *[("tolerance", value) for value in (0.0, 1.0, math.nan, "2", "x")],
        *[
            ("budgets", value)
            for value in ((5_000, 0), (-1,), (5_000.5,), "some", "5k,,9k", "5k,0")
        ],
    ],
    ConfirmationConfig: [
        *[
            (name, value)
            for name in ("searches", "seeds", "top", "rates")
            for value in (0, -2, 1.5, "0", "x")
        ],
        *[("margin", value) for value in (0.0, 1.0, -0.1, math.nan, "1", "x")],
        *[("presets", value) for value in (("mae", "mae"), "mae,mae")],
        ("workers", 0),
        ("device", "tpu"),
        ("timeout", "soon"),
        ("executor", "dask"),
        ("gpus_per_trial", 0),
    ],
}
ALL_BAD = [(config, name, value) for config, cases in BAD.items() for name, value in cases]

#: Text as on the command line, and what it stands for.
TEXTS = [
    (StudyConfig, "budget", "150k", 150_000),
    (StudyConfig, "max_macs", "1.5M", 1_500_000),
    (StudyConfig, "examples", "200000", 200_000),
    (StudyConfig, "trials", "7", 7),
    (StudyConfig, "device", "cuda:1", "cuda:1"),
    (StudyConfig, "executor", "ray:10.0.0.1:6379", "ray:10.0.0.1:6379"),
    (StudyConfig, "gpus_per_trial", "0.25", 0.25),
    (StudyConfig, "gpus_per_trial", "1", 1.0),
    (StudyConfig, "timeout", "1h30m", 5_400.0),
    (StudyConfig, "timeout", "90", 90.0),
    (StudyConfig, "objectives", "val_loss, total_macs", ("val_loss", "total_macs")),
    (StudyConfig, "metrics", "mae", ("mae",)),
    (StudyConfig, "enqueue", "sd-vae,taesd", ("sd-vae", "taesd")),
    (StudyConfig, "learning_rates", "1e-4,0.01", (1e-4, 0.01)),
    (StudyConfig, "run_dir", Path("a/b"), "a/b"),
    (StudyConfig, "data_root", Path("/data"), "/data"),
    (SweepConfig, "budgets", "50k,5k,5k", (5_000, 50_000)),
    (SweepConfig, "share_range", "0.2,0.8", (0.2, 0.8)),
    (SweepConfig, "tolerance", "0.02", 0.02),
    (ConfirmationConfig, "presets", "all", ("all",)),
    (ConfirmationConfig, "margin", "0.05", 0.05),
]

#: For each field of a study a value that no default has.
OTHER = {
    "dataset": "mnist",
    "data_root": "/data",
    "download": True,
    "image_size": 32,
    "name": "another",
    "family": "dense",
    "encoder_family": "dense",
    "decoder_family": "conv2d",
    "kind": "other",
    "budget": 30_000,
    "max_encoder_params": 10_000,
    "max_decoder_params": 10_000,
    "max_macs": 10**6,
    "objectives": ("val_loss", "total_macs"),
    "metrics": ("mae",),
    "latent": 8,
    "bottleneck": "pooled",
    "trials": 7,
    "patience": 20,
    "timeout": 60.0,
    "examples": 100_000,
    "batch_size": 32,
    "learning_rates": (1e-4, 1e-2),
    "sampler": "random",
    "pruner": "none",
    "symmetric": True,
    "space": "wide",
    "enqueue": ("reference",),
    "executor": "ray",
    "workers": 3,
    "gpus_per_trial": 0.5,
    "device": "cpu",
    "precision": "fp32",
    "seed": 1,
    "split_seed": 2,
    "run_dir": "elsewhere",
    "storage": "sqlite:///x.db",
}
#: Those that a continued run may change.
RUNTIME = {
    *("trials", "patience", "timeout", "workers", "device", "precision", "run_dir", "storage"),
    *("data_root", "download", "metrics", "executor", "gpus_per_trial"),
}


@pytest.mark.parametrize(
    ("config", "name", "value"), ALL_BAD, ids=[f"{c.__name__}-{n}-{v}" for c, n, v in ALL_BAD]
)
def test_a_bad_value_is_an_error_that_names_option_rule_and_value(config, name, value):
    with pytest.raises(ConfigError) as caught:
        MAKERS[config](**{name: value})
    rule = options_of(config)[name].rule.text
    assert str(caught.value) == f"{name} must be {rule} but got {value!r}"
    assert isinstance(caught.value, OptionError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
OPTIONS = [(config, name) for config in MAKERS for name in options_of(config)]


def made(config, name, value):
    """A configuration, or the error in its place."""
    try:
        return MAKERS[config](**{name: value})
    except AsymnasError as error:
        return error


@given(st.sampled_from(OPTIONS), JSON)
def test_any_value_of_an_option_is_an_error_of_one_line_or_kept(option, value):
    result = made(*option, value)
    if isinstance(result, AsymnasError):
        assert str(result).isprintable()
    else:
        json.dumps(result.to_dict())


def test_every_option_with_a_rule_has_bad_values_above():
    texts = {"text", "a path", "a sampler's name, or an Optuna sampler in Python"}
    for config, cases in BAD.items():
        ruled = {n for n, o in options_of(config).items() if o.rule.text not in texts}
        assert ruled <= {name for name, _ in cases}


@pytest.mark.parametrize(("config", "name", "text", "value"), TEXTS)
def test_text_is_read_as_on_the_command_line(config, name, text, value):
    read = getattr(MAKERS[config](**{name: text}), name)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("name", COUNTS + WHOLES)
def test_the_least_value_is_taken(name):
    assert getattr(StudyConfig(**{name: 1}), name) == 1


@pytest.mark.parametrize("config", MAKERS)
def test_configurations_are_frozen_and_take_keywords_alone(config):
    made = MAKERS[config]()
    with pytest.raises(FrozenInstanceError):
        made.rates = 5
    with pytest.raises(TypeError):
        config("x")
    with pytest.raises(TypeError):
        MAKERS[config](colour="red")


@pytest.mark.parametrize("name", sorted(OTHER))
def test_identity_is_what_a_continued_run_must_share(name):
    base, changed = StudyConfig(), StudyConfig(**{name: OTHER[name]})
    assert getattr(base, name) != OTHER[name]
    assert changed.to_dict() != base.to_dict()
    assert (changed.identity() == base.identity()) == (name in RUNTIME)


def test_every_field_is_either_identity_or_runtime():
    names = {field.name for field in fields(StudyConfig)}
    assert names == set(OTHER)
    assert set(StudyConfig().identity()) == names - RUNTIME


@pytest.mark.parametrize(
    "config",
    [
        StudyConfig(),
        StudyConfig(**OTHER),
        SweepConfig(study=STUDY),
        SweepConfig(
            study=STUDY, budgets=(1_000,), share_range=(0.3, 0.7), tolerance=0.2, until=0.05
        ),
        ConfirmationConfig(run_dir="x"),
        ConfirmationConfig(run_dir="x", presets=("mae",), device="cpu", timeout=3.5),
    ],
    ids=lambda config: type(config).__name__,
)
def test_to_dict_is_json_and_makes_the_same_config(config):
    stored = json.loads(json.dumps(config.to_dict()))
    assert stored == config.to_dict()
    assert type(config).from_dict(stored) == config


def test_what_another_version_stored_is_read_as_far_as_it_is_known():
    stored = {"dataset": "mnist", "objectives": ["mse"], "learning_rates": [1e-4, 1e-2]}
    config = StudyConfig.from_dict({**stored, "colour": "red"})
    assert config == StudyConfig(dataset="mnist", objectives=("mse",), learning_rates=(1e-4, 1e-2))
    sweep = SweepConfig.from_dict({"study": {"budget": 9_000, "colour": "red"}, "hue": 3})
    assert sweep == SweepConfig(study=StudyConfig(budget=9_000))
    assert ConfirmationConfig.from_dict({"run_dir": "x", "hue": 3}).run_dir == "x"


def test_a_stored_value_is_checked_like_a_given_one():
    with pytest.raises(ConfigError, match="trials must be a whole number of at least 1 but got 0"):
        StudyConfig.from_dict({**StudyConfig().to_dict(), "trials": 0})


def test_a_sampler_object_is_stored_by_its_class():
    class MySampler:
        pass

    assert StudyConfig(sampler=MySampler()).to_dict()["sampler"] == "MySampler"


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("digits", "digits"),
        ("folder:/home/me/holiday photos", "folder-holiday-photos"),
        ("csv:C:/x/wine.v2.csv", "csv-wine.v2"),
        ("npz:a/b.npz", "npz-b"),
        ("csv:a/b.csv?label=x/y.z&anomaly=w", "csv-b"),
    ],
)
def test_a_study_is_called_after_its_data(dataset, name):
    config = StudyConfig(dataset=dataset)
    assert config.name == name
    assert config.run_dir == f"runs/{name}"


def test_a_given_name_and_directory_stay():
    assert StudyConfig(name="mine").run_dir == "runs/mine"
    config = StudyConfig(name="mine", run_dir="/tmp/x")
    assert (config.name, config.run_dir) == ("mine", "/tmp/x")
    assert replace(config, trials=3).run_dir == "/tmp/x"


@pytest.mark.parametrize(
    ("given", "name", "run_dir"),
    [
        ({"trials": "3"}, "mine", "runs/mine"),
        ({"dataset": "wine"}, "wine", "runs/wine"),
        ({"dataset": "wine", "run_dir": "x"}, "wine", "x"),
        ({"dataset": "wine", "name": "my-wine"}, "my-wine", "runs/my-wine"),
        ({"name": "other"}, "other", "runs/other"),
        ({"run_dir": "x"}, "mine", "x"),
    ],
)
def test_a_changed_study_is_named_anew_after_other_data(given, name, run_dir):
    changed = StudyConfig(name="mine", budget=5_000).changed(given)
    assert (changed.name, changed.run_dir, changed.budget) == (name, run_dir, 5_000)


def test_a_directory_of_its_own_stays_when_the_name_changes():
    config = StudyConfig(name="mine", run_dir="/tmp/x")
    assert config.changed({"name": "other"}).run_dir == "/tmp/x"


def test_caps_and_data_are_the_fields_they_are_made_of():
    config = StudyConfig(**OTHER)
    assert config.caps() == Budget(
        total_params=30_000, encoder_params=10_000, decoder_params=10_000, macs=10**6
    )
    assert config.data() == DataSpec(
        name="mnist", root="/data", download=True, image_size=32, seed=2
    )
    assert StudyConfig(seed=3).data().seed == 3


@pytest.mark.parametrize(
    ("name", "source", "argument"),
    [("digits", "digits", ""), ("csv:a.csv", "csv", "a.csv"), ("npz:C:/a.npz", "npz", "C:/a.npz")],
)
def test_a_data_set_is_named_before_the_colon(name, source, argument):
    spec = DataSpec(name=name)
    assert (spec.source, spec.argument) == (source, argument)


@pytest.mark.parametrize(
    ("n_train", "examples"),
    [(1, 60_000), (10_000, 60_000), (15_000, 90_000), (30_000, 180_000), (10**6, 240_000)],
)
def test_default_examples_are_six_passes_within_limits(n_train, examples):
    assert default_examples(n_train) == examples


@pytest.mark.parametrize("value", [1, 6])
@pytest.mark.parametrize("name", ["screen", "seeds", "rates", "horizons"])
def test_a_sweep_may_be_small(name, value):
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
def test_a_sweep_of_a_study_that_holds_one_side_back_is_an_error(change, words):
    with pytest.raises(ConfigError, match=words):
        SweepConfig(study=replace(STUDY, **change))


def test_budgets_are_distinct_and_rise_and_follow_the_study_by_default():
    assert SweepConfig(study=STUDY).budgets == (5_000, 10_000, 20_000)
    assert SweepConfig(study=STUDY, budgets=(9_000, 300, 9_000)).budgets == (300, 9_000)


def test_shares_are_evenly_spaced_in_log_odds_with_the_compared_ones_among_them():
    grid = SweepConfig(study=STUDY).share_grid()
    assert grid == pytest.approx([1 / 9, 1 / 5, 1 / 3, 1 / 2, 2 / 3, 4 / 5, 8 / 9], abs=2e-4)
    assert set(grid) >= {1 / 3, 1 / 2, 2 / 3}
    assert SweepConfig(study=STUDY, shares=3).share_grid() == [1 / 3, 1 / 2, 2 / 3]
    for shares in (4, 5, 6, 12, 50):
        many = SweepConfig(study=STUDY, shares=shares, share_range=(0.05, 0.95)).share_grid()
        assert len(set(many)) == shares
        assert many == sorted(many)
        assert set(many) >= {1 / 3, 1 / 2, 2 / 3}
        if shares > 4:
            assert (many[0], many[-1]) == (0.05, 0.95)


def test_shares_that_may_be_added_lie_beyond_the_grid():
    beyond = SweepConfig(study=STUDY).farther_shares()
    assert beyond == pytest.approx([1 / 33, 1 / 17, 16 / 17, 32 / 33], abs=2e-4)
    assert SweepConfig(study=STUDY, share_range=(0.03, 0.97)).farther_shares() == []


@pytest.mark.parametrize("ends", [(0.35, 0.9), (0.1, 0.6), (0.2, 0.3)])
def test_a_range_without_the_compared_shares_is_an_error(ends):
    with pytest.raises(ConfigError, match="share_range must include 1/3 and 2/3"):
        SweepConfig(study=STUDY, share_range=ends)


def test_more_horizons_than_structures_is_an_error():
    with pytest.raises(ConfigError, match="at most the 3 structures but is 4"):
        SweepConfig(study=STUDY, structures=3, horizons=4)


def test_the_design_is_stored_with_its_shares_one_by_one():
    assert SweepConfig(study=STUDY, shares=3).design() == {
        "budgets": [5_000, 10_000, 20_000],
        "shares": [1 / 3, 1 / 2, 2 / 3],
        "structures": 6,
        "screen": 3,
        "rates": 3,
        "horizons": 2,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("budgets", (20_000,)),
        ("shares", 5),
        ("share_range", (0.2, 0.8)),
        ("structures", 3),
        ("horizons", 0),
        ("screen", 1),
        ("rates", 2),
    ],
)
def test_another_design_is_another(name, value):
    sweep = SweepConfig(study=STUDY)
    changed = replace(sweep, **{name: value})
    assert changed.design() != sweep.design()
    assert changed.identity() != sweep.identity()


@pytest.mark.parametrize("change", [{"seeds": 9}, {"until": 0.02}, {"tolerance": 0.05}])
def test_more_seeds_or_another_tolerance_are_the_same_design(change):
    sweep = SweepConfig(study=STUDY)
    assert replace(sweep, **change).design() == sweep.design()
    assert replace(sweep, **change).identity() == sweep.identity()


def test_a_confirmation_has_enough_seeds_by_default():
    wanted = ConfirmationConfig(run_dir="runs/digits")
    assert (wanted.seeds, wanted.top) == (8, 3)
    assert ConfirmationConfig(run_dir="x", seeds=1, top=1, rates=1, margin=0.5).seeds == 1


def test_a_password_is_not_in_the_text_of_a_configuration() -> None:
    config = StudyConfig(storage="postgresql://me:secret@db/studies")
    assert "secret" not in repr(config)
    assert "secret" not in repr(SweepConfig(study=config))
