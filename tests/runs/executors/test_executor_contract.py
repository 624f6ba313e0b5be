"""Any standard executor trains the same: losses and checkpoints are those of one thread."""

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from problems import space_of

from asymnas.core.config import DataSpec
from asymnas.networks.families import Problem
from asymnas.runs.executors.local import LocalProcesses
from asymnas.runs.executors.own_process import OwnProcess
from asymnas.training.checkpoints import read_checkpoint
from asymnas.training.rung import Job, RungResult, train_rung

KINDS = ("plain", "vq", "variational", "denoising")
EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(3),
    "this process": OwnProcess,
    "spawned processes": lambda: ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,  # sums depend on how many threads share them
        initargs=(1,),
    ),
    "local processes": lambda: LocalProcesses(1),
}


def jobs(folder: Path) -> list[Job]:
    """The first rung of several candidates: families and kinds with draws of their own."""
    problems = {"dense": "dense", "conv2d": "dense", "transformer": "spatial"}
    architectures = [
        space_of(family, Problem(shape=(1, 8, 8), latent=6, bottleneck=bottleneck), budget=10_000)
        .sample(seed)
        .architecture
        for family, bottleneck in problems.items()
        for seed in range(2)
    ]
    dense = Problem(shape=(1, 8, 8), latent=8)
    architectures += [
        space_of("dense", dense, kind=kind, budget=10_000).sample(0).architecture for kind in KINDS
    ]
    return [
        Job(
            architecture=architecture,
            data=DataSpec(name="digits"),
            learning_rate=3e-3,
            batch_size=64,
            seed=number,
            until=4,
            total=8,
            device="cpu",
            save=folder / f"{number}.pt",
        )
        for number, architecture in enumerate(architectures)
    ]


def finish(job: Job) -> Job:
    """The second and last rung of a job."""
    save = job.save.with_suffix(".end.pt") if job.save else None
    return replace(job, until=8, checkpoint=job.save, save=save, metrics=("mse", "active_units"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> list[tuple[Job, RungResult]]:
    """The jobs, both rungs, in this thread."""
    both = jobs(tmp_path_factory.mktemp("alone"))
    both += [finish(job) for job in both]
    return [(job, train_rung(job)) for job in both]


def train_all(executor: Executor, folder: Path) -> list[tuple[Job, RungResult]]:
    begun = jobs(folder)
    trained = []
    for rung in (begun, [finish(job) for job in begun]):
        futures = [executor.submit(train_rung, job) for job in rung]
        results = [future.result(timeout=600) for future in futures]
        trained += zip(rung, results, strict=True)
    return trained


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
@pytest.mark.slow
@pytest.mark.essential
def test_losses_and_weights_are_those_of_one_thread(executor, alone, tmp_path):
    with executor() as workers:
        trained = train_all(workers, tmp_path)
    for (job, result), (expected_job, expected) in zip(trained, alone, strict=True):
        assert result.metrics == expected.metrics
        assert result.failure == expected.failure
        if expected.failure:
            continue
        saved, again = read_checkpoint(job.save), read_checkpoint(expected_job.save)
        assert saved["step"] == again["step"] == job.until
        assert saved["model"].keys() == again["model"].keys()
        for name, weight in again["model"].items():
            assert torch.equal(saved["model"][name], weight)
        for number, moments in again["optimizer"]["state"].items():
            for name, moment in moments.items():
                assert torch.equal(saved["optimizer"]["state"][number][name], moment)
