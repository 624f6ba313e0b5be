"""Choosing from a front: the lowest loss, the best compromise, and the best below a size."""

from asymnas import StudyConfig, find_best_architecture, run_search

run = run_search(StudyConfig(dataset="digits", budget="10k", trials=6, examples="10k", workers=1))
largest = find_best_architecture(run)
half = (largest.encoder_params + largest.decoder_params) // 2
choices = {"lowest loss": {}, "knee": {"prefer": "knee"}, "half the size": {"max_params": half}}
print(f"{'':13}  parameters  decoder share    loss")
for name, options in choices.items():
    best = find_best_architecture(run, **options)
    size = best.encoder_params + best.decoder_params
    loss = best.values["val_loss"]
    print(f"{name:13}{size:12,}{best.decoder_share:15.0%}{loss:8.4f}")
