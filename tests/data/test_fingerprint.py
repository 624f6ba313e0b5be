import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from dataset_fakes import noise

from asymnas.core.config import DataSpec
from asymnas.data.base import Dataset, load_dataset
from asymnas.data.examples import Indexed
from asymnas.data.fingerprint import changes, fingerprint
from asymnas.data.images.stored import StoredRows
from asymnas.data.splits import RULE, PerSplit


def bytewise(labels=True, **splits):
    """A small data set of bytes."""
    sizes = {"train": 40, "validation": 10, "test": 20}
    parts = {name: torch.from_numpy(noise(n, 1, 4, 4)) for name, n in sizes.items()} | splits
    ids = PerSplit(*(torch.arange(len(part)) % 3 for part in parts.values()))
    return Dataset(**parts, labels=ids if labels else None)


def standardised(rows=500, columns=30, seed=0, **splits):
    rng = torch.Generator().manual_seed(seed)
    parts = {
        name: torch.randn(rows, columns, generator=rng) for name in ("train", "validation", "test")
    }
    return Dataset(**(parts | splits))


def changed(before, now):
    """Differences, by way of JSON as a study stores it."""
    return changes(json.loads(json.dumps(fingerprint(before))), fingerprint(now))


def test_it_says_what_there_is():
    described = fingerprint(bytewise())
    assert described["rule"] == RULE
    assert {k: v for k, v in described["train"].items() if k not in ("content", "labels")} == {
        "examples": 40,
        "shape": [1, 4, 4],
        "dtype": "uint8",
        "anomalies": None,
        "groups": None,
    }


@pytest.mark.parametrize("make", [bytewise, standardised])
def test_the_same_data_have_no_changes(make):
    assert changed(make(), make()) == []


def test_each_change_is_named():
    data, one = bytewise(), bytewise().train.clone()
    one[7, 0, 2, 2] += 1
    assert changed(data, bytewise(train=one)) == ["the content of the training split changed"]
    assert changed(data, bytewise(validation=data.validation.flip(0))) == [
        "the content of the validation split changed"
    ]
    assert changed(data, bytewise(test=data.test[:-1])) == [
        "the test split had 20 examples, now 19"
    ]
    assert changed(data, bytewise(labels=False)) == [
        f"the labels of the {name} split changed" for name in ("training", "validation", "test")
    ]
    flags = PerSplit(torch.zeros(40).bool(), torch.arange(10) == 3, torch.zeros(20).bool())
    marked = replace(data, anomalies=flags)
    moved = replace(data, anomalies=flags._replace(validation=torch.arange(10) == 4))
    assert changed(marked, moved) == ["the anomalies of the validation split changed"]
    assert changes({**fingerprint(data), "rule": 0}, fingerprint(data)) == [
        f"the rule that assigns examples to splits had version 0, now {RULE}"
    ]
    assert changed(standardised(), standardised(columns=29))[0] == (
        "examples were float32 [30], now float32 [29]"
    )


@pytest.mark.parametrize(
    "edit",
    [
        lambda x: x[[1, 0, *range(2, 500)]],
        lambda x: x[:, [1, 0, *range(2, 30)]],
        lambda x: torch.cat([x[:5], x[5:6] + torch.eye(30)[3] * 0.01, x[6:]]),
        lambda x: -x,
        lambda x: x + 1e-4,
        lambda x: x * 1.0001,
    ],
    ids=["rows swapped", "columns swapped", "one value", "sign", "shift", "scale"],
)
def test_changes_of_real_numbers_are_noticed(edit):
    data = standardised()
    assert changed(data, standardised(train=edit(data.train).contiguous())) == [
        "the content of the training split changed"
    ]


def test_rounding_of_another_machine_is_no_change():
    data = standardised(20_000)
    up = torch.full_like(data.train, torch.inf)
    assert changed(data, replace(data, train=torch.nextafter(data.train, up))) == []


@pytest.mark.slow
@pytest.mark.essential
def test_other_processes_discover_without_heavy_libraries_and_agree():
    """In one process, since it imports torch, which takes seconds."""
    code = (
        "import json, sys\n"
        "from asymnas.data.base import DATASETS, load_dataset\n"
        "assert DATASETS.names()\n"
        "heavy = {'sklearn', 'torchvision', 'pandas', 'PIL', 'scipy'} & set(sys.modules)\n"
        "from asymnas.core.config import DataSpec\n"
        "from asymnas.data.fingerprint import fingerprint\n"
        "known = [fingerprint(load_dataset(DataSpec(name=n))) for n in ('digits', 'wine')]\n"
        "print(json.dumps([sorted(heavy), known]))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    heavy, known = json.loads(done.stdout)
    assert heavy == []
    for name, theirs in zip(("digits", "wine"), known, strict=True):
        assert changes(theirs, fingerprint(load_dataset(DataSpec(name=name)))) == []


def test_images_in_a_file_are_not_read(tmp_path):
    images = noise(60, 1, 8, 8)
    path = tmp_path / "state-1.npy"
    np.save(path, images)
    offset = path.stat().st_size - images.nbytes
    rows, other = (StoredRows(path, images.shape, offset, state=state) for state in "12")

    def data(order, stored=rows):
        train, validation, test = (Indexed(stored, part) for part in order.split([40, 10, 10]))
        return Dataset(train=train, validation=validation, test=test)

    order = torch.arange(60)
    assert changed(data(order), data(order)) == []
    assert changed(data(order), data(order.flip(0))) == [
        f"the content of the {name} split changed" for name in ("training", "validation", "test")
    ]
    assert len(changed(data(order), data(order, other))) == 3
    os.truncate(path, 0)
    assert changed(data(order), data(order)) == []


def test_fashion_mnist_takes_no_time():
    sizes = {"train": 54_000, "validation": 6_000, "test": 10_000}
    data = bytewise(**{name: torch.zeros(n, 1, 28, 28).byte() for name, n in sizes.items()})
    start = time.process_time()
    fingerprint(data)
    assert time.process_time() - start < 1  # 0.1 s where nothing else runs
