"""A curve of losses and a size: 60 candidates, of which the outranked stop early."""

import optuna

import optunahub

module = optunahub.load_module(package="pruners/size_aware_rank")


def objective(trial: optuna.Trial) -> tuple[float, float]:
    size = trial.suggest_int("size", 100, 100_000, log=True)
    skill = trial.suggest_float("skill", 0.5, 2.0)
    loss = 1.0
    for epoch in range(1, 10):
        loss = skill * size**-0.2 + 2.0 * epoch**-1.5 * size**0.05
        module.report(trial, [loss, size], epoch)
        if module.should_prune(trial):
            raise optuna.TrialPruned
    return loss, size


if __name__ == "__main__":
    study = optuna.create_study(
        directions=["minimize", "minimize"], pruner=module.SizeAwareRankPruner(size=1)
    )
    study.optimize(objective, n_trials=60)
    states = [trial.state.name for trial in study.trials]
    print(f"{states.count('PRUNED')} of {len(states)} pruned, front of {len(study.best_trials)}")
