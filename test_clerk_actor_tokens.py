"""What clerk_actor_tokens.py and README.md promise, in the order of the module."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime
import enum
import errno
import gc
import http.client
import inspect
import io
import itertools
import json
import os
import pickle
import re
import select
import shlex
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import traceback
import types
import urllib.request
import urllib.response
import zipapp
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar, get_type_hints
from unittest.mock import Mock
from urllib.error import HTTPError, URLError

import pytest
import requests
import responses
import trustme

import clerk_actor_tokens
from clerk_actor_tokens import (
    ActorToken,
    ActorTokens,
    ClerkBaseError,
    ClerkErrors,
    ErrorDetail,
    NoResponseError,
    Opener,
    RequestTimeoutError,
    Response,
    ResponseValidationError,
    Sandbox,
    SDKError,
)

# What a call reaches here, in place of Clerk: `Stub(...)`, an opener with one answer; `api`, which
# is Clerk as `responses` mocks it; or a server on this machine, which plays a script for each
# connection: `serve(hang_up, echo)`. See "The wire: servers on this machine".

Script = Callable[["Peer"], object]
Serve = Callable[..., "Server"]
Patch = pytest.MonkeyPatch
Call = Callable[..., ActorToken]
AnyError = TypeVar("AnyError", bound=ClerkBaseError)

MODULE = Path(clerk_actor_tokens.__file__)
README = MODULE.with_name("README.md")
CREATE_URL = "https://api.clerk.com/v1/actor_tokens"
REVOKE_URL = "https://api.clerk.com/v1/actor_tokens/act_29w9IptNja3mP8GDXpquBwN2qR9/revoke"
KEY = "sk_test_4f9d2c7b1a"
SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3NjM5MDM2MDB9.c2lnbmF0dXJl"  # noqa: S105
LINK = f"https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket={SECRET}"
LOGIN = "user:hunter2"  # a proxy's
SECRETS = (KEY[:-1], SECRET, "hunter2", base64.b64encode(LOGIN.encode()).decode())
TOKEN: dict[str, Any] = {
    "object": "actor_token",
    "id": "act_29w9IptNja3mP8GDXpquBwN2qR9",
    "status": "pending",
    "user_id": "user_1a2b3c",
    "actor": {"sub": "user_9z8y7x", "ticket": "SUP-1", "scope": {"read": [True, None, 1.5]}},
    "created_at": 1763900000000,
    "updated_at": 1763900000001,
    "token": SECRET,
    "url": LINK,
}
JSON = json.dumps(TOKEN).encode()
BARE = {name: value for name, value in TOKEN.items() if name not in ("token", "url")}
ENTRY: dict[str, Any] = {
    "code": "actor_token_cannot_be_revoked_code",
    "message": "Actor token cannot be revoked",
    "long_message": "Actor token cannot be revoked because its status is accepted.",
    "meta": {"param_name": "actor_token_id"},
}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CLERKS_ERRORS = {
    "errors": [ENTRY],
    "clerk_trace_id": TRACE_ID,
    "meta": {"docs": "https://clerk.com/docs"},
}


# ---- Calls, and how they fail


def create(clerk: ActorTokens, actor: Any = "user_9z8y7x", **options: Any) -> ActorToken:
    """Create the token that TOKEN describes."""
    return clerk.create("user_1a2b3c", actor=actor, **options)


def revoke(clerk: ActorTokens, **options: Any) -> ActorToken:
    """Revoke the token that TOKEN describes."""
    return clerk.revoke(TOKEN["id"], **options)


CREATE_AND_REVOKE = pytest.mark.parametrize("call", [create, revoke])


@contextmanager
def fails(kind: type[AnyError], *, unknown: bool) -> Iterator[pytest.ExceptionInfo[AnyError]]:
    """Expect this very exception and `outcome_unknown`, in one line, without a secret anywhere."""
    with pytest.raises(kind) as caught:
        yield caught
    error = caught.value
    assert type(error) is kind
    assert error.outcome_unknown is unknown, str(error)
    assert error.message == str(error)
    assert str(error).isprintable(), "not one line"
    assert len(str(error)) < 2000, "too long to read"
    assert KEY not in str(vars(error)), "an attribute shows the key"
    assert_no_secret_shows(error)


def assert_no_secret_shows(error: BaseException) -> None:
    """Neither in its chain's texts, nor in what debuggers show of the frames but the tests'."""
    shown: list[str] = []
    seen: dict[int, object] = {}
    chain: list[BaseException | None] = [error]
    while chain:
        link = chain.pop()
        if link is None or id(link) in seen:
            continue
        chain += [link.__cause__, link.__context__]
        shown += [str(link), *expand(link, seen)]
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                shown += expand(frame.f_locals, seen)
    for text in shown:
        assert not any(secret in text for secret in SECRETS), f"it shows {text[:500]}"


def expand(value: Any, seen: dict[int, object], depth: int = 6) -> Iterator[str]:
    """What debuggers show of a value: its repr, its items, its attributes, and theirs."""
    is_ours = type(value).__module__ == __name__ or isinstance(value, (type, types.ModuleType))
    if id(value) in seen or not depth or is_ours:
        return
    seen[id(value)] = value
    yield repr(value)
    parts: list[Any] = [getattr(value, name, None) for name in getattr(value, "__slots__", ())]
    if isinstance(value, Mapping):
        parts += [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts += value
    parts += getattr(value, "__dict__", {}).values()
    for part in parts:
        yield from expand(part, seen, depth - 1)


# ---- The machine, and the time


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: Patch) -> None:
    """Its settings reach no test, and no test reaches another machine."""
    settings = "(?i)CLERK_.*|.*_PROXY|SSL_CERT_(FILE|DIR)|SSLKEYLOGFILE|PYTHONUNBUFFERED"
    for name in list(os.environ):
        if re.fullmatch(settings, name):
            monkeypatch.delenv(name)
    for system in ("registry", "macosx_sysconf"):  # Windows, macOS
        monkeypatch.setattr(urllib.request, f"getproxies_{system}", dict, raising=False)
        monkeypatch.setattr(urllib.request, f"proxy_bypass_{system}", bool, raising=False)
    look_up = socket.getaddrinfo

    def look_up_here(host: str, *more: Any) -> Any:
        host.encode("idna")  # it raises, as it does within socket.getaddrinfo
        if host not in ("localhost", "127.0.0.1", "::1"):
            pytest.fail(f"a test looks up {host}")
        # Servers listen on 127.0.0.1 here, and not on ::1, which may be tried first.
        return look_up(host.replace("localhost", "127.0.0.1"), *more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)


class Clock:
    """The time in a test, in which pauses take none.

    The wall clock stands still, and the monotonic one goes on. `advance` moves both.
    """

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.wall = 1_763_900_000.25
        self.passed = 0.0

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.passed += seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.advance(seconds)


@pytest.fixture
def clock(monkeypatch: Patch) -> Clock:
    """In place of time.time, time.monotonic and time.sleep."""
    clock = Clock()
    monotonic = time.monotonic
    monkeypatch.setattr(time, "time", lambda: clock.wall)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + clock.passed)
    monkeypatch.setattr(time, "sleep", clock.pause)
    return clock


def rows(names: str, table: dict[str, Any]) -> pytest.MarkDecorator:
    """Try a test with each row of a table: what the row is called, and its values."""
    return pytest.mark.parametrize(names, list(table.values()), ids=list(table))


def run_python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python from the folder of the module."""
    options = {"cwd": MODULE.parent, "capture_output": True, "timeout": 60, **options}
    return subprocess.run([sys.executable, *arguments], text=True, check=False, **options)


def in_threads(number: int, work: Callable[[int], object]) -> None:
    """Do the work so many times at once, and raise what it raises."""
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(work, range(number)))


# ---- Openers


class Stub:
    """An opener with one answer: an exception to raise, a response, or what one has as its body.

    It keeps what it was asked.
    """

    def __init__(self, answer: Any = TOKEN, status: Any = 200, headers: Any = None) -> None:
        self.answer = answer
        self.status = status
        self.headers = headers or {}
        self.requests: list[urllib.request.Request] = []
        self.timeouts: list[float] = []
        self.closed = 0

    def open(self, request: urllib.request.Request, /, *, timeout: float) -> Any:
        self.requests.append(request)
        self.timeouts.append(timeout)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer if hasattr(self.answer, "read") else self

    def read(self) -> Any:
        is_body = isinstance(self.answer, (str, bytes))
        return self.answer if is_body else json.dumps(self.answer).encode()

    def close(self) -> None:
        self.closed += 1


def stubbed(answer: Any = TOKEN, status: Any = 200, headers: Any = None) -> ActorTokens:
    """A client whose calls have this answer: see `Stub`."""
    return ActorTokens(KEY, opener=Stub(answer, status, headers))


class RequestsOpener:
    """Opens urllib's requests with `requests`, over a `Session` of your own."""

    def __init__(self, session: requests.Session | None = None) -> None:
        self.session = session or requests.Session()

    def open(self, request: urllib.request.Request, /, *, timeout: float) -> Any:
        try:
            response = self.session.request(
                request.get_method(),
                request.full_url,
                data=request.data,  # type: ignore[arg-type]
                headers=dict(request.header_items()),
                timeout=timeout,
                allow_redirects=False,
                auth=lambda prepared: prepared,  # or a login in ~/.netrc would replace the key
            )
        except requests.Timeout as error:
            raise TimeoutError(str(error)) from None  # which requests.Timeout is not
        headers: Any = response.headers
        body = io.BytesIO(response.content)
        return urllib.response.addinfourl(body, headers, request.full_url, response.status_code)


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    """Clerk as `responses` mocks it, for `clerk`."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def clerk() -> ActorTokens:
    """A client over `requests`, for tests with `api`."""
    return ActorTokens(KEY, opener=RequestsOpener())


# ---- The module


def test_the_modules_head_names_the_version_and_licence_of_a_copy() -> None:
    first, second, third, *_ = MODULE.read_text(encoding="utf-8").splitlines()

    assert first.startswith(f"# clerk-actor-tokens {clerk_actor_tokens.__version__}: ")
    assert second.startswith("# SPDX-FileCopyrightText: ")
    assert third == "# SPDX-License-Identifier: MIT"


def test_the_module_exports_these_names() -> None:
    names = (
        "ActorToken ActorTokens ClerkBaseError ClerkErrors ErrorDetail NoResponseError Opener "
        "RequestTimeoutError Response ResponseValidationError SDKError Sandbox main"
    )

    assert sorted(clerk_actor_tokens.__all__) == names.split()


def test_a_copy_that_ends_at_the_marked_line_needs_no_package(
    server: Server, tmp_path: Path
) -> None:
    source = MODULE.read_text(encoding="utf-8")
    client, mark, _ = source.partition("\n# ---- The client ends here. A copy may end here, too.\n")
    (tmp_path / "part.py").write_text(client, encoding="utf-8")
    program = """
from part import *
with ActorTokens() as clerk:
    token = clerk.create("user_1", actor="user_2")
    print(token.user_id, clerk.revoke(token).id)
"""

    done = run_python("-S", "-c", program, cwd=tmp_path)

    assert mark, "there is no such line"
    assert done.stderr == ""
    assert done.stdout.split() == ["user_1", TOKEN["id"]]
    assert len(server.requests) == 2


@pytest.mark.skipif(sys.version_info < (3, 10), reason="`str | None` needs Python 3.10")
@pytest.mark.parametrize("name", clerk_actor_tokens.__all__)
def test_the_type_hints_of_all_that_is_public_can_be_read_at_run_time(name: str) -> None:
    public = getattr(clerk_actor_tokens, name)
    functions = [value for value in vars(public).values() if inspect.isfunction(value)]

    hints = [get_type_hints(annotated) for annotated in (public, *functions)]

    assert any(hints)


# ---- Results


def test_a_tokens_repr_shows_neither_the_ticket_nor_the_link() -> None:
    token = ActorToken(**TOKEN)

    assert SECRET not in repr(token)
    assert "url" not in repr(token)
    assert TOKEN["id"] in repr(token)


def test_what_clerk_may_leave_out_is_none_by_default() -> None:
    assert (ActorToken(**BARE).token, ActorToken(**BARE).url) == (None, None)
    assert ErrorDetail("code", "message", "long message").meta is None


EACH_RESULT = pytest.mark.parametrize("result", [ActorToken(**TOKEN), ErrorDetail(**ENTRY)])


@EACH_RESULT
def test_a_result_cannot_be_changed(result: Any) -> None:
    for name in vars(result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, name, "other")


def pickle_and_unpickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


COPIED = pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle_and_unpickle])


@COPIED
@EACH_RESULT
def test_a_copied_result_is_equal_and_has_the_same_hash(
    copied: Callable[[Any], Any], result: Any
) -> None:
    twin = copied(result)

    assert twin == result
    assert hash(twin) == hash(result)


@pytest.mark.parametrize("name", list(TOKEN))
def test_tokens_that_differ_in_a_field_are_not_equal(name: str) -> None:
    assert ActorToken(**TOKEN) != ActorToken(**{**TOKEN, name: "other"})


# ---- Errors


# Each with the attributes that it has beside `message` and `outcome_unknown`, and their defaults.
EXCEPTIONS: dict[type[ClerkBaseError], dict[str, Any]] = {
    ClerkBaseError: {},
    SDKError: {"status_code": 0, "headers": [], "body": "", "retry_after": None},
    ClerkErrors: {
        "status_code": 0,
        "headers": [],
        "body": "",
        "retry_after": None,
        "errors": (),
        "clerk_trace_id": None,
        "meta": None,
    },
    ResponseValidationError: {"status_code": 0, "headers": [], "body": ""},
    NoResponseError: {},
    RequestTimeoutError: {},
}
EACH_KIND = pytest.mark.parametrize("kind", list(EXCEPTIONS))


@rows(
    "kind, caught_as",
    {
        "SDKError": (SDKError, {ClerkBaseError}),
        "ClerkErrors": (ClerkErrors, {ClerkBaseError, SDKError}),
        "ResponseValidationError": (ResponseValidationError, {ClerkBaseError}),
        "NoResponseError": (NoResponseError, {ClerkBaseError}),
        "timeout": (RequestTimeoutError, {ClerkBaseError, NoResponseError}),
    },
)
def test_an_exception_is_caught_as_these_and_no_others(kind: type, caught_as: set[type]) -> None:
    caught = {other for other in EXCEPTIONS if issubclass(kind, other)}

    assert caught == {kind, *caught_as}


@EACH_KIND
def test_a_generic_retry_of_oserror_or_valueerror_catches_none(kind: type) -> None:
    assert issubclass(kind, Exception)
    assert not issubclass(kind, (OSError, ValueError))  # TimeoutError is an OSError


@EACH_KIND
def test_an_exception_made_from_a_message_alone_leaves_a_doubt(
    kind: type[ClerkBaseError],
) -> None:
    error = kind("What happened.")

    attributes = {**vars(error), "headers": list(getattr(error, "headers", {}).items())}
    assert attributes == {
        "message": "What happened.",
        "outcome_unknown": True,
        "headers": [],
        **EXCEPTIONS[kind],
    }
    assert str(error) == "What happened."
    assert repr(error) == f"{kind.__name__}('What happened.')"


@EACH_KIND
def test_an_exception_is_equal_to_itself_alone_and_has_a_hash(kind: type[ClerkBaseError]) -> None:
    error = kind("What happened.")

    assert error != kind("What happened.")
    assert error in {error}


@COPIED
@rows(
    "kind, client",
    {
        "SDKError": (SDKError, stubbed(b"no", 400, {"Retry-After": "5"})),
        "ClerkErrors": (ClerkErrors, stubbed(CLERKS_ERRORS, 400)),
        "ResponseValidationError": (ResponseValidationError, stubbed(b"no")),
        "NoResponseError": (NoResponseError, stubbed(ConnectionResetError())),
        "RequestTimeoutError": (RequestTimeoutError, stubbed(TimeoutError())),
    },
)
def test_the_exception_of_a_call_can_be_copied_and_pickled(
    copied: Callable[[Any], Any], kind: type[ClerkBaseError], client: ActorTokens
) -> None:
    with pytest.raises(kind) as caught:
        create(client)

    twin = copied(caught.value)

    assert type(twin) is kind
    assert vars(twin).keys() == {"message", "outcome_unknown", *EXCEPTIONS[kind]}
    for name, value in vars(caught.value).items():
        assert str(getattr(twin, name)) == str(value)
    assert (str(twin), repr(twin)) == (str(caught.value), repr(caught.value))


@COPIED
@pytest.mark.parametrize("status", [200, 400, 502])
def test_the_body_of_an_exception_is_a_text_that_its_repr_hides(
    copied: Callable[[Any], Any], status: int
) -> None:
    body = json.dumps(CLERKS_ERRORS)
    with pytest.raises(ClerkBaseError) as caught:
        create(stubbed(CLERKS_ERRORS, status))

    errors: list[Any] = [caught.value, copied(caught.value)]
    for error in errors:
        assert (error.body, f"{error.body}", repr(error.body)) == (body, body, "'***'")
        assert repr(error.body[:80]) == "'***'", "rich shows this"


# ---- The client: its settings


@rows(
    "given, sent",
    {
        "as it is": (KEY, KEY),
        "blanks around it": (f" {KEY}\t", KEY),
        "a line end after it": (f"{KEY}\n", KEY),
        "Windows line ends around it": (f"\r\n{KEY}\r\n", KEY),
        "all that a bearer token has": ("sk_AZaz09-._~+/==", "sk_AZaz09-._~+/=="),
    },
)
def test_a_secret_key_is_sent_without_the_blanks_around_it(
    monkeypatch: Patch, given: str, sent: str
) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", given)
    stub = Stub()

    create(ActorTokens(given, opener=stub))
    create(ActorTokens(opener=stub))

    for request in stub.requests:
        assert request.get_header("Authorization") == f"Bearer {sent}"


def test_the_arguments_win_over_the_environment(monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_of_the_environment")
    monkeypatch.setenv("CLERK_API_URL", "https://of-the-environment.example")
    stub = Stub()

    create(ActorTokens(KEY, server_url="https://given.example", opener=stub))

    assert stub.requests[0].get_header("Authorization") == f"Bearer {KEY}"
    assert stub.requests[0].full_url == "https://given.example/actor_tokens"


@rows(
    "given",
    {
        "in quotes": f'"{KEY}"',
        "with Bearer": f"Bearer {KEY}",
        "a webhook's secret": f"whsec_{KEY}",
        "a publishable key": f"pk_test_{KEY}",
        "without sk_": f"test_{KEY}",
        "its beginning alone": "sk_",
        "two of them": f"{KEY} {KEY}",
        "a control character in it": f"{KEY}\x7f",
        "a letter that is not ASCII": f"{KEY}\u00e9",
        "what no bearer token has": f"{KEY}!",
    },
)
def test_what_is_no_secret_key_is_refused_and_shows_nowhere(monkeypatch: Patch, given: str) -> None:
    with pytest.raises(ValueError, match=r"^secret_key is not set, or is not a") as of_argument:
        ActorTokens(given)
    monkeypatch.setenv("CLERK_SECRET_KEY", given)
    with pytest.raises(ValueError, match=r"^CLERK_SECRET_KEY is not set") as of_environment:
        ActorTokens()

    for caught in (of_argument, of_environment):
        assert "begins with sk_test_ or sk_live_, without quotes" in str(caught.value)
        assert "Copy it from Clerk's dashboard, API keys" in str(caught.value)
        assert "4f9d2c7b1a" not in str(caught.value)
        assert_no_secret_shows(caught.value)


@pytest.mark.parametrize("given", [KEY.encode(), 5, [KEY]], ids=["bytes", "number", "list"])
def test_a_secret_key_that_is_no_text_is_refused_and_shows_nowhere(given: Any) -> None:
    with pytest.raises(ValueError, match=r"^secret_key .* a secret key as a str") as caught:
        ActorTokens(given)

    assert_no_secret_shows(caught.value)


def test_without_a_secret_key_the_message_names_what_is_not_set(monkeypatch: Patch) -> None:
    with pytest.raises(ValueError, match=r"^CLERK_SECRET_KEY is not set"):
        ActorTokens()
    monkeypatch.setenv("CLERK_SECRET_KEY", "\r\n")
    with pytest.raises(ValueError, match=r"^CLERK_SECRET_KEY is not set"):
        ActorTokens()
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    with pytest.raises(ValueError, match=r"^secret_key is not set"):
        ActorTokens("")


@rows(
    "environment, settings",
    {
        "server_url": ({}, {"server_url": "http://evil.example"}),
        "the key as server_url": ({}, {"server_url": KEY}),
        "timeout": ({}, {"timeout": 0}),
        "max_retries": ({}, {"max_retries": -1}),
        "ssl_context": ({}, {"ssl_context": "TLS"}),
        "opener": ({}, {"opener": Sandbox}),
        "CLERK_API_URL": ({"CLERK_API_URL": "http://evil.example"}, {}),
        "HTTPS_PROXY": ({"HTTPS_PROXY": f"socks5://{LOGIN}@127.0.0.1:9"}, {}),
    },
)
def test_when_another_setting_is_refused_no_debugger_shows_the_key(
    monkeypatch: Patch, environment: dict[str, str], settings: dict[str, Any]
) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    for key in (KEY, None, "https://api.clerk.com/v1"):  # the last: they were swapped
        with pytest.raises(ValueError, match=r" must be | is not set") as caught:
            ActorTokens(key, **settings)

        assert_no_secret_shows(caught.value)


def test_cgitb_can_show_the_frames_of_a_refused_setting() -> None:
    with pytest.raises(ValueError, match=r"^timeout") as caught:
        ActorTokens(KEY, timeout=0)

    _, *frames = (frame for frame, _ in traceback.walk_tb(caught.tb))
    shown = [inspect.formatargvalues(*inspect.getargvalues(frame)) for frame in frames]

    assert "secret_key='***'" in shown[0]
    assert KEY not in "".join(shown)


@pytest.mark.parametrize("opener", [None, Stub()], ids=["network", "opener"])
def test_neither_a_client_nor_its_attributes_show_the_key(opener: Any) -> None:
    shown = list(expand(ActorTokens(KEY, opener=opener), {}))

    assert len(shown) > 3, "attributes are shown"
    assert KEY not in "".join(shown)


@rows(
    "url, expected",
    {
        "http to localhost": ("http://localhost/v1", "http://localhost/v1"),
        "in capitals": ("http://LOCALHOST:80/v1", "http://LOCALHOST:80/v1"),
        "http to 127.0.0.1": ("http://127.0.0.1:80/v1", "http://127.0.0.1:80/v1"),
        "http to ::1": ("http://[::1]:80/v1", "http://[::1]:80/v1"),
        "scheme in capitals": ("HTTPS://x/v1", "https://x/v1"),
        "a name": ("https://a-b.desk_d.example/v1", "https://a-b.desk_d.example/v1"),
        "a path": ("https://x:444/aB~c/%4a.D-e_f", "https://x:444/aB~c/%4a.D-e_f"),
        "IPv6": ("https://[2001:db8::f]/v1", "https://[2001:db8::f]/v1"),
        "a slash at the end": ("https://x/v1/", "https://x/v1"),
        "no path": ("https://x", "https://x"),
        "the highest port": ("https://x:65535/v1", "https://x:65535/v1"),
    },
)
def test_requests_go_to_the_server_url_whose_path_keeps_its_case(url: str, expected: str) -> None:
    stub = Stub()

    create(ActorTokens(KEY, server_url=url, opener=stub))

    scheme, _, rest = stub.requests[0].full_url.partition(":")
    assert f"{scheme.lower()}:{rest}" == f"{expected}/actor_tokens"


@rows(
    "variable, expected",
    {
        "empty": ("", "https://api.clerk.com/v1"),
        "blank": (" \n", "https://api.clerk.com/v1"),
        "without v1": ("https://x.example", "https://x.example/v1"),
        "a slash": ("https://x.example/", "https://x.example/v1"),
        "with v1": ("https://x.example/v1", "https://x.example/v1"),
        "line end": ("https://x.example\r\n", "https://x.example/v1"),
        "a path": ("https://x.example/B", "https://x.example/B/v1"),
    },
)
def test_clerk_api_url_works_with_v1_and_without(
    monkeypatch: Patch, variable: str, expected: str
) -> None:
    monkeypatch.setenv("CLERK_API_URL", variable)
    stub = Stub()

    create(ActorTokens(KEY, opener=stub))

    assert stub.requests[0].full_url == f"{expected}/actor_tokens"


@rows(
    "url",
    {
        "empty": "",
        "a number": 5,
        "bytes": b"https://api.clerk.com/v1",
        "no scheme": "x.example/v1",
        "no host": "https:///v1",
        "http to another machine": "http://api.clerk.com/v1",
        "http to localhost.evil.com": "http://localhost.evil.com/v1",
        "http to 127.0.0.1.evil.com": "http://127.0.0.1.evil.com/v1",
        "http to 127.0.0.12": "http://127.0.0.12/v1",
        "http to [::1].evil.com": "http://[::1].evil.com/v1",
        "evil.com[::1]": "https://evil.com[::1]/v1",
        "no IPv6 address": "https://[::g]/v1",
        "a port alone": "https://:443/v1",
        "no port after the colon": "https://api.clerk.com:/v1",
        "port 0": "https://api.clerk.com:0/v1",
        "port 65536": "https://api.clerk.com:65536/v1",
        "a port that is not ASCII": "https://api.clerk.com:\u0661/v1",
        "a user": "https://hunter2@api.clerk.com/v1",
        "a password": "https://user:hunter2@api.clerk.com/v1",
        "a backslash": "https://api.clerk.com\\@evil.com/v1",
        "a query": "https://api.clerk.com/v1?x=hunter2",
        "a fragment": "https://api.clerk.com/v1#x",
        "a letter that is not ASCII": "https://\u00e4pi.clerk.com/v1",
        "a blank": "https://x/ v1",
        "a line end after it": "https://api.clerk.com/v1\n",
        "a tab": "https://x.cl\terk.com/v1",
        "a key as the host": f"http://{KEY}",
        "a key in the path": f"https://api.clerk.com/v1-{KEY}",
    },
)
def test_a_server_url_that_may_lead_elsewhere_is_refused_and_not_repeated(url: Any) -> None:
    with pytest.raises(ValueError, match=r"^server_url must be a URL such as") as caught:
        ActorTokens(KEY, server_url=url)

    assert "evil" not in str(caught.value)
    assert_no_secret_shows(caught.value)


def test_a_clerk_api_url_that_is_refused_is_named_and_not_repeated(monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLERK_API_URL", "https://user:hunter2@api.clerk.com")

    with pytest.raises(ValueError, match=r"^CLERK_API_URL must be a URL such as") as caught:
        ActorTokens(KEY)

    assert "hunter2" not in str(caught.value)


@rows(
    "name, value",
    {
        "timeout 0": ("timeout", 0),
        "timeout too long": ("timeout", 86_400.1),
        "timeout nan": ("timeout", float("nan")),
        "timeout 10**400": ("timeout", 10**400),
        "timeout True": ("timeout", True),
        "timeout as text": ("timeout", "5"),
        "max_retries -1": ("max_retries", -1),
        "max_retries 1.5": ("max_retries", 1.5),
        "ssl_context False": ("ssl_context", False),
        "ssl_context as text": ("ssl_context", "cert.pem"),
        "an opener without open": ("opener", {}),
        "opener as a class": ("opener", Sandbox),
    },
)
def test_an_invalid_setting_is_refused_by_its_name(name: str, value: Any) -> None:
    settings = {name: value}

    with pytest.raises(ValueError, match=f"^{name} must be "):
        ActorTokens(KEY, **settings)


@pytest.mark.parametrize(
    "settings",
    [{"timeout": 0.001}, {"timeout": 86_400}, {"max_retries": 0}, {"max_retries": 2**70}],
)
def test_these_settings_are_valid(settings: dict[str, Any]) -> None:
    with ActorTokens(KEY, **settings) as client:
        assert isinstance(client, ActorTokens)


# ---- The client: create and revoke


def test_create_sends_these_headers_and_this_body(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, json=TOKEN)

    clerk.create("user_1a2b3c", actor="user_2")

    sent = api.calls[0].request
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert sent.headers["Clerk-API-Version"] == "2026-05-12"
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["User-Agent"] == f"clerk-actor-tokens/{clerk_actor_tokens.__version__}"
    assert json.loads(sent.body or "") == {
        "user_id": "user_1a2b3c",
        "actor": {"sub": "user_2"},
        "expires_in_seconds": 3600,
        "session_max_duration_in_seconds": 1800,
    }


def test_revoke_sends_no_body_and_no_content_type(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(REVOKE_URL, json=TOKEN)

    revoke(clerk)

    sent = api.calls[0].request
    assert sent.body is None
    assert "Content-Type" not in sent.headers
    assert sent.headers["Authorization"] == f"Bearer {KEY}"


def test_a_login_in_netrc_does_not_replace_the_key(
    api: responses.RequestsMock, clerk: ActorTokens, tmp_path: Path, monkeypatch: Patch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    api.post(CREATE_URL, json=TOKEN)

    create(clerk)

    assert api.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"


def bodies(stub: Stub) -> Any:
    """What was sent, read as JSON."""
    sent: list[Any] = [request.data or b"null" for request in stub.requests]
    return [json.loads(body) for body in sent]


@rows(
    "actor, sent",
    {
        "an ID": ("user_2", {"sub": "user_2"}),
        "any mapping": (types.MappingProxyType({"sub": "u"}), {"sub": "u"}),
        "claims": (TOKEN["actor"], TOKEN["actor"]),
        "not ASCII": ({"sub": "u", "x": "\u00e9"}, {"sub": "u", "x": "\u00e9"}),
    },
)
def test_create_sends_all_of_the_actor(actor: Any, sent: Any) -> None:
    stub = Stub()

    create(ActorTokens(KEY, opener=stub), actor)

    assert bodies(stub)[0]["actor"] == sent


@pytest.mark.parametrize("most", [1, 2**63 - 1])
def test_create_sends_the_limits_that_it_is_given(most: int) -> None:
    stub = Stub()
    limits = {"expires_in_seconds": most, "session_max_duration_in_seconds": most}

    create(ActorTokens(KEY, opener=stub), **limits)

    assert bodies(stub)[0].items() >= limits.items()


def test_the_actor_of_a_create_has_to_be_named() -> None:
    swapped: Any = stubbed().create

    with pytest.raises(TypeError):
        swapped("user_engineer", "user_1a2b3c")


@pytest.mark.parametrize("given", [TOKEN["id"], ActorToken(**TOKEN)], ids=["ID", "token"])
def test_revoke_takes_an_id_or_the_token_itself(given: str | ActorToken) -> None:
    stub = Stub({**TOKEN, "status": "revoked"})

    token = ActorTokens(KEY, opener=stub).revoke(given)

    assert token == ActorToken(**{**TOKEN, "status": "revoked"})
    assert stub.requests[0].full_url == REVOKE_URL


class Known(str, enum.Enum):
    """IDs that a program knows. On Python 3.11 and later, an f-string writes their names."""

    USER = TOKEN["user_id"]
    TOKEN = TOKEN["id"]


def test_a_member_of_an_enum_is_sent_by_its_value() -> None:
    stub = Stub()
    client = ActorTokens(KEY, opener=stub)

    client.create(Known.USER, actor=Known.USER)
    client.create(Known.USER, actor={"sub": Known.USER, "token": Known.TOKEN})
    client.revoke(Known.TOKEN)

    assert [body["user_id"] for body in bodies(stub)[:2]] == ["user_1a2b3c", "user_1a2b3c"]
    assert bodies(stub)[0]["actor"] == {"sub": "user_1a2b3c"}
    assert bodies(stub)[1]["actor"] == {"sub": "user_1a2b3c", "token": TOKEN["id"]}
    assert stub.requests[2].full_url == REVOKE_URL


DEEP: Any = None
for _ in range(100_000):
    DEEP = [DEEP]
LOOP: dict[str, Any] = {"sub": "user_2"}
LOOP["loop"] = LOOP
HUGE = {"sub": "user_2", "x": 10**5000}
LIMITS_NUMBERS = pytest.mark.skipif(
    not hasattr(sys, "get_int_max_str_digits"), reason="this Python reads and writes any number"
)
HALF_A_PAIR = "\ud800"  # of surrogates: not valid Unicode
AN_ID = (
    "must be an ID such as user_... or act_..., as a str: letters, digits, _ and - alone, and no "
    "key, token or link"
)
NO_SUB = "has no sub: the ID of the user who will impersonate"
UNCHANGED = (
    "must be what JSON holds unchanged, such as text as keys, and lists and no tuples: "
    "it would be sent as something else"
)
LISTS = "lists and no tuples: "  # after it, Python's own words
NO_JSON = "is not JSON serializable"
SECONDS = "must be a whole number of seconds, 1 or more, that fits into 64 bits"
TIMEOUT = "must be a number of seconds, 86,400 (a day) at most"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        pytest.param("actor", 5, AN_ID, id="actor 5"),
        pytest.param("actor", {}, NO_SUB, id="an empty actor"),
        pytest.param("actor", {"id": "user_2"}, NO_SUB, id="no sub"),
        pytest.param("actor", '{"sub": "u"}', AN_ID, id="an object as text"),
        pytest.param("actor", {"sub": "u", 1: "a"}, UNCHANGED, id="number as key"),
        pytest.param("actor", {"sub": "u", "x": [{None: 1}]}, UNCHANGED, id="null key"),
        pytest.param("actor", {"sub": "u", "x": [{"y": ()}]}, UNCHANGED, id="a tuple"),
        pytest.param("actor", {"sub": "u", "x": float("inf")}, LISTS, id="inf"),
        pytest.param("actor", {"sub": "u", "x": HALF_A_PAIR}, LISTS, id="half"),
        pytest.param("actor", {"sub": "u", "x": DEEP}, LISTS, id="great depth"),
        pytest.param("actor", LOOP, LISTS, id="a loop"),
        pytest.param("actor", HUGE, LISTS, id="huge", marks=LIMITS_NUMBERS),
        pytest.param("actor", {"sub": "u", "x": {1}}, NO_JSON, id="a set"),
        pytest.param("actor", {"sub": "u", "x": b""}, NO_JSON, id="bytes"),
        pytest.param("actor", {"sub": "u", (1, 2): 3}, "keys must be str", id="a tuple as key"),
        pytest.param("expires_in_seconds", 0, SECONDS, id="expires 0"),
        pytest.param("expires_in_seconds", 2**63, SECONDS, id="expires too late"),
        pytest.param("expires_in_seconds", 60.0, SECONDS, id="expires 60.0"),
        pytest.param("expires_in_seconds", True, SECONDS, id="expires True"),
        pytest.param("session_max_duration_in_seconds", 0, SECONDS, id="lasts 0"),
        pytest.param("session_max_duration_in_seconds", 1.5, SECONDS, id="lasts 1.5"),
        pytest.param("timeout", 86_400.1, TIMEOUT, id="timeout too long"),
        pytest.param("timeout", float("nan"), TIMEOUT, id="timeout nan"),
        pytest.param("timeout", 10**400, TIMEOUT, id="timeout 10**400"),
        pytest.param("timeout", True, TIMEOUT, id="timeout True"),
    ],
)
def test_an_invalid_argument_is_refused_by_its_name_and_nothing_is_sent(
    name: str, value: Any, words: str
) -> None:
    stub = Stub()
    arguments = {"actor": "user_2", name: value}

    with pytest.raises(ValueError, match=f"^{name}.*{re.escape(words)}"):
        ActorTokens(KEY, opener=stub).create("user_1a2b3c", **arguments)

    assert stub.requests == []


Use = Callable[[ActorTokens, Any], ActorToken]
EACH_USE = rows(
    "use",
    {
        "user": lambda clerk, given: clerk.create(given, actor="user_2"),
        "actor": lambda clerk, given: clerk.create("user_1", actor=given),
        "sub": lambda clerk, given: clerk.create("user_1", actor={"sub": given}),
        "token's ID": lambda clerk, given: clerk.revoke(given),
        "token": lambda clerk, given: clerk.revoke(ActorToken(**{**TOKEN, "id": given})),
    },
)


@EACH_USE
@rows(
    "given",
    {
        "empty": "",
        "a blank after it": "act_1 ",
        "a line end after it": "act_1\n",
        "the path above": "../x",
        "encoded dots": "act_1%2e%2e",
        "a dot": "act.1",
        "a query": "act_1?",
        "a digit that is not ASCII": "act_\u0661",
        "half a surrogate pair": HALF_A_PAIR,
        "in quotes": '"user_2"',
        "None": None,
        "a number": 5,
        "bytes": b"user_1",
        "another secret key": "sk_live_another",
        "a key after a hyphen": "act-sk_another",
        "a publishable key": "pk_test_another",
        "a hyphen": "-",
        "what begins with _": "_1",
    },
)
def test_what_is_no_id_is_refused_wherever_an_id_belongs(use: Use, given: Any) -> None:
    stub = Stub()

    with pytest.raises(ValueError, match=re.escape(AN_ID)):
        use(ActorTokens(KEY, opener=stub), given)

    assert stub.requests == []


@EACH_USE
@rows(
    "given",
    {
        "the key": KEY,
        "the key after act_": f"act_{KEY}",
        "the key, with a line end": f"{KEY}\n",
        "a ticket": SECRET,
        "a link": LINK,
    },
)
def test_a_secret_in_place_of_an_id_is_refused_and_shows_nowhere(use: Use, given: str) -> None:
    stub = Stub()

    with pytest.raises(ValueError, match="must be an ID") as caught:
        use(ActorTokens(KEY, opener=stub), given)

    assert stub.requests == []
    assert_no_secret_shows(caught.value)


def test_when_the_revoke_of_a_token_fails_no_debugger_shows_its_link() -> None:
    token = ActorToken(**TOKEN)

    with pytest.raises(ClerkErrors) as of_clerk:
        stubbed(CLERKS_ERRORS, 400).revoke(token)
    with pytest.raises(ValueError, match=r"^timeout") as of_argument:
        stubbed().revoke(token, timeout=86_401)

    assert_no_secret_shows(of_clerk.value)
    assert_no_secret_shows(of_argument.value)


@CREATE_AND_REVOKE
@rows("timeout", {"0": 0, "below 0": -0.2, "far below 0": -(10**400)})
@pytest.mark.parametrize("opened", [False, True], ids=["network", "opener"])
def test_a_call_without_time_left_sends_nothing_and_says_so(
    call: Call, timeout: float, opened: bool
) -> None:
    stub = Stub()
    client = ActorTokens(KEY, opener=stub if opened else None)

    with fails(RequestTimeoutError, unknown=False) as caught:
        call(client, timeout=timeout)

    said = "no time was left, and nothing was sent. The call had 0 seconds. Clerk did not act."
    assert str(caught.value).endswith(f" got no valid response: {said}")
    assert stub.requests == []


# ---- The client: openers


@pytest.mark.parametrize(
    "opener", [Sandbox(), Stub(), RequestsOpener(), urllib.request.build_opener()], ids=type
)
def test_an_opener_is_known_as_one_at_run_time(opener: Opener) -> None:
    assert isinstance(opener, Opener)
    assert not isinstance(object(), Opener)


def test_a_response_is_known_as_one_at_run_time(server: Server) -> None:
    url = f"{server.origin}/v1/actor_tokens/act_1/revoke"

    with urllib.request.urlopen(url, b"", 10) as response:
        assert isinstance(response, Response)
    assert isinstance(Stub(), Response)
    assert not isinstance(object(), Response)


def test_an_opener_is_told_the_seconds_that_are_left_of_the_call() -> None:
    stub = Stub()

    create(ActorTokens(KEY, opener=stub))
    create(ActorTokens(KEY, timeout=7, opener=stub))
    create(ActorTokens(KEY, timeout=7, opener=stub), timeout=3)
    revoke(ActorTokens(KEY, timeout=7, opener=stub), timeout=8.5)

    assert stub.timeouts == [pytest.approx(seconds, abs=0.4) for seconds in (10, 7, 3, 8.5)]
    assert stub.timeouts < [10, 7, 3, 8.5]


@CREATE_AND_REVOKE
@rows(
    "answer, status",
    {
        "429": (b"slow down", 429),
        "503": (b"no", 503),
        "refused": (ConnectionRefusedError("no"), None),
    },
)
def test_an_opener_is_asked_once_a_call(clock: Clock, call: Call, answer: Any, status: Any) -> None:
    stub = Stub(answer, status)

    with pytest.raises(ClerkBaseError):
        call(ActorTokens(KEY, opener=stub, max_retries=5))

    assert len(stub.requests) == 1
    assert clock.pauses == []


def test_an_opener_is_used_even_if_it_is_falsy_or_a_proxy_is_set(monkeypatch: Patch) -> None:
    class Falsy(Stub):
        def __bool__(self) -> bool:
            return False

    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")

    token = create(ActorTokens(KEY, opener=Falsy()))

    assert token == ActorToken(**TOKEN)


def answered(read: Any, status: Any = 200, **more: Any) -> Any:
    """A response with what it needs, and no more."""
    return types.SimpleNamespace(status=status, headers={}, read=read, **more)


def test_a_response_needs_no_more_than_status_headers_and_read() -> None:
    token = create(stubbed(answered(lambda: JSON)))

    assert token == ActorToken(**TOKEN)


def test_a_response_is_closed_and_its_opener_is_not() -> None:
    whole, lost, opener = Mock(), Mock(side_effect=OSError), Mock()
    opener.open.side_effect = [answered(lambda: JSON, close=whole), answered(lost, close=lost)]

    with ActorTokens(KEY, opener=opener) as client:
        create(client)
        with pytest.raises(NoResponseError):
            create(client)

    whole.assert_called_once_with()
    assert lost.call_count == 2, "it was read, and closed"
    opener.close.assert_not_called()


def test_a_response_whose_close_fails_still_gives_its_token() -> None:
    token = create(stubbed(answered(lambda: JSON, close=Mock(side_effect=OSError))))

    assert token == ActorToken(**TOKEN)


@rows(
    "status, body",
    {
        "text as the body": (200, LINK),
        "no status": (None, JSON),
    },
)
def test_an_invalid_response_is_a_type_error_that_shows_no_secret(status: Any, body: Any) -> None:
    with pytest.raises(TypeError) as caught:
        create(stubbed(answered(lambda: body, status)))

    assert_no_secret_shows(caught.value)


@rows(
    "exception",
    {
        "refused": ConnectionRefusedError("no"),
        "ValueError": ValueError("chunk"),
        "OverflowError": OverflowError("chunk"),
        "IncompleteRead": http.client.IncompleteRead(SECRET.encode()),
    },
)
def test_a_response_that_breaks_off_leaves_the_outcome_unknown(exception: Exception) -> None:
    broken = answered(Mock(side_effect=exception), 400, close=lambda: None)
    raised = HTTPError(CREATE_URL, 400, "no", Message(), broken)

    for response in (broken, raised):
        with fails(NoResponseError, unknown=True):
            create(stubbed(response))


def with_the_key(exception: Exception) -> Exception:
    """An exception that holds the key, as those of `requests` do."""
    exception.request = types.SimpleNamespace(key=KEY)  # type: ignore[attr-defined]
    return exception


@rows(
    "exception, kind, unknown",
    {
        "refused": (ConnectionRefusedError("no"), NoResponseError, False),
        "no such name": (socket.gaierror(-2, "no name"), NoResponseError, False),
        "certificate": (ssl.SSLCertVerificationError("bad"), NoResponseError, False),
        "its reason": (URLError(ConnectionRefusedError()), NoResponseError, False),
        "reset": (ConnectionResetError("reset"), NoResponseError, True),
        "reset, a reason": (URLError(ConnectionResetError()), NoResponseError, True),
        "a text as its reason": (URLError("some text"), NoResponseError, True),
        "TLS": (ssl.SSLError("bad"), NoResponseError, True),
        "HTTPException": (http.client.BadStatusLine("x"), NoResponseError, True),
        "ETIMEDOUT": (TimeoutError(errno.ETIMEDOUT, "slow"), NoResponseError, True),
        "timeout": (TimeoutError("slow"), RequestTimeoutError, True),
        "another errno": (TimeoutError(errno.ETIME, "slow"), RequestTimeoutError, True),
        "socket.timeout": (socket.timeout("slow"), RequestTimeoutError, True),
        "timeout, a reason": (URLError(TimeoutError()), RequestTimeoutError, True),
        "with the key": (with_the_key(OSError("x")), NoResponseError, True),
        "the key as its text": (URLError(OSError(KEY)), NoResponseError, True),
    },
)
def test_what_an_openers_network_raises_becomes_ours(
    exception: Exception, kind: type[NoResponseError], unknown: bool
) -> None:
    with fails(kind, unknown=unknown):
        create(stubbed(exception))


@rows(
    "exception, kind",
    {
        "ReadTimeout": (requests.ReadTimeout("slow"), RequestTimeoutError),
        "ConnectionError": (requests.ConnectionError("lost"), NoResponseError),
    },
)
def test_what_requests_raises_becomes_ours(
    api: responses.RequestsMock,
    clerk: ActorTokens,
    exception: Exception,
    kind: type[NoResponseError],
) -> None:
    api.post(CREATE_URL, body=exception)

    with fails(kind, unknown=True):
        create(clerk)


@pytest.mark.parametrize(
    "exception", [TypeError("a bug"), ValueError("a bug"), MemoryError(), Exception()]
)
def test_anything_else_that_an_opener_raises_reaches_the_caller_as_it_is(
    exception: Exception,
) -> None:
    with pytest.raises(type(exception)) as caught:
        create(stubbed(exception))

    assert caught.value is exception
    assert_no_secret_shows(caught.value)


@pytest.mark.parametrize("status", [302, 400, 429, 500])
def test_an_opener_may_raise_a_response_that_is_no_success(status: int) -> None:
    headers = Message()
    headers["Retry-After"] = "4"
    body = io.BytesIO(b"<p>no</p>")

    with fails(SDKError, unknown=status == 500) as caught:
        create(stubbed(HTTPError(CREATE_URL, status, "no", headers, body)))

    assert caught.value.status_code == status
    assert caught.value.body == "<p>no</p>"
    assert caught.value.retry_after == 4.0
    assert body.closed


def test_an_opener_may_raise_a_response_without_headers_and_body() -> None:
    headers: Any = None

    with fails(SDKError, unknown=False) as caught:
        create(stubbed(HTTPError(CREATE_URL, 429, "no", headers, None)))

    assert caught.value.status_code == 429
    assert caught.value.headers.items() == []
    assert caught.value.body == ""


def test_urllibs_own_opener_will_do(serve: Serve) -> None:
    server = serve(answer(http_response()), respond(CLERKS_ERRORS, 400))
    client = server.client(opener=urllib.request.build_opener())

    token = create(client)
    with fails(ClerkErrors, unknown=False) as caught:
        revoke(client)

    assert token == ActorToken(**TOKEN)
    assert caught.value.status_code == 400


@pytest.mark.parametrize(("status", "followed"), [(301, 1), (302, 1), (303, 1), (307, 0), (308, 0)])
def test_a_redirect_that_urllib_follows_carries_no_key(
    serve: Serve, status: int, followed: int
) -> None:
    target = serve(respond())
    server = serve(respond({}, status, Location=f"{target.origin}/elsewhere"))

    with suppress(SDKError):
        create(server.client(opener=urllib.request.build_opener()))

    assert KEY.encode() in server.requests[0]
    assert KEY.encode() not in b"".join(target.requests)
    assert len(target.requests) == followed


# ---- From an outcome to a result or an error: a success


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_any_success_may_carry_the_token(status: int) -> None:
    token = create(stubbed(TOKEN, status))

    assert dataclasses.asdict(token) == TOKEN


NEITHER = {**BARE, "token": None, "url": None}


@rows(
    "document, expected",
    {
        "no token, no link": (BARE, NEITHER),
        "null for both": (NEITHER, NEITHER),
        "another status": ({**TOKEN, "status": "new"}, {**TOKEN, "status": "new"}),
        "another field": ({**TOKEN, "new": {"field": 1}}, TOKEN),
        "an empty actor": ({**TOKEN, "actor": {}}, {**TOKEN, "actor": {}}),
        "a byte order mark before it": (b"\xef\xbb\xbf" + JSON, TOKEN),
    },
)
@CREATE_AND_REVOKE
def test_what_clerk_may_leave_out_or_add_one_day_breaks_nothing(
    call: Call, document: Any, expected: Any
) -> None:
    token = call(stubbed(document))

    assert dataclasses.asdict(token) == expected


@pytest.mark.parametrize("value", [True, 1.5, []], ids=["true", "a fraction", "a list"])
@rows(
    "name, expected",
    {
        "object": ("object", "text"),
        "id": ("id", "text"),
        "status": ("status", "text"),
        "user_id": ("user_id", "text"),
        "actor": ("actor", "an object"),
        "created_at": ("created_at", "a whole number"),
        "updated_at": ("updated_at", "a whole number"),
        "token": ("token", "text or null"),
        "url": ("url", "text or null"),
    },
)
def test_a_field_of_another_type_is_named_with_what_it_should_be(
    name: str, expected: str, value: Any
) -> None:
    with fails(ResponseValidationError, unknown=True) as caught:
        create(stubbed({**TOKEN, name: value}))

    assert f" got 200, but its {name} should be {expected}. Clerk may" in str(caught.value)


@pytest.mark.parametrize("name", list(BARE))
def test_a_missing_field_is_named(name: str) -> None:
    document = {other: TOKEN[other] for other in TOKEN if other != name}

    with fails(ResponseValidationError, unknown=True) as caught:
        create(stubbed(document))

    assert f"its {name} should be" in str(caught.value)


@rows(
    "call, name, fault",
    {
        "another object": (create, "object", "should be actor_token"),
        "user": (create, "user_id", "should be user_1a2b3c"),
        "token": (revoke, "id", f"should be {TOKEN['id']}"),
    },
)
def test_a_token_that_was_not_asked_for_is_refused(call: Call, name: str, fault: str) -> None:
    with fails(ResponseValidationError, unknown=True) as caught:
        call(stubbed({**TOKEN, name: "somebody_elses"}))

    assert f"its {name} {fault}" in str(caught.value)
    assert "somebody_elses" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"actor_token"', id="text"),
        pytest.param(b"[" + JSON + b"]", id="a list"),
        pytest.param(b"<html><body>Sign in to the hotel's WiFi</body></html>", id="a page"),
        pytest.param(b"[" * 200_000, id="deep lists"),
        pytest.param(JSON.replace(b"SUP-1", b"\xff\xfe"), id="not UTF-8"),
        pytest.param(b"\x1f\x8b\x08\x00" + bytes(40), id="gzip"),
        pytest.param(JSON.replace(b"1763", b"1" * 100_000), id="huge", marks=LIMITS_NUMBERS),
    ],
)
def test_a_success_that_is_no_json_object_is_not_quoted(body: bytes) -> None:
    with fails(ResponseValidationError, unknown=True) as caught:
        create(stubbed(body, 201, {"Content-Type": "text/html"}))

    assert caught.value.status_code == 201
    assert caught.value.headers["content-type"] == "text/html"
    assert caught.value.body == body.decode(errors="replace").replace(SECRET, "***")
    assert " got 201, but it is not JSON, or no JSON object. Check server_url or" in str(
        caught.value
    )


# ---- From an outcome to a result or an error: any other status


DID_NOT_ACT = "Clerk did not act."
CREATE_DOUBT = (
    "Clerk may have created a token, and a retry could create another. The dashboard's Logs show "
    "it as actor_token.created, with the ID to revoke."
)
REVOKE_DOUBT = "Clerk may have revoked the token. A retry is safe."
CHECK_ADDRESS = "Check server_url or CLERK_API_URL. Clerk did not act."
REDIRECT = f"The redirect was not followed. {CHECK_ADDRESS}"
CHECK_ID = (
    "Check the ID: user_... (not an e-mail address) or act_..., of the key's Clerk instance. "
    "Clerk did not act."
)
PAGE = b"<p>no</p>"
ENVELOPE = {"errors": [{"code": "no", "message": "<p>no</p>"}]}


@rows(
    "call, status, answer, kind, unknown, advice",
    {
        "0": (create, 0, PAGE, SDKError, True, CREATE_DOUBT),
        "99": (create, 99, PAGE, SDKError, True, CREATE_DOUBT),
        "199": (create, 199, PAGE, SDKError, True, CREATE_DOUBT),
        "300": (create, 300, PAGE, SDKError, False, REDIRECT),
        "302": (revoke, 302, PAGE, SDKError, False, REDIRECT),
        "399": (create, 399, PAGE, SDKError, False, REDIRECT),
        "400, a page": (create, 400, PAGE, SDKError, False, DID_NOT_ACT),
        "400": (create, 400, ENVELOPE, ClerkErrors, False, DID_NOT_ACT),
        "401": (create, 401, ENVELOPE, ClerkErrors, False, DID_NOT_ACT),
        "402": (create, 402, ENVELOPE, ClerkErrors, False, DID_NOT_ACT),
        "404, a page": (create, 404, PAGE, SDKError, False, CHECK_ADDRESS),
        "revoke, 404, a page": (revoke, 404, PAGE, SDKError, False, CHECK_ADDRESS),
        "404": (create, 404, ENVELOPE, ClerkErrors, False, CHECK_ID),
        "revoke, 404": (revoke, 404, ENVELOPE, ClerkErrors, False, CHECK_ID),
        "revoke, 422": (revoke, 422, ENVELOPE, ClerkErrors, False, DID_NOT_ACT),
        "429": (create, 429, ENVELOPE, ClerkErrors, False, DID_NOT_ACT),
        "499, a page": (create, 499, PAGE, SDKError, False, DID_NOT_ACT),
        "500": (create, 500, ENVELOPE, ClerkErrors, True, CREATE_DOUBT),
        "revoke, 500": (revoke, 500, ENVELOPE, ClerkErrors, True, REVOKE_DOUBT),
        "502, a page": (create, 502, PAGE, SDKError, True, CREATE_DOUBT),
        "revoke, 503, a page": (revoke, 503, PAGE, SDKError, True, REVOKE_DOUBT),
        "999": (create, 999, PAGE, SDKError, True, CREATE_DOUBT),
    },
)
def test_a_status_decides_the_exception_the_outcome_and_the_advice(
    call: Call, status: int, answer: Any, kind: type[SDKError], unknown: bool, advice: str
) -> None:
    with fails(kind, unknown=unknown) as caught:
        call(stubbed(answer, status))

    assert caught.value.status_code == status
    assert str(caught.value).partition("<p>no</p>. ")[2] == advice


def test_the_message_begins_with_what_was_asked_of_whom_and_the_status() -> None:
    client = ActorTokens(KEY, server_url="https://x.example:444/v1", opener=Stub(PAGE, 502))

    with fails(SDKError, unknown=True) as of_create:
        create(client)
    with fails(SDKError, unknown=True) as of_revoke:
        revoke(client)

    path = f"/v1/actor_tokens/{TOKEN['id']}/revoke"
    assert str(of_create.value).startswith("POST /v1/actor_tokens to x.example:444 got 502: <p>")
    assert str(of_revoke.value).startswith(f"POST {path} to x.example:444 got 502: <p>")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "a byte order mark"])
def test_clerks_own_errors_come_with_all_that_clerk_says(mark: bytes) -> None:
    with fails(ClerkErrors, unknown=False) as caught:
        create(stubbed(mark + json.dumps(CLERKS_ERRORS).encode(), 422, {"X-Thing": "1"}))

    error = caught.value
    assert error.errors == (ErrorDetail(**ENTRY),)
    assert error.clerk_trace_id == TRACE_ID
    assert error.meta == {"docs": "https://clerk.com/docs"}
    assert error.headers["x-THING"] == "1"
    assert json.loads(error.body) == CLERKS_ERRORS
    assert error.retry_after is None


def test_a_revoke_of_a_token_that_is_not_pending_says_to_end_its_session() -> None:
    with fails(ClerkErrors, unknown=False) as caught:
        revoke(stubbed(CLERKS_ERRORS, 400))

    assert str(caught.value).endswith(
        " If its link was opened, end the session that it has started. Clerk did not act."
    )


@pytest.mark.parametrize(
    ("answer", "status"),
    [(ENVELOPE, 429), (ENVELOPE, 503), (PAGE, 503), (PAGE, 302)],
    ids=["429", "503", "a gateway's 503", "a redirect"],
)
@rows(
    "value, seconds",
    {
        "30": ("30", 30.0),
        "blanks around it": (" 30 \t", 30.0),
        "a number of an opener's": (30, 30.0),
        "0": ("0", 0.0),
        "nine digits": ("999999999", 999999999.0),
        "ten digits": ("1234567890", None),
        "a fraction": ("1.5", None),
        "negative": ("-3", None),
        "nan": ("nan", None),
        "a digit that is not ASCII": ("\u0663", None),
        "two numbers": ("3, 3", None),
        "nothing": ("", None),
        "a date": ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    },
)
def test_retry_after_is_a_number_of_seconds_and_stands_in_the_message(
    answer: Any, status: int, value: Any, seconds: float | None
) -> None:
    with pytest.raises(SDKError) as caught:
        create(stubbed(answer, status, {"retry-AFTER": value}))

    said = f"The server asks to wait {str(value).strip()} seconds. Clerk "
    assert caught.value.retry_after == seconds
    assert (said in str(caught.value)) is (seconds is not None)


@rows(
    "texts, message, long_message",
    {
        "none": ({}, "", ""),
        "null": ({"message": None, "long_message": None, "meta": None}, "", ""),
        "numbers": ({"message": "m", "long_message": 5, "meta": 1}, "m", ""),
        "lists": ({"message": [], "long_message": "l", "meta": []}, "", "l"),
    },
)
def test_missing_or_odd_texts_do_not_hide_the_code_of_clerks_error(
    texts: dict[str, Any], message: str, long_message: str
) -> None:
    errors = [1, {}, {"code": 5}, {"code": "c", **texts}]

    with fails(ClerkErrors, unknown=False) as caught:
        create(stubbed({"errors": errors, "clerk_trace_id": 5, "meta": []}, 422))

    assert caught.value.errors == (ErrorDetail("c", message, long_message),)
    assert caught.value.clerk_trace_id is None
    assert caught.value.meta is None
    assert "None" not in str(caught.value)


LONG_CODE = "organization_domain_enrollment_mode_not_enabled"
LONG_TRACE_ID = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@rows(
    "document, said",
    {
        "code alone": ({"errors": [{"code": "c"}]}, "c."),
        "a code of dots": ({"errors": [{"code": "..."}, {"code": "c"}]}, "c."),
        "short": ({"errors": [{"code": "c", "message": "short"}]}, "c: short."),
        "long message, trace ID": (
            CLERKS_ERRORS,
            "actor_token_cannot_be_revoked_code: Actor token cannot be revoked because its status "
            f"is accepted; trace ID {TRACE_ID}.",
        ),
        "control characters": (
            {"errors": [{"code": "c", "message": "a\n\tb\x1b[2J  c"}]},
            "c: a b [2J c.",
        ),
        "a long code and trace ID": (
            {"errors": [{"code": LONG_CODE}], "clerk_trace_id": LONG_TRACE_ID},
            f"{LONG_CODE}; trace ID {LONG_TRACE_ID}.",
        ),
        "ten errors at most": (
            {"errors": [{"code": str(number)} for number in range(1, 12)]},
            "1; 2; 3; 4; 5; 6; 7; 8; 9; 10.",
        ),
    },
)
def test_the_message_quotes_clerks_errors_in_their_longest_form(document: Any, said: str) -> None:
    with fails(ClerkErrors, unknown=False) as caught:
        create(stubbed(document, 422))

    assert f" 422: {said} " in str(caught.value)
    assert len(caught.value.errors) == len(document["errors"])


@rows(
    "page, said",
    {
        "message": ('{"message": "Forbidden here"}', ": Forbidden here."),
        "detail": ('{"detail": "Not here"}', ": Not here."),
        "both": ('{"message": "One", "detail": "Two"}', ": One."),
        "no texts": ('{"message": 5, "detail": null}', "."),
        "another field": ('{"x": "hidden"}', "."),
        "nothing": ("", "."),
        "null": ("null", ": null."),
        "a list": ('["hidden"]', "."),
        "text": ('"hidden"', "."),
        "half an object": (' {"hidden"', "."),
        "deep lists": ("[" * 100_000, "."),
        "a number of errors": ('{"errors": 5}', "."),
        "an entry without a code": ('{"errors": [{}]}', "."),
        "a number as code": ('{"errors": [{"code": 5}]}', "."),
        "a page": ("<p>a\r\n  b\x1b[31m</p>", ": <p>a b [31m</p>."),
        "a sentence": ("No \u202e entry...", ": No entry."),
        "a colon": ("Wait: ", ": Wait."),
        "200 characters": ("x " * 99 + "yz", f": {'x ' * 99}yz."),
        "201 characters": ("x " * 99 + "xyz", f": {'x ' * 99}xy."),
        "cut after 2,000": ("x" + " " * 1998 + "yhidden", ": x y."),
        "a token": (f"<{SECRET}>", ": <***>."),
        "a long token": (f"<eyJ{'x' * 9999}.{SECRET}>", ": <***>."),
        "a token after a letter": ("x" + SECRET, ": x***."),
        "an encoded link": (f"ticket%3D{SECRET}&", ": ticket%3D***&."),
        "an ID in a sentence": ("user_eyJabc. No.", ": user_eyJabc. No."),
        "an ID with eyJ": ("act_29w9IeyJNja3mP8GDX", ": act_29w9IeyJNja3mP8GDX."),
        "another key": ("sk_live_another!", ": ***!."),
        "a key of another kind": ("(sk_other)", ": (***)."),
        "a key after a letter": ("xsk_live_another", ": x***."),
        "a test key after a letter": ("xsk_test_another", ": x***."),
        "a word with sk_ in it": ("a task_queue", ": a task_queue."),
        "the key": (f"<{KEY}>", ": <***>."),
    },
)
def test_the_message_quotes_a_page_or_the_text_in_a_gateways_json(page: str, said: str) -> None:
    with fails(SDKError, unknown=True) as caught:
        create(stubbed(page.encode(), 502))

    assert f" 502{said} Clerk may" in str(caught.value)


@rows(
    "answer, body",
    {
        "a byte order mark": ("\ufeff<p>no</p>".encode(), "<p>no</p>"),
        "not UTF-8": (b"<pre>a \xff b", "<pre>a \ufffd b"),
        "secrets": (f"<{KEY}> <{LINK}>".encode(), f"<***> <{LINK.partition('eyJ')[0]}***>"),
    },
)
def test_an_errors_body_is_its_text_without_key_and_token(answer: bytes, body: str) -> None:
    with fails(SDKError, unknown=True) as caught:
        create(stubbed(answer, 502))

    assert caught.value.body == body


def test_a_token_in_clerks_errors_is_masked_in_all_their_attributes() -> None:
    entry = dict.fromkeys(("code", "message", "long_message"), f"see {LINK}")
    meta = {"link": LINK}
    envelope = {"errors": [{**entry, "meta": meta}], "clerk_trace_id": LINK, "meta": meta}

    with fails(ClerkErrors, unknown=False) as caught:
        create(stubbed(envelope, 422))

    error = caught.value
    shown = f"{error.errors} {error.clerk_trace_id} {error.meta}"
    assert shown.count("ticket=***") == 6
    assert SECRET not in shown


@pytest.mark.parametrize("before", [0, 150, 195, 990])
@pytest.mark.parametrize("status", [200, 302, 502])
def test_neither_message_nor_headers_show_a_secret_of_the_response(
    before: int, status: int
) -> None:
    page = f"{'x ' * (before // 2)}{KEY} {SECRET} \x1b[2J"

    with pytest.raises(ClerkBaseError) as caught:
        create(stubbed(page.encode(), status, {"Location": page, "Content-Type": page}))

    error: Any = caught.value
    shown = f"{error} {error.headers.items()}"
    assert error.message.isprintable()
    assert "sk_test" not in shown
    assert "eyJhbGciOi" not in shown


@pytest.mark.parametrize(
    ("status", "kind", "unknown"),
    [(200, ResponseValidationError, True), (400, ClerkErrors, False), (502, ClerkErrors, True)],
)
def test_a_key_that_is_sent_back_is_masked_in_all_that_an_error_carries(
    status: int, kind: type[ClerkBaseError], unknown: bool
) -> None:
    document = {
        "errors": [{"code": KEY, "message": KEY, "long_message": f"x {KEY}", "meta": {KEY: [KEY]}}],
        "clerk_trace_id": KEY,
        "meta": {"deep": [{"key": KEY}]},
    }
    headers = {"X-Echo": f"Bearer {KEY}", f"X-{KEY}": "1"}

    with fails(kind, unknown=unknown) as caught:  # no attribute shows it
        create(stubbed(document, status, headers))

    error: Any = caught.value
    assert error.headers.items() == [("X-Echo", "Bearer ***"), ("X-***", "1")]
    assert json.loads(error.body)["clerk_trace_id"] == "***"
    assert KEY not in error.body


def test_all_headers_of_a_name_are_kept() -> None:
    headers = Message()
    headers["Set-Cookie"] = "a=1"
    headers["Set-Cookie"] = "b=2"

    with fails(SDKError, unknown=False) as caught:
        create(stubbed(PAGE, 400, headers))

    assert caught.value.headers.get_all("set-cookie") == ["a=1", "b=2"]


# ---- From an outcome to a result or an error: no response


@rows(
    "exception, unknown, said",
    {
        "the system's own words": (
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
            True,
            ": Connection reset by peer",
        ),
        "no words": (ConnectionRefusedError(), False, ": ConnectionRefusedError"),
        "blank words": (OSError(" "), True, ": OSError"),
        "words that cannot be shown": (http.client.BadStatusLine("\0."), True, ": BadStatusLine"),
        "invalid": (http.client.BadStatusLine("SSH-2.0"), True, ": SSH-2.0"),
        "without a reason": (URLError(""), True, ": <urlopen error >"),
        "the key in its text": (OSError(f"{KEY[:12]} {KEY}"), True, ": *** ***"),
        "a token in it": (OSError(errno.EIO, f"a\n{SECRET}"), True, ": a ***"),
    },
)
def test_the_message_says_why_no_response_came(
    exception: Exception, unknown: bool, said: str
) -> None:
    with fails(NoResponseError, unknown=unknown) as caught:
        create(stubbed(exception))

    advice = CREATE_DOUBT if unknown else DID_NOT_ACT
    assert str(caught.value) == (
        f"POST /v1/actor_tokens to api.clerk.com got no valid response{said}. {advice}"
    )


@pytest.mark.parametrize(
    ("timeout", "said"), [(None, "2.5 seconds"), (86_400, "86400 seconds"), (0.25, "0.25 seconds")]
)
def test_the_message_for_a_timeout_tells_the_seconds_of_the_call(
    timeout: float | None, said: str
) -> None:
    client = ActorTokens(KEY, opener=Stub(TimeoutError("timed out")), timeout=2.5)

    with fails(RequestTimeoutError, unknown=True) as caught:
        revoke(client, timeout=timeout)

    message = f" got no valid response: timed out. The call had {said}. {REVOKE_DOUBT}"
    assert str(caught.value).endswith(message)


def certificate_error(code: int, words: str) -> ssl.SSLCertVerificationError:
    """As OpenSSL makes it."""
    text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {words} (_ssl.c:1006)"
    error = ssl.SSLCertVerificationError(1, text)
    error.verify_code = code
    error.verify_message = words
    return error


@rows(
    "error",
    {
        "expired": certificate_error(10, "certificate has expired"),
        "unknown authority": certificate_error(20, "unable to get issuer"),
        "another host": certificate_error(62, "Hostname mismatch"),
        "strict check": certificate_error(85, "Missing Authority Key Identifier"),
        "made by hand": ssl.SSLCertVerificationError("bad certificate"),
    },
)
def test_a_refused_certificate_has_openssls_words_and_one_advice(error: ssl.SSLError) -> None:
    with fails(NoResponseError, unknown=False) as caught:
        create(stubbed(error))

    assert error.args[-1] in str(caught.value)
    assert str(caught.value).endswith(
        ". Check the address, this machine's clock, and the CA certificates that it trusts "
        "(SSL_CERT_FILE, or ssl_context). Clerk did not act."
    )


# ---- The wire: servers on this machine

LATE = 1.5  # seconds that a busy machine may add; who gains by stalling would gain far more


class Peer:
    """The server's side of one connection, for a script to play."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.send = sock.sendall
        self.received = b""

    def read_request(self) -> bytes:
        """One complete request, which is counted. Nothing if the client hung up."""
        while True:
            head, end, rest = self.received.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
            size = int(length[1]) if length else 0
            if end and len(rest) >= size:
                self.received = rest[size:]
                self.server.requests.append(head + end + rest[:size])
                return self.server.requests[-1]
            data = self.sock.recv(65536)
            if not data:
                return b""
            self.received += data

    def wait_for_hang_up(self) -> None:
        with suppress(OSError):
            while self.sock.recv(65536):
                pass


class Server:
    """It plays a script for each connection, the last one for all further.

    `requests` has what it read, `connections` is how many it accepted, and `hung_up` is set once a
    connection has ended.
    """

    def __init__(self, scripts: tuple[Script, ...], tls: Any, listener: Any) -> None:
        self.scripts = scripts
        self.requests: list[bytes] = []
        self.connections = 0
        self.hung_up = threading.Event()
        self.stopped = threading.Event()
        self._faults: list[BaseException] = []
        self._tls: ssl.SSLContext | None = tls
        self._clients: list[ActorTokens] = []
        self._sockets: list[socket.socket] = []
        self._listener: socket.socket = listener or socket.create_server(("127.0.0.1", 0))
        self._end, self._woken = socket.socketpair()  # no other way to wake a thread is portable
        self.port = self._listener.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://localhost:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while self._woken not in select.select([self._listener, self._woken], [], [])[0]:
            sock, _ = self._listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # saves 40 ms over TLS
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            self._sockets.append(sock)
            self._threads.append(threading.Thread(target=self._play, args=(script, sock)))
            self._threads[-1].start()

    def _play(self, script: Script, sock: socket.socket) -> None:
        try:
            with sock, suppress(OSError):
                if self._tls is None:
                    script(Peer(self, sock))
                else:
                    with self._tls.wrap_socket(sock, server_side=True) as tls:
                        self._sockets.append(tls)
                        script(Peer(self, tls))
        except BaseException as fault:
            self._faults.append(fault)
        self.hung_up.set()

    def client(self, **options: Any) -> ActorTokens:
        """A client of the server, which trusts its certificate. It is closed after the test."""
        url = options.setdefault("server_url", f"{self.origin}/v1")
        if url.startswith("https:"):
            options.setdefault("ssl_context", TRUST)
        self._clients.append(ActorTokens(KEY, **options))
        return self._clients[-1]

    def stop(self) -> None:
        """End it. Raises what a script raised."""
        for client in self._clients:
            client.close()
        self.stopped.set()
        self._end.close()
        self._threads[0].join(10)
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a script did not end"
        self._listener.close()
        self._woken.close()
        for fault in self._faults:
            raise fault


def http_response(document: Any = TOKEN, status: int = 200, **headers: Any) -> bytes:
    """The bytes of a response. In the names of the headers, _ stands for -."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"Content_Type": "application/json", "Content_Length": len(body), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {fields[name]}\r\n" for name in fields)
    return f"HTTP/1.1 {status} Something\r\n{lines}\r\n".encode() + body


def echo(peer: Peer) -> None:
    """Answer as Clerk does: with a token for the user, or with the ID, that the request names."""
    while request := peer.read_request():
        path, _, body = request.partition(b"\r\n\r\n")
        token_id = path.partition(b"/revoke ")[0].rpartition(b"/")[2].decode()
        asked_for = {"user_id": json.loads(body)["user_id"]} if body else {"id": token_id}
        peer.send(http_response({**TOKEN, **asked_for}))


def answer(*messages: bytes, then: Iterable[bytes] = ()) -> Script:
    """Answer as many requests with these bytes, in turn. Then hang up."""

    def script(peer: Peer) -> None:
        for message in itertools.chain(messages, then):
            if not peer.read_request():
                return
            peer.send(message)

    return script


def send(data: bytes) -> Script:
    """Answer every request with these bytes."""
    return answer(then=itertools.repeat(data))


def respond(document: Any = TOKEN, status: int = 200, **headers: Any) -> Script:
    """Answer every request with this response."""
    return send(http_response(document, status, **headers))


def trickle(before: bytes, piece: bytes, every: float = 0.01) -> Script:
    """Answer with `before`, then with a piece now and then, 500 times: as if without end."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(before)
        for _ in range(500):
            if peer.server.stopped.wait(every):
                return
            peer.send(piece)

    return script


def stay_silent(peer: Peer) -> None:
    """Read a request, and never answer."""
    peer.read_request()
    peer.wait_for_hang_up()


def hang_up(peer: Peer) -> None:
    """Read a request, and end the connection."""
    peer.read_request()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """TLS settings for a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


CA = trustme.CA()  # issues the servers' certificates
TLS = server_context(CA.issue_cert("localhost", "127.0.0.1", "::1"))
TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CA.configure_trust(TRUST)
PLAIN_AND_TLS = pytest.mark.parametrize("https", [False, True], ids=["plain", "TLS"])


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers, over TLS with `https=True`, and end them after the test."""
    servers = []

    def start(*scripts: Script, https: Any = False, listener: Any = None) -> Server:
        context = TLS if https is True else https or None
        servers.append(Server(scripts or (echo,), context, listener))
        return servers[-1]

    yield start
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)


@pytest.fixture
def server(serve: Serve, monkeypatch: Patch) -> Server:
    """A server that the environment names. A test may change its scripts."""
    server = serve()
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    monkeypatch.setenv("CLERK_API_URL", f"http://127.0.0.1:{server.port}")
    return server


SIGNALS = pytest.mark.skipif(os.name == "nt", reason="signals are different on Windows")


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
IN_CHUNKS = CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(JSON), JSON)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def on_connect(monkeypatch: Patch, act: Callable[[socket.socket, Any], object]) -> None:
    """Do this before each connection is made, with its socket and its address."""
    connect = socket.socket.connect

    def act_and_connect(sock: socket.socket, address: Any) -> None:
        act(sock, address)
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", act_and_connect)


def user_of(request: bytes) -> str:
    """The user that a create is for."""
    return str(json.loads(request.partition(b"\r\n\r\n")[2])["user_id"])


# ---- The wire: what is sent


@rows(
    "call, path, body",
    {
        "create": (
            lambda clerk: create(clerk, "user_2", expires_in_seconds=60),
            "/A/v1/actor_tokens",
            '{"user_id": "user_1a2b3c", "actor": {"sub": "user_2"}, "expires_in_seconds": 60, '
            '"session_max_duration_in_seconds": 1800}',
        ),
        "revoke": (revoke, f"/A/v1/actor_tokens/{TOKEN['id']}/revoke", ""),
    },
)
def test_these_bytes_and_no_others_are_sent(serve: Serve, call: Call, path: str, body: str) -> None:
    server = serve()

    call(server.client(server_url=f"{server.origin}/A/v1"))

    head, _, sent = server.requests[0].decode().partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    assert line == f"POST {path} HTTP/1.1"
    assert sorted(headers) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        f"Authorization: Bearer {KEY}",
        "Clerk-api-version: 2026-05-12",
        f"Content-Length: {len(body)}",
        *(["Content-type: application/json"] if body else []),
        f"Host: localhost:{server.port}",
        f"User-agent: clerk-actor-tokens/{clerk_actor_tokens.__version__}",
    ]
    assert sent == body


@rows(
    "url, proxy, place",
    {
        "80 for http": ("http://localhost/v1", "", ("localhost", 80)),
        "443 for https": ("https://localhost/v1", "", ("localhost", 443)),
        "the given port": ("http://localhost:8080/v1", "", ("localhost", 8080)),
        "IPv6 without brackets": ("https://[::1]/v1", "", ("::1", 443)),
        "a proxy": ("https://x.example", "http://y.example", ("y.example", 80)),
    },
)
def test_the_server_or_its_proxy_is_looked_up_by_name_and_port(
    monkeypatch: Patch, url: str, proxy: str, place: tuple[str, int]
) -> None:
    asked = []

    # Some programs replace getaddrinfo by a function that takes no keywords.
    def look_up(host: str, port: int, family: int = 0, kind: int = 0, /) -> Any:
        asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "Name not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with fails(NoResponseError, unknown=False):
        create(ActorTokens(KEY, server_url=url, max_retries=0))

    assert asked == [place]


def test_a_request_goes_to_an_ipv6_address(serve: Serve) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = serve(https=True, listener=listener)

    create(server.client(server_url=f"https://[::1]:{server.port}/v1"))

    assert f"\r\nHost: [::1]:{server.port}\r\n".encode() in server.requests[0]


def test_small_packets_are_not_held_back(serve: Serve, monkeypatch: Patch) -> None:
    sockets: list[socket.socket] = []
    on_connect(monkeypatch, lambda sock, address: sockets.append(sock))

    create(serve().client())

    assert sockets[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.parametrize("kind", ["HTTPConnection", "HTTPSConnection"])
@PLAIN_AND_TLS
def test_a_debug_level_that_a_program_set_prints_nothing(
    serve: Serve, monkeypatch: Patch, capsys: pytest.CaptureFixture[str], kind: str, https: bool
) -> None:
    monkeypatch.setattr(f"http.client.{kind}.debuglevel", 1)

    create(serve(https=https).client())

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == ""


def trace(monkeypatch: Patch, name: str, look: Callable[[http.client.HTTPConnection], Any]) -> None:
    """Look at the connection in each call of this method, as Sentry, X-Ray and ddtrace do."""
    original = getattr(http.client.HTTPConnection, name)

    def look_and_go_on(self: http.client.HTTPConnection, *args: Any, **options: Any) -> Any:
        look(self)
        return original(self, *args, **options)

    monkeypatch.setattr(http.client.HTTPConnection, name, look_and_go_on)


@PLAIN_AND_TLS
def test_sentry_x_ray_and_ddtrace_see_one_call_with_its_url(
    serve: Serve, monkeypatch: Patch, https: bool
) -> None:
    seen: list[str] = []

    def note(connection: http.client.HTTPConnection) -> None:
        scheme = {443: "https", 80: "http"}[connection.default_port]
        seen.append(f"{scheme}://{connection.host}:{connection.port}")

    server = serve(https=https)
    for name in ("_send_request", "putrequest", "getresponse"):  # the methods that they wrap
        trace(monkeypatch, name, note)

    create(server.client())

    assert seen == [server.origin] * 3


@rows(
    "name, bug, requests",
    {
        "before it is written": ("putrequest", ValueError("bug"), 1),
        "before it is sent": ("send", ValueError("bug"), 1),
        "after it is sent": ("getresponse", ZeroDivisionError("bug"), 2),
    },
)
def test_a_tracers_bug_reaches_the_caller_as_it_is(
    serve: Serve, monkeypatch: Patch, name: str, bug: Exception, requests: int
) -> None:
    server = serve()
    client = server.client()
    revoke(client)

    def fail(connection: object) -> None:
        raise bug

    trace(monkeypatch, name, fail)
    with pytest.raises(type(bug), match=r"^bug$") as caught:
        revoke(client)

    assert_no_secret_shows(caught.value)
    assert server.hung_up.wait(10), "the connection stays open"
    assert len(server.requests) == requests


def test_redirects_are_not_followed(serve: Serve) -> None:
    target = serve()
    server = serve(respond({}, 307, Location=target.origin))

    with fails(SDKError, unknown=False):
        create(server.client())

    assert len(server.requests) == 1
    assert target.connections == 0


# ---- The wire: the deadline


@contextmanager
def times_out_after(seconds: float, *, unknown: bool) -> Iterator[None]:
    """Expect a timeout after all of these seconds, and soon then."""
    start = time.perf_counter()
    with fails(RequestTimeoutError, unknown=unknown):
        try:
            yield
        finally:
            elapsed = time.perf_counter() - start
    assert seconds - 0.02 < elapsed < seconds + LATE  # Windows' clock may be 16 ms late


@rows(
    "stall",
    {
        "silence": stay_silent,
        "the status line": trickle(b"", b"H"),
        "a header": trickle(OK, b"X"),
        "headers": trickle(OK, b"X-Header: 1\r\n"),
        "100 Continue": trickle(b"", CONTINUE),
        "the body": trickle(OK + b"Content-Length: 1048576\r\n\r\n", b" "),
        "a body without a length": trickle(OK + b"\r\n", b" "),
        "chunks": trickle(CHUNKED, b"1\r\n \r\n"),
        "trailers": trickle(CHUNKED + b"0\r\n", b"X: 1\r\n"),
    },
)
@PLAIN_AND_TLS
def test_a_response_that_trickles_does_not_outlast_the_timeout(
    serve: Serve, stall: Script, https: bool
) -> None:
    server = serve(stall, https=https)
    client = server.client()

    with times_out_after(0.2, unknown=True):
        revoke(client, timeout=0.2)

    assert len(server.requests) == 1, "sent again after the deadline"


def test_a_whole_call_with_its_retries_has_one_deadline(serve: Serve, clock: Clock) -> None:
    def stall_or_hang_up(peer: Peer) -> None:
        peer.read_request()
        peer.server.stopped.wait(LATE)

    busy = answer(http_response({}, 503, Retry_After="60", Connection="close"))
    server = serve(busy, stall_or_hang_up)
    client = server.client(timeout=60.2)

    with times_out_after(0.2, unknown=True):
        revoke(client)

    assert clock.pauses == [60]
    assert len(server.requests) == 2


def test_a_stalled_tls_handshake_does_not_outlast_the_timeout(serve: Serve) -> None:
    server = serve(Peer.wait_for_hang_up)
    client = server.client(server_url=f"https://localhost:{server.port}/v1")

    with times_out_after(0.2, unknown=False):
        create(client, timeout=0.2)


def test_a_tls_handshake_has_only_the_time_that_connecting_left(
    serve: Serve, clock: Clock, monkeypatch: Patch
) -> None:
    server = serve(Peer.wait_for_hang_up)
    client = server.client(server_url=f"https://localhost:{server.port}/v1")
    on_connect(monkeypatch, lambda sock, address: clock.advance(60))

    with times_out_after(0.2, unknown=False):
        create(client, timeout=60.2)


@PLAIN_AND_TLS
def test_a_server_that_reads_slowly_does_not_outlast_the_timeout(serve: Serve, https: bool) -> None:
    def sip(peer: Peer) -> None:
        while not peer.server.stopped.wait(0.01):
            peer.sock.recv(1024)

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client = serve(sip, https=https, listener=listener).client()
    actor = {"sub": "user_2", "x": "x" * 8_000_000}

    with times_out_after(0.8, unknown=True):
        create(client, actor, timeout=0.8)


@pytest.mark.parametrize("seconds", [3, 2], ids=["more than all", "exactly all"])
@pytest.mark.parametrize("step", ["connecting", "writing"])
def test_nothing_is_sent_if_what_comes_before_took_all_of_the_time(
    serve: Serve, clock: Clock, monkeypatch: Patch, seconds: float, step: str
) -> None:
    server = serve()
    if step == "connecting":
        on_connect(monkeypatch, lambda sock, address: clock.advance(seconds))
    else:
        trace(monkeypatch, "putrequest", lambda connection: clock.advance(seconds))

    with fails(RequestTimeoutError, unknown=False):
        create(server.client(timeout=2))

    assert server.requests == []


def test_a_request_that_was_too_late_is_not_sent_with_the_next_one(
    serve: Serve, clock: Clock, monkeypatch: Patch
) -> None:
    server = serve()
    client = server.client(timeout=2)
    client.create("user_first", actor="user_2")
    wall = time.time

    def stop_for_3_seconds() -> float:
        """Just when the idle connection is looked at."""
        monkeypatch.setattr(time, "time", wall)
        clock.passed += 3
        return wall()

    monkeypatch.setattr(time, "time", stop_for_3_seconds)
    with fails(RequestTimeoutError, unknown=False):
        client.create("user_late", actor="user_2")
    client.create("user_next", actor="user_2")

    assert [user_of(request) for request in server.requests] == ["user_first", "user_next"]


def lead_localhost_to(monkeypatch: Patch, *ports: int) -> None:
    """Let the name localhost have an address for each of these ports."""
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
    look_up = socket.getaddrinfo

    def look_up_localhost(host: str, *more: Any) -> Any:
        return addresses if host == "localhost" else look_up(host, *more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_localhost)


def test_the_addresses_of_a_name_share_the_time_that_is_left(
    clock: Clock, monkeypatch: Patch
) -> None:
    shares = []

    def stay_mute(sock: socket.socket, address: Any) -> None:
        shares.append(sock.gettimeout())
        clock.advance(sock.gettimeout() or 0)
        raise socket.timeout("timed out")

    lead_localhost_to(monkeypatch, 1, 2, 3)
    on_connect(monkeypatch, stay_mute)

    with fails(RequestTimeoutError, unknown=False):
        create(ActorTokens(KEY, server_url="http://localhost/v1"), timeout=600)

    assert shares == pytest.approx([200, 200, 200], abs=LATE)


@pytest.mark.parametrize("fault", [socket.timeout("timed out"), ConnectionRefusedError("no")])
def test_an_address_that_fails_leaves_the_next(
    serve: Serve, clock: Clock, monkeypatch: Patch, fault: OSError
) -> None:
    server = serve()
    client = server.client(max_retries=0, timeout=1000)

    def fail_at_port_1(sock: socket.socket, address: Any) -> None:
        if address[1] == 1:
            clock.advance(sock.gettimeout() or 0)
            raise fault

    lead_localhost_to(monkeypatch, 1, server.port)
    on_connect(monkeypatch, fail_at_port_1)

    token = create(client)

    assert token == ActorToken(**TOKEN)


def test_a_name_without_an_address_is_named(monkeypatch: Patch) -> None:
    lead_localhost_to(monkeypatch)

    with fails(NoResponseError, unknown=False) as caught:
        create(ActorTokens(KEY, server_url="http://localhost/v1", max_retries=0))

    assert "localhost has no address" in str(caught.value)


def test_a_host_whose_name_is_too_long_is_not_tried_again(clock: Clock) -> None:
    client = ActorTokens(KEY, server_url=f"https://{'a' * 64}.example/v1")

    with fails(NoResponseError, unknown=False):
        create(client)

    assert clock.pauses == []


# ---- The wire: retries


@rows(
    "status, kind, unknown, creates, revokes",
    {
        "200 without a token": (200, ResponseValidationError, True, 1, 1),
        "302": (302, SDKError, False, 1, 1),
        "400": (400, SDKError, False, 1, 1),
        "408": (408, SDKError, False, 1, 1),
        "428": (428, SDKError, False, 1, 1),
        "429": (429, SDKError, False, 3, 3),
        "499": (499, SDKError, False, 1, 1),
        "500": (500, SDKError, True, 1, 3),
        "503": (503, SDKError, True, 1, 3),
        "600": (600, SDKError, True, 1, 3),
    },
)
@CREATE_AND_REVOKE
def test_which_responses_lead_to_two_retries(
    serve: Serve,
    clock: Clock,
    call: Call,
    status: int,
    kind: type[ClerkBaseError],
    unknown: bool,
    creates: int,
    revokes: int,
) -> None:
    server = serve(respond({}, status, Retry_After="0"))

    with fails(kind, unknown=unknown):
        call(server.client())

    expected = creates if call is create else revokes
    assert len(server.requests) == expected
    assert len(clock.pauses) == expected - 1


@pytest.mark.parametrize(("call", "status"), [(create, 429), (revoke, 503)])
def test_a_call_succeeds_after_two_retries(
    serve: Serve, clock: Clock, call: Call, status: int
) -> None:
    server = serve(answer(http_response({}, status), http_response({}, 429), http_response()))

    token = call(server.client())

    assert token == ActorToken(**TOKEN)
    assert len(server.requests) == 3
    assert len(set(server.requests)) == 1, "the requests differ"
    assert server.connections == 1, "a complete response is no reason to hang up"


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_max_retries_is_the_most_there_are(serve: Serve, clock: Clock, retries: int) -> None:
    server = serve(respond(CLERKS_ERRORS, 429))

    with fails(ClerkErrors, unknown=False):
        create(server.client(max_retries=retries))

    assert len(server.requests) == retries + 1


def test_pauses_double_from_half_a_second_until_the_deadline_half_of_it_by_chance(
    serve: Serve, clock: Clock
) -> None:
    server = serve(respond({}, 503))

    with fails(SDKError, unknown=True):
        revoke(server.client(max_retries=100, timeout=1000))

    assert 10 <= len(clock.pauses) <= 11
    for number, pause in enumerate(clock.pauses):
        assert 2**number / 4 <= pause <= 2**number / 2


@rows(
    "value, least, most",
    {
        "longer than the back-off": ("2", 2, 2),
        "shorter than the back-off": ("0", 0.25, 0.5),
        "a fraction": ("1.5", 0.25, 0.5),
        "negative": ("-1", 0.25, 0.5),
        "a date": ("Mon, 24 Nov 2025 00:00:00 GMT", 0.25, 0.5),
        "nan": ("nan", 0.25, 0.5),
        "three centuries": ("9999999999", 0.25, 0.5),
        "nothing": ("", 0.25, 0.5),
    },
)
@rows(
    "call, status",
    {
        "create, 429": (create, 429),
        "revoke, 429": (revoke, 429),
        "revoke, 503": (revoke, 503),
    },
)
def test_a_pause_is_as_long_as_retry_after_or_the_back_off(
    serve: Serve, clock: Clock, call: Call, status: int, value: str, least: float, most: float
) -> None:
    server = serve(answer(http_response({}, status, Retry_After=value), http_response()))

    call(server.client())

    assert len(clock.pauses) == 1
    assert least <= clock.pauses[0] <= most


@rows(
    "retry_after",
    {
        "after the deadline": "30",
        "at the deadline": "20",
        "the first of two": "30\r\nRetry-After: 1",
    },
)
@CREATE_AND_REVOKE
def test_a_pause_past_the_deadline_is_not_begun(
    serve: Serve, clock: Clock, call: Call, retry_after: str
) -> None:
    server = serve(respond({}, 429, Retry_After=retry_after))

    with fails(SDKError, unknown=False):
        call(server.client(timeout=20))

    assert len(server.requests) == 1
    assert clock.pauses == []


def test_all_pauses_together_end_before_the_deadline(serve: Serve, clock: Clock) -> None:
    server = serve(respond({}, 503, Retry_After="10"))

    with fails(SDKError, unknown=True):
        revoke(server.client(timeout=45, max_retries=100))

    assert clock.pauses == [10, 10, 10, 10]


def reset(peer: Peer) -> None:
    """Read a request, and end the connection with a TCP reset."""
    peer.read_request()
    linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@rows(
    "loss",
    {
        "hang-up": hang_up,
        "reset": reset,
        "cut status line": answer(b"HTTP/1.1 2"),
        "cut after the status line": answer(OK),
        "only a 100": answer(CONTINUE),
        "cut header": answer(OK + b"Content-Type: appli"),
        "no body": answer(OK + b"Content-Length: 10\r\n\r\n"),
        "cut body": answer(http_response()[:-1]),
        "cut refusal": answer(http_response({}, 400)[:-1]),
        "cut chunk": answer(CHUNKED + b"10\r\n{}"),
        "no last chunk": answer(CHUNKED + b"2\r\n{}\r\n"),
        "cut size of a chunk": answer(CHUNKED + b"2\r\n{}\r\n0"),
    },
)
@PLAIN_AND_TLS
def test_after_a_lost_response_a_revoke_is_retried_and_a_create_is_not(
    serve: Serve, clock: Clock, loss: Script, https: bool
) -> None:
    server = serve(loss, loss, echo, https=https)
    client = server.client()

    with fails(NoResponseError, unknown=True):
        create(client)
    assert len(server.requests) == 1
    token = revoke(client)

    assert token == ActorToken(**TOKEN)
    assert len(server.requests) == 3
    assert len(clock.pauses) == 1


@pytest.mark.parametrize("whole", [http_response(), IN_CHUNKS], ids=["with a length", "chunked"])
def test_a_response_cut_at_any_byte_is_never_taken_for_one(serve: Serve, whole: bytes) -> None:
    server = serve(*(answer(whole[:length]) for length in range(len(whole))))
    client = server.client()

    for _ in range(len(whole)):
        with fails(NoResponseError, unknown=True):
            create(client)

    assert len(server.requests) == len(whole)


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port that refuses connections: it is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@CREATE_AND_REVOKE
def test_a_refused_connection_is_retried(clock: Clock, refusing_port: int, call: Call) -> None:
    client = ActorTokens(KEY, server_url=f"http://127.0.0.1:{refusing_port}/v1")

    with fails(NoResponseError, unknown=False):
        call(client)

    assert len(clock.pauses) == 2


@rows(
    "fault",
    {
        "no name": socket.gaierror(socket.EAI_AGAIN, "Try again"),
        "refused": ConnectionRefusedError("no"),
        "the system's time limit": TimeoutError(errno.ETIMEDOUT, "timed out"),
        "no network": OSError(errno.ENETUNREACH, "no network"),
    },
)
@CREATE_AND_REVOKE
def test_a_call_goes_out_after_a_connection_that_failed(
    serve: Serve, clock: Clock, monkeypatch: Patch, fault: OSError, call: Call
) -> None:
    server = serve()
    faults = [fault]

    def fail_once(*_: object) -> None:
        if faults:
            raise faults.pop()

    on_connect(monkeypatch, fail_once)

    token = call(server.client())

    assert token == ActorToken(**TOKEN)
    assert len(clock.pauses) == 1
    assert len(server.requests) == 1


@rows(
    "call, first, unknown",
    {
        "a lost revoke": (revoke, hang_up, True),
        "a create, 429": (create, respond({}, 429, Connection="close"), False),
    },
)
def test_refused_connections_change_nothing_about_the_doubt(
    serve: Serve, clock: Clock, monkeypatch: Patch, call: Call, first: Script, unknown: bool
) -> None:
    server = serve(first)
    connections = itertools.count()

    def refuse_all_but_the_first(*_: object) -> None:
        if next(connections):
            raise ConnectionRefusedError("no")

    on_connect(monkeypatch, refuse_all_but_the_first)

    with fails(NoResponseError, unknown=unknown) as caught:
        call(server.client())

    assert "no valid response: no. " in str(caught.value)
    assert len(clock.pauses) == 2


@rows(
    "first, status",
    {
        "lost, then 429": (hang_up, 429),
        "lost, then 400": (hang_up, 400),
        "503, then 400": (respond({}, 503, Connection="close"), 400),
    },
)
def test_a_refusal_leaves_the_doubt_about_an_earlier_revoke(
    serve: Serve, clock: Clock, first: Script, status: int
) -> None:
    server = serve(first, respond(CLERKS_ERRORS, status))

    with fails(ClerkErrors, unknown=True) as caught:
        revoke(server.client())

    assert caught.value.status_code == status


def test_a_create_stops_at_a_5xx_after_a_429(serve: Serve, clock: Clock) -> None:
    server = serve(answer(http_response({}, 429), http_response({}, 503)))

    with fails(SDKError, unknown=True) as caught:
        create(server.client())

    assert caught.value.status_code == 503
    assert len(server.requests) == 2


# ---- The wire: connections


@rows(
    "response",
    {
        "plain": http_response(),
        "chunked": IN_CHUNKS,
        "behind 100 Continue": CONTINUE + http_response(),
        "bare line feeds": http_response().replace(b"\r\n", b"\n", 4),
        "large, each with its own MiB": http_response(JSON + b" " * 700_000),
    },
)
@PLAIN_AND_TLS
def test_a_complete_response_keeps_the_connection_open(
    serve: Serve, response: bytes, https: bool
) -> None:
    server = serve(send(response), https=https)
    client = server.client()

    tokens = [create(client), revoke(client), create(client)]

    assert tokens == [ActorToken(**TOKEN)] * 3
    assert server.connections == 1


@rows(
    "response, kind, unknown",
    {
        "Clerk's 400": (http_response(CLERKS_ERRORS, 400), ClerkErrors, False),
        "a gateway's 404": (http_response(b"<html>", 404), SDKError, False),
        "204": (b"HTTP/1.1 204 No Content\r\n\r\n", ResponseValidationError, True),
        "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", SDKError, False),
    },
)
def test_a_complete_refusal_keeps_the_connection_open(
    serve: Serve, response: bytes, kind: type[ClerkBaseError], unknown: bool
) -> None:
    server = serve(send(response))
    client = server.client()

    for _ in range(3):
        with fails(kind, unknown=unknown):
            create(client)

    assert server.connections == 1
    assert len(server.requests) == 3


STRAY = http_response({**TOKEN, "id": "act_stray"})


@rows(
    "script",
    {
        "Connection: close": respond(Connection="close"),
        "HTTP/1.0": send(http_response().replace(b"HTTP/1.1", b"HTTP/1.0")),
        "with a stray response": send(http_response() + STRAY),
        "with a stray byte": send(http_response() + b"x"),
        "that lasts until the connection ends": answer(OK + b"\r\n" + JSON),
    },
)
@PLAIN_AND_TLS
def test_a_connection_is_not_used_again_after_a_response(
    serve: Serve, script: Script, https: bool
) -> None:
    server = serve(script, https=https)
    client = server.client()

    tokens = [create(client), create(client), create(client)]

    assert tokens == [ActorToken(**TOKEN)] * 3
    assert server.connections == 3


@PLAIN_AND_TLS
def test_a_late_stray_response_belongs_to_no_call(serve: Serve, https: bool) -> None:
    returned = threading.Event()
    strayed = threading.Event()

    def stray(peer: Peer) -> None:
        peer.read_request()
        peer.send(http_response())
        assert returned.wait(10)
        peer.send(STRAY)
        strayed.set()
        peer.wait_for_hang_up()

    server = serve(stray, echo, https=https)
    client = server.client()
    create(client)
    returned.set()
    assert strayed.wait(10)

    token = create(client)

    assert token.id == TOKEN["id"]
    assert server.connections == 2


@PLAIN_AND_TLS
def test_a_connection_that_the_server_closed_is_not_used_again(serve: Serve, https: bool) -> None:
    server = serve(answer(http_response()), echo, https=https)
    client = server.client()
    create(client)
    assert server.hung_up.wait(10)

    create(client)

    assert server.connections == 2
    assert len(server.requests) == 2


@rows(
    "seconds, connections",
    {
        "at once": (0, 1),
        "before 4 seconds": (3.75, 1),
        "after 4 seconds": (4, 2),
        "after an hour": (3600, 2),
        "when the clock went back": (-0.25, 2),
    },
)
@PLAIN_AND_TLS
def test_an_idle_connection_is_used_again_for_4_seconds_of_wall_clock(
    serve: Serve, clock: Clock, seconds: float, connections: int, https: bool
) -> None:
    server = serve(https=https)
    client = server.client()
    revoke(client)

    clock.wall += seconds  # in a frozen process, it alone goes on
    revoke(client)

    assert server.connections == connections


@rows(
    "fault",
    {
        "silence": b"",
        "nonsense": b"nonsense\r\n\r\n",
        "cut short": http_response()[:-1],
        "101": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "103": b"HTTP/1.1 103 Early Hints\r\n\r\n" + http_response(),
    },
)
def test_a_connection_is_closed_after_a_call_that_failed(serve: Serve, fault: bytes) -> None:
    server = serve(answer(http_response(), then=itertools.repeat(fault)), echo)
    client = server.client(max_retries=0)
    revoke(client)

    with pytest.raises(NoResponseError):
        revoke(client, timeout=0.3)

    assert server.hung_up.wait(10), "still open"
    assert revoke(client) == ActorToken(**TOKEN)
    assert server.connections == 2


def test_the_end_of_a_with_block_closes_the_idle_connection(serve: Serve) -> None:
    server = serve()

    with server.client() as client:
        revoke(client)

    assert server.hung_up.wait(10)


@pytest.mark.parametrize("status", [200, 404])
def test_a_client_that_is_no_longer_used_closes_its_connection(server: Server, status: int) -> None:
    server.scripts = (respond(TOKEN, status),)
    client = ActorTokens()
    with suppress(ClerkBaseError):
        revoke(client)

    del client

    assert server.hung_up.wait(10)


def test_a_closed_client_may_be_used_again(serve: Serve) -> None:
    server = serve()
    client = server.client()
    revoke(client)
    client.close()
    assert server.hung_up.wait(10)

    token = revoke(client)

    assert token == ActorToken(**TOKEN)
    assert server.connections == 2


@rows(
    "end",
    {
        "closed": "clerk.close()",
        "deleted": "del clerk",
        "in a cycle": "cycle = [clerk]; cycle.append(cycle); del clerk, cycle",
        "at the end of the program": "",
        "after a failure": "with suppress(NoResponseError): revoke()\nclerk.close()",
    },
)
def test_a_client_leaves_no_resource_warning(serve: Serve, end: str) -> None:
    server = serve(answer(http_response(), b""), hang_up)
    program = f"""
import gc
from contextlib import suppress
from clerk_actor_tokens import ActorTokens, NoResponseError
def revoke(): clerk.revoke({TOKEN["id"]!r})
clerk = ActorTokens({KEY!r}, server_url="http://127.0.0.1:{server.port}/v1", max_retries=0)
revoke()
{end}
gc.collect()
"""

    done = run_python("-X", "dev", "-W", "error", "-c", program)

    assert done.stderr == ""
    assert done.returncode == 0
    assert server.requests


# ---- The wire: threads and processes


class Burst:
    """A script that answers the first 12 requests together, and counts the connections' ends."""

    def __init__(self) -> None:
        self.together = threading.Barrier(12)
        self.ended = threading.Semaphore(0)

    def __call__(self, peer: Peer) -> None:
        peer.read_request()
        self.together.wait(10)
        peer.send(http_response())
        respond()(peer)
        self.ended.release()

    def wait_for_ended(self, number: int) -> bool:
        return all(self.ended.acquire(timeout=10) for _ in range(number))


def test_closing_the_client_closes_all_idle_connections(serve: Serve) -> None:
    burst = Burst()
    client = serve(burst).client()
    in_threads(12, lambda number: revoke(client))

    client.close()

    assert burst.wait_for_ended(12)


def test_an_idle_connection_keeps_nothing_of_the_call_before(serve: Serve) -> None:
    client = serve(respond(TOKEN, Echo=KEY)).client()
    create(client)

    shown = "".join(expand(client, {}, depth=12))

    assert "laddr=" in shown, "the connection is idle"
    assert not any(secret in shown for secret in SECRETS)


def test_calls_one_at_a_time_after_a_burst_close_the_stale_connections(
    serve: Serve, clock: Clock
) -> None:
    burst = Burst()
    client = serve(burst).client()
    in_threads(12, lambda number: revoke(client))

    for seconds in (3, 2):
        clock.advance(seconds)
        revoke(client)

    assert burst.wait_for_ended(11), "stale connections stay open"


def test_two_threads_never_take_the_same_idle_connection(
    serve: Serve, clock: Clock, monkeypatch: Patch
) -> None:
    server = serve()
    client = server.client()
    revoke(client)
    together = threading.Barrier(2)
    arrived: set[int] = set()

    def wait_for_the_other_thread() -> float:
        """When one looks at the idle connection, the other one looks at it, too, or has its own."""
        if threading.get_ident() not in arrived:
            arrived.add(threading.get_ident())
            together.wait(10)
        return clock.wall

    def create_one(number: int) -> None:
        token = client.create(f"user_{number}", actor="user_2")
        assert token.user_id == f"user_{number}"

    monkeypatch.setattr(time, "time", wait_for_the_other_thread)
    in_threads(2, create_one)

    assert len(arrived) == 2
    assert server.connections == 2
    assert len(server.requests) == 3


def test_threads_share_a_client_and_each_gets_its_own_response(serve: Serve) -> None:
    turns = itertools.count()

    def hang_up_now_and_then(peer: Peer) -> None:
        for turn in turns:
            request = peer.read_request()
            if not request or turn % 17 == 11:
                return
            peer.send(http_response({**TOKEN, "user_id": user_of(request)}))
            if turn % 13 == 5:
                return

    def work(number: int) -> None:
        for call in range(40):
            user_id = f"user_{number}x{call}"
            try:
                assert client.create(user_id, actor="user_2").user_id == user_id
            except NoResponseError as error:
                if not error.outcome_unknown:
                    raise

    server = serve(hang_up_now_and_then)
    client = server.client()

    in_threads(8, work)

    users = [user_of(request) for request in server.requests]
    assert len(users) == len(set(users)), "a create was sent twice"
    assert len(users) > 300
    assert server.connections < len(users) / 2, "connections were not shared"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_does_not_share_a_connection(serve: Serve) -> None:
    server = serve()
    program = f"""
import os, sys
from clerk_actor_tokens import ActorTokens
with ActorTokens({KEY!r}, server_url="http://127.0.0.1:{server.port}/v1") as clerk:
    clerk.create("user_before", actor="user_2")
    child = os.fork()
    for call in range(20):
        user = f"user_{{'parent' if child else 'child'}}{{call}}"
        assert clerk.create(user, actor="user_2").user_id == user
    if child:
        sys.exit(os.waitpid(child, 0)[1] != 0)
"""

    done = run_python("-c", program)

    assert done.stderr == ""
    assert done.returncode == 0
    assert server.connections == 2
    assert len(server.requests) == 41


# ---- The wire: signals, and what they raise


class TimeLimit(Exception):
    """What a task queue's time limit raises, such as Celery's SoftTimeLimitExceeded."""


LIMITS = pytest.mark.parametrize("limit", [TimeLimit, TimeoutError])


@rows(
    "owner, function, calls_before",
    {
        "looking up": (socket, "getaddrinfo", 0),
        "connecting": (socket.socket, "connect", 0),
        "shaking hands": (ssl.SSLContext, "wrap_socket", 0),
        "sending": (socket.socket, "sendall", 0),
        "receiving": (socket.socket, "recv_into", 0),
        "looking at an idle connection": (socket.socket, "recv_into", 1),
    },
)
@LIMITS
def test_a_time_limit_of_the_programs_reaches_the_caller_as_it_is(
    serve: Serve,
    clock: Clock,
    monkeypatch: Patch,
    owner: Any,
    function: str,
    calls_before: int,
    limit: type[Exception],
) -> None:
    server = serve(https=function == "wrap_socket")
    client = server.client()
    original = getattr(owner, function)
    lead_localhost_to(monkeypatch, server.port, server.port)
    reached: list[str] = []
    for _ in range(calls_before):
        revoke(client)

    def interrupt(*args: Any, **options: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            reached.append(function)
            if function == "connect":
                args[0].close()  # socket.create_connection would leave it open
            raise limit("enough")
        return original(*args, **options)

    monkeypatch.setattr(owner, function, interrupt)
    with pytest.raises(limit, match=r"^enough$") as caught:
        revoke(client)

    assert reached == [function], "it went on after the time limit"
    assert_no_secret_shows(caught.value)


@pytest.fixture
def alarm() -> Iterator[Callable[[type[BaseException]], Script]]:
    """Make a script that lets the alarm raise this, once the client has sent something."""

    def make(limit: type[BaseException]) -> Script:
        def ring(*_: object) -> None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise limit("enough")

        def script(peer: Peer) -> None:
            peer.sock.recv(1)
            # Again and again: a signal just before a system call does not interrupt it.
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.05)
            peer.wait_for_hang_up()

        signal.signal(signal.SIGALRM, ring)
        return script

    before = signal.getsignal(signal.SIGALRM)
    yield make
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


Alarm = Callable[[type[BaseException]], Script]


@SIGNALS
@pytest.mark.parametrize("limit", [TimeLimit, TimeoutError, KeyboardInterrupt])
@CREATE_AND_REVOKE
def test_what_a_signal_raises_ends_the_call_and_its_connection(
    serve: Serve, alarm: Alarm, limit: type[Exception], call: Call
) -> None:
    server = serve(alarm(limit))

    with pytest.raises(limit, match=r"^enough$") as caught:
        call(server.client())

    assert server.hung_up.wait(10), "the connection stays open"
    assert server.connections == 1, "it was sent again"
    assert_no_secret_shows(caught.value)


@SIGNALS
@LIMITS
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # ssl leaves the socket to the collector
def test_a_signals_time_limit_ends_a_tls_handshake(
    serve: Serve, alarm: Alarm, limit: type[Exception]
) -> None:
    server = serve(alarm(limit))
    client = server.client(server_url=f"https://localhost:{server.port}/v1")

    with suppress(limit):
        create(client)
        pytest.fail("the time limit was lost")

    gc.collect()
    assert server.connections == 1


@SIGNALS
@LIMITS
def test_a_signals_time_limit_ends_the_wait_for_a_proxy(
    serve: Serve, alarm: Alarm, limit: type[Exception], monkeypatch: Patch
) -> None:
    proxy = serve(alarm(limit))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@127.0.0.1:{proxy.port}")

    with pytest.raises(limit, match=r"^enough$") as caught:
        create(proxy.client(server_url="https://localhost:9/v1"))

    assert proxy.hung_up.wait(10), "the connection stays open"
    assert_no_secret_shows(caught.value)


def test_a_time_limit_in_a_pause_shows_no_secret(serve: Serve, monkeypatch: Patch) -> None:
    client = serve(respond({}, 429, Echo=KEY)).client()

    def interrupt(seconds: float) -> None:
        raise TimeLimit

    monkeypatch.setattr(time, "sleep", interrupt)
    with pytest.raises(TimeLimit) as caught:
        create(client)

    assert_no_secret_shows(caught.value)


# ---- The wire: hostile responses


PAGE = f"\r\n\r\n<p>{KEY}</p>".encode()  # a gateway's, which sends the key back
MULTIPART = OK + b"Content-Type: multipart/x; boundary"  # the email package fails at some
NEGATIVE = 1 if sys.version_info >= (3, 10) else 3  # Python 3.9 reads on until the end
NONE = NoResponseError
NO_TOKEN = ResponseValidationError


@pytest.mark.parametrize(
    ("sent", "kind", "unknown", "revokes"),
    [
        # No HTTP
        pytest.param(b"", NONE, True, 1, id="an empty line"),
        pytest.param(JSON, NONE, True, 1, id="a token alone"),
        pytest.param(b"\x00" * 100, NONE, True, 1, id="null bytes"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6", NONE, True, 1, id="SSH"),
        pytest.param(b"ICY 200 OK", NONE, True, 1, id="ICY"),
        pytest.param(b"HTTP/2.0 200 OK", NONE, True, 1, id="HTTP 2.0"),
        pytest.param(b"HTTP/9.9 200 OK", NONE, True, 1, id="HTTP 9.9"),
        # Statuses
        pytest.param(b"HTTP/1.1", NONE, True, 1, id="no status"),
        pytest.param(b"HTTP/1.1 Bearer " + KEY.encode(), NONE, True, 1, id="the key as status"),
        pytest.param(b"HTTP/1.1 abc OK", NONE, True, 1, id="a word as the status"),
        pytest.param(b"HTTP/1.1 99 Low", NONE, True, 1, id="99"),
        pytest.param(b"HTTP/1.1 -200 OK", NONE, True, 1, id="-200"),
        pytest.param(b"HTTP/1.1 1000 High", NONE, True, 1, id="1000"),
        pytest.param(b"HTTP/1.1 101 Switching", NONE, True, 1, id="101"),
        pytest.param(b"HTTP/1.1 103 Hints\r\n\r\n" + http_response(), NONE, True, 1, id="103"),
        pytest.param(b"HTTP/1.1 199 Odd", NONE, True, 1, id="199"),
        pytest.param(b"HTTP/1.1 204 No Content", NO_TOKEN, True, 1, id="204"),
        pytest.param(b"HTTP/1.1 206 Partial", NO_TOKEN, True, 1, id="206"),
        pytest.param(b"HTTP/1.1 304 Not Modified", SDKError, False, 1, id="304"),
        pytest.param(b"HTTP/1.1 407 Proxy", SDKError, False, 1, id="407"),
        pytest.param(b"HTTP/1.1 511 Captive", SDKError, True, 3, id="511"),
        pytest.param(b"HTTP/1.1 999 Beyond", SDKError, True, 3, id="999"),
        # Heads
        pytest.param(OK[:-2] + b"x" * 70_000, NONE, True, 1, id="a long reason"),
        pytest.param(OK + b"X" * 70_000 + b": 1", NONE, True, 1, id="a long header"),
        pytest.param(OK + b"X: 1\r\n" * 200, NONE, True, 1, id="200 headers"),
        pytest.param(OK + b"no colon", NO_TOKEN, True, 1, id="a header without a colon"),
        pytest.param(OK + b" folded", NO_TOKEN, True, 1, id="a folded header"),
        pytest.param(OK + b"X: " + KEY.encode(), NO_TOKEN, True, 1, id="the key in a header"),
        pytest.param(OK + b"X: \xff\xfe\x00", NO_TOKEN, True, 1, id="odd bytes in a header"),
        pytest.param(MULTIPART + b"*;boundary*0=a", NONE, True, 1, id="two boundaries"),
        pytest.param(MULTIPART + b"*=\x00''b", NONE, True, 1, id="a null byte in a boundary"),
        # Lengths
        pytest.param(OK + b"Content-Length: abc", NO_TOKEN, True, 1, id="length abc"),
        pytest.param(OK + b"Content-Length: -5", NO_TOKEN, True, 1, id="length -5"),
        pytest.param(OK + b"Content-Length: 0", NO_TOKEN, True, 1, id="length 0"),
        pytest.param(OK + b"Content-Length: 3", NO_TOKEN, True, 1, id="a short length"),
        pytest.param(OK + b"Transfer-Encoding: gzip", NO_TOKEN, True, 1, id="gzip transfer"),
        # Sizes of chunks
        pytest.param(CHUNKED + b"0", NO_TOKEN, True, 1, id="no chunks"),
        pytest.param(CHUNKED + b"x", NONE, True, 1, id="size x"),
        pytest.param(CHUNKED, NONE, True, 1, id="no size"),
        pytest.param(CHUNKED + b"-5\r\n{}\r\n0", NONE, True, NEGATIVE, id="size -5"),
        pytest.param(CHUNKED + b"-" + b"9" * 20, NONE, True, NEGATIVE, id="size -9..."),
        pytest.param(CHUNKED + b"9" * 5000, NONE, True, 3, id="5,000 digits"),
        pytest.param(CHUNKED + b"1" * 70_000, NONE, True, 1, id="70,000 digits"),
        pytest.param(CHUNKED + KEY.encode(), NONE, True, 1, id="the key as the size"),
        pytest.param(CHUNKED + b"2\r\n{}\r\n" + LINK.encode(), NONE, True, 1, id="a link as size"),
    ],
)
@CREATE_AND_REVOKE
def test_what_a_hostile_response_ends_in(
    serve: Serve,
    clock: Clock,
    call: Call,
    sent: bytes,
    kind: type[ClerkBaseError],
    unknown: bool,
    revokes: int,
) -> None:
    server = serve(answer(sent + PAGE))

    with fails(kind, unknown=unknown):
        call(server.client())

    assert len(server.requests) == (revokes if call is revoke else 1)


@pytest.mark.parametrize(
    ("flood", "reason"),
    [
        pytest.param(trickle(OK + b"\r\n", b" " * 65536, 0), "1 MiB", id="no length"),
        pytest.param(trickle(CHUNKED + b"FFFFFFF\r\n", b" " * 65536, 0), "1 MiB", id="one chunk"),
        pytest.param(
            trickle(CHUNKED + b"F" * 14 + b"\r\n", b" " * 65536, 0), "1 MiB", id="an absurd chunk"
        ),
        pytest.param(
            trickle(CHUNKED, b"FFFF\r\n" + b" " * 65535 + b"\r\n", 0), "1 MiB", id="chunks"
        ),
        # Newer versions of Python have limits of their own for the other two.
        pytest.param(
            trickle(CHUNKED + b"0\r\n", b"X: 1\r\n" * 1000, 0), "1 MiB|trailers", id="trailers"
        ),
        pytest.param(trickle(b"", CONTINUE * 1000, 0), "16 KiB|interim", id="100 Continue"),
    ],
)
@PLAIN_AND_TLS
def test_a_response_that_does_not_end_is_refused_at_once(
    serve: Serve, flood: Script, reason: str, https: bool
) -> None:
    server = serve(flood, https=https)

    with fails(NoResponseError, unknown=True) as caught:
        revoke(server.client())

    assert re.search(f"too large: .*({reason})|more than [0-9]+ .*({reason})", str(caught.value))
    assert len(server.requests) == 1


def head_of(size: int) -> bytes:
    """A response of so many bytes that is but a head."""
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX: "
    return head + b"x" * (size - len(head) - 4) + b"\r\n\r\n"


@PLAIN_AND_TLS
def test_a_head_may_have_16_kib_and_not_more(serve: Serve, https: bool) -> None:
    client = serve(answer(head_of(16_384), head_of(16_385)), https=https).client()

    with fails(SDKError, unknown=False):
        create(client)
    with fails(NoResponseError, unknown=True) as caught:
        create(client)

    assert "it is too large: a head of over 16 KiB, or over 1 MiB in all" in str(caught.value)


@pytest.mark.parametrize("length", ["Content-Length: 1048000\r\n", ""], ids=["given", "not given"])
@PLAIN_AND_TLS
def test_a_response_may_have_1_mib_and_not_more(serve: Serve, length: str, https: bool) -> None:
    def respond_with(size: int) -> Script:
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\n{length}X: \r\n\r\n".encode()
        head = head.replace(b"X: ", b"X: ".ljust(size - 1_048_000 - len(head) + 3, b"x"))
        return answer(head + JSON.ljust(1_048_000))

    client = serve(respond_with(1_048_576), respond_with(1_048_577), https=https).client()

    token = create(client)
    with fails(NoResponseError, unknown=True) as caught:
        create(client)

    assert token == ActorToken(**TOKEN)
    assert "it is too large" in str(caught.value)


def test_a_large_head_in_two_pieces_before_a_large_body_is_read(serve: Serve) -> None:
    def respond_in_two_pieces(peer: Peer) -> None:
        response = http_response(JSON.ljust(100_000), X="x" * 12_000)
        peer.read_request()
        peer.send(response[:900])
        peer.server.stopped.wait(0.05)
        peer.send(response[900:])

    token = create(serve(respond_in_two_pieces).client())

    assert token == ActorToken(**TOKEN)


# ---- The wire: TLS


@rows(
    "issuer, host, days, words",
    {
        "expired": (CA, "localhost", -1, "certificate has expired"),
        "of another host": (CA, "x.example", 1, "Hostname mismatch"),
        "of an unknown authority": (trustme.CA(), "localhost", 1, "local issuer"),
    },
)
@CREATE_AND_REVOKE
def test_an_invalid_certificate_ends_the_call_before_anything_is_sent(
    serve: Serve, clock: Clock, call: Call, issuer: trustme.CA, host: str, days: int, words: str
) -> None:
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    server = serve(https=server_context(issuer.issue_cert(host, not_after=end)))

    with fails(NoResponseError, unknown=False) as caught:
        call(server.client())

    assert words in str(caught.value)
    assert server.connections == 1
    assert server.requests == []


def test_by_default_an_authority_is_trusted_if_ssl_cert_file_names_it(
    serve: Serve, monkeypatch: Patch
) -> None:
    server = serve(https=True)

    with fails(NoResponseError, unknown=False):
        revoke(server.client(ssl_context=None))
    with CA.cert_pem.tempfile() as path:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        token = revoke(server.client(ssl_context=None))

    assert token == ActorToken(**TOKEN)


def test_tls_that_cannot_be_set_up_is_an_os_error_of_the_constructors(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "no" / "file"))

    with pytest.raises(OSError, match="No such file") as caught:
        ActorTokens(KEY)

    assert_no_secret_shows(caught.value)


def test_the_default_tls_settings_are_made_once(serve: Serve, monkeypatch: Patch) -> None:
    made: list[ssl.SSLContext] = []

    def make() -> ssl.SSLContext:
        made.append(TRUST)
        return TRUST

    monkeypatch.setattr(ssl, "create_default_context", make)
    server = serve(respond(Connection="close"), https=True)
    client = server.client(ssl_context=None)

    for _ in range(3):
        revoke(client)

    assert server.connections == 3
    assert len(made) == 1


def test_nothing_is_sent_to_a_port_without_tls(serve: Serve, clock: Clock) -> None:
    received: list[bytes] = []

    def complain(peer: Peer) -> None:
        received.append(peer.sock.recv(65536))
        peer.send(http_response({}, 400, Connection="close"))

    server = serve(complain)
    client = server.client(server_url=f"https://localhost:{server.port}/v1")

    with fails(NoResponseError, unknown=False):
        create(client)

    assert len(received) == 3
    assert KEY.encode() not in b"".join(received)


class NeedsTheHandshake(ssl.SSLContext):
    """As truststore up to 0.10.4: it verifies as soon as `wrap_socket` returns."""

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        sock = super().wrap_socket(*args, **options)
        assert sock.getpeercert(), "the handshake is not done"
        return sock


def test_the_tls_handshake_is_done_in_one_step(serve: Serve) -> None:
    context = NeedsTheHandshake(ssl.PROTOCOL_TLS_CLIENT)
    CA.configure_trust(context)

    token = create(serve(https=True).client(ssl_context=context))

    assert token == ActorToken(**TOKEN)


# ---- The wire: proxies


def tunnel(to: Server) -> Script:
    """Be a proxy that leads to this server."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def script(peer: Peer) -> None:
        peer.read_request()
        with socket.create_connection(("127.0.0.1", to.port)) as onward:
            peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = [(peer.sock, onward), (onward, peer.sock)]
            in_threads(2, lambda number: pump(*ends[number]))

    return script


Proxied = Callable[..., "tuple[ActorTokens, Server]"]


@pytest.fixture
def proxied(serve: Serve, monkeypatch: Patch) -> Proxied:
    """Start a proxy that plays this script. Returns a client that uses it, and the proxy."""

    def start(
        script: Script, url: str = "https://localhost:9/v1", **options: Any
    ) -> tuple[ActorTokens, Server]:
        proxy = serve(script)
        monkeypatch.setenv("HTTPS_PROXY", f"http://{LOGIN}@127.0.0.1:{proxy.port}")
        return proxy.client(server_url=url, **options), proxy

    return start


def test_https_goes_through_the_proxy_which_sees_no_key(serve: Serve, proxied: Proxied) -> None:
    # A certificate that would not do for the proxy's own name.
    server = serve(https=server_context(CA.issue_cert("localhost")))
    client, proxy = proxied(tunnel(server), f"{server.origin}/v1")

    tokens = [create(client), create(client)]

    assert tokens == [ActorToken(**TOKEN)] * 2
    assert len(proxy.requests) == 1, "the tunnel was not used again"
    assert KEY.encode() not in proxy.requests[0]
    assert len(server.requests) == 2
    assert b"roxy-" not in b"".join(server.requests), "the proxy's login went on"


def test_a_tracers_bug_shows_no_login_of_a_proxy(proxied: Proxied, monkeypatch: Patch) -> None:
    def fail(connection: object) -> None:
        raise ZeroDivisionError

    client, _ = proxied(hang_up)
    trace(monkeypatch, "send", fail)

    with pytest.raises(ZeroDivisionError) as caught:
        create(client)

    assert_no_secret_shows(caught.value)


@rows(
    "place, target",
    {
        "443 by default": ("localhost", "localhost:443"),
        "443 as given": ("localhost:443", "localhost:443"),
        "another port": ("localhost:8443", "localhost:8443"),
        "IPv6": ("[::1]", "[::1]:443"),
        "IPv6 and a port": ("[::1]:8443", "[::1]:8443"),
    },
)
def test_these_bytes_and_no_others_ask_the_proxy_for_a_tunnel(
    serve: Serve, monkeypatch: Patch, place: str, target: str
) -> None:
    proxy = serve(respond({}, 403))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

    with fails(NoResponseError, unknown=False):
        create(proxy.client(server_url=f"https://{place}/v1"))

    line, *headers = proxy.requests[0].decode().strip().split("\r\n")
    assert line == f"CONNECT {target} HTTP/1.1"
    assert sorted(headers) == ["Accept-Encoding: identity", f"Host: {target}"]
    assert proxy.hung_up.wait(10), "the connection stays open"


@rows(
    "login, sent",
    {
        "user and password": ("user:word", b"user:word"),
        "percent-encoded": ("us%40er:pass%3Aw%2Frd", b"us@er:pass:w/rd"),
        "no password": ("user", b"user:"),
        "an empty password": ("user:", b"user:"),
        "no user": (":word", b":word"),
        "a colon in the password": ("user:a:b", b"user:a:b"),
        "not ASCII, encoded": ("%C3%A4:%FF", b"\xc3\xa4:\xff"),
    },
)
def test_the_proxy_gets_the_login(
    serve: Serve, monkeypatch: Patch, login: str, sent: bytes
) -> None:
    proxy = serve(respond({}, 403))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{login}@127.0.0.1:{proxy.port}")

    with fails(NoResponseError, unknown=False):
        create(proxy.client(server_url="https://localhost/v1"))

    expected = b"\r\nProxy-Authorization: Basic " + base64.b64encode(sent) + b"\r\n"
    assert expected in proxy.requests[0]


@rows(
    "setting",
    {
        "a slash after it": "http://127.0.0.1:{port}/",
        "a line end after it": "http://127.0.0.1:{port}\n",
        "blanks around it": " http://127.0.0.1:{port} ",
        "without http://": "127.0.0.1:{port}",
        "a login, without http://": "user:word@127.0.0.1:{port}",
        "in capitals": "HTTP://127.0.0.1:{port}",
    },
)
def test_the_proxy_setting_may_be_written_so(
    serve: Serve, monkeypatch: Patch, setting: str
) -> None:
    proxy = serve(respond({}, 403))
    monkeypatch.setenv("HTTPS_PROXY", setting.format(port=proxy.port))

    with fails(NoResponseError, unknown=False):
        create(proxy.client(server_url="https://localhost/v1"))

    assert len(proxy.requests) == 1


def test_the_proxy_is_found_when_the_client_is_made(
    serve: Serve, monkeypatch: Patch, refusing_port: int
) -> None:
    client = serve(https=True).client()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{refusing_port}")

    token = create(client)

    assert token == ActorToken(**TOKEN)


@pytest.mark.parametrize("hosts", ["localhost", "x.example, localhost", "*", "localhost:{port}"])
def test_no_proxy_is_honoured(
    serve: Serve, monkeypatch: Patch, refusing_port: int, hosts: str
) -> None:
    server = serve(https=True)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{refusing_port}")
    monkeypatch.setenv("NO_PROXY", hosts.format(port=server.port))

    token = create(server.client())

    assert token == ActorToken(**TOKEN)


def test_the_systems_proxy_settings_count_as_well(serve: Serve, refusing_port: int) -> None:
    proxy = serve(respond({}, 403))
    program = f"""
import urllib.request
urllib.request.getproxies = lambda: {{"https": "http://127.0.0.1:{proxy.port}"}}
urllib.request.proxy_bypass = lambda place: place == "127.0.0.1:{refusing_port}"
from clerk_actor_tokens import *
for host in ("localhost", "127.0.0.1"):
    clerk = ActorTokens({KEY!r}, server_url=f"https://{{host}}:{refusing_port}", max_retries=0)
    try:
        clerk.revoke("act_1")
    except NoResponseError as error:
        print(error)
"""

    done = run_python("-c", program)

    assert done.stderr == ""
    through_the_proxy, around_it = done.stdout.splitlines()
    assert "the proxy responded 403" in through_the_proxy
    assert "proxy" not in around_it
    assert len(proxy.requests) == 1


def test_http_to_this_machine_goes_through_no_proxy(serve: Serve, monkeypatch: Patch) -> None:
    server = serve()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "socks5://proxy.example:1")  # not even a valid one

    token = create(server.client())

    assert token == ActorToken(**TOKEN)


@rows(
    "refusal, requests, reason",
    {
        "101": (respond({}, 101), 1, "the proxy responded 101"),
        "199": (respond({}, 199), 1, "the proxy responded 199"),
        "302": (respond({}, 302), 1, "the proxy responded 302"),
        "403": (respond({}, 403), 1, "the proxy responded 403"),
        "407": (respond({}, 407), 1, "407. Check the proxy's login and rules. Clerk"),
        "429": (respond({}, 429), 1, "the proxy responded 429"),
        "500": (respond({}, 500), 3, "the proxy responded 500. Clerk did"),
        "503": (respond({}, 503), 3, "the proxy responded 503. Clerk did"),
        "a hang-up": (hang_up, 3, "the connection ended before the response did"),
        "without end": (trickle(b"", CONTINUE * 1000, 0), 1, "the proxy's response is invalid"),
        "the login": (
            send(f"HTTP/1.1 {SECRETS[-1]}\r\n\r\n".encode()),
            1,
            "the proxy's response is invalid",
        ),
    },
)
@CREATE_AND_REVOKE
def test_a_proxys_refusal_is_explained_and_retried_if_it_may_pass(
    proxied: Proxied, clock: Clock, call: Call, refusal: Script, requests: int, reason: str
) -> None:
    client, proxy = proxied(refusal)

    with fails(NoResponseError, unknown=False) as caught:
        call(client)

    assert f"localhost:9 through the proxy 127.0.0.1:{proxy.port} got no" in str(caught.value)
    assert reason in str(caught.value)
    assert len(proxy.requests) == requests


@pytest.mark.parametrize("status", [200, 201, 299])
def test_any_success_of_the_proxy_opens_the_tunnel(proxied: Proxied, status: int) -> None:
    hello: list[bytes] = []

    def open_the_tunnel(peer: Peer) -> None:
        peer.read_request()
        peer.send(f"HTTP/1.1 {status} OK\r\n\r\n".encode())
        hello.append(peer.sock.recv(1))

    client, _ = proxied(open_the_tunnel, max_retries=0)

    with fails(NoResponseError, unknown=False):
        create(client)

    assert hello == [b"\x16"], "no TLS handshake was begun"


@rows(
    "stall",
    {
        "silence": stay_silent,
        "headers": trickle(OK, b"X: 1\r\n"),
        "the status line": trickle(b"", b"x"),
    },
)
def test_a_proxy_that_trickles_does_not_outlast_the_timeout(
    proxied: Proxied, stall: Script
) -> None:
    client, _ = proxied(stall)

    with times_out_after(0.2, unknown=False):
        create(client, timeout=0.2)


@rows(
    "setting",
    {
        "a blank in it": "a hunter2",
        "no host": "http://",
        "a port alone": "http://:8080",
        "a login alone": f"//{LOGIN}@",
        "a port that is no number": f"http://{LOGIN}@127.0.0.1:port",
        "a login without a host": f"http://{LOGIN}",
        "a slash in the password": "http://user:a@b:hunter2/x@proxy:1",
        "a hash sign in the password": f"http://{LOGIN}#x@proxy:1",
        "a question mark in the password": f"http://{LOGIN}?x@proxy:1",
        "a bracket in the password": "http://user:[hunter2@proxy:1",
        "a closing bracket in the password": f"http://{LOGIN}]@proxy:1",
        "a backslash in the password": "http://user:hunter2\\@proxy:1",
        "a wide hash sign in the password": f"http://{LOGIN}\uff03@proxy:1",
        "a password that is not ASCII": f"http://{LOGIN}\u00e9@proxy:1",
        "a raw byte in the password": f"http://{LOGIN}\udcff@proxy:1",
        "port 0": f"http://{LOGIN}@127.0.0.1:0",
        "port 65536": f"http://{LOGIN}@127.0.0.1:65536",
        "no closing bracket": "http://[::1",
        "https": f"https://{LOGIN}@proxy:1",
        "socks5": f"socks5://{LOGIN}@proxy:1",
    },
)
def test_a_proxy_setting_that_is_no_http_proxy_is_refused(monkeypatch: Patch, setting: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", setting)

    with pytest.raises(ValueError, match=r"HTTPS_PROXY.*percent-encoded.*65535") as caught:
        ActorTokens(KEY, ssl_context=TRUST)

    assert_no_secret_shows(caught.value)


@pytest.fixture
def sandbox() -> Sandbox:
    """Clerk in memory."""
    return Sandbox()


@pytest.fixture
def sandboxed(sandbox: Sandbox) -> ActorTokens:
    """A client of the sandbox."""
    return ActorTokens("sk_test_anything", opener=sandbox)


def test_the_sandbox_creates_tokens_that_look_like_clerks(
    sandboxed: ActorTokens, clock: Clock
) -> None:
    actor = {"sub": "user_2", "more": [1]}

    token = sandboxed.create("user_1", actor=actor)

    assert re.fullmatch("act_[A-Za-z0-9]{27}", token.id)
    assert token.object == "actor_token"
    assert token.status == "pending"
    assert token.user_id == "user_1"
    assert token.actor == actor
    assert token.created_at == token.updated_at == int(clock.wall * 1000)
    assert re.fullmatch(r"eyJ[\w-]*\.[\w-]+\.[\w-]+", token.token or "")
    assert token.url == f"https://sandbox.clerk.accounts.dev/v1/tickets/accept?ticket={token.token}"


def test_the_sandbox_keeps_each_token_by_its_id_without_its_secrets(
    sandbox: Sandbox, sandboxed: ActorTokens
) -> None:
    one, other = create(sandboxed), create(sandboxed)

    assert one.token != other.token
    assert sandbox.tokens == {
        one.id: dataclasses.replace(one, token=None, url=None),
        other.id: dataclasses.replace(other, token=None, url=None),
    }


def test_the_sandbox_revokes_a_pending_token(
    sandbox: Sandbox, sandboxed: ActorTokens, clock: Clock
) -> None:
    token = create(sandboxed)
    clock.advance(60)

    revoked = sandboxed.revoke(token)

    expected = dataclasses.replace(
        token, status="revoked", updated_at=token.created_at + 60_000, token=None, url=None
    )
    assert revoked == expected
    assert sandbox.tokens == {token.id: expected}


@pytest.mark.parametrize("by_id", [False, True], ids=["token", "ID"])
def test_accept_plays_the_person_who_opens_the_link(
    sandbox: Sandbox, sandboxed: ActorTokens, clock: Clock, by_id: bool
) -> None:
    token = create(sandboxed)
    clock.advance(60)

    sandbox.accept(token.id if by_id else token)

    accepted = sandbox.tokens[token.id]
    assert accepted.status == "accepted"
    assert accepted.updated_at == token.created_at + 60_000


@pytest.mark.parametrize("status", ["revoked", "accepted"])
def test_the_sandbox_revokes_only_pending_tokens(
    sandbox: Sandbox, sandboxed: ActorTokens, status: str
) -> None:
    token = create(sandboxed)
    if status == "revoked":
        sandboxed.revoke(token)
    else:
        sandbox.accept(token)

    with fails(ClerkErrors, unknown=False) as caught:
        sandboxed.revoke(token)

    assert caught.value.status_code == 400
    assert caught.value.errors[0].code == "actor_token_cannot_be_revoked_code"
    assert f"because its status is {status}." in caught.value.errors[0].long_message
    assert sandbox.tokens[token.id].status == status


def test_the_sandbox_does_not_know_other_tokens(sandboxed: ActorTokens) -> None:
    with fails(ClerkErrors, unknown=False) as caught:
        sandboxed.revoke("act_of_another_instance")

    assert caught.value.status_code == 404
    assert caught.value.errors[0].code == "resource_not_found"
    assert re.fullmatch("[0-9a-f]{32}", caught.value.clerk_trace_id or "")


def test_accept_takes_only_pending_tokens(sandbox: Sandbox, sandboxed: ActorTokens) -> None:
    token = create(sandboxed)
    sandboxed.revoke(token)

    with pytest.raises(ValueError, match="token_id must be the ID of a pending token"):
        sandbox.accept(token)
    with pytest.raises(ValueError, match="token_id must"):
        sandbox.accept("act_of_another_instance")

    assert sandbox.tokens[token.id].status == "revoked"


def test_fail_next_fails_the_next_calls_one_by_one(
    sandbox: Sandbox, sandboxed: ActorTokens
) -> None:
    sandbox.fail_next(429, code="slow", message="Slow down", headers={"Retry-After": "3"})
    sandbox.fail_next(503)

    with fails(ClerkErrors, unknown=False) as first:
        create(sandboxed)
    with fails(ClerkErrors, unknown=True) as second:
        create(sandboxed)
    third = create(sandboxed)

    assert first.value.status_code == 429
    assert first.value.retry_after == 3.0
    assert first.value.errors[0].code == "slow"
    assert first.value.errors[0].message == "Slow down"
    assert second.value.status_code == 503
    assert second.value.errors[0].code == "sandbox_failure"
    assert list(sandbox.tokens) == [third.id]


@rows(
    "failure, acted, kind, unknown",
    {
        "400": (400, False, ClerkErrors, False),
        "599": (599, False, ClerkErrors, True),
        "timeout": (TimeoutError(), False, RequestTimeoutError, True),
        "refused": (ConnectionRefusedError(), False, NoResponseError, False),
        "500, acted": (500, True, ClerkErrors, True),
        "599, acted": (599, True, ClerkErrors, True),
        "timeout, acted": (TimeoutError(), True, RequestTimeoutError, True),
        "reset, acted": (ConnectionResetError(), True, NoResponseError, True),
    },
)
def test_fail_next_carries_the_request_out_only_with_acted(
    sandbox: Sandbox,
    sandboxed: ActorTokens,
    failure: int | Exception,
    acted: bool,
    kind: type[ClerkBaseError],
    unknown: bool,
) -> None:
    token = create(sandboxed)
    sandbox.fail_next(failure, acted=acted)
    sandbox.fail_next(failure, acted=acted)

    with fails(kind, unknown=unknown):
        sandboxed.revoke(token)
    with fails(kind, unknown=unknown):
        create(sandboxed)

    statuses = [token.status for token in sandbox.tokens.values()]
    assert statuses == (["revoked", "pending"] if acted else ["pending"])


def test_fail_next_takes_no_other_failure(sandbox: Sandbox, sandboxed: ActorTokens) -> None:
    others: Any = (200, 399, 600, "500", None, 504.0, True, TimeoutError)
    for other in others:
        with pytest.raises(ValueError, match="failure must be a status from 400 to 599"):
            sandbox.fail_next(other)
    with pytest.raises(ValueError, match="failure must be a status from 500 to 599"):
        sandbox.fail_next(499, acted=True)

    assert create(sandboxed).status == "pending"


# ---- The command line


Run = Callable[..., "subprocess.CompletedProcess[str]"]
COMMAND = ("create", "user_1a2b3c", "--actor", "user_9z8y7x")
PIPES = pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: Patch) -> Run:
    """Run the command line in this process, as `clerk-actor-tokens` with these arguments."""
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/clerk-actor-tokens"])

    def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        lines = io.TextIOWrapper(io.BytesIO(stdin), "utf-8", newline="\n")  # as on Linux
        monkeypatch.setattr(sys, "stdin", lines)
        with pytest.raises(SystemExit) as end:
            clerk_actor_tokens.main(list(arguments))
        shown = capsys.readouterr()
        assert KEY not in shown.out + shown.err
        assert "Traceback" not in shown.err
        assert type(end.value.code) is int
        return subprocess.CompletedProcess(arguments, end.value.code, shown.out, shown.err)

    return run


@pytest.fixture
def no_reader() -> Iterator[int]:
    """A pipe that nobody reads any more, as of `| true`."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def revoke_by_name(peer: Peer) -> None:
    """Revoke as Clerk does. `act_refused` is not pending; for `act_lost`, hang up."""
    while request := peer.read_request():
        asked_for = request.split(b"/")[3].decode()
        if asked_for == "act_lost":
            return
        revoked = http_response({**TOKEN, "id": asked_for, "status": "revoked"})
        refused = http_response(CLERKS_ERRORS, 400)
        peer.send(refused if asked_for == "act_refused" else revoked)


# ---- The command line: demo


def test_demo_shows_three_requests_with_their_responses(run: Run) -> None:
    done = run("demo")

    intro, create, revoke, revoke_again = re.split(r"\n(?=[0-9]\. )", done.stdout)
    assert done.returncode == 0
    assert done.stderr == ""
    assert intro.startswith("This is a simulation: ")
    assert f"\n> POST {CREATE_URL}\n> Authorization: Bearer sk_test_***\n" in create
    assert '\n> {"user_id": "user_customer", "actor": {"sub": "user_engineer"' in create
    assert '\n< 200\n< {"object": "actor_token"' in create
    assert "https://sandbox.clerk.accounts.dev/" in create
    assert re.search(r"> POST \S+/act_\w+/revoke\n> Auth.*\n> \(no body\)\n< 200\n", revoke)
    assert '"status": "revoked"' in revoke
    assert "\n< 400\n" in revoke_again
    assert "ClerkErrors: " in revoke_again


def test_demo_needs_no_settings_and_leaves_no_files(tmp_path: Path, monkeypatch: Patch) -> None:
    shutil.copy(MODULE, tmp_path)
    monkeypatch.setenv("CLERK_API_URL", "nonsense")

    done = run_python("-ISW", "error", "-X", "dev", MODULE.name, "demo", cwd=tmp_path)

    assert done.stderr == ""
    assert done.returncode == 0
    assert os.listdir(tmp_path) == [MODULE.name]


# ---- The command line: create


def test_create_prints_the_link_and_on_standard_error_how_to_revoke_it(
    run: Run, server: Server
) -> None:
    done = run(*COMMAND, "--expires-in", "60", "--session-max-duration", "90")

    assert done.returncode == 0
    assert done.stdout == LINK + "\n"
    assert done.stderr == (
        "user_9z8y7x can sign in as user_1a2b3c, once, within 60 s, for 90 s at most.\n"
        f"To revoke it: clerk-actor-tokens revoke {TOKEN['id']}\n"
    )
    assert server.hung_up.wait(10), "the connection stays open"


def test_the_hint_to_revoke_names_a_file_as_it_was_run(
    run: Run, server: Server, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sys, "argv", ["tools/clerk.py"])

    done = run(*COMMAND)

    assert f"python3 tools/clerk.py revoke {TOKEN['id']}\n" in done.stderr


@rows(
    "options, actor, expires_in, lasts",
    {
        "by default": ("--actor user_2", {"sub": "user_2"}, 3600, 1800),
        "as given": (
            """--actor ' {"sub": "user_2", "x": 1}' --expires-in 60 --session-max-duration 90""",
            {"sub": "user_2", "x": 1},
            60,
            90,
        ),
    },
)
def test_create_sends_its_arguments(
    run: Run, server: Server, options: str, actor: Any, expires_in: int, lasts: int
) -> None:
    run("create", "user_1", *shlex.split(options))

    (request,) = server.requests
    assert json.loads(request.partition(b"\r\n\r\n")[2]) == {
        "user_id": "user_1",
        "actor": actor,
        "expires_in_seconds": expires_in,
        "session_max_duration_in_seconds": lasts,
    }


@pytest.mark.parametrize("url", [LINK, None], ids=["link", "no link"])
def test_create_prints_the_whole_token_as_json(run: Run, server: Server, url: Any) -> None:
    token = {**TOKEN, "url": url}
    server.scripts = (respond(token),)

    done = run(*COMMAND, "--json")

    assert done.returncode == 0
    assert done.stdout == json.dumps(token, indent=2) + "\n"
    assert SECRET not in done.stderr


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://x.example/", "https://x.example/\ud800", "", None]
)
def test_create_prints_a_link_only_if_it_is_one(run: Run, server: Server, url: Any) -> None:
    server.scripts = (respond({**TOKEN, "url": url}),)

    done = run(*COMMAND)

    assert done.returncode == 3
    assert done.stdout == ""
    assert f"revoke {TOKEN['id']}\n" in done.stderr


# ---- The command line: revoke


def test_revoke_goes_on_after_a_failure(run: Run, server: Server) -> None:
    server.scripts = (revoke_by_name,)

    done = run("revoke", "act_1", "act_refused", "act_3")

    assert done.returncode == 1
    assert done.stdout == "act_1 revoked\nact_3 revoked\n"
    assert re.fullmatch(r"ID number 2 \(act_refused\): .*\n", done.stderr), "one line"


@pytest.mark.parametrize("wrong", [SECRET, LINK, "act_2/x"], ids=["token", "link", "path"])
def test_revoke_goes_on_after_what_is_no_id_and_does_not_repeat_it(
    run: Run, server: Server, wrong: str
) -> None:
    server.scripts = (revoke_by_name,)

    done = run("revoke", "act_1", wrong, "act_3")

    assert done.returncode == 2
    assert done.stdout == "act_1 revoked\nact_3 revoked\n"
    assert re.fullmatch("ID number 2: actor_token_id must be an ID such as .*\n", done.stderr)
    assert wrong not in done.stderr


def test_revoke_takes_a_hyphen_beside_ids_for_an_id_and_refuses_it(
    run: Run, server: Server
) -> None:
    server.scripts = (revoke_by_name,)

    done = run("revoke", "act_1", "-", stdin=b"act_2\n")

    assert (done.returncode, done.stdout) == (2, "act_1 revoked\n")
    assert done.stderr.startswith("ID number 2: actor_token_id must be an ID such as ")


def test_revoke_does_not_repeat_a_key_after_act(run: Run) -> None:
    done = run("revoke", f"act_{KEY}")

    assert done.returncode == 2
    assert done.stderr.startswith("ID number 1 (act_***): ")


@pytest.mark.parametrize("token_id", ["xact_1", "act_", "user_1"])
def test_revoke_names_what_looks_like_no_id_by_its_place_alone(
    run: Run, server: Server, token_id: str
) -> None:
    server.scripts = (respond(CLERKS_ERRORS, 400),)

    done = run("revoke", token_id)

    assert done.stderr.startswith("ID number 1: ")


def test_revoke_reads_ids_from_standard_input(run: Run, server: Server) -> None:
    server.scripts = (revoke_by_name,)

    done = run("revoke", "-", stdin=b"\r\n act_1\t\r\n\n  \nact_2 \nact_3")

    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == "act_1 revoked\nact_2 revoked\nact_3 revoked\n"


def test_revoke_says_if_standard_input_has_no_id(run: Run) -> None:
    done = run("revoke", "-", stdin=b" \r\n\n")

    assert (done.returncode, done.stderr) == (2, "clerk-actor-tokens: standard input has no ID\n")


def test_revoke_says_if_there_is_no_standard_input_to_read(run: Run, monkeypatch: Patch) -> None:
    monkeypatch.setattr(io, "TextIOWrapper", lambda *_, **__: None)  # for `sys.stdin`

    done = run("revoke", "-")

    assert (done.returncode, done.stderr) == (2, "clerk-actor-tokens: standard input is closed\n")


def test_revoke_names_a_refused_line_by_its_number_in_the_file(run: Run, server: Server) -> None:
    server.scripts = (revoke_by_name,)

    done = run("revoke", "-", stdin=f"act_1\n\nact_refused\r\n{SECRET}\nact_5\n".encode())

    refused, invalid = done.stderr.splitlines()
    assert done.returncode == 2
    assert done.stdout == "act_1 revoked\nact_5 revoked\n"
    assert refused.startswith("line 3 (act_refused): ")
    assert invalid.startswith("line 4: ")
    assert SECRET not in invalid


def test_revoke_writes_each_line_before_the_next_call(server: Server, tmp_path: Path) -> None:
    written = tmp_path / "written.txt"
    seen: list[str] = []

    def revoke_and_look(peer: Peer) -> None:
        for token_id in ("act_1", "act_2"):
            peer.read_request()
            seen.append(written.read_text())
            peer.send(http_response({**TOKEN, "id": token_id}))

    server.scripts = (revoke_and_look,)

    with written.open("w") as file:
        run_python(str(MODULE), "revoke", "act_1", "act_2", stdout=file, capture_output=False)

    assert seen == ["", "act_1 pending\n"]


@PIPES
@pytest.mark.parametrize("both", [False, True], ids=["| true", "2>&1 | true"])
def test_a_closed_pipe_stops_no_revoke(server: Server, no_reader: int, both: bool) -> None:
    server.scripts = (revoke_by_name,)
    token_ids = ["act_1", "act_refused", "act_3"]
    streams = {"stdout": no_reader, "stderr": no_reader if both else subprocess.PIPE}

    done = run_python(str(MODULE), "revoke", *token_ids, capture_output=False, **streams)

    asked_for = [request.split(b"/")[3].decode() for request in server.requests]
    assert asked_for == token_ids
    assert done.returncode == 1
    if not both:
        first, refused, third = done.stderr.splitlines()
        assert (first, third) == ("act_1 revoked", "act_3 revoked")
        assert refused.startswith("ID number 2 (act_refused): ")


# ---- The command line: how it ends


@pytest.mark.parametrize("how", ["file", "-m", "zipapp"])
def test_a_program_has_a_real_exit_status(how: str, tmp_path: Path) -> None:
    archive = tmp_path / "clerk.pyz"
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(MODULE, source)
    zipapp.create_archive(source, archive, main="clerk_actor_tokens:main")
    ways = {"file": [str(MODULE)], "-m": ["-m", MODULE.stem], "zipapp": [str(archive)]}

    good = run_python(*ways[how], "--version")
    bad = run_python(*ways[how], *COMMAND)

    assert good.returncode == 0
    assert good.stdout == clerk_actor_tokens.__version__ + "\n"
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert "Traceback" not in bad.stderr


@rows(
    "script, status",
    {
        "Clerk refuses": (respond(CLERKS_ERRORS, 402), 1),
        "Clerk fails": (respond(CLERKS_ERRORS, 500), 3),
        "the response is lost": (hang_up, 3),
        "no token": (respond({}), 3),
        "another user's": (respond({**TOKEN, "user_id": "user_another"}), 3),
    },
)
def test_the_exit_status_of_create_says_if_clerk_may_have_acted(
    run: Run, server: Server, script: Script, status: int
) -> None:
    server.scripts = (script,)

    done = run(*COMMAND)

    assert done.returncode == status
    assert done.stdout == ""
    assert re.fullmatch("clerk-actor-tokens: .*\n", done.stderr), "one line"


def test_a_command_that_times_out_ends_in_status_3(run: Run, server: Server, clock: Clock) -> None:
    def answer_too_late(peer: Peer) -> None:
        peer.read_request()
        clock.advance(60)
        peer.send(b"HTTP/1.1 200 OK\r\n")
        peer.wait_for_hang_up()

    server.scripts = (answer_too_late,)

    done = run(*COMMAND)

    assert done.returncode == 3
    assert done.stdout == ""


@rows(
    "token_ids, status",
    {
        "revoked": ("act_1 act_2", 0),
        "refused": ("act_refused act_2", 1),
        "invalid": ("act.invalid act_refused act_3", 2),
        "lost": ("act_lost act.invalid act_refused act_4", 3),
    },
)
def test_of_several_revokes_the_highest_exit_status_counts(
    run: Run, server: Server, clock: Clock, token_ids: str, status: int
) -> None:
    server.scripts = (revoke_by_name,)

    done = run("revoke", *token_ids.split())

    assert done.returncode == status


@PIPES
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["link", "JSON"])
def test_a_created_link_that_nobody_can_read_ends_in_status_3(
    server: Server, no_reader: int, options: list[str]
) -> None:
    streams = {"stdout": no_reader, "stderr": subprocess.PIPE}

    done = run_python(str(MODULE), *COMMAND, *options, capture_output=False, **streams)

    assert done.returncode == 3
    assert f"revoke {TOKEN['id']}\n" in done.stderr
    assert done.stderr.endswith("\nThe link could not be written to standard output.\n")
    assert "Traceback" not in done.stderr


@PIPES
def test_a_link_is_printed_even_if_nobody_reads_how_to_revoke_it(
    server: Server, no_reader: int
) -> None:
    streams = {"stdout": subprocess.PIPE, "stderr": no_reader}

    done = run_python(str(MODULE), *COMMAND, capture_output=False, **streams)

    assert done.returncode == 0
    assert done.stdout == LINK + "\n"


@rows(
    "function, said",
    {
        "in a call": ("socket.getaddrinfo", " Clerk may have acted, if the request had been sent."),
        "before it": ("os.getenv", ""),
    },
)
def test_ctrl_c_ends_in_status_130(
    run: Run, server: Server, monkeypatch: Patch, function: str, said: str
) -> None:
    def press_ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(function, press_ctrl_c)

    done = run(*COMMAND)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"Interrupted.{said}\n")


def test_the_help_tells_the_environment_and_the_exit_statuses(run: Run) -> None:
    done = run("--help")

    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert done.stderr == ""
    assert "CLERK_SECRET_KEY, the secret key" in text
    assert "CLERK_API_URL, Clerk's address (default: https://api.clerk.com)" in text
    assert re.search("Exit status: 0; 1 if .*; 2 if .*; 3 if .*; 130 after Ctrl-C", text)


# ---- The command line: what is refused


NO_ACTOR = "--actor: must be an ID, or a JSON object that is valid and not empty"


@rows(
    "line, named",
    {
        "nothing": ("", "command"),
        "no command": ("nonsense", "nonsense"),
        "no actor": ("create user_1", "--actor"),
        "an empty user": ("create '' --actor user_2", "user_id"),
        "an empty actor": ("create user_1 --actor ''", "actor"),
        "no sub": ("""create user_1 --actor '{"a": 1}'""", "sub"),
        "NaN": ("""create u --actor '{"sub": "u", "x": NaN}'""", "actor"),
        "no JSON": ("create u --actor {", NO_ACTOR),
        "a list": ("create u --actor ' [1]'", NO_ACTOR),
        "an empty object": ("create u --actor {}", NO_ACTOR),
        "a quote": ("""create u --actor '"'""", NO_ACTOR),
        "deep JSON": ("create u --actor " + "[" * 100_000, NO_ACTOR),
        "no such option": ("create u --actor a --open", "--open"),
        "no ID": ("revoke", "ID"),
    },
)
def test_invalid_arguments_end_in_status_2(run: Run, server: Server, line: str, named: str) -> None:
    done = run(*shlex.split(line))

    assert done.returncode == 2
    assert done.stdout == ""
    assert named in done.stderr.splitlines()[-1]
    assert len(done.stderr) < 1000, "too long to read"
    assert server.requests == []


@pytest.mark.parametrize("option", ["--expires-in", "--session-max-duration"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "x", "", "9" * 30])
def test_an_invalid_number_of_seconds_is_named_by_its_option(
    run: Run, server: Server, option: str, value: str
) -> None:
    done = run(*COMMAND, option, value)

    assert done.returncode == 2
    assert done.stderr.startswith("usage: clerk-actor-tokens create ")
    assert option in done.stderr.splitlines()[-1]
    assert "_in_seconds" not in done.stderr
    assert server.requests == []


@pytest.mark.parametrize("key", [None, "", " "], ids=["not set", "empty", "a blank"])
def test_a_missing_key_is_called_by_the_name_of_its_variable(
    run: Run, server: Server, monkeypatch: Patch, key: str | None
) -> None:
    monkeypatch.delenv("CLERK_SECRET_KEY")
    if key is not None:
        monkeypatch.setenv("CLERK_SECRET_KEY", key)

    done = run(*COMMAND)

    assert done.returncode == 2
    assert "CLERK_SECRET_KEY is not set" in done.stderr
    assert "secret_key" not in done.stderr


@rows(
    "name, value",
    {
        "another key": ("CLERK_SECRET_KEY", "pk_test_x"),
        "plain http": ("CLERK_API_URL", "http://clerk.example"),
        "a log of keys in no folder": ("SSLKEYLOGFILE", f"{README}/keys.log"),
    },
)
def test_an_invalid_setting_ends_in_status_2_and_nothing_is_sent(
    run: Run, serve: Serve, monkeypatch: Patch, name: str, value: str
) -> None:
    server = serve(https=True)
    monkeypatch.setenv("CLERK_API_URL", server.origin)
    monkeypatch.setenv(name, value)

    done = run(*COMMAND)

    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch("clerk-actor-tokens: .*\n", done.stderr), "one line"
    assert server.connections == 0


@pytest.mark.parametrize(
    "line",
    [
        "@",
        "--key=@",
        "revoke @",
        "create @ --actor a",
        "create u --actor @",
        """create u --actor '"@"'""",
        "create u --actor a --expires-in x@",
    ],
)
def test_a_key_among_the_arguments_is_not_repeated(run: Run, line: str) -> None:
    done = run(*shlex.split(line.replace("@", "sk_live_pasted")))

    assert done.returncode == 2
    assert done.stdout == ""
    assert "pasted" not in done.stderr


@rows(
    "command",
    {
        "create": COMMAND,
        "create, JSON": (*COMMAND, "--json"),
        "revoke": ("revoke", TOKEN["id"]),
    },
)
def test_no_response_steers_the_terminal(
    run: Run, server: Server, command: tuple[str, ...]
) -> None:
    odd = {"status": "revoked\x1b[2J\r", "actor": {"sub": "user_2\x1b[2J\r"}}
    server.scripts = (respond({**TOKEN, **odd}),)

    done = run(*command)

    assert done.returncode == 0
    for line in (done.stdout + done.stderr).split("\n"):
        assert line.isprintable()


# ---- The README's code


def readme_blocks() -> list[str]:
    """The README's Python code."""
    text = README.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def readme_block(words: str) -> str:
    """The README's one block of Python with these words in it."""
    (block,) = [block for block in readme_blocks() if words in block]
    return block


def run_readme_block(words: str) -> dict[str, Any]:
    """Run it. Returns the names that it defines."""
    names: dict[str, Any] = {}
    exec(readme_block(words), names)  # noqa: S102
    return names


def test_every_python_block_of_the_readme_is_tried_here() -> None:
    tried = [readme_block(words) for words in ("print(token.url)", "def sign_in_link", "Sandbox()")]

    assert readme_blocks() == tried


def test_the_readmes_first_example_runs(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    run_readme_block("print(token.url)")

    create, revoke = server.requests
    assert create.startswith(b"POST /v1/actor_tokens HTTP/1.1\r\n")
    assert revoke.startswith(f"POST /v1/actor_tokens/{TOKEN['id']}/revoke ".encode())
    assert capsys.readouterr().out == LINK + "\n"


def test_the_readmes_sandbox_example_runs() -> None:
    run_readme_block("Sandbox()")


def test_the_readmes_commands_run(run: Run, server: Server) -> None:
    text = README.read_text(encoding="utf-8")
    commands = re.findall("^clerk-actor-tokens ([^<\n]*)", text, re.MULTILINE)

    for command in commands:
        done = run(*shlex.split(command, comments=True), stdin=b"act_1\n")

        assert done.returncode == 0, command
    assert len(commands) >= 2


@rows(
    "script, status, words",
    {
        "200": (echo, 200, LINK),
        "500": (respond({}, 500), 500, "may be a link"),
        "lost": (hang_up, 500, "may be a link"),
        "no token": (respond({}), 500, "may be a link"),
        "404": (respond({}, 404), 502, "no link"),
        "429, 30 s": (respond({}, 429, Retry_After="30"), 503, "30 seconds"),
        "429": (respond({}, 429), 503, "10 seconds"),
    },
)
def test_the_readmes_error_handling_tells_the_failures_apart(
    server: Server, clock: Clock, script: Script, status: int, words: str
) -> None:
    server.scripts = (script,)
    sign_in_link = run_readme_block("def sign_in_link")["sign_in_link"]

    shown_status, text = sign_in_link("user_1a2b3c", "user_9z8y7x")

    assert shown_status == status
    assert words in text


def test_the_readmes_error_handling_refuses_an_invalid_argument(server: Server) -> None:
    sign_in_link = run_readme_block("def sign_in_link")["sign_in_link"]

    status, _ = sign_in_link("", "user_9z8y7x")

    assert status == 400
    assert server.requests == []
