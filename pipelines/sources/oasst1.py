"""OpenAssistant: 10k conversation trees that volunteers wrote and ranked (Köpf et al. 2023, arXiv:2304.07327).

The trees are in 35 languages; how they are read, `pipelines.layouts.trees` says.
"""

from pipelines.layouts.trees import TREES
from pipelines.sources.source import Source

SOURCE = Source(repo="OpenAssistant/oasst1", license="apache-2.0", made_with=(), reads=(TREES,))
