"""Puts the built JupyterLab extension into the wheel, so that its users need no Node.

It is built here where it is not there yet and npm is. Without npm the wheel has the magics alone, which is told: so
`pip install git+…` works on any machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PLACE = "share/jupyter/labextensions/mlmagic"


class PanelBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook: runs before a wheel or an sdist is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the extension to the wheel. An editable installation has a link to it, which `make` makes."""
        if version == "editable":
            return
        sources, built = Path(self.root, "labextension"), Path(self.root, "mlmagic", "labextension")
        if not (built / "package.json").exists():
            self._build(sources)
        if self.target_name == "wheel" and (built / "package.json").exists():
            build_data["shared_data"][str(built)] = _PLACE
            build_data["shared_data"][str(sources / "install.json")] = f"{_PLACE}/install.json"

    def _build(self, sources: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            self.app.display_warning(
                "mlmagic: there is no npm on the PATH, so the JupyterLab panel is left out; the magics work without it."
            )
            return
        # jupyter-builder, which npm starts, is where this Python is.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        for words in (["ci"], ["run", "build"]):
            subprocess.run([npm, *words], cwd=sources, check=True, env=os.environ | {"PATH": path})
