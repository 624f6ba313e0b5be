"""Training: a rung is a function of its job, whatever the number of rungs or the process."""

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from marks import essential_first, fast_first
from problems import space_of

from asymnas.core.config import DataSpec
from asymnas.data.base import load_dataset
from asymnas.networks.architecture import Architecture, unsupported_reason
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.families.dense import DenseSide
from asymnas.networks.kinds import KINDS
from asymnas.runs.executors.local import local_processes
from asymnas.training.checkpoints import load_weights, read_checkpoint, write_checkpoint
from asymnas.training.evaluation import evaluate
from asymnas.training.measurement import evenly_spaced, measure
from asymnas.training.optimizer import learning_rate_at
from asymnas.training.rung import COLLAPSE_STEPS, Job, rung_steps, train_rung
from asymnas.training.steps import arithmetic

DIGITS = DataSpec(name="digits")
DATA = {"digits": Problem(shape=(1, 8, 8), latent=6), "signals": Problem(shape=(2, 128), latent=6)}
METRICS = ("active_units", "mae", "mse", "psnr")  # that any kind, family and data have
RUNGS = (7, 14, 27, 40)  # of 64 examples, so that a pass of 1,295 ends within the third


def job_of(family="conv2d", seed=0, **changes) -> Job:
    """A job on the first data set that the family takes."""
    entry = FAMILIES.get(family)
    name = next(name for name, problem in DATA.items() if entry.unsupported_reason(problem) is None)
    settings = {
        "architecture": space_of(family, DATA[name], budget=10_000).sample(seed).architecture,
        "data": DataSpec(name=name),
        "learning_rate": 3e-3,
        "batch_size": 64,
        "seed": 5,
        "until": RUNGS[-1],
        "total": RUNGS[-1],
        "device": "cpu",
    }
    return Job(**{**settings, **changes})


def job_of_kind(kind, **changes) -> Job:
    """A job on digits of an architecture that the kind takes."""
    for family, bottleneck in (("dense", "dense"), ("transformer", "spatial")):
        problem = replace(DATA["digits"], bottleneck=bottleneck, latent=8)
        if unsupported_reason(family, family, problem, kind) is None:
            space = space_of(family, problem, kind=kind, budget=10_000)
            return job_of(architecture=space.sample(0).architecture, **changes)
    raise AssertionError(f"no architecture here is for {kind}")


@pytest.fixture
def files(tmp_path):
    """Names of files that do not exist yet."""
    return (tmp_path / f"{number}.pt" for number in itertools.count())


@pytest.fixture
def trained(files):
    """Trains a rung; returns its result and the file it is saved to."""

    def trained(job):
        job = replace(job, save=next(files))
        return train_rung(job), job.save

    return trained


def assert_same(one, other):
    """The same metrics, weights, moments and step."""
    (result, file), (again_result, again_file) = one, other
    assert result.metrics == again_result.metrics
    saved, again = read_checkpoint(file), read_checkpoint(again_file)
    assert saved["step"] == again["step"]
    assert saved["model"].keys() == again["model"].keys()
    assert all(torch.equal(saved["model"][n], again["model"][n]) for n in saved["model"])
    for number, moments in saved["optimizer"]["state"].items():
        same = again["optimizer"]["state"][number]
        assert all(torch.equal(moments[name], same[name]) for name in moments)


@pytest.mark.parametrize("seed", [pytest.param(0, marks=pytest.mark.essential), 1, 2])
@pytest.mark.parametrize("family", FAMILIES.names())
@pytest.mark.slow
def test_rung_by_rung_is_bit_identical_to_straight_through(family, seed, trained, files):
    job = job_of(family, seed, metrics=METRICS)
    straight = trained(job)
    checkpoint, losses = None, []
    for until in RUNGS:
        torch.manual_seed(until)
        rung = replace(job, until=until, checkpoint=checkpoint, save=next(files))
        result = pickle.loads(pickle.dumps(train_rung(pickle.loads(pickle.dumps(rung)))))
        assert read_checkpoint(rung.save)["step"] == until
        checkpoint = rung.save
        losses.append(result.metrics["val_loss"])
    assert not result.failure
    assert_same((result, checkpoint), straight)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("family", essential_first(FAMILIES.names(), 2))
def test_what_ran_before_in_the_process_does_not_matter(family, trained):
    job = job_of(family)
    first = trained(job)
    train_rung(job_of(family, seed=1, until=3, data=replace(job.data, seed=9)))
    torch.manual_seed(123)
    np.random.seed(7)
    assert_same(trained(job), first)
    other = train_rung(replace(job, seed=6))
    assert other.metrics["val_loss"] != first[0].metrics["val_loss"]
    other = train_rung(replace(job, data=replace(job.data, seed=9)))
    assert other.metrics["val_loss"] != first[0].metrics["val_loss"]


@pytest.mark.slow
def test_the_process_does_not_matter(trained, files):
    jobs = [replace(job_of(family), save=next(files)) for family in FAMILIES.names()]
    first = replace(jobs[0], until=RUNGS[1], save=next(files))
    with local_processes(1) as executor:
        there = [(executor.submit(train_rung, job).result(), job.save) for job in jobs]
        executor.submit(train_rung, first).result()
    for job, result in zip(jobs, there, strict=True):
        assert_same(trained(job), result)
    assert_same(trained(replace(jobs[0], checkpoint=first.save)), there[0])


def test_no_weights_are_sent_between_processes(files):
    """What a worker is sent and what it answers are small, however large the network is."""
    first = job_of("dense", until=RUNGS[0], save=next(files))
    result = train_rung(first)
    second = replace(first, until=RUNGS[1], checkpoint=first.save, save=next(files))
    sent = [len(pickle.dumps(message)) for message in (first, result, second, train_rung(second))]
    assert max(sent) < first.save.stat().st_size / 10


@pytest.mark.slow
@pytest.mark.essential
def test_training_learns():
    data = load_dataset(DIGITS)
    job = job_of(seed=3, learning_rate=6e-3, until=300, total=300)
    result = train_rung(job)
    mean = data.train.float().mean(0) / 255
    baseline = float((data.validation.float() / 255 - mean).square().mean())
    assert result.metrics["val_loss"] < 0.5 * baseline
    assert result.metrics["val_loss"] < train_rung(replace(job, until=20)).metrics["val_loss"]
    assert result.seconds > 0
    assert result.cpu_seconds > 0


def test_weights_of_a_checkpoint_are_those_that_were_evaluated(trained):
    job = job_of(samples=True, metrics=("mse",))
    result, saved = trained(job)
    model = load_weights(job.architecture.build(), saved)
    data = load_dataset(DIGITS)
    found = evaluate(model, data.validation, ("mse",), kind="plain")
    assert found.loss == pytest.approx(result.metrics["val_loss"])
    assert found.metrics["mse"] == pytest.approx(result.metrics["mse"])
    x, output = result.samples
    assert x.dtype == output.dtype == np.float32
    np.testing.assert_array_equal(x, data.validation[:8].numpy() / np.float32(255))
    with torch.inference_mode():
        np.testing.assert_allclose(output, model(torch.from_numpy(x)).numpy(), atol=1e-5)
    assert train_rung(replace(job, samples=False)).samples is None


def test_a_rate_far_too_high_fails_with_its_name_and_without_a_checkpoint(trained):
    for rate, text in ((1e6, "1e+06"), (float("inf"), "inf")):
        job = job_of(learning_rate=rate, until=120, total=120, samples=True)
        result, saved = trained(job)
        assert result.failure.startswith("diverged: ")
        assert f"learning rate {text}" in result.failure
        assert "\n" not in result.failure
        assert not saved.exists()
        assert result.samples is None
        assert result.seconds > 0


def test_a_loss_that_turns_infinite_after_the_last_look_fails_too(trained):
    result, saved = trained(job_of(learning_rate=1e30, until=3, total=120))
    assert result.failure == "diverged: validation loss not finite at learning rate 1e+30"
    assert not saved.exists()


def test_bf16_trains_in_bf16_and_evaluates_in_fp32(trained):
    job = job_of("dense")
    full = train_rung(job)
    reduced, saved = trained(replace(job, precision="bf16"))
    assert not reduced.failure
    assert reduced.metrics["val_loss"] == pytest.approx(full.metrics["val_loss"], rel=0.05)
    assert reduced.metrics != full.metrics
    weights = read_checkpoint(saved)["model"]
    assert {w.dtype for w in weights.values()} == {torch.float32}
    model = load_weights(job.architecture.build(), saved)
    found = evaluate(model, load_dataset(DIGITS).validation, kind="plain")
    assert found.loss == pytest.approx(reduced.metrics["val_loss"], rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        *(pytest.param(kind, "fp32", marks=pytest.mark.essential) for kind in KINDS.names()),
        pytest.param("vq", "bf16", marks=pytest.mark.essential),
        *((kind, "bf16") for kind in KINDS.names() if kind != "vq"),
    ],
)
@pytest.mark.slow
def test_every_kind_trains_and_its_draws_follow_from_step_and_seed(kind, precision, trained):
    job = job_of_kind(kind, precision=precision)
    straight = trained(job)
    torch.manual_seed(3)
    half, saved = trained(replace(job, until=RUNGS[1]))
    assert not straight[0].failure
    assert_same(trained(replace(job, checkpoint=saved)), straight)
    assert straight[0].metrics["val_loss"] < half.metrics["val_loss"]


@pytest.mark.parametrize("kind", fast_first(KINDS.names(), 3))
def test_the_last_rung_reports_the_loss_on_as_many_training_examples_as_validate(kind, trained):
    job = job_of_kind(kind)
    assert "train_loss" not in train_rung(replace(job, until=RUNGS[2])).metrics
    result, saved = trained(job)
    data = load_dataset(DIGITS)
    assert len(data.validation) < len(data.train)
    model = load_weights(job.architecture.build(), saved)
    found = evaluate(model, data.train[: len(data.validation)], kind=kind)
    assert result.metrics["train_loss"] == pytest.approx(found.loss, rel=1e-6)
    assert set(result.metrics) == {"val_loss", "train_loss"}


def test_a_network_above_the_loss_worth_measuring_has_its_loss_alone():
    job = job_of("dense", metrics=("mae", "psnr"))
    loss = train_rung(job).metrics["val_loss"]
    measured = train_rung(replace(job, measure_below=loss)).metrics
    assert measured == train_rung(job).metrics
    assert {"mae", "psnr", "train_loss"} < measured.keys()
    assert train_rung(replace(job, measure_below=0.999 * loss)).metrics == {"val_loss": loss}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_early_rung_is_scored_on_examples_spread_over_the_validation_split(
    precision, trained, monkeypatch
):
    """In the arithmetic of training; the last rung on the whole split, in fp32."""
    monkeypatch.setattr("asymnas.training.rung.EARLY_EXAMPLES", 50)
    job = job_of("dense", precision=precision)
    data = load_dataset(DIGITS)
    part = data.validation[evenly_spaced(len(data.validation), 50)]

    def losses_of(saved, seen):
        model = load_weights(job.architecture.build(), saved)
        whole = evaluate(model, seen, kind="plain").loss
        with arithmetic("bf16", torch.device("cpu")):
            return {"fp32": whole, "bf16": evaluate(model, seen, kind="plain").loss}

    result, saved = trained(replace(job, until=RUNGS[0]))
    early = losses_of(saved, part)
    assert early["fp32"] != early["bf16"]
    assert result.metrics["val_loss"] == pytest.approx(early[precision], rel=1e-6)
    result, saved = trained(job)
    last = losses_of(saved, data.validation)["fp32"]
    assert result.metrics["val_loss"] == pytest.approx(last, rel=1e-6)


def test_a_rung_within_a_warm_up_is_scored_as_it_was_trained(trained):
    job = job_of_kind("variational")
    result, saved = trained(replace(job, until=RUNGS[0]))
    model, data = load_weights(job.architecture.build(), saved), load_dataset(DIGITS)
    now, in_full = (
        evaluate(model, data.validation, kind="variational", progress=progress).loss
        for progress in (RUNGS[0] / RUNGS[-1], 1.0)
    )
    assert result.metrics["val_loss"] == pytest.approx(now, rel=1e-6)
    assert now < in_full


class NoTestSplit:
    """Digits whose test split nothing may touch."""

    def __init__(self):
        data = load_dataset(DIGITS)
        self.train, self.validation = data.train, data.validation
        self.data_range, self.anomalies = data.data_range, None

    @property
    def test(self):
        raise AssertionError("the test split was read")


@pytest.mark.parametrize("until", RUNGS)
def test_nothing_reads_the_test_split_unasked(monkeypatch, until):
    monkeypatch.setattr("asymnas.training.rung.loaded_dataset", lambda spec, device: NoTestSplit())
    job = job_of("dense", until=until, samples=True, metrics=METRICS)
    assert not train_rung(job).failure
    with_test = replace(job, test=True)
    if until == RUNGS[-1]:
        with pytest.raises(AssertionError, match="the test split was read"):
            train_rung(with_test)
    else:
        assert train_rung(with_test).metrics == train_rung(job).metrics


def test_a_job_that_asks_is_scored_on_the_test_split_once_after_the_last_rung(trained):
    job = job_of("dense", test=True, metrics=METRICS)
    (result, saved), unasked = trained(job), train_rung(replace(job, test=False))
    extra = {"test_loss", *(f"test_{name}" for name in METRICS)}
    assert set(result.metrics) == set(unasked.metrics) | extra
    assert {n: v for n, v in result.metrics.items() if n not in extra} == unasked.metrics
    model = load_weights(job.architecture.build(), saved)
    found = measure(model, load_dataset(DIGITS), "test", METRICS, kind="plain")
    assert result.metrics["test_loss"] == pytest.approx(found.loss, rel=1e-6)
    assert set(found.metrics) == set(METRICS)
    for name, value in found.metrics.items():
        assert result.metrics[f"test_{name}"] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("until", RUNGS[:-1])
def test_rungs_before_the_last_take_the_loss_alone(until):
    assert set(train_rung(job_of(until=until, metrics=METRICS)).metrics) == {"val_loss"}


def test_metrics_for_pruning_are_measured_at_every_rung():
    job = job_of("dense", until=RUNGS[0], metrics=METRICS, every_rung=("mse", "active_units"))
    result, plain = train_rung(job), train_rung(replace(job, every_rung=()))
    assert set(result.metrics) == {"val_loss", "mse", "active_units"}
    assert result.metrics["val_loss"] == plain.metrics["val_loss"]


def dying(**changes):
    """A job at a rate at which every unit dies, and the output is the same for all examples."""
    side = DenseSide(widths=(16, 16), activation="relu")
    architecture = Architecture(
        encoder_family="dense",
        decoder_family="dense",
        encoder=side,
        decoder=side,
        shape=(1, 8, 8),
        latent=6,
    )
    schedule = {"learning_rate": 0.5, "until": COLLAPSE_STEPS, "total": COLLAPSE_STEPS}
    settings = {**schedule, "metrics": ("mse",)}
    return job_of(**{"architecture": architecture, "samples": True, **settings, **changes})


def test_a_collapse_fails_after_the_last_rung_with_its_figure_and_without_a_checkpoint(trained):
    result, saved = trained(dying(test=True))
    assert result.failure.startswith("collapsed: ")
    assert "learning rate 0.5" in result.failure
    assert "\n" not in result.failure
    assert not saved.exists()
    assert result.samples is None
    assert "test_loss" not in result.metrics
    assert not train_rung(dying(until=COLLAPSE_STEPS - 1)).failure
    assert not train_rung(dying(learning_rate=3e-3)).failure


def test_a_schedule_too_short_to_tell_never_collapses():
    assert not train_rung(dying(until=COLLAPSE_STEPS - 1, total=COLLAPSE_STEPS - 1)).failure


def test_losses_leave_anomalies_out(trained):
    spec = DataSpec(name="breast-cancer-anomalies")
    data = load_dataset(spec)
    problem = Problem(shape=data.shape, latent=4)
    job = job_of(
        architecture=space_of("dense", problem, budget=5_000).sample(0).architecture,
        data=spec,
        test=True,
        metrics=("mse",),
    )
    result, saved = trained(job)
    model = load_weights(job.architecture.build(), saved)
    for name, split in (("val_loss", "validation"), ("test_loss", "test"), ("test_mse", "test")):
        usual = getattr(data, split)[~getattr(data.anomalies, split)]
        found = evaluate(model, usual, kind="plain").loss
        assert result.metrics[name] == pytest.approx(found, rel=1e-6)
        assert found < evaluate(model, getattr(data, split), kind="plain").loss


@pytest.mark.parametrize(
    ("examples", "batch_size", "steps"),
    [
        (60_000, 64, (156, 313, 625, 938)),
        (600, 100, (1, 2, 4, 6)),
        (100, 100, (1,)),
        (1, 64, (1,)),
        (101, 100, (1, 2)),
    ],
)
def test_rungs_end_at_a_sixth_a_third_two_thirds_and_all(examples, batch_size, steps):
    assert rung_steps(examples, batch_size) == steps


@pytest.mark.parametrize(("examples", "steps"), [(60_000, (52,)), (57_000, (50,)), (56_900, ())])
def test_where_candidates_are_pruned_a_rung_at_an_eighteenth_comes_first(examples, steps):
    assert rung_steps(examples, 64, pruned=True) == (*steps, *rung_steps(examples, 64))


@pytest.mark.parametrize("kind", ["plain", "vq"])
def test_a_rate_ratio_gives_each_side_its_rate_and_what_is_shared_the_rate_itself(kind, trained):
    job = job_of_kind(kind, until=2)
    rate = job.learning_rate
    _, file = trained(replace(job, rate_ratio=4.0))
    groups = read_checkpoint(file)["optimizer"]["param_groups"]
    own = learning_rate_at(1, job.total, rate)
    assert [group["lr"] for group in groups] == pytest.approx(
        [own / 2, own * 2, own][: 2 + (kind == "vq")]
    )
    built = job.architecture.build()
    sides = [len(list(part.parameters())) for part in (built.encoder, built.decoder)]
    assert [len(group["params"]) for group in groups[:2]] == sides


def test_sides_of_different_rates_move_by_these(trained):
    job = job_of("dense", until=1)
    fresh = job.architecture.build(job.seed).state_dict()

    def moved(ratio):
        saved = read_checkpoint(trained(replace(job, rate_ratio=ratio))[1])["model"]
        return {name: (saved[name] - fresh[name]).abs().max().item() for name in fresh}

    alike, unlike = moved(1.0), moved(4.0)
    for name, change in alike.items():
        factor = 2.0 if name.startswith("decoder") else 0.5
        assert unlike[name] == pytest.approx(factor * change, rel=0.05)


def test_rungs_of_unlike_rates_are_bit_identical_to_straight_through(trained, files):
    job = job_of("dense", rate_ratio=0.5)
    straight, checkpoint = trained(job), None
    for until in RUNGS:
        rung = replace(job, until=until, checkpoint=checkpoint, save=next(files))
        result = train_rung(rung)
        checkpoint = rung.save
    assert_same((result, checkpoint), straight)


def test_a_checkpoint_from_before_sides_had_rates_is_continued(trained, files):
    job = job_of("dense")
    half = trained(replace(job, until=20))
    saved = read_checkpoint(half[1])
    model = job.architecture.build()
    model.load_state_dict(saved["model"])
    before = torch.optim.AdamW(model.parameters(), lr=job.learning_rate, fused=True)
    before.load_state_dict(saved["optimizer"])  # one group of all parameters
    write_checkpoint(file := next(files), model, before, saved["step"])
    assert_same(trained(replace(job, checkpoint=file)), trained(job))


def test_a_failure_names_both_rates():
    result = train_rung(job_of("dense", learning_rate=1e6, rate_ratio=2.0, total=400, until=400))
    assert "at learning rate 1e+06, the decoder's over the encoder's 2" in result.failure
