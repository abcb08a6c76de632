"""A user's program, run and type-checked in CI against the installed wheel.

Each mistake in `mistakes` carries an ignore comment. A checker that misses one calls its comment
unnecessary, and fails.
"""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any

from clerk_actor_tokens import (
    ActorToken,
    ActorTokens,
    ClerkBaseError,
    ClerkErrors,
    NoResponseError,
    Opener,
    Sandbox,
    SDKError,
)


class Counter:
    """An opener around another one."""

    def __init__(self, opener: Opener) -> None:
        self.opener = opener
        self.count = 0

    def open(self, request: urllib.request.Request, *, timeout: float) -> Any:
        self.count += 1
        return self.opener.open(request, timeout=timeout)


def main() -> None:
    sandbox = Sandbox()
    counter = Counter(sandbox)
    clerk = ActorTokens("sk_test_x", opener=counter, timeout=5)
    actor: Mapping[str, object] = {"sub": "user_2", "ticket": 1}
    token: ActorToken = clerk.create("user_1", actor=actor, expires_in_seconds=60)
    tokens: dict[str, ActorToken] = sandbox.tokens
    sandbox.fail_next(TimeoutError(), acted=True)
    sandbox.fail_next(429, headers={"Retry-After": "3"})
    link: str | None = token.url
    for _ in range(3):
        try:
            clerk.revoke(token.id, timeout=0.5).status.upper()
            clerk.revoke(token)
        except ClerkErrors as error:
            known: tuple[str, float | None, str | None, int] = (
                error.errors[0].code,
                error.retry_after,
                error.headers.get("Content-Type"),
                error.status_code,
            )
            print(known, error.clerk_trace_id is not None)
        except NoResponseError as error:
            print(error.message.upper(), error.outcome_unknown + 1)
    ClerkBaseError("message", outcome_unknown=False)
    ClerkErrors("message", status_code=400, errors=(), retry_after=None)
    with ActorTokens("sk_test_x", opener=urllib.request.build_opener()) as other:
        print(f"{other} is typed, and {counter.count} calls were made: {link is not None}")
    print(f"{len(tokens)} token")


class NoOpener:
    """What it opens is no response."""

    def open(self, request: urllib.request.Request, *, timeout: float) -> int:
        return 3


def mistakes(clerk: ActorTokens, token: ActorToken) -> None:
    ActorTokens("sk_test_x", opener=3)  # type: ignore[arg-type]
    ActorTokens("sk_test_x", opener=NoOpener())  # type: ignore[arg-type]
    ActorTokens("sk_test_x", opener=Sandbox)  # type: ignore[arg-type]
    clerk.create(5, actor="user_2")  # type: ignore[arg-type]
    clerk.create("user_1", "user_2")  # type: ignore[call-arg]
    clerk.revoke(None)  # type: ignore[arg-type]
    link: str = token.url  # type: ignore[assignment]
    token.secret  # type: ignore[attr-defined]  # noqa: B018
    number: str = SDKError("message", status_code=500).status_code  # type: ignore[assignment]
    SDKError("message", statuscode=1)  # type: ignore[call-arg]
    Sandbox().fail_next("500")  # type: ignore[arg-type]
    print(link, number)


if __name__ == "__main__":
    main()
