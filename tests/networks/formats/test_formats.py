"""Every format writes what the network computes, and it runs where this package is not."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from marks import essential_first
from problems import space_of
from torch import Tensor

from asymnas.core.errors import ExportError
from asymnas.networks.families import FAMILIES, Problem
from asymnas.networks.formats import FORMATS, NAMES, NetworkPart, exporting

#: One network per row: each family, kind and bottleneck once or more.
NETWORKS = [
    ("dense", Problem(shape=(7,), latent=4), "vq"),
    ("conv2d", Problem(shape=(3, 27, 45), latent=3), "plain"),
    ("conv2d", Problem(shape=(1, 8, 8), latent=4, bottleneck="spatial"), "vq:width=2,codes=16"),
    ("conv1d", Problem(shape=(2, 45), latent=4), "fsq"),
    ("conv2d", Problem(shape=(1, 28, 28), latent=4, bottleneck="pooled"), "plain:loss=bce"),
    ("transformer", Problem(shape=(1, 8, 8), latent=4, bottleneck="spatial"), "masked"),
    ("transformer", Problem(shape=(3, 9, 13), latent=4, bottleneck="pooled"), "plain"),
    ("transformer", Problem(shape=(2, 45), latent=4), "variational"),
]
ALONE = """
import sys
sys.modules["asymnas"] = None  # an import of it is an error from here on
import torch
examples = torch.load("examples.pt", weights_only=True)
torch.set_grad_enabled(False)
torch.set_num_threads({threads})
{loading}
torch.save(torch.as_tensor(outputs), "outputs.pt")
"""


def part_of(place: int, part: str = "whole", seed: int = 0) -> NetworkPart:
    """A network with fresh weights."""
    family, problem, kind = NETWORKS[place]
    architecture = space_of(family, problem, kind=kind, wide=True).sample(seed).architecture
    return NetworkPart(architecture=architecture, model=architecture.build(0).eval(), part=part)


def loaded_alone(part: NetworkPart, format: str, directory: Path, batch: int) -> Tensor:
    """Outputs in a fresh process without asymnas, by the code that the model card has."""
    torch.save(part.inputs(batch), directory / "examples.pt")
    threads = torch.get_num_threads()  # sums over other parts are other sums
    code = ALONE.format(loading=FORMATS.get(format).loading(part), threads=threads)
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outputs: Tensor = torch.load(directory / "outputs.pt", weights_only=True)
    return outputs


@pytest.mark.parametrize("part", NAMES)
def test_weights_as_safetensors_load_by_the_code_of_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    import json

    written = part_of(3, part)
    FORMATS.get("safetensors").write(written, tmp_path)
    (tmp_path / "architecture.json").write_text(json.dumps(written.architecture.to_dict()))
    monkeypatch.chdir(tmp_path)
    x = written.inputs(4)
    namespace = {"examples": x}
    exec(FORMATS.get("safetensors").loading(written), namespace)
    assert torch.equal(namespace["outputs"], written.module(x))


SEVERAL_ALONE = """
import sys
sys.modules["asymnas"] = None
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
import torch
torch.set_grad_enabled(False)
torch.set_num_threads(int(sys.argv[1]))
for place in sorted(Path(".").iterdir()):
    spec = spec_from_file_location("autoencoder", place / "autoencoder.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    outputs = module.load()(torch.load(place / "examples.pt", weights_only=True))
    print(place, torch.equal(outputs, torch.load(place / "wanted.pt", weights_only=True)))
"""


@pytest.mark.parametrize("family", essential_first(FAMILIES.names(), 1))
def test_source_of_ten_networks_is_bit_equal_without_the_package(
    tmp_path: Path, family: str
) -> None:
    rows = [row for row in NETWORKS if row[0] == family]
    for seed in range(10):
        _, problem, kind = rows[seed % len(rows)]
        space = space_of(family, problem, kind=kind, wide=seed % 3 > 0)
        architecture = space.sample(seed).architecture
        part = NetworkPart(architecture=architecture, model=architecture.build(seed).eval())
        place = tmp_path / f"{seed}"
        place.mkdir()
        FORMATS.get("python").write(part, place)
        torch.save(part.inputs(7), place / "examples.pt")
        with torch.inference_mode():
            torch.save(part.module(part.inputs(7)), place / "wanted.pt")
    command = [sys.executable, "-I", "-c", SEVERAL_ALONE, str(torch.get_num_threads())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"{seed} True" for seed in range(10)], done.stderr


@pytest.mark.parametrize("part", NAMES)
def test_source_of_a_part_loads_by_the_code_of_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    written = part_of(2, part)
    files = FORMATS.get("python").write(written, tmp_path)
    assert set(files) == {path.name for path in tmp_path.iterdir()}
    text = (tmp_path / f"{NAMES[part]}.py").read_text()
    imported = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert {line.split()[1].partition(".")[0] for line in imported} == {"pathlib", "torch"}
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    x = written.inputs(4)
    namespace = {"examples": x}
    exec(FORMATS.get("python").loading(written), namespace)
    del sys.modules[NAMES[part]]
    assert torch.equal(namespace["outputs"], written.module(x))


@pytest.mark.parametrize("place", essential_first(range(len(NETWORKS)), 1))
def test_programs_are_bit_equal_without_the_package(tmp_path: Path, place: int) -> None:
    part = part_of(place, list(NAMES)[place % 3])
    FORMATS.get("torch-export").write(part, tmp_path)
    with torch.inference_mode():
        wanted = part.module(part.inputs(7))
    assert torch.equal(loaded_alone(part, "torch-export", tmp_path, 7), wanted)


@pytest.mark.parametrize("place", essential_first(range(len(NETWORKS)), 1))
def test_onnx_is_within_a_hundred_thousandth_without_the_package(
    tmp_path: Path, place: int
) -> None:
    part = part_of(place, list(NAMES)[(place + 1) % 3])
    FORMATS.get("onnx").write(part, tmp_path)
    with torch.inference_mode():
        wanted = part.module(part.inputs(7))
    torch.testing.assert_close(
        loaded_alone(part, "onnx", tmp_path, 7), wanted, rtol=1e-5, atol=1e-5
    )


def test_what_an_exporter_raises_is_one_line() -> None:
    part = part_of(0)
    with pytest.raises(ExportError) as raised, exporting(part, "onnx"):
        raise RuntimeError("no rule for cdist\n\nsee the log")
    assert str(raised.value) == (
        "the onnx format cannot write this dense autoencoder (vq): no rule for cdist; take another "
        "format"
    )


@pytest.mark.parametrize("change", [1e-3, float("nan")])
def test_what_computes_something_else_is_not_written(change: float) -> None:
    part = part_of(0)
    part.check(part.module)
    with pytest.raises(ExportError, match="computes something else"):
        part.check(lambda x: part.module(x) + change, 1e-5)


def test_onnx_without_its_packages_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[FORMATS.get("onnx").write.__module__]
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r'onnxscript and onnxruntime: pip install "asymnas'):
        FORMATS.get("onnx").write(part_of(0), tmp_path)
    assert list(tmp_path.iterdir()) == []
