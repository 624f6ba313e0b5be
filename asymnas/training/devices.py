"""Where candidates train: which device a name stands for, and which accelerators there are."""

import os
from typing import Any

import torch

from asymnas.core.config import Device
from asymnas.core.errors import ConfigError, DeviceError

#: The variable that limits a process to some accelerators.
VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"


def resolve_device(device: Device) -> torch.device:
    """The device that a name stands for in this process.

    Args:
        device: `cpu`, `cuda`, one of several as `cuda:1`, or `auto` for CUDA where there is one.

    Raises:
        ConfigError: It is none of these.
        DeviceError: It is a CUDA device where there is none, or no such one.
    """
    name, _, index = device.partition(":")
    if device not in ("auto", "cpu", "cuda") and not (name == "cuda" and index.isdecimal()):
        raise ConfigError(f"device must be auto, cpu, cuda or cuda:<number> but got {device!r}")
    available = torch.cuda.is_available()
    if device == "auto":
        return torch.device("cuda" if available else "cpu")
    if name == "cuda" and not available:
        raise DeviceError("there is no CUDA device here: use --device cpu or auto")
    if index and int(index) >= (devices := torch.cuda.device_count()):
        raise DeviceError(f"there is no device {device} here: there are {devices}, from cuda:0 on")
    return torch.device(device)


def visible_devices(device: Device) -> tuple[str, ...]:
    """The CUDA devices to spread workers over, each as its process is to see it.

    Returns:
        Values of `CUDA_VISIBLE_DEVICES`, one per device; empty where there is no choice: on a CPU,
        with a single device, or with one that was asked for by number.
    """
    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return ()
    count = torch.cuda.device_count()
    if count < 2:
        return ()
    limited = os.environ.get(VISIBLE_DEVICES, "")
    names = [name.strip() for name in limited.split(",") if name.strip()]
    return tuple(names[:count] if len(names) >= count else map(str, range(count)))


def native_bf16(device: torch.device) -> bool:
    """Whether the hardware multiplies bf16 natively."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Any = getattr(torch.cpu, "get_capabilities", dict)  # not in older torch
    able = capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
