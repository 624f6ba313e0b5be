"""A variational autoencoder: what is searched is the ELBO; what it is made of is on every row."""

from asymnas import StudyConfig, run_search

config = StudyConfig(
    dataset="digits",
    kind="variational:beta=1,likelihood=bernoulli",
    budget="10k",
    latent=4,
    trials=4,
    examples="10k",
    workers=1,
)
run = run_search(config)
best = run.best.values
elbo = best["distortion"] + best["kl"]
print(f"negative ELBO {elbo:.1f} nats, {best['kl']:.1f} of them the KL divergence")
print(f"loss {best['val_loss']:.1f}: without the entropy of the pixels themselves")
print(f"latent units in use: {best['active_units']:.0%}")
