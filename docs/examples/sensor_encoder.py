"""A small encoder for a sensor: one side has a cap of its own, and is exported alone.

Writes `sensor/encoder.py` and its weights, which need PyTorch alone.
"""

from pathlib import Path

from asymnas import StudyConfig, run_search

config = StudyConfig(
    dataset="digits",
    budget="20k",
    max_encoder_params=800,
    latent=8,
    enqueue="none",  # the preset that searches of images begin with divides its budget evenly
    trials=4,
    examples="10k",
    workers=1,
)
best = run_search(config).best
print(f"encoder {best.encoder_params:,} parameters, decoder {best.decoder_params:,}")

if not Path("sensor").exists():
    best.export("sensor", format="python", part="encoder")
print(*sorted(path.name for path in Path("sensor").iterdir()))
