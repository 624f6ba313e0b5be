"""The studies: what they compare, and that a chunk goes on from what the last one has kept."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from asymnas import StudyConfig, SweepConfig
from asymnas.data.sources.fashion_mnist import DEBIAN as FASHION

STUDIES = Path(__file__).parents[1] / "studies"


@pytest.fixture(autouse=True)
def studies(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDIES))


@pytest.mark.parametrize(
    ("study", "reference", "apart"),
    [
        ("reference_network", 2_615_363, 2e-3),
        ("reference_network_small", 82_033, 1e-2),
        ("reference_network_spatial", 81_854, 1.1e-2),
    ],
)
def test_arms_cross_where_with_how_at_one_total(study, reference, apart):
    from reference_network import CONTRASTS, NETWORKS, WIDER_LATENT

    every = NETWORKS[study].arms()
    networks = {name: arm for name, arm in every.items() if not name.endswith(WIDER_LATENT)}
    totals = {name: network.counts.total_params for name, network in networks.items()}
    shares = {name: network.decoder_share for name, network in networks.items()}
    assert totals["reference"] == reference
    larger = [total for name, total in totals.items() if name.startswith(("both", "enc", "dec"))]
    assert len(larger) == 6
    assert max(larger) <= (1 + apart) * min(larger)
    assert min(larger) == pytest.approx(1.5 * reference, rel=8e-3)
    for where, share in (("decoder", 2 / 3), ("encoder", 1 / 3), ("both", 1 / 2)):
        assert shares[f"{where}, wider"] == pytest.approx(share, abs=4e-3)
        assert shares[f"{where}, deeper"] == pytest.approx(share, abs=4e-3)
    for name, share in (("two thirds", 2 / 3), ("one third", 1 / 3)):
        assert shares[f"{name} in the decoder"] == pytest.approx(share, abs=4e-3)
        assert totals[f"{name} in the decoder"] == pytest.approx(reference, rel=3e-3)
    assert {name for _, *pair in CONTRASTS for name in pair} >= set(every)


def test_decoders_of_a_masked_autoencoder_differ_in_depth_or_size_alone():
    from masked_decoder import ONE_LARGE_BLOCK, arms

    networks = arms()
    assert len({network.encoder for network in networks.values()}) == 1
    depths = [len(network.decoder.hidden) for network in networks.values()]
    assert depths == [1, 2, 3, 4, 1]
    totals = [network.counts.total_params for network in networks.values()]
    assert totals[:4] == sorted(totals[:4])
    large = networks[ONE_LARGE_BLOCK].counts
    assert large.total_params == pytest.approx(totals[3], rel=5e-3)
    assert large.total_macs == networks["4 blocks"].counts.total_macs


def test_circles_and_squares_have_the_same_area_and_lie_inside_the_image():
    from masked_decoder import shapes

    images, classes = shapes(2_000)
    areas = images.sum((1, 2)) / 255
    for own in (areas[classes == 0], areas[classes == 1]):  # none is cut off, and sizes are all
        assert own.min() == pytest.approx(np.pi * 2.5**2, rel=0.1)
        assert own.max() == pytest.approx(np.pi * 4.5**2, rel=0.1)


def test_the_masked_autoencoders_are_planned(tmp_path, monkeypatch):
    from masked_decoder import IMAGES, NAME, SEEDS, arms, shapes
    from run import planned

    monkeypatch.chdir(tmp_path)
    IMAGES.parent.mkdir()
    images, classes = shapes(500)
    np.savez(IMAGES, x=images, y=classes)
    plan = planned(NAME, tmp_path / NAME, 60.0)
    assert plan.confirmation.seeds == SEEDS
    assert [contender.name for contender in plan.entered.contenders] == list(arms())
    assert "probe_accuracy" in plan.config.metrics


def test_a_study_that_was_run_in_one_go_is_done():
    from run import chunk, progress_of, report

    assert progress_of("deep_generator").done
    assert progress_of("deep_generator").runs == 391
    assert not progress_of("no such study").done
    with pytest.raises(SystemExit, match="in one go"):
        chunk("deep_generator", 1)
    with pytest.raises(SystemExit, match="in one go"):
        report("deep_generator")


@pytest.mark.slow
def test_every_sweep_is_planned(tmp_path):
    from run import planned
    from sweeps import SWEEPS, TABLE_FILES

    for name in SWEEPS:
        if name.startswith("fashion_mnist") and not FASHION.is_dir():
            continue
        if name.startswith(("wallpapers", *TABLE_FILES)):  # of packages that are fetched
            continue
        plan = planned(name, tmp_path / name, 60.0)
        assert plan.purpose == "sweep"
        assert plan.config.timeout == 60


@pytest.mark.slow
def test_a_chunk_goes_on_from_what_the_last_one_kept(tmp_path, monkeypatch):
    import sweeps
    from run import chunk, finished_runs, progress_of, report

    tiny = SweepConfig(
        study=StudyConfig(dataset="wine", latent=2, examples=2_000, batch_size=32, workers=1),
        budgets=(600,),
        shares=3,
        structures=3,
        screen=1,
        seeds=1,
        rates=1,
        horizons=0,
    )
    monkeypatch.setitem(sweeps.SWEEPS, "tiny_study", tiny)
    runs, results = tmp_path / "runs", tmp_path / "results"
    places = {"runs": runs, "results": results}
    with pytest.raises(SystemExit, match="no runs yet"):
        report("tiny_study", **places)
    assert not chunk("tiny_study", 1e-6, **places)
    before = progress_of("tiny_study", results)
    assert not before.done
    shutil.rmtree(runs)  # another machine
    assert chunk("tiny_study", 10, **places)
    after = progress_of("tiny_study", results)
    assert after.done
    assert after.runs == finished_runs(runs / "tiny_study" / "study.db") > before.runs
    shutil.rmtree(runs)
    assert chunk("tiny_study", 10, runs=tmp_path / "anew", results=tmp_path / "other")
    with pytest.raises(SystemExit, match="another run"):
        report("tiny_study", runs=tmp_path / "anew", results=results)
    assert "<html" in report("tiny_study", **places).read_text("utf-8")
    assert chunk("tiny_study", 10, **places)  # nothing is trained again
    assert progress_of("tiny_study", results).runs == after.runs
    assert sorted(path.name for path in (results / "tiny_study").iterdir()) == [
        "progress.json",
        "state.tar.xz",
        "summary.json",
        "trials.csv",
    ]
    assert json.loads((results / "tiny_study" / "summary.json").read_text())["purpose"] == "sweep"
