"""What became of one record or one upstream row, and why; and where a text stands."""
