"""Data sets that Tamis has never seen: what is in them, which layout they have, and how they become sources."""
