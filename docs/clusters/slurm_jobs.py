"""A search each of whose rungs is a job of Slurm, by submitit.

    python docs/clusters/slurm_jobs.py [slurm|local]

`local`, the default, starts processes of this machine in place of jobs. Needs `pip install
submitit`. Jobs and this script share the folder `submitit`; nothing else has to be shared but the
data set, which each job loads.
"""

import sys

import submitit

from asymnas import StudyConfig, run_search
from asymnas.runs.executors.submitting import submitted_calls

JOBS = 2  # in the queue or at work at once


def main() -> None:
    """Runs the search and prints its trials."""
    cluster = sys.argv[1] if len(sys.argv) > 1 else "local"
    jobs = submitit.AutoExecutor("submitit", cluster=cluster)
    jobs.update_parameters(timeout_min=60, cpus_per_task=1)
    if cluster == "slurm":
        jobs.update_parameters(gpus_per_node=1, slurm_partition="gpu")
    with submitted_calls(jobs.submit, JOBS) as executor:
        config = StudyConfig(
            dataset="digits", budget=4_000, trials=2, examples=1_000, workers=JOBS, pruner="none"
        )
        run = run_search(config, executor=executor)
    print(run.table[["trial", "state", "val_loss"]])


if __name__ == "__main__":
    main()
