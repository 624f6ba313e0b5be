"""Checkpoints: damage is noticed when one is read."""

import pytest
import torch
from problems import space_of

from asymnas.core.errors import CheckpointError
from asymnas.networks.families import Problem
from asymnas.training.checkpoints import (
    load_weights,
    read_checkpoint,
    resume,
    write_checkpoint,
)
from asymnas.training.optimizer import AdamW

ARCHITECTURE = (
    space_of("dense", Problem(shape=(1, 8, 8), latent=4), budget=5_000).sample(0).architecture
)


def optimizer_of(model):
    return AdamW([list(model.parameters())], [1e-3], 0.01)


@pytest.fixture
def saved(tmp_path):
    """A checkpoint, and the model it was made of."""
    model = ARCHITECTURE.build(1)
    write_checkpoint(tmp_path / "saved.pt", model, optimizer_of(model), 7)
    return tmp_path / "saved.pt", model


def test_a_model_comes_back_with_its_weights(saved):
    path, model = saved
    assert read_checkpoint(path)["step"] == 7
    again = load_weights(ARCHITECTURE.build(2), path)
    for name, weight in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"gone\.pt is missing"):
        read_checkpoint(tmp_path / "gone.pt")


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.999])
def test_a_checkpoint_that_is_cut_short_is_noticed(saved, kept):
    path, _ = saved
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept < 1 else kept])
    with pytest.raises(CheckpointError, match=r"saved\.pt is damaged"):
        read_checkpoint(path)


def test_one_flipped_bit_of_a_weight_is_noticed(saved):
    path, model = saved
    content = bytearray(path.read_bytes())
    weight = next(iter(model.state_dict().values())).numpy().tobytes()
    content[content.index(weight) + len(weight) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"saved\.pt is damaged in its record"):
        read_checkpoint(path)


def test_what_is_no_checkpoint_is_not_taken_for_one(tmp_path):
    path = tmp_path / "other.pt"
    torch.save({"model": {}}, path)
    with pytest.raises(CheckpointError, match="does not hold model, optimizer, step"):
        read_checkpoint(path)
    torch.save(ARCHITECTURE, path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(path)


def test_a_whole_checkpoint_of_another_network_is_noticed(saved):
    path, _ = saved
    other = space_of("dense", Problem(shape=(9,), latent=4), budget=5_000).sample(0).architecture
    model = other.build(0)
    for load in (load_weights, lambda m, p: resume(p, m, optimizer_of(m))):
        with pytest.raises(CheckpointError, match="is of another network: Error") as caught:
            load(model, path)
        assert "\n" not in str(caught.value)
