"""For the tests of the examples: where the modules are, a clean environment, and a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent
sys.path[:0] = [str(EXAMPLES), str(EXAMPLES.parent)]

from loopback import Answer, Loopback  # noqa: E402


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may meet a developer's key, or send its requests through a proxy."""
    for name in list(os.environ):
        if name.upper().startswith("CLERK_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Loopback]]:
    """Start a server on this machine, for the length of a test."""
    with ExitStack() as stack:

        def serve(answer: Answer) -> Loopback:
            loopback = Loopback(answer)
            stack.callback(loopback.close)
            return loopback

        yield serve
