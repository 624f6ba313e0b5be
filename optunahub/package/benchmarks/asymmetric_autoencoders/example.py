"""Samplers and pruners at equal simulated seconds: the lowest loss of three studies each."""

import statistics

import optuna

import optunahub

WORKERS, SECONDS, SEEDS = 4, 5.0, 3
SAMPLERS = {"random": optuna.samplers.RandomSampler, "TPE": optuna.samplers.TPESampler}

module = optunahub.load_module(package="benchmarks/asymmetric_autoencoders")

if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    problem = module.Problem("digits")
    halving = optuna.pruners.SuccessiveHalvingPruner(
        min_resource=problem.table.rungs[0], reduction_factor=2
    )
    pruners = {"none": optuna.pruners.NopPruner(), "halving": halving}
    print(f"sampler  pruner   median loss after {SECONDS:.0f} s of {WORKERS} workers")
    for sampler_name, sampler in SAMPLERS.items():
        for pruner_name, pruner in pruners.items():
            losses = []
            for seed in range(SEEDS):
                study = optuna.create_study(
                    directions=problem.directions,
                    sampler=module.PoolSampler(sampler(seed=seed), problem),
                    pruner=pruner,
                )
                log = module.simulate(study, problem, workers=WORKERS, seconds=SECONDS)
                losses.append(log["best"].iloc[-1])
            print(f"{sampler_name:8} {pruner_name:8} {statistics.median(losses):.5f}")
