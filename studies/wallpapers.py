"""Patches of forty photographs, as an archive that `--dataset npz:FILE` reads.

    python studies/wallpapers.py            48 by 48 pixels, runs/wallpapers.npz
    python studies/wallpapers.py 16         16 by 16 pixels, runs/wallpapers-16.npz

Thirty-eight photographs of Debian's wallpaper packages and the two of scikit-learn. The packages
are fetched by `apt-get download`, so this needs Debian with the suite bookworm; nothing is
installed. Each photograph is scaled to 960 pixels on its shorter side if it has more, and cut into
patches that do not overlap, at most 500 of 48 pixels a side or 1,500 of 16, drawn with a fixed
seed. Patches of one photograph are one group: a photograph is in one split.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

RUNS = Path("runs")
SHORTER, SEED = 960, 0
MOST = {48: 500, 16: 1_500}  # patches per photograph, by their side in pixels
USUAL = 48

#: Photographs by package; drawings, renderings and patterns are left out.
PACKAGES = {
    "mate-backgrounds": (
        "Aqua Blinds Dune FreshFlower Garden GreenMeadow LadyBird RainDrops Storm TwoWings Wood "
        "YellowFlower"
    ),
    "lomiri-wallpapers-16.04": (
        "Bridge_by_Sander_Klootwijk Dragonfly_by_Bolly Picture_0B_by_freespace "
        "Picture_1A_by_freespace Wine_by_Jakkub_Mede aitzgorri_by_Aitzol_Berasategi "
        "analogpattern_by_Peter_Nerlich free_by_Peter_Nerlich friends_by_Aitzol_Berasategi "
        "greentock_by_Peter_Nerlich life_by_Aitzol_Berasategi "
        "picosdeeuropa_by_Aitzol_Berasategi seeding_by_Clements_Engelhardt "
        "sunset_by_Aitzol_Berasategi"
    ),
    "lomiri-wallpapers-20.04": "Kleiber_by_Lukas_Baubkus",
    "plasma-workspace-wallpapers": (
        "BytheWater ColdRipple ColorfulCups DarkestHour EveningGlow FallenLeaf Grey Kite "
        "OneStandsOut Path summer_1am"
    ),
}


def photographs() -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of each photograph, package by package."""
    with tempfile.TemporaryDirectory() as folder:
        for package, names in PACKAGES.items():
            place = Path(folder, package)
            place.mkdir()
            subprocess.run(["apt-get", "download", "-q", package], cwd=place, check=True)
            (fetched,) = place.glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", fetched.name, "."], cwd=place, check=True)
            for name in names.split():
                with Image.open(_file_of(place, name)) as picture:
                    yield f"{package}/{name}", picture.convert("RGB")
    for name, array in zip(("china", "flower"), load_sample_images().images, strict=True):
        yield f"scikit-learn/{name}", Image.fromarray(array)


def _file_of(folder: Path, name: str) -> Path:
    """The file of a photograph: by its own name, or the largest in a folder of that name."""
    files = sorted(folder.rglob(f"{name}.jpg"))
    files += sorted(folder.rglob(f"{name}/contents/images/*.jpg"))
    real = [path for path in files if path.is_file()]
    if not real:
        raise SystemExit(f"no photograph {name} in {folder.name}: is the suite bookworm?")
    return max(real, key=lambda path: path.stat().st_size)


def patches(picture: Image.Image, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Patches `[n, side, side, 3]` of a photograph, in random order."""
    factor = min(1.0, SHORTER / min(picture.size))
    width, height = (round(length * factor) for length in picture.size)
    pixels = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))
    rows, columns = height // side, width // side
    whole = pixels[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    cut = whole.swapaxes(1, 2).reshape(-1, side, side, 3)
    return cut[rng.permutation(len(cut))[: MOST[side]]]


def main() -> None:
    """Fetches, cuts and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", nargs="?", type=int, choices=MOST, default=USUAL)
    side = parser.parse_args().side
    archive = RUNS / ("wallpapers.npz" if side == USUAL else f"wallpapers-{side}.npz")
    rng = np.random.default_rng(SEED)
    cut = {name: patches(picture, side, rng) for name, picture in photographs()}
    archive.parent.mkdir(exist_ok=True)
    groups = np.repeat(list(cut), [len(own) for own in cut.values()])
    np.savez(archive, x=np.concatenate(list(cut.values())), groups=groups)
    print(f"{len(groups):,} patches of {len(cut)} photographs in {archive}")


if __name__ == "__main__":
    main()
