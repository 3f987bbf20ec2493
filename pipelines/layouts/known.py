"""Every layout by name, the more particular before those that would fit its rows too."""

from typing import Final

from pipelines.layouts.comparisons import PAIRS, PREFERENCE, SCORED, TRANSCRIPTS
from pipelines.layouts.fine_tuning import ALPACA, MESSAGES, PROMPTED, SHAREGPT, TAGGED
from pipelines.layouts.layout import Layout
from pipelines.layouts.problems import OPEN_INSTRUCT, PROBLEM, VERL

LAYOUTS: Final[dict[str, Layout]] = {
    layout.name: layout
    for layout in (
        VERL,
        OPEN_INSTRUCT,
        PREFERENCE,
        PAIRS,
        TRANSCRIPTS,
        SCORED,
        TAGGED,
        PROBLEM,
        SHAREGPT,
        MESSAGES,
        ALPACA,
        PROMPTED,
    )
}
