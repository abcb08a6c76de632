"""Puts the module's types into the wheel, made from the module itself.

A single module can't carry a `py.typed`, so type checkers would not look into an installed one. PEP 561 has stub packages
for that: `clerk_actor_tokens-stubs/__init__.pyi`, here the module under another name, since checkers skip the bodies in a
stub. (A mere `force-include` in pyproject.toml would move the file, not copy it.)
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
        if version == "editable":  # which would go on to show the types of the day when it was installed
            return
        self.folder = tempfile.mkdtemp()
        stub = shutil.copy(Path(self.root) / "clerk_actor_tokens.py", Path(self.folder) / "__init__.pyi")
        build_data["force_include"][str(stub)] = "clerk_actor_tokens-stubs/__init__.pyi"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.folder:
            shutil.rmtree(self.folder)
