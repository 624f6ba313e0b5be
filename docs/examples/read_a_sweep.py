"""Reading a sweep: what it says of each budget, with its intervals, and how sure it is.

The design here takes seconds and can answer nothing; leave it out for one that can.
"""

from asymnas import StudyConfig, SweepConfig, run_sweep

study = StudyConfig(
    dataset="digits", examples=2_000, run_dir="runs/tiny/sweep", name="tiny", workers=1
)
tiny = SweepConfig(
    study=study, budgets=(8_000,), shares=3, structures=3, seeds=1, screen=1, rates=1, horizons=0
)
run = run_sweep(tiny)
for entry in run.summary["decoder_share"]:
    print(f"{entry['budget']:,} parameters: {entry['verdict']}")
    third = entry["contrasts"]["1/3"]
    interval = [round(third[name], 2) for name in ("low", "estimate", "high")]
    print("log loss at 1/3 less that at 1/2, and its interval:", *interval)
    print("why:", ", ".join(entry["why"]))
