"""A network that nothing may touch unasked, and a small instance of every data set."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dataset_fakes import WRITERS, noise, write_wav
from PIL import Image

from asymnas.core.config import DataSpec


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Every attempt to reach the network: all fail; a test that expects some clears the list."""
    attempts: list[object] = []

    def refuse(*target: object, **_: object) -> None:
        attempts.append(target)
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield attempts
    assert attempts == []


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of the test's own, for caches."""
    place = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(place))
    return place


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], DataSpec]:
    """A spec of any registered data set: embedded, or small and freshly written."""

    def make(name: str) -> DataSpec:
        if name in WRITERS:
            root = tmp_path / "data"
            root.mkdir()
            WRITERS[name](root, monkeypatch)
            return DataSpec(name=name, root=str(root), image_size=16 if name == "celeba" else None)
        if name == "folder":
            for i, image in enumerate(noise(40, 9, 7, 3)):
                Image.fromarray(image).save(tmp_path / f"{i}.png")
            return DataSpec(name=f"folder:{tmp_path}")
        if name == "npz":
            np.savez(tmp_path / "a.npz", noise(40, 9, 7))
            return DataSpec(name=f"npz:{tmp_path / 'a.npz'}")
        if name == "audio":
            for i, sound in enumerate(noise(12, 200)):
                write_wav(tmp_path / f"{i}.wav", sound[:, None])
            return DataSpec(name=f"audio:{tmp_path}?window=64")
        if name == "csv":
            np.savetxt(tmp_path / "a.csv", noise(40, 4), delimiter=",")
            return DataSpec(name=f"csv:{tmp_path / 'a.csv'}")
        if name == "parquet":
            pytest.importorskip("pyarrow")
            pd.DataFrame(noise(40, 4)).rename(columns=str).to_parquet(tmp_path / "a.parquet")
            return DataSpec(name=f"parquet:{tmp_path / 'a.parquet'}")
        return DataSpec(name=name)

    return make
