"""How long `folder:DIR` takes to start, first and again, and what memory a search of it holds.

    python benchmarks/folder_cache.py PLACE [--images 100000] [--pixels 64] [--suffix jpg]

Writes that many images of noise below PLACE, starts on them in a fresh process each time, searches
them by `python -m asymnas.search` with two workers, and appends one JSON line to
benchmarks/folder_cache.jsonl with hardware and versions. Everything below PLACE is deleted at the
end. The attributes of the files are in the system's cache at the second start, as they are when
workers start after a run was settled. Memory is read from /proc, by Linux alone: the greatest of
each process, looked at five times a second, and the peak that the system itself kept.
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RESULTS = Path(__file__).with_suffix(".jsonl")
CLASSES = 10
MIB = 2**20
SEARCH = ("--budget", "500k", "--latent", "64", "--workers", "2", "--examples", "6k", "--seed", "1")


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
    from asymnas.core.config import DataSpec
    from asymnas.data.base import DATASETS, load_dataset

    DATASETS.names()  # imports every loader
    began, worked = time.perf_counter(), time.process_time()
    data = load_dataset(DataSpec(name=f"folder:{folder}", root=str(root)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    return {"seconds": seconds, "cpu_seconds": cpu, "train": len(data.train), **memory()}


def search(folder: Path, root: Path, trials: int) -> dict[str, Any]:
    """Searches the folder as a person would; seconds, and the memory of every process."""
    command = [sys.executable, "-m", "asymnas.search", *SEARCH, "--trials", str(trials)]
    command += ["--dataset", f"folder:{folder}", "--data-root", str(root)]
    seen: dict[int, dict[str, int]] = {}
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--run-dir", str(root / "run"), "--json"], stdout=-1)
    reader = ThreadPoolExecutor(1).submit(process.communicate)
    while process.poll() is None:
        for pid in [process.pid, *children(process.pid)]:
            now = memory(pid)
            before = seen.get(pid, {})
            seen[pid] = before | {k: max(v, before.get(k, 0)) for k, v in now.items()}
        time.sleep(0.2)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"the search ended with code {process.returncode}")
    summary = json.loads(reader.result()[0])
    return {
        **{"flags": " ".join(SEARCH), "seconds": round(seconds), "trials": summary["trials"]},
        "examples_seen": summary["examples_seen"],
        "coordinator": seen.pop(process.pid),
        "workers": [found for found in seen.values() if found],
    }


def children(pid: int) -> list[int]:
    """Processes that any thread of a process started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        return [int(child) for text in lists for child in text.read_text().split()]
    except OSError:  # a thread has ended
        return []


def memory(pid: int | str = "self") -> dict[str, int]:
    """Resident MiB of a process: all, its own, pages of files, its peak; nothing if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {"rss_mib": "VmRSS", "own_mib": "RssAnon", "file_mib": "RssFile", "peak_mib": "VmHWM"}
    return {
        name: round(int(status[key].split()[0]) / 1024)
        for name, key in names.items()
        if key in status
    }


def alone(task: Callable[..., dict[str, float]], *places: Path) -> dict[str, float]:
    """What a task finds in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(task, *places).result()


def measure(place: Path, n: int, pixels: int, suffix: str, trials: int) -> dict[str, Any]:
    """Every figure of one folder."""
    from asymnas.core.provenance import setup

    folder, root = place / "images", place / "root"
    write_images(folder, n, pixels, suffix)
    try:
        found = {name: alone(start, folder, root) for name in ("first", "second")}
        found["search"] = search(folder, root, trials)
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
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--suffix", choices=("png", "jpg"), default="jpg")
    parser.add_argument("--trials", type=int, default=8)
    given = parser.parse_args()
    found = measure(given.place, given.images, given.pixels, given.suffix, given.trials)
    line = json.dumps(found)
    print(line)
    with RESULTS.open("a") as file:
        file.write(f"{line}\n")


if __name__ == "__main__":
    main()
