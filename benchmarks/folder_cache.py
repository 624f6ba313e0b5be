"""How long `folder:DIR` takes to start, first and again, and what memory a worker holds.

    python benchmarks/folder_cache.py PLACE [--images 100000] [--pixels 32] [--suffix png]

Writes that many images of noise below PLACE, starts on them in a fresh process each time, trains
one rung that sees every training image, and appends one JSON line to benchmarks/folder_cache.jsonl
with hardware and versions. Everything below PLACE is deleted at the end. The attributes of the
files are in the system's cache at the second start, as they are when workers start after a run was
settled.
"""

import argparse
import datetime
import json
import math
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RESULTS = Path(__file__).with_suffix(".jsonl")
CLASSES = 10
BATCH = 256
MIB = 2**20


def write_images(folder: Path, n: int, pixels: int, suffix: str) -> None:
    """Smooth noise, which compresses about as photographs do."""
    for number in range(CLASSES):
        (folder / str(number)).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(n):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        image = coarse.resize((pixels, pixels))
        image.save(folder / str(number % CLASSES) / f"{number:06d}.{suffix}")


def start(folder: Path, root: Path) -> dict[str, float]:
    """Loads the data set; seconds and the processor's without the imports, and memory."""
    from asymnas.config import DataSpec
    from asymnas.datasets import DATASETS, load_dataset

    DATASETS.names()  # imports every loader
    began, worked = time.perf_counter(), time.process_time()
    data = load_dataset(DataSpec(name=f"folder:{folder}", root=str(root)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    return {"seconds": seconds, "cpu_seconds": cpu, "train": len(data.train), **memory()}


def rung(folder: Path, root: Path) -> dict[str, float]:
    """Trains once over the training split, as a worker does; seconds of the rung, and memory."""
    import torch

    from asymnas.architecture import Architecture
    from asymnas.config import DataSpec
    from asymnas.datasets import load_dataset
    from asymnas.families.dense import DenseSide
    from asymnas.training import Job, train_rung

    torch.set_num_threads(1)
    spec = DataSpec(name=f"folder:{folder}", root=str(root))
    data = load_dataset(spec)
    steps = math.ceil(len(data.train) / BATCH)
    side = DenseSide(widths=(16,))
    job = Job(
        architecture=Architecture(
            family="dense", encoder=side, decoder=side, shape=data.shape, latent=8
        ),
        data=spec,
        learning_rate=1e-3,
        batch_size=BATCH,
        seed=0,
        until=steps,
        total=steps,
        device="cpu",
    )
    before = memory()
    result = train_rung(job)
    if result.failure:
        raise RuntimeError(result.failure)
    return {"seconds": result.seconds, "before_mib": before["rss_mib"], **memory()}


def memory() -> dict[str, float]:
    """Resident MiB of this process: all, its own, and pages shared with the page cache."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    names = {"rss_mib": "VmRSS", "own_mib": "RssAnon", "file_mib": "RssFile", "peak_mib": "VmHWM"}
    return {name: round(int(status[key].split()[0]) / 1024) for name, key in names.items()}


def alone(task: Callable[..., dict[str, float]], *places: Path) -> dict[str, float]:
    """What a task finds in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(task, *places).result()


def measure(place: Path, n: int, pixels: int, suffix: str) -> dict[str, Any]:
    """Every figure of one folder."""
    from asymnas.provenance import setup

    folder, root = place / "images", place / "root"
    write_images(folder, n, pixels, suffix)
    try:
        found = {name: alone(start, folder, root) for name in ("first", "second")}
        found["rung"] = alone(rung, folder, root)
        cache = sum(path.stat().st_size for path in root.rglob("*.npy"))
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(root, ignore_errors=True)
    return {
        **{"images": n, "pixels": pixels, "suffix": suffix, "cache_mib": round(cache / MIB)},
        **found,
        "load": os.getloadavg()[0],
        "date": datetime.date.today().isoformat(),
        "setup": setup(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--pixels", type=int, default=32)
    parser.add_argument("--suffix", choices=("png", "jpg"), default="png")
    given = parser.parse_args()
    line = json.dumps(measure(given.place, given.images, given.pixels, given.suffix))
    print(line)
    with RESULTS.open("a") as file:
        file.write(f"{line}\n")


if __name__ == "__main__":
    main()
