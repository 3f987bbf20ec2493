"""What the assets work with: the workspace, its lake, and its Hub."""

import os
from functools import cached_property
from pathlib import Path

import dagster as dg

from pipelines.catalogue import settings_now
from pipelines.errors import TamisError
from pipelines.hub import Hub
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.workspace import Workspace, current


class Tamis(dg.ConfigurableResource):
    """The workspace of this process: `TAMIS_HUB`, else the clone's last run's."""

    @cached_property
    def workspace(self) -> Workspace:
        return current()

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.workspace.lake)

    @cached_property
    def hub(self) -> Hub:
        """The Hub that the workspace belongs to. TamisError where that is a folder's, and nobody serves it."""
        from huggingface_hub import constants

        if not self.workspace.online and os.environ.get("HF_ENDPOINT") != constants.ENDPOINT:
            raise TamisError(
                f"its Hub ({self.workspace.hub}) is not served in this process",
                where=str(self.workspace.path),
                cure="Start Dagster with `make up`, which serves it.",
            )
        return Hub(None, cache=Path(constants.HF_HUB_CACHE), online=self.workspace.online)

    @property
    def settings(self) -> LakeSettings:
        return settings_now()
