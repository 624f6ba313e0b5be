"""What estimators make of examples, as people who use scikit-learn have them."""

import pickle
import pickletools
import tempfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from asymnas import Architecture, Autoencoder, AutoencoderSearch, StudyConfig
from asymnas.core.declarations import options_of
from asymnas.estimators.base import seed_of

TINY: dict[str, Any] = {
    "budget": 2_000,
    "latent": 2,
    "examples": 128,
    "random_state": 0,
    "device": "cpu",
}
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(40, 4)) * [1, 10, 100, 1000]
BITS = (RNG.random((40, 6)) < 0.5).astype(float)
GREY = RNG.random((40, 8, 8))
COLOUR = RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
PEOPLE = pd.DataFrame(
    {
        "age": RNG.integers(20, 60, 40).astype(float),
        "town": ["Ulm", "Bonn"] * 20,
        "born": pd.date_range("2000-01-01", periods=40, freq="D"),
    }
)


@pytest.fixture(scope="module")
def fitted() -> Autoencoder:
    return Autoencoder(**TINY).fit(ROWS)


def test_the_parameters_of_a_search_are_the_options_of_a_study() -> None:
    given = AutoencoderSearch().get_params()
    own = {"n_jobs", "random_state", "run_dir"}
    options = {name: option.value for name, option in options_of(StudyConfig).items()}
    named_otherwise = {"seed", "split_seed", "workers", "run_dir", "name", "storage"}
    of_files = {"dataset", "data_root", "download", "image_size"}
    of_clusters = {"executor", "gpus_per_trial"}  # data in memory are on this machine
    assert set(given) - own == set(options) - named_otherwise - of_files - of_clusters
    defaults = {**options, "metrics": ()}  # measuring what nobody reads takes longer than a fit
    assert {n: v for n, v in given.items() if n not in own} == {
        n: v for n, v in defaults.items() if n in given and n not in own
    }


@pytest.mark.parametrize(
    ("X", "family", "shape", "dtype"),
    [
        pytest.param(ROWS, None, (4,), np.float64, id="rows"),
        pytest.param(ROWS.astype(np.float32), None, (4,), np.float32, id="rows of float32"),
        pytest.param(ROWS.tolist(), None, (4,), np.float64, id="lists"),
        pytest.param(pd.DataFrame(ROWS), None, (4,), np.float64, id="a frame of numbers"),
        pytest.param(torch.tensor(ROWS).float(), None, (4,), np.float32, id="a tensor"),
        pytest.param(torch.tensor(ROWS).half(), None, (4,), np.float32, id="a tensor of halves"),
        pytest.param(BITS.astype(bool), None, (6,), np.float64, id="truth values"),
        pytest.param(GREY, None, (8, 8), np.float64, id="grey images"),
        pytest.param(GREY[:, None], None, (1, 8, 8), np.float64, id="images of one channel"),
        pytest.param(COLOUR, None, (8, 8, 3), np.uint8, id="bytes, channels last"),
        pytest.param(torch.tensor(COLOUR), None, (8, 8, 3), np.uint8, id="a tensor of bytes"),
        pytest.param(GREY, "conv1d", (8, 8), np.float64, id="signals of 8 channels"),
        pytest.param(GREY[:, None], "dense", (1, 8, 8), np.float64, id="images, fully connected"),
    ],
)
def test_examples_come_back_in_their_form(X: Any, family: Any, shape: Any, dtype: Any) -> None:
    network = Autoencoder(**TINY, family=family).set_params(budget=20_000)
    Z = network.fit_transform(X)
    assert Z.shape == (40, 2)
    assert network.n_features_in_ == np.prod(shape)
    restored = network.inverse_transform(Z)
    assert restored.shape == (40, *shape)
    assert restored.dtype == (dtype if dtype == np.uint8 else Z.dtype)
    assert network.score_samples(X).shape == (40,)
    if family == "conv1d":
        assert network.architecture_.shape == (8, 8)


@pytest.mark.parametrize("X", [BITS, GREY, ROWS], ids=["bits", "images", "rows"])
def test_the_score_is_the_error_in_values_as_the_network_sees_them(X: Any) -> None:
    network = Autoencoder(**TINY).set_params(budget=20_000).fit(X)
    restored = network.inverse_transform(network.transform(X))
    scale: Any = 1.0
    if X is ROWS:  # fitted on nine tenths of the rows, so that the columns' own is near
        scale = ROWS.std(axis=0)
    errors = ((X - restored) / scale).reshape(40, -1) ** 2
    np.testing.assert_allclose(
        network.score_samples(X), -errors.mean(axis=1), rtol=0.3 if X is ROWS else 1e-5
    )
    assert network.score(X) == pytest.approx(network.score_samples(X).mean())


@pytest.mark.slow
@pytest.mark.essential
def test_an_outlier_scores_lower() -> None:
    inliers = RNG.normal(size=(100, 1)) @ RNG.normal(size=(1, 5))
    network = Autoencoder(**{**TINY, "latent": 1, "examples": 10_000}).fit(inliers)
    scores = network.score_samples([*inliers[:5], [9, -9, 9, -9, 9]])
    assert scores[5] < scores[:5].min() < 0


def test_a_table_is_encoded_and_comes_back_as_one() -> None:
    network = Autoencoder(**TINY).fit(PEOPLE)
    assert network.architecture_.shape == (4,)  # age, born, and a column per town
    assert list(network.feature_names_in_) == ["age", "town", "born"]
    restored = network.inverse_transform(network.transform(PEOPLE))
    assert list(restored.columns) == ["age", "town", "born"]
    assert set(restored["town"]) <= {"Ulm", "Bonn"}
    assert restored["born"].dtype.kind == "M"
    gaps = PEOPLE.assign(age=[np.nan, *PEOPLE["age"][1:]])
    assert np.isfinite(network.transform(gaps)).all()
    with pytest.raises(ValueError, match="column town has the level"):
        network.transform(PEOPLE.assign(town="Kiel"))
    with pytest.raises(ValueError, match="feature names should match"):
        network.transform(PEOPLE[["town", "age", "born"]])
    again = pickle.loads(pickle.dumps(network))
    assert (again.transform(PEOPLE) == network.transform(PEOPLE)).all()


@pytest.mark.parametrize(
    ("changed", "X", "message"),
    [
        ({"budget": "20q"}, ROWS, "budget must be a count"),
        ({"budget": 3}, ROWS, "smallest has"),
        ({"latent": 0}, ROWS, "latent must be a whole number of at least 1"),
        ({"decoder_share": 1}, ROWS, "decoder_share must be a number between 0 and 1 but got 1"),
        ({"learning_rate": -1}, ROWS, "learning_rate must be a number above 0 but got -1"),
        ({"architecture": 7}, ROWS, "architecture must be an Architecture"),
        ({"architecture": "scvi2"}, ROWS, "no preset is called 'scvi2'"),
        ({"architecture": "taesd"}, ROWS, "conv2d"),
        ({"random_state": -1}, ROWS, "random_state must be None"),
        ({"kind": "plain:loss=bce"}, ROWS, "needs values from 0 to 1"),
        ({"learning_rate": 1e9, "examples": 9_000}, ROWS, "diverged|not finite|collapsed"),
        ({}, ROWS[:2], "2 sample.* minimum of 3"),
        ({}, PEOPLE[:2], "2 sample"),
        ({}, np.ones((9, 3)), "are alike"),
        ({}, ROWS[0], "Expected 2D array"),
        ({}, [["a", "b"]] * 9, "could not convert string|dtype='numeric'"),
        ({}, np.where(ROWS > 0, np.nan, ROWS), "contains NaN"),
        ({}, np.full((9, 2, 2), np.inf), "contains infinity"),
        ({}, np.empty((0, 8, 8)), "0 sample"),
        ({}, np.ones((4, 2, 2, 2, 2)), "must be rows"),
    ],
)
def test_what_cannot_be_fitted_is_said(changed: Any, X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Autoencoder(**TINY).set_params(**changed).fit(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (ROWS[:, :3], "X has 3 features, but Autoencoder is expecting 4"),
        (np.full((2, 4), np.nan), "contains NaN"),
        (np.ones((2, 2, 2)), "takes rows of 4"),
    ],
)
def test_what_a_fitted_one_cannot_take_is_said(fitted: Autoencoder, X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted.transform(X)


def test_latents_of_another_number_are_said(fitted: Autoencoder) -> None:
    with pytest.raises(ValueError, match="Z has 3 features, but Autoencoder makes 2 latents"):
        fitted.inverse_transform(np.ones((1, 3)))
    with pytest.raises(NotFittedError):
        Autoencoder().inverse_transform(np.ones((1, 3)))


def test_a_pickle_holds_no_module_of_torch(fitted: Autoencoder, tmp_path: Path) -> None:
    expected = fitted.transform(ROWS)
    text = pickle.dumps(fitted)
    named = [arg for op, arg, _ in pickletools.genops(text) if isinstance(arg, str)]
    assert "asymnas.estimators.single" in named
    assert not [name for name in named if name.startswith("torch")]
    joblib.dump(fitted, tmp_path / "network.joblib")
    again = joblib.load(tmp_path / "network.joblib")
    assert (again.transform(ROWS) == expected).all()


@pytest.mark.parametrize("kind", ["variational", "vq:codes=4,width=2", "fsq", "denoising"])
def test_every_kind_gives_the_same_alone_as_among_others(kind: str) -> None:
    network = Autoencoder(**TINY, kind=kind).fit(ROWS)
    Z = network.transform(ROWS)
    np.testing.assert_allclose(network.transform(ROWS[7:8]), Z[7:8], rtol=1e-6)
    assert network.inverse_transform(Z).shape == ROWS.shape


def test_random_states() -> None:
    assert seed_of(5) == seed_of(np.int64(5)) == 5
    states = [np.random.RandomState(3) for _ in range(2)]
    assert seed_of(states[0]) == seed_of(states[1])
    assert seed_of(states[0]) != seed_of(np.random.RandomState(3))
    before = torch.get_rng_state()
    Autoencoder(**TINY).fit_transform(ROWS)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
@pytest.mark.essential
def test_an_architecture_that_is_given_is_trained(fitted: Autoencoder) -> None:
    other = Autoencoder(fitted.architecture_, **{**TINY, "latent": 9, "budget": 5})
    assert clone(other).fit(ROWS).architecture_ == fitted.architecture_
    assert (other.fit(ROWS).transform(ROWS) == fitted.transform(ROWS)).all()
    by_name = Autoencoder("scvi", **TINY).fit(ROWS).architecture_
    assert len(by_name.encoder.widths) == 4
    stored = Autoencoder(by_name.to_dict(), **TINY).fit(ROWS)
    assert stored.architecture_ == by_name
    with pytest.raises(ValueError, match=r"for examples of shape \(4,\) but those of X are \(3,\)"):
        other.fit(ROWS[:, :3])
    assert isinstance(by_name, Architecture)


@pytest.mark.slow
@pytest.mark.essential
def test_the_decoder_share_is_what_is_asked_for() -> None:
    grid = GridSearchCV(
        Autoencoder(**TINY), {"decoder_share": [0.2, 0.8]}, cv=2, error_score="raise"
    ).fit(ROWS)
    wanted = grid.best_params_["decoder_share"]
    got = grid.best_estimator_.architecture_
    assert got.decoder_share == pytest.approx(wanted, abs=0.05)
    assert 1_900 <= got.counts.total_params <= 2_000


def test_columns_of_a_frame_and_named_outputs() -> None:
    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    network = Autoencoder(**TINY)
    both = ColumnTransformer(
        [("latent", make_pipeline(StandardScaler(), network), ["a", "b"])], remainder="passthrough"
    ).set_output(transform="pandas")
    made = both.fit_transform(frame)
    assert list(made.columns) == [
        "latent__autoencoder0",
        "latent__autoencoder1",
        "remainder__c",
        "remainder__d",
    ]


@pytest.mark.slow
@pytest.mark.essential
def test_the_run_of_a_search_is_deleted_or_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    search = AutoencoderSearch(**TINY, trials=2).fit(ROWS)
    assert not list((tmp_path / "temporary").iterdir())
    assert len(search.trials_) >= 2
    assert (
        search.best_loss_ == search.front_["val_loss"].iloc[0] == search.trials_["val_loss"].min()
    )
    assert search.best_architecture_.counts.total_params <= 2_000

    kept = clone(search).set_params(run_dir=tmp_path / "run").fit(ROWS)
    assert (tmp_path / "run" / "report.html").is_file()
    assert (kept.transform(ROWS) == search.transform(ROWS)).all()
    with pytest.raises(Exception, match="name another"):
        clone(kept).fit(ROWS[:30])
    more = clone(kept).set_params(trials=3).fit(ROWS)
    assert len(more.trials_) > len(kept.trials_)
