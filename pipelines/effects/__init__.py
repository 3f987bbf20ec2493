"""What rules, thresholds and recipes cost and give, counted from stored signals and the last pass, before a run."""
