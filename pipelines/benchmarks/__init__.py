"""Benchmarks: sources of their own kind, which are never trained on.

`catalogue` declares them, `items` reads one, `update` keeps the index of all of them in the lake.
"""
