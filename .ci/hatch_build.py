"""Puts the module's types into the wheel, made from the module itself.

A single module cannot carry a `py.typed`, so type checkers would ignore the types of an installed
one. PEP 561 has stub packages for that: `clerk_actor_tokens-stubs/__init__.pyi`. Here it is the
module under another name, since checkers skip the function bodies in a stub. (`force-include` in
pyproject.toml would move the file instead of copying it.)
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubPackage(BuildHookInterface):  # type: ignore[type-arg]  # of any builder's configuration
    folder: str | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # its stub would keep the types of the day of installation
            return
        self.folder = tempfile.mkdtemp()
        module = Path(self.root) / "clerk_actor_tokens.py"
        stub = shutil.copy(module, Path(self.folder) / "__init__.pyi")
        build_data["force_include"][str(stub)] = "clerk_actor_tokens-stubs/__init__.pyi"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.folder:
            shutil.rmtree(self.folder)
