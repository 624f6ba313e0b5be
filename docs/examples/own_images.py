"""Your own images: a folder of pictures, sorted by class, from the search to a reconstruction.

Draws 300 pictures of 16×16 pixels into `pictures/disc` and `pictures/square`.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from asymnas import StudyConfig, find_best_architecture, run_search

SIZE = 16
rng = np.random.default_rng(0)
y, x = np.mgrid[:SIZE, :SIZE]
for number in range(300):
    shape = ("disc", "square")[number % 2]
    row, column = rng.uniform(5, 11, 2)
    radius = rng.uniform(2, 5)
    dy, dx = abs(y - row), abs(x - column)
    distance = np.hypot(dy, dx) if shape == "disc" else np.maximum(dy, dx)
    pixels = 255 * np.clip(radius + 0.5 - distance, 0, 1)
    path = Path("pictures", shape, f"{number:03}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)

config = StudyConfig(
    dataset="folder:pictures", budget="10k", latent=4, trials=4, examples="10k", workers=1
)
run = run_search(config)
best = find_best_architecture(run)
print(f"loss {best.values['val_loss']:.4f}, decoder share {best.decoder_share:.0%}")

disc = Path("pictures/disc/000.png")
again = best.reconstruct([disc])
pixels = np.asarray(Image.open(disc), float)
print("mean error of a pixel, of 255:", abs(again.reshape(SIZE, SIZE) - pixels).mean().round(1))
