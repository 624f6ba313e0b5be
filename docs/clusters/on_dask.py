"""A search whose candidates train on a Dask cluster.

    python docs/clusters/on_dask.py [tcp://SCHEDULER:8786]

Without an address it starts a cluster on this machine. Needs `pip install distributed`.
"""

import sys
from functools import partial

from distributed import Client

from asymnas import StudyConfig, run_search
from asymnas.runs.executors.submitting import submitted_calls

WORKERS = 2  # candidates that train at once


def main() -> None:
    """Runs the search and prints its trials."""
    if len(sys.argv) > 1:
        client = Client(sys.argv[1])
    else:
        client = Client(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None)
    # `pure=False`: a rung that is tried again is another call, though its arguments are equal
    submit = partial(client.submit, pure=False)
    config = StudyConfig(dataset="digits", budget=4_000, trials=4, examples=1_000, workers=WORKERS)
    with client, submitted_calls(submit, WORKERS) as executor:
        run = run_search(config, executor=executor)
    print(run.table[["trial", "state", "val_loss"]])


if __name__ == "__main__":
    main()
