"""A Ray cluster that loses a node and gains one: the search is that of one local worker."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from asymnas.core import columns as t
from asymnas.core.config import StudyConfig
from asymnas.core.errors import ConfigError, WorkerError
from asymnas.runs.execute import execute
from asymnas.runs.executors.own_process import OwnProcess
from asymnas.runs.executors.tasks import Task, TaskQueue
from asymnas.runs.plan import SearchPlan, on_this_machine, plan_search
from asymnas.runs.snapshot import Snapshot

REASON = "needs Ray: pip install 'asymnas[ray]'"
MEMORY = 80 * 2**20  # bytes of a node's object store, about the least that Ray takes
NODE = {"num_cpus": 1, "object_store_memory": MEMORY}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three nodes on this machine: one that leads, and two with a core each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray", reason=REASON)
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": MEMORY, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.add_node(**NODE)
        cluster.add_node(**NODE)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def table_of(plan: SearchPlan, observe: Any = lambda snapshot: None, **where: Any) -> pd.DataFrame:
    with execute(plan, observe=observe, **where) as (run, ending):
        assert ending == "finished"
        return run.table[[t.TRIAL, t.STATE, t.VAL_LOSS, t.EXAMPLES, t.TOTAL_PARAMS]]


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_node_that_is_lost_and_one_that_is_added_change_no_trial(
    cluster: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = StudyConfig(
        dataset="digits",
        budget=4_000,
        examples=200_000,  # rungs of some tenths of a second, so that the node is lost in one
        trials=4,
        sampler="random",  # what it draws does not depend on how many train at once
        device="cpu",
        family="dense",
        executor=f"ray:{cluster.address}",
        run_dir=str(tmp_path / "cluster"),
    )
    plan = plan_search(config)
    assert plan.config.workers == 2
    seen: list[Snapshot] = []
    lost: list[str] = []
    failed = TaskQueue.failed

    def note(queue: TaskQueue, worker: Any, task: Task, failure: WorkerError) -> None:
        lost.append(str(failure))
        failed(queue, worker, task, failure)

    monkeypatch.setattr(TaskQueue, "failed", note)

    def lose_a_node(snapshot: Snapshot) -> None:
        if snapshot.finished and not seen:
            seen.append(snapshot)
            cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
            cluster.add_node(**NODE)

    table = table_of(plan, lose_a_node)
    alone = replace(config, executor="local", workers=1, run_dir=str(tmp_path / "alone"))
    assert seen
    assert lost
    pd.testing.assert_frame_equal(table, table_of(plan_search(alone), executor=OwnProcess()))
    assert len(table) == config.trials


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:6379"])
def test_a_cluster_that_is_not_there_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setitem(sys.modules, "ray", cast(Any, SimpleNamespace(is_initialized=bool)))
    with pytest.raises(ConfigError, match=rf"^the Ray cluster of --executor ray:{address} cannot"):
        plan_search(StudyConfig(budget=4_000, executor=f"ray:{address}"))


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"^--executor ray:a:1 needs Ray, .*'asymnas\[ray\]'$"):
        plan_search(StudyConfig(budget=4_000, executor="ray:a:1"))


def node(*, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"Alive": alive, "Resources": resources}


GPUS = [node(CPU=8, GPU=2), node(CPU=2, GPU=1), node(CPU=4)]


@pytest.mark.parametrize(
    ("nodes", "options", "workers"),
    [
        ([node(CPU=3), node(CPU=1.5), node()], {}, 4),
        ([node(CPU=3), node(CPU=64, alive=False)], {}, 3),
        ([node(CPU=300)], {}, 300),
        (GPUS, {}, 3),
        (GPUS, {"gpus_per_trial": 0.25}, 8 + 2),
        (GPUS, {"gpus_per_trial": 0.3}, 6 + 2),
        (GPUS, {"gpus_per_trial": 1 / 3}, 6 + 2),
        (GPUS, {"device": "cuda"}, 3),
        (GPUS, {"device": "cpu"}, 14),
        (GPUS, {"workers": 50}, 50),
        ([node(CPU=3)], {"device": "cuda"}, "a core and 1 of a GPU"),
        ([node(CPU=3)], {"gpus_per_trial": 0.5}, "a core and 0.5 of a GPU"),
        ([node(CPU=3)], {"gpus_per_trial": 0.5, "device": "cpu"}, 3),
        ([node()], {}, "a core"),
    ],
)
def test_as_many_train_at_once_as_the_nodes_take(
    monkeypatch: pytest.MonkeyPatch, nodes: Any, options: dict[str, Any], workers: int | str
) -> None:
    total = {"GPU": sum(n["Resources"].get("GPU", 0) for n in nodes if n["Alive"])}
    there = {"is_initialized": lambda: True, "nodes": lambda: nodes}
    ray = SimpleNamespace(**there, cluster_resources=lambda: total)
    monkeypatch.setitem(sys.modules, "ray", cast(Any, ray))
    config = StudyConfig(executor="ray", **options)
    if isinstance(workers, str):
        with pytest.raises(ConfigError, match=rf"has {workers} for a candidate: give --workers N"):
            on_this_machine(config)
    else:
        assert on_this_machine(config).workers == workers


def test_a_gpu_of_this_machine_by_its_number_is_none_of_a_cluster() -> None:
    with pytest.raises(ConfigError, match=r"^--device cuda:1 .* use --device cuda$"):
        StudyConfig(executor="ray", device="cuda:1")
