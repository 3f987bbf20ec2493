"""OpenAssistant, second release: oasst1's trees as they grew until the end of the project, and further ones (2023).

128,575 messages for training in oasst1's layout. Many of its messages are oasst1's.
"""

from pipelines.layouts.trees import TREES
from pipelines.sources.source import Source

SOURCE = Source(repo="OpenAssistant/oasst2", license="apache-2.0", made_with=(), reads=(TREES,))
