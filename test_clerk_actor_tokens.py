"""What clerk_actor_tokens.py promises, in the order of that file."""

from __future__ import annotations

import base64
import builtins
import contextlib
import copy
import dataclasses
import datetime
import email.utils
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
import urllib.error
import urllib.request
import urllib.response
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
import trustme
from responses import matchers

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

MODULE = Path(clerk_actor_tokens.__file__)
README = Path(__file__).with_name("README.md")
KEY = "sk_test_4f9d2c7b1a"
SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3NjM5MDM2MDB9.c2lnbmF0dXJl"  # noqa: S105
LINK = f"https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket={SECRET}"
ANSWER: dict[str, Any] = {
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
NOT_PENDING: dict[str, Any] = {
    "errors": [
        {
            "code": "actor_token_cannot_be_revoked_code",
            "message": "Actor token cannot be revoked",
            "long_message": "Actor token cannot be revoked because its status is accepted.",
            "meta": {"param_name": "actor_token_id"},
        }
    ],
    "clerk_trace_id": "0af7651916cd43dd8448eb211c80319c",
    "meta": {"docs": "https://clerk.com/docs"},
}


class RequestsOpener:
    """Opens urllib's requests with `requests`, for those who want their own `Session` underneath."""

    def __init__(self, session: requests.Session | None = None) -> None:
        self.session = session or requests.Session()

    def open(self, request: urllib.request.Request, *, timeout: float) -> urllib.response.addinfourl:
        answer = self.session.request(
            request.get_method(),
            request.full_url,
            data=request.data,  # type: ignore[arg-type]
            headers=dict(request.header_items()),
            timeout=timeout,
            allow_redirects=False,
            auth=lambda prepared: prepared,  # or requests would put a login from ~/.netrc in place of the key
        )
        body = io.BytesIO(answer.content)
        return urllib.response.addinfourl(body, answer.headers, request.full_url, answer.status_code)  # type: ignore[arg-type]


class Canned:
    """An opener that gives one answer, or raises it, and remembers what it was asked."""

    def __init__(self, answer: Any = ANSWER, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.answer = answer
        self.status = status
        self.headers = {"Content-Type": "application/json"} if headers is None else headers
        self.requests: list[urllib.request.Request] = []
        self.timeouts: list[float] = []

    def open(self, request: urllib.request.Request, *, timeout: float) -> Any:
        self.requests.append(request)
        self.timeouts.append(timeout)
        if isinstance(self.answer, Exception):
            raise self.answer
        body = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return urllib.response.addinfourl(io.BytesIO(body), self.headers, request.full_url, self.status)  # type: ignore[arg-type]


def canned_client(answer: Any = ANSWER, status: int = 200, headers: Mapping[str, str] | None = None) -> ActorTokens:
    return ActorTokens(KEY, opener=Canned(answer, status, headers))


def failure_of(call: Callable[..., object], *arguments: Any, **options: Any) -> Any:
    """The module's own exception that a call raises, checked for what must never be in any of them."""
    with pytest.raises(ClerkBaseError) as caught:
        call(*arguments, **options)
    error = caught.value
    shown = str(error) + repr(error) + "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert KEY not in shown, "the secret key shows in an error"
    assert SECRET not in shown, "a token shows in an error"
    assert len(str(error).splitlines()) == 1, f"not one line: {error}"
    return error


class Peer:
    """The server's side of one connection, for a script to play."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.received = b""

    def read_request(self) -> bytes:
        """One complete request, counted; nothing where the client hung up."""
        while b"\r\n\r\n" not in self.received:
            if not self._receive():
                return b""
        head, _, _ = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        size = len(head) + 4 + int(length[1] if length else b"0")
        while len(self.received) < size:
            if not self._receive():
                return b""
        request, self.received = self.received[:size], self.received[size:]
        self.server.requests.append(request)
        return request

    def _receive(self) -> int:
        data = self.sock.recv(65536)
        self.received += data
        return len(data)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reset(self) -> None:
        """Hang up with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_hang_up(self) -> None:
        with suppress(OSError):
            while self.sock.recv(65536):
                pass


Script = Callable[[Peer], object]


class Server:
    """A server on loopback that plays one script for each connection; the last one again for every further connection."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, listener: socket.socket | None = None) -> None:
        self.scripts = scripts
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopped = threading.Event()
        self.hung_up = threading.Event()
        self._peers: list[socket.socket] = []
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}/v1"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                script = self.scripts[min(self.connections, len(self.scripts) - 1)]
                self.connections += 1
                thread = threading.Thread(target=self._play, args=(script, sock))
                self._threads.append(thread)
                self._peers.append(sock)
                thread.start()

    def _play(self, script: Script, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            if self.tls is None:
                script(Peer(self, sock))
            else:
                with self.tls.wrap_socket(sock, server_side=True) as tls:
                    self._peers.append(tls)
                    script(Peer(self, tls))
        self.hung_up.set()

    def stop(self) -> None:
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "a script did not end"


Serve = Callable[..., Server]


def http_answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Something\r\n{head}\r\n".encode() + body


def answer_with(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """Answer every request on the connection."""
    return raw(http_answer(document, status, headers))


def raw(data: bytes) -> Script:
    """Answer every request on the connection with these bytes."""

    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.send(data)

    return script


def raw_once(data: bytes) -> Script:
    """Answer one request with these bytes, then hang up."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)

    return script


def echo(peer: Peer) -> None:
    """Answer every create with a token for the user it names."""
    while True:
        request = peer.read_request()
        if not request:
            break
        peer.send(http_answer({**ANSWER, "user_id": json.loads(request.partition(b"\r\n\r\n")[2])["user_id"]}))


def hang_up_after_request(peer: Peer) -> None:
    peer.read_request()


def reset_after_request(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def hang_up_at_once(peer: Peer) -> None:
    pass


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers, and end them after the test."""
    servers = []

    def start(*scripts: Script, **options: Any) -> Server:
        servers.append(Server(*scripts, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    return server_context(authority.issue_cert("localhost", "127.0.0.1", "::1"))


@pytest.fixture(scope="session")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the module makes, without making them."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C reach this process's children, even where a script runs the tests in the background, with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def client_of(server: Server, **options: Any) -> ActorTokens:
    return ActorTokens(KEY, server_url=server.url, **options)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in ("CLERK_SECRET_KEY", "CLERK_API_URL") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def mocked() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


class TestNames:
    def test_all_that_it_exports_is_there_at_run_time_too(self) -> None:
        exec("from clerk_actor_tokens import *", {})  # noqa: S102  # Opener and Response are for type checkers


# ---- What goes out ---------------------------------------------------------------------------------------------------


class TestWhatGoesOut:
    @pytest.mark.parametrize(
        ("actor", "options", "body"),
        [
            (
                "user_9z8y7x",
                {},
                '{"user_id":"user_1a2b3c","actor":{"sub":"user_9z8y7x"},'
                '"expires_in_seconds":3600,"session_max_duration_in_seconds":1800}',
            ),
            (
                {"sub": "user_9z8y7x", "ticket": "SUP-1", "deep": {"list": [1, None, 2.5, True, "\u00e9"]}},
                {"expires_in_seconds": 60, "session_max_duration_in_seconds": 1},
                '{"user_id":"user_1a2b3c","actor":{"sub":"user_9z8y7x","ticket":"SUP-1","deep":'
                '{"list":[1,null,2.5,true,"\u00e9"]}},"expires_in_seconds":60,"session_max_duration_in_seconds":1}',
            ),
        ],
        ids=["ID and defaults", "claims and durations"],
    )
    def test_create_sends_what_the_official_sdk_sends(
        self, mocked: responses.RequestsMock, actor: Any, options: dict[str, int], body: str
    ) -> None:
        mocked.post(
            "https://api.clerk.com/v1/actor_tokens",
            json=ANSWER,
            match=[
                matchers.json_params_matcher(json.loads(body)),
                matchers.header_matcher(
                    {
                        "Authorization": f"Bearer {KEY}",
                        "Accept": "application/json",
                        "Content-type": "application/json",  # urllib's way to write names
                        "Clerk-api-version": "2026-05-12",
                        "User-agent": f"clerk-actor-tokens/{clerk_actor_tokens.__version__}",
                    }
                ),
            ],
        )
        token = ActorTokens(KEY, opener=RequestsOpener()).create("user_1a2b3c", actor, **options)
        assert dataclasses.asdict(token) == ANSWER
        assert mocked.calls[0].request.body == body.encode(), "the official SDK's order of fields, and no spaces"

    def test_revoke_sends_what_the_official_sdk_sends(self, mocked: responses.RequestsMock) -> None:
        url = "https://api.clerk.com/v1/actor_tokens/act_1/revoke"
        mocked.post(url, json=ANSWER, match=[matchers.header_matcher({"Authorization": f"Bearer {KEY}"})])
        ActorTokens(KEY, opener=RequestsOpener()).revoke("act_1")
        assert not mocked.calls[0].request.body
        assert "Content-Type" not in mocked.calls[0].request.headers

    def test_revoke_takes_the_token_itself(self) -> None:
        opener = Canned()
        ActorTokens(KEY, opener=opener).revoke(ActorToken(**ANSWER))
        assert opener.requests[0].full_url.endswith("/actor_tokens/act_29w9IptNja3mP8GDXpquBwN2qR9/revoke")

    def test_requests_puts_no_login_of_its_own_in_place_of_the_key(
        self, mocked: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "netrc").write_text("default login somebody password else")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        mocked.post("https://api.clerk.com/v1/actor_tokens", json=ANSWER)
        ActorTokens(KEY, opener=RequestsOpener()).create("user_1", "user_2")
        assert mocked.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"

    def test_the_key_does_not_travel_with_a_redirect(self) -> None:
        opener = Canned()
        ActorTokens(KEY, opener=opener).create("user_1", "user_2")
        redirected = urllib.request.HTTPRedirectHandler().redirect_request(
            opener.requests[0],
            io.BytesIO(),
            302,
            "Found",
            http.client.HTTPMessage(),
            "https://elsewhere.example/",
        )
        assert redirected is not None
        assert not redirected.has_header("Authorization")

    @pytest.mark.parametrize("user_id", ["", " ", "user_1\n", "user_\ud800", None, 7, b"user_1"])
    def test_a_wrong_user_id_is_refused(self, user_id: Any) -> None:
        with pytest.raises((ValueError, TypeError), match="user_id"):
            canned_client().create(user_id, "user_2")

    LOOP: dict[str, Any] = {"sub": "user_2"}
    LOOP["loop"] = LOOP
    DEEP: Any = None
    for _ in range(100_000):
        DEEP = [DEEP]

    @pytest.mark.parametrize(
        "actor",
        [
            "",
            {},
            {"sub": ""},
            {"sub": None},
            {"sub": 5},
            None,
            5,
            ["sub"],
            b"user_2",
            {"sub": "user_2", "x": float("nan")},
            {"sub": "user_2", "x": float("inf")},
            {"sub": "user_2", "x": {1}},
            {"sub": "user_2", "x": b""},
            {"sub": "user_2", "x": object()},
            {"sub": "user_2", "x": "\ud800"},
            {"sub": "user_2", "x": [{1: "a"}]},
            {"sub": "user_2", 1: "a"},
            {"sub": "user_2", "x": 10**5000},
            {"sub": "user_2", "x": DEEP},
            LOOP,
        ],
        ids=lambda actor: type(actor).__name__,
    )
    def test_an_actor_that_is_no_json_object_with_a_sub_is_refused(self, actor: Any) -> None:
        if sys.version_info < (3, 11) and actor == {"sub": "user_2", "x": 10**5000}:
            pytest.skip("this Python writes numbers of any length")
        opener = Canned()
        with pytest.raises((ValueError, TypeError), match="actor"):
            ActorTokens(KEY, opener=opener).create("user_1", actor)
        assert not opener.requests, "sent all the same"

    def test_an_actor_that_fails_to_be_read_is_refused(self) -> None:
        class Broken(dict[str, str]):
            def keys(self) -> Any:
                raise ZeroDivisionError

        opener = Canned()
        with pytest.raises(ValueError, match="actor"):
            ActorTokens(KEY, opener=opener).create("user_1", types.MappingProxyType(Broken(sub="user_2")))
        assert opener.requests == []

    def test_the_actor_may_be_any_mapping(self) -> None:
        opener = Canned()
        ActorTokens(KEY, opener=opener).create("user_1", types.MappingProxyType({"sub": "u"}))
        assert json.loads(opener.requests[0].data)["actor"] == {"sub": "u"}  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["expires_in_seconds", "session_max_duration_in_seconds"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, 60.0, True, None, "60", float("nan"), 2**63])
    def test_durations_are_whole_numbers_from_one(self, name: str, value: Any) -> None:
        with pytest.raises((ValueError, TypeError), match=name):
            canned_client().create("user_1", "user_2", **{name: value})

    @pytest.mark.parametrize(
        "token_id",
        [
            "",
            "../x",
            "act_1/../../users",
            "act_1%2e%2e",
            "act.1",
            "act_1\n",
            "act 1",
            "act_\u0661",
            "act_1?",
            None,
            5,
            b"act_1",
        ],
    )
    def test_an_id_of_anything_but_letters_digits_underscores_and_hyphens_is_refused(self, token_id: Any) -> None:
        opener = Canned()
        with pytest.raises((ValueError, TypeError), match="actor_token_id"):
            ActorTokens(KEY, opener=opener).revoke(token_id)
        assert not opener.requests, "sent all the same"

    def test_an_id_of_an_enum_goes_out_by_its_value(self) -> None:
        class Token(str, enum.Enum):
            TICKET = "act_1"

        opener = Canned()
        ActorTokens(KEY, opener=opener).revoke(Token.TICKET)
        assert opener.requests[0].full_url.endswith("/actor_tokens/act_1/revoke")

    def test_a_key_in_place_of_an_id_does_not_get_into_a_url(self) -> None:
        opener = Canned()
        clerk = ActorTokens(KEY, opener=opener)
        for name, arguments in (("revoke", [KEY]), ("create", [KEY, "user_2"]), ("create", ["user_1", KEY])):
            with pytest.raises(ValueError, match="this is a key") as caught:
                getattr(clerk, name)(*arguments)
            assert KEY not in str(caught.value)
        assert not opener.requests

    @pytest.mark.parametrize("secret", [SECRET, LINK])
    def test_a_token_in_place_of_its_id_is_named_but_not_repeated(self, secret: str) -> None:
        with pytest.raises(ValueError, match="token or its URL") as caught:
            canned_client().revoke(secret)
        assert SECRET[:20] not in "".join(traceback.format_exception_only(caught.type, caught.value))

    @pytest.mark.parametrize(
        "key", ["", "\n", "sk_test_ x", " sk_test_x", "sk_test_x ", "sk_\ttest", "sk_\x00", "sk_\u00e9", "\nsk_x", "a\r\nb"]
    )
    def test_a_key_that_is_none_is_refused_and_not_repeated(self, key: str) -> None:
        with pytest.raises(ValueError, match="secret_key") as caught:
            ActorTokens(key)
        assert not key.strip() or key.strip() not in str(caught.value)

    def test_a_publishable_key_is_told_apart(self) -> None:
        with pytest.raises(ValueError, match="publishable"):
            ActorTokens("pk_test_abcdef")

    def test_a_key_of_another_type_is_refused(self) -> None:
        with pytest.raises(TypeError, match="secret_key"):
            ActorTokens(b"sk_test_x")  # type: ignore[arg-type]

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_the_key_comes_from_the_environment_and_may_end_in_a_line_end(
        self, monkeypatch: pytest.MonkeyPatch, end: str
    ) -> None:
        monkeypatch.setenv("CLERK_SECRET_KEY", KEY + end)
        opener = Canned()
        ActorTokens(opener=opener).revoke("act_1")
        assert opener.requests[0].get_header("Authorization") == f"Bearer {KEY}"

    def test_a_missing_key_says_which_variable_to_set(self) -> None:
        with pytest.raises(ValueError, match="CLERK_SECRET_KEY"):
            ActorTokens()

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "api.clerk.com/v1",
            "http://api.clerk.com/v1",
            "http://127.evil.com/v1",
            "http://localhost.evil.com/v1",
            "http://127.0.0.1.evil.com/v1",
            "http://127.999.0.1/v1",
            "http://127.0.0.256/v1",
            "http://[::1].evil.com/v1",
            "http://[::1]evil.com:80/v1",
            "https://evil.com[::1]/v1",
            "https://api.clerk.com:/v1",
            "ftp://localhost/v1",
            "file:///v1",
            "https:///v1",
            "https://:443/v1",
            "https://user@api.clerk.com/v1",
            "https://user:word@api.clerk.com/v1",
            "https://api.clerk.com\\@evil.com/v1",
            "https://api.clerk.com/v1?x=1",
            "https://api.clerk.com/v1?",
            "https://api.clerk.com/v1#x",
            "https://api.clerk.com/v1#",
            "https://api.clerk.com:0/v1",
            "https://api.clerk.com:99999/v1",
            "https://api.clerk.com:abc/v1",
            "https://[::1/v1",
            "https://a..b/v1",
            "https://api.clerk.com/ v1",
            "https://api.clerk.com/\nv1",
            "https://api.cl\terk.com/v1",
            "https://\u00e4pi.clerk.com/v1",
        ],
    )
    def test_a_server_url_that_could_lead_elsewhere_is_refused(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        with pytest.raises(ValueError, match="server_url"):
            ActorTokens(KEY, server_url=url)
        if url:
            monkeypatch.setenv("CLERK_API_URL", url)
            with pytest.raises(ValueError, match="CLERK_API_URL"):
                ActorTokens(KEY)

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost/v1",
            "http://127.0.0.2:80/v1",
            "http://[::1]:8000/v1",
            "https://x.example:444/a/v1/",
            "HTTPS://x/v1",
        ],
    )
    def test_the_server_url_is_where_requests_go(self, url: str) -> None:
        opener = Canned()
        ActorTokens(KEY, server_url=url, opener=opener).create("user_1", "user_2")
        assert opener.requests[0].full_url == url.rstrip("/") + "/actor_tokens"

    @pytest.mark.parametrize("url", ["https://api.example.com", "https://api.example.com/"])
    def test_clerk_api_url_gets_v1_behind_it(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setenv("CLERK_API_URL", url)
        opener = Canned()
        ActorTokens(KEY, opener=opener).revoke("act_1")
        assert opener.requests[0].full_url == "https://api.example.com/v1/actor_tokens/act_1/revoke"

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e12, True, "5", None])
    def test_timeouts_that_make_no_sense_are_refused(self, timeout: Any) -> None:
        with pytest.raises((ValueError, TypeError), match="timeout"):
            ActorTokens(KEY, timeout=timeout)
        if timeout is not None:
            with pytest.raises((ValueError, TypeError), match="timeout"):
                canned_client().revoke("act_1", timeout=timeout)

    @pytest.mark.parametrize("retries", [-1, 1.5, True, "2", None])
    def test_retry_counts_that_make_no_sense_are_refused(self, retries: Any) -> None:
        with pytest.raises((ValueError, TypeError), match="max_retries"):
            ActorTokens(KEY, max_retries=retries)

    def test_an_opener_and_a_context_must_be_what_they_should_be(self) -> None:
        with pytest.raises(TypeError, match="opener"):
            ActorTokens(KEY, opener=object())  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="ssl_context"):
            ActorTokens(KEY, ssl_context=True)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="ssl_context"):
            ActorTokens(KEY, ssl_context=ssl.create_default_context(), opener=Canned())


# ---- What comes back -------------------------------------------------------------------------------------------------


class TestWhatComesBack:
    def test_the_whole_token_comes_back(self) -> None:
        token = canned_client().create("user_1a2b3c", "user_9z8y7x")
        assert dataclasses.asdict(token) == ANSWER
        assert token == ActorToken(**ANSWER)
        assert hash(token) == hash(ActorToken(**copy.deepcopy(ANSWER)))
        assert pickle.loads(pickle.dumps(token)) == token
        with pytest.raises(dataclasses.FrozenInstanceError):
            token.status = "accepted"  # type: ignore[misc]

    def test_token_and_url_never_show_in_the_repr(self) -> None:
        assert SECRET not in repr(canned_client().create("user_1", "user_2"))

    @pytest.mark.parametrize("change", [{"status": "expired"}, {"new": {"field": 1}}, {"token": None, "url": None}])
    def test_what_clerk_adds_one_day_breaks_nothing(self, change: dict[str, Any]) -> None:
        token = canned_client({**ANSWER, **change}).revoke("act_1")
        assert all(getattr(token, name) == value for name, value in change.items() if name != "new")

    def test_token_and_url_may_be_missing(self) -> None:
        token = canned_client({name: value for name, value in ANSWER.items() if name not in ("token", "url")}).revoke(
            "act_1"
        )
        assert (token.token, token.url) == (None, None)

    @pytest.mark.parametrize("status", [200, 201, 202, 299])
    def test_any_success_may_carry_the_token(self, status: int) -> None:
        assert canned_client(status=status).revoke("act_1").id == ANSWER["id"]

    @pytest.mark.parametrize("name", ["object", "id", "status", "user_id", "actor", "created_at", "updated_at"])
    @pytest.mark.parametrize("value", ["missing", None, True, 1.5, []])
    def test_a_missing_or_mistyped_field_does_break(self, name: str, value: Any) -> None:
        answer = {**ANSWER, name: value}
        if value == "missing":
            del answer[name]
        error = failure_of(canned_client(answer).revoke, "act_1")
        assert type(error) is ResponseValidationError
        assert name in str(error)

    @pytest.mark.parametrize("change", [{"token": 5}, {"url": ["x"]}, {"object": "session"}])
    def test_a_field_that_is_something_else_breaks_too(self, change: dict[str, Any]) -> None:
        assert type(failure_of(canned_client({**ANSWER, **change}).revoke, "act_1")) is ResponseValidationError

    ODD_BODIES: dict[str, bytes] = {
        "nothing": b"",
        "a page": b"<html><body>Sign in to the hotel's WiFi</body></html>",
        "null": b"null",
        "a list": json.dumps([ANSWER]).encode(),
        "text": b'"actor_token"',
        "a number": b"1",
        "half of it": json.dumps(ANSWER).encode()[:-1],
        "two of it": json.dumps(ANSWER).encode() * 2,
        "deep nesting": b"[" * 200_000,
        "deep objects": b'{"a":' * 100_000,
        "a huge number": json.dumps(ANSWER).encode().replace(b"1763900000000", b"1" * 100_000),
        "a huge float": json.dumps(ANSWER).encode().replace(b"1.5", b"1e999"),
        "NaN": json.dumps(ANSWER).encode().replace(b"1.5", b"NaN"),
        "not UTF-8": json.dumps(ANSWER).encode().replace(b"SUP-1", b"\xff\xfe"),
        "UTF-16": json.dumps(ANSWER).encode("utf-16"),
        "gzip": b"\x1f\x8b\x08\x00" + bytes(40),
    }

    @pytest.mark.parametrize("body", list(ODD_BODIES.values()), ids=list(ODD_BODIES))
    def test_a_success_that_is_no_token_is_told_without_a_word_of_it(self, body: bytes) -> None:
        if body == self.ODD_BODIES["a huge number"] and not hasattr(sys, "get_int_max_str_digits"):
            pytest.skip("this Python reads numbers of any length")
        error = failure_of(canned_client(body, headers={"Content-Type": "text/html"}).create, "user_1", "user_2")
        assert type(error) is ResponseValidationError
        assert (error.status_code, error.headers["content-type"]) == (200, "text/html")
        assert error.body == body.decode(errors="replace")
        assert "text/html" in str(error)
        assert f"{len(body)} bytes" in str(error)


# ---- What can go wrong -----------------------------------------------------------------------------------------------


class TestWhatCanGoWrong:
    @pytest.mark.parametrize("status", [400, 401, 402, 404, 422, 429, 500, 503, 599])
    def test_the_envelope_with_any_bad_status_is_clerk_errors(self, status: int) -> None:
        error = failure_of(canned_client(NOT_PENDING, status, {"X-Thing": "1"}).revoke, "act_1")
        assert type(error) is ClerkErrors
        assert error.status_code == status
        assert error.headers["x-THING"] == "1"
        assert error.errors == (ClerkError(**NOT_PENDING["errors"][0]),)
        assert error.clerk_trace_id == NOT_PENDING["clerk_trace_id"]
        assert error.meta == NOT_PENDING["meta"]
        assert json.loads(error.body) == NOT_PENDING

    @pytest.mark.parametrize("status", [300, 399, 600, 999])
    def test_the_envelope_with_any_other_status_is_an_sdk_error(self, status: int) -> None:
        assert type(failure_of(canned_client(NOT_PENDING, status).revoke, "act_1")) is SDKError

    @pytest.mark.parametrize(
        "body",
        [
            b'{"ticket": "shorty"}',
            b'["shorty"]',
            b' {"ticket": "shorty"',
            b'{"errors": [{"code": "shorty", "message": "", "long_message": "", "meta": '
            + b'{"a":' * 600
            + b"1"
            + b"}" * 602,
        ],
        ids=["object", "list", "cut short", "deep"],
    )
    def test_json_without_the_envelope_is_not_quoted(self, body: bytes) -> None:
        said = str(failure_of(canned_client(body, 502).create, "user_1", "user_2"))
        assert "shorty" not in said

    @pytest.mark.parametrize("key", [KEY, "a-key-of-another-form"])
    @pytest.mark.parametrize("before", [0, 150, 195])
    def test_no_secret_is_quoted_wherever_it_stands(self, key: str, before: int) -> None:
        page = f"{'x ' * (before // 2)}{key} {SECRET} \x1b[2J"
        headers = {"Location": page, "Content-Type": page}
        for status in (200, 302, 502):
            clerk = ActorTokens(key, opener=Canned(page.encode(), status, headers))
            said = str(failure_of(clerk.create, "user_1", "user_2"))
            assert key[:6] not in said
            assert SECRET[:6] not in said
            assert said.isprintable()

    def test_an_error_says_what_happened_in_one_line(self) -> None:
        said = str(failure_of(canned_client(NOT_PENDING, 400).revoke, "act_1"))
        for part in ("400", "POST", "/v1/actor_tokens/act_1/revoke", "actor_token_cannot_be_revoked_code", "is accepted"):
            assert part in said
        assert NOT_PENDING["clerk_trace_id"] in said

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>Bad\r\n gateway\x1b[31m</html>",
            b"",
            b"null",
            b"[]",
            b"{}",
            b'{"errors": "no"}',
            b'{"errors": [1]}',
            b'{"errors": [{}]}',
            b'{"errors": [{"code": 5, "message": "m", "long_message": "l"}]}',
            b'{"errors": {"code": "c"}}',
            b"[" * 100_000,
            b"\xff\xfe",
            json.dumps({"errors": 5, "secret": SECRET}).encode(),
            f"<pre>Authorization: Bearer {KEY} {SECRET}</pre>".encode(),
        ],
    )
    def test_any_other_body_is_an_sdk_error(self, body: bytes) -> None:
        error = failure_of(canned_client(body, 502).create, "user_1", "user_2")
        assert type(error) is SDKError
        assert error.status_code == 502
        assert error.body == body.decode(errors="replace").replace(KEY, "***")
        assert len(str(error)) < 400
        assert str(error).isprintable()

    @pytest.mark.parametrize(
        ("status", "advice"),
        [(401, "check the secret key"), (402, "plan"), (404, "check the ID"), (429, "too many requests")],
    )
    def test_it_says_what_to_do(self, status: int, advice: str) -> None:
        assert advice in str(failure_of(canned_client(NOT_PENDING, status).revoke, "act_1"))

    def test_no_time_at_all_is_no_time_to_wait(self) -> None:
        assert "wait" not in str(failure_of(canned_client(NOT_PENDING, 429, {"Retry-After": "0"}).revoke, "act_1"))

    @pytest.mark.parametrize(("value", "said"), [("30", "wait 30 s"), ("0.2", "wait 1 s"), ("9" * 300, "wait 1e+300 s")])
    @pytest.mark.parametrize("status", [429, 503])
    def test_it_says_how_long_to_wait(self, status: int, value: str, said: str) -> None:
        assert said in str(failure_of(canned_client(NOT_PENDING, status, {"Retry-After": value}).revoke, "act_1"))

    def test_only_where_clerk_may_have_acted_it_says_so(self) -> None:
        for status, doubt in [(400, False), (429, False), (500, True), (503, True)]:
            create = str(failure_of(canned_client(NOT_PENDING, status).create, "user_1", "user_2"))
            revoke = str(failure_of(canned_client(NOT_PENDING, status).revoke, "act_1"))
            assert ("calling again may make a second one" in create) is doubt, status
            assert ("it is safe to call again" in revoke) is doubt, status
        assert "may make a second one" in str(failure_of(canned_client({}).create, "user_1", "user_2"))

    @pytest.mark.parametrize("status", [200, 400, 502])
    def test_a_key_that_is_sent_back_is_masked_in_what_an_error_carries(self, status: int) -> None:
        envelope = {**NOT_PENDING, "clerk_trace_id": f"x {KEY}"}
        error = failure_of(canned_client(envelope, status, {"X-Echo": f"Bearer {KEY}"}).create, "user_1", "user_2")
        assert error.headers["X-Echo"] == "Bearer ***"
        assert KEY not in error.body
        assert "x ***" in error.body
        assert KEY not in str(getattr(error, "clerk_trace_id", None))

    def test_a_key_that_is_sent_back_with_json_escapes_is_masked_too(self) -> None:
        escaped = "".join(f"\\u{ord(character):04x}" for character in KEY)
        entry = json.dumps({"code": "c", "message": "KEY", "long_message": "KEY", "meta": {"KEY": ["KEY"]}})
        envelope = f'{{"errors": [{entry}], "clerk_trace_id": "KEY", "meta": {{"x": "KEY"}}}}'.replace("KEY", escaped)
        error = failure_of(canned_client(envelope.encode(), 401, {f"X-{KEY}": "1"}).create, "user_1", "user_2")
        assert error.errors == (ClerkError("c", "***", "***", {"***": ["***"]}),)
        assert (error.clerk_trace_id, error.meta, list(error.headers)) == ("***", {"x": "***"}, ["X-***"])

    def test_every_error_of_an_envelope_is_told(self) -> None:
        entries = [{"code": f"code_{number}", "message": "m", "long_message": "long " * 20} for number in range(5)]
        said = str(failure_of(canned_client({"errors": entries}, 422).create, "user_1", "user_2"))
        assert all(entry["code"] in said for entry in entries)
        assert len(str(failure_of(canned_client({"errors": entries * 200}, 422).create, "user_1", "user_2"))) < 2000

    def test_long_codes_and_trace_ids_are_no_secrets(self) -> None:
        code = "organization_domain_enrollment_mode_not_enabled"
        trace_id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        envelope = {"errors": [{"code": code, "message": "m", "long_message": "l"}], "clerk_trace_id": trace_id}
        said = str(failure_of(canned_client(envelope, 422).create, "user_1", "user_2"))
        assert code in said
        assert trace_id in said

    def test_odd_extras_do_not_hide_the_codes(self) -> None:
        odd = {**NOT_PENDING, "clerk_trace_id": 5, "meta": [], "errors": [{**NOT_PENDING["errors"][0], "meta": 1}]}
        error = failure_of(canned_client(odd, 422).create, "user_1", "user_2")
        assert type(error) is ClerkErrors
        assert (error.clerk_trace_id, error.meta, error.errors[0].meta) == (None, None, None)

    def test_what_an_envelope_says_is_quoted_without_secrets_and_in_one_line(self) -> None:
        entry = {"code": "c\n\x1b[2J", "message": "m", "long_message": f"{KEY}\u2028{SECRET}" + "x " * 5000}
        envelope = {"errors": [entry], "clerk_trace_id": f"{SECRET}\n\x1b[2J" + "y " * 5000}
        error = failure_of(canned_client(envelope, 400).create, "user_1", "user_2")
        assert type(error) is ClerkErrors
        assert str(error).isprintable()
        assert len(str(error)) < 600

    @pytest.mark.parametrize("status", [100, 101, 301, 302, 303, 304, 307, 308])
    def test_a_status_below_400_that_is_no_success_is_an_sdk_error(self, status: int) -> None:
        error = failure_of(
            canned_client(NOT_PENDING, status, {"Location": "https://evil.example/"}).create, "user_1", "user_2"
        )
        assert type(error) is SDKError
        assert status < 300 or "https://evil.example/" in str(error)

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("3", 3.0), ("0", 0.0), (" 7 ", 7.0), ("0.5", 0.5), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)]
        + [
            (nonsense, None)
            for nonsense in ("", "-3", "soon", "nan", "inf", "1e3", "9" * 400, "\u0663", "Mon, 99 Foo 9999 GMT")
        ],
    )
    def test_retry_after_is_seconds_from_now(self, value: str, seconds: float | None) -> None:
        error = failure_of(canned_client(NOT_PENDING, 429, {"retry-AFTER": value}).create, "user_1", "user_2")
        assert error.retry_after == seconds

    def test_retry_after_may_be_a_date(self) -> None:
        headers = {"Retry-After": email.utils.formatdate(time.time() + 60, usegmt=True)}
        error = failure_of(canned_client(NOT_PENDING, 429, headers).create, "user_1", "user_2")
        assert 58 < error.retry_after <= 60

    def test_retry_after_is_none_without_the_header(self) -> None:
        assert failure_of(canned_client(NOT_PENDING, 429).create, "user_1", "user_2").retry_after is None

    @pytest.mark.parametrize(
        ("subclass", "base"),
        [
            (SDKError, ClerkBaseError),
            (ClerkErrors, SDKError),
            (ResponseValidationError, ClerkBaseError),
            (NoResponseError, ClerkBaseError),
            (RequestTimeoutError, NoResponseError),
            (RequestTimeoutError, TimeoutError),
        ],
    )
    def test_the_exceptions_form_a_tree(self, subclass: type, base: type) -> None:
        assert issubclass(subclass, base)

    @pytest.mark.parametrize(
        "error",
        [
            ClerkBaseError("it failed"),
            SDKError("502", status_code=502, headers={"Retry-After": "5"}, body="no"),
            ClerkErrors(
                "400", status_code=400, errors=(ClerkError("c", "m", "l", {"a": [1]}),), clerk_trace_id="t", meta={}
            ),
            ResponseValidationError("200", status_code=200, headers={"A": "b"}, body="{}"),
            NoResponseError("lost", outcome_unknown=True),
            RequestTimeoutError("late", outcome_unknown=True),
        ],
        ids=lambda error: type(error).__name__,
    )
    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
    def test_all_of_them_pickle_and_copy_whole(self, error: ClerkBaseError, duplicate: Callable[[Any], Any]) -> None:
        twin = duplicate(error)
        assert type(twin) is type(error)
        assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
        assert vars(twin) == vars(error)

    def test_of_headers_of_the_same_name_the_first_is_kept(self) -> None:
        headers = clerk_actor_tokens.Headers([("Via", "a"), ("VIA", "b"), ("X", "1")])
        assert headers["via"] == "a"
        assert "vIa" in headers
        assert headers.get("y") is None
        assert len(headers) == len(list(headers)) == 2


# ---- The client ------------------------------------------------------------------------------------------------------


def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class TestClient:
    def test_a_response_that_fails_to_close_has_come_whole_all_the_same(self) -> None:
        class Response:
            status = 200
            headers = None

            def read(self) -> bytes:
                return json.dumps(ANSWER).encode()

            def close(self) -> None:
                raise ZeroDivisionError

        opener = types.SimpleNamespace(open=lambda request, timeout: Response())
        assert ActorTokens(KEY, opener=opener).create("user_1", "user_2").id == ANSWER["id"]

    def test_it_is_light_to_import(self) -> None:
        program = """
import sys
import __future__, dataclasses, json, socket, ssl, urllib.request  # what it cannot do without
before = set(sys.modules)
import clerk_actor_tokens
print(*(set(sys.modules) - before))
"""
        assert run_python("-c", program).stdout.split() == ["clerk_actor_tokens"]

    def test_its_repr_shows_no_key(self) -> None:
        assert KEY not in repr(ActorTokens(KEY, opener=Canned()))

    def test_it_is_a_context_manager(self) -> None:
        with ActorTokens(KEY, opener=Canned()) as clerk:
            assert clerk.revoke("act_1").id == ANSWER["id"]

    def test_the_opener_gets_the_seconds_of_the_call(self) -> None:
        opener = Canned()
        clerk = ActorTokens(KEY, timeout=7, opener=opener)
        clerk.create("user_1", "user_2")
        clerk.create("user_1", "user_2", timeout=3)
        clerk.revoke("act_1", timeout=0.5)
        assert opener.timeouts == [7, 3, 0.5]

    @pytest.mark.parametrize(
        ("cause", "kind", "outcome_unknown"),
        [
            (ConnectionResetError("reset"), NoResponseError, True),
            (urllib.error.URLError(ConnectionRefusedError(111, "refused")), NoResponseError, False),
            (urllib.error.URLError(socket.gaierror(-2, "no such name")), NoResponseError, False),
            (urllib.error.URLError(ssl.SSLCertVerificationError("bad")), NoResponseError, False),
            (urllib.error.URLError("some text"), NoResponseError, True),
            (socket.timeout("timed out"), RequestTimeoutError, True),
            (urllib.error.URLError(TimeoutError("timed out")), RequestTimeoutError, True),
            (requests.ConnectionError("lost"), NoResponseError, True),
            (ValueError(f"Invalid header value b'Bearer {KEY}'"), NoResponseError, True),
            (ZeroDivisionError(), NoResponseError, True),
            (chained(RuntimeError("boom"), ValueError(f"Bearer {KEY}")), NoResponseError, True),
        ],
        ids=lambda value: repr(value)[:30],
    )
    def test_whatever_an_opener_raises_is_an_error_of_ours(
        self, cause: Exception, kind: type[NoResponseError], outcome_unknown: bool
    ) -> None:
        error = failure_of(canned_client(cause).create, "user_1", "user_2")
        assert type(error) is kind
        assert error.outcome_unknown is outcome_unknown

    @pytest.mark.parametrize("raised", [False, True], ids=["returned", "raised"])
    def test_an_answer_that_begins_leaves_the_outcome_unknown(self, raised: bool) -> None:
        class Body(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise ConnectionRefusedError

        def answer(request: urllib.request.Request, *, timeout: float) -> Any:
            if raised:
                raise urllib.error.HTTPError("https://x/", 500, "no", http.client.HTTPMessage(), Body())
            return urllib.response.addinfourl(Body(), http.client.HTTPMessage(), "https://x/", 200)

        opener = types.SimpleNamespace(open=answer)
        assert failure_of(ActorTokens(KEY, opener=opener).create, "user_1", "user_2").outcome_unknown is True

    @staticmethod
    def hiding(how: str) -> Exception:
        """An exception that shows the key where `str()` of it does not."""
        if how == "in a note":
            noted = ValueError("x")
            noted.__notes__ = [f"Bearer {KEY}"]  # type: ignore[attr-defined]
            return noted
        if how == "in a group":
            group = getattr(builtins, "ExceptionGroup", None)
            if group is None:
                pytest.skip("Python has no groups before 3.11")
            return group("x", [ValueError(f"Bearer {KEY}")])  # type: ignore[no-any-return]
        return SyntaxError("x", ("file", 1, 1, f"Bearer {KEY}"))

    @pytest.mark.parametrize("how", ["in a note", "in a group", "in a line of code"])
    @pytest.mark.parametrize("behind_another", [False, True])
    def test_no_traceback_shows_the_key_that_an_opener_hid(self, how: str, behind_another: bool) -> None:
        hiding = self.hiding(how)
        cause = chained(RuntimeError("boom"), hiding) if behind_another else hiding
        failure_of(canned_client(cause).create, "user_1", "user_2")

    def test_an_opener_may_raise_what_has_no_text(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise ZeroDivisionError

        assert "Mute" in str(failure_of(canned_client(Mute()).create, "user_1", "user_2"))

    def test_an_opener_of_the_users_is_the_users_to_close(self) -> None:
        opener = types.SimpleNamespace(open=Canned().open, close=lambda: pytest.fail("closed"))
        with ActorTokens(KEY, opener=opener) as clerk:
            clerk.create("user_1", "user_2")

    def test_tls_that_cannot_be_set_up_is_a_value_error(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
        with pytest.raises(ValueError, match="TLS could not be set up"):
            ActorTokens(KEY)

    @pytest.mark.parametrize("status", [302, 400, 404, 429, 500])
    def test_an_opener_may_raise_for_a_bad_status(self, status: int) -> None:
        body = json.dumps(NOT_PENDING).encode()
        raised = urllib.error.HTTPError("https://x/", status, "no", {"Retry-After": "4"}, io.BytesIO(body))  # type: ignore[arg-type]
        returned = failure_of(canned_client(NOT_PENDING, status, {"Retry-After": "4"}).revoke, "act_1")
        error = failure_of(canned_client(raised).revoke, "act_1")
        assert type(error) is type(returned)
        assert (str(error), error.status_code, error.retry_after) == (str(returned), status, 4.0)

    def test_an_opener_may_raise_for_a_bad_status_without_a_body(self) -> None:
        raised = urllib.error.HTTPError("https://x/", "404", "no", None, None)  # type: ignore[arg-type]
        error = failure_of(canned_client(raised).revoke, "act_1")
        assert (type(error), error.status_code, error.body) == (SDKError, 404, "")

    def test_urllibs_own_opener_will_do(self, serve: Serve) -> None:
        server = serve(answer_with(ANSWER), answer_with(NOT_PENDING, 400))
        clerk = ActorTokens(KEY, server_url=server.url, opener=urllib.request.build_opener())
        assert clerk.create("user_1", "user_2").id == ANSWER["id"]
        assert type(failure_of(clerk.revoke, "act_1")) is ClerkErrors

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_urllibs_own_opener_follows_no_redirect_either(self, serve: Serve, status: int) -> None:
        target = serve(answer_with(ANSWER))
        server = serve(answer_with({}, status, {"Location": f"{target.url}/elsewhere"}))
        clerk = ActorTokens(KEY, server_url=server.url, opener=urllib.request.build_opener())
        error = failure_of(clerk.create, "user_1", "user_2")
        assert (type(error), error.status_code, target.connections) == (SDKError, status, 0)


# ---- The wire --------------------------------------------------------------------------------------------------------

CREATE = ("create", ("user_1a2b3c", "user_9z8y7x"))
REVOKE = ("revoke", ("act_29w9IptNja3mP8GDXpquBwN2qR9",))
BOTH = pytest.mark.parametrize(("method", "arguments"), [CREATE, REVOKE], ids=["create", "revoke"])
# Seconds that a busy machine may add, 0.002 on a quiet one. A server that gained by stalling would gain far more.
LATE = 1.0


def trickle(before: bytes, piece: bytes, every: float = 0.01) -> Script:
    """Answer with `before`, then with a piece now and then, without end."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(before)
        while not peer.server.stopped.wait(every):
            peer.send(piece)

    return script


def silence(peer: Peer) -> None:
    peer.read_request()
    peer.wait_for_hang_up()


class TestDeadline:
    @pytest.mark.parametrize(
        "script",
        [
            silence,
            trickle(b"", b"H"),
            trickle(b"HTTP/1.1 200 OK\r\n", b"X"),
            trickle(b"HTTP/1.1 200 OK\r\n", b"X-Header: 1\r\n", 0.005),
            trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            trickle(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
            trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
            trickle(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
            trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
            trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: 1\r\n"),
        ],
        ids=[
            "silence",
            "status line",
            "header",
            "headers",
            "100s",
            "103s",
            "body",
            "body to the end",
            "chunks",
            "trailers",
        ],
    )
    @pytest.mark.parametrize("over_tls", [False, True], ids=["create, plain", "revoke, TLS"])
    def test_no_answer_outlasts_it(
        self, serve: Serve, server_tls: Any, client_tls: Any, script: Script, over_tls: bool
    ) -> None:
        server = serve(script, tls=server_tls if over_tls else None)
        with client_of(server, timeout=0.2, ssl_context=client_tls if over_tls else None) as clerk:
            start = time.monotonic()
            error = failure_of(clerk.revoke, "act_1") if over_tls else failure_of(clerk.create, "user_1", "user_2")
            took = time.monotonic() - start
        assert type(error) is RequestTimeoutError
        assert error.outcome_unknown is True
        assert 0.2 <= took < 0.2 + LATE
        assert len(server.requests) == 1, "sent again after the deadline"

    def test_a_call_may_have_its_own(self, serve: Serve) -> None:
        with client_of(serve(silence)) as clerk:
            start = time.monotonic()
            failure_of(clerk.revoke, "act_1", timeout=0.1)
        assert time.monotonic() - start < 0.1 + LATE

    def test_a_stalled_handshake_does_not_outlast_it(self, serve: Serve, client_tls: ssl.SSLContext) -> None:
        server = serve(Peer.wait_for_hang_up)
        with ActorTokens(
            KEY, server_url=server.url.replace("http:", "https:"), timeout=0.2, ssl_context=client_tls
        ) as clerk:
            start = time.monotonic()
            error = failure_of(clerk.create, "user_1", "user_2")
        assert type(error) is RequestTimeoutError
        assert error.outcome_unknown is False, "nothing was sent before the handshake was over"
        assert time.monotonic() - start < 0.2 + LATE

    def test_a_handshake_that_never_stops_talking_does_not_outlast_it(
        self, serve: Serve, client_tls: ssl.SSLContext
    ) -> None:
        hello_requests = (b"\x16\x03\x03\x00\x04" + bytes(4)) * 20_000

        def script(peer: Peer) -> None:
            peer.sock.recv(65536)
            for _ in range(400):  # some seconds' worth; the client has hung up long before
                peer.send(hello_requests)

        url = serve(script).url.replace("http:", "https:")
        with ActorTokens(KEY, server_url=url, timeout=0.2, ssl_context=client_tls, max_retries=0) as clerk:
            start = time.monotonic()
            error = failure_of(clerk.create, "user_1", "user_2")
        assert error.outcome_unknown is False
        assert time.monotonic() - start < 0.2 + LATE

    def test_a_server_that_does_not_read_does_not_outlast_it(self, serve: Serve) -> None:
        server = serve(lambda peer: peer.server.stopped.wait(10))
        with client_of(server, timeout=0.2) as clerk:
            start = time.monotonic()
            error = failure_of(clerk.create, "user_1", {"sub": "user_2", "x": "x" * 12_000_000})
        assert type(error) is RequestTimeoutError
        assert time.monotonic() - start < 0.2 + LATE  # so large a body takes some time to be made

    def test_all_the_addresses_of_a_name_share_it(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        # A full backlog: the system answers no further connection to this port.
        with socket.socket() as full, contextlib.ExitStack() as stack:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(3):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            mute = (socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())
            server = serve(answer_with(ANSWER))
            alive = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [mute] * 4)
            with client_of(server, timeout=0.4) as clerk:
                start = time.monotonic()
                error = failure_of(clerk.create, "user_1", "user_2")
                assert time.monotonic() - start < 0.4 + LATE
                assert type(error) is RequestTimeoutError
                assert error.outcome_unknown is False
                monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [mute, alive])
                assert clerk.create("user_1", "user_2").id == ANSWER["id"], "one mute address took all the time"

    @pytest.mark.parametrize("connections", [0, 1], ids=["a new connection", "a kept one"])
    def test_nothing_is_sent_once_reading_the_parameters_took_all_of_it(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch, connections: int
    ) -> None:
        clock = time.monotonic
        jump = 0.0

        def dump_slowly(*arguments: Any, dumps: Any = json.dumps, **options: Any) -> str:
            nonlocal jump
            jump = 3.0  # less than what an idle connection may be kept
            return str(dumps(*arguments, **options))

        server = serve(answer_with(ANSWER))
        with client_of(server, timeout=2) as clerk:
            for _ in range(connections):
                clerk.revoke("act_1")
            monkeypatch.setattr(time, "monotonic", lambda: clock() + jump)
            monkeypatch.setattr(json, "dumps", dump_slowly)
            error = failure_of(clerk.create, "user_1", "user_2")
        assert (type(error), error.outcome_unknown) == (RequestTimeoutError, False)
        assert "within 2 seconds" in str(error)
        assert (server.connections, len(server.requests)) == (connections, connections)

    def test_nothing_is_sent_once_connecting_took_all_of_it(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        connect, clock = socket.socket.connect, time.monotonic
        jump = 0.0

        def connect_slowly(self: socket.socket, address: Any) -> None:
            nonlocal jump
            connect(self, address)
            jump = 60.0

        monkeypatch.setattr(socket.socket, "connect", connect_slowly)
        monkeypatch.setattr(time, "monotonic", lambda: clock() + jump)
        server = serve(answer_with(ANSWER))
        error = failure_of(client_of(server).create, "user_1", "user_2")
        assert (type(error), error.outcome_unknown, server.requests) == (RequestTimeoutError, False, [])

    @pytest.mark.parametrize(
        "script",
        [
            raw_once(b"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"),
            raw_once(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            trickle(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536, 0),
            trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFF\r\n", b" " * 65536, 0),
            trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"FFFF\r\n" + b" " * 65535 + b"\r\n", 0),
            trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0),
        ],
        ids=["announced", "announced absurdly", "unannounced", "one chunk", "chunks", "100s"],
    )
    @pytest.mark.parametrize("status", [b"200", b"502"])
    def test_nothing_over_a_mebibyte_is_read(self, serve: Serve, script: Script, status: bytes) -> None:
        server = serve(script)
        with client_of(server) as clerk:
            error = failure_of(clerk.revoke, "act_1")
        assert type(error) is NoResponseError
        assert re.search("1048576 bytes|more than 100 interim responses", str(error)), (
            "the latter is Python 3.14's own limit"
        )
        assert len(server.requests) == 1


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
    def test_a_revoke_is_sent_again_after_429_and_5xx(self, serve: Serve, pauses: list[float], status: int) -> None:
        server = serve(alternate(http_answer({}, status), http_answer({}, status), http_answer(ANSWER)))
        with client_of(server) as clerk:
            assert clerk.revoke("act_1").id == ANSWER["id"]
        assert len(server.requests) == 3
        assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0, "exponential back-off with jitter"
        assert server.connections == 1, "a complete error is no reason to hang up"

    @pytest.mark.parametrize("status", [400, 401, 404, 408, 409, 422, 425, 302])
    @BOTH
    def test_nothing_is_sent_again_after_another_status(
        self, serve: Serve, pauses: list[float], status: int, method: str, arguments: Any
    ) -> None:
        server = serve(answer_with({}, status))
        with client_of(server) as clerk:
            assert failure_of(getattr(clerk, method), *arguments).status_code == status
        assert (len(server.requests), pauses) == (1, [])

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_create_is_not_sent_again_after_a_5xx(self, serve: Serve, pauses: list[float], status: int) -> None:
        server = serve(answer_with({}, status, {"Retry-After": "0"}))
        with client_of(server) as clerk:
            assert failure_of(clerk.create, "user_1", "user_2").status_code == status
        assert (len(server.requests), pauses) == (1, [])

    def test_a_create_is_sent_again_after_429(self, serve: Serve, pauses: list[float]) -> None:
        server = serve(alternate(http_answer(NOT_PENDING, 429, {"Retry-After": "2"}), http_answer(ANSWER)))
        with client_of(server) as clerk:
            assert clerk.create("user_1", "user_2").id == ANSWER["id"]
        assert (len(server.requests), pauses) == (2, [2.0])

    @pytest.mark.parametrize("retries", [0, 1, 4])
    def test_max_retries_is_the_most(self, serve: Serve, pauses: list[float], retries: int) -> None:
        server = serve(answer_with(NOT_PENDING, 429))
        with client_of(server, max_retries=retries) as clerk:
            assert type(failure_of(clerk.create, "user_1", "user_2")) is ClerkErrors
        assert (len(server.requests), len(pauses)) == (retries + 1, retries)

    def test_pauses_double_up_to_eight_seconds_and_no_two_clients_make_the_same(
        self, serve: Serve, pauses: list[float]
    ) -> None:
        server = serve(answer_with({}, 503))
        with client_of(server, max_retries=8, timeout=60) as clerk:
            for _ in range(2):
                failure_of(clerk.revoke, "act_1")
        longest = [0.5, 1, 2, 4, 8, 8, 8, 8]
        assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest * 2))
        assert len({pause / most for pause, most in zip(pauses, longest * 2)}) == 16, "no jitter"

    @pytest.mark.parametrize("nonsense", ["-1", "soon", "nan", "inf", ""])
    def test_nonsense_in_retry_after_is_ignored(self, serve: Serve, pauses: list[float], nonsense: str) -> None:
        server = serve(alternate(http_answer({}, 429, {"Retry-After": nonsense}), http_answer(ANSWER)))
        with client_of(server) as clerk:
            clerk.create("user_1", "user_2")
        assert 0.25 <= pauses[0] <= 0.5

    def test_retry_after_may_be_a_date(self, serve: Serve, pauses: list[float]) -> None:
        date = email.utils.formatdate(time.time() + 5, usegmt=True)
        server = serve(alternate(http_answer({}, 503, {"Retry-After": date}), http_answer(ANSWER)))
        with client_of(server) as clerk:
            clerk.revoke("act_1")
        assert 3 < pauses[0] <= 5

    @BOTH
    def test_a_pause_past_the_deadline_is_not_begun(
        self, serve: Serve, pauses: list[float], method: str, arguments: Any
    ) -> None:
        server = serve(answer_with(NOT_PENDING, 429, {"Retry-After": "30"}))
        with client_of(server, timeout=20) as clerk:
            error = failure_of(getattr(clerk, method), *arguments)
        assert type(error) is ClerkErrors
        assert error.retry_after == 30.0
        assert (len(server.requests), pauses) == (1, [])

    LOSSES: dict[str, Script] = {
        "hang-up": hang_up_after_request,
        "reset": reset_after_request,
        "cut status line": raw_once(b"HTTP/1.1 2"),
        "cut after the status line": raw_once(b"HTTP/1.1 200 OK\r\n"),
        "cut headers": raw_once(b"HTTP/1.1 200 OK\r\nContent-Type: appli"),
        "cut after a header": raw_once(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"),
        "cut body": raw_once(http_answer(ANSWER)[:-1]),
        "no body": raw_once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
        "cut chunk": raw_once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}"),
        "no last chunk": raw_once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        "cut size of a chunk": raw_once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0"),
        "only a 100": raw_once(b"HTTP/1.1 100 Continue\r\n\r\n"),
    }

    @pytest.mark.parametrize("loss", list(LOSSES.values()), ids=list(LOSSES))
    @pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
    def test_a_lost_answer_is_asked_for_again_by_revoke_and_never_by_create(
        self, serve: Serve, server_tls: Any, client_tls: Any, pauses: list[float], loss: Script, over_tls: bool
    ) -> None:
        server = serve(loss, loss, answer_with(ANSWER), loss, tls=server_tls if over_tls else None)
        with client_of(server, ssl_context=client_tls if over_tls else None) as clerk:
            assert clerk.revoke("act_1").id == ANSWER["id"]
            assert (len(server.requests), len(pauses)) == (3, 2)
            clerk.close()
            error = failure_of(clerk.create, "user_1", "user_2")
        assert type(error) is NoResponseError
        assert error.outcome_unknown is True
        assert (len(server.requests), len(pauses)) == (4, 2)

    def test_an_answer_cut_at_any_byte_is_never_taken_for_one(self, serve: Serve) -> None:
        answer = http_answer(ANSWER)
        server = serve(*(raw_once(answer[:length]) for length in range(len(answer))))
        with client_of(server) as clerk:
            for length in range(len(answer)):
                error = failure_of(clerk.create, "user_1", "user_2")
                assert type(error) is NoResponseError, f"cut after {length} bytes: {error}"
                assert error.outcome_unknown is True
        assert len(server.requests) == len(answer)

    @BOTH
    def test_where_no_connection_is_made_both_are_tried_again(
        self, pauses: list[float], method: str, arguments: Any
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        clerk = ActorTokens(KEY, server_url=f"http://127.0.0.1:{port}/v1")
        error = failure_of(getattr(clerk, method), *arguments)
        assert type(error) is NoResponseError
        assert error.outcome_unknown is False
        assert len(pauses) == 2
        assert "did not act" in str(error)

    def test_a_name_without_an_address_is_tried_again(self, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
        def fail(*_: object, **__: object) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        error = failure_of(ActorTokens(KEY, server_url="http://localhost:1/v1").create, "user_1", "user_2")
        assert (type(error), error.outcome_unknown, len(pauses)) == (NoResponseError, False, 2)

    def test_the_systems_own_time_limit_for_a_connection_is_not_the_calls(
        self, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
    ) -> None:
        def give_up(*_: object) -> None:
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

        monkeypatch.setattr(socket.socket, "connect", give_up)
        error = failure_of(ActorTokens(KEY, server_url="http://127.0.0.1:1/v1").create, "user_1", "user_2")
        assert (type(error), error.outcome_unknown, len(pauses)) == (NoResponseError, False, 2)

    def test_what_an_earlier_attempt_left_open_a_later_one_does_not_settle(
        self, serve: Serve, pauses: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = serve(hang_up_after_request)
        with client_of(server) as clerk:

            def stop_listening(pause: float) -> None:
                pauses.append(pause)
                server.stop()

            monkeypatch.setattr(time, "sleep", stop_listening)
            error = failure_of(clerk.revoke, "act_1")
        assert isinstance(error.__cause__, ConnectionRefusedError), "the last attempt made no connection"
        assert error.outcome_unknown is True, "the first one may have been acted on"

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, a reset may take with it what came before")
    def test_what_a_server_says_before_it_hangs_up_on_a_request_is_heard(self, serve: Serve) -> None:
        def refuse(peer: Peer) -> None:
            peer.sock.recv(1)
            peer.send(http_answer({}, 413, {"Connection": "close"}))  # and hangs up, with most of the request not read

        server = serve(refuse)
        with client_of(server) as clerk:
            assert failure_of(clerk.create, "user_1", {"sub": "u", "x": "x" * 5_000_000}).status_code == 413

    def test_of_two_retry_afters_the_first_counts_everywhere(self, serve: Serve, pauses: list[float]) -> None:
        server = serve(raw(http_answer({}, 429, {"Retry-After": "60\r\nRetry-After: 60"})))
        with client_of(server) as clerk:
            assert failure_of(clerk.create, "user_1", "user_2").retry_after == 60.0
        assert pauses == []

    def test_no_retry_follows_the_deadline(
        self, serve: Serve, pauses: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: clock() + sum(pauses))
        monkeypatch.setattr(clerk_actor_tokens, "_backoff", lambda retry: 2.0)
        server = serve(answer_with({}, 503))
        with client_of(server, timeout=9, max_retries=100) as clerk:
            assert failure_of(clerk.revoke, "act_1").status_code == 503
        assert pauses == [2.0] * 4, "a fifth one would have ended after the deadline"


def alternate(*answers: bytes) -> Script:
    """Answer the requests on a connection in turn."""

    def script(peer: Peer) -> None:
        for answer in answers:
            peer.read_request()
            peer.send(answer)
        peer.read_request()

    return script


class TestConnections:
    def test_a_part_of_a_tls_record_is_no_silence(self, serve: Serve, server_tls: Any, client_tls: Any) -> None:
        def script(peer: Peer) -> None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = server_tls.wrap_bio(incoming, outgoing, server_side=True)

            def play(step: Callable[..., object], *arguments: int) -> None:
                while True:
                    try:
                        step(*arguments)
                        return
                    except ssl.SSLWantReadError:
                        peer.send(outgoing.read())
                        received = peer.sock.recv(65536)
                        if not received:
                            raise ConnectionError from None
                        incoming.write(received)

            play(tls.do_handshake)
            play(tls.read, 65536)
            tls.write(http_answer(ANSWER))
            answer = outgoing.read()
            tls.write(http_answer({**ANSWER, "id": "act_stray"}))
            stray = outgoing.read()
            peer.send(answer + stray[:-1])
            play(tls.read, 65536)
            peer.send(stray[-1:])

        server = serve(script)
        url = server.url.replace("http:", "https:")
        with ActorTokens(KEY, server_url=url, ssl_context=client_tls) as clerk:
            assert [clerk.create("user_1", "user_2").id for _ in range(2)] == [ANSWER["id"]] * 2
        assert server.connections == 2

    def test_an_address_may_be_one_of_ipv6(self, serve: Serve, server_tls: Any, client_tls: Any) -> None:
        try:
            listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            pytest.skip("this machine has no IPv6")
        server = serve(answer_with(ANSWER), tls=server_tls, listener=listener)
        url = f"https://[::1]:{server.port}/v1"
        with ActorTokens(KEY, server_url=url, ssl_context=client_tls) as clerk:
            assert clerk.create("user_1", "user_2").id == ANSWER["id"]
        assert f"Host: [::1]:{server.port}\r\n".encode() in server.requests[0]

    def test_calls_in_a_burst_share_a_connection(self, serve: Serve, server_tls: Any, client_tls: Any) -> None:
        server = serve(answer_with(ANSWER), tls=server_tls)
        with client_of(server, ssl_context=client_tls) as clerk:
            for _ in range(3):
                clerk.create("user_1", "user_2")
                clerk.revoke("act_1")
        assert (server.connections, len(server.requests)) == (1, 6)

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            % (len(json.dumps(ANSWER)), json.dumps(ANSWER).encode()),
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http_answer(ANSWER),
            http_answer(ANSWER).replace(b"\r\n", b"\n", 4),
        ],
        ids=["chunked", "behind 100 and 103", "bare line feeds"],
    )
    def test_whole_answers_keep_it_whatever_their_form(self, serve: Serve, answer: bytes) -> None:
        server = serve(raw(answer))
        with client_of(server) as clerk:
            for _ in range(3):
                assert clerk.create("user_1", "user_2") == ActorToken(**ANSWER)
        assert server.connections == 1

    def test_what_goes_over_it(self, serve: Serve) -> None:
        server = serve(answer_with(ANSWER))
        with client_of(server) as clerk:
            clerk.create("user_1", "user_2", expires_in_seconds=60, session_max_duration_in_seconds=90)
            clerk.revoke("act_1")
        common = {
            f"Host: localhost:{server.port}",
            "Accept-Encoding: identity",
            "Accept: application/json",
            "Clerk-api-version: 2026-05-12",
            f"User-agent: clerk-actor-tokens/{clerk_actor_tokens.__version__}",
            f"Authorization: Bearer {KEY}",
        }
        body = '{"user_id":"user_1","actor":{"sub":"user_2"},"expires_in_seconds":60,"session_max_duration_in_seconds":90}'
        for request, path, document, own in (
            (server.requests[0], "/v1/actor_tokens", body, {"Content-type: application/json"}),
            (server.requests[1], "/v1/actor_tokens/act_1/revoke", "", set()),
        ):
            head, _, sent = request.decode().partition("\r\n\r\n")
            line, *fields = head.split("\r\n")
            assert line == f"POST {path} HTTP/1.1"
            assert len(fields) == len(set(fields))
            assert set(fields) == common | own | {f"Content-Length: {len(document)}"}
            assert sent == document

    def test_the_system_does_not_hold_small_packets_back(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        options: list[Any] = []
        monkeypatch.setattr(socket.socket, "setsockopt", lambda self, *option: options.append(option))
        with client_of(serve(answer_with(ANSWER))) as clerk:
            clerk.revoke("act_1")
        assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in options

    @pytest.mark.parametrize("what", ["getaddrinfo", "socket"])
    def test_a_failed_call_leaves_nothing_for_the_garbage_collector(
        self, monkeypatch: pytest.MonkeyPatch, what: str
    ) -> None:
        failures = []

        class Lost(OSError):
            def __init__(self) -> None:
                failures.append(weakref.ref(self))

        def fail(*_: object, **__: object) -> None:
            raise Lost

        monkeypatch.setattr(socket, what, fail)
        gc.disable()
        try:
            with suppress(NoResponseError):
                ActorTokens(KEY, server_url="http://127.0.0.1:1/v1", max_retries=0).revoke("act_1")
            assert [failure() for failure in failures] == [None], "a cycle of a traceback and its frame"
        finally:
            gc.enable()

    def test_a_burst_of_threads_leaves_ten_open(self, serve: Serve) -> None:
        together = threading.Barrier(12)
        closed = threading.Semaphore(0)

        def script(peer: Peer) -> None:
            peer.read_request()
            together.wait(10)
            peer.send(http_answer(ANSWER))
            peer.wait_for_hang_up()
            closed.release()

        server = serve(script)
        with client_of(server) as clerk:
            threads = [threading.Thread(target=clerk.revoke, args=("act_1",)) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert all(closed.acquire(timeout=10) for _ in range(2))
            assert not closed.acquire(blocking=False)
        assert all(closed.acquire(timeout=10) for _ in range(10)), "close() leaves one open"

    @pytest.mark.parametrize("status", [400, 404, 422])
    def test_a_complete_4xx_keeps_it(self, serve: Serve, status: int) -> None:
        server = serve(answer_with(NOT_PENDING, status))
        with client_of(server) as clerk:
            for _ in range(2):
                failure_of(clerk.revoke, "act_1")
        assert server.connections == 1

    @pytest.mark.parametrize(
        "answer",
        [
            http_answer(ANSWER, 200, {"Connection": "close"}),
            http_answer(ANSWER).replace(b"HTTP/1.1", b"HTTP/1.0"),
            http_answer(ANSWER) + http_answer({**ANSWER, "id": "act_stray"}),
            http_answer(ANSWER) + b"x",
        ],
        ids=["Connection: close", "HTTP/1.0", "a stray answer", "a stray byte"],
    )
    def test_it_is_not_used_again_after(self, serve: Serve, answer: bytes) -> None:
        server = serve(raw(answer))
        with client_of(server) as clerk:
            for _ in range(3):
                assert clerk.create("user_1", "user_2").id == ANSWER["id"]
        assert server.connections == 3

    def test_stray_bytes_that_come_later_are_never_read_as_an_answer(self, serve: Serve) -> None:
        strayed = threading.Event()

        def script(peer: Peer) -> None:
            peer.read_request()
            peer.send(http_answer(ANSWER))
            peer.send(http_answer({**ANSWER, "id": "act_stray"}))
            strayed.set()
            peer.wait_for_hang_up()

        server = serve(script, answer_with(ANSWER))
        with client_of(server) as clerk:
            clerk.create("user_1", "user_2")
            assert strayed.wait(10)
            assert clerk.create("user_1", "user_2").id == ANSWER["id"]
        assert server.connections == 2

    @pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
    def test_one_that_the_server_closed_is_not_used_again(
        self, serve: Serve, server_tls: Any, client_tls: Any, over_tls: bool
    ) -> None:
        server = serve(raw_once(http_answer(ANSWER)), tls=server_tls if over_tls else None)
        with client_of(server, ssl_context=client_tls if over_tls else None) as clerk:
            for calls in range(1, 4):
                clerk.create("user_1", "user_2")
                assert server.hung_up.wait(10)
                server.hung_up.clear()
                assert (server.connections, len(server.requests)) == (calls, calls)

    @pytest.mark.parametrize("clock", ["time", "monotonic"])
    @pytest.mark.parametrize(("seconds", "connections"), [(3, 1), (5, 2), (3600, 2)])
    def test_an_idle_one_is_used_again_only_if_both_clocks_say_it_is_fresh(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch, clock: str, seconds: float, connections: int
    ) -> None:
        server = serve(answer_with(ANSWER))
        with client_of(server) as clerk:
            clerk.revoke("act_1")
            now = getattr(time, clock)
            monkeypatch.setattr(time, clock, lambda: now() + seconds)
            clerk.revoke("act_1")
        assert server.connections == connections

    def test_a_wall_clock_set_back_is_not_trusted(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        server = serve(answer_with(ANSWER))
        with client_of(server) as clerk:
            clerk.revoke("act_1")
            now = time.time
            monkeypatch.setattr(time, "time", lambda: now() - 100)
            clerk.revoke("act_1")
        assert server.connections == 2

    @pytest.mark.parametrize(
        "script",
        [
            silence,
            raw(b"nonsense\r\n\r\n"),
            raw(http_answer(ANSWER)[:-1]),
            raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        ],
        ids=["silence", "nonsense", "cut short", "101"],
    )
    def test_after_an_error_in_mid_exchange_it_is_closed(self, serve: Serve, script: Script) -> None:
        server = serve(script, answer_with(ANSWER))
        with client_of(server, timeout=0.2, max_retries=0) as clerk:
            failure_of(clerk.revoke, "act_1")
            assert server.hung_up.wait(10), "still open"
            clerk.revoke("act_1")
        assert server.connections == 2

    def test_close_closes_and_the_client_may_be_used_again(self, serve: Serve) -> None:
        server = serve(answer_with(ANSWER))
        clerk = client_of(server)
        clerk.revoke("act_1")
        clerk.close()
        assert server.hung_up.wait(10)
        clerk.revoke("act_1")
        clerk.close()
        assert server.connections == 2

    def test_the_tls_context_is_made_once(self, serve: Serve, monkeypatch: pytest.MonkeyPatch, server_tls: Any) -> None:
        made = []

        def make(real: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> ssl.SSLContext:
            made.append(real())
            return made[-1]

        monkeypatch.setattr(ssl, "create_default_context", make)
        server = serve(answer_with(ANSWER), tls=server_tls)
        with client_of(server, max_retries=0) as clerk:
            for _ in range(3):
                failure_of(clerk.revoke, "act_1")
        assert len(made) == 1

    def test_threads_share_a_client_and_get_their_own_answers(self, serve: Serve) -> None:
        turns = itertools.count()

        def script(peer: Peer) -> None:
            while True:
                turn = next(turns)
                request = peer.read_request()
                if not request or turn % 17 == 11:  # hangs up now and then, on a request or before one
                    return
                answer = http_answer({**ANSWER, "user_id": json.loads(request.partition(b"\r\n\r\n")[2])["user_id"]})
                peer.send(answer)
                if turn % 13 == 5:
                    return

        server = serve(script)
        wrong: list[object] = []
        lost: list[str] = []

        def work(number: int) -> None:
            for call in range(40):
                user = f"user_{number}x{call}"
                try:
                    token = clerk.create(user, "user_2")
                    if token.user_id != user:
                        wrong.append((user, token))
                except NoResponseError as error:
                    lost.append(user)
                    if not error.outcome_unknown:
                        wrong.append(error)
                except BaseException as error:
                    wrong.append(error)

        with client_of(server) as clerk:
            threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert not wrong
        users = [json.loads(request.partition(b"\r\n\r\n")[2])["user_id"] for request in server.requests]
        assert len(users) == len(set(users)), "a create was sent twice"
        assert server.connections < len(users) / 2, "connections were not shared"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    def test_a_fork_does_not_share_a_connection(self, serve: Serve) -> None:
        server = serve(echo)
        script = f"""
import os, sys
from clerk_actor_tokens import ActorTokens
with ActorTokens({KEY!r}, server_url={server.url!r}) as clerk:
    assert clerk.create("user_before", "user_2").user_id == "user_before"
    child = os.fork()
    for call in range(20):
        user = f"user_{{'parent' if child else 'child'}}{{call}}"
        assert clerk.create(user, "user_2").user_id == user
    if child:
        sys.exit(os.waitpid(child, 0)[1] != 0)
"""
        assert run_python("-c", script).returncode == 0
        assert (server.connections, len(server.requests)) == (2, 41)

    @pytest.mark.parametrize(
        "end", ["clerk.close()", "del clerk", "cycle = [clerk]; cycle.append(cycle); del clerk, cycle", ""]
    )
    def test_no_resource_warning_with_close_or_without(self, serve: Serve, end: str) -> None:
        server = serve(answer_with(ANSWER), answer_with(ANSWER), hang_up_after_request)
        script = f"""
import gc
from clerk_actor_tokens import ActorTokens, ClerkBaseError
clerk = ActorTokens({KEY!r}, server_url={server.url!r}, max_retries=0)
clerk.create("user_1", "user_2")
{end}
gc.collect()
"""
        done = run_python("-X", "dev", "-W", "error", "-c", script)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("scheme", ["http", "https"], ids=["waiting for the answer", "shaking hands"])
    @pytest.mark.skipif(os.name == "nt", reason="signals and pipes are different there")
    def test_ctrl_c_leaves_nothing_open(self, serve: Serve, interruptible: None, scheme: str) -> None:
        asked = threading.Event()

        def script(peer: Peer) -> None:
            peer.sock.recv(1)
            asked.set()
            peer.wait_for_hang_up()

        server = serve(script)
        program = f"""
import sys
from clerk_actor_tokens import ActorTokens
try:
    ActorTokens({KEY!r}, server_url={server.url.replace("http", scheme)!r}).create("user_1", "user_2")
except KeyboardInterrupt as interruption:
    print("interrupted")
    sys.stdin.read()
"""
        with subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-c", program],
            cwd=MODULE.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert asked.wait(30), "nothing was sent"
            process.send_signal(signal.SIGINT)
            assert server.hung_up.wait(30), "the connection is open as long as somebody keeps the exception"
            assert process.communicate(timeout=30) == ("interrupted\n", "")

    def test_only_http_and_https_can_be_opened(self, tmp_path: Path) -> None:
        wire = ActorTokens(KEY)._opener
        for url in ("file:///etc/passwd", "ftp://localhost/x", "data:text/plain,x", "unknown:x"):
            with pytest.raises(urllib.error.URLError):
                wire.open(urllib.request.Request(url), timeout=1)

    def test_redirects_are_not_followed(self, serve: Serve) -> None:
        target = serve(answer_with(ANSWER))
        server = serve(answer_with({}, 307, {"Location": target.url}))
        with client_of(server) as clerk:
            error = failure_of(clerk.create, "user_1", "user_2")
        assert (type(error), error.status_code, target.connections) == (SDKError, 307, 0)
        assert target.url in str(error)

    def test_the_debug_output_of_http_client_does_not_show_the_key(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
        with client_of(serve(answer_with(ANSWER))) as clerk:
            clerk.create("user_1", "user_2")
        assert capsys.readouterr().out == ""


class TestHostileAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            b"\r\n",
            b"\r\n\r\n",
            b"\x00" * 100,
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 \r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 99 Low\r\n\r\n",
            b"HTTP/1.1 1000 High\r\n\r\n",
            b"HTTP/1.1 -200 OK\r\n\r\n",
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"HTTP/9.9 200 OK\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            f"HTTP/1.1 Bearer {KEY}\r\n\r\n".encode(),
            f"HTTP/1.1 200 OK\r\nX: {KEY}\r\n\r\n<p>{KEY}</p>".encode(),
            b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X" * 70_000 + b": 1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
            b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: \xff\xfe\x00\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 900\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + json.dumps(ANSWER).encode(),
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 205 Reset\r\n\r\n",
            b"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\n{}",
            b"HTTP/1.1 304 Not Modified\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            b"HTTP/1.1 199 Odd\r\n\r\n",
            b"HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 511 Captive\r\nContent-Length: 4\r\n\r\n<br>",
            b"HTTP/1.1 999 Beyond\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}",
        ]
        + [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
            for chunks in (
                b"x\r\n{}\r\n",
                b"-1\r\n{}\r\n",
                b"-5\r\n{}\r\n0\r\n\r\n",
                b"\r\n\r\n",
                b"2;x=y\r\n{}\r\n0\r\n\r\n",
            )
        ]
        + [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
            for chunks in (b"2\r\n{}xx0\r\n\r\n", b"9" * 5000 + b"\r\n", b"1" * 70_000, b"F" * 15 + b"\r\n{}", b"0\r\n\r\n")
        ],
        ids=lambda answer: repr(answer[:60])[2:-1],
    )
    @BOTH
    def test_anything_ends_in_an_exception_of_ours(self, serve: Serve, answer: bytes, method: str, arguments: Any) -> None:
        server = serve(raw_once(answer))
        with client_of(server, max_retries=0, timeout=2) as clerk:
            error = failure_of(getattr(clerk, method), *arguments)
        assert not isinstance(error, RequestTimeoutError)
        assert len(server.requests) == 1
        assert len(str(error)) < 600
        assert str(error).isprintable()

    @pytest.mark.parametrize(
        "lines",
        [
            b'Content-Type: multipart/x; a="' + b";" * 60_000,
            b'Content-Type: multipart/x; a="' + (b";" * 8000 + b"\r\n ") * 50,
            b"X: y" + b"".join(b"\rContent-Type: multipart/x; boundary=b%d\r\r--b%d" % (n, n) for n in range(300)),
        ],
        ids=["a long line", "a folded line", "parts within parts"],
    )
    def test_no_head_takes_long_to_parse(self, serve: Serve, lines: bytes) -> None:
        with client_of(serve(raw_once(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n\r\n")), max_retries=0) as clerk:
            start = time.monotonic()
            assert "a line of" in str(failure_of(clerk.create, "user_1", "user_2"))
        assert time.monotonic() - start < LATE

    def test_a_mebibyte_of_tls_alone_is_too_much(self, serve: Serve, authority: trustme.CA, client_tls: Any) -> None:
        tls = server_context(authority.issue_cert("localhost"))
        tls.num_tickets = 6000  # they hold no data; OpenSSL would take in any number of them for one read
        with client_of(serve(answer_with(ANSWER), tls=tls), ssl_context=client_tls, max_retries=0) as clerk:
            error = failure_of(clerk.create, "user_1", "user_2")
        assert "larger than" in str(error)

    def test_the_limit_is_for_each_answer(self, serve: Serve) -> None:
        server = serve(answer_with(json.dumps(ANSWER).encode() + b" " * 700_000))
        with client_of(server) as clerk:
            for _ in range(3):
                assert clerk.create("user_1", "user_2").id == ANSWER["id"]
        assert server.connections == 1

    @pytest.mark.parametrize(
        "answer",
        [
            json.dumps(ANSWER).encode(),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + KEY.encode() + b"\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" + LINK.encode() + b"\r\n",
            f"HTTP/1.1 {KEY[:-1]}\r\n\r\n".encode(),
            f"HTTP/1.1 500 {KEY[:-1]}\r\nContent-Length: {len(KEY) - 1}\r\n\r\n{KEY[:-1]}".encode(),
        ],
        ids=["no head", "key for a size", "link for a size", "half a key for a status", "half a key for a page"],
    )
    def test_no_secret_comes_back_by_way_of_an_error_or_what_it_is_chained_to(self, serve: Serve, answer: bytes) -> None:
        with client_of(serve(raw_once(answer)), max_retries=0) as clerk:
            error = failure_of(clerk.create, "user_1", "user_2")
        shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        assert KEY[:-1] not in shown
        assert "ticket=" not in shown or "ticket=***" in shown

    @pytest.mark.parametrize("script", [hang_up_after_request, silence, raw_once(b"HTTP/1.1 200 OK\r\nContent-")])
    def test_no_local_variable_of_a_traceback_has_the_key(self, serve: Serve, script: Script) -> None:
        with client_of(serve(script), max_retries=0, timeout=0.2) as clerk:
            error: BaseException | None = failure_of(clerk.create, "user_1", "user_2")
        frames = []
        while error is not None:
            frames += [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
            error = error.__cause__
        local = [repr(frame.f_locals) for frame in frames if frame.f_code.co_filename == str(MODULE)]
        assert len(local) > 3
        assert KEY not in "".join(local), "error reporters that show local variables would show it"

    def test_no_local_variable_has_the_key_where_sending_is_interrupted(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: object) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(socket.socket, "send", interrupt)
        with client_of(serve(silence)) as clerk, pytest.raises(KeyboardInterrupt) as caught:
            clerk.create("user_1", "user_2")
        local = [repr(entry.frame.f_locals) for entry in caught.traceback if entry.path == MODULE]
        assert len(local) > 3
        assert KEY not in "".join(local)

    def test_a_gateways_page_is_quoted_in_one_line(self, serve: Serve) -> None:
        page = b"<html>\n<title>502 Bad Gateway</title>\x1b[2J" + b"<p>long</p>" * 1000
        with client_of(serve(answer_with(page, 502, {"Content-Type": "text/html"}))) as clerk:
            error = failure_of(clerk.create, "user_1", "user_2")
        assert "502 Bad Gateway" in str(error)
        assert len(str(error)) < 400


class TestTLS:
    @pytest.mark.parametrize("fault", ["unknown authority", "another host", "expired"])
    @BOTH
    def test_a_certificate_that_does_not_verify_is_never_retried(
        self, serve: Serve, authority: Any, client_tls: Any, pauses: list[float], fault: str, method: str, arguments: Any
    ) -> None:
        if fault == "unknown authority":
            certificate = trustme.CA().issue_cert("localhost")
        elif fault == "another host":
            certificate = authority.issue_cert("elsewhere.example")
        else:
            yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
            certificate = authority.issue_cert("localhost", not_after=yesterday)
        server = serve(answer_with(ANSWER), tls=server_context(certificate))
        with client_of(server, ssl_context=client_tls) as clerk:
            error = failure_of(getattr(clerk, method), *arguments)
        assert type(error) is NoResponseError
        assert error.outcome_unknown is False
        assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
        for advice in ("Install Certificates.command", "SSL_CERT_FILE", "ssl_context"):
            assert advice in str(error)
        assert (server.connections, server.requests, pauses) == (1, [], [])

    def test_plain_http_on_the_port_is_an_error_and_nothing_is_sent(
        self, serve: Serve, client_tls: Any, pauses: list[float]
    ) -> None:
        def complain(peer: Peer) -> None:
            peer.sock.recv(65536)
            peer.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

        server = serve(complain)
        clerk = ActorTokens(KEY, server_url=server.url.replace("http:", "https:"), ssl_context=client_tls)
        error = failure_of(clerk.create, "user_1", "user_2")
        assert type(error) is NoResponseError
        assert error.outcome_unknown is False
        assert server.requests == []

    def test_unless_told_otherwise_it_trusts_ssl_cert_file_and_asks_for_http_1_1(
        self, serve: Serve, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        context = server_context(authority.issue_cert("localhost"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        protocols = []

        def script(peer: Peer) -> None:
            assert isinstance(peer.sock, ssl.SSLSocket)
            protocols.append(peer.sock.selected_alpn_protocol())
            raw(http_answer(ANSWER))(peer)

        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with client_of(serve(script, tls=context)) as clerk:
            assert clerk.revoke("act_1").id == ANSWER["id"]
        assert protocols == ["http/1.1"]

    def test_a_large_request_goes_out_whole(self, serve: Serve, server_tls: Any, client_tls: Any) -> None:
        server = serve(answer_with(ANSWER), tls=server_tls)
        with client_of(server, ssl_context=client_tls) as clerk:
            clerk.create("user_1", {"sub": "user_2", "x": "x" * 3_000_000})
        assert len(server.requests[0]) > 3_000_000

    def test_an_address_may_stand_in_for_the_name(self, serve: Serve, server_tls: Any, client_tls: Any) -> None:
        server = serve(answer_with(ANSWER), tls=server_tls)
        with ActorTokens(KEY, server_url=f"https://127.0.0.1:{server.port}/v1", ssl_context=client_tls) as clerk:
            assert clerk.revoke("act_1").id == ANSWER["id"]


class TestProxy:
    @staticmethod
    def tunnel(to: Server) -> Script:
        def script(peer: Peer) -> None:
            peer.read_request()
            with socket.create_connection(("127.0.0.1", to.port)) as onward:
                peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                there = threading.Thread(target=pump, args=(peer.sock, onward))
                there.start()
                pump(onward, peer.sock)
                there.join()

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)

        return script

    def test_https_goes_through_the_proxys_tunnel(
        self, serve: Serve, authority: trustme.CA, client_tls: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A certificate that would not do for the proxy's own name.
        server = serve(answer_with(ANSWER), tls=server_context(authority.issue_cert("localhost")))
        proxy = serve(self.tunnel(server))
        monkeypatch.setenv("HTTPS_PROXY", f"http://us%40er:pass%3Aword@127.0.0.1:{proxy.port}")
        with client_of(server, ssl_context=client_tls) as clerk:
            for _ in range(2):
                assert clerk.create("user_1", "user_2").id == ANSWER["id"]
        credentials = base64.b64encode(b"us@er:pass:word")
        assert len(proxy.requests) == 1, "the tunnel was not used again"
        assert proxy.requests[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode())
        assert b"Proxy-Authorization: Basic " + credentials in proxy.requests[0]
        assert KEY.encode() not in proxy.requests[0]
        assert len(server.requests) == 2
        assert not any(b"roxy-" in request for request in server.requests), "the proxy's password went on"

    def test_no_proxy_is_honoured(
        self, serve: Serve, server_tls: Any, client_tls: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = serve(answer_with(ANSWER), tls=server_tls)
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "localhost")
        with client_of(server, ssl_context=client_tls) as clerk:
            assert clerk.create("user_1", "user_2").id == ANSWER["id"]

    def test_a_tunnel_is_not_used_where_no_proxy_has_come_to_say_otherwise(
        self, serve: Serve, server_tls: Any, client_tls: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = serve(answer_with(ANSWER), tls=server_tls)
        proxy = serve(self.tunnel(server))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with client_of(server, ssl_context=client_tls) as clerk:
            clerk.revoke("act_1")
            monkeypatch.setenv("NO_PROXY", "localhost")
            clerk.revoke("act_1")
        assert (proxy.connections, server.connections) == (1, 2)

    @pytest.mark.parametrize("place", ["localhost", "localhost:443", "[::1]"])
    def test_the_tunnel_is_to_port_443_unless_the_url_says_otherwise(
        self, serve: Serve, client_tls: Any, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        proxy = serve(raw_once(http_answer({}, 403)))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        clerk = ActorTokens(KEY, server_url=f"https://{place}/v1", ssl_context=client_tls, max_retries=0)
        failure_of(clerk.create, "user_1", "user_2")
        target = "[::1]:443" if "::1" in place else "localhost:443"
        assert proxy.requests == [f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()]

    def test_http_to_this_machine_never_goes_through_a_proxy(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        server, proxy = serve(answer_with(ANSWER)), serve(answer_with(ANSWER))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        with client_of(server) as clerk:
            clerk.create("user_1", "user_2")
        assert (len(server.requests), proxy.connections) == (1, 0)

    @pytest.mark.parametrize("status", [403, 407, 502])
    def test_a_proxy_that_refuses_is_no_response_with_its_status(
        self, serve: Serve, client_tls: Any, monkeypatch: pytest.MonkeyPatch, pauses: list[float], status: int
    ) -> None:
        proxy = serve(answer_with({}, status))
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{proxy.port}")
        clerk = ActorTokens(KEY, server_url="https://localhost:9/v1", ssl_context=client_tls)
        error = failure_of(clerk.create, "user_1", "user_2")
        assert type(error) is NoResponseError
        assert error.outcome_unknown is False
        assert str(status) in str(error)
        assert "word" not in str(error).replace("password", "")

    def test_a_proxy_that_is_not_there_is_named(self, monkeypatch: pytest.MonkeyPatch, client_tls: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{port}")
        clerk = ActorTokens(KEY, server_url="https://localhost:9/v1", ssl_context=client_tls, max_retries=0)
        error = failure_of(clerk.create, "user_1", "user_2")
        assert "by way of the proxy 127.0.0.1)" in str(error)
        assert "word" not in str(error)

    @pytest.mark.parametrize("script", [silence, trickle(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"), trickle(b"", b"x")])
    def test_a_proxy_that_stalls_does_not_outlast_the_deadline(
        self, serve: Serve, client_tls: Any, monkeypatch: pytest.MonkeyPatch, script: Script
    ) -> None:
        proxy = serve(script)
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        clerk = ActorTokens(KEY, server_url="https://localhost:9/v1", ssl_context=client_tls, timeout=0.2)
        start = time.monotonic()
        error = failure_of(clerk.create, "user_1", "user_2")
        assert (type(error), error.outcome_unknown) == (RequestTimeoutError, False)
        assert time.monotonic() - start < 0.2 + LATE

    @pytest.mark.parametrize(
        "setting",
        [
            "http://",
            "http://:8080",
            "http:user:word@proxy",
            "//user:word@",
            "http://user:word@127.0.0.1:port",
            "http://user:word",
            "http://user:a@b:word/x@proxy.example:1",
            "http://user:word@127.0.0.1:0",
            "http://[::1",
        ],
    )
    def test_a_setting_that_is_no_proxy_is_an_error_of_ours(
        self, monkeypatch: pytest.MonkeyPatch, client_tls: Any, setting: str
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", setting)
        error = failure_of(ActorTokens(KEY, server_url="https://localhost:9/v1", max_retries=0).create, "user_1", "user_2")
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        assert "HTTPS_PROXY" in str(error) or "by way of the proxy proxy)" in str(error)
        assert "word" not in "".join(traceback.format_exception(type(error), error, error.__traceback__)).replace(
            "password", ""
        )


# ---- The in-memory stand-in ------------------------------------------------------------------------------------------


def sandbox_request(path: str = "/v1/actor_tokens", body: Any = None, method: str = "POST", **headers: str) -> Any:
    headers = {"Authorization": f"Bearer {KEY}", **headers}
    return urllib.request.Request(f"https://api.clerk.com{path}", body, headers, method=method)


class TestSandbox:
    GOOD: dict[str, Any] = {"user_id": "user_1", "actor": {"sub": "user_2", "more": [1]}}

    def test_it_creates_what_looks_like_clerks(self) -> None:
        before = int(time.time() * 1000)
        token = ActorTokens("sk_test_anything", opener=Sandbox()).create("user_1", {"sub": "user_2", "more": [1]})
        assert re.fullmatch("act_[A-Za-z0-9]{27}", token.id)
        assert (token.object, token.status, token.user_id) == ("actor_token", "pending", "user_1")
        assert token.actor == {"sub": "user_2", "more": [1]}
        assert before <= token.created_at == token.updated_at
        assert token.token
        assert token.url
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token.token)
        assert token.url.startswith("https://")
        assert token.url.endswith(token.token)

    def test_it_revokes_pending_tokens_only(self) -> None:
        sandbox = Sandbox()
        clerk = ActorTokens("sk_test_anything", opener=sandbox)
        token = clerk.create("user_1", "user_2")
        assert clerk.revoke(token).status == "revoked"
        accepted = clerk.create("user_1", "user_2")
        sandbox.accept(accepted.id)
        for refused, status in ((token, "revoked"), (accepted, "accepted")):
            error = failure_of(clerk.revoke, refused)
            assert (type(error), error.status_code) == (ClerkErrors, 400)
            assert error.errors[0].code == "actor_token_cannot_be_revoked_code"
            assert error.errors[0].long_message == (
                f"Actor token cannot be revoked because its status is {status}. Only pending tokens can be revoked."
            )

    def test_it_knows_only_its_own_tokens(self) -> None:
        error = failure_of(ActorTokens("sk_test_x", opener=Sandbox()).revoke, "act_1")
        assert (error.status_code, error.errors[0].code) == (404, "resource_not_found")
        with pytest.raises(ValueError, match="pending"):
            Sandbox().accept("act_1")

    def test_only_a_pending_token_can_be_accepted(self) -> None:
        sandbox = Sandbox()
        token = ActorTokens("sk_test_x", opener=sandbox).create("user_1", "user_2")
        sandbox.accept(token)
        with pytest.raises(ValueError, match="pending"):
            sandbox.accept(token)

    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (sandbox_request(body=json.dumps(GOOD).encode()), 200),
            (sandbox_request(body=io.BytesIO(json.dumps(GOOD).encode())), 200),
            (sandbox_request(body=[json.dumps(GOOD).encode()]), 200),
            (sandbox_request(body=json.dumps(GOOD).encode(), Authorization="bearer sk_live_x"), 200),
            (sandbox_request(body=b"{}", Authorization="Basic sk_test_x"), 401),
            (sandbox_request(body=b"{}", Authorization="Bearer pk_test_x"), 401),
            (sandbox_request(body=b"{}", Authorization=""), 401),
            (sandbox_request("/v1/other", b"{}"), 404),
            (sandbox_request("/v2/actor_tokens", b"{}"), 404),
            (sandbox_request("/v1/actor_tokens/", b"{}"), 404),
            (sandbox_request("/v1/actor_tokens/act_1", b""), 404),
            (sandbox_request("/v1/actor_tokens/act_1/revoke/x", b""), 404),
            (sandbox_request("/v1/actor_tokens/act_1/revoke", b""), 404),
            (sandbox_request(method="GET"), 405),
            (sandbox_request(body=None), 400),
            (sandbox_request(body=b"{"), 400),
            (sandbox_request(body=b"\xff"), 400),
            (sandbox_request(body=b"[]"), 422),
            (sandbox_request(body=b"{}"), 422),
        ],
    )
    def test_it_speaks_http(self, request_: urllib.request.Request, status: int) -> None:
        with Sandbox().open(request_, timeout=5) as response:
            assert response.status == status
            document = json.loads(response.read())
        assert (
            document["object"] == "actor_token"
            if status == 200
            else set(document["errors"][0]) >= {"code", "message", "long_message"}
        )

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"user_id": ...}, "form_param_missing"),
            ({"actor": ...}, "form_param_missing"),
            ({"user_id": 5}, "form_param_format_invalid"),
            ({"user_id": ""}, "form_param_format_invalid"),
            ({"actor": "user_2"}, "form_param_format_invalid"),
            ({"actor": {}}, "form_param_format_invalid"),
            ({"actor": {"sub": 5}}, "form_param_format_invalid"),
            ({"expires_in_seconds": 0}, "form_param_format_invalid"),
            ({"expires_in_seconds": True}, "form_param_format_invalid"),
            ({"session_max_duration_in_seconds": "1"}, "form_param_format_invalid"),
            ({"unknown": 1}, "form_param_unknown"),
        ],
    )
    def test_a_missing_or_wrong_parameter_is_422_and_named(self, change: dict[str, Any], code: str) -> None:
        body = {name: value for name, value in {**self.GOOD, **change}.items() if value is not ...}
        with Sandbox().open(sandbox_request(body=json.dumps(body).encode())) as response:
            assert response.status == 422
            (error,) = json.loads(response.read())["errors"]
        assert (error["code"], error["meta"]) == (code, {"param_name": next(iter(change))})

    def test_fail_next_fails_the_next_calls_one_by_one(self) -> None:
        sandbox = Sandbox()
        clerk = ActorTokens("sk_test_x", opener=sandbox)
        sandbox.fail_next(429, code="too_many_requests", message="slow down", headers={"Retry-After": "3"})
        sandbox.fail_next(503)
        error = failure_of(clerk.create, "user_1", "user_2")
        assert (type(error), error.status_code, error.retry_after) == (ClerkErrors, 429, 3.0)
        assert (error.errors[0].code, error.errors[0].message) == ("too_many_requests", "slow down")
        assert failure_of(clerk.create, "user_1", "user_2").status_code == 503
        assert clerk.create("user_1", "user_2").status == "pending"
        for status in (200, 600):
            with pytest.raises(ValueError, match="status_code"):
                sandbox.fail_next(status)


# ---- The command line ------------------------------------------------------------------------------------------------


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this Python from the folder of the module, with nothing of Clerk's in the environment but what is given."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=MODULE.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestCommandLine:
    @pytest.fixture
    def run(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., tuple[int, str, str]]:
        monkeypatch.setenv("CLERK_SECRET_KEY", KEY)

        def run(*arguments: str) -> tuple[int, str, str]:
            status = clerk_actor_tokens.main(list(arguments))
            shown = capsys.readouterr()
            assert KEY not in shown.out + shown.err
            return (status, *shown)

        return run

    @pytest.fixture
    def server(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Server:
        server = serve(lambda peer: self.script(peer))
        monkeypatch.setenv("CLERK_API_URL", server.url[: -len("/v1")])
        return server

    script = staticmethod(answer_with(ANSWER))

    @staticmethod
    def buffered() -> dict[str, str]:
        """An environment without PYTHONUNBUFFERED, with which some machines leave nothing to be written at the end."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return {**kept, "CLERK_SECRET_KEY": KEY}

    def test_demo_shows_what_each_call_sends_and_gets_with_the_key_masked(self, run: Any) -> None:
        status, out, err = run("demo")
        assert (status, err) == (0, "")
        for part in (
            "POST https://api.clerk.com/v1/actor_tokens",
            "/revoke",
            "Bearer sk_test_***",
            '"status": "revoked"',
            "400",
        ):
            assert part in out

    def test_demo_needs_no_key_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        shutil.copy(MODULE, tmp_path)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "dev", "-W", "error", MODULE.name, "demo"],
            cwd=tmp_path,
            env={**os.environ, "CLERK_API_URL": "nonsense"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert os.listdir(tmp_path) == [MODULE.name]

    def test_create_prints_only_the_url_to_standard_output(self, run: Any, server: Server) -> None:
        status, out, err = run(
            "create", "user_1a2b3c", "--actor", "user_9z8y7x", "--expires-in", "60", "--session-max-duration", "90"
        )
        assert (status, out) == (0, LINK + "\n")
        for part in ("user_9z8y7x", "user_1a2b3c", "60 s", "90 s", ANSWER["id"], "revoke"):
            assert part in err
        assert SECRET not in err
        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {
            "user_id": "user_1a2b3c",
            "actor": {"sub": "user_9z8y7x"},
            "expires_in_seconds": 60,
            "session_max_duration_in_seconds": 90,
        }

    @pytest.mark.skipif(os.name == "nt", reason="its shell quotes in another way")
    def test_the_command_to_revoke_it_works_as_it_is_printed(self, server: Server, tmp_path: Path) -> None:
        folder = tmp_path / "it's here"
        folder.mkdir()
        shutil.copy(MODULE, folder)
        environment = {**os.environ, "CLERK_SECRET_KEY": KEY, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        command = [sys.executable, str(folder / MODULE.name), "create", "user_1", "--actor", "user_2"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        printed = done.stderr.partition("To revoke it: ")[2].splitlines()[0]
        subprocess.run(["/bin/sh", "-c", printed], env=environment, capture_output=True, timeout=60, check=True)
        assert f"/{ANSWER['id']}/revoke" in server.requests[1].decode()

    def test_create_takes_the_actor_as_json(self, run: Any, server: Server) -> None:
        assert run("create", "user_1", "--actor", '{"sub": "user_2", "ticket": "SUP-1"}')[0] == 0
        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["actor"] == {"sub": "user_2", "ticket": "SUP-1"}

    def test_create_json_prints_the_whole_token(self, run: Any, server: Server) -> None:
        assert json.loads(run("create", "user_1", "--actor", "user_2", "--json")[1]) == ANSWER

    def test_create_open_opens_the_link_as_well(self, run: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[str] = []
        monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))  # type: ignore[func-returns-value]
        assert run("create", "user_1", "--actor", "user_2", "--open")[:2] == (0, LINK + "\n")
        assert opened == [LINK]

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "-x", None])
    def test_only_a_link_is_opened_with_json_either(
        self, run: Any, server: Server, monkeypatch: pytest.MonkeyPatch, url: str | None
    ) -> None:
        monkeypatch.setattr("webbrowser.open", lambda url: pytest.fail(f"opened {url}"))
        monkeypatch.setattr(type(self), "script", staticmethod(answer_with({**ANSWER, "url": url})))
        assert run("create", "user_1", "--actor", "user_2", "--json", "--open")[0] == 1

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "-x", None, "https://x/\x1b[2J"])
    def test_only_a_link_is_printed_or_opened(
        self, run: Any, server: Server, monkeypatch: pytest.MonkeyPatch, url: str | None
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))  # type: ignore[func-returns-value]
        monkeypatch.setattr(type(self), "script", staticmethod(answer_with({**ANSWER, "url": url})))
        status, out, err = run("create", "user_1", "--actor", "user_2", "--open")
        assert (status, out, opened) == (1, "", [])
        assert ANSWER["id"] in err, "how to revoke it is told all the same"

    def test_revoke_prints_a_line_for_each_and_goes_on_past_a_failure(
        self, run: Any, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        revoked = http_answer({**ANSWER, "status": "revoked"})
        monkeypatch.setattr(type(self), "script", staticmethod(alternate(revoked, http_answer(NOT_PENDING, 400), revoked)))
        status, out, err = run("revoke", "act_1", "act_2", "act_3")
        assert (status, out.splitlines()) == (1, [f"{ANSWER['id']} revoked"] * 2)
        assert "act_2" in err
        assert "is accepted" in err

    def test_what_clerk_answers_steers_no_terminal(self, run: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        odd = {name: f"{value}\x1b[2J\r" for name, value in ANSWER.items() if name in ("id", "status", "user_id")}
        monkeypatch.setattr(type(self), "script", staticmethod(answer_with({**ANSWER, **odd})))
        for words in (["create", "user_1", "--actor", "user_2"], ["revoke", "act_1"]):
            status, out, err = run(*words)
            assert status == 0
            assert all(line.isprintable() for line in (out + err).split("\n"))
            assert "To revoke it" not in err, "a shell command with what a server wrote in it"

    def test_a_wrong_word_outweighs_a_refusal(self, run: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "script", staticmethod(answer_with(NOT_PENDING, 400)))
        assert run("revoke", "act 1", "act_2")[0] == run("revoke", "act_2", "act 1")[0] == 2

    def test_revoke_goes_on_past_a_wrong_id_and_does_not_repeat_it(self, run: Any, server: Server) -> None:
        status, out, err = run("revoke", SECRET, "act_3")
        assert (status, len(out.splitlines())) == (2, 1)
        assert SECRET[:20] not in err
        assert "ID number 1" in err, "which one was wrong is not told"

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["nonsense"],
            ["create"],
            ["create", "user_1"],
            ["create", "", "--actor", "user_2"],
            ["create", "user_1", "--actor", ""],
            ["create", "user_1", "--actor", "{"],
            ["create", "user_1", "--actor", "[1]"],
            ["create", "user_1", "--actor", '{"a": 1}'],
            ["create", "user_1", "--actor", "[" * 100_000],
            ["create", "user_1", "--actor", "user_2", "--expires-in", "soon"],
            ["create", "user_1", "--actor", "user_2", "--expires-in", "0"],
            ["revoke"],
        ],
    )
    def test_wrong_words_end_in_2(self, run: Any, server: Server, arguments: list[str]) -> None:
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert err
        assert server.requests == []

    def test_what_clerk_refuses_ends_in_1(self, run: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "script", staticmethod(answer_with(NOT_PENDING, 402)))
        status, out, err = run("create", "user_1", "--actor", "user_2")
        assert (status, out) == (1, "")
        assert "402" in err

    def test_a_missing_key_says_what_to_set_and_that_demo_needs_none(
        self, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CLERK_SECRET_KEY")
        status, out, err = run("create", "user_1", "--actor", "user_2")
        assert (status, out) == (2, "")
        assert "CLERK_SECRET_KEY" in err
        assert "demo` needs no" in err

    def test_version_and_help(self, run: Any) -> None:
        assert run("--version") == (0, f"{clerk_actor_tokens.__version__}\n", "")
        assert run("--help")[0] == 0

    def test_it_runs_as_a_file_and_as_a_module(self) -> None:
        for words in ([str(MODULE), "--version"], ["-m", "clerk_actor_tokens", "--version"]):
            done = run_python(*words)
            assert (done.returncode, done.stdout.strip()) == (0, clerk_actor_tokens.__version__)

    @pytest.mark.skipif(os.name == "nt", reason="signals and pipes are different there")
    def test_no_traceback_for_ctrl_c(self, serve: Serve, interruptible: None) -> None:
        asked = threading.Event()

        def script(peer: Peer) -> None:
            peer.read_request()
            asked.set()
            peer.wait_for_hang_up()

        server = serve(script)
        with subprocess.Popen(
            [sys.executable, str(MODULE), "create", "user_1", "--actor", "user_2"],
            env={**os.environ, "CLERK_SECRET_KEY": KEY, "CLERK_API_URL": server.url[: -len("/v1")]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert "Traceback" not in err
        assert "Interrupted" in err

    @pytest.mark.skipif(os.name == "nt", reason="signals and pipes are different there")
    @pytest.mark.parametrize("redirection", ["", ">&-", ">/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full", "2>&-"])
    @pytest.mark.parametrize("words", ["demo", "--help", "create user_1 --actor user_2", "revoke act_1 act_2 act_3"])
    def test_no_traceback_where_output_cannot_be_written_and_the_work_goes_on(
        self, server: Server, redirection: str, words: str
    ) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                ["/bin/sh", "-c", f"'{sys.executable}' '{MODULE}' {words} {redirection}"],
                env=self.buffered(),
                stdout=writer,  # a pipe that nobody reads, unless redirected
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            os.close(writer)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert done.returncode == 1, "the exit status does not tell that the output is lost"
        assert len(server.requests) == {"create": 1, "revoke": 3}.get(words.split()[0], 0)

    @pytest.mark.skipif(os.name == "nt", reason="its shell has no such redirections")
    @pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
    def test_remarks_that_cannot_be_written_are_no_failure(self, server: Server, redirection: str) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", f"'{sys.executable}' '{MODULE}' create user_1 --actor user_2 {redirection}"],
            env=self.buffered(),
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, LINK + "\n")

    def test_tls_that_cannot_be_set_up_is_not_taken_for_lost_output(
        self, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
        status, out, err = run("revoke", "act_1")
        assert (status, out) == (2, "")
        assert "SSLKEYLOGFILE" in err

    def test_a_key_among_the_words_is_not_repeated(self, run: Any) -> None:
        for words in (
            ["sk_live_pasted"],
            ["create", "u", "--actor", "a", "--expires-in", "sk_live_pasted"],
            ["create", "u", "--actor", "a", "--expires-in", "xsk_live_pasted"],
            ["--key=sk_live_pasted"],
        ):
            status, out, err = run(*words)
            assert (status, out) == (2, "")
            assert "pasted" not in err


# ---- The README ------------------------------------------------------------------------------------------------------


def readme_block(language: str, containing: str) -> str:
    """The README's one code block in that language with those words in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return str(block)


class TestReadme:
    def test_its_recipe_for_requests_is_the_one_used_here(self) -> None:
        assert inspect.getsource(RequestsOpener) in readme_block("python", "class RequestsOpener")

    def test_its_first_example_runs(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server = serve(answer_with(ANSWER))
        monkeypatch.setenv("CLERK_API_URL", server.url[: -len("/v1")])
        exec(readme_block("python", "clerk.revoke(token)  #"), {})  # noqa: S102
        assert capsys.readouterr().out == LINK + "\n"
        assert [request.split()[1] for request in server.requests] == [
            b"/v1/actor_tokens",
            f"/v1/actor_tokens/{ANSWER['id']}/revoke".encode(),
        ]

    def test_its_commands_run(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        server = serve(answer_with(ANSWER))
        monkeypatch.setenv("CLERK_API_URL", server.url[: -len("/v1")])
        monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
        lines = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("clerk-actor-tokens ")]
        for line in lines:
            assert clerk_actor_tokens.main(shlex.split(line, comments=True)[1:]) == 0, line
        assert len(server.requests) == len(lines) == 3

    def test_its_sandbox_example_runs(self) -> None:
        exec(readme_block("python", "sandbox.accept"), {})  # noqa: S102

    def test_its_table_has_every_exception(self) -> None:
        text = README.read_text(encoding="utf-8")
        names = [name for name in clerk_actor_tokens.__all__ if issubclass(getattr(clerk_actor_tokens, name), Exception)]
        assert len(names) == 6
        assert [name for name in names if f"`{name}`" not in text] == []

    @pytest.mark.parametrize("clerk_answers", [True, False])
    def test_its_lambda_handler_runs_under_awslambdaric(self, serve: Serve, tmp_path: Path, clerk_answers: bool) -> None:
        pytest.importorskip("awslambdaric", reason="needs awslambdaric, which .ci/run installs")
        clerk = serve(answer_with(ANSWER) if clerk_answers else silence)
        answered = threading.Event()
        times: list[float] = []  # when the invocation has to be over, and when it was

        def runtime_api(peer: Peer) -> None:
            while request := peer.read_request():
                if b"/invocation/next " not in request:
                    times.append(time.time())
                    peer.send(http_answer({}, 202))
                    answered.set()
                elif answered.is_set():
                    peer.wait_for_hang_up()
                else:
                    times.append(time.time() + 2)
                    headers = {
                        "Lambda-Runtime-Aws-Request-Id": "request-1",
                        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:123456789012:function:f",
                        "Lambda-Runtime-Deadline-Ms": str(int(times[0] * 1000)),
                    }
                    peer.send(http_answer({"user_id": "user_1a2b3c", "actor": "user_9z8y7x"}, headers=headers))

        runtime = serve(runtime_api)
        (tmp_path / "function.py").write_text(readme_block("python", "def handler"), encoding="utf-8")
        shutil.copy(MODULE, tmp_path)
        environment = {
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.port}",
            "CLERK_SECRET_KEY": KEY,
            "CLERK_API_URL": clerk.url[: -len("/v1")],
        }
        command = [sys.executable, "-m", "awslambdaric", "function.handler"]
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            done = answered.wait(30)
            process.kill()
            log = process.communicate()[0]
        assert done, log
        assert KEY not in log
        assert len(clerk.requests) == 1
        (answer,) = [request for request in runtime.requests if b"/next " not in request]
        head, _, body = answer.partition(b"\r\n\r\n")
        if clerk_answers:
            assert b"/invocation/request-1/response " in head, log
            assert json.loads(body) == {"id": ANSWER["id"], "url": LINK}
        else:
            assert b"/invocation/request-1/error " in head, log
            told = json.loads(body)
            assert told["errorType"] == "RequestTimeoutError"
            seconds = re.search(r"within ([0-9.]+) seconds", told["errorMessage"])
            assert seconds, told
            assert 0 < float(seconds[1]) <= 1.5, "its timeout is the time that the invocation has left"
            assert times[1] < times[0] + LATE
