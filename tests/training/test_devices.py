"""Which device a name stands for, with faked accelerators: CPUs alone run these tests."""

import pytest
import torch

from asymnas.core.errors import ConfigError, DeviceError
from asymnas.training.devices import resolve_device, visible_devices


@pytest.fixture
def gpus(monkeypatch):
    """Pretends that there are so many CUDA devices."""

    def pretend(count, limited=None):
        monkeypatch.setattr("torch.cuda.is_available", lambda: count > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda: count)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if limited is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", limited)

    return pretend


def test_auto_is_cuda_where_there_is_one(gpus):
    gpus(0)
    assert resolve_device("auto") == resolve_device("cpu") == torch.device("cpu")
    gpus(2)
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda")
    assert resolve_device("cpu") == torch.device("cpu")


def test_a_device_may_have_a_number(gpus):
    gpus(2)
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeviceError, match="no device cuda:2 here: there are 2"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_what_is_not_there_is_named(gpus, device):
    gpus(0)
    with pytest.raises(DeviceError, match="no CUDA device here"):
        resolve_device(device)


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:one", "cpu:0", "cuda:-1", ""])
def test_other_names_are_refused(gpus, device):
    gpus(2)
    with pytest.raises(ConfigError, match="device must be auto, cpu, cuda or cuda:<number>"):
        resolve_device(device)


@pytest.mark.parametrize(
    ("count", "limited", "device", "expected"),
    [
        (3, None, "cuda", ("0", "1", "2")),
        (3, None, "auto", ("0", "1", "2")),
        (2, "5,7", "cuda", ("5", "7")),
        (2, "GPU-aa, GPU-bb", "auto", ("GPU-aa", "GPU-bb")),
        (3, None, "cuda:1", ()),
        (3, None, "cpu", ()),
        (1, None, "cuda", ()),
        (0, None, "auto", ()),
    ],
)
def test_workers_are_spread_over_the_devices_where_there_are_several(
    gpus, count, limited, device, expected
):
    gpus(count, limited)
    assert visible_devices(device) == expected
