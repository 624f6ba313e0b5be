"""Any standard executor trains the same: losses and checkpoints are those of one thread."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
import torch
from problems import space_of

from asymnas.core.config import DataSpec, StudyConfig
from asymnas.networks.families import Problem
from asymnas.runs.executors.local import local_processes
from asymnas.runs.executors.on_ray import ray_workers
from asymnas.runs.executors.own_process import OwnProcess
from asymnas.runs.executors.submitting import submitted_calls
from asymnas.training.checkpoints import read_checkpoint
from asymnas.training.rung import Job, RungResult, train_rung


@contextmanager
def dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed", reason="needs pip install distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        submitted_calls(partial(client.submit, pure=False), 2) as workers,
    ):
        yield workers


@contextmanager
def ray() -> Iterator[Executor]:
    """A cluster of this machine alone."""
    ray = pytest.importorskip("ray", reason="needs pip install 'asymnas[ray]'")
    with (
        TemporaryDirectory() as home,  # where Ray writes the token of a cluster
        patch.dict(os.environ, {"RAY_USAGE_STATS_ENABLED": "0", "HOME": home}),
    ):
        ray.init("local", num_cpus=1, include_dashboard=False, object_store_memory=80 * 2**20)
        try:
            config = StudyConfig(executor="ray", device="cpu", workers=1)
            with ray_workers(config, None, "") as workers:
                yield workers
        finally:
            ray.shutdown()


@contextmanager
def slurm_jobs() -> Iterator[Executor]:
    """As processes of this machine, which submitit starts in place of jobs."""
    submitit = pytest.importorskip("submitit", reason="needs pip install submitit")
    with TemporaryDirectory() as folder:
        jobs = submitit.AutoExecutor(folder, cluster="local")
        jobs.update_parameters(timeout_min=10)
        with submitted_calls(jobs.submit, 2) as workers:
            yield workers


KINDS = ("plain", "vq", "variational", "denoising")
CORE = {
    "threads": lambda: ThreadPoolExecutor(3),
    "this process": OwnProcess,
    "spawned processes": lambda: ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,  # sums depend on how many threads share them
        initargs=(1,),
    ),
    "local processes": lambda: local_processes(1),
}
IN_CI = ("threads", "this process", "local processes")
CLUSTERS = {"Dask": dask, "Ray": ray}


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


def train_all(executor: Executor, begun: list[Job]) -> list[tuple[Job, RungResult]]:
    trained = []
    for rung in (begun, [finish(job) for job in begun]):
        futures = [executor.submit(train_rung, job) for job in rung]
        results = [future.result(timeout=600) for future in futures]
        trained += zip(rung, results, strict=True)
    return trained


@pytest.mark.parametrize(
    "executor",
    [
        *(pytest.param(CORE[n], id=n, marks=pytest.mark.essential) for n in IN_CI),
        pytest.param(CORE["spawned processes"], id="spawned processes"),
        *(
            pytest.param(make, id=name, marks=pytest.mark.filterwarnings("ignore"))
            for name, make in CLUSTERS.items()
        ),
    ],
)
@pytest.mark.slow
def test_losses_and_weights_are_those_of_one_thread(executor, alone, tmp_path):
    with executor() as workers:
        check_equal(train_all(workers, jobs(tmp_path)), alone)


@pytest.mark.slow
def test_jobs_of_a_queue_train_as_one_thread_does(tmp_path, alone):
    """One of them: each of its rungs starts a process, as a job of Slurm would."""
    with slurm_jobs() as workers:
        trained = train_all(workers, jobs(tmp_path)[:1])
    check_equal(trained, [alone[0], alone[len(alone) // 2]])


def check_equal(trained: list[tuple[Job, RungResult]], alone: list[tuple[Job, RungResult]]) -> None:
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
