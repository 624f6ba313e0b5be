"""From draws to architectures within a budget; equal-budget designs; sized presets."""
