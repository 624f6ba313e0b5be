"""Workers of a Ray cluster: actors, each with a core and its part of a GPU.

A node that is lost takes its actors with it. The rungs that they were on go to other actors, and
actors in their place start wherever the cluster has room, now or when a node is added. Ray keeps
the prepared data once per node, in memory that its actors share; checkpoints travel with the calls.

Ray is imported when it is asked for.
"""

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any

from asymnas.core.config import StudyConfig
from asymnas.core.errors import ConfigError
from asymnas.core.text import one_line
from asymnas.data.prepared import PreparedData, arrays_of
from asymnas.runs.executors.pool import WorkerPool
from asymnas.runs.executors.worker import answer
from asymnas.training.loaded_data import receive

RAY = "ray"
REACHED_WITHIN = 10.0  # seconds

# Ray's own messages about its nodes go to standard output, where `--json` has its results.
_QUIET = {"RAY_DEDUP_LOGS_SKIP_REGEX": ".", "RAY_USAGE_STATS_ENABLED": "0"}


def on_ray(config: StudyConfig) -> bool:
    """Whether candidates train on a Ray cluster."""
    return config.executor.partition(":")[0] == RAY


def ray_workers(config: StudyConfig, prepared: PreparedData | None, ahead: str) -> WorkerPool:
    """Actors of the Ray cluster that a configuration names.

    Args:
        config: How many, and with how much of a GPU.
        prepared: The data of the run; nodes that do not see their file get them from Ray.
        ahead: Module that each actor imports before its first call.

    Raises:
        ConfigError: Ray is not installed, or its cluster cannot be reached.
    """
    ray = connected(config)
    wanted = {"num_cpus": 1, "num_gpus": _gpus_per_trial(config, ray), "max_restarts": 0}
    data = None
    if prepared is not None and prepared.path is not None:
        data = ray.put((prepared, arrays_of(prepared.path)))
    actor = ray.remote(_Actor).options(**wanted)
    start = partial(_RayWorker, ray, partial(actor.remote, ahead, data))
    return WorkerPool(
        [start for _ in range(config.workers or 1)],
        name="Ray worker",
        carries=True,
        see="; Ray's logs have its output",
    )


def usual_workers(config: StudyConfig) -> int:
    """As many candidates as the nodes of the cluster take at once.

    Raises:
        ConfigError: Ray is not installed, its cluster cannot be reached, or takes none.
    """
    ray = connected(config)
    share = _gpus_per_trial(config, ray)
    places = 0
    for node in ray.nodes():
        if node["Alive"]:
            gpus = node["Resources"].get("GPU", 0.0)
            of_gpus = int(gpus + 1e-9) * int(1 / share + 1e-9) if share else None
            cores = int(node["Resources"].get("CPU", 0.0))
            places += cores if of_gpus is None else min(cores, of_gpus)
    if not places:
        wanted = f"a core and {share:g} of a GPU" if share else "a core"
        raise ConfigError(
            f"no node of the Ray cluster has {wanted} for a candidate: give --workers N to wait "
            "until nodes are added"
        )
    return places


def connected(config: StudyConfig) -> Any:
    """The module `ray`, connected to the cluster that a configuration names.

    Without an address Ray takes the cluster of `RAY_ADDRESS` or of this machine, or begins one. A
    connection that is there is used. It lasts until the process ends.

    Raises:
        ConfigError: Ray is not installed, or its cluster cannot be reached.
    """
    address = config.executor.partition(":")[2] or None
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        ray: Any = import_module(RAY)
    except ImportError as error:
        raise ConfigError(
            f"--executor {config.executor} needs Ray, which is not here ({one_line(error)}): pip "
            "install 'asymnas[ray]'"
        ) from error
    if not ray.is_initialized():
        try:
            _check_reachable(address or os.environ.get("RAY_ADDRESS", ""))
            with _own_signals():
                ray.init(
                    address=address,
                    log_to_driver=False,
                    logging_level="ERROR",
                    include_dashboard=False,
                )
        except Exception as error:  # Ray raises several types for a cluster that is not there
            raise ConfigError(
                f"the Ray cluster of --executor {config.executor} cannot be reached: "
                f"{one_line(error)}; start it with `ray start --head`, or name the address that "
                "this prints, and set RAY_AUTH_MODE=token if the cluster has one"
            ) from error
    return ray


def _check_reachable(address: str) -> None:
    """Tries a `HOST:PORT` for some seconds; Ray itself tries for minutes.

    Raises:
        OSError: Nothing listens there.
    """
    host, _, port = address.rpartition(":")
    if host and "/" not in host and port.isdecimal():
        socket.create_connection((host, int(port)), REACHED_WITHIN).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps this process's way to end, which Ray replaces by its own."""
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if in_main:
            signal.signal(signal.SIGTERM, before)


def _gpus_per_trial(config: StudyConfig, ray: Any) -> float:
    """The part of a GPU for each candidate; none on a cluster that has none, if none is named."""
    if config.device == "cpu":
        return 0.0
    if config.gpus_per_trial is None and config.device == "auto":
        return 1.0 if ray.cluster_resources().get("GPU", 0) else 0.0
    return config.gpus_per_trial or 1.0


class _Actor:
    """What runs on a node: answers calls, one after another, in a process of its own.

    Args:
        ahead: Module to import before the first call.
        data: A run's data and their arrays, if nodes get them from Ray.
    """

    def __init__(self, ahead: str, data: tuple[PreparedData, Any] | None) -> None:
        if data is not None:
            receive(*data)
        with suppress(Exception, SystemExit):  # a call that needs it raises the same again
            import_module(ahead)

    def ready(self) -> None:
        """Returns once the actor has been made."""

    def answer(self, call: bytes) -> bytes:
        """Makes a call."""
        return answer(call)[1]


class _RayWorker:
    """An actor, as its pool sees it."""

    queues, has_ended = False, False

    def __init__(self, ray: Any, make: partial[Any]) -> None:
        self._ray, self._actor = ray, make()

    def wait_until_started(self) -> None:
        """Waits for a place on the cluster, and for the actor there."""
        self._ray.get(self._actor.ready.remote())

    def exchange(self, call: bytes) -> bytes:
        """Has the actor answer."""
        answered: bytes = self._ray.get(self._actor.answer.remote(call))
        return answered

    def kill(self) -> None:
        """Ends the actor's process, or takes it off the list of those that wait."""
        self._ray.kill(self._actor)

    def end(self) -> None:
        """Ends it; nothing waits for what is on another machine."""
        self.kill()

    def reason(self, error: Exception) -> str:
        """What Ray says of the actor's end, without its identifiers."""
        said = re.sub(r"\s*(class_name|actor_id|pid|namespace|ip|name): \S*", "", str(error))
        said = " ".join(said.split()).partition(" Some common causes")[0]
        return f"{type(error).__name__}: {said}"
