"""What the assets work with: the workspace, its lake, and its Hub."""

from functools import cached_property
from pathlib import Path

import dagster as dg

from pipelines.catalogue import settings_now
from pipelines.hub import Hub
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.workspace import Workspace, current


class Tamis(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The workspace of this process: `TAMIS_HUB`, else the clone's last run's."""

    @cached_property
    def workspace(self) -> Workspace:
        return current()

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.workspace.lake)

    @cached_property
    def hub(self) -> Hub:
        """The Hub that the workspace belongs to; a loopback Hub's address is in `HF_ENDPOINT`."""
        from huggingface_hub import constants

        return Hub(None, cache=Path(constants.HF_HUB_CACHE), online=self.workspace.online)

    @property
    def settings(self) -> LakeSettings:
        return settings_now()
