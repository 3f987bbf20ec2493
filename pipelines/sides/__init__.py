"""Train, validation and test: what belongs together, where it stands, and that nothing crosses.

`ties` finds what must stay on one side, `place` gives sides and lets no old row move, `crossing` is the gate.
"""

from pipelines.sides.placing import Placed, place
from pipelines.sides.tying import crossing, ties

__all__ = ["Placed", "crossing", "place", "ties"]
