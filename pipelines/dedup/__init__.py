"""Duplicates: which records say the same, and which of them survives.

`words` splits texts, `shingles` and `minhash` make sets and signatures of them, `buckets` and `candidates` find rows
whose signatures meet, `jaccard` verifies them, `greedy` chooses survivors in policy order, `near` does all of it for
one column of texts. `pairs` and `survivors` are the two halves of it in the lake: what a state holds, and what a recipe
makes of it.
"""
