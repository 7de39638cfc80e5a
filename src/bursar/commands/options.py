"""Options that several commands share: whose settings they go by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bursar import settings as settings_module
from bursar.settings import DEVELOPMENT_PORT, Settings, SettingsError

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file; bursar.toml in this folder is found by itself.")
]
FolderOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of a `bursar dev`, instead of the settings' database.")
]


def chosen_settings(config: Path | None, data: Path | None) -> Settings:
    """Those of the folder where one is named, else those of the file and the variables."""
    if data is None:
        return settings_module.load(config)
    if not (data / "bursar.db").is_file():
        raise SettingsError(f"There is no database in {data}; `bursar dev --data {data}` makes one.")
    return settings_module.development(data, DEVELOPMENT_PORT)
