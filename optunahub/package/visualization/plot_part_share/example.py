"""An encoder and a decoder of drawn sizes, whose loss is lowest with two thirds in the decoder."""

import optuna

import optunahub

module = optunahub.load_module(package="visualization/plot_part_share")


def objective(trial: optuna.Trial) -> float:
    encoder = trial.suggest_int("encoder_params", 1_000, 100_000, log=True)
    decoder = trial.suggest_int("decoder_params", 1_000, 100_000, log=True)
    return 0.1 + encoder**-0.3 + 1.2 * decoder**-0.3


if __name__ == "__main__":
    study = optuna.create_study()
    study.optimize(objective, n_trials=60)
    module.plot_part_share(study).show()
