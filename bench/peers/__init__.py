"""Other systems that find near-duplicates, each in an environment of its own, on the same rows and one core.

The `with_*` files run in those environments, as scripts: they import nothing of this project but `measuring`.
"""
