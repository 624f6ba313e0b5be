"""A run's settings: what is refused, what it is called, what makes it the same run."""

import json
from dataclasses import fields, replace

import pytest

from asymnas.core.budget import Budget
from asymnas.core.config import RUNTIME_FIELDS, DataSpec, StudyConfig, default_examples
from asymnas.core.errors import ConfigError

COUNTS = ("trials", "latent", "batch_size", "examples", "image_size", "workers")
CAPS = ("budget", "max_encoder_params", "max_decoder_params", "max_macs")

REFUSED = [
    *[(name, value) for name in COUNTS + CAPS for value in (0, -1, 2.5, "many")],
    ("seed", -1),
    ("seed", 0.5),
    ("timeout", 0),
    ("timeout", -1.5),
    ("timeout", float("nan")),
    ("learning_rates", (0.0, 0.1)),
    ("learning_rates", (-0.1, 0.1)),
    ("learning_rates", (0.1, 0.1)),
    ("learning_rates", (0.2, 0.1)),
    ("learning_rates", (float("nan"), 0.1)),
    ("learning_rates", (0.1, float("inf"))),
    ("learning_rates", (0.1, 0.2, 0.3)),
    ("bottleneck", "round"),
    ("device", "abacus"),
    ("precision", "fp8"),
    ("objectives", ()),
    ("objectives", ("val_loss", "val_loss")),
    ("objectives", "mse"),
]

#: For each field a value that no default has.
OTHER = {
    "dataset": "mnist",
    "data_root": "/data",
    "download": True,
    "image_size": 32,
    "name": "another",
    "family": "dense",
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
    "timeout": 60.0,
    "examples": 100_000,
    "batch_size": 32,
    "learning_rates": (1e-4, 1e-2),
    "sampler": "random",
    "pruner": "none",
    "symmetric": True,
    "enqueue": ("reference",),
    "workers": 3,
    "device": "cpu",
    "precision": "fp32",
    "seed": 1,
    "run_dir": "elsewhere",
    "storage": "sqlite:///x.db",
}


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_bad_value_is_refused_by_name_and_value(name, value):
    with pytest.raises(ConfigError) as caught:
        StudyConfig(**{name: value})
    message = str(caught.value)
    assert name in message
    for part in value if isinstance(value, tuple) else [value]:
        assert str(part) in message
    assert "\n" not in message


@pytest.mark.parametrize("name", COUNTS + CAPS)
def test_the_least_value_is_taken(name):
    assert getattr(StudyConfig(**{name: 1}), name) == 1


@pytest.mark.parametrize("name", sorted(OTHER))
def test_identity_is_what_a_continued_run_must_share(name):
    base, changed = StudyConfig(), StudyConfig(**{name: OTHER[name]})
    assert getattr(base, name) != OTHER[name]
    assert changed.to_dict() != base.to_dict()
    assert (changed.identity() == base.identity()) == (name in RUNTIME_FIELDS)


def test_every_field_is_either_identity_or_runtime():
    names = {field.name for field in fields(StudyConfig)}
    assert names == set(OTHER)
    assert names >= RUNTIME_FIELDS
    assert set(StudyConfig().identity()) == names - RUNTIME_FIELDS


def test_to_dict_is_json_and_makes_the_same_config():
    config = StudyConfig(**OTHER)
    stored = json.loads(json.dumps(config.to_dict()))
    assert stored == config.to_dict()
    assert StudyConfig.from_dict(stored) == config
    assert StudyConfig.from_dict(StudyConfig().to_dict()) == StudyConfig()


def test_what_an_earlier_or_later_version_stored_is_read_as_far_as_it_is_known():
    stored = {"dataset": "mnist", "objectives": ["mse"], "learning_rates": [1e-4, 1e-2]}
    config = StudyConfig.from_dict({**stored, "colour": "red"})
    assert config == StudyConfig(dataset="mnist", objectives=("mse",), learning_rates=(1e-4, 1e-2))


def test_a_stored_value_is_checked_like_a_given_one():
    with pytest.raises(ConfigError, match="trials must be at least 1 but got 0"):
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


def test_caps_and_data_are_the_fields_they_are_made_of():
    config = StudyConfig(**OTHER)
    assert config.caps() == Budget(
        total_params=30_000, encoder_params=10_000, decoder_params=10_000, macs=10**6
    )
    assert config.data() == DataSpec(
        name="mnist", root="/data", download=True, image_size=32, seed=1
    )


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
