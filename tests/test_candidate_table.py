"""The tables of candidates: their law, what they are made of, their description, one row again."""

import json
import random
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from asymnas import Architecture, StudyConfig
from asymnas.core.config import DataSpec
from asymnas.core.provenance import setup
from asymnas.data.sources.fashion_mnist import DEBIAN as FASHION
from asymnas.runs.seeds import replicate_seed
from asymnas.training.rung import Job, train_rung

pytest.importorskip("optunahub")
pytest.importorskip("pyarrow")

STUDIES = Path(__file__).parents[1] / "studies"
#: How far a loss may be off on another processor or with other versions: rounding differs there,
#: and training enlarges the difference, up to about that between two seeds.
ELSEWHERE = 0.2


@pytest.fixture(autouse=True)
def studies(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDIES))


@pytest.fixture
def table():
    from candidate_table import load_package

    return load_package().Table("digits")


def trained_again(table, candidate, seed):
    """The rungs of a row's run, trained anew: losses by rung."""
    run = table.rows[(table.rows["candidate"] == candidate) & (table.rows["seed"] == seed)]
    first, about = run.iloc[0], table.about
    steps = [examples // about["batch_size"] for examples in table.rungs]
    for until in steps[: len(run)]:
        result = train_rung(
            Job(
                architecture=Architecture.from_dict(json.loads(first["architecture"])),
                data=DataSpec(name=about["dataset"], seed=about["study_seed"]),
                learning_rate=first["learning_rate"],
                rate_ratio=first["rate_ratio"],
                batch_size=about["batch_size"],
                seed=replicate_seed(about["study_seed"], seed),
                until=until,
                total=steps[-1],
                metrics=("mae", "psnr"),
                every_rung=("mae", "psnr"),
                device="cpu",
            )
        )
        yield result


def test_candidates_follow_from_their_number_and_fill_the_budget(tmp_path):
    from candidates import CandidateRuns, draw_candidate, plan_candidates

    space = plan_candidates("candidates_digits", tmp_path, None).space
    runs = CandidateRuns(space, 0, 40)
    assert len(runs) == 10 * 6  # of every four candidates one has three seeds
    assert [run.replicate for run in runs[:7]] == [0, 1, 2, 0, 0, 0, 0]
    assert [run.labels["cluster"] for run in runs[:7]] == [0, 0, 0, 1, 2, 3, 4]
    assert runs[0].architecture == runs[2].architecture != runs[3].architecture
    again, _ = draw_candidate(space, 0, 3)
    assert runs[5].architecture == again.architecture
    assert runs[5].learning_rate == again.learning_rate
    totals = [run.architecture.counts.total_params for run in runs]
    assert 0.97 * 20_000 <= min(totals) <= max(totals) <= 20_000
    shares = [run.architecture.decoder_share for run in runs]
    assert min(shares) < 0.15
    assert max(shares) > 0.85


@pytest.mark.slow
def test_every_table_is_planned_and_measured_alike(tmp_path):
    from candidates import CANDIDATES, METRICS, plan_candidates

    for name in CANDIDATES:
        if "fashion" in name and not FASHION.is_dir():
            continue
        plan = plan_candidates(name, tmp_path / name, 60.0)
        (phase,) = plan.phases(None)
        assert phase.every_rung == plan.config.metrics == METRICS
        assert plan.config.trials == len(phase.runs) == 1_500
        total = phase.runs[-1].architecture.counts.total_params
        assert 0.97 * plan.config.budget <= total <= plan.config.budget


@pytest.mark.slow
@pytest.mark.essential
def test_a_table_is_made_of_its_runs_in_chunks(tmp_path, monkeypatch):
    import candidates
    from candidate_table import croissant, load_package, write_table
    from run import chunk, progress_of

    tiny = StudyConfig(
        dataset="wine",
        family="dense",
        latent=2,
        budget=600,
        examples=2_000,
        batch_size=32,
        precision="fp32",
        metrics=("mae", "psnr"),
        sampler="random",
        pruner="none",
        workers=1,
    )
    monkeypatch.setitem(candidates.CANDIDATES, "candidates_tiny", tiny)
    monkeypatch.setattr(candidates, "CANDIDATE_COUNT", 3)
    runs, results, to = (tmp_path / name for name in ("runs", "results", "to"))
    places = {"runs": runs, "results": results}
    to.mkdir()
    assert not chunk("candidates_tiny", 1e-6, **places)
    shutil.rmtree(runs)  # another machine
    assert chunk("candidates_tiny", 10, **places)
    assert progress_of("candidates_tiny", results).runs == 5
    shutil.rmtree(runs)
    path = write_table("candidates_tiny", to=to, **places)
    content = path.read_bytes()
    (to / "croissant.json").write_text(json.dumps(croissant(to)))
    table = load_package().Table("tiny", folder=to)
    assert table.candidates == [0, 1, 2]
    assert table.query(0)["seeds"] == [0, 1, 2]
    assert len(table.rows) == 5 * len(table.rungs)
    for candidate, seed in ((0, 0), (0, 2), (2, 0)):
        for examples, again in zip(table.rungs, trained_again(table, candidate, seed), strict=True):
            row = table.query(candidate, at=examples, seed=seed)
            for loss in ("val_loss", "mae", "psnr"):
                assert row[loss] == again.metrics[loss], (candidate, seed, examples)
    assert (table.rows["cpu_seconds"] > 0).all()
    assert table.query(0, seed=0)["val_loss"] != table.query(0, seed=1)["val_loss"]
    write_table("candidates_tiny", to=to, **places)
    assert path.read_bytes() == content


def test_every_candidate_is_within_the_budget_and_has_its_whole_curve(table):
    rows = table.rows
    assert (rows["encoder_params"] + rows["decoder_params"] == rows["total_params"]).all()
    assert (rows["encoder_macs"] + rows["decoder_macs"] == rows["total_macs"]).all()
    assert rows["total_params"].max() <= table.about["budget"]
    for _, run in rows.groupby(["candidate", "seed"]):
        failed = (run["failure"] != "").to_numpy()
        assert not failed[:-1].any()
        assert failed[-1] or tuple(run["examples"]) == table.rungs
        assert (run["val_loss"].isna() == failed).all()
    assert all(name in rows for name in table.search_space)


def test_the_table_holds_what_this_version_draws(table, tmp_path):
    from candidates import draw_candidate, plan_candidates

    space = plan_candidates("candidates_digits", tmp_path, None).space
    for candidate in table.candidates[::10]:
        drawn, params = draw_candidate(space, table.about["study_seed"], candidate)
        assert table.params(candidate) == params
        assert table.find(drawn.architecture.to_dict()) == candidate
        counts = drawn.architecture.counts
        found = table.query(candidate)
        assert found["encoder_params"] == counts.encoder_params
        assert found["decoder_macs"] == counts.decoder_macs


def test_the_card_and_the_metadata_are_of_this_table(table):
    from candidate_card import card
    from candidate_table import COLUMNS, PACKAGE, croissant

    tables = [type(table)(file.stem) for file in sorted(PACKAGE.glob("*.parquet"))]
    assert (PACKAGE / "DATASET.md").read_text("utf-8") == card(tables)
    described = json.loads((PACKAGE / "croissant.json").read_text("utf-8"))
    assert described == croissant(PACKAGE)
    assert {*COLUMNS, *table.search_space} == set(table.rows)


def test_the_metadata_is_valid_croissant(table):
    mlcroissant = pytest.importorskip("mlcroissant")
    from candidate_table import PACKAGE

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdflib calls its own classes deprecated
        described = mlcroissant.Dataset(jsonld=str(PACKAGE / "croissant.json"))
        records = list(described.records("digits"))
    assert not described.metadata.issues.errors
    assert not described.metadata.issues.warnings
    losses = np.array([record["digits/val_loss"] for record in records], dtype=float)
    np.testing.assert_array_equal(losses, table.rows["val_loss"])


@pytest.mark.slow
def test_a_random_row_is_trained_again(table, capsys):
    """To the last bit where versions and processor are those of the table, else about the same."""
    ended = table.rows[(table.rows["examples"] == table.rungs[-1]) & (table.rows["failure"] == "")]
    row = ended.iloc[random.randrange(len(ended))]  # another one each time
    candidate, seed = int(row["candidate"]), int(row["seed"])
    alike = all(setup().get(name) == value for name, value in table.about["set_up"].items())
    tolerance = 0.0 if alike else ELSEWHERE
    for examples, again in zip(table.rungs, trained_again(table, candidate, seed), strict=True):
        known = table.query(candidate, at=examples, seed=seed)
        for loss in ("val_loss", "mae", "psnr"):
            assert again.metrics[loss] == pytest.approx(known[loss], rel=tolerance, abs=0), (
                candidate,
                seed,
            )
