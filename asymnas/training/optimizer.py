"""The learning-rate schedule, and AdamW by PyTorch's fused function without its class."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

BETAS = (0.9, 0.999)
EPS = 1e-8
WARM_UP = 0.03  # of the steps
DECAY = 0.25  # of the steps, at the end; see "A candidate's training" in docs/training.md


def learning_rate_at(step: int, total: int, peak: float) -> float:
    """The rate of a step: linear warm-up, constant, linear decay to zero."""
    rise = (step + 1) / max(1.0, WARM_UP * total)
    fall = (total - step) / max(1.0, DECAY * total)
    return peak * min(1.0, rise, fall)


class AdamW:
    """Decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), with a rate per group.

    Weights, moments and the state dict are those of `torch.optim.AdamW(..., fused=True)`, bit for
    bit; either reads the other's state. That class imports PyTorch's compiler, 2 to 3 s of CPU time
    in each worker process, and adds 0.1 ms of hooks to each step: a tenth of a small network's.

    Args:
        groups: The parameters of each group.
        rates: The learning rate of each group; may be set before each step, also to scalar tensors
            on the parameters' device.
        weight_decay: Share of the rate by which each weight shrinks per step.

    Raises:
        ValueError: A rate is negative or not a number.
    """

    def __init__(
        self, groups: Sequence[Sequence[nn.Parameter]], rates: Sequence[float], weight_decay: float
    ) -> None:
        if not all(rate >= 0 for rate in rates):
            raise ValueError(f"learning rates must be 0 or larger, not {list(rates)}")
        self.rates: Sequence[float | Tensor] = list(rates)
        self._weight_decay = weight_decay
        self._groups = [list(group) for group in groups]
        self._state = {
            parameter: {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }
            for group in self._groups
            for parameter in group
        }

    @torch.no_grad()
    def step(self) -> None:
        """Moves the parameters that have a gradient, and forgets the gradients."""
        for group, rate in zip(self._groups, self.rates, strict=True):
            moved = [parameter for parameter in group if parameter.grad is not None]
            if not moved:
                continue
            states = [self._state[parameter] for parameter in moved]
            adamw(
                list[Tensor](moved),
                [parameter.grad for parameter in moved if parameter.grad is not None],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=rate,
                weight_decay=self._weight_decay,
                eps=EPS,
                maximize=False,
            )
            for parameter in moved:
                parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """State and groups, parameters numbered in their order, as `torch.optim.AdamW` has them."""
        numbers = {parameter: number for number, parameter in enumerate(self._state)}
        shared = {"betas": BETAS, "eps": EPS, "weight_decay": self._weight_decay, "fused": True}
        return {
            "state": {numbers[parameter]: state for parameter, state in self._state.items()},
            "param_groups": [
                {"lr": float(rate), **shared, "params": [numbers[parameter] for parameter in group]}
                for group, rate in zip(self._groups, self.rates, strict=True)
            ],
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Takes moments and step numbers over; rates and groups stay this optimizer's own.

        Raises:
            ValueError: The state is of other parameters.
        """
        states: Mapping[int, Mapping[str, Tensor]] = saved["state"]
        own = list(self._state)
        count = sum(len(group["params"]) for group in saved["param_groups"])
        alike = (states[number]["exp_avg"].shape == own[number].shape for number in states)
        if count != len(own) or not all(alike):
            raise ValueError("the optimizer's state is of other parameters")
        with torch.no_grad():
            for number, state in states.items():  # torch has none of what never had a gradient
                for name, value in self._state[own[number]].items():
                    value.copy_(state[name])
