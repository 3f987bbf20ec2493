"""Verification: whether a record's answer is right, as far as that can be known."""
