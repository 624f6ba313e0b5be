"""Plan, coordinator, Optuna study and run directory."""
