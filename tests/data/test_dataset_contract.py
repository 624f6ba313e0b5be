"""What holds of every registered data set; one that reads files has a case in `conftest.small`."""

from dataclasses import replace

import pytest
import torch
from dataset_fakes import WRITERS, labels_of
from marks import fast_first

from asymnas.core.config import DataSpec
from asymnas.core.errors import DataError
from asymnas.data.base import DATASETS, Dataset, load_dataset

FILES = ("audio", "folder", "npz", "csv", "parquet")  # named after a colon
LABELLED = tuple(name for name in WRITERS if name != "celeba")  # by their fakes' first value


def distinct(*parts: torch.Tensor) -> int:
    return len({example.tobytes() for part in parts for example in part.numpy()})


def parts_of(data: Dataset) -> tuple[torch.Tensor, ...]:
    """The splits as tensors."""
    return tuple(torch.cat(list(p.split(7))) for p in (data.train, data.validation, data.test))


@pytest.mark.parametrize("name", fast_first(DATASETS.names(), 6))
def test_splits_are_disjoint_whole_and_fixed_by_the_seed(small, name):
    spec = small(name)
    data, again, other = (load_dataset(s) for s in (spec, spec, replace(spec, seed=1)))
    for part, same in zip(parts_of(data), parts_of(again), strict=True):
        assert torch.equal(part, same)
    assert distinct(*parts_of(data)) == sum(distinct(part) for part in parts_of(data))
    if name == "celeba":  # all splits are shipped
        assert torch.equal(parts_of(data)[0], parts_of(other)[0])
    else:
        assert not torch.equal(parts_of(data)[0], parts_of(other)[0])
        assert not torch.equal(parts_of(data)[1], parts_of(other)[1])
    if name != "photos" and data.train.dtype == torch.uint8:  # else other regions, or scaled anew
        assert distinct(*parts_of(data), *parts_of(other)) == distinct(*parts_of(data))


@pytest.mark.parametrize("name", DATASETS.names())
def test_bytes_or_floats_and_the_range_they_span(small, name):
    data = load_dataset(small(name))
    assert len(data.shape) in (1, 2, 3)
    train = parts_of(data)[0]
    if data.train.dtype == torch.float32:
        assert data.data_range == pytest.approx(float(train.max() - train.min()))
    else:
        assert data.train.dtype == torch.uint8
        assert data.data_range == 1.0
        assert train.max() > (140 if name == "celeba" else 200)  # its noise is averaged


@pytest.mark.parametrize("name", DATASETS.names())
def test_nothing_asked_for_is_ignored(small, name):
    spec = small(name)
    if name in FILES:
        with pytest.raises(DataError, match=f"^'{name}:' lacks its (DIR|FILE): write {name}:"):
            load_dataset(replace(spec, name=f"{name}:"))
    else:
        with pytest.raises(DataError, match="takes nothing after a colon"):
            load_dataset(replace(spec, name=f"{name}:letters"))
    if name not in ("folder", "celeba"):
        with pytest.raises(DataError, match="image_size is 20: leave out --image-size"):
            load_dataset(replace(spec, image_size=20))


@pytest.mark.parametrize("name", LABELLED)
def test_labels_go_with_their_examples(small, name):
    data = load_dataset(small(name))
    for part, ids in zip(parts_of(data), data.labels, strict=True):
        assert ids.dtype == torch.int64
        assert ids.tolist() == labels_of(part.numpy()).tolist()


@pytest.mark.parametrize("source", FILES)
def test_paths_that_lead_nowhere(tmp_path, source):
    with pytest.raises(DataError, match=r"no such (file|directory): .*missing"):
        load_dataset(DataSpec(name=f"{source}:{tmp_path / 'missing'}"))
    wrong = tmp_path
    if source in ("audio", "folder"):
        wrong = tmp_path / "a.png"
        wrong.touch()
    with pytest.raises(DataError, match=f"is a (file|directory) but {source}: takes a"):
        load_dataset(DataSpec(name=f"{source}:{wrong}"))
