"""Argilla: the embedded server, or the one that a team names."""

from typing import Final

WORKSPACE: Final = "tamis"
"""Argilla's workspace that the embedded server makes."""
