"""What clerk_actor_tokens.py and README.md promise, in the order of the module."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime
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
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Optional, TypeVar, get_type_hints
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
    ClerkError,
    ClerkErrors,
    NoResponseError,
    RequestTimeoutError,
    ResponseValidationError,
    Sandbox,
    SDKError,
)

# What a server in these tests can do: it plays a script for each connection. `serve(one, other)`
# starts a server that plays `one` on the first connection, and `other` on all further ones.
# - respond(document, status, ...): answer every request with this; send(data): with these bytes.
# - answer(first, second): answer two requests with these bytes, in turn; then hang up.
# - hang_up: read a request, and end the connection. reset: do so by a TCP reset.
# - trickle(before, piece): answer with `before`, then with a piece now and then, without end.
# - stay_silent: read a request, and never answer. ignore: do not even read it.
# - tunnel(server): be a proxy that leads to that server.
# `server.requests` has what the server read, `server.connections` is how many it accepted, and
# `server.hung_up` is set when a connection has ended. See "The wire: servers on loopback".
# Without a server: `api` is Clerk as `responses` mocks it; `Sandbox` is Clerk in memory.

Script = Callable[["Peer"], object]
Serve = Callable[..., "Server"]
Patch = pytest.MonkeyPatch
Call = Callable[..., ActorToken]
AnyError = TypeVar("AnyError", bound=ClerkBaseError)

MODULE = Path(clerk_actor_tokens.__file__)
README = Path(__file__).with_name("README.md")
CREATE_URL = "https://api.clerk.com/v1/actor_tokens"
REVOKE_URL = "https://api.clerk.com/v1/actor_tokens/act_29w9IptNja3mP8GDXpquBwN2qR9/revoke"
KEY = "sk_test_4f9d2c7b1a"
SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3NjM5MDM2MDB9.c2lnbmF0dXJl"  # noqa: S105
LINK = f"https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket={SECRET}"
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


class RequestsOpener:
    """Opens urllib's requests with `requests`, over a `Session` of your own."""

    def __init__(self, session: requests.Session | None = None) -> None:
        self.session = session or requests.Session()

    def open(self, request: urllib.request.Request, *, timeout: float) -> Any:
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


def create(clerk: ActorTokens, actor: Any = "user_9z8y7x", **options: Any) -> ActorToken:
    return clerk.create("user_1a2b3c", actor, **options)


def revoke(clerk: ActorTokens, **options: Any) -> ActorToken:
    return clerk.revoke(TOKEN["id"], **options)


@contextmanager
def raises(kind: type[AnyError]) -> Iterator[pytest.ExceptionInfo[AnyError]]:
    """Expect this exception of the module's and no subclass, or any, with no secret in it."""
    with pytest.raises(kind) as caught:
        yield caught
    error = caught.value
    assert kind in (type(error), ClerkBaseError)
    assert error.message == str(error)
    assert str(error).isprintable(), "not one line"
    assert len(str(error)) < 2000, "too long to read"
    assert_no_secret_shows(error)


def assert_no_secret_shows(error: BaseException) -> None:
    """Not in its text, nor in its causes', nor in the local variables of any frame but a test's."""
    trace: Any = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = str(error) + repr(error)
    while trace:
        shown += "".join(trace.format_exception_only())
        shown += "".join(str(frame.locals) for frame in trace.stack if frame.filename != __file__)
        trace = trace.__cause__ or trace.__context__
    assert KEY not in shown, "the secret key shows"
    assert SECRET not in shown, "a token shows"


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    """Clerk as `responses` mocks it, for `clerk`."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def clerk() -> ActorTokens:
    """A client over `requests`, for tests with `api`."""
    return ActorTokens(KEY, opener=RequestsOpener())


@pytest.fixture
def pauses(monkeypatch: Patch) -> list[float]:
    """The pauses that are made. They alone move the clock, and take no time."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0 + sum(made))
    return made


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: Patch) -> None:
    for name in list(os.environ):
        if name.upper() in ("CLERK_SECRET_KEY", "CLERK_API_URL") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def run_python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python from the folder of the module."""
    options = {"cwd": MODULE.parent, "capture_output": True, "timeout": 60, **options}
    return subprocess.run([sys.executable, *arguments], text=True, check=False, **options)


CREATE_AND_REVOKE = pytest.mark.parametrize("call", [create, revoke])


# ---- The module


def test_importing_the_module_loads_only_what_every_call_needs() -> None:
    program = """
import sys
import __future__, dataclasses, json, random, ssl, urllib.request
before = set(sys.modules)
from clerk_actor_tokens import *
print(*(set(sys.modules) - before))
"""

    done = run_python("-c", program)

    assert done.stderr == ""
    assert done.stdout.split() == ["clerk_actor_tokens"]


def test_the_modules_head_tells_a_copys_version_and_licence() -> None:
    first, second, third, *_ = MODULE.read_text(encoding="utf-8").splitlines()

    assert first.startswith(f"# clerk-actor-tokens {clerk_actor_tokens.__version__}: ")
    assert second.startswith("# SPDX-FileCopyrightText: ")
    assert third == "# SPDX-License-Identifier: MIT"


def test_the_module_exports_these_names() -> None:
    assert sorted(clerk_actor_tokens.__all__) == [
        "ActorToken",
        "ActorTokens",
        "ClerkBaseError",
        "ClerkError",
        "ClerkErrors",
        "NoResponseError",
        "Opener",
        "RequestTimeoutError",
        "ResponseValidationError",
        "SDKError",
        "Sandbox",
        "main",
    ]


def test_the_part_above_the_marked_line_works_alone(server: Server, tmp_path: Path) -> None:
    source = MODULE.read_text(encoding="utf-8")
    client, mark, _ = source.partition("\n# ---- The client ends here. A copy may end here, too.\n")
    (tmp_path / "part.py").write_text(client, encoding="utf-8")
    program = """
from part import *
with ActorTokens() as clerk:
    token = clerk.create("user_1", "user_2")
    print(clerk.revoke(token).id)
"""

    done = run_python("-c", program, cwd=tmp_path)

    assert mark, "there is no such line"
    assert done.stderr == ""
    assert done.stdout.strip() == TOKEN["id"]
    assert len(server.requests) == 2


# ---- Results


def test_a_tokens_repr_shows_neither_the_ticket_nor_the_link() -> None:
    token = ActorToken(**TOKEN)

    assert SECRET not in repr(token)
    assert "url" not in repr(token)
    assert TOKEN["id"] in repr(token)


def test_a_token_cannot_be_changed() -> None:
    token = ActorToken(**TOKEN)

    with pytest.raises(dataclasses.FrozenInstanceError):
        token.status = "accepted"  # type: ignore[misc]


def test_tokens_with_the_same_fields_are_equal_and_have_one_hash() -> None:
    token = ActorToken(**TOKEN)
    twin = ActorToken(**copy.deepcopy(TOKEN))

    assert token == twin
    assert hash(token) == hash(twin)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="`str | None` needs Python 3.10")
def test_the_type_hints_of_a_token_can_be_read_at_run_time() -> None:
    hints = get_type_hints(ActorToken)

    assert hints["actor"] is dict
    assert hints["url"] == Optional[str]


@pytest.mark.parametrize("name", list(TOKEN))
def test_tokens_that_differ_in_a_field_are_not_equal(name: str) -> None:
    token = ActorToken(**TOKEN)

    changes: Any = {name: "other"}
    other = dataclasses.replace(token, **changes)

    assert token != other


def test_tokens_with_different_ids_have_different_hashes() -> None:
    token = ActorToken(**TOKEN)

    other = dataclasses.replace(token, id="act_other")

    assert hash(token) != hash(other)


def pickle_and_unpickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle_and_unpickle])
def test_a_token_can_be_copied_and_pickled(copied: Callable[[Any], Any]) -> None:
    token = ActorToken(**TOKEN)

    twin = copied(token)

    assert twin == token


def test_a_token_has_neither_ticket_nor_link_by_default() -> None:
    bare = {name: TOKEN[name] for name in TOKEN if name not in ("token", "url")}

    token = ActorToken(**bare)

    assert token.token is None
    assert token.url is None


def test_an_entry_of_clerks_errors_has_a_hash_and_cannot_be_changed() -> None:
    entry = ClerkError(**ENTRY)

    assert hash(entry) == hash(ClerkError(**copy.deepcopy(ENTRY)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.code = "other"  # type: ignore[misc]


def test_an_entry_of_clerks_errors_has_no_meta_by_default() -> None:
    entry = ClerkError("code", "message", "long message")

    assert entry.meta is None


# ---- Errors


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        pytest.param(ClerkBaseError, (Exception,), id="ClerkBaseError"),
        pytest.param(SDKError, (ClerkBaseError,), id="SDKError"),
        pytest.param(ClerkErrors, (SDKError,), id="ClerkErrors"),
        pytest.param(ResponseValidationError, (ClerkBaseError,), id="ResponseValidationError"),
        pytest.param(NoResponseError, (ClerkBaseError,), id="NoResponseError"),
        pytest.param(
            RequestTimeoutError, (NoResponseError, TimeoutError), id="RequestTimeoutError"
        ),
    ],
)
def test_the_exceptions_form_a_tree(kind: type, bases: tuple[type, ...]) -> None:
    assert kind.__bases__ == bases


EACH_KIND = pytest.mark.parametrize(
    "kind",
    [
        ClerkBaseError,
        SDKError,
        ClerkErrors,
        ResponseValidationError,
        NoResponseError,
        RequestTimeoutError,
    ],
)


@EACH_KIND
def test_an_exception_made_anew_from_its_message_says_that_clerk_may_have_acted(
    kind: type[ClerkBaseError],
) -> None:
    error = kind("What happened.")

    assert error.outcome_unknown is True
    assert error.message == "What happened."
    assert str(error) == "What happened."
    assert repr(error) == f"{kind.__name__}('What happened.')"


@EACH_KIND
def test_a_misspelt_argument_of_an_exception_is_a_type_error(kind: Any) -> None:
    with pytest.raises(TypeError, match="outcome_unknwon"):
        kind("What happened.", outcome_unknwon=False)


@EACH_KIND
def test_an_exception_is_equal_to_itself_alone_and_has_a_hash(kind: type[ClerkBaseError]) -> None:
    error = kind("What happened.")

    assert error != kind("What happened.")
    assert error in {error}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(
            SDKError("m"), {"status_code": 0, "body": "", "retry_after": None}, id="SDKError"
        ),
        pytest.param(
            ClerkErrors("m"), {"errors": (), "clerk_trace_id": None, "meta": None}, id="ClerkErrors"
        ),
        pytest.param(
            ResponseValidationError("m"),
            {"status_code": 0, "body": ""},
            id="ResponseValidationError",
        ),
    ],
)
def test_the_attributes_of_an_exception_have_defaults(error: Any, expected: dict[str, Any]) -> None:
    attributes = vars(error)

    assert attributes.items() >= expected.items()
    assert error.headers.items() == []


EACH_FAILURE = pytest.mark.parametrize(
    ("kind", "response"),
    [
        pytest.param(
            SDKError,
            {"body": "no", "status": 502, "headers": {"Retry-After": "5", "X": "1"}},
            id="SDKError",
        ),
        pytest.param(ClerkErrors, {"json": CLERKS_ERRORS, "status": 400}, id="ClerkErrors"),
        pytest.param(ResponseValidationError, {"json": {}}, id="ResponseValidationError"),
        pytest.param(
            NoResponseError,
            {"body": ConnectionRefusedError("no")},
            id="NoResponseError",
        ),
        pytest.param(RequestTimeoutError, {"body": TimeoutError()}, id="RequestTimeoutError"),
    ],
)


@EACH_FAILURE
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle_and_unpickle])
def test_an_exception_can_be_copied_and_pickled(
    api: responses.RequestsMock,
    clerk: ActorTokens,
    kind: type[ClerkBaseError],
    response: Any,
    copied: Callable[[Any], Any],
) -> None:
    api.post(CREATE_URL, **response)
    with raises(kind) as caught:
        create(clerk)

    twin = copied(caught.value)

    assert type(twin) is kind
    assert repr(twin) == repr(caught.value)
    assert twin.args == caught.value.args
    assert texts_of_attributes(twin) == texts_of_attributes(caught.value)


def texts_of_attributes(error: ClerkBaseError) -> dict[str, str]:
    return {name: str(value) for name, value in vars(error).items()}


@EACH_FAILURE
def test_an_exception_has_the_attributes_that_its_class_declares_and_no_others(
    api: responses.RequestsMock, clerk: ActorTokens, kind: type[ClerkBaseError], response: Any
) -> None:
    api.post(CREATE_URL, **response)

    with raises(kind) as caught:
        create(clerk)

    assert vars(caught.value).keys() == inspect.signature(kind).parameters.keys()


# ---- The client: its settings


class Asked:
    """An opener that answers every request with a token, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[urllib.request.Request] = []
        self.timeouts: list[float] = []

    def open(self, request: urllib.request.Request, *, timeout: float) -> Any:
        self.requests.append(request)
        self.timeouts.append(timeout)
        headers: Any = {}
        return urllib.response.addinfourl(io.BytesIO(JSON), headers, request.full_url, 200)


KEYS_WITH_BLANKS = pytest.mark.parametrize(
    "given",
    [
        pytest.param(KEY, id="as it is"),
        pytest.param(f"{KEY} ", id="a blank after it"),
        pytest.param(f" {KEY}", id="a blank before it"),
        pytest.param(f"{KEY}\t", id="a tab after it"),
        pytest.param(f"{KEY}\n", id="a line end after it"),
        pytest.param(f"\r\n{KEY}\r\n", id="Windows line ends around it"),
    ],
)


@KEYS_WITH_BLANKS
def test_a_secret_key_is_sent_without_the_blanks_around_it(given: str) -> None:
    opener = Asked()

    create(ActorTokens(given, opener=opener))

    assert opener.requests[0].get_header("Authorization") == f"Bearer {KEY}"


@KEYS_WITH_BLANKS
def test_the_environments_secret_key_is_sent_without_the_blanks_around_it(
    monkeypatch: Patch, given: str
) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", given)
    opener = Asked()

    create(ActorTokens(opener=opener))

    assert opener.requests[0].get_header("Authorization") == f"Bearer {KEY}"


def test_a_secret_key_may_have_all_characters_of_a_bearer_token() -> None:
    opener = Asked()

    create(ActorTokens("sk_test_AZaz09-._~+/==", opener=opener))

    assert opener.requests[0].get_header("Authorization") == "Bearer sk_test_AZaz09-._~+/=="


def test_a_secret_key_that_is_given_wins_over_the_environments(monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", "sk_test_of_the_environment")
    opener = Asked()

    create(ActorTokens(KEY, opener=opener))

    assert opener.requests[0].get_header("Authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param('"sk_test_x"', id="in quotes"),
        pytest.param("'sk_test_x'", id="in single quotes"),
        pytest.param('sk_test_x"', id="a quote after it"),
        pytest.param("sk_test_x'", id="a single quote after it"),
        pytest.param("Bearer sk_test_x", id="with Bearer"),
        pytest.param("whsec_test_x", id="a webhook's secret"),
        pytest.param("pk_test_x", id="a publishable key"),
        pytest.param("test_x", id="without sk_"),
        pytest.param("SK_test_x", id="in capitals"),
        pytest.param("sk_test x", id="a blank in it"),
        pytest.param("sk_test_x\nsk_test_x", id="two of them"),
        pytest.param("sk_test_x\x00", id="a null byte in it"),
        pytest.param("sk_test_x\x7f", id="a control character in it"),
        pytest.param("sk_test_\u00e9", id="a letter that is not ASCII"),
        pytest.param("sk_test_x!", id="what no bearer token has"),
        pytest.param("sk_=test_x", id="an equals sign before the end"),
    ],
)
def test_what_is_no_secret_key_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ValueError, match="begins with sk_test_ or sk_live_") as caught:
        ActorTokens(given, opener=Sandbox())

    assert "CLERK_SECRET_KEY" in str(caught.value)
    assert "dashboard" in str(caught.value)
    assert given not in str(caught.value)
    assert "_x" not in str(caught.value)


def test_the_beginning_of_a_secret_key_is_none() -> None:
    with pytest.raises(ValueError, match="is not a secret key"):
        ActorTokens("sk_")


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(b"sk_test_x", id="bytes"),
        pytest.param(5, id="a number"),
        pytest.param(True, id="True"),
        pytest.param(["sk_test_x"], id="a list"),
    ],
)
def test_a_secret_key_that_is_no_text_is_refused(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="secret_key must be a str") as caught:
        ActorTokens(given)

    assert "sk_test_x" not in str(caught.value)


@pytest.mark.parametrize("variable", ["", " ", "\n"], ids=["empty", "a blank", "a line end"])
def test_an_empty_environment_variable_is_no_secret_key(monkeypatch: Patch, variable: str) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", variable)

    with pytest.raises(ValueError, match="There is no secret key: set CLERK_SECRET_KEY"):
        ActorTokens()


def test_without_a_secret_key_the_message_says_where_to_put_it() -> None:
    with pytest.raises(ValueError, match="There is no secret key: set CLERK_SECRET_KEY"):
        ActorTokens()


def test_an_empty_secret_key_is_not_replaced_by_the_environments(monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)

    with pytest.raises(ValueError, match="There is no secret key"):
        ActorTokens("")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"server_url": "http://evil.example"}, "server_url", id="server_url"),
        pytest.param({"timeout": 0}, "timeout", id="timeout"),
        pytest.param({"max_retries": -1}, "max_retries", id="max_retries"),
        pytest.param({"opener": Sandbox}, "opener", id="opener"),
    ],
)
def test_the_error_for_another_setting_has_no_frame_with_the_key(
    monkeypatch: Patch, options: dict[str, Any], message: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=message) as of_argument:
        ActorTokens(KEY, **options)
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    with pytest.raises((ValueError, TypeError), match=message) as of_environment:
        ActorTokens(**options)

    assert_no_secret_shows(of_argument.value)
    assert_no_secret_shows(of_environment.value)


def test_the_error_for_a_proxy_setting_has_no_frame_with_the_key(monkeypatch: Patch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")

    with pytest.raises(ValueError, match="HTTPS_PROXY") as caught:
        ActorTokens(KEY)

    assert_no_secret_shows(caught.value)


def test_a_clients_repr_shows_no_key() -> None:
    assert KEY not in repr(ActorTokens(KEY))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://localhost/v1", "http://localhost/v1", id="http to localhost"),
        pytest.param("http://LOCALHOST/v1", "http://LOCALHOST/v1", id="localhost in capitals"),
        pytest.param("http://127.0.0.2:80/v1", "http://127.0.0.2:80/v1", id="http to 127.*"),
        pytest.param("http://127.255.249.199/v1", "http://127.255.249.199/v1", id="127.255.249"),
        pytest.param("http://[::1]:80/v1", "http://[::1]:80/v1", id="http to ::1"),
        pytest.param("HTTPS://x/v1", "https://x/v1", id="scheme in capitals"),
        pytest.param("https://a-b.c_d.example./v1", "https://a-b.c_d.example./v1", id="a name"),
        pytest.param("https://x:444/a~b/%41.c-d_e", "https://x:444/a~b/%41.c-d_e", id="a path"),
        pytest.param("https://[2001:db8::F]/v1", "https://[2001:db8::F]/v1", id="IPv6"),
        pytest.param("https://x/v1/", "https://x/v1", id="a slash at the end"),
        pytest.param("https://x", "https://x", id="no path"),
        pytest.param("https://x:1/v1", "https://x:1/v1", id="the lowest port"),
        pytest.param("https://x:65535/v1", "https://x:65535/v1", id="the highest port"),
    ],
)
def test_requests_go_to_the_server_url(url: str, expected: str) -> None:
    opener = Asked()

    create(ActorTokens(KEY, server_url=url, opener=opener))

    sent = opener.requests[0].full_url
    assert sent.lower() == f"{expected}/actor_tokens".lower()


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        pytest.param("", "https://api.clerk.com/v1/actor_tokens", id="empty"),
        pytest.param(" \n", "https://api.clerk.com/v1/actor_tokens", id="blank"),
        pytest.param("https://x.example", "https://x.example/v1/actor_tokens", id="without v1"),
        pytest.param("https://x.example/", "https://x.example/v1/actor_tokens", id="a slash"),
        pytest.param("https://x.example/v1", "https://x.example/v1/actor_tokens", id="with v1"),
        pytest.param(
            "https://x.example/v1/",
            "https://x.example/v1/actor_tokens",
            id="v1, slash",
        ),
        pytest.param(
            "https://x.example\r\n",
            "https://x.example/v1/actor_tokens",
            id="line end",
        ),
        pytest.param("https://x.example/b", "https://x.example/b/v1/actor_tokens", id="a path"),
    ],
)
def test_clerk_api_url_works_with_v1_and_without(
    monkeypatch: Patch, variable: str, expected: str
) -> None:
    monkeypatch.setenv("CLERK_API_URL", variable)
    opener = Asked()

    create(ActorTokens(KEY, opener=opener))

    assert opener.requests[0].full_url == expected


def test_a_server_url_that_is_given_wins_over_the_environments(monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLERK_API_URL", "https://of-the-environment.example")
    opener = Asked()

    create(ActorTokens(KEY, server_url="https://given.example", opener=opener))

    assert opener.requests[0].full_url == "https://given.example/actor_tokens"


URLS_REFUSED = pytest.mark.parametrize(
    "url",
    [
        pytest.param("x.example/v1", id="no scheme"),
        pytest.param("http://api.clerk.com/v1", id="http to another machine"),
        pytest.param("ftp://localhost/v1", id="ftp"),
        pytest.param("file:///v1", id="a file"),
        pytest.param("https:///v1", id="no host"),
        pytest.param("http://127.evil.com/v1", id="http to 127.evil.com"),
        pytest.param("http://localhost.evil.com/v1", id="http to localhost.evil.com"),
        pytest.param("http://127.0.0.1.evil.com/v1", id="http to 127.0.0.1.evil.com"),
        pytest.param("http://127.999.0.1/v1", id="http to 127.999.0.1"),
        pytest.param("http://127.0.0.256/v1", id="http to 127.0.0.256"),
        pytest.param("http://127.0.0.260/v1", id="http to 127.0.0.260"),
        pytest.param("http://127.0.0/v1", id="http to 127.0.0"),
        pytest.param("http://128.0.0.1/v1", id="http to 128.0.0.1"),
        pytest.param("http://127x0.0.1/v1", id="http to 127x0.0.1"),
        pytest.param("http://[::2]/v1", id="http to ::2"),
        pytest.param("http://[::1].evil.com/v1", id="http to [::1].evil.com"),
        pytest.param("http://[::1]evil.com:80/v1", id="http to [::1]evil.com"),
        pytest.param("https://evil.com[::1]/v1", id="evil.com[::1]"),
        pytest.param("https://[::1/v1", id="no closing bracket"),
        pytest.param("https://[::g]/v1", id="no IPv6 address"),
        pytest.param("https://a..b/v1", id="two dots"),
        pytest.param("https://:443/v1", id="a port alone"),
        pytest.param("https://api.clerk.com:/v1", id="no port after the colon"),
        pytest.param("https://api.clerk.com:0/v1", id="port 0"),
        pytest.param("https://api.clerk.com:65536/v1", id="port 65536"),
        pytest.param("https://api.clerk.com:99999/v1", id="port 99999"),
        pytest.param("https://api.clerk.com:abc/v1", id="port abc"),
        pytest.param("https://user@api.clerk.com/v1", id="a user"),
        pytest.param("https://user:word@api.clerk.com/v1", id="a password"),
        pytest.param("https://api.clerk.com\\@evil.com/v1", id="a backslash"),
        pytest.param("https://api.clerk.com/v1?x=1", id="a query"),
        pytest.param("https://api.clerk.com/v1?", id="an empty query"),
        pytest.param("https://api.clerk.com/v1#x", id="a fragment"),
        pytest.param("https://\u00e4pi.clerk.com/v1", id="a letter that is not ASCII"),
        pytest.param("https://x/ v1", id="a blank"),
        pytest.param("https://x/\nv1", id="a line end"),
        pytest.param("https://x.cl\terk.com/v1", id="a tab"),
    ],
)


@URLS_REFUSED
def test_a_server_url_that_may_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be a URL such as") as caught:
        ActorTokens(KEY, server_url=url)

    assert url not in str(caught.value)


@URLS_REFUSED
def test_a_clerk_api_url_that_may_lead_elsewhere_is_refused(monkeypatch: Patch, url: str) -> None:
    monkeypatch.setenv("CLERK_API_URL", url)

    with pytest.raises(ValueError, match="CLERK_API_URL"):
        ActorTokens(KEY)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("https://api.clerk.com/v1\n", id="a line end"),
        pytest.param(5, id="a number"),
        pytest.param(b"https://api.clerk.com/v1", id="bytes"),
    ],
)
def test_a_server_url_that_is_no_url_is_refused(url: Any) -> None:
    with pytest.raises(ValueError, match="server_url"):
        ActorTokens(KEY, server_url=url)


TIMEOUT_WORDS = "timeout must be a number of seconds from 0.001 to 86,400"
RETRIES_WORDS = "max_retries must be a whole number from 0 to 1,000"


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        pytest.param({"timeout": 0}, ValueError, TIMEOUT_WORDS, id="timeout 0"),
        pytest.param({"timeout": -0.2}, ValueError, TIMEOUT_WORDS, id="a negative timeout"),
        pytest.param({"timeout": 0.0009}, ValueError, TIMEOUT_WORDS, id="timeout too short"),
        pytest.param({"timeout": 86_400.1}, ValueError, TIMEOUT_WORDS, id="timeout too long"),
        pytest.param({"timeout": float("nan")}, ValueError, TIMEOUT_WORDS, id="timeout nan"),
        pytest.param({"timeout": float("inf")}, ValueError, TIMEOUT_WORDS, id="timeout inf"),
        pytest.param({"timeout": 10**400}, ValueError, TIMEOUT_WORDS, id="timeout 10**400"),
        pytest.param({"timeout": True}, TypeError, TIMEOUT_WORDS, id="timeout True"),
        pytest.param({"timeout": "5"}, TypeError, TIMEOUT_WORDS, id="timeout as text"),
        pytest.param({"timeout": None}, TypeError, TIMEOUT_WORDS, id="timeout None"),
        pytest.param({"max_retries": -1}, ValueError, RETRIES_WORDS, id="max_retries -1"),
        pytest.param({"max_retries": 1001}, ValueError, RETRIES_WORDS, id="max_retries 1001"),
        pytest.param({"max_retries": 1.5}, TypeError, RETRIES_WORDS, id="max_retries 1.5"),
        pytest.param({"max_retries": True}, TypeError, RETRIES_WORDS, id="max_retries True"),
        pytest.param({"max_retries": "2"}, TypeError, RETRIES_WORDS, id="max_retries as text"),
        pytest.param({"max_retries": None}, TypeError, RETRIES_WORDS, id="max_retries None"),
        pytest.param({"opener": 5}, ValueError, "with a method open", id="opener 5"),
        pytest.param({"opener": object()}, ValueError, "with a method open", id="no open"),
        pytest.param(
            {"opener": Sandbox},
            ValueError,
            "with a method open",
            id="opener as a class",
        ),
    ],
)
def test_an_invalid_setting_is_refused_in_words(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        ActorTokens(KEY, **options)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"timeout": 0.001}, id="the shortest timeout"),
        pytest.param({"timeout": 86_400}, id="the longest timeout"),
        pytest.param({"max_retries": 0}, id="no retries"),
        pytest.param({"max_retries": 1000}, id="the most retries"),
    ],
)
def test_the_limits_of_the_settings_are_valid(options: dict[str, Any]) -> None:
    client = ActorTokens(KEY, server_url="http://localhost/v1", **options)

    assert isinstance(client, ActorTokens)


def test_a_proxy_setting_is_of_no_concern_to_an_opener(monkeypatch: Patch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")

    token = create(ActorTokens(KEY, opener=Asked()))

    assert token.id == TOKEN["id"]


def test_a_client_is_its_own_context_manager() -> None:
    client = ActorTokens(KEY)

    with client as entered:
        pass

    assert entered is client


# ---- The client: create and revoke


CREATE_BODY = (
    '{"user_id": "user_1a2b3c", "actor": %s, "expires_in_seconds": 3600, '
    '"session_max_duration_in_seconds": 1800}'
)


@pytest.mark.parametrize(
    ("actor", "sent"),
    [
        pytest.param("user_2", '{"sub": "user_2"}', id="an ID"),
        pytest.param({"sub": "user_2", "x": 1}, '{"sub": "user_2", "x": 1}', id="claims"),
        pytest.param(
            types.MappingProxyType({"sub": "user_2"}), '{"sub": "user_2"}', id="any mapping"
        ),
        pytest.param(
            {"sub": "u", "deep": {"list": [1, None, 2.5, True, {}]}},
            '{"sub": "u", "deep": {"list": [1, null, 2.5, true, {}]}}',
            id="nested claims",
        ),
        pytest.param({"sub": "u", "x": "\u00e9"}, '{"sub": "u", "x": "\u00e9"}', id="not ASCII"),
    ],
)
def test_create_sends_the_actor_in_a_body_of_json(
    api: responses.RequestsMock, clerk: ActorTokens, actor: Any, sent: str
) -> None:
    api.post(CREATE_URL, json=TOKEN)

    create(clerk, actor)

    assert api.calls[0].request.body == (CREATE_BODY % sent).encode()


def test_create_sends_the_limits_that_it_is_given(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, json=TOKEN)

    clerk.create(
        user_id="user_1",
        actor="user_2",
        expires_in_seconds=1,
        session_max_duration_in_seconds=2**63 - 1,
    )

    assert json.loads(api.calls[0].request.body or "") == {
        "user_id": "user_1",
        "actor": {"sub": "user_2"},
        "expires_in_seconds": 1,
        "session_max_duration_in_seconds": 9223372036854775807,
    }


def test_create_sends_these_headers(api: responses.RequestsMock, clerk: ActorTokens) -> None:
    api.post(CREATE_URL, json=TOKEN)

    create(clerk)

    headers = api.calls[0].request.headers
    assert headers["Accept"] == "application/json"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Clerk-API-Version"] == "2026-05-12"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == f"clerk-actor-tokens/{clerk_actor_tokens.__version__}"


def test_revoke_sends_no_body_and_no_content_type(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(REVOKE_URL, json=TOKEN)

    revoke(clerk)

    assert api.calls[0].request.body is None
    assert "Content-Type" not in api.calls[0].request.headers
    assert api.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "given", [pytest.param(TOKEN["id"], id="an ID"), pytest.param(ActorToken(**TOKEN), id="token")]
)
def test_revoke_takes_an_id_or_the_token_itself(
    api: responses.RequestsMock, clerk: ActorTokens, given: str | ActorToken
) -> None:
    api.post(REVOKE_URL, json={**TOKEN, "status": "revoked"})

    token = clerk.revoke(given)

    assert token == ActorToken(**{**TOKEN, "status": "revoked"})


def test_a_login_in_netrc_does_not_replace_the_key(
    api: responses.RequestsMock, clerk: ActorTokens, tmp_path: Path, monkeypatch: Patch
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    api.post(CREATE_URL, json=TOKEN)

    create(clerk)

    assert api.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"


class NotAsked:
    """An opener that must not be asked."""

    def open(self, request: urllib.request.Request, *, timeout: float) -> Any:
        pytest.fail("a request went out")


DEEP: Any = None
for _ in range(100_000):
    DEEP = [DEEP]
LOOP: dict[str, Any] = {"sub": "user_2"}
LOOP["loop"] = LOOP
HALF_A_PAIR = "\ud800"  # of surrogates: not valid Unicode
AN_ID = "must be an ID: visible characters without blanks, neither JSON as text nor a key"
ACTOR = "actor (or its sub) must be an ID"
UNCHANGED = "actor must be what JSON holds unchanged"
A_MAPPING = "actor must be a str or a mapping"
NO_SUB = "actor has no sub: the ID of the user who will impersonate"
EXPIRES = "expires_in_seconds must be a whole number of seconds from 1 to 9,223,372,036,854,775,807"
LASTS = "session_max_duration_in_seconds must be a whole number of seconds from 1 to 9,"
CALL_TIMEOUT = "timeout must be a number of seconds from -86,400 to 86,400"


@pytest.mark.parametrize(
    ("name", "value", "kind", "message"),
    [
        pytest.param("user_id", "", ValueError, f"user_id {AN_ID}", id="no user"),
        pytest.param("user_id", " ", ValueError, f"user_id {AN_ID}", id="a blank user"),
        pytest.param("user_id", "user_1 ", ValueError, f"user_id {AN_ID}", id="user, blank after"),
        pytest.param("user_id", " user_1", ValueError, f"user_id {AN_ID}", id="user, blank before"),
        pytest.param("user_id", "user_1\n", ValueError, f"user_id {AN_ID}", id="user, line end"),
        pytest.param("user_id", "user 1", ValueError, f"user_id {AN_ID}", id="user, blank inside"),
        pytest.param("user_id", "user\x001", ValueError, f"user_id {AN_ID}", id="user, control"),
        pytest.param(
            "user_id",
            HALF_A_PAIR,
            ValueError,
            f"user_id {AN_ID}",
            id="user, surrogate",
        ),
        pytest.param("user_id", KEY, ValueError, f"user_id {AN_ID}", id="user is the key"),
        pytest.param(
            "user_id",
            None,
            TypeError,
            "user_id must be an ID, as a str",
            id="user None",
        ),
        pytest.param("user_id", 7, TypeError, "user_id must be an ID, as a str", id="user 7"),
        pytest.param(
            "user_id", b"u", TypeError, "user_id must be an ID, as a str", id="user bytes"
        ),
        pytest.param("actor", "", ValueError, ACTOR, id="no actor"),
        pytest.param("actor", "user_2\n", ValueError, ACTOR, id="actor, line end"),
        pytest.param("actor", None, TypeError, A_MAPPING, id="actor None"),
        pytest.param("actor", 5, TypeError, A_MAPPING, id="actor 5"),
        pytest.param("actor", ["sub"], TypeError, A_MAPPING, id="actor as a list"),
        pytest.param("actor", b"user_2", TypeError, A_MAPPING, id="actor as bytes"),
        pytest.param("actor", {}, ValueError, NO_SUB, id="empty actor"),
        pytest.param("actor", {"id": "user_2"}, ValueError, NO_SUB, id="actor without sub"),
        pytest.param("actor", {"sub": ""}, ValueError, ACTOR, id="empty sub"),
        pytest.param("actor", {"sub": None}, TypeError, ACTOR, id="sub None"),
        pytest.param("actor", {"sub": 5}, TypeError, ACTOR, id="sub 5"),
        pytest.param("actor", '{"sub": "u"}', ValueError, ACTOR, id="an object as text"),
        pytest.param("actor", ' {"sub": "u"}', ValueError, ACTOR, id="blank, object as text"),
        pytest.param("actor", '["u"]', ValueError, ACTOR, id="a list as text"),
        pytest.param("actor", '"user_2"', ValueError, ACTOR, id="an ID in quotes"),
        pytest.param("actor", {"sub": '{"sub": "u"}'}, ValueError, ACTOR, id="sub as JSON"),
        pytest.param("actor", {"sub": "u", 1: "a"}, ValueError, UNCHANGED, id="number as key"),
        pytest.param(
            "actor", {"sub": "u", "x": [{None: 1}]}, ValueError, UNCHANGED, id="None as key"
        ),
        pytest.param("actor", {"sub": "u", "x": (1, 2)}, ValueError, UNCHANGED, id="a tuple"),
        pytest.param(
            "actor",
            {"sub": "u", "x": [{"y": [()]}]},
            ValueError,
            UNCHANGED,
            id="nested",
        ),
        pytest.param("actor", {"sub": "u", "x": float("nan")}, ValueError, UNCHANGED, id="nan"),
        pytest.param("actor", {"sub": "u", "x": float("inf")}, ValueError, UNCHANGED, id="inf"),
        pytest.param(
            "actor", {"sub": "u", "x": HALF_A_PAIR}, ValueError, UNCHANGED, id="half pair"
        ),
        pytest.param("actor", {"sub": "u", "x": DEEP}, ValueError, UNCHANGED, id="great depth"),
        pytest.param("actor", LOOP, ValueError, UNCHANGED, id="a loop"),
        pytest.param(
            "actor",
            {"sub": "u", "x": {1}},
            TypeError,
            "actor has a set in it",
            id="set",
        ),
        pytest.param("actor", {"sub": "u", "x": b""}, TypeError, "a bytes in it", id="bytes"),
        pytest.param(
            "actor",
            {"sub": "u", "at": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)},
            TypeError,
            "actor has a datetime in it, which JSON cannot hold",
            id="a datetime",
        ),
        pytest.param("expires_in_seconds", 0, ValueError, EXPIRES, id="expires 0"),
        pytest.param("expires_in_seconds", -1, ValueError, EXPIRES, id="expires -1"),
        pytest.param("expires_in_seconds", 2**63, ValueError, EXPIRES, id="expires too late"),
        pytest.param("expires_in_seconds", 60.0, TypeError, EXPIRES, id="expires 60.0"),
        pytest.param("expires_in_seconds", True, TypeError, EXPIRES, id="expires True"),
        pytest.param("expires_in_seconds", None, TypeError, EXPIRES, id="expires None"),
        pytest.param("expires_in_seconds", "60", TypeError, EXPIRES, id="expires as text"),
        pytest.param("session_max_duration_in_seconds", 0, ValueError, LASTS, id="lasts 0"),
        pytest.param(
            "session_max_duration_in_seconds",
            2**63,
            ValueError,
            LASTS,
            id="lasts long",
        ),
        pytest.param("session_max_duration_in_seconds", 1.5, TypeError, LASTS, id="lasts 1.5"),
        pytest.param("session_max_duration_in_seconds", None, TypeError, LASTS, id="lasts None"),
        pytest.param("timeout", 86_400.1, ValueError, CALL_TIMEOUT, id="timeout too long"),
        pytest.param("timeout", -86_400.1, ValueError, CALL_TIMEOUT, id="timeout too negative"),
        pytest.param("timeout", float("nan"), ValueError, CALL_TIMEOUT, id="timeout nan"),
        pytest.param("timeout", float("inf"), ValueError, CALL_TIMEOUT, id="timeout inf"),
        pytest.param("timeout", 10**400, ValueError, CALL_TIMEOUT, id="timeout 10**400"),
        pytest.param("timeout", True, TypeError, CALL_TIMEOUT, id="timeout True"),
        pytest.param("timeout", "5", TypeError, CALL_TIMEOUT, id="timeout as text"),
    ],
)
def test_an_invalid_argument_of_create_is_refused_in_words(
    name: str, value: Any, kind: type[Exception], message: str
) -> None:
    arguments = {"user_id": "user_1", "actor": "user_2", name: value}

    with pytest.raises(kind, match=re.escape(message)) as caught:
        ActorTokens(KEY, opener=NotAsked()).create(**arguments)

    assert KEY not in str(caught.value)


@pytest.mark.skipif(not hasattr(sys, "get_int_max_str_digits"), reason="any number will do here")
def test_a_number_that_python_does_not_write_is_refused() -> None:
    with pytest.raises(ValueError, match=UNCHANGED):
        create(ActorTokens(KEY, opener=NotAsked()), {"sub": "user_2", "x": 10**5000})


def test_an_error_of_the_users_own_mapping_reaches_the_caller_as_it_is() -> None:
    class Unreadable(dict[str, Any]):
        def keys(self) -> Any:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        create(ActorTokens(KEY, opener=NotAsked()), types.MappingProxyType(Unreadable(sub="u")))


@pytest.mark.parametrize(
    ("token_id", "kind"),
    [
        pytest.param("", ValueError, id="empty"),
        pytest.param("../x", ValueError, id="the path above"),
        pytest.param("act_1/../../users", ValueError, id="a way around"),
        pytest.param("act_1%2e%2e", ValueError, id="encoded dots"),
        pytest.param("act.1", ValueError, id="a dot"),
        pytest.param("act_1\n", ValueError, id="a line end"),
        pytest.param("act 1", ValueError, id="a blank"),
        pytest.param("act_1?", ValueError, id="a query"),
        pytest.param("act_1#", ValueError, id="a fragment"),
        pytest.param("act_\u0661", ValueError, id="a digit that is not ASCII"),
        pytest.param(None, TypeError, id="None"),
        pytest.param(5, TypeError, id="a number"),
        pytest.param(b"act_1", TypeError, id="bytes"),
        pytest.param(ActorToken(**{**TOKEN, "id": "../x"}), ValueError, id="in a token"),
    ],
)
def test_an_id_that_could_change_the_path_is_refused(token_id: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="actor_token_id must be"):
        ActorTokens(KEY, opener=NotAsked()).revoke(token_id)


@pytest.mark.parametrize("secret", [SECRET, LINK], ids=["ticket", "link"])
def test_a_secret_in_place_of_a_tokens_id_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="not its token or URL") as caught:
        ActorTokens(KEY, opener=NotAsked()).revoke(secret)

    assert "eyJhbGciOi" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(KEY, id="the key"),
        pytest.param(f"act_{KEY}", id="the key after act_"),
        pytest.param(f"{KEY}_x", id="the key with more after it"),
        pytest.param("sk_live_another", id="another secret key"),
        pytest.param("pk_test_another", id="a publishable key"),
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda clerk, wrong: clerk.revoke(wrong), id="as the token's ID"),
        pytest.param(lambda clerk, wrong: clerk.create(wrong, "user_2"), id="as the user"),
        pytest.param(lambda clerk, wrong: clerk.create("user_1", wrong), id="as the actor"),
        pytest.param(
            lambda clerk, wrong: clerk.create("user_1", {"sub": wrong}),
            id="as the sub",
        ),
    ],
)
def test_a_key_in_place_of_an_id_is_refused_and_not_repeated(
    wrong: str, call: Callable[[ActorTokens, str], object]
) -> None:
    with pytest.raises(ValueError, match="neither JSON as text nor a key") as caught:
        call(ActorTokens(KEY, opener=NotAsked()), wrong)

    assert wrong not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "timeout"),
    [
        pytest.param(create, 0, id="create, 0"),
        pytest.param(create, -0.2, id="create, less than 0"),
        pytest.param(revoke, 0, id="revoke, 0"),
        pytest.param(revoke, -86_400, id="revoke, the least"),
    ],
)
def test_a_call_without_time_left_sends_nothing(
    pauses: list[float], call: Call, timeout: float
) -> None:
    client = ActorTokens(KEY, opener=NotAsked())

    with raises(RequestTimeoutError) as caught:
        call(client, timeout=timeout)

    assert caught.value.outcome_unknown is False
    assert "to api.clerk.com got no valid response within 0 seconds." in str(caught.value)
    assert str(caught.value).endswith("Clerk did not act.")


# ---- The client: openers


def test_an_opener_is_told_the_seconds_of_the_call() -> None:
    opener = Asked()
    client = ActorTokens(KEY, timeout=7, opener=opener)

    create(client)
    create(client, timeout=3)
    revoke(client, timeout=0.5)

    assert opener.timeouts == [7, 3, 0.5]


def test_a_call_takes_10_seconds_at_most_by_default() -> None:
    opener = Asked()

    create(ActorTokens(KEY, opener=opener))

    assert opener.timeouts == [10.0]


def test_an_opener_that_is_falsy_is_used() -> None:
    class Falsy(Asked):
        def __bool__(self) -> bool:
            return False

    opener = Falsy()

    create(ActorTokens(KEY, opener=opener))

    assert len(opener.requests) == 1


def test_an_opener_is_not_closed_with_the_client() -> None:
    class Closable(Asked):
        def close(self) -> None:
            pytest.fail("it was closed")

    with ActorTokens(KEY, opener=Closable()) as client:
        token = create(client)

    assert token == ActorToken(**TOKEN)


def test_a_response_needs_no_more_than_status_headers_and_read() -> None:
    response = types.SimpleNamespace(status=200, headers={}, read=lambda: JSON)
    opener = Mock(open=Mock(return_value=response))

    token = create(ActorTokens(KEY, opener=opener))

    assert token == ActorToken(**TOKEN)


@pytest.mark.parametrize("read", [lambda: JSON, Mock(side_effect=OSError)], ids=["read", "lost"])
def test_an_openers_response_is_closed(read: Any) -> None:
    response = Mock(status=200, headers={}, read=read)
    opener = Mock(open=Mock(return_value=response))

    with suppress(NoResponseError):
        create(ActorTokens(KEY, opener=opener))

    response.close.assert_called_once_with()


@pytest.mark.parametrize(
    "response",
    [
        pytest.param({"status": 200, "read": lambda: LINK}, id="text as the body"),
        pytest.param({"status": None, "read": lambda: JSON}, id="no status"),
    ],
)
def test_an_invalid_response_of_an_opener_is_a_type_error_that_shows_no_secret(
    response: dict[str, Any],
) -> None:
    opener = Mock(open=Mock(return_value=types.SimpleNamespace(headers={}, **response)))

    with pytest.raises(TypeError) as caught:
        create(ActorTokens(KEY, opener=opener))

    assert_no_secret_shows(caught.value)


@pytest.mark.parametrize(
    "exception", [ValueError("chunk"), OverflowError("chunk"), http.client.IncompleteRead(b"")]
)
def test_what_reading_an_openers_response_raises_becomes_ours(exception: Exception) -> None:
    response = Mock(status=200, headers={}, read=Mock(side_effect=exception))
    opener = Mock(open=Mock(return_value=response))

    with raises(NoResponseError) as caught:
        create(ActorTokens(KEY, opener=opener))

    assert caught.value.outcome_unknown is True


def by_hand(text: str) -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError(text)


@pytest.mark.parametrize(
    ("exception", "kind", "outcome_unknown"),
    [
        pytest.param(ConnectionResetError("reset"), NoResponseError, True, id="reset"),
        pytest.param(ConnectionRefusedError("no"), NoResponseError, False, id="refused"),
        pytest.param(socket.gaierror(-2, "no such name"), NoResponseError, False, id="no name"),
        pytest.param(by_hand("bad"), NoResponseError, False, id="certificate"),
        pytest.param(ssl.SSLError("bad"), NoResponseError, True, id="TLS"),
        pytest.param(
            URLError(ConnectionRefusedError("no")), NoResponseError, False, id="URLError, refused"
        ),
        pytest.param(
            URLError(socket.gaierror(-2, "no name")), NoResponseError, False, id="URLError, no name"
        ),
        pytest.param(
            URLError(by_hand("bad")),
            NoResponseError,
            False,
            id="URLError, certificate",
        ),
        pytest.param(URLError("some text"), NoResponseError, True, id="URLError, a text"),
        pytest.param(TimeoutError("timed out"), RequestTimeoutError, True, id="timeout"),
        pytest.param(
            socket.timeout("timed out"),
            RequestTimeoutError,
            True,
            id="socket.timeout",
        ),
        pytest.param(
            URLError(TimeoutError("timed out")), RequestTimeoutError, True, id="URLError, timeout"
        ),
        pytest.param(
            TimeoutError(errno.ETIMEDOUT, "timed out"), NoResponseError, True, id="ETIMEDOUT"
        ),
        pytest.param(requests.ReadTimeout("t"), RequestTimeoutError, True, id="ReadTimeout"),
        pytest.param(requests.ConnectionError("lost"), NoResponseError, True, id="requests"),
        pytest.param(http.client.BadStatusLine("x"), NoResponseError, True, id="HTTPException"),
        pytest.param(OSError(f"Bearer {KEY}"), NoResponseError, True, id="the key in its text"),
        pytest.param(
            OSError(errno.EIO, f"Bearer {KEY}"), NoResponseError, True, id="the key and a number"
        ),
        pytest.param(
            requests.exceptions.InvalidURL("x"),
            NoResponseError,
            True,
            id="InvalidURL",
        ),
    ],
)
def test_what_an_openers_network_raises_becomes_ours(
    api: responses.RequestsMock,
    clerk: ActorTokens,
    exception: Exception,
    kind: type[NoResponseError],
    outcome_unknown: bool,
) -> None:
    api.post(CREATE_URL, body=exception)

    with raises(kind) as caught:
        create(clerk)

    assert caught.value.outcome_unknown is outcome_unknown
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "exception",
    [TypeError("a bug"), ValueError("a bug"), ZeroDivisionError(), MemoryError(), Exception()],
    ids=lambda exception: type(exception).__name__,
)
def test_anything_else_that_an_opener_raises_reaches_the_caller_as_it_is(
    exception: Exception,
) -> None:
    opener = Mock(open=Mock(side_effect=exception))

    with pytest.raises(type(exception)) as caught:
        create(ActorTokens(KEY, opener=opener))

    assert caught.value is exception


def test_an_opener_is_asked_once_a_call(pauses: list[float]) -> None:
    opener = Sandbox()
    opener.fail_next(503)
    client = ActorTokens(KEY, opener=opener)

    with raises(ClerkErrors):
        revoke(client)

    assert pauses == []


@pytest.mark.parametrize("how", ["return_value", "side_effect"], ids=["returned", "raised"])
def test_a_response_of_an_opener_that_breaks_off_leaves_the_outcome_unknown(how: str) -> None:
    body: Any = Mock(read=Mock(side_effect=ConnectionRefusedError))
    headers: Any = {}
    response = HTTPError(CREATE_URL, 400, "no", headers, body)
    opener = Mock(open=Mock(**{how: response}))

    with raises(NoResponseError) as caught:
        create(ActorTokens(KEY, opener=opener))

    assert caught.value.outcome_unknown is True


@pytest.mark.parametrize("headers", [{"Retry-After": "4"}, None], ids=["headers", "no headers"])
def test_an_opener_may_raise_a_response_without_a_body(headers: Any) -> None:
    raised = HTTPError(CREATE_URL, 429, "no", headers, None)
    opener = Mock(open=Mock(side_effect=raised))

    with raises(SDKError) as caught:
        create(ActorTokens(KEY, opener=opener))

    assert caught.value.status_code == 429
    assert dict(caught.value.headers) == (headers or {})
    assert caught.value.body == ""


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500])
def test_an_opener_may_raise_a_response_that_is_no_success(status: int) -> None:
    headers: Any = {"Retry-After": "4"}
    body = io.BytesIO(b"<p>no</p>")
    response = HTTPError(CREATE_URL, status, "no", headers, body)
    opener = Mock(open=Mock(side_effect=response))

    with raises(SDKError) as caught:
        create(ActorTokens(KEY, opener=opener))

    assert caught.value.status_code == status
    assert caught.value.body == "<p>no</p>"
    assert caught.value.retry_after == 4.0
    assert body.closed


def test_urllibs_own_opener_will_do(serve: Serve) -> None:
    server = serve(answer(http_response()), answer(http_response(CLERKS_ERRORS, 400)))
    client = server.client(opener=urllib.request.build_opener())

    token = create(client)
    with raises(ClerkErrors) as caught:
        revoke(client)

    assert token == ActorToken(**TOKEN)
    assert caught.value.status_code == 400


@pytest.mark.parametrize(("status", "followed"), [(301, 1), (302, 1), (303, 1), (307, 0), (308, 0)])
def test_a_redirect_that_urllib_follows_carries_no_key(
    serve: Serve, status: int, followed: int
) -> None:
    target = serve()
    server = serve(respond({}, status, Location=f"{target.origin}/elsewhere"))

    try:
        create(server.client(opener=urllib.request.build_opener()))
    except SDKError as error:
        assert_no_secret_shows(error)

    assert KEY.encode() in server.requests[0]
    assert KEY.encode() not in b"".join(target.requests)
    assert len(target.requests) == followed


# ---- Responses: a success


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_any_success_may_carry_the_token(
    api: responses.RequestsMock, clerk: ActorTokens, status: int
) -> None:
    api.post(CREATE_URL, json=TOKEN, status=status)

    token = create(clerk)

    assert dataclasses.asdict(token) == TOKEN


BARE = {name: TOKEN[name] for name in TOKEN if name not in ("token", "url")}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(BARE, {**BARE, "token": None, "url": None}, id="no token, no link"),
        pytest.param(
            {**BARE, "token": None, "url": None},
            {**BARE, "token": None, "url": None},
            id="null for both",
        ),
        pytest.param(
            {**TOKEN, "status": "expired"},
            {**TOKEN, "status": "expired"},
            id="status",
        ),
        pytest.param({**TOKEN, "new": {"field": 1}}, TOKEN, id="a new field"),
        pytest.param({**TOKEN, "actor": {}}, {**TOKEN, "actor": {}}, id="an empty actor"),
    ],
)
def test_what_clerk_may_leave_out_or_add_one_day_breaks_nothing(
    api: responses.RequestsMock, clerk: ActorTokens, document: Any, expected: Any
) -> None:
    api.post(REVOKE_URL, json=document)

    token = revoke(clerk)

    assert dataclasses.asdict(token) == expected


def test_a_byte_order_mark_before_the_json_hides_no_token(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, body=b"\xef\xbb\xbf" + JSON)

    token = create(clerk)

    assert token == ActorToken(**TOKEN)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("object", "its object should be text", id="object"),
        pytest.param("id", "its id should be text", id="id"),
        pytest.param("status", "its status should be text", id="status"),
        pytest.param("user_id", "its user_id should be text", id="user_id"),
        pytest.param("actor", "its actor should be an object", id="actor"),
        pytest.param("created_at", "its created_at should be a whole number", id="created_at"),
        pytest.param("updated_at", "its updated_at should be a whole number", id="updated_at"),
        pytest.param("token", "its token should be text or null", id="token"),
        pytest.param("url", "its url should be text or null", id="url"),
    ],
)
@pytest.mark.parametrize("value", [True, 1.5, []], ids=["true", "a fraction", "a list"])
def test_a_field_of_another_type_is_named_with_what_it_should_be(
    api: responses.RequestsMock, clerk: ActorTokens, name: str, expected: str, value: Any
) -> None:
    api.post(CREATE_URL, json={**TOKEN, name: value})

    with raises(ResponseValidationError) as caught:
        create(clerk)

    assert f"but {expected}. Clerk may" in str(caught.value)
    assert caught.value.outcome_unknown is True


@pytest.mark.parametrize("name", list(BARE))
def test_a_missing_field_is_named(
    api: responses.RequestsMock, clerk: ActorTokens, name: str
) -> None:
    document = dict(TOKEN)
    del document[name]
    api.post(CREATE_URL, json=document)

    with raises(
        ResponseValidationError,
    ) as caught:
        create(clerk)

    assert f"but its {name} should be" in str(caught.value)


def test_an_object_that_is_no_actor_token_is_refused(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, json={**TOKEN, "object": "session"})

    with raises(ResponseValidationError) as caught:
        create(clerk)

    assert "its object should be actor_token" in str(caught.value)


NO_TOKENS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"null", id="null"),
    pytest.param(b'"actor_token"', id="text"),
    pytest.param(b"1", id="a number"),
    pytest.param(b"[" + JSON + b"]", id="a list"),
    pytest.param(JSON[:-1], id="half of it"),
    pytest.param(JSON * 2, id="two of it"),
    pytest.param(b"<html><body>Sign in to the hotel's WiFi</body></html>", id="a page"),
    pytest.param(b"[" * 200_000, id="deep lists"),
    pytest.param(b'{"a":' * 100_000, id="deep objects"),
    pytest.param(JSON.replace(b"SUP-1", b"\xff\xfe"), id="not UTF-8"),
    pytest.param(b"\x1f\x8b\x08\x00" + bytes(40), id="gzip"),
]
if hasattr(sys, "get_int_max_str_digits"):  # or Python reads numbers of any length
    NO_TOKENS.append(pytest.param(JSON.replace(b"1763900000000", b"1" * 100_000), id="huge number"))


@pytest.mark.parametrize("body", NO_TOKENS)
def test_a_success_that_is_not_json_is_not_quoted(
    api: responses.RequestsMock, clerk: ActorTokens, body: bytes
) -> None:
    api.post(CREATE_URL, body=body, status=201, content_type="text/html")

    with raises(ResponseValidationError) as caught:
        create(clerk)

    error = caught.value
    assert error.outcome_unknown is True
    assert error.status_code == 201
    assert error.headers["content-type"] == "text/html"
    assert error.body == body.decode(errors="replace")
    assert str(error) == (
        "POST /v1/actor_tokens to api.clerk.com got 201, but it is not JSON, or no JSON object. "
        "Check server_url or CLERK_API_URL. "
        "Clerk may have created a token; a retry could create another."
    )


def test_after_a_revoke_without_a_token_in_its_response_a_retry_is_safe(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(REVOKE_URL, json={})

    with raises(ResponseValidationError) as caught:
        revoke(clerk)

    assert str(caught.value).endswith("Clerk may have revoked the token; a retry is safe.")
    assert caught.value.outcome_unknown is True


# ---- Responses: Clerk's errors


@pytest.mark.parametrize(
    ("status", "outcome_unknown"),
    [
        pytest.param(400, False, id="the least of the 4XX"),
        pytest.param(401, False, id="an invalid key"),
        pytest.param(402, False, id="not in the plan"),
        pytest.param(404, False, id="no such user"),
        pytest.param(422, False, id="an invalid argument"),
        pytest.param(429, False, id="too many requests"),
        pytest.param(499, False, id="the last of the 4XX"),
        pytest.param(500, True, id="the first of the 5XX"),
        pytest.param(503, True, id="not available"),
        pytest.param(599, True, id="the last of the 5XX"),
    ],
)
def test_clerks_own_errors_come_with_all_that_clerk_says(
    api: responses.RequestsMock, clerk: ActorTokens, status: int, outcome_unknown: bool
) -> None:
    api.post(CREATE_URL, json=CLERKS_ERRORS, status=status, headers={"X-Thing": "1"})

    with raises(ClerkErrors) as caught:
        create(clerk)

    error = caught.value
    assert error.outcome_unknown is outcome_unknown
    assert error.status_code == status
    assert error.headers["x-THING"] == "1"
    assert error.errors == (ClerkError(**ENTRY),)
    assert error.clerk_trace_id == TRACE_ID
    assert error.meta == {"docs": "https://clerk.com/docs"}
    assert json.loads(error.body) == CLERKS_ERRORS
    assert error.retry_after is None
    assert f"POST /v1/actor_tokens to api.clerk.com got {status}: " in str(error)
    assert (
        ": actor_token_cannot_be_revoked_code: Actor token cannot be revoked because its status is "
        f"accepted; trace ID {TRACE_ID}."
    ) in str(error)


DID_NOT_ACT = "Clerk did not act."
CHECK_ADDRESS = "Check server_url or CLERK_API_URL."
NOT_FOLLOWED = f"The redirect was not followed. {CHECK_ADDRESS}"
CHECK_ID = "Check the ID: user_... (not an e-mail address) or act_..., of the key's Clerk instance."
TRACE = f"; trace ID {TRACE_ID}."
CREATE_DOUBT = "Clerk may have created a token; a retry could create another."
REVOKE_DOUBT = "Clerk may have revoked the token; a retry is safe."


@pytest.mark.parametrize(
    ("call", "status", "advice"),
    [
        pytest.param(create, 404, f"{TRACE} {CHECK_ID} {DID_NOT_ACT}", id="404 on create"),
        pytest.param(revoke, 404, f"{TRACE} {CHECK_ID} {DID_NOT_ACT}", id="404 on revoke"),
        pytest.param(create, 400, f"{TRACE} {DID_NOT_ACT}", id="400 on create"),
        pytest.param(create, 401, f"{TRACE} {DID_NOT_ACT}", id="401 on create"),
        pytest.param(create, 403, f"{TRACE} {DID_NOT_ACT}", id="403 on create"),
        pytest.param(create, 405, f"{TRACE} {DID_NOT_ACT}", id="405 on create"),
        pytest.param(revoke, 422, f"{TRACE} {DID_NOT_ACT}", id="422 on revoke"),
        pytest.param(create, 500, f"{TRACE} {CREATE_DOUBT}", id="500 on create"),
        pytest.param(revoke, 500, f"{TRACE} {REVOKE_DOUBT}", id="500 on revoke"),
    ],
)
def test_the_message_for_clerks_errors_ends_with_what_to_do(
    api: responses.RequestsMock,
    clerk: ActorTokens,
    call: Call,
    status: int,
    advice: str,
) -> None:
    api.post(re.compile(".*"), json=CLERKS_ERRORS, status=status)

    with raises(ClerkErrors) as caught:
        call(clerk)

    assert str(caught.value).endswith(advice)
    assert CHECK_ADDRESS not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "status", "advice"),
    [
        pytest.param(create, 404, f"{CHECK_ADDRESS} {DID_NOT_ACT}", id="404 on create"),
        pytest.param(revoke, 404, f"{CHECK_ADDRESS} {DID_NOT_ACT}", id="404 on revoke"),
        pytest.param(create, 301, f"{NOT_FOLLOWED} {DID_NOT_ACT}", id="301 on create"),
        pytest.param(create, 399, f"{NOT_FOLLOWED} {DID_NOT_ACT}", id="399 on create"),
        pytest.param(create, 400, DID_NOT_ACT, id="400 on create"),
        pytest.param(create, 401, DID_NOT_ACT, id="401 on create"),
        pytest.param(create, 403, DID_NOT_ACT, id="403 on create"),
        pytest.param(create, 405, DID_NOT_ACT, id="405 on create"),
        pytest.param(create, 502, CREATE_DOUBT, id="502 on create"),
        pytest.param(revoke, 502, REVOKE_DOUBT, id="502 on revoke"),
    ],
)
def test_the_message_for_somebody_elses_page_ends_with_what_to_do(
    api: responses.RequestsMock,
    clerk: ActorTokens,
    call: Call,
    status: int,
    advice: str,
) -> None:
    api.post(re.compile(".*"), body="<p>no</p>", status=status)

    with raises(SDKError) as caught:
        call(clerk)

    assert str(caught.value).endswith(f": <p>no</p>. {advice}")


@pytest.mark.parametrize(
    ("status", "outcome_unknown"),
    [
        pytest.param(100, True, id="100"),
        pytest.param(101, True, id="101"),
        pytest.param(199, True, id="199"),
        pytest.param(300, False, id="300"),
        pytest.param(304, False, id="304"),
        pytest.param(399, False, id="399"),
        pytest.param(600, True, id="600"),
        pytest.param(999, True, id="999"),
    ],
)
def test_an_error_with_any_other_status_says_if_clerk_may_have_acted(
    status: int, outcome_unknown: bool
) -> None:
    response = types.SimpleNamespace(status=status, headers={}, read=lambda: b"<p>no</p>")
    opener = Mock(open=Mock(return_value=response))

    with raises(SDKError) as caught:
        create(ActorTokens(KEY, opener=opener))

    assert caught.value.status_code == status
    assert caught.value.outcome_unknown is outcome_unknown


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 399])
def test_a_redirect_is_an_error_that_says_to_check_the_address(
    api: responses.RequestsMock, clerk: ActorTokens, status: int
) -> None:
    headers = {"Location": "https://evil.example/"}
    api.post(CREATE_URL, body="<p>moved</p>", status=status, headers=headers)

    with raises(SDKError) as caught:
        create(clerk)

    assert caught.value.status_code == status
    assert caught.value.headers["location"] == "https://evil.example/"
    assert caught.value.outcome_unknown is False
    assert str(caught.value) == (
        f"POST /v1/actor_tokens to api.clerk.com got {status}: <p>moved</p>. "
        "The redirect was not followed. Check server_url or CLERK_API_URL. Clerk did not act."
    )


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("3", 3.0, id="3"),
        pytest.param("0", 0.0, id="0"),
        pytest.param("999999999", 999999999.0, id="nine digits"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("-3", None, id="negative"),
        pytest.param("soon", None, id="a word"),
        pytest.param("nan", None, id="nan"),
        pytest.param("inf", None, id="inf"),
        pytest.param("1e3", None, id="an exponent"),
        pytest.param("3.", None, id="a point and no fraction"),
        pytest.param("3, 3", None, id="two numbers"),
        pytest.param("", None, id="nothing"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", None, id="a date"),
    ],
)
def test_retry_after_is_a_number_of_seconds(
    api: responses.RequestsMock, clerk: ActorTokens, status: int, value: str, seconds: float | None
) -> None:
    api.post(CREATE_URL, json=CLERKS_ERRORS, status=status, headers={"retry-AFTER": value})

    with raises(ClerkErrors) as caught:
        create(clerk)

    assert caught.value.retry_after == seconds
    assert "Wait" not in str(caught.value)


def test_blanks_around_retry_after_are_of_no_concern(serve: Serve) -> None:
    server = serve(respond({}, 429, Retry_After=" 7 \t"))

    with raises(SDKError) as caught:
        create(server.client(max_retries=0))

    assert caught.value.retry_after == 7.0


def test_a_gateways_page_has_a_retry_after_as_well(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, body="<p>no</p>", status=503, headers={"Retry-After": "3"})

    with raises(SDKError) as caught:
        create(clerk)

    assert caught.value.retry_after == 3.0


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"errors": [{"code": "c"}]}, ClerkError("c", "", ""), id="code alone"),
        pytest.param(
            {"errors": [{"code": "c", "message": None, "long_message": None, "meta": None}]},
            ClerkError("c", "", ""),
            id="null for the rest",
        ),
        pytest.param(
            {"errors": [{"code": "c", "message": "m", "long_message": 5, "meta": 1}]},
            ClerkError("c", "m", ""),
            id="odd types",
        ),
        pytest.param(
            {"errors": [{"code": "c", "message": 5, "long_message": "l", "meta": []}]},
            ClerkError("c", "", "l"),
            id="odd message",
        ),
        pytest.param(
            {"errors": [{"code": "c"}], "clerk_trace_id": 5, "meta": []},
            ClerkError("c", "", ""),
            id="odd extras",
        ),
    ],
)
def test_missing_or_odd_texts_do_not_hide_the_code_of_clerks_error(
    api: responses.RequestsMock, clerk: ActorTokens, document: Any, expected: ClerkError
) -> None:
    api.post(CREATE_URL, json=document, status=422)

    with raises(ClerkErrors) as caught:
        create(clerk)

    assert caught.value.errors == (expected,)
    assert caught.value.clerk_trace_id is None
    assert caught.value.meta is None
    assert "None" not in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        pytest.param({"code": "c"}, " 422: c. Clerk did", id="code alone"),
        pytest.param({"code": "c", "message": "short"}, " 422: c: short. Clerk", id="short"),
        pytest.param(
            {"code": "c", "message": "short", "long_message": "A long one."},
            " 422: c: A long one. Clerk",
            id="long message",
        ),
        pytest.param(
            {"code": "c", "message": "a\n\tb\x1b[2J  c"}, ": c: a b [2J c. Clerk", id="controls"
        ),
    ],
)
def test_the_message_quotes_clerks_error_in_its_longest_form(
    api: responses.RequestsMock, clerk: ActorTokens, entry: Any, shown: str
) -> None:
    api.post(CREATE_URL, json={"errors": [entry]}, status=422)

    with raises(ClerkErrors) as caught:
        create(clerk)

    assert shown in str(caught.value)


def test_the_message_quotes_long_codes_and_the_trace_id_whole(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    code = "organization_domain_enrollment_mode_not_enabled"
    trace_id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    document = {"errors": [{"code": code}], "clerk_trace_id": trace_id}
    api.post(CREATE_URL, json=document, status=422)

    with raises(ClerkErrors) as caught:
        create(clerk)

    assert f": {code}; trace ID {trace_id}." in str(caught.value)


def test_the_message_quotes_ten_of_clerks_errors_at_most(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    document = {"errors": [{"code": f"code_{number}"} for number in range(1, 12)]}
    api.post(CREATE_URL, json=document, status=422)

    with raises(ClerkErrors) as caught:
        create(clerk)

    assert len(caught.value.errors) == 11
    assert "code_9; code_10." in str(caught.value)
    assert "code_11" not in str(caught.value)


# ---- Responses: anything else that is no success


GATEWAYS = [
    pytest.param('{"message": "Forbidden here"}', ": Forbidden here. Clerk may", id="message"),
    pytest.param('{"detail": "Not here"}', ": Not here. Clerk may", id="detail"),
    pytest.param('{"message": "One", "detail": "Two"}', ": One. Clerk may", id="both"),
    pytest.param('{"message": 5, "detail": null}', " got 502. Clerk may", id="no texts"),
    pytest.param('{"x": "hidden"}', " got 502. Clerk may", id="another field"),
    pytest.param("{}", " got 502. Clerk may", id="an empty object"),
    pytest.param("[]", " got 502. Clerk may", id="an empty list"),
    pytest.param("", " got 502. Clerk may", id="nothing"),
    pytest.param("null", ": null. Clerk may", id="null"),
    pytest.param('["hidden"]', " got 502. Clerk may", id="a list"),
    pytest.param('"hidden"', " got 502. Clerk may", id="text"),
    pytest.param(' {"hidden"', " got 502. Clerk may", id="half an object"),
    pytest.param('\n["hidden"', " got 502. Clerk may", id="half a list"),
    pytest.param("[" * 100_000, " got 502. Clerk may", id="deep lists"),
    pytest.param('{"errors": "hidden"}', " got 502. Clerk may", id="errors as text"),
    pytest.param('{"errors": [1]}', " got 502. Clerk may", id="a number for an entry"),
    pytest.param('{"errors": [{}]}', " got 502. Clerk may", id="an entry without a code"),
    pytest.param(
        '{"errors": {"code": "x"}}',
        " got 502. Clerk may",
        id="an object of errors",
    ),
    pytest.param('{"errors": [{"code": 5}]}', " got 502. Clerk may", id="a number as code"),
    pytest.param("<p>a\r\n  b\x1b[31m</p>", ": <p>a b [31m</p>. Clerk may", id="a page"),
    pytest.param("No \u2028 entry...", ": No entry. Clerk may", id="a sentence"),
    pytest.param("Wait: ", ": Wait. Clerk may", id="a colon"),
]


@pytest.mark.parametrize(("body", "shown"), GATEWAYS)
def test_the_message_quotes_a_page_or_the_text_in_a_gateways_json(
    api: responses.RequestsMock, clerk: ActorTokens, body: str, shown: str
) -> None:
    api.post(CREATE_URL, body=body.encode(), status=502)

    with raises(SDKError) as caught:
        create(clerk)

    assert shown in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.outcome_unknown is True
    assert caught.value.body == body


def test_a_byte_order_mark_is_no_part_of_an_errors_body(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, body="\ufeff<p>no</p>".encode(), status=502)

    with raises(SDKError) as caught:
        create(clerk)

    assert caught.value.body == "<p>no</p>"
    assert ": <p>no</p>. Clerk may" in str(caught.value)


def test_a_byte_order_mark_hides_none_of_clerks_errors(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, body=b"\xef\xbb\xbf" + json.dumps(CLERKS_ERRORS).encode(), status=400)

    with raises(ClerkErrors) as caught:
        create(clerk)

    assert caught.value.errors == (ClerkError(**ENTRY),)


def test_a_body_that_is_not_utf_8_is_quoted_with_question_marks(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, body=b"<pre>a \xff b", status=502)

    with raises(SDKError) as caught:
        create(clerk)

    assert caught.value.body == "<pre>a \ufffd b"
    assert ": <pre>a \ufffd b." in str(caught.value)


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        pytest.param("x " * 99 + "yz", "x " * 99 + "yz", id="200 characters"),
        pytest.param("x " * 99 + "xyz", "x " * 99 + "xy", id="201 characters"),
        pytest.param("x " * 50_000, "x " * 99 + "x", id="100,000 characters"),
        pytest.param("x" + " " * 19_998 + "yhidden", "x y", id="cut after 20,000 characters"),
    ],
)
def test_the_message_quotes_200_characters_of_a_page_at_most(
    api: responses.RequestsMock, clerk: ActorTokens, page: str, shown: str
) -> None:
    api.post(CREATE_URL, body=page, status=502)

    with raises(SDKError) as caught:
        create(clerk)

    assert f" got 502: {shown}. Clerk may" in str(caught.value)


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        pytest.param(f"<{SECRET}>", "<***>", id="a token"),
        pytest.param("x" + SECRET, "xeyJhbGciOiJSUzI1NiJ9.***", id="a token after a letter"),
        pytest.param("act_29w9IeyJNja3mP8GDXpq", "act_29w9IeyJNja3mP8GDXpq", id="an ID"),
        pytest.param(SECRET[:12], "***", id="half a token"),
        pytest.param("sk_live_another!", "***!", id="another key"),
        pytest.param("(sk_other)", "(***)", id="a key of another kind"),
        pytest.param("xsk_live_another", "x***", id="a key after a letter"),
        pytest.param("xsk_test_another", "x***", id="a test key after a letter"),
        pytest.param("a task_queue", "a task_queue", id="a word with sk in it"),
        pytest.param(f"<{KEY}>", "<***>", id="the key"),
    ],
)
def test_what_looks_like_a_secret_in_a_page_is_masked_in_the_message(
    api: responses.RequestsMock, clerk: ActorTokens, page: str, shown: str
) -> None:
    api.post(CREATE_URL, body=page, status=502)

    with raises(SDKError) as caught:
        create(clerk)

    assert f" got 502: {shown}. Clerk may" in str(caught.value)


@pytest.mark.parametrize("before", [0, 150, 195, 990])
@pytest.mark.parametrize("status", [200, 302, 502])
def test_no_secret_is_quoted_wherever_it_is_in_a_response(
    api: responses.RequestsMock, clerk: ActorTokens, before: int, status: int
) -> None:
    page = f"{'x ' * (before // 2)}{KEY} {SECRET} \x1b[2J"
    api.post(CREATE_URL, body=page, status=status, headers={"Location": page, "Content-Type": page})

    with raises(ClerkBaseError) as caught:
        create(clerk)

    assert "sk_test" not in str(caught.value)
    assert "eyJhbGciOi" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 400, 502])
def test_a_key_that_is_sent_back_is_masked_in_all_that_an_error_carries(
    api: responses.RequestsMock, clerk: ActorTokens, status: int
) -> None:
    document = {**CLERKS_ERRORS, "clerk_trace_id": f"x {KEY}"}
    headers = {"X-Echo": f"Bearer {KEY}", "Location": KEY}
    api.post(CREATE_URL, json=document, status=status, headers=headers)

    with raises(ClerkBaseError) as caught:
        create(clerk)

    error: Any = caught.value
    assert error.headers["X-Echo"] == "Bearer ***"
    assert "x ***" in error.body
    assert KEY not in str(texts_of_attributes(error))


def test_a_key_in_a_deep_envelope_is_no_crash(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    body = '{"errors": [{"code": "c", "meta": ' + '{"a":' * 100_000 + "1" + "}" * 100_002 + "]}"
    api.post(CREATE_URL, body=body, status=502)

    with raises(SDKError) as caught:
        create(clerk)

    assert caught.value.status_code == 502


def test_all_headers_of_a_name_are_kept(serve: Serve) -> None:
    server = serve(respond({}, 400, Set_Cookie="a=1\r\nSet-Cookie: b=2"))

    with raises(SDKError) as caught:
        create(server.client())

    assert caught.value.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


# ---- Responses: none


@pytest.mark.parametrize(
    ("exception", "shown"),
    [
        pytest.param(
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
            "POST /v1/actor_tokens to api.clerk.com got no valid response: Connection reset by "
            "peer. Clerk may have created a token; a retry could create another.",
            id="lost",
        ),
        pytest.param(
            ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
            "POST /v1/actor_tokens to api.clerk.com got no valid response: Connection refused. "
            "Clerk did not act.",
            id="refused",
        ),
        pytest.param(
            ConnectionResetError(),
            "POST /v1/actor_tokens to api.clerk.com got no valid response. "
            "Clerk may have created a token; a retry could create another.",
            id="without a text",
        ),
        pytest.param(
            http.client.BadStatusLine("SSH-2.0-OpenSSH"),
            "POST /v1/actor_tokens to api.clerk.com got no valid response: SSH-2.0-OpenSSH. "
            "Clerk may have created a token; a retry could create another.",
            id="invalid",
        ),
        pytest.param(
            URLError(""),
            "POST /v1/actor_tokens to api.clerk.com got no valid response: <urlopen error >. "
            "Clerk may have created a token; a retry could create another.",
            id="without a reason",
        ),
        pytest.param(
            OSError(f"{KEY[:12]} {KEY}"),
            "POST /v1/actor_tokens to api.clerk.com got no valid response: *** ***. "
            "Clerk may have created a token; a retry could create another.",
            id="the key in its text",
        ),
        pytest.param(
            TimeoutError(),
            "POST /v1/actor_tokens to api.clerk.com got no valid response within 2.5 seconds. "
            "Clerk may have created a token; a retry could create another.",
            id="timeout",
        ),
    ],
)
def test_the_message_says_why_no_response_came(
    api: responses.RequestsMock, exception: Exception, shown: str
) -> None:
    api.post(CREATE_URL, body=exception)

    with raises(ClerkBaseError) as caught:
        create(ActorTokens(KEY, opener=RequestsOpener(), timeout=2.5))

    assert str(caught.value) == shown


def test_after_a_revoke_without_a_response_a_retry_is_safe(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(REVOKE_URL, body=ConnectionResetError("reset"))

    with raises(NoResponseError) as caught:
        revoke(clerk)

    assert str(caught.value).endswith(REVOKE_DOUBT)
    assert caught.value.outcome_unknown is True


def certificate_error(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL] certificate verify failed: the cause")
    error.verify_code = code
    error.verify_message = "the cause"
    return error


OTHER_AUTHORITY = "On a Mac, run Python's 'Install Certificates.command'. Behind a company's proxy"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        pytest.param(9, "Check this machine's clock.", id="not valid yet"),
        pytest.param(10, "Check this machine's clock.", id="expired"),
        pytest.param(62, CHECK_ADDRESS, id="another host"),
        pytest.param(64, CHECK_ADDRESS, id="another IP address"),
        pytest.param(8, OTHER_AUTHORITY, id="8"),
        pytest.param(11, OTHER_AUTHORITY, id="11"),
        pytest.param(18, OTHER_AUTHORITY, id="self-signed"),
        pytest.param(20, OTHER_AUTHORITY, id="unknown authority"),
        pytest.param(61, OTHER_AUTHORITY, id="61"),
        pytest.param(63, OTHER_AUTHORITY, id="63"),
        pytest.param(65, OTHER_AUTHORITY, id="65"),
    ],
)
def test_the_advice_for_an_invalid_certificate_fits_its_cause(
    api: responses.RequestsMock, clerk: ActorTokens, code: int, advice: str
) -> None:
    api.post(CREATE_URL, body=certificate_error(code))

    with raises(NoResponseError) as caught:
        create(clerk)

    assert f"got no valid response: the cause. {advice}" in str(caught.value)
    assert str(caught.value).endswith(" Clerk did not act.")
    assert "retry" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param(
            "no/such/file.pem",
            "SSL_CERT_FILE names a file that does not",
            id="no file",
        ),
        pytest.param(__file__, "On a Mac, run Python's 'Install Certificates", id="a file"),
        pytest.param("", "On a Mac, run Python's 'Install Certificates", id="not set"),
    ],
)
def test_the_advice_for_an_unknown_authority_looks_at_ssl_cert_file(
    api: responses.RequestsMock, clerk: ActorTokens, monkeypatch: Patch, path: str, shown: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", path)
    api.post(CREATE_URL, body=certificate_error(20))

    with raises(NoResponseError) as caught:
        create(clerk)

    assert shown in str(caught.value)


def test_a_certificate_error_made_by_hand_is_no_crash(
    api: responses.RequestsMock, clerk: ActorTokens
) -> None:
    api.post(CREATE_URL, body=ssl.SSLCertVerificationError("bad certificate"))

    with raises(NoResponseError) as caught:
        create(clerk)

    assert "bad certificate" in str(caught.value)
    assert caught.value.outcome_unknown is False


# ---- The wire: servers on loopback


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
    """A server on loopback. It plays a script for each connection, the last one for all further."""

    def __init__(self, scripts: tuple[Script, ...], tls: Any, trust: Any, listener: Any) -> None:
        self.scripts = scripts
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopped = threading.Event()
        self.hung_up = threading.Event()
        self._tls: ssl.SSLContext | None = tls
        self._trust: ssl.SSLContext = trust
        self._clients: list[ActorTokens] = []
        self._sockets: list[socket.socket] = []
        self._listener: socket.socket = listener or socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://localhost:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                script = self.scripts[min(self.connections, len(self.scripts) - 1)]
                self.connections += 1
                self._sockets.append(sock)
                self._threads.append(threading.Thread(target=self._play, args=(script, sock)))
                self._threads[-1].start()

    def _play(self, script: Script, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            if self._tls is None:
                script(Peer(self, sock))
            else:
                with self._tls.wrap_socket(sock, server_side=True) as tls:
                    self._sockets.append(tls)
                    script(Peer(self, tls))
        self.hung_up.set()

    def client(self, **options: Any) -> ActorTokens:
        """A client of the server, which trusts its certificate. It is closed after the test."""
        url = options.setdefault("server_url", f"{self.origin}/v1")
        if url.startswith("https:"):
            options.setdefault("ssl_context", self._trust)
        self._clients.append(ActorTokens(KEY, **options))
        return self._clients[-1]

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a script did not end"


def http_response(document: Any = TOKEN, status: int = 200, **headers: Any) -> bytes:
    """The bytes of a response. In the names of the headers, _ stands for -."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"Content_Type": "application/json", "Content_Length": len(body), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {fields[name]}\r\n" for name in fields)
    return f"HTTP/1.1 {status} Something\r\n{lines}\r\n".encode() + body


def answer(*messages: bytes, then: Iterable[bytes] = ()) -> Script:
    def script(peer: Peer) -> None:
        for message in itertools.chain(messages, then):
            if not peer.read_request():
                return
            peer.send(message)

    return script


def send(data: bytes) -> Script:
    return answer(then=itertools.repeat(data))


def respond(document: Any = TOKEN, status: int = 200, **headers: Any) -> Script:
    return send(http_response(document, status, **headers))


def trickle(before: bytes, piece: bytes, every: float = 0.01) -> Script:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(before)
        while not peer.server.stopped.wait(every):
            peer.send(piece)

    return script


def stay_silent(peer: Peer) -> None:
    peer.read_request()
    peer.wait_for_hang_up()


def ignore(peer: Peer) -> None:
    peer.wait_for_hang_up()


def hang_up(peer: Peer) -> None:
    peer.read_request()


def reset(peer: Peer) -> None:
    peer.read_request()
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def trust(ca: trustme.CA) -> ssl.SSLContext:
    """TLS settings for a client that trusts the servers here."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def tls(ca: trustme.CA) -> ssl.SSLContext:
    """TLS settings for a server."""
    return server_context(ca.issue_cert("localhost", "127.0.0.1", "::1"))


@pytest.fixture
def serve(tls: ssl.SSLContext, trust: ssl.SSLContext) -> Iterator[Serve]:
    """Start servers, over TLS with `https=True`, and end them after the test."""
    servers = []

    def start(*scripts: Script, https: Any = False, listener: Any = None) -> Server:
        context = tls if https is True else https or None
        servers.append(Server(scripts or (respond(),), context, trust, listener))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve: Serve, monkeypatch: Patch) -> Server:
    """A server that the environment names. A test may change its scripts."""
    server = serve()
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    monkeypatch.setenv("CLERK_API_URL", server.origin)
    return server


PLAIN_AND_TLS = pytest.mark.parametrize("https", [False, True], ids=["plain", "TLS"])
SIGNALS = pytest.mark.skipif(os.name == "nt", reason="signals are different on Windows")


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def user_of(request: bytes) -> str:
    return str(json.loads(request.partition(b"\r\n\r\n")[2])["user_id"])


def echo(peer: Peer) -> None:
    """Answer each create with a token for the user it names."""
    while request := peer.read_request():
        peer.send(http_response({**TOKEN, "user_id": user_of(request)}))


def in_threads(number: int, work: Callable[[int], object]) -> None:
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(work, range(number)))  # raises what they raise


# ---- The wire: what is sent


def test_these_bytes_and_no_others_are_sent_for_a_create(server: Server) -> None:
    client = server.client()

    create(client, "user_2", expires_in_seconds=60, session_max_duration_in_seconds=90)

    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    assert line == "POST /v1/actor_tokens HTTP/1.1"
    assert sorted(headers) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        f"Authorization: Bearer {KEY}",
        "Clerk-api-version: 2026-05-12",
        f"Content-Length: {len(body)}",
        "Content-type: application/json",
        f"Host: localhost:{server.port}",
        f"User-agent: clerk-actor-tokens/{clerk_actor_tokens.__version__}",
    ]
    assert body == (
        '{"user_id": "user_1a2b3c", "actor": {"sub": "user_2"}, '
        '"expires_in_seconds": 60, "session_max_duration_in_seconds": 90}'
    )


def test_these_bytes_and_no_others_are_sent_for_a_revoke(server: Server) -> None:
    client = server.client()

    client.revoke("act_1")

    head, _, body = server.requests[0].decode().partition("\r\n\r\n")
    line, *headers = head.split("\r\n")
    assert line == "POST /v1/actor_tokens/act_1/revoke HTTP/1.1"
    assert sorted(headers) == [
        "Accept-Encoding: identity",
        "Accept: application/json",
        f"Authorization: Bearer {KEY}",
        "Clerk-api-version: 2026-05-12",
        "Content-Length: 0",
        f"Host: localhost:{server.port}",
        f"User-agent: clerk-actor-tokens/{clerk_actor_tokens.__version__}",
    ]
    assert body == ""


@PLAIN_AND_TLS
def test_a_create_and_a_revoke_work_over_a_connection(serve: Serve, https: bool) -> None:
    server = serve(https=https)
    client = server.client()

    created = create(client)
    revoked = revoke(client)

    assert created == ActorToken(**TOKEN)
    assert revoked == ActorToken(**TOKEN)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("url", "place"),
    [
        pytest.param("http://localhost/v1", ("localhost", 80), id="80 for http"),
        pytest.param("https://localhost/v1", ("localhost", 443), id="443 for https"),
        pytest.param("http://localhost:8080/v1", ("localhost", 8080), id="the given port"),
        pytest.param("https://[::1]/v1", ("::1", 443), id="IPv6 without brackets"),
    ],
)
def test_the_server_is_looked_up_by_its_name_and_port(
    monkeypatch: Patch, url: str, place: tuple[str, int]
) -> None:
    asked = []

    def look_up(host: str, port: int, *_: Any) -> Any:
        asked.append((host, port))
        raise socket.gaierror(socket.EAI_NONAME, "Name not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with raises(NoResponseError):
        create(ActorTokens(KEY, server_url=url, max_retries=0))

    assert asked == [place]


def test_getaddrinfo_may_be_replaced_by_a_function_that_takes_no_keywords(
    serve: Serve, monkeypatch: Patch
) -> None:
    look_up = socket.getaddrinfo

    def ipv4_only(host: Any, port: Any, family: int = 0, kind: int = 0, /, *more: int) -> Any:
        return look_up(host, port, socket.AF_INET, kind, *more)

    server = serve()
    monkeypatch.setattr(socket, "getaddrinfo", ipv4_only)

    token = create(server.client())

    assert token == ActorToken(**TOKEN)


def record_connections(monkeypatch: Patch) -> list[socket.socket]:
    """The sockets that are connected from now on."""
    sockets: list[socket.socket] = []
    connect = socket.create_connection

    def connect_and_record(*given: Any) -> socket.socket:
        sockets.append(connect(*given))
        return sockets[-1]

    monkeypatch.setattr(socket, "create_connection", connect_and_record)
    return sockets


def test_small_packets_are_not_held_back(serve: Serve, monkeypatch: Patch) -> None:
    server = serve()
    sockets = record_connections(monkeypatch)

    create(server.client())

    assert sockets[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.mark.parametrize("kind", ["HTTPConnection", "HTTPSConnection"])
@PLAIN_AND_TLS
def test_a_debug_level_that_a_program_set_prints_no_key(
    serve: Serve, monkeypatch: Patch, capsys: pytest.CaptureFixture[str], kind: str, https: bool
) -> None:
    monkeypatch.setattr(f"http.client.{kind}.debuglevel", 1)
    server = serve(https=https)

    create(server.client())

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == ""


@PLAIN_AND_TLS
def test_sentry_x_ray_and_ddtrace_see_one_call_with_its_url(
    serve: Serve, monkeypatch: Patch, https: bool
) -> None:
    seen = []

    def trace(name: str) -> None:
        """Wrap a method as these tools do."""
        original = getattr(http.client.HTTPConnection, name)

        def wrapper(self: http.client.HTTPConnection, *args: Any, **options: Any) -> Any:
            scheme = {443: "https", 80: "http"}[self.default_port]
            seen.append(f"{name} {scheme}://{self.host}:{self.port}")
            return original(self, *args, **options)

        monkeypatch.setattr(http.client.HTTPConnection, name, wrapper)

    server = serve(https=https)
    for name in ("_send_request", "putrequest", "getresponse"):
        trace(name)

    create(server.client())

    assert seen == [
        f"_send_request {server.origin}",
        f"putrequest {server.origin}",
        f"getresponse {server.origin}",
    ]


def test_a_request_goes_to_an_ipv6_address(serve: Serve) -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = serve(https=True, listener=listener)

    create(server.client(server_url=f"https://[::1]:{server.port}/v1"))

    assert f"\r\nHost: [::1]:{server.port}\r\n".encode() in server.requests[0]


def test_redirects_are_not_followed(serve: Serve) -> None:
    target = serve()
    server = serve(respond({}, 307, Location=target.origin))

    with raises(SDKError) as caught:
        create(server.client())

    assert caught.value.status_code == 307
    assert target.connections == 0


# ---- The wire: the deadline


# Seconds that a busy machine may add. A server that gained by stalling would gain far more.
LATE = 1.5


@contextmanager
def times_out_after(seconds: float, *, outcome_unknown: bool) -> Iterator[None]:
    """Expect a timeout after all of these seconds, and soon then."""
    start = time.monotonic()
    with raises(RequestTimeoutError) as caught:
        try:
            yield
        finally:
            elapsed = time.monotonic() - start
    assert seconds <= elapsed < seconds + LATE
    assert f"within {seconds:g} seconds" in str(caught.value)
    assert caught.value.outcome_unknown is outcome_unknown


@pytest.mark.parametrize(
    "stall",
    [
        pytest.param(stay_silent, id="silence"),
        pytest.param(trickle(b"", b"H"), id="the status line"),
        pytest.param(trickle(OK, b"X"), id="a header"),
        pytest.param(trickle(OK, b"X-Header: 1\r\n"), id="headers"),
        pytest.param(trickle(b"", CONTINUE), id="100 Continue"),
        pytest.param(trickle(OK + b"Content-Length: 5000\r\n\r\n", b" "), id="the body"),
        pytest.param(trickle(OK + b"\r\n", b" "), id="a body without a length"),
        pytest.param(trickle(CHUNKED, b"1\r\n \r\n"), id="chunks"),
        pytest.param(trickle(CHUNKED + b"0\r\n", b"X: 1\r\n"), id="trailers"),
    ],
)
@PLAIN_AND_TLS
def test_a_response_that_trickles_does_not_outlast_the_timeout(
    serve: Serve, stall: Script, https: bool
) -> None:
    server = serve(stall, https=https)
    client = server.client()

    with times_out_after(0.3, outcome_unknown=True):
        revoke(client, timeout=0.3)

    assert len(server.requests) == 1, "sent again after the deadline"


def test_the_clients_timeout_is_used_if_a_call_has_none(serve: Serve) -> None:
    client = serve(stay_silent).client(timeout=0.2)

    with times_out_after(0.2, outcome_unknown=True):
        create(client)


def test_a_stalled_tls_handshake_does_not_outlast_the_timeout(serve: Serve) -> None:
    server = serve(ignore)
    client = server.client(server_url=f"https://localhost:{server.port}/v1")

    with times_out_after(0.2, outcome_unknown=False):
        create(client, timeout=0.2)


def test_a_tls_handshake_has_only_the_time_that_connecting_left(
    serve: Serve, monkeypatch: Patch
) -> None:
    server = serve(ignore)
    client = server.client(server_url=f"https://localhost:{server.port}/v1")
    later = pass_time_while_connecting(monkeypatch, 60)
    start = time.perf_counter()

    with raises(RequestTimeoutError):
        create(client, timeout=60.2)

    assert later == [60]
    assert time.perf_counter() - start < 0.2 + LATE


def pass_time_while_connecting(monkeypatch: Patch, seconds: float) -> list[float]:
    """Let every connection take these seconds, by the clock. Returns those that have passed."""
    passed: list[float] = []
    connect = socket.create_connection
    clock = time.monotonic

    def connect_slowly(*given: Any) -> socket.socket:
        sock = connect(*given)
        passed.append(seconds)
        return sock

    monkeypatch.setattr(socket, "create_connection", connect_slowly)
    monkeypatch.setattr(time, "monotonic", lambda: clock() + sum(passed))
    return passed


@PLAIN_AND_TLS
def test_a_server_that_reads_slowly_does_not_outlast_the_timeout(serve: Serve, https: bool) -> None:
    def sip(peer: Peer) -> None:
        while not peer.server.stopped.wait(0.01):
            peer.sock.recv(1024)

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client = serve(sip, https=https, listener=listener).client()
    actor = {"sub": "user_2", "x": "x" * 5_000_000}

    with times_out_after(1.0, outcome_unknown=True):
        create(client, actor, timeout=1.0)


@pytest.mark.parametrize("seconds", [3, 2], ids=["more than all", "exactly all"])
def test_nothing_is_sent_if_connecting_took_all_of_the_time(
    server: Server, pauses: list[float], monkeypatch: Patch, seconds: float
) -> None:
    connect = socket.create_connection

    def connect_slowly(*given: Any) -> socket.socket:
        sock = connect(*given)
        pauses.append(seconds)
        return sock

    monkeypatch.setattr(socket, "create_connection", connect_slowly)

    with raises(RequestTimeoutError) as caught:
        create(server.client(timeout=2))

    assert caught.value.outcome_unknown is False
    assert server.requests == []


def test_a_request_that_was_late_for_an_idle_connection_is_not_sent_with_the_next_one(
    serve: Serve, pauses: list[float], monkeypatch: Patch
) -> None:
    server = serve(echo)
    client = server.client(timeout=2)
    client.create("user_first", "user_2")
    clock = time.time

    def stall() -> float:
        """The process is stopped for 3 seconds just when the idle connection is looked at."""
        monkeypatch.setattr(time, "time", clock)
        pauses.append(3)
        return clock()

    monkeypatch.setattr(time, "time", stall)
    with raises(RequestTimeoutError) as caught:
        client.create("user_late", "user_2")
    token = client.create("user_next", "user_2")

    assert caught.value.outcome_unknown is False
    assert token.user_id == "user_next"
    assert [user_of(request) for request in server.requests] == ["user_first", "user_next"]


@contextmanager
def mute_port() -> Iterator[int]:
    """A port of this machine that accepts no connection, and refuses none: its backlog is full."""
    with socket.socket() as full, ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def name_leads_to(monkeypatch: Patch, *ports: int) -> None:
    """Let the name localhost have an address for each of these ports of this machine."""
    look_up = socket.getaddrinfo

    def addresses(host: str, *more: Any) -> Any:
        if host != "localhost":
            return look_up(host, *more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)


def test_the_addresses_of_a_name_share_the_time(serve: Serve, monkeypatch: Patch) -> None:
    with mute_port() as mute:
        client = serve().client(max_retries=0)
        name_leads_to(monkeypatch, mute, mute, mute, mute)

        with times_out_after(0.4, outcome_unknown=False):
            create(client, timeout=0.4)


def test_a_mute_address_leaves_time_for_the_next(serve: Serve, monkeypatch: Patch) -> None:
    with mute_port() as mute:
        server = serve()
        name_leads_to(monkeypatch, mute, server.port)

        token = create(server.client(timeout=1))

    assert token == ActorToken(**TOKEN)


def test_each_address_has_its_share_of_the_time_that_is_left(
    pauses: list[float], monkeypatch: Patch
) -> None:
    shares = []

    def time_out(address: Any, timeout: float) -> socket.socket:
        shares.append(timeout)
        pauses.append(timeout)
        raise socket.timeout("timed out")

    name_leads_to(monkeypatch, 1, 2, 3)
    monkeypatch.setattr(socket, "create_connection", time_out)
    client = ActorTokens(KEY, server_url="http://localhost/v1")

    with raises(RequestTimeoutError):
        create(client, timeout=6)

    assert shares == [2, 2, 2]


def test_an_address_that_refuses_leaves_the_next(serve: Serve, monkeypatch: Patch) -> None:
    server = serve()
    name_leads_to(monkeypatch, unused_port(), server.port)

    token = create(server.client(max_retries=0))

    assert token == ActorToken(**TOKEN)


def test_a_name_without_an_address_is_named(serve: Serve, monkeypatch: Patch) -> None:
    name_leads_to(monkeypatch)

    with raises(NoResponseError) as caught:
        create(serve().client(max_retries=0))

    assert caught.value.outcome_unknown is False
    assert "localhost has no address" in str(caught.value)


def test_a_host_whose_name_is_too_long_is_an_error_of_ours(pauses: list[float]) -> None:
    client = ActorTokens(KEY, server_url=f"https://{'a' * 64}.example/v1")

    with raises(NoResponseError) as caught:
        create(client)

    assert caught.value.outcome_unknown is False
    assert pauses == [], "it was retried"


# ---- The wire: retries


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599, 600])
def test_a_revoke_is_retried_after_a_429_and_a_5xx(
    serve: Serve, pauses: list[float], status: int
) -> None:
    failure = http_response({}, status)
    server = serve(answer(failure, failure, http_response()))

    token = revoke(server.client())

    assert token == ActorToken(**TOKEN)
    assert len(server.requests) == 3
    assert len(set(server.requests)) == 1
    assert server.connections == 1, "a complete response is no reason to hang up"
    assert 0.25 <= pauses[0] <= 0.5
    assert 0.5 <= pauses[1] <= 1.0


def test_a_create_is_retried_after_a_429(serve: Serve, pauses: list[float]) -> None:
    server = serve(answer(http_response(CLERKS_ERRORS, 429), http_response()))

    token = create(server.client())

    assert token == ActorToken(**TOKEN)
    assert len(server.requests) == 2
    assert len(pauses) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 404, 408, 409, 422, 425, 428, 430, 499])
@CREATE_AND_REVOKE
def test_nothing_is_retried_after_any_other_refusal(
    serve: Serve, pauses: list[float], status: int, call: Call
) -> None:
    server = serve(respond({}, status, Retry_After="0"))

    with raises(SDKError) as caught:
        call(server.client())

    assert caught.value.status_code == status
    assert caught.value.outcome_unknown is False
    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("status", [200, 299, 500, 501, 502, 503, 504, 599])
def test_a_create_is_never_retried_if_clerk_may_have_acted(
    serve: Serve, pauses: list[float], status: int
) -> None:
    server = serve(respond({}, status, Retry_After="0"))

    with raises(ClerkBaseError) as caught:
        create(server.client())

    assert caught.value.outcome_unknown is True
    assert len(server.requests) == 1
    assert pauses == []


def test_a_revoke_is_not_retried_after_a_success_without_a_token(
    serve: Serve, pauses: list[float]
) -> None:
    server = serve(respond({}))

    with raises(ResponseValidationError):
        revoke(server.client())

    assert len(server.requests) == 1


def test_a_create_stops_at_a_5xx_after_a_429(serve: Serve, pauses: list[float]) -> None:
    server = serve(answer(http_response({}, 429), http_response({}, 503)))

    with raises(SDKError) as caught:
        create(server.client())

    assert caught.value.status_code == 503
    assert caught.value.outcome_unknown is True
    assert len(server.requests) == 2


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_max_retries_is_the_most_there_are(serve: Serve, pauses: list[float], retries: int) -> None:
    server = serve(respond(CLERKS_ERRORS, 429))

    with raises(ClerkErrors) as caught:
        create(server.client(max_retries=retries))

    assert caught.value.outcome_unknown is False
    assert len(server.requests) == retries + 1
    assert len(pauses) == retries


def test_there_are_two_retries_by_default(serve: Serve, pauses: list[float]) -> None:
    server = serve(respond({}, 503))

    with raises(SDKError):
        revoke(server.client())

    assert len(server.requests) == 3


def test_pauses_double_from_half_a_second_up_to_eight(
    serve: Serve, pauses: list[float], monkeypatch: Patch
) -> None:
    uniform = Mock(return_value=1)
    monkeypatch.setattr("random.uniform", uniform)
    server = serve(respond({}, 503))

    with raises(SDKError):
        revoke(server.client(max_retries=8, timeout=60))

    assert pauses == [0.5, 1, 2, 4, 8, 8, 8, 8]
    uniform.assert_called_with(0.5, 1)


def test_pauses_are_spread_between_the_half_and_the_whole(
    serve: Serve, pauses: list[float]
) -> None:
    server = serve(respond({}, 503))

    with raises(SDKError):
        revoke(server.client(max_retries=100, timeout=86_400))

    longest = pauses[4:]
    assert len(set(longest)) == 96
    assert 4 <= min(longest) < 5
    assert 7 < max(longest) <= 8


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        pytest.param("2", 2, 2, id="longer than the back-off"),
        pytest.param("0", 0.25, 0.5, id="shorter than the back-off"),
        pytest.param("1.5", 0.25, 0.5, id="a fraction"),
        pytest.param("-1", 0.25, 0.5, id="negative"),
        pytest.param("soon", 0.25, 0.5, id="a word"),
        pytest.param("nan", 0.25, 0.5, id="nan"),
        pytest.param("", 0.25, 0.5, id="nothing"),
    ],
)
@CREATE_AND_REVOKE
def test_a_pause_after_a_429_is_as_long_as_retry_after_or_the_back_off(
    serve: Serve,
    pauses: list[float],
    call: Call,
    value: str,
    least: float,
    most: float,
) -> None:
    refusal = http_response(CLERKS_ERRORS, 429, Retry_After=value)
    server = serve(answer(refusal, http_response()))

    token = call(server.client())

    assert token == ActorToken(**TOKEN)
    assert len(pauses) == 1
    assert least <= pauses[0] <= most


def test_a_revoke_waits_as_long_as_a_503_asks_for(serve: Serve, pauses: list[float]) -> None:
    server = serve(answer(http_response({}, 503, Retry_After="3"), http_response()))

    revoke(server.client())

    assert pauses == [3.0]


@pytest.mark.parametrize(
    "retry_after",
    [
        pytest.param("30", id="after the deadline"),
        pytest.param("20", id="at the deadline"),
        pytest.param("30\r\nRetry-After: 1", id="the first of two"),
    ],
)
@CREATE_AND_REVOKE
def test_a_pause_past_the_deadline_is_not_begun(
    serve: Serve, pauses: list[float], call: Call, retry_after: str
) -> None:
    server = serve(respond(CLERKS_ERRORS, 429, Retry_After=retry_after))

    with raises(ClerkErrors) as caught:
        call(server.client(timeout=20))

    assert caught.value.status_code == 429
    assert len(server.requests) == 1
    assert pauses == []


def test_no_retry_follows_the_deadline(serve: Serve, pauses: list[float]) -> None:
    server = serve(respond({}, 503, Retry_After="10"))

    with raises(SDKError) as caught:
        revoke(server.client(timeout=45, max_retries=100))

    assert caught.value.status_code == 503
    assert pauses == [10.0, 10.0, 10.0, 10.0], "a fifth would have ended after the deadline"


LOSSES = [
    pytest.param(hang_up, id="hang-up"),
    pytest.param(reset, id="reset"),
    pytest.param(answer(b"HTTP/1.1 2"), id="cut status line"),
    pytest.param(answer(OK), id="cut after the status line"),
    pytest.param(answer(CONTINUE), id="only a 100"),
    pytest.param(answer(OK + b"Content-Type: appli"), id="cut headers"),
    pytest.param(answer(OK + b"Content-Type: application/json\r\n"), id="cut after a header"),
    pytest.param(answer(OK + b"Content-Length: 10\r\n\r\n"), id="no body"),
    pytest.param(answer(http_response()[:-1]), id="cut body"),
    pytest.param(answer(CHUNKED + b"10\r\n{}"), id="cut chunk"),
    pytest.param(answer(CHUNKED + b"2\r\n{}\r\n"), id="no last chunk"),
    pytest.param(answer(CHUNKED + b"2\r\n{}\r\n0"), id="cut size of a chunk"),
]


@pytest.mark.parametrize("loss", LOSSES)
@PLAIN_AND_TLS
def test_a_revoke_is_retried_after_a_lost_response(
    serve: Serve, pauses: list[float], loss: Script, https: bool
) -> None:
    server = serve(loss, loss, respond(), https=https)

    token = revoke(server.client())

    assert token == ActorToken(**TOKEN)
    assert len(server.requests) == 3
    assert len(pauses) == 2


@pytest.mark.parametrize("loss", LOSSES)
@PLAIN_AND_TLS
def test_a_create_is_never_retried_after_a_lost_response(
    serve: Serve, pauses: list[float], loss: Script, https: bool
) -> None:
    server = serve(loss, respond(), https=https)

    with raises(NoResponseError) as caught:
        create(server.client())

    assert caught.value.outcome_unknown is True
    assert str(caught.value).endswith(CREATE_DOUBT)
    assert f" to localhost:{server.port} got no valid response: " in str(caught.value)
    assert len(server.requests) == 1
    assert pauses == []


def test_a_response_cut_at_any_byte_is_never_taken_for_one(serve: Serve) -> None:
    whole = http_response()
    server = serve(*(answer(whole[:length]) for length in range(len(whole))))
    client = server.client()

    for length in range(len(whole)):
        with raises(NoResponseError) as caught:
            create(client)
        assert caught.value.outcome_unknown is True, f"cut after {length} bytes"

    assert len(server.requests) == len(whole)


def test_a_chunked_response_cut_at_any_byte_is_never_taken_for_one(serve: Serve) -> None:
    whole = CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(JSON), JSON)
    server = serve(*(answer(whole[:length]) for length in range(len(whole))))
    client = server.client()

    for length in range(len(whole)):
        with raises(NoResponseError) as caught:
            create(client)
        assert caught.value.outcome_unknown is True, f"cut after {length} bytes"

    assert len(server.requests) == len(whole)


@CREATE_AND_REVOKE
def test_a_refused_connection_is_retried(pauses: list[float], call: Call) -> None:
    client = ActorTokens(KEY, server_url=f"http://127.0.0.1:{unused_port()}/v1")

    with raises(NoResponseError) as caught:
        call(client)

    assert caught.value.outcome_unknown is False
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert str(caught.value).endswith("Clerk did not act.")
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("function", "exception"),
    [
        pytest.param("getaddrinfo", socket.gaierror(socket.EAI_NONAME, "No name"), id="no name"),
        pytest.param(
            "create_connection", TimeoutError(errno.ETIMEDOUT, "timed out"), id="ETIMEDOUT"
        ),
    ],
)
@CREATE_AND_REVOKE
def test_a_call_is_retried_if_no_connection_is_made(
    pauses: list[float],
    monkeypatch: Patch,
    function: str,
    exception: OSError,
    call: Call,
) -> None:
    client = ActorTokens(KEY, server_url="http://localhost:9/v1")
    monkeypatch.setattr(socket, function, Mock(side_effect=exception))

    with raises(NoResponseError) as caught:
        call(client)

    assert caught.value.outcome_unknown is False
    assert caught.value.__cause__ is exception
    assert len(pauses) == 2


def test_a_create_goes_out_after_a_connection_that_failed(
    serve: Serve, pauses: list[float], monkeypatch: Patch
) -> None:
    server = serve()
    connect = socket.create_connection
    attempts: Any = iter([Mock(side_effect=ConnectionRefusedError("no")), connect])
    monkeypatch.setattr(socket, "create_connection", lambda *given: next(attempts)(*given))

    token = create(server.client())

    assert token == ActorToken(**TOKEN)
    assert len(pauses) == 1


def test_the_cause_of_an_error_has_no_traceback() -> None:
    client = ActorTokens(KEY, server_url=f"http://localhost:{unused_port()}/v1", max_retries=0)

    with raises(NoResponseError) as caught:
        create(client)

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert caught.value.__cause__.__traceback__ is None


def test_http_clients_own_exception_is_not_the_cause_since_it_holds_the_response(
    serve: Serve,
) -> None:
    with raises(NoResponseError) as caught:
        create(serve(answer(b"nonsense\r\n\r\n")).client())

    assert caught.value.__cause__ is None


def test_doubt_about_an_earlier_attempt_remains_after_a_refused_connection(
    serve: Serve, monkeypatch: Patch
) -> None:
    server = serve(hang_up)
    client = server.client(max_retries=1)
    monkeypatch.setattr(time, "sleep", lambda pause: server.stop())

    with raises(NoResponseError) as caught:
        revoke(client)

    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert caught.value.outcome_unknown is True
    assert str(caught.value).endswith(REVOKE_DOUBT)


def test_doubt_about_a_lost_revoke_remains_if_the_rest_is_refused_with_429(
    serve: Serve, pauses: list[float]
) -> None:
    server = serve(hang_up, respond(CLERKS_ERRORS, 429))

    with raises(ClerkErrors) as caught:
        revoke(server.client())

    assert caught.value.status_code == 429
    assert caught.value.outcome_unknown is True
    assert len(server.requests) == 3


# ---- The wire: connections


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(http_response(), id="plain"),
        pytest.param(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(JSON), JSON), id="chunked"),
        pytest.param(CONTINUE + http_response(), id="behind 100 Continue"),
        pytest.param(http_response().replace(b"\r\n", b"\n", 4), id="bare line feeds"),
        pytest.param(http_response(JSON + b" " * 700_000), id="large, each with its own MiB"),
    ],
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
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(http_response(CLERKS_ERRORS, 400), id="Clerk's 400"),
        pytest.param(http_response(b"<html>", 404), id="a gateway's 404"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", id="204"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\n\r\n", id="304"),
    ],
)
def test_a_complete_refusal_keeps_the_connection_open(serve: Serve, response: bytes) -> None:
    server = serve(send(response))
    client = server.client()

    for _ in range(3):
        with raises(ClerkBaseError):
            create(client)

    assert server.connections == 1
    assert len(server.requests) == 3


STRAY = http_response({**TOKEN, "id": "act_stray"})


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(http_response(Connection="close"), id="Connection: close"),
        pytest.param(http_response().replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP/1.0"),
        pytest.param(http_response() + STRAY, id="with a stray response"),
        pytest.param(http_response() + b"x", id="with a stray byte"),
    ],
)
@PLAIN_AND_TLS
def test_a_connection_is_not_used_again_after_a_response(
    serve: Serve, response: bytes, https: bool
) -> None:
    server = serve(send(response), https=https)
    client = server.client()

    tokens = [create(client), create(client), create(client)]

    assert tokens == [ActorToken(**TOKEN)] * 3
    assert server.connections == 3


@PLAIN_AND_TLS
def test_a_response_without_a_length_lasts_until_the_connection_ends(
    serve: Serve, https: bool
) -> None:
    server = serve(answer(OK + b"\r\n" + JSON), https=https)
    client = server.client()

    tokens = [create(client), create(client)]

    assert tokens == [ActorToken(**TOKEN)] * 2
    assert server.connections == 2


@PLAIN_AND_TLS
def test_a_late_stray_response_belongs_to_no_call(serve: Serve, https: bool) -> None:
    returned = threading.Event()
    strayed = threading.Event()

    def stray(peer: Peer) -> None:
        peer.read_request()
        peer.send(http_response())
        returned.wait(10)
        peer.send(STRAY)
        strayed.set()
        peer.wait_for_hang_up()

    server = serve(stray, respond(), https=https)
    client = server.client()
    create(client)
    returned.set()
    assert strayed.wait(10)

    token = create(client)

    assert token.id == TOKEN["id"]
    assert server.connections == 2


@PLAIN_AND_TLS
def test_a_connection_that_the_server_closed_is_not_used_again(serve: Serve, https: bool) -> None:
    server = serve(answer(http_response()), respond(), https=https)
    client = server.client()
    create(client)
    assert server.hung_up.wait(10)

    token = create(client)

    assert token == ActorToken(**TOKEN)
    assert server.connections == 2
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("seconds", "connections"),
    [
        pytest.param(0, 1, id="at once"),
        pytest.param(3.999, 1, id="before 4 seconds"),
        pytest.param(4, 2, id="after 4 seconds"),
        pytest.param(3600, 2, id="after an hour"),
        pytest.param(-0.001, 2, id="with a clock that went back"),
    ],
)
@PLAIN_AND_TLS
def test_an_idle_connection_is_used_again_within_4_seconds_of_the_wall_clock(
    serve: Serve, monkeypatch: Patch, seconds: float, connections: int, https: bool
) -> None:
    server = serve(https=https)
    client = server.client()
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    revoke(client)

    monkeypatch.setattr(time, "time", lambda: 1000.0 + seconds)
    revoke(client)

    assert server.connections == connections


def test_a_frozen_process_does_not_use_an_idle_connection_again(
    server: Server, pauses: list[float], monkeypatch: Patch
) -> None:
    client = server.client()
    revoke(client)
    clock = time.time

    monkeypatch.setattr(time, "time", lambda: clock() + 5)
    revoke(client)

    assert server.connections == 2


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(b"", id="silence"),
        pytest.param(b"nonsense\r\n\r\n", id="nonsense"),
        pytest.param(http_response()[:-1], id="cut short"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="101"),
        pytest.param(HINTS + http_response(), id="103"),
    ],
)
def test_a_connection_is_closed_after_a_call_that_failed(serve: Serve, fault: bytes) -> None:
    server = serve(answer(http_response(), then=itertools.repeat(fault)), respond())
    client = server.client(max_retries=0)
    revoke(client)

    with raises(ClerkBaseError) as caught:
        revoke(client, timeout=0.5)
    hung_up = server.hung_up.wait(10)
    token = revoke(client)

    assert hung_up, "still open"
    assert caught.value.outcome_unknown is True
    assert token == ActorToken(**TOKEN)
    assert server.connections == 2


def test_closing_the_client_closes_its_idle_connection(server: Server) -> None:
    client = server.client()
    revoke(client)

    client.close()

    assert server.hung_up.wait(10)


def test_the_end_of_a_with_block_closes_the_idle_connection(server: Server) -> None:
    with server.client() as client:
        revoke(client)

    assert server.hung_up.wait(10)


def test_a_closed_client_may_be_used_again(server: Server) -> None:
    client = server.client()
    revoke(client)
    client.close()

    token = revoke(client)

    assert token == ActorToken(**TOKEN)
    assert server.connections == 2


class Burst:
    """A script that answers the first 12 requests together, and counts the open connections."""

    def __init__(self) -> None:
        self.together = threading.Barrier(12)
        self.closed = threading.Semaphore(0)

    def __call__(self, peer: Peer) -> None:
        peer.read_request()
        self.together.wait(10)
        peer.send(http_response())
        respond()(peer)
        self.closed.release()

    def wait_for_closed(self, number: int) -> bool:
        return all(self.closed.acquire(timeout=10) for _ in range(number))


def test_closing_the_client_closes_all_idle_connections(serve: Serve) -> None:
    burst = Burst()
    client = serve(burst).client()
    in_threads(12, lambda number: revoke(client))

    client.close()

    assert burst.wait_for_closed(12)


def test_calls_one_at_a_time_after_a_burst_close_the_stale_connections(
    serve: Serve, monkeypatch: Patch
) -> None:
    burst = Burst()
    client = serve(burst).client()
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    in_threads(12, lambda number: revoke(client))

    for seconds in (1003.0, 1005.0):
        monkeypatch.setattr(time, "time", lambda now=seconds: now)
        revoke(client)

    assert burst.wait_for_closed(11), "stale connections stay open"


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
                assert client.create(user_id, "user_2").user_id == user_id
            except NoResponseError as error:
                assert_no_secret_shows(error)
                if not error.outcome_unknown:
                    raise

    server = serve(hang_up_now_and_then)
    client = server.client()

    in_threads(8, work)

    users = [user_of(request) for request in server.requests]
    assert len(users) == len(set(users)), "a create was sent twice"
    assert server.connections < len(users) / 2, "connections were not shared"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_does_not_share_a_connection(serve: Serve) -> None:
    server = serve(echo)
    program = f"""
import os, sys
from clerk_actor_tokens import ActorTokens
with ActorTokens({KEY!r}, server_url="{server.origin}/v1") as clerk:
    assert clerk.create("user_before", "user_2").user_id == "user_before"
    child = os.fork()
    for call in range(20):
        user = f"user_{{'parent' if child else 'child'}}{{call}}"
        assert clerk.create(user, "user_2").user_id == user
    if child:
        sys.exit(os.waitpid(child, 0)[1] != 0)
"""

    done = run_python("-c", program)

    assert done.stderr == ""
    assert done.returncode == 0
    assert server.connections == 2
    assert len(server.requests) == 41


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("clerk.close()", id="closed"),
        pytest.param("del clerk", id="deleted"),
        pytest.param("cycle = [clerk]; cycle.append(cycle); del clerk, cycle", id="in a cycle"),
        pytest.param("", id="at the end of the program"),
        pytest.param(
            "with suppress(ClerkBaseError): clerk.create('u', 'a')\nclerk.close()", id="failed"
        ),
    ],
)
def test_a_client_leaves_no_resource_warning(serve: Serve, end: str) -> None:
    server = serve(answer(http_response(), b""), hang_up)
    program = f"""
import gc
from contextlib import suppress
from clerk_actor_tokens import ActorTokens, ClerkBaseError
clerk = ActorTokens({KEY!r}, server_url="{server.origin}/v1", max_retries=0)
clerk.create("user_1", "user_2")
{end}
gc.collect()
"""

    done = run_python("-X", "dev", "-W", "error", "-c", program)

    assert done.stderr == ""
    assert done.returncode == 0


def test_a_client_that_is_no_longer_used_closes_its_connection(server: Server) -> None:
    client = ActorTokens()
    revoke(client)

    del client

    assert server.hung_up.wait(10)


# ---- The wire: signals


@pytest.fixture
def sigint() -> Iterator[None]:
    """Let Ctrl-C interrupt the tests, even if a script runs them with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c(peer: Peer) -> None:
    """Interrupt the main thread once it sent something, and never answer."""
    peer.sock.recv(1)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    peer.wait_for_hang_up()


@SIGNALS
def test_ctrl_c_in_a_call_leaves_no_connection_open(serve: Serve, sigint: None) -> None:
    server = serve(press_ctrl_c)
    client = server.client()

    with pytest.raises(KeyboardInterrupt) as caught:
        create(client)

    assert server.hung_up.wait(10), "the connection stays open"
    assert_no_secret_shows(caught.value)


class TimeLimit(Exception):
    """What a task queue's time limit raises, such as Celery's SoftTimeLimitExceeded."""


@pytest.fixture
def time_limit() -> Iterator[None]:
    """Let the alarm raise TimeLimit, wherever the program is."""

    def ring(*_: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def ring_the_alarm(peer: Peer) -> None:
    """Let the alarm ring once the client sent something, and never answer."""
    peer.sock.recv(1)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    peer.wait_for_hang_up()


@SIGNALS
@CREATE_AND_REVOKE
def test_a_time_limit_that_a_signal_raises_reaches_the_caller_as_it_is(
    serve: Serve, time_limit: None, call: Call
) -> None:
    server = serve(ring_the_alarm)
    client = server.client()

    with pytest.raises(TimeLimit) as caught:
        call(client)

    assert server.hung_up.wait(10), "the connection stays open"
    assert_no_secret_shows(caught.value)


@SIGNALS
def test_a_timeout_error_that_a_signal_raises_ends_the_call_at_once(
    serve: Serve, time_limit: None
) -> None:
    def ring(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, ring)
    server = serve(ring_the_alarm, respond())
    client = server.client()

    with pytest.raises(TimeoutError) as caught:
        revoke(client)

    assert len(server.requests) == 0, "it was sent again"
    assert_no_secret_shows(caught.value)


@SIGNALS
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # ssl leaves the socket to the collector
def test_a_time_limit_in_a_tls_handshake_reaches_the_caller_as_it_is(
    serve: Serve, time_limit: None
) -> None:
    server = serve(ring_the_alarm)
    client = server.client(server_url=f"https://localhost:{server.port}/v1")

    with suppress(TimeLimit):
        create(client)
        pytest.fail("the time limit was lost")

    gc.collect()


@SIGNALS
def test_a_time_limit_in_a_proxys_response_reaches_the_caller_and_leaves_nothing_open(
    serve: Serve, time_limit: None, monkeypatch: Patch
) -> None:
    proxy = serve(ring_the_alarm)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    client = proxy.client(server_url="https://localhost:9/v1")

    with pytest.raises(TimeLimit) as caught:
        create(client)

    assert proxy.hung_up.wait(10), "the connection stays open"
    assert_no_secret_shows(caught.value)


# ---- The wire: hostile responses


def page_after(head: str) -> bytes:
    return f"{head}\r\n\r\n<p>{KEY}</p>".encode("latin-1")


HOSTILE = [
    pytest.param(page_after(f"HTTP/1.1 Bearer {KEY}"), id="the key as the status"),
    pytest.param(page_after("\x00" * 100), id="null bytes"),
    pytest.param(page_after("HTTP/1.1 200 " + "x" * 70_000), id="a long reason"),
    pytest.param(page_after("SSH-2.0-OpenSSH_9.6"), id="SSH"),
    pytest.param(page_after("HTTP/1.1"), id="no status"),
    pytest.param(page_after("HTTP/1.1 abc OK"), id="a word as the status"),
    pytest.param(page_after("HTTP/1.1 99 Low"), id="status 99"),
    pytest.param(page_after("HTTP/1.1 -200 OK"), id="status -200"),
    pytest.param(page_after("HTTP/1.1 1000 High"), id="status 1000"),
    pytest.param(page_after("HTTP/1.1 999 Beyond"), id="status 999"),
    pytest.param(page_after("HTTP/1.1 101 Switching Protocols"), id="status 101"),
    pytest.param(page_after("HTTP/1.1 103 Early Hints"), id="status 103"),
    pytest.param(page_after("HTTP/1.1 199 Odd"), id="status 199"),
    pytest.param(page_after("HTTP/2.0 200 OK"), id="HTTP 2.0"),
    pytest.param(page_after("HTTP/9.9 200 OK"), id="HTTP 9.9"),
    pytest.param(page_after("ICY 200 OK"), id="ICY"),
    pytest.param(page_after("HTTP/1.1 204 No Content"), id="status 204"),
    pytest.param(page_after("HTTP/1.1 205 Reset"), id="status 205"),
    pytest.param(page_after("HTTP/1.1 206 Partial"), id="status 206"),
    pytest.param(page_after("HTTP/1.1 304 Not Modified"), id="status 304"),
    pytest.param(page_after("HTTP/1.1 407 Proxy"), id="status 407"),
    pytest.param(page_after("HTTP/1.1 511 Captive"), id="status 511"),
    pytest.param(page_after(""), id="an empty line"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\n" + "X" * 70_000 + ": 1"), id="a long header"),
    pytest.param(page_after("HTTP/1.1 200 OK" + "\r\nX: 1" * 200), id="200 headers"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\nno colon"), id="a header without a colon"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\n: no name"), id="a header without a name"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\n folded"), id="a folded header"),
    pytest.param(page_after(f"HTTP/1.1 200 OK\r\nX: {KEY}"), id="the key in a header"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\nX: \xff\xfe\x00"), id="odd bytes in a header"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\nContent-Length: abc"), id="length abc"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\nContent-Length: -5"), id="length -5"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\nContent-Length: 0"), id="length 0"),
    pytest.param(page_after("HTTP/1.1 200 OK\r\nContent-Length: 3"), id="a short length"),
    pytest.param(
        page_after("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 900"), id="two lengths"
    ),
    pytest.param(page_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip"), id="gzip transfer"),
    pytest.param(
        page_after("HTTP/1.1 200 OK\r\nContent-Type: multipart/x; boundary*1=a; boundary*=b"),
        id="two boundaries",
    ),
    pytest.param(
        page_after("HTTP/1.1 200 OK\r\nContent-Type: multipart/x; boundary*=\x00''b"),
        id="a null byte in a boundary",
    ),
    pytest.param(CHUNKED + b"x\r\n{}\r\n\r\n", id="chunk size x"),
    pytest.param(CHUNKED + b"\r\n\r\n", id="no chunk size"),
    pytest.param(CHUNKED + b"2\r\n{}xx0\r\n\r\n", id="no line end after a chunk"),
    pytest.param(CHUNKED + b"9" * 5000 + b"\r\n\r\n", id="5,000 digits of chunk size"),
    pytest.param(CHUNKED + b"1" * 70_000 + b"\r\n\r\n", id="70,000 digits of chunk size"),
    pytest.param(CHUNKED + b"FFFFFFFFFFFFFFF\r\n{}\r\n\r\n", id="a huge chunk size"),
    pytest.param(CHUNKED + b"0\r\n\r\n", id="no chunks"),
    pytest.param(CHUNKED + KEY.encode() + b"\r\n\r\n", id="the key as the chunk size"),
    pytest.param(CHUNKED + LINK.encode() + b"\r\n\r\n", id="a link as the chunk size"),
    pytest.param(CHUNKED + f"2\r\n{{}}\r\n{LINK}\r\n\r\n".encode(), id="a link as the next"),
    pytest.param(OK + b"Content-Length: 3\r\n\r\n" + JSON, id="a token cut by its length"),
    pytest.param(b"\r\n", id="a line end"),
    pytest.param(JSON, id="a token alone"),
]


@pytest.mark.parametrize("sent", HOSTILE)
@CREATE_AND_REVOKE
def test_a_hostile_response_ends_in_an_error_of_ours(serve: Serve, sent: bytes, call: Call) -> None:
    server = serve(answer(sent))

    with raises(ClerkBaseError) as caught:
        call(server.client(max_retries=0, timeout=5))

    assert not isinstance(caught.value, RequestTimeoutError)
    assert len(str(caught.value)) < 600
    assert len(server.requests) == 1


@pytest.mark.parametrize("size", [b"-5", b"-1", b"-8000000000000001", b"-" + b"9" * 20])
@CREATE_AND_REVOKE
def test_a_negative_chunk_size_leaves_the_outcome_unknown(
    serve: Serve, size: bytes, call: Call
) -> None:
    server = serve(answer(CHUNKED + size + b"\r\n{}\r\n0\r\n\r\n"))

    with raises(ClerkBaseError) as caught:
        call(server.client(max_retries=0))

    assert caught.value.outcome_unknown is True


@pytest.mark.parametrize("status", [101, 102, 103, 199])
def test_an_interim_response_before_the_real_one_leaves_the_outcome_unknown(
    serve: Serve, pauses: list[float], status: int
) -> None:
    server = serve(send(f"HTTP/1.1 {status} Interim\r\n\r\n".encode() + http_response()))

    with raises(NoResponseError) as caught:
        create(server.client())

    assert caught.value.outcome_unknown is True
    assert f"got no valid response: it is an interim response, {status}." in str(caught.value)
    assert len(server.requests) == 1


FLOODS = [
    pytest.param(trickle(OK + b"\r\n", b" " * 65536, 0), id="without a length"),
    pytest.param(trickle(CHUNKED + b"FFFFFFF\r\n", b" " * 65536, 0), id="one chunk"),
    pytest.param(
        trickle(CHUNKED + b"FFFFFFFFFFFFFF\r\n", b" " * 65536, 0),
        id="an absurd chunk",
    ),
    pytest.param(trickle(CHUNKED + b"-1\r\n", b" " * 65536, 0), id="a chunk of -1"),
    pytest.param(trickle(CHUNKED, b"FFFF\r\n" + b" " * 65535 + b"\r\n", 0), id="chunks"),
    pytest.param(trickle(CHUNKED + b"0\r\n", b"X: 1\r\n" * 1000, 0), id="trailers"),
    pytest.param(trickle(b"", CONTINUE * 1000, 0), id="100 Continue"),
]


@pytest.mark.parametrize("flood", FLOODS)
@PLAIN_AND_TLS
def test_a_response_that_does_not_end_is_refused_after_1_mib(
    serve: Serve, flood: Script, https: bool
) -> None:
    server = serve(flood, https=https)

    with raises(NoResponseError) as caught:
        revoke(server.client())

    # The latter are limits of Python's own, in newer versions.
    limits = "more than 1 MiB|more than [0-9]+ (interim responses|headers|trailers)"
    assert re.search(limits, str(caught.value))
    assert len(server.requests) == 1, "it was retried"


def head_of(size: int) -> bytes:
    """The head of a response without a body, of so many bytes."""
    head = b"HTTP/1.1 204 No Content\r\nX: "
    return head + b"x" * (size - len(head) - 4) + b"\r\n\r\n"


@PLAIN_AND_TLS
def test_a_head_of_16_kib_is_read(serve: Serve, https: bool) -> None:
    head = head_of(16384)
    server = serve(send(head), https=https)

    with raises(ResponseValidationError) as caught:
        create(server.client())

    assert len(head) == 16384
    assert caught.value.status_code == 204


@PLAIN_AND_TLS
def test_a_head_of_16_kib_and_one_byte_is_refused(serve: Serve, https: bool) -> None:
    head = head_of(16385)
    server = serve(send(head), https=https)

    with raises(NoResponseError) as caught:
        create(server.client())

    assert len(head) == 16385
    assert "its head has more than 16 KiB" in str(caught.value)


def test_a_head_of_12_kib_is_read_though_a_small_piece_of_it_comes_first(
    serve: Serve, monkeypatch: Patch
) -> None:
    server = serve(respond(JSON + b" " * 100_000, X="x" * 12_000))
    receive = socket.socket.recv_into
    sizes = itertools.chain([900], itertools.repeat(1_000_000))

    def receive_a_small_piece_first(sock: socket.socket, buffer: Any) -> int:
        return receive(sock, buffer[: next(sizes)])

    monkeypatch.setattr(socket.socket, "recv_into", receive_a_small_piece_first)

    token = create(server.client())

    assert token == ActorToken(**TOKEN)


def response_of(size: int) -> bytes:
    """A response with a token, of so many bytes, head and body."""
    head = len(http_response(Content_Length="1000000")) - len(JSON)
    return http_response(JSON + b" " * (size - head - len(JSON)))


@PLAIN_AND_TLS
def test_a_response_of_1_mib_is_read(serve: Serve, https: bool) -> None:
    response = response_of(1048576)
    server = serve(send(response), https=https)

    token = create(server.client())

    assert len(response) == 1048576
    assert token == ActorToken(**TOKEN)


@PLAIN_AND_TLS
def test_a_response_of_1_mib_and_one_byte_is_refused(serve: Serve, https: bool) -> None:
    response = response_of(1048577)
    server = serve(send(response), https=https)

    with raises(NoResponseError) as caught:
        create(server.client())

    assert len(response) == 1048577
    assert "it has more than 1 MiB" in str(caught.value)


def test_a_response_that_announces_1_mib_is_awaited(serve: Serve) -> None:
    server = serve(trickle(OK + b"Content-Length: 1048576\r\n\r\n", b" "))

    with times_out_after(0.2, outcome_unknown=True):
        create(server.client(), timeout=0.2)


PART_OF_THE_KEY = "sk_test_4f9d2c7b1"


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("HTTP/1.1 ", id="in the status line"),
        pytest.param("HTTP/1.1 500 Error\r\n\r\n", id="in the body"),
    ],
)
def test_not_even_a_part_of_the_key_comes_back(serve: Serve, start: str) -> None:
    server = serve(answer(f"{start}{PART_OF_THE_KEY}\r\n\r\n".encode()))

    with raises(ClerkBaseError) as caught:
        create(server.client(max_retries=0))

    assert PART_OF_THE_KEY not in "".join(traceback.format_exception(None, caught.value, None))


# ---- The wire: TLS


@pytest.mark.parametrize(
    ("issuer", "host", "days", "advice"),
    [
        pytest.param("trusted", "localhost", -1, "Check this machine's clock.", id="expired"),
        pytest.param("trusted", "elsewhere.example", 1, CHECK_ADDRESS, id="another host"),
        pytest.param("unknown", "localhost", 1, OTHER_AUTHORITY, id="unknown authority"),
    ],
)
@CREATE_AND_REVOKE
def test_an_invalid_certificate_is_explained_and_never_retried(
    serve: Serve,
    ca: trustme.CA,
    pauses: list[float],
    call: Call,
    issuer: str,
    host: str,
    days: int,
    advice: str,
) -> None:
    issuers = {"trusted": ca, "unknown": trustme.CA()}
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    server = serve(https=server_context(issuers[issuer].issue_cert(host, not_after=end)))

    with raises(NoResponseError) as caught:
        call(server.client())

    assert caught.value.outcome_unknown is False
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert advice in str(caught.value)
    assert str(caught.value).endswith("Clerk did not act.")
    assert server.connections == 1
    assert server.requests == []
    assert pauses == []


def test_a_certificate_for_another_ip_address_says_to_check_the_address(
    serve: Serve, ca: trustme.CA
) -> None:
    server = serve(https=server_context(ca.issue_cert("localhost")))
    client = server.client(server_url=f"https://127.0.0.1:{server.port}/v1")

    with raises(NoResponseError) as caught:
        create(client)

    assert CHECK_ADDRESS in str(caught.value)


def test_an_ssl_cert_file_that_does_not_exist_is_named(serve: Serve, monkeypatch: Patch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "no/such/file.pem")
    server = serve(https=True)

    with raises(NoResponseError) as caught:
        create(server.client(ssl_context=None))

    assert "SSL_CERT_FILE names a file that does not exist" in str(caught.value)


def test_ssl_cert_file_is_trusted(serve: Serve, ca: trustme.CA, monkeypatch: Patch) -> None:
    server = serve(https=True)

    with ca.cert_pem.tempfile() as path:
        monkeypatch.setenv("SSL_CERT_FILE", path)
        token = revoke(server.client(ssl_context=None))

    assert token == ActorToken(**TOKEN)


def test_the_key_is_not_sent_to_a_plain_http_port(serve: Serve, pauses: list[float]) -> None:
    def complain(peer: Peer) -> None:
        peer.received = peer.sock.recv(65536)
        peer.server.requests.append(peer.received)
        peer.send(http_response({}, 400, Connection="close"))

    server = serve(complain)
    client = server.client(server_url=f"https://localhost:{server.port}/v1")

    with raises(NoResponseError) as caught:
        create(client)

    assert caught.value.outcome_unknown is False
    assert KEY.encode() not in b"".join(server.requests)
    assert len(pauses) == 2


def test_the_default_context_is_made_once(serve: Serve, monkeypatch: Patch) -> None:
    make = Mock(wraps=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", make)
    server = serve(https=True)
    client = server.client(ssl_context=None, max_retries=0)

    for _ in range(3):
        with raises(NoResponseError):
            revoke(client)

    assert make.call_count == 1
    assert server.connections == 3


class NeedsTheHandshake(ssl.SSLContext):
    """As truststore up to 0.10.4: it verifies as soon as `wrap_socket` returns."""

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        assert options.get("do_handshake_on_connect", True)
        sock = super().wrap_socket(*args, **options)
        assert sock.getpeercert(), "the handshake is not done"
        return sock


def test_the_tls_handshake_is_done_in_one_step(serve: Serve, ca: trustme.CA) -> None:
    context = NeedsTheHandshake(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(context)

    token = create(serve(https=True).client(ssl_context=context))

    assert token == ActorToken(**TOKEN)


# ---- The wire: proxies


def tunnel(to: Server) -> Script:
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


def test_https_goes_through_the_proxy(serve: Serve, ca: trustme.CA, monkeypatch: Patch) -> None:
    # A certificate that would not do for the proxy's own name.
    server = serve(https=server_context(ca.issue_cert("localhost")))
    proxy = serve(tunnel(server))
    monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:pass%3Aword@127.0.0.1:{proxy.port}")
    client = server.client()

    tokens = [create(client), create(client)]

    assert tokens == [ActorToken(**TOKEN)] * 2
    assert len(proxy.requests) == 1, "the tunnel was not used again"
    assert len(server.requests) == 2
    assert KEY.encode() not in proxy.requests[0]
    assert b"roxy-" not in b"".join(server.requests), "the proxy's password went on"


def test_the_proxy_is_read_once(serve: Serve, monkeypatch: Patch) -> None:
    server = serve(https=True)
    client = server.client()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    token = create(client)

    assert token == ActorToken(**TOKEN)


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        pytest.param("user:word@", b"user:word", id="user and password"),
        pytest.param("us%40er:pass%3Aw%2Frd@", b"us@er:pass:w/rd", id="percent-encoded"),
        pytest.param("user@", b"user:", id="no password"),
        pytest.param("user:@", b"user:", id="an empty password"),
        pytest.param(":word@", b":word", id="no user"),
        pytest.param("%C3%A4:%C3%B6@", b"\xc3\xa4:\xc3\xb6", id="not ASCII, encoded"),
    ],
)
def test_the_proxy_gets_the_login(
    serve: Serve, monkeypatch: Patch, login: str, sent: bytes
) -> None:
    proxy = serve(respond({}, 403))
    monkeypatch.setenv("HTTPS_PROXY", f"http://{login}127.0.0.1:{proxy.port}")

    with raises(NoResponseError):
        create(proxy.client(server_url="https://localhost/v1"))

    expected = b"\r\nProxy-Authorization: Basic " + base64.b64encode(sent) + b"\r\n"
    assert expected in proxy.requests[0]


@pytest.mark.parametrize(
    ("place", "target"),
    [
        pytest.param("localhost", "localhost:443", id="443 by default"),
        pytest.param("localhost:443", "localhost:443", id="443 as given"),
        pytest.param("localhost:8443", "localhost:8443", id="another port"),
        pytest.param("[::1]", "[::1]:443", id="IPv6"),
        pytest.param("[::1]:8443", "[::1]:8443", id="IPv6 and a port"),
    ],
)
def test_the_tunnel_leads_to_the_server(
    serve: Serve, monkeypatch: Patch, place: str, target: str
) -> None:
    proxy = serve(respond({}, 403))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

    with raises(NoResponseError):
        create(proxy.client(server_url=f"https://{place}/v1"))

    line, *headers = proxy.requests[0].decode().strip().split("\r\n")
    assert line == f"CONNECT {target} HTTP/1.1"
    assert sorted(headers) == ["Accept-Encoding: identity", f"Host: {target}"]


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param("http://127.0.0.1:{port}", id="as it is"),
        pytest.param("http://127.0.0.1:{port}/", id="a slash after it"),
        pytest.param("http://127.0.0.1:{port}\n", id="a line end after it"),
        pytest.param(" http://127.0.0.1:{port} ", id="blanks around it"),
        pytest.param("127.0.0.1:{port}", id="without http://"),
        pytest.param("HTTP://127.0.0.1:{port}", id="in capitals"),
    ],
)
def test_the_proxy_setting_may_be_written_so(
    serve: Serve, monkeypatch: Patch, setting: str
) -> None:
    server = serve(https=True)
    proxy = serve(tunnel(server))
    monkeypatch.setenv("HTTPS_PROXY", setting.format(port=proxy.port))

    create(server.client())

    assert len(proxy.requests) == 1


def test_the_proxys_port_is_80_by_default(monkeypatch: Patch) -> None:
    look_up = Mock(side_effect=socket.gaierror(socket.EAI_NONAME, "Name not known"))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")

    with raises(NoResponseError):
        create(ActorTokens(KEY, max_retries=0))

    host, port, *_ = look_up.call_args.args
    assert host == "proxy.example"
    assert port == 80


@pytest.mark.parametrize("hosts", ["localhost", "x.example, localhost", "*"])
def test_no_proxy_is_honoured(serve: Serve, monkeypatch: Patch, hosts: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", hosts)

    token = create(serve(https=True).client())

    assert token == ActorToken(**TOKEN)


def test_no_proxy_with_a_port_is_honoured(serve: Serve, monkeypatch: Patch) -> None:
    server = serve(https=True)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", f"localhost:{server.port}")

    token = create(server.client())

    assert token == ActorToken(**TOKEN)


def test_http_to_this_machine_goes_through_no_proxy(serve: Serve, monkeypatch: Patch) -> None:
    server = serve()
    proxy = serve()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

    create(server.client())

    assert len(server.requests) == 1
    assert proxy.connections == 0


@pytest.mark.parametrize(
    ("status", "retries"),
    [
        pytest.param(101, 0, id="101"),
        pytest.param(199, 0, id="199"),
        pytest.param(300, 0, id="300"),
        pytest.param(302, 0, id="302"),
        pytest.param(400, 0, id="400"),
        pytest.param(403, 0, id="403"),
        pytest.param(407, 0, id="407"),
        pytest.param(429, 0, id="429"),
        pytest.param(499, 0, id="499"),
        pytest.param(500, 2, id="500"),
        pytest.param(502, 2, id="502"),
    ],
)
@CREATE_AND_REVOKE
def test_a_proxy_that_refuses_is_retried_after_a_5xx_only(
    serve: Serve,
    monkeypatch: Patch,
    pauses: list[float],
    status: int,
    retries: int,
    call: Call,
) -> None:
    proxy = serve(respond({}, status))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{proxy.port}")

    with raises(NoResponseError) as caught:
        call(proxy.client(server_url="https://localhost:9/v1"))

    assert caught.value.outcome_unknown is False
    message = str(caught.value)
    assert " to localhost:9 (through the proxy 127.0.0.1) got no valid response: " in message
    assert f": the proxy responded {status}. " in message
    assert message.endswith(" Clerk did not act.")
    assert "hunter2" not in message
    assert len(pauses) == retries


@pytest.mark.parametrize("status", [200, 201, 299])
def test_any_success_of_the_proxy_opens_the_tunnel(
    serve: Serve, monkeypatch: Patch, status: int
) -> None:
    proxy = serve(answer(f"HTTP/1.1 {status} OK\r\n\r\n".encode()))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

    with raises(NoResponseError) as caught:
        create(proxy.client(server_url="https://localhost:9/v1", max_retries=0))

    assert "the proxy responded" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        pytest.param(302, "302. Check its login and rules. Clerk did", id="302"),
        pytest.param(403, "403. Check its login and rules. Clerk did", id="403"),
        pytest.param(407, "407. Check its login and rules. Clerk did", id="407"),
        pytest.param(502, "502. Clerk did", id="502"),
    ],
)
def test_a_proxys_refusal_says_to_check_the_login_unless_it_is_a_5xx(
    serve: Serve, monkeypatch: Patch, status: int, advice: str
) -> None:
    proxy = serve(respond({}, status))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

    with raises(NoResponseError) as caught:
        create(proxy.client(server_url="https://localhost:9/v1", max_retries=0))

    assert advice in str(caught.value)


def test_the_connection_to_a_proxy_that_refuses_is_closed(serve: Serve, monkeypatch: Patch) -> None:
    proxy = serve(respond({}, 403))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")

    with raises(NoResponseError):
        create(proxy.client(server_url="https://localhost:9/v1"))

    assert proxy.hung_up.wait(10)


def test_a_dead_proxy_is_named_without_its_password(serve: Serve, monkeypatch: Patch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{unused_port()}")

    with raises(NoResponseError) as caught:
        create(serve(https=True).client(max_retries=0))

    assert "through the proxy 127.0.0.1" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "stall",
    [
        pytest.param(stay_silent, id="silence"),
        pytest.param(trickle(OK, b"X: 1\r\n"), id="headers"),
        pytest.param(trickle(b"", b"x"), id="the status line"),
    ],
)
def test_a_proxy_that_trickles_does_not_outlast_the_timeout(
    serve: Serve, monkeypatch: Patch, stall: Script
) -> None:
    proxy = serve(stall)
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
    client = proxy.client(server_url="https://localhost:9/v1")

    with times_out_after(0.2, outcome_unknown=False):
        create(client, timeout=0.2)


def test_a_proxys_endless_head_is_refused_after_1_mib(serve: Serve, monkeypatch: Patch) -> None:
    proxy = serve(trickle(b"", CONTINUE * 1000, 0))
    monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")

    with raises(NoResponseError) as caught:
        create(proxy.client(server_url="https://localhost:9/v1"))

    assert re.search("more than 1 MiB|more than [0-9]+ interim", str(caught.value))
    assert caught.value.outcome_unknown is False


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param("a word", id="a blank in it"),
        pytest.param("http://", id="no host"),
        pytest.param("http://:8080", id="a port alone"),
        pytest.param("//user:word@", id="a login alone"),
        pytest.param("http://user:word@127.0.0.1:port", id="a port that is no number"),
        pytest.param("http://user:word", id="a password without a host"),
        pytest.param("http://user:a@b:word/x@proxy:1", id="a slash in the password"),
        pytest.param("http://user:word#x@proxy:1", id="a hash sign in the password"),
        pytest.param("http://user:word?x@proxy:1", id="a question mark in the password"),
        pytest.param("http://user:[word@proxy:1", id="a bracket in the password"),
        pytest.param("http://user:word]@proxy:1", id="a closing bracket in the password"),
        pytest.param("http://user:wo\\rd@proxy:1", id="a backslash in the password"),
        pytest.param("http://user:word\uff03@proxy:1", id="a wide hash sign in the password"),
        pytest.param("http://user:word@127.0.0.1:0", id="port 0"),
        pytest.param("http://user:word@127.0.0.1:65536", id="port 65536"),
        pytest.param("http://[::1", id="no closing bracket"),
        pytest.param("https://user:word@proxy:1", id="https"),
        pytest.param("socks5://user:word@proxy:1", id="socks5"),
        pytest.param("user:word@proxy:1/path", id="a path"),
    ],
)
def test_a_proxy_setting_that_is_no_http_proxy_is_refused(
    monkeypatch: Patch, trust: ssl.SSLContext, setting: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", setting)

    with pytest.raises(ValueError, match=r"HTTPS_PROXY.*percent-encoded.*65535") as caught:
        ActorTokens(KEY, server_url="https://localhost:9/v1", ssl_context=trust)

    shown = "".join(traceback.format_exception(ValueError, caught.value, None))
    assert "word" not in shown.replace("password", "")


def test_http_to_this_machine_needs_no_valid_proxy_setting(monkeypatch: Patch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1")

    client = ActorTokens(KEY, server_url="http://localhost:9/v1")

    assert isinstance(client, ActorTokens)


# ---- The sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def sandboxed(sandbox: Sandbox) -> ActorTokens:
    """A client of the sandbox."""
    return ActorTokens("sk_test_anything", opener=sandbox)


def test_the_sandbox_creates_tokens_that_look_like_clerks(
    sandboxed: ActorTokens, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1763900000.25)
    actor = {"sub": "user_2", "more": [1]}

    token = sandboxed.create("user_1", actor)

    assert re.fullmatch("act_[A-Za-z0-9]{27}", token.id)
    assert token.object == "actor_token"
    assert token.status == "pending"
    assert token.user_id == "user_1"
    assert token.actor == actor
    assert token.created_at == 1763900000250
    assert token.updated_at == 1763900000250
    assert re.fullmatch(r"eyJ\.[0-9a-f]{80}\.[0-9a-f]{86}", token.token or "")
    assert token.url == f"https://sandbox.clerk.accounts.dev/v1/tickets/accept?ticket={token.token}"


def test_the_sandbox_creates_different_tokens(sandboxed: ActorTokens) -> None:
    one = create(sandboxed)
    other = create(sandboxed)

    assert one.id != other.id
    assert one.token != other.token


def test_the_sandbox_keeps_the_tokens_by_id_without_their_secrets(
    sandbox: Sandbox, sandboxed: ActorTokens
) -> None:
    token = create(sandboxed)

    assert sandbox.tokens == {token.id: dataclasses.replace(token, token=None, url=None)}


def test_the_sandbox_revokes_a_pending_token(
    sandbox: Sandbox, sandboxed: ActorTokens, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    token = create(sandboxed)
    monkeypatch.setattr(time, "time", lambda: 2000.5)

    revoked = sandboxed.revoke(token)

    assert revoked.id == token.id
    assert revoked.status == "revoked"
    assert revoked.created_at == 1000000
    assert revoked.updated_at == 2000500
    assert revoked.token is None
    assert sandbox.tokens == {token.id: revoked}


def test_the_sandbox_accepts_a_pending_token(
    sandbox: Sandbox, sandboxed: ActorTokens, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    by_id = create(sandboxed)
    by_token = create(sandboxed)
    monkeypatch.setattr(time, "time", lambda: 2000.5)

    sandbox.accept(by_id.id)
    sandbox.accept(by_token)

    assert sandbox.tokens[by_id.id].status == "accepted"
    assert sandbox.tokens[by_id.id].created_at == 1000000
    assert sandbox.tokens[by_id.id].updated_at == 2000500
    assert sandbox.tokens[by_token.id].status == "accepted"


def test_the_sandbox_does_not_revoke_a_token_twice(sandboxed: ActorTokens) -> None:
    token = create(sandboxed)
    sandboxed.revoke(token)

    with raises(ClerkErrors) as caught:
        sandboxed.revoke(token)

    assert caught.value.status_code == 400
    assert caught.value.errors[0].code == "actor_token_cannot_be_revoked_code"
    assert caught.value.errors[0].long_message == (
        "Actor token cannot be revoked because its status is revoked. "
        "Only pending tokens can be revoked."
    )


def test_the_sandbox_does_not_revoke_an_accepted_token(
    sandbox: Sandbox, sandboxed: ActorTokens
) -> None:
    token = create(sandboxed)
    sandbox.accept(token)

    with raises(ClerkErrors) as caught:
        sandboxed.revoke(token)

    assert caught.value.errors[0].code == "actor_token_cannot_be_revoked_code"
    assert "because its status is accepted" in caught.value.errors[0].message
    assert sandbox.tokens[token.id].status == "accepted"


def test_the_sandbox_accepts_pending_tokens_only(sandbox: Sandbox, sandboxed: ActorTokens) -> None:
    token = create(sandboxed)
    sandboxed.revoke(token)

    with pytest.raises(ValueError, match="token_id must be the ID of a pending token"):
        sandbox.accept(token)
    with pytest.raises(ValueError, match="token_id must be the ID of a pending token"):
        sandbox.accept("act_unknown")

    assert sandbox.tokens[token.id].status == "revoked"


GOOD_BODY = b'{"user_id": "user_1", "actor": {"sub": "user_2"}}'


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", id="a slash"),
        pytest.param("s", id="another path"),
        pytest.param("/act_1", id="no operation"),
        pytest.param("/act_1/revoke", id="no token"),
        pytest.param("/act_1/revoke/x", id="a longer one"),
    ],
)
def test_the_sandbox_answers_404_as_clerk_does(sandbox: Sandbox, path: str) -> None:
    response = sandbox.open(urllib.request.Request(CREATE_URL + path, GOOD_BODY), timeout=5)

    document = json.loads(response.read())
    assert response.status == 404
    assert response.headers == {"Content-Type": "application/json"}
    assert document["errors"][0]["code"] == "resource_not_found"
    assert document["errors"][0]["message"] == document["errors"][0]["long_message"]
    assert re.fullmatch("[0-9a-f]{32}", document["clerk_trace_id"])


def test_the_sandbox_is_an_opener_by_itself(sandbox: Sandbox) -> None:
    response = sandbox.open(urllib.request.Request(CREATE_URL, GOOD_BODY))

    document = json.loads(response.read())
    assert response.status == 200
    assert response.headers == {"Content-Type": "application/json"}
    assert document["object"] == "actor_token"
    assert "errors" not in document


def test_fail_next_fails_the_next_calls_one_by_one(
    sandbox: Sandbox, sandboxed: ActorTokens
) -> None:
    sandbox.fail_next(429, code="slow", message="Slow down", headers={"Retry-After": "3"})
    sandbox.fail_next(503)

    with raises(ClerkErrors) as first:
        create(sandboxed)
    with raises(ClerkErrors) as second:
        create(sandboxed)
    third = create(sandboxed)

    assert first.value.status_code == 429
    assert first.value.retry_after == 3.0
    assert first.value.errors == (ClerkError("slow", "Slow down", "Slow down"),)
    assert first.value.headers["Content-Type"] == "application/json"
    assert second.value.status_code == 503
    assert second.value.outcome_unknown is True
    assert second.value.errors == (ClerkError("sandbox_failure", "As asked for.", "As asked for."),)
    assert third.status == "pending"
    assert list(sandbox.tokens) == [third.id]


@pytest.mark.parametrize("status", [400, 599])
def test_fail_next_takes_a_status_from_400_to_599(
    sandbox: Sandbox, sandboxed: ActorTokens, status: int
) -> None:
    sandbox.fail_next(status)

    with raises(ClerkErrors) as caught:
        create(sandboxed)

    assert caught.value.status_code == status


@pytest.mark.parametrize("status", [200, 399, 600, "500", None, 404.0, TimeoutError])
def test_fail_next_takes_no_other_status(sandbox: Sandbox, status: Any) -> None:
    with pytest.raises(ValueError, match="status_code must be from 400 to 599, or an exception"):
        sandbox.fail_next(status)


def test_fail_next_raises_a_timeout(sandbox: Sandbox, sandboxed: ActorTokens) -> None:
    sandbox.fail_next(TimeoutError())

    with raises(RequestTimeoutError) as caught:
        create(sandboxed)

    assert caught.value.outcome_unknown is True
    assert sandbox.tokens == {}


def test_fail_next_raises_a_refused_connection(sandbox: Sandbox, sandboxed: ActorTokens) -> None:
    sandbox.fail_next(ConnectionRefusedError("refused"))

    with raises(NoResponseError) as caught:
        create(sandboxed)

    assert caught.value.outcome_unknown is False


# ---- The command line


@dataclasses.dataclass
class Finished:
    """What a run of the command line left."""

    status: int
    out: str
    err: str


Run = Callable[..., Finished]
COMMAND = ("create", "user_1a2b3c", "--actor", "user_9z8y7x")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: Patch) -> Run:
    """Run the command line in this process, as `clerk-actor-tokens` with these arguments."""
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/clerk-actor-tokens"])

    def run(*arguments: str) -> Finished:
        try:
            status = clerk_actor_tokens.main(list(arguments))
        except SystemExit as end:  # argparse's
            status = int(end.code or 0)
        shown = capsys.readouterr()
        assert KEY not in shown.out + shown.err
        return Finished(status, shown.out, shown.err)

    return run


def test_demo_says_first_that_it_is_simulated(run: Run) -> None:
    finished = run("demo")

    first_line = finished.out.splitlines()[0]
    assert first_line == "This is a simulation: Clerk is played in memory, and nothing is sent."
    assert finished.status == 0
    assert finished.err == ""


def test_demo_shows_three_steps_each_with_its_request_and_response(run: Run) -> None:
    _, *steps = re.split(r"\n(?=[0-9]\. )", run("demo").out)

    first, second, third = steps
    assert first.startswith("1. Create a token with which user_engineer can sign in as")
    assert f"\n> POST {CREATE_URL}\n> Authorization: Bearer sk_test_***\n" in first
    actor = '{"sub": "user_engineer", "ticket": "SUP-1"}'
    assert f'\n> {{"user_id": "user_customer", "actor": {actor}, ' in first
    assert '\n< 200\n< {"object": "actor_token"' in first
    assert "\n= The link, for the engineer to open: https://sandbox.clerk.accounts.dev/" in first
    assert second.startswith("2. Revoke it, since nobody has opened the link:\n> POST https://")
    assert re.search(r"> POST \S+/act_\w+/revoke\n> Auth.*\n> \(no body\)\n< 200\n", second)
    assert '"status": "revoked"' in second
    assert third.startswith("3. Revoke it again. Clerk refuses, since only a pending token can be")
    assert "\n< 400\n" in third
    assert "\n= ClerkErrors: POST /v1/actor_tokens/act_" in third
    assert "Only pending tokens can be revoked; trace ID " in third


def test_demo_needs_no_key_and_leaves_no_files(tmp_path: Path, monkeypatch: Patch) -> None:
    shutil.copy(MODULE, tmp_path)
    monkeypatch.setenv("CLERK_API_URL", "nonsense")

    done = run_python("-ISW", "error", "-X", "dev", MODULE.name, "demo", cwd=tmp_path)

    assert done.stderr == ""
    assert done.returncode == 0
    assert os.listdir(tmp_path) == [MODULE.name]


def test_create_prints_the_link_and_nothing_else_on_standard_output(
    run: Run, server: Server
) -> None:
    finished = run(*COMMAND)

    assert finished.status == 0
    assert finished.out == LINK + "\n"


def test_create_tells_on_standard_error_who_can_do_what_and_how_to_revoke_it(
    run: Run, server: Server
) -> None:
    finished = run(*COMMAND, "--expires-in", "60", "--session-max-duration", "90")

    assert finished.err == (
        "user_9z8y7x can sign in as user_1a2b3c, once, within 60 s, for 90 s at most.\n"
        f"To revoke it: clerk-actor-tokens revoke {TOKEN['id']}\n"
    )


def test_create_sends_its_arguments(run: Run, server: Server) -> None:
    run(*COMMAND, "--expires-in", "60", "--session-max-duration", "90")

    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {
        "user_id": "user_1a2b3c",
        "actor": {"sub": "user_9z8y7x"},
        "expires_in_seconds": 60,
        "session_max_duration_in_seconds": 90,
    }


def test_create_sends_the_limits_by_default(run: Run, server: Server) -> None:
    run(*COMMAND)

    document = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert document["expires_in_seconds"] == 3600
    assert document["session_max_duration_in_seconds"] == 1800


@pytest.mark.parametrize("blank", ["", " "], ids=["as it is", "after a blank"])
def test_create_reads_an_actor_in_json(run: Run, server: Server, blank: str) -> None:
    run("create", "user_1", "--actor", blank + '{"sub": "user_2", "x": 1}')

    document = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert document["actor"] == {"sub": "user_2", "x": 1}


def test_create_prints_the_whole_token_as_indented_json(run: Run, server: Server) -> None:
    finished = run(*COMMAND, "--json")

    assert finished.status == 0
    assert finished.out == json.dumps(TOKEN, indent=2) + "\n"
    assert SECRET not in finished.err


def test_the_command_line_closes_its_connection(run: Run, server: Server) -> None:
    run(*COMMAND)

    assert server.hung_up.wait(10)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("javascript:alert(1)", id="a script"),
        pytest.param("http://x.example/", id="plain http"),
        pytest.param("https://x.example/\x1b[2J", id="a control sequence"),
        pytest.param("https://x.example/\ud800", id="half a surrogate pair"),
        pytest.param("", id="nothing"),
        pytest.param(None, id="null"),
    ],
)
def test_create_prints_a_link_only_if_it_is_one(run: Run, server: Server, url: Any) -> None:
    server.scripts = (respond({**TOKEN, "url": url}),)

    finished = run(*COMMAND)

    assert finished.status == 3
    assert finished.out == ""
    assert f"revoke {TOKEN['id']}\n" in finished.err
    assert "The token has no https link." in finished.err


def test_create_prints_a_token_without_a_link_as_json(run: Run, server: Server) -> None:
    server.scripts = (respond({**TOKEN, "url": None}),)

    finished = run(*COMMAND, "--json")

    assert finished.status == 0
    assert json.loads(finished.out) == {**TOKEN, "url": None}


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        pytest.param("tools/clerk.py", "python3 tools/clerk.py revoke act_", id="a file"),
        pytest.param(
            "/usr/bin/clerk-actor-tokens", "To revoke it: clerk-actor-tokens revoke", id="command"
        ),
    ],
)
def test_the_hint_to_revoke_names_the_program_as_it_was_run(
    run: Run, server: Server, monkeypatch: Patch, program: str, shown: str
) -> None:
    monkeypatch.setattr(sys, "argv", [program])

    finished = run(*COMMAND)

    assert shown in finished.err


REVOKED = {**TOKEN, "status": "revoked"}


def test_revoke_goes_on_after_a_failure_token_by_token(run: Run, server: Server) -> None:
    revoked = http_response(REVOKED)
    server.scripts = (answer(revoked, http_response(CLERKS_ERRORS, 400), revoked),)

    finished = run("revoke", "act_1", "act_2", "act_3")

    assert finished.status == 1
    assert finished.out == f"{TOKEN['id']} revoked\n{TOKEN['id']} revoked\n"
    assert finished.err.startswith("act_2: POST /v1/actor_tokens/act_2/revoke to localhost:")
    assert "is accepted" in finished.err
    assert len(finished.err.splitlines()) == 1


def test_revoke_goes_on_after_what_is_no_id_and_does_not_repeat_it(
    run: Run, server: Server
) -> None:
    server.scripts = (respond(REVOKED),)

    finished = run("revoke", "act_1", SECRET, "act_3")

    assert finished.status == 2
    assert finished.out == f"{TOKEN['id']} revoked\n{TOKEN['id']} revoked\n"
    assert finished.err.startswith("ID number 2: actor_token_id must be")
    assert "eyJhbGciOi" not in finished.err


@pytest.mark.parametrize("token_id", ["xact_1", "act_", "user_1"])
def test_revoke_shows_an_id_only_if_it_looks_like_one(
    run: Run, server: Server, token_id: str
) -> None:
    server.scripts = (respond(CLERKS_ERRORS, 400),)

    finished = run("revoke", token_id)

    assert finished.err.startswith("ID number 1: ")


@pytest.mark.parametrize(
    ("scripts", "token_ids", "status"),
    [
        pytest.param((respond(REVOKED),), ("act_1",), 0, id="revoked"),
        pytest.param((respond({}, 400),), ("act_1",), 1, id="refused"),
        pytest.param((respond({}, 501),), ("act_1",), 3, id="Clerk may have acted"),
        pytest.param((respond({}, 400),), ("act_1", "act.2"), 2, id="invalid after refused"),
        pytest.param((respond({}, 501),), ("act_1", "act.2"), 3, id="invalid after unknown"),
        pytest.param((respond(REVOKED),), ("act.1", "act_2"), 2, id="revoked after invalid"),
    ],
)
def test_the_exit_status_of_revoke_is_the_worst(
    run: Run,
    server: Server,
    pauses: list[float],
    scripts: tuple[Script, ...],
    token_ids: tuple[str, ...],
    status: int,
) -> None:
    server.scripts = scripts

    finished = run("revoke", *token_ids)

    assert finished.status == status


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param(respond(CLERKS_ERRORS, 402), 1, id="Clerk refuses"),
        pytest.param(respond(CLERKS_ERRORS, 500), 3, id="Clerk fails"),
        pytest.param(hang_up, 3, id="lost"),
        pytest.param(respond({}), 3, id="no token"),
    ],
)
def test_the_exit_status_of_create_says_if_clerk_may_have_acted(
    run: Run, server: Server, script: Script, status: int
) -> None:
    server.scripts = (script,)

    finished = run(*COMMAND)

    assert finished.status == status
    assert finished.out == ""
    assert finished.err.startswith("clerk-actor-tokens: ")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(COMMAND, id="create"),
        pytest.param((*COMMAND, "--json"), id="create, JSON"),
        pytest.param(("revoke", "act_1"), id="revoke"),
    ],
)
def test_no_response_steers_the_terminal(
    run: Run, server: Server, command: tuple[str, ...]
) -> None:
    odd = {name: f"{TOKEN[name]}\x1b[2J\r" for name in ("id", "status", "user_id", "url")}
    server.scripts = (respond({**TOKEN, **odd, "actor": {"sub": "user_2\x1b[2J\r"}}),)

    finished = run(*command)

    for line in (finished.out + finished.err).split("\n"):
        assert line.isprintable()


BAD_ACTOR = "--actor is neither an ID nor a JSON object"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("", "required: command", id="nothing"),
        pytest.param("nonsense", "invalid choice", id="no command"),
        pytest.param("create", "required: user, --actor", id="no user"),
        pytest.param("create user_1", "required: --actor", id="no actor"),
        pytest.param("create '' --actor user_2", "user_id must be", id="an empty user"),
        pytest.param("create user_1 --actor ''", ACTOR, id="an empty actor"),
        pytest.param("revoke", "required: ID", id="no ID"),
        pytest.param("create user_1 --actor {", BAD_ACTOR, id="bad object"),
        pytest.param("create user_1 --actor [", BAD_ACTOR, id="bad list"),
        pytest.param("""create user_1 --actor '"'""", BAD_ACTOR, id="bad text"),
        pytest.param("create user_1 --actor " + "[" * 100_000, BAD_ACTOR, id="deep JSON"),
        pytest.param("create user_1 --actor [1]", BAD_ACTOR, id="a list"),
        pytest.param("""create user_1 --actor '{"a": 1}'""", "actor has no sub", id="no sub"),
        pytest.param(
            """create u --actor '{"sub": "u", "x": NaN}'""",
            "what JSON holds",
            id="NaN",
        ),
        pytest.param("create u --actor a --expires-in x", "invalid int value", id="a word"),
        pytest.param(
            "create u --actor a --expires-in 0", "expires_in_seconds must", id="0 seconds"
        ),
        pytest.param(
            "create u --actor a --session-max-duration x", "invalid int value", id="lasts a word"
        ),
        pytest.param("create u --actor a --open", "unrecognized arguments: --open", id="--open"),
    ],
)
def test_invalid_arguments_end_in_status_2(
    run: Run, server: Server, line: str, message: str
) -> None:
    finished = run(*shlex.split(line))

    assert finished.status == 2
    assert finished.out == ""
    assert message in finished.err.splitlines()[-1]
    assert server.requests == []


def test_invalid_usage_shows_the_usage(run: Run) -> None:
    finished = run("create", "user_1")

    assert finished.err.startswith("usage: clerk-actor-tokens create ")
    assert finished.err.splitlines()[-1].startswith("clerk-actor-tokens create: ")


def test_a_missing_key_says_what_to_set(run: Run, monkeypatch: Patch) -> None:
    monkeypatch.delenv("CLERK_SECRET_KEY")

    finished = run(*COMMAND)

    assert finished.status == 2
    assert finished.out == ""
    assert "There is no secret key: set CLERK_SECRET_KEY" in finished.err


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("@", id="alone"),
        pytest.param("create u --actor a --expires-in @", id="as seconds"),
        pytest.param("create u --actor a --expires-in x@", id="in seconds"),
        pytest.param("create u --actor @", id="as the actor"),
        pytest.param("create @ --actor a", id="as the user"),
        pytest.param("""create u --actor '"@"'""", id="as the actor in quotes"),
        pytest.param("revoke @", id="as an ID"),
        pytest.param("--key=@", id="as an option"),
    ],
)
def test_a_key_among_the_arguments_is_not_repeated(run: Run, line: str) -> None:
    finished = run(*shlex.split(line.replace("@", "sk_live_pasted")))

    assert finished.status == 2
    assert finished.out == ""
    assert "pasted" not in finished.err


def test_help_says_what_the_environment_and_the_exit_statuses_are(run: Run) -> None:
    finished = run("--help")

    assert finished.status == 0
    assert finished.err == ""
    text = " ".join(finished.out.split())
    assert "CLERK_SECRET_KEY, the secret key" in text
    assert "CLERK_API_URL, Clerk's address (default: https://api.clerk.com)" in text
    assert re.search(
        "0; 1 if a call failed .* 2 if an argument is invalid; 3 if a call failed", text
    )


def test_help_for_create_shows_the_defaults(run: Run, monkeypatch: Patch) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    finished = run("create", "--help")

    text = " ".join(finished.out.split())
    assert finished.status == 0
    assert re.search(r"--expires-in EXPIRES_IN [^()]+\(default: 3600\)", text)
    assert re.search(r"--session-max-duration SESSION_MAX_DURATION [^()]+\(default: 1800\)", text)


@pytest.mark.parametrize(
    "how",
    [pytest.param([str(MODULE)], id="as a file"), pytest.param(["-m", MODULE.stem], id="with -m")],
)
def test_the_module_runs_as_a_program(how: list[str]) -> None:
    done = run_python(*how, "--version")

    assert done.returncode == 0
    assert done.stdout.strip() == clerk_actor_tokens.__version__


def test_a_program_that_fails_has_its_exit_status() -> None:
    done = run_python(str(MODULE), *COMMAND)

    assert done.returncode == 2
    assert done.stderr.startswith(f"python3 {MODULE}: There is no secret key")
    assert "Traceback" not in done.stderr


class NoReader(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError("no reader")


def test_a_link_that_cannot_be_written_ends_in_status_3(
    run: Run, server: Server, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sys, "stdout", NoReader())

    finished = run(*COMMAND)

    assert finished.status == 3
    assert f"revoke {TOKEN['id']}\n" in finished.err
    assert finished.err.endswith("clerk-actor-tokens: no reader\n")


@SIGNALS
def test_ctrl_c_ends_in_status_130(run: Run, server: Server, sigint: None) -> None:
    server.scripts = (press_ctrl_c,)

    finished = run(*COMMAND)

    assert finished.status == 130
    assert finished.out == ""
    assert finished.err == "Interrupted. Clerk may have acted.\n"


# ---- The README's code


def readme_blocks() -> list[str]:
    """The README's Python code."""
    text = README.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def readme_block(containing: str) -> str:
    """The README's one block of Python with these words in it."""
    (block,) = [block for block in readme_blocks() if containing in block]
    return block


def test_all_python_code_in_the_readme_compiles() -> None:
    blocks = readme_blocks()

    assert blocks
    for block in blocks:
        compile(block, "README.md", "exec")


def test_every_python_block_of_the_readme_is_tried_here() -> None:
    tried = ("print(token.url)", "def sign_in_link", "Sandbox()", "def handler", '"/sessions')

    for block in readme_blocks():
        assert any(text in block for text in tried), block


def test_the_readmes_first_example_runs(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    exec(readme_block("print(token.url)"), {})  # noqa: S102

    lines = [request.split(b"\r\n")[0].decode() for request in server.requests]
    assert capsys.readouterr().out == LINK + "\n"
    assert lines == [
        "POST /v1/actor_tokens HTTP/1.1",
        f"POST /v1/actor_tokens/{TOKEN['id']}/revoke HTTP/1.1",
    ]


def test_the_readmes_commands_run(server: Server) -> None:
    text = README.read_text(encoding="utf-8")
    commands = re.findall("^clerk-actor-tokens .*", text, re.MULTILINE)

    statuses = [
        clerk_actor_tokens.main(shlex.split(command, comments=True)[1:]) for command in commands
    ]

    assert commands
    assert statuses == [0] * len(commands)


def test_the_readmes_sandbox_example_runs() -> None:
    exec(readme_block("Sandbox()"), {})  # noqa: S102


def test_the_readmes_lambda_handler_returns_the_link_on_every_python(server: Server) -> None:
    names: dict[str, Any] = {}
    exec(readme_block("def handler"), names)  # noqa: S102
    event = {
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "user_2", "role": "support"}}}},
        "pathParameters": {"user_id": "user_1"},
    }
    context = Mock(get_remaining_time_in_millis=Mock(return_value=3000))

    result = names["handler"](event, context)

    assert result == {"id": TOKEN["id"], "url": LINK}
    assert len(server.requests) == 1


@pytest.fixture
def sign_in_link(server: Server) -> Callable[..., tuple[int, str]]:
    """The function in the README's example of error handling, with the server for Clerk."""
    names: dict[str, Any] = {}
    exec(readme_block("def sign_in_link"), names)  # noqa: S102
    return names["sign_in_link"]  # type: ignore[no-any-return]


def test_the_readmes_error_handling_returns_the_link(
    sign_in_link: Callable[..., tuple[int, str]],
) -> None:
    status, text = sign_in_link("user_1a2b3c", "user_9z8y7x")

    assert status == 200
    assert text == LINK


@pytest.mark.parametrize(
    ("script", "status", "text"),
    [
        pytest.param(respond({}, 500), 500, "There may be a link that nobody has", id="500"),
        pytest.param(hang_up, 500, "There may be a link that nobody has", id="lost"),
        pytest.param(respond({}, 401), 500, "Ask who looks after", id="401"),
        pytest.param(respond({}, 402), 500, "Ask who looks after", id="402"),
        pytest.param(
            respond({}, 429, Retry_After="30"), 503, "Try again in 30 seconds.", id="429, 30 s"
        ),
        pytest.param(respond({}, 429), 503, "Try again in 10 seconds.", id="429"),
        pytest.param(respond({}, 404), 502, "There is no link. POST /v1/", id="404"),
    ],
)
def test_the_readmes_error_handling_tells_the_failures_apart(
    server: Server,
    pauses: list[float],
    sign_in_link: Callable[..., tuple[int, str]],
    script: Script,
    status: int,
    text: str,
) -> None:
    server.scripts = (script,)

    shown_status, shown_text = sign_in_link("user_1a2b3c", "user_9z8y7x")

    assert shown_status == status
    assert shown_text.startswith(text)


def test_the_readmes_error_handling_refuses_an_invalid_argument(
    server: Server, sign_in_link: Callable[..., tuple[int, str]]
) -> None:
    status, _ = sign_in_link("", "user_9z8y7x")

    assert status == 400
    assert server.requests == []


def test_the_readmes_recipe_ends_the_sessions_of_one_engineer_only(
    serve: Serve, monkeypatch: Patch
) -> None:
    sessions = [
        {"id": "sess_customers_own", "actor": None},
        {"id": "sess_without_actor"},
        {"id": "sess_of_another", "actor": {"sub": "user_another"}},
        {"id": "sess_of_engineer", "actor": {"sub": "user_engineer"}},
        {"id": "sess_of_engineer_too", "actor": {"sub": "user_engineer", "ticket": "SUP-1"}},
    ]
    listed = http_response(sessions, Connection="close")
    ended = http_response({}, Connection="close")
    server = serve(answer(listed), answer(ended))
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    names: dict[str, Any] = {}
    exec(readme_block('"/sessions'), names)  # noqa: S102

    names["end_sessions"]("user_customer", "user_engineer", server_url=f"{server.origin}/v1")

    lines = [request.decode().split(" HTTP/1.1")[0] for request in server.requests]
    listing, *endings = lines
    assert listing.startswith("GET /v1/sessions?")
    assert "user_id=user_customer" in listing
    assert "status=active" in listing
    assert endings == [
        "POST /v1/sessions/sess_of_engineer/revoke",
        "POST /v1/sessions/sess_of_engineer_too/revoke",
    ]
    for request in server.requests:
        assert f"\r\nAuthorization: Bearer {KEY}\r\n".encode() in request


def test_the_readme_names_every_exception() -> None:
    text = README.read_text(encoding="utf-8")

    for name in (
        "ClerkBaseError",
        "ClerkErrors",
        "SDKError",
        "ResponseValidationError",
        "NoResponseError",
        "RequestTimeoutError",
    ):
        assert f"`{name}`" in text


class LambdaService:
    """AWS's runtime API, for one invocation that has 2 seconds."""

    ARN = "arn:aws:lambda:eu-central-1:123456789012:function:f"

    def __init__(self, claims: dict[str, str]) -> None:
        authorizer = {"jwt": {"claims": claims}}
        self.event = {
            "requestContext": {"authorizer": authorizer},
            "pathParameters": {"user_id": "user_1a2b3c"},
        }
        self.deadline = 0.0
        self.ended = 0.0

    def __call__(self, peer: Peer) -> None:
        while request := peer.read_request():
            if b"/invocation/next " not in request:
                self.ended = time.time()
                peer.send(http_response({}, 202))
            elif not self.deadline:
                self.deadline = time.time() + 2
                peer.send(
                    http_response(
                        self.event,
                        Lambda_Runtime_Aws_Request_Id="request-1",
                        Lambda_Runtime_Deadline_Ms=int(self.deadline * 1000),
                        Lambda_Runtime_Invoked_Function_Arn=self.ARN,
                    )
                )
            else:
                return  # which ends the runtime


Invoke = Callable[..., "tuple[str, Any]"]


@pytest.fixture
def invoke(serve: Serve, tmp_path: Path, monkeypatch: Patch) -> Invoke:
    """Run the README's Lambda handler once. Returns where the result went, and the result."""
    pytest.importorskip("awslambdaric", reason="needs awslambdaric, which .ci/run installs")

    def invoke(**claims: str) -> tuple[str, Any]:
        service = LambdaService(claims)
        runtime = serve(service)
        (tmp_path / "function.py").write_text(readme_block("def handler"), encoding="utf-8")
        shutil.copy(MODULE, tmp_path)
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", f"127.0.0.1:{runtime.port}")
        done = run_python("-m", "awslambdaric", "function.handler", cwd=tmp_path)
        assert KEY not in done.stdout + done.stderr
        assert service.ended < service.deadline + LATE
        (result,) = [request for request in runtime.requests if b"/next " not in request]
        head, _, body = result.partition(b"\r\n\r\n")
        return head.split(b" ")[1].decode().rpartition("/invocation/")[2], json.loads(body)

    return invoke


def test_the_readmes_lambda_handler_returns_the_token(server: Server, invoke: Invoke) -> None:
    place, result = invoke(sub="user_9z8y7x", role="support")

    assert place == "request-1/response"
    assert result == {"id": TOKEN["id"], "url": LINK}
    assert len(server.requests) == 1
    assert b'"user_id": "user_1a2b3c", "actor": {"sub": "user_9z8y7x"}' in server.requests[0]


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"sub": "user_2"}, id="no role"),
        pytest.param({"sub": "user_2", "role": "member"}, id="another role"),
        pytest.param({"sub": "user_2", "role": "support", "act": "x"}, id="an impersonation"),
    ],
)
def test_the_readmes_lambda_handler_refuses_who_is_not_support(
    server: Server, invoke: Invoke, claims: dict[str, str]
) -> None:
    place, result = invoke(**claims)

    assert place == "request-1/response"
    assert result == {"statusCode": 403}
    assert server.requests == []


def test_the_readmes_lambda_handler_fails_in_time_if_clerk_stalls(
    server: Server, invoke: Invoke
) -> None:
    server.scripts = (stay_silent,)

    place, result = invoke(sub="user_9z8y7x", role="support")

    seconds = re.search(r"within ([0-9.]+) seconds", result["errorMessage"])
    assert place == "request-1/error"
    assert result["errorType"] == "RequestTimeoutError"
    assert seconds
    assert 0 < float(seconds[1]) <= 1.5
    assert len(server.requests) == 1
