"""Benchmark items in records: what is shared with which item, by several rules side by side, with the evidence.

`tokens` cuts texts, `index` holds the items, `scan` finds what texts share with them, `rules` says what that means.
`records` scans a lake state; `clearing` and `dropping` say which hits count in a recipe.
"""
