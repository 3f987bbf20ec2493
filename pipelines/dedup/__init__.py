"""Duplicates: which records say the same, and which of them survives.

`shingles` and `minhash` turn texts into sets and signatures, `candidates` finds rows whose signatures meet, `jaccard`
verifies them, `greedy` chooses survivors in policy order, `near` does all of it for one column of texts. `pairs` and
`survivors` are the two halves of it in the lake: what a state holds, and what a recipe makes of it.
"""
