"""What every package stands on: errors, configurations, budgets, columns, text, files."""
