"""OpenAssistant: 10k conversation trees that volunteers wrote and ranked (Köpf et al. 2023, arXiv:2304.07327).

The trees are in 35 languages; how they are read, `pipelines.trees` says.
"""

from pipelines.sources.source import Source
from pipelines.trees import TREES

SOURCE = Source(repo="OpenAssistant/oasst1", license="apache-2.0", reads=(TREES,))
