"""PyTorch source of the one network, with its weights: one file that imports torch alone."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from asymnas.core.config import PartName
from asymnas.core.files import whole_file, write_whole
from asymnas.core.text import plural
from asymnas.networks.formats import FORMATS, Format, NetworkPart, exporting
from asymnas.networks.source.module import Side, source_of

WEIGHTS = "weights.pt"
_HEAD = '''\
"""{title}

Written by asymnas {version}.

    network = load()  # the weights beside this file
    {use}
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
'''
_WHOLE = '''\
class Autoencoder(nn.Module):
    """Encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def encode(self, x: Tensor) -> Tensor:
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))
'''
_LOAD = '''\
def load(path: str | Path = Path(__file__).with_name("{weights}")) -> {name}:
    """The network with its trained weights, in evaluation mode."""
    network = {name}()
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()
'''
_USES = {
    "whole": "latents = network.encode(examples); outputs = network(examples)",
    "encoder": "latents = network(examples)",
    "decoder": "outputs = network(latents)",
}


def _write(part: NetworkPart, directory: Path) -> dict[str, str]:
    name = f"{part.name}.py"
    with exporting(part, "python"):
        text, state = _text(part)
        with whole_file(directory / WEIGHTS) as file:
            torch.save(state, file)
        write_whole(directory / name, text)
        namespace: dict[str, Any] = {"__file__": str(directory / name), "__name__": part.name}
        exec(compile(text, name, "exec"), namespace)
        part.check(namespace["load"]())
    return {name: f"the {part.name} as PyTorch source", WEIGHTS: "its weights, a state dict"}


def _text(part: NetworkPart) -> tuple[str, dict[str, torch.Tensor]]:
    """The file and the weights by their names in it."""
    names: tuple[PartName, ...] = ("encoder", "decoder")
    if part.part != "whole":
        names = (part.part,)
    sides = [_side(part, name) for name in names]
    source = source_of(sides)
    head = _HEAD.format(title=_title(part), version=version("asymnas"), use=_USES[part.part])
    name = part.name.capitalize()
    load = _LOAD.format(weights=WEIGHTS, name=name)
    texts = [head, source.classes, *([_WHOLE] if part.part == "whole" else []), load]
    if " F." not in source.classes and "(F." not in source.classes:
        texts[0] = head.replace("import torch.nn.functional as F\n", "")
    prefixes = {side.name: f"{side.name.lower()}." if len(sides) > 1 else "" for side in sides}
    state = {
        f"{prefixes[side]}{path}": values
        for side, own in source.state.items()
        for path, values in own.items()
    }
    return "\n\n".join(text.rstrip("\n") + "\n" for text in texts), state


def _side(part: NetworkPart, name: PartName) -> Side:
    """One side of the network as a class."""
    counts = part.architecture.counts
    own = NetworkPart(architecture=part.architecture, model=part.model, part=name)
    params = counts.encoder_params if name == "encoder" else counts.decoder_params
    macs = counts.encoder_macs if name == "encoder" else counts.decoder_macs
    summary = f"{plural(params, 'parameter')}, {macs:,} MACs per example."
    return Side(name.capitalize(), own.module, own.inputs, summary)


def _title(part: NetworkPart) -> str:
    architecture = part.architecture
    size = plural(architecture.counts.total_params, "parameter")
    side = "" if part.part == "whole" else f"The {part.part} of a "
    of = f"{architecture.family} autoencoder, {architecture.kind}, {size}."
    return f"{side}{of}" if side else of[0].upper() + of[1:]


def _loading(part: NetworkPart) -> str:
    return f"""\
from {part.name} import load  # the file beside this card

network = load()
outputs = network(examples)"""


FORMATS.register("python")(
    Format(
        description="PyTorch source of the one network, for reading and changing",
        write=_write,
        loading=_loading,
    )
)
