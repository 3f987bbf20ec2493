"""What a run would fetch, recompute and need, told before anything is pulled."""
