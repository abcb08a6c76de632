"""End the sessions in which an engineer is signed in as a customer.

    CLERK_SECRET_KEY=sk_... python3 end_sessions.py user_customer user_engineer

The customer's own sessions stay, and so do other engineers'. It prints each session that was ended,
and on stderr each that was not. Exit status: 0 if all were ended; 1 if not, or if the list of them
is incomplete; 2 if an ID or a setting is invalid, and nothing was sent.

An application that checks only the session token lets the engineer in for up to 60 seconds longer:
nothing takes back a JWT. A session that ended by itself meanwhile (Clerk refuses with 400 or 404)
counts as not ended. So if anything failed, run this again until the exit status is 0. A session
that waits for a task (Clerk's status "pending") is not listed before it is active.

CLERK_API_URL is Clerk's address, with or without /v1. Proxies are found as urllib finds them.
It needs CPython 3.9 or later, and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse
from typing import Any, TextIO
from urllib.parse import urlencode
from urllib.request import HTTPErrorProcessor, ProxyHandler, Request, build_opener

TIMEOUT = 10.0  # seconds for each wait: for a connection, or for more of a response
PAGE = 500  # sessions: the most that Clerk lists at once
MAX_PAGES = 100
MAX_BYTES = 16 * 1024 * 1024  # of a response; what is cut here is not valid JSON
ID = "(?!sk_)[A-Za-z0-9_-]+"  # with dots, slashes or % in it, an ID could reach another path
THIS_MACHINE = r"http://(localhost|127\.0\.0\.1|\[::1\])"
ADDRESS = rf"(https://([\w.-]+|\[[\da-f:.]+\])|{THIS_MACHINE})(:\d+)?(/[\w./~-]*)?"


class CallError(Exception):
    """A request failed. The text says why, without the key."""


class AnyStatus(HTTPErrorProcessor):
    """Hands on a response of whatever status. So urllib follows no redirect with the key."""

    def http_response(self, request: Request, response: HTTPResponse) -> HTTPResponse:
        return response

    https_response = http_response


def end_sessions(customer: str, engineer: str) -> bool:
    """End them, and print each. Returns True if all of them were ended.

    Raises `ValueError` if an ID or a setting is invalid. Then nothing was sent.
    """
    if not (re.fullmatch(ID, customer) and re.fullmatch(ID, engineer)):
        raise ValueError("Customer and engineer must be IDs, such as user_29w9IptNja3mP8GD.")
    check_settings()

    found: list[Any] = []
    all_ended = True
    try:
        # All are listed before the first is ended: each that ends would shift the pages.
        for session in active_sessions(customer):
            is_engineers = (session.get("actor") or {}).get("sub") == engineer
            is_customers = session.get("user_id", customer) == customer
            if is_engineers and is_customers and session.get("id") not in found:
                found.append(session.get("id"))
    except CallError as error:
        all_ended = False  # but those that were found will be
        say(f"The list of sessions is incomplete: {error}.", sys.stderr)

    for session_id in found:
        try:
            end_session(session_id)
        except CallError as error:
            all_ended = False
            say(f"{one_line(session_id)} was not ended: {error}.", sys.stderr)
        else:
            say(f"{session_id} was ended", sys.stdout)
    if all_ended and not found:
        say(f"{engineer} has no active session as {customer}.", sys.stderr)
    return all_ended


def active_sessions(customer: str) -> Iterator[dict[str, Any]]:
    """The customer's active sessions, page by page. Raises `CallError`."""
    for number in range(MAX_PAGES):
        query = {"user_id": customer, "status": "active", "limit": PAGE, "offset": number * PAGE}
        page = call("GET", "/sessions?" + urlencode(query))
        if not isinstance(page, list):
            raise CallError("Clerk's answer is not a list")
        for session in page:
            # To skip an odd one could be to overlook the engineer's.
            if not isinstance(session, dict) or not isinstance(session.get("actor") or {}, dict):
                raise CallError("an entry of Clerk's list is not a session")
            yield session
        if len(page) < PAGE:
            return
    raise CallError(f"it has more than {MAX_PAGES} pages")


def end_session(session_id: Any) -> None:
    """End one session. Raises `CallError`."""
    if not isinstance(session_id, str) or not re.fullmatch(ID, session_id):
        raise CallError("its ID could reach another path, so it was not sent")
    session = call("POST", f"/sessions/{session_id}/revoke")
    if not isinstance(session, dict) or session.get("status") == "active":
        raise CallError("Clerk's answer does not say that it has ended")


def call(method: str, path: str) -> Any:
    """Send a request. Returns what is in the JSON of a success. Raises `CallError`."""
    url = server_url() + path
    headers = {
        "Authorization": f"Bearer {secret_key()}",
        "Clerk-API-Version": "2026-05-12",
        "User-Agent": "end-sessions",  # a firewall may refuse urllib's own
    }
    handlers: list[Any] = [AnyStatus]
    if url.lower().startswith("http:"):  # to this machine: a proxy would be sent the key
        handlers.append(ProxyHandler({}))
    try:
        request = Request(url, method=method, headers=headers)  # noqa: S310 (check_settings has)
        with build_opener(*handlers).open(request, timeout=TIMEOUT) as response:
            status, body = response.status, response.read(MAX_BYTES)
    except Exception as error:  # of any kind: one failure must not keep the rest from being ended
        reason = one_line(getattr(error, "reason", "") or error) or type(error).__name__
        raise CallError(f"there was no valid answer ({reason})") from None

    answer: Any = None
    with suppress(ValueError, RecursionError):
        answer = json.loads(body)
    if 200 <= status < 300:
        return answer
    said = "no redirect is followed" if 300 <= status < 400 else ""
    with suppress(LookupError, TypeError):  # a gateway's answer has no such entry
        said = one_line(answer["errors"][0]["message"])
    raise CallError(f"the answer was {status}" + (f" ({said})" if said else ""))


def check_settings() -> None:
    if not re.fullmatch(r"sk_[\w.~+/-]+=*", secret_key(), re.ASCII):
        raise ValueError("CLERK_SECRET_KEY must be the secret key: sk_test_... or sk_live_...")
    if not re.fullmatch(ADDRESS, server_url(), re.ASCII | re.IGNORECASE):
        raise ValueError("CLERK_API_URL must be https://..., or http:// to this machine.")


def secret_key() -> str:
    # No variable holds it: error trackers show them.
    return os.environ.get("CLERK_SECRET_KEY", "").strip()


def server_url() -> str:
    url = os.environ.get("CLERK_API_URL", "").strip(" \t\r\n/") or "https://api.clerk.com"
    return url.removesuffix("/v1").rstrip("/") + "/v1"


def one_line(text: object) -> str:
    """A text from outside, without the key, and with nothing that steers a terminal."""
    line = str(text).replace(secret_key(), "***")
    return "".join(letter if letter.isprintable() else " " for letter in line)[:200].strip(". ")


def say(line: str, stream: TextIO) -> None:
    with suppress(OSError):  # a closed pipe must not keep the rest from being ended
        print(line, file=stream, flush=True)


def main() -> int:
    arguments = sys.argv[1:]
    if arguments in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    try:
        if len(arguments) != 2:
            raise ValueError("Usage: end_sessions.py CUSTOMER ENGINEER (or --help)")
        return 0 if end_sessions(*arguments) else 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
