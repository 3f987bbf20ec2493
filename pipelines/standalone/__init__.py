"""Deduplication and decontamination of any files or frames, without a workspace's records.

from pipelines.standalone import near_duplicates, shared_with

clusters = near_duplicates(frame, ["prompt", "answer"], threshold=0.7)
clusters.removed            # row, survivor, similarity
clusters.at(0.8)            # the same work, another threshold

shared_with(frame, ["prompt"], benchmark["question"])       # every hit of every rule, with both spans
"""

from pipelines.standalone.decontaminate import shared_with
from pipelines.standalone.dedup import near_duplicates

__all__ = ["near_duplicates", "shared_with"]
