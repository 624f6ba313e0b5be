"""One candidate: from a job to a rung to its metrics."""
