"""The table of trained candidates: read, checked, looked up."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pyarrow.parquet as pq
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

Distribution = CategoricalDistribution | FloatDistribution | IntDistribution
_HERE = Path(__file__).parent
LOSSES = ("val_loss", "mae", "psnr")
COUNTS = (
    "total_params",
    "encoder_params",
    "decoder_params",
    "total_macs",
    "encoder_macs",
    "decoder_macs",
)


class Table:
    """Candidates of one data set, drawn at random and trained to the end.

    Args:
        dataset: Which table: the name of a Parquet file beside this one, such as ``"digits"``.
        seed: Of the weights and batches: the candidates are those that were trained with it. All
            were trained with 0, some with 1 and 2 too.
        folder: Where the Parquet file and ``croissant.json``, which has its checksum, lie; by
            default this package.

    Attributes:
        rows: One row per candidate, seed and rung. ``val_loss`` (mean squared error), ``mae`` and
            ``psnr`` (dB) are of the validation split after ``examples`` training examples, and
            missing where the candidate failed; ``cpu_seconds`` is the time of this rung alone.
        search_space: Optuna's distribution of each parameter that was drawn.
        about: What the table was made of and with: ``dataset``, ``budget``, versions, processor, …
        rungs: Training examples at which candidates were measured, rising.

    Raises:
        FileNotFoundError: There is no such table.
        ValueError: The file's SHA-256 is not the published one, or no candidate has the seed.
    """

    def __init__(
        self, dataset: str = "digits", *, seed: int = 0, folder: Path | str = _HERE
    ) -> None:
        path = Path(folder) / f"{dataset}.parquet"
        if not path.is_file():
            there = sorted(file.stem for file in Path(folder).glob("*.parquet"))
            raise FileNotFoundError(f"no table is called {dataset!r}; there are: {there}")
        _check(path)
        read = pq.read_table(path)
        self.about: dict[str, Any] = json.loads(read.schema.metadata[b"about"])
        space = json.loads(read.schema.metadata[b"search_space"])
        self.search_space: dict[str, Any] = {
            name: optuna.distributions.json_to_distribution(text) for name, text in space.items()
        }
        self.rows: pd.DataFrame = read.to_pandas()
        self.rungs: tuple[int, ...] = tuple(sorted(self.rows["examples"].unique().tolist()))
        own = self.rows[self.rows["seed"] == seed]
        self._runs: dict[int, pd.DataFrame] = dict(iter(own.groupby("candidate")))
        if not self._runs:
            raise ValueError(f"no candidate was trained with seed {seed}")
        self._numbers = np.array(list(self._runs))
        self._params = {
            number: {name: run[name].iloc[0] for name in self.search_space}
            for number, run in self._runs.items()
        }
        self._points = np.array([self._point(params) for params in self._params.values()])
        self._by_params = {self._key(params): n for n, params in self._params.items()}

    def __len__(self) -> int:
        """Candidates that can be looked up."""
        return len(self._runs)

    @property
    def candidates(self) -> list[int]:
        """Their numbers, rising."""
        return [int(number) for number in self._numbers]

    def params(self, candidate: int) -> dict[str, Any]:
        """What was drawn for a candidate, by parameter."""
        row = self._params[self._known(candidate)]
        return {name: _plain(value) for name, value in row.items()}

    def run(self, candidate: int) -> pd.DataFrame:
        """The rungs of a candidate's training, in order."""
        return self._runs[self._known(candidate)]

    def find(self, architecture: int | str | Mapping[str, Any]) -> int:
        """The candidate that is meant.

        Args:
            architecture: A candidate's number; its parameters, all of them and to the last bit;
                or its architecture as in the column of that name, as JSON or as a mapping.

        Raises:
            KeyError: The table does not have it, or has it several times, at other rates.
        """
        if isinstance(architecture, (int, np.integer)):
            return self._known(int(architecture))
        if isinstance(architecture, Mapping) and set(self.search_space) <= set(architecture):
            number = self._by_params.get(self._key(architecture))
            found = [] if number is None else [number]
        else:
            given = json.loads(architecture) if isinstance(architecture, str) else architecture
            given = json.loads(json.dumps(given))  # tuples become lists
            firsts = ((n, run["architecture"].iloc[0]) for n, run in self._runs.items())
            found = [n for n, text in firsts if json.loads(text) == given]
        if len(found) != 1:
            raise KeyError(
                f"{len(found)} candidates are like that: give a number, the parameters of one "
                "(`params`), or take one that is near (`nearest`)"
            )
        return found[0]

    def query(
        self,
        architecture: int | str | Mapping[str, Any],
        *,
        at: int | None = None,
        seed: int | None = None,
    ) -> dict[str, Any]:
        """What training an architecture came to.

        Args:
            architecture: As for ``find``.
            at: Training examples, one of ``rungs``; ``None`` for all.
            seed: Of the weights and batches; ``None`` for the mean over all there are.

        Returns:
            ``candidate``, ``seeds``, ``examples``, ``val_loss``, ``mae``, ``psnr``,
            ``cpu_seconds`` up to there, ``failure`` (empty if there was none), and the counts of
            parameters and multiply-accumulates of each side. Losses are NaN where a run failed.

        Raises:
            KeyError: The table does not have it.
            ValueError: ``at`` is no rung, or the candidate was not trained with the seed.
        """
        candidate = self.find(architecture)
        at = self.rungs[-1] if at is None else at
        if at not in self.rungs:
            raise ValueError(f"at is {at}; candidates were measured at {self.rungs}")
        runs = self.rows[self.rows["candidate"] == candidate]
        seeds = sorted(runs["seed"].unique().tolist())
        if seed is not None and seed not in seeds:
            raise ValueError(f"candidate {candidate} was trained with the seeds {seeds}")
        wanted = seeds if seed is None else [seed]
        upto = runs[runs["seed"].isin(wanted) & (runs["examples"] <= at)]
        last = upto[upto["examples"] == at]
        failures = [text for text in upto["failure"] if text]
        whole = len(last) == len(wanted) and not failures
        return {
            "candidate": candidate,
            "seeds": wanted,
            "examples": at,
            **{loss: float(last[loss].mean()) if whole else math.nan for loss in LOSSES},
            "cpu_seconds": float(upto["cpu_seconds"].sum()) / len(wanted),
            "failure": failures[0] if failures else "",
            **{count: int(upto[count].iloc[0]) for count in COUNTS},
        }

    def nearest(
        self, params: Mapping[str, Any], exclude: frozenset[int] | set[int] = frozenset()
    ) -> tuple[int, float]:
        """The candidate nearest to a point of the search space.

        The distance is Gower's (1971): the mean over parameters of how far they differ, of numbers
        in parts of their range (of its logarithm where they are drawn on a log scale), of choices
        1 where they differ. Of several that are as near, the first.

        Args:
            params: A value per parameter.
            exclude: Candidates that are left out.

        Returns:
            Its number, and the distance, from 0 to 1.

        Raises:
            ValueError: All candidates are left out.
        """
        apart = np.abs(self._points - self._point(params))
        distances = np.where(self._categorical, apart > 0, apart).mean(axis=1)
        distances[np.isin(self._numbers, list(exclude))] = np.inf
        place = int(distances.argmin())
        if math.isinf(distances[place]):
            raise ValueError(f"all {len(self)} candidates are left out: take fewer trials")
        return int(self._numbers[place]), float(distances[place])

    @property
    def _categorical(self) -> np.ndarray:
        return np.array(
            [isinstance(d, CategoricalDistribution) for d in self.search_space.values()]
        )

    def _point(self, params: Mapping[str, Any]) -> np.ndarray:
        """Numbers as parts of their range, choices by their place; `[parameters]`."""
        return np.array([_place(params[name], d) for name, d in self.search_space.items()])

    def _key(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(_plain(params[name]) for name in self.search_space)

    def _known(self, candidate: int) -> int:
        if candidate not in self._runs:
            raise KeyError(f"there is no candidate {candidate}: `candidates` has their numbers")
        return candidate


def _place(value: Any, distribution: Distribution) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return float(distribution.choices.index(_plain(value)))
    low, high = float(distribution.low), float(distribution.high)
    if low == high:
        return 0.0
    if distribution.log:
        return math.log(value / low) / math.log(high / low)
    return (float(value) - low) / (high - low)


def _plain(value: Any) -> Any:
    """Without NumPy's types."""
    return value.item() if isinstance(value, np.generic) else value


def _check(path: Path) -> None:
    """Raises if a file is not the one that was published."""
    described = json.loads((path.parent / "croissant.json").read_text("utf-8"))
    known = {file["name"]: file["sha256"] for file in described["distribution"]}
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if known.get(path.name) != found:
        raise ValueError(
            f"{path} is damaged or another version: its SHA-256 is {found}, and croissant.json has "
            f"{known.get(path.name)}"
        )
