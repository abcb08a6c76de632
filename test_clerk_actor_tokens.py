"""What clerk_actor_tokens.py promises, in the order of that file."""

from __future__ import annotations

import base64
import contextlib
import copy
import dataclasses
import datetime
import enum
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
    Headers,
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


class Canned:
    """An opener that returns one response, or raises it, and remembers what it was asked."""

    def __init__(
        self, response: Any = TOKEN, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.response = response
        self.status = status
        self.headers = {"Content-Type": "application/json"} if headers is None else headers
        self.requests: list[urllib.request.Request] = []
        self.timeouts: list[float] = []

    def open(self, request: urllib.request.Request, *, timeout: float) -> Any:
        self.requests.append(request)
        self.timeouts.append(timeout)
        if isinstance(self.response, Exception):
            raise self.response
        is_raw = isinstance(self.response, bytes)
        body = io.BytesIO(self.response if is_raw else json.dumps(self.response).encode())
        headers: Any = self.headers
        return urllib.response.addinfourl(body, headers, request.full_url, self.status)


def canned_client(
    response: Any = TOKEN, status: int = 200, headers: Mapping[str, str] | None = None
) -> ActorTokens:
    return ActorTokens(KEY, opener=Canned(response, status, headers))


def create(clerk: ActorTokens, actor: Any = "user_9z8y7x", **options: Any) -> ActorToken:
    return clerk.create("user_1a2b3c", actor, **options)


def revoke(clerk: ActorTokens, **options: Any) -> ActorToken:
    return clerk.revoke(TOKEN["id"], **options)


CREATE_AND_REVOKE = pytest.mark.parametrize("call", [create, revoke])


def failure_of(call: Callable[..., object], *arguments: Any, **options: Any) -> Any:
    """The exception of ours that a call raises, checked for what must never be in any of them."""
    with pytest.raises(ClerkBaseError) as caught:
        call(*arguments, **options)
    error = caught.value
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    shown += str(error) + repr(error)
    assert KEY not in shown, "the secret key shows in an error"
    assert SECRET not in shown, "a token shows in an error"
    assert str(error).isprintable(), f"not one line: {error!r}"
    assert len(str(error)) < 2000, "too long to read"
    assert error.message == str(error)
    return error


class Peer:
    """The server's side of one connection, for a script to play."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.received = b""

    def read_request(self) -> bytes:
        """One complete request, counted. Nothing if the client hung up."""
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
    """A server on loopback. It plays a script for each connection, the last one for all further."""

    def __init__(
        self,
        scripts: tuple[Script, ...],
        tls: ssl.SSLContext | None,
        client_tls: ssl.SSLContext,
        listener: socket.socket | None,
    ) -> None:
        self.scripts = scripts
        self.tls = tls
        self.client_tls = client_tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopped = threading.Event()
        self.hung_up = threading.Event()
        self._peers: list[socket.socket] = []
        self._listener = listener or socket.create_server(("127.0.0.1", 0))
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

    def documents(self) -> list[Any]:
        """The JSON bodies of the requests."""
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in self.requests]

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


def http_response(
    document: Any = TOKEN, status: int = 200, headers: Mapping[str, str] | None = None
) -> bytes:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in {**fields, **(headers or {})}.items())
    return f"HTTP/1.1 {status} Something\r\n{head}\r\n".encode() + body


def raw(data: bytes) -> Script:
    """Respond to every request on the connection with these bytes."""

    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.send(data)

    return script


def respond(
    document: Any = TOKEN, status: int = 200, headers: Mapping[str, str] | None = None
) -> Script:
    """Respond to every request on the connection."""
    return raw(http_response(document, status, headers))


def raw_once(data: bytes) -> Script:
    """Respond to one request with these bytes, then hang up."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(data)

    return script


def alternate(*messages: bytes) -> Script:
    """Respond to the requests on a connection in turn."""

    def script(peer: Peer) -> None:
        for message in messages:
            peer.read_request()
            peer.send(message)
        peer.read_request()

    return script


def trickle(before: bytes, piece: bytes, every: float = 0.01) -> Script:
    """Respond with `before`, then with a piece now and then, without end."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(before)
        while not peer.server.stopped.wait(every):
            peer.send(piece)

    return script


def echo(peer: Peer) -> None:
    """Respond to every create with a token for the user it names."""
    while request := peer.read_request():
        user_id = json.loads(request.partition(b"\r\n\r\n")[2])["user_id"]
        peer.send(http_response({**TOKEN, "user_id": user_id}))


def silence(peer: Peer) -> None:
    peer.read_request()
    peer.wait_for_hang_up()


def reset(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


hang_up = raw_once(b"")


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
def serve(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> Iterator[Serve]:
    """Start servers, and end them after the test."""
    servers = []

    def start(
        *scripts: Script,
        tls: bool | ssl.SSLContext = False,
        listener: socket.socket | None = None,
    ) -> Server:
        context = server_tls if tls is True else tls or None
        servers.append(Server(scripts, context, client_tls, listener))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def client_of(server: Server, **options: Any) -> ActorTokens:
    """A client of the server, which trusts its certificate."""
    url = options.setdefault("server_url", f"{server.origin}/v1")
    if url.startswith("https:"):
        options.setdefault("ssl_context", server.client_tls)
    return ActorTokens(KEY, **options)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the module makes, without making them."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C reach this process's children, even if a script runs the tests with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in ("CLERK_SECRET_KEY", "CLERK_API_URL") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python from the folder of the module."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=MODULE.parent, capture_output=True, text=True, timeout=60, check=False
    )


class TestImport:
    def test_all_exported_names_exist_at_run_time(self) -> None:
        exec("from clerk_actor_tokens import *", {})  # noqa: S102

    def test_importing_it_loads_only_what_every_call_needs(self) -> None:
        program = """
import sys
import __future__, dataclasses, json, random, ssl, urllib.request
before = set(sys.modules)
import clerk_actor_tokens
print(*(set(sys.modules) - before))
"""
        assert run_python("-c", program).stdout.split() == ["clerk_actor_tokens"]


# ---- What goes out
class TestWhatGoesOut:
    @pytest.fixture
    def mocked(self) -> Iterator[responses.RequestsMock]:
        with responses.RequestsMock() as mock:
            yield mock

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
                {"sub": "user_9z8y7x", "deep": {"list": [1, None, 2.5, True, "\u00e9"]}},
                {"expires_in_seconds": 60, "session_max_duration_in_seconds": 1},
                '{"user_id":"user_1a2b3c","actor":{"sub":"user_9z8y7x","deep":'
                '{"list":[1,null,2.5,true,"\u00e9"]}},'
                '"expires_in_seconds":60,"session_max_duration_in_seconds":1}',
            ),
        ],
        ids=["ID and defaults", "claims and durations"],
    )
    def test_create_sends_what_the_official_sdk_sends(
        self, mocked: responses.RequestsMock, actor: Any, options: dict[str, int], body: str
    ) -> None:
        headers = {
            "Authorization": f"Bearer {KEY}",
            "Accept": "application/json",
            "Content-type": "application/json",  # urllib's way to write names
            "Clerk-api-version": "2026-05-12",
            "User-agent": f"clerk-actor-tokens/{clerk_actor_tokens.__version__}",
        }
        match = [matchers.header_matcher(headers)]
        mocked.post("https://api.clerk.com/v1/actor_tokens", json=TOKEN, match=match)
        token = create(ActorTokens(KEY, opener=RequestsOpener()), actor, **options)
        assert dataclasses.asdict(token) == TOKEN
        assert mocked.calls[0].request.body == body.encode(), "the SDK's order of fields, no spaces"

    def test_revoke_sends_what_the_official_sdk_sends(self, mocked: responses.RequestsMock) -> None:
        url = "https://api.clerk.com/v1/actor_tokens/act_1/revoke"
        match = [matchers.header_matcher({"Authorization": f"Bearer {KEY}"})]
        mocked.post(url, json=TOKEN, match=match)
        ActorTokens(KEY, opener=RequestsOpener()).revoke("act_1")
        assert not mocked.calls[0].request.body
        assert "Content-Type" not in mocked.calls[0].request.headers

    def test_a_timeout_of_requests_is_a_request_timeout_error(
        self, mocked: responses.RequestsMock
    ) -> None:
        url = "https://api.clerk.com/v1/actor_tokens"
        mocked.post(url, body=requests.ReadTimeout(f"Read timed out. Bearer {KEY}"))
        error = failure_of(create, ActorTokens(KEY, opener=RequestsOpener(), timeout=2))
        assert type(error) is RequestTimeoutError
        assert "within 2 seconds" in str(error)

    class TokenID(str, enum.Enum):
        OF_AN_ENUM = "act_1"

    @pytest.mark.parametrize("user_id", ["", " ", "user_1\n", "user_\ud800", None, 7, b"user_1"])
    def test_an_invalid_user_id_is_refused(self, user_id: Any) -> None:
        opener = Canned()
        with pytest.raises((ValueError, TypeError), match="user_id"):
            ActorTokens(KEY, opener=opener).create(user_id, "user_2")
        assert opener.requests == []

    class Broken(dict[str, str]):
        def keys(self) -> Any:
            raise ZeroDivisionError

    LOOP: dict[str, Any] = {"sub": "user_2"}
    LOOP["loop"] = LOOP
    DEEP: Any = None
    for _ in range(100_000):
        DEEP = [DEEP]
    ACTORS: dict[str, Any] = {
        "empty ID": "",
        "ID with a line end": "user_2\n",
        "None": None,
        "number": 5,
        "list": ["sub"],
        "bytes": b"user_2",
        "unreadable mapping": types.MappingProxyType(Broken(sub="user_2")),
        "no sub": {},
        "empty sub": {"sub": ""},
        "null sub": {"sub": None},
        "number as sub": {"sub": 5},
        "loop": LOOP,
        "number as a key": {"sub": "user_2", 1: "a"},
        "None as a key": {"sub": "user_2", "x": [{None: "a"}]},
    }
    VALUES: dict[str, Any] = {
        "NaN": float("nan"),
        "infinity": float("inf"),
        "tuple": (1, 2),
        "deep tuple": [{"y": [()]}],
        "set": {1},
        "bytes as a value": b"",
        "object": object(),
        "half a surrogate pair": "\ud800",
        "too deep": DEEP,
        "too large a number": 10**5000,
    }
    ACTORS.update((name, {"sub": "user_2", "x": value}) for name, value in VALUES.items())

    @pytest.mark.parametrize("name", ACTORS)
    def test_an_actor_that_json_cannot_carry_unchanged_is_refused(self, name: str) -> None:
        if "large" in name and not hasattr(sys, "get_int_max_str_digits"):
            pytest.skip("this Python writes numbers of any length")
        opener = Canned()
        with pytest.raises((ValueError, TypeError), match="actor"):
            create(ActorTokens(KEY, opener=opener), self.ACTORS[name])
        assert opener.requests == []

    @pytest.mark.parametrize("name", ["expires_in_seconds", "session_max_duration_in_seconds"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, 60.0, True, None, "60", float("nan"), 2**63])
    def test_durations_are_whole_numbers_from_one(self, name: str, value: Any) -> None:
        opener = Canned()
        with pytest.raises((ValueError, TypeError), match=name):
            create(ActorTokens(KEY, opener=opener), **{name: value})
        assert opener.requests == []

    @pytest.mark.parametrize(
        "token_id",
        [
            "", "../x", "act_1/../../users", "act_1%2e%2e", "act.1", "act_1\n", "act 1",
            "act_\u0661",
            "act_1?", "act_1#", None, 5, b"act_1",
        ],
    )  # fmt: skip
    def test_an_id_that_could_change_the_path_is_refused(self, token_id: Any) -> None:
        opener = Canned()
        with pytest.raises((ValueError, TypeError), match="actor_token_id"):
            ActorTokens(KEY, opener=opener).revoke(token_id)
        assert opener.requests == []

    @pytest.mark.parametrize("form", ["{}", "act_{}", "{}_x"])
    @pytest.mark.parametrize("key", [KEY, "a-key-of-another-form"])
    def test_an_id_with_the_key_in_it_is_refused_and_not_repeated(
        self, form: str, key: str
    ) -> None:
        opener = Canned()
        clerk = ActorTokens(key, opener=opener)
        wrong = form.format(key)
        calls: list[Callable[[], object]] = [
            lambda: clerk.revoke(wrong),
            lambda: clerk.create(wrong, "user_2"),
            lambda: clerk.create("user_1", {"sub": wrong}),
        ]
        for call in calls:
            with pytest.raises(ValueError, match="this is a key") as caught:
                call()
            assert key not in str(caught.value)
        assert opener.requests == []

    @pytest.mark.parametrize("secret", [SECRET, LINK])
    def test_a_token_in_place_of_its_id_is_refused_and_not_repeated(self, secret: str) -> None:
        with pytest.raises(ValueError, match="not the token or its URL") as caught:
            canned_client().revoke(secret)
        assert SECRET[:20] not in str(caught.value)

    @pytest.mark.parametrize(
        "key",
        [
            "", "\n", "sk_test_ x", " sk_test_x", "sk_test_x ", "sk_\ttest", "sk_\x00", "sk_é",
            "\nsk_x", "a\r\nb",
        ],
    )  # fmt: skip
    def test_an_invalid_key_is_refused_and_not_repeated(self, key: str) -> None:
        with pytest.raises(ValueError, match="secret_key") as caught:
            ActorTokens(key)
        assert not key.strip() or key.strip() not in str(caught.value)

    def test_a_publishable_key_is_refused_by_name(self) -> None:
        with pytest.raises(ValueError, match="publishable"):
            ActorTokens("pk_test_abcdef")

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_the_key_comes_from_the_environment_and_may_end_with_a_line_end(
        self, monkeypatch: pytest.MonkeyPatch, end: str
    ) -> None:
        monkeypatch.setenv("CLERK_SECRET_KEY", KEY + end)
        opener = Canned()
        ActorTokens(opener=opener).revoke("act_1")
        assert opener.requests[0].get_header("Authorization") == f"Bearer {KEY}"

    @pytest.mark.parametrize(
        "url",
        [
            "", "api.clerk.com/v1", "http://api.clerk.com/v1", "http://127.evil.com/v1",
            "http://localhost.evil.com/v1", "http://127.0.0.1.evil.com/v1", "http://127.999.0.1/v1",
            "http://127.0.0.256/v1", "http://[::1].evil.com/v1", "http://[::1]evil.com:80/v1",
            "https://evil.com[::1]/v1", "https://api.clerk.com:/v1", "ftp://localhost/v1",
            "file:///v1", "https:///v1", "https://:443/v1", "https://user@api.clerk.com/v1",
            "https://user:word@api.clerk.com/v1", "https://api.clerk.com\\@evil.com/v1",
            "https://api.clerk.com/v1?x=1", "https://api.clerk.com/v1?",
            "https://api.clerk.com/v1#x", "https://api.clerk.com/v1#", "https://api.clerk.com:0/v1",
            "https://api.clerk.com:99999/v1", "https://api.clerk.com:abc/v1", "https://[::1/v1",
            "https://a..b/v1", "https://api.clerk.com/ v1", "https://api.clerk.com/\nv1",
            "https://api.clerk.com/v1\n", "https://api.cl\terk.com/v1",
            "https://\u00e4pi.clerk.com/v1",
        ],
    )  # fmt: skip
    def test_a_server_url_that_could_lead_elsewhere_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        with pytest.raises(ValueError, match="server_url"):
            ActorTokens(KEY, server_url=url)
        if url:
            monkeypatch.setenv("CLERK_API_URL", url)
            with pytest.raises(ValueError, match="CLERK_API_URL"):
                ActorTokens(KEY)

    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost/v1", "http://127.0.0.2:80/v1", "http://[::1]:8000/v1", "HTTPS://x/v1",
            "https://x.example:444/a/v1/", "https://[::1]/v1",
        ],
    )  # fmt: skip
    def test_requests_go_to_the_server_url(self, url: str) -> None:
        opener = Canned()
        create(ActorTokens(KEY, server_url=url, opener=opener))
        assert opener.requests[0].full_url == url.rstrip("/") + "/actor_tokens"

    @pytest.mark.parametrize("url", ["https://api.example.com", "https://api.example.com/"])
    def test_v1_is_added_to_clerk_api_url(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setenv("CLERK_API_URL", url)
        opener = Canned()
        create(ActorTokens(KEY, opener=opener))
        assert opener.requests[0].full_url == "https://api.example.com/v1/actor_tokens"

    @pytest.mark.parametrize(
        "timeout", [0, -1, 0.0009, 86_401, float("nan"), float("inf"), 10**400, True, "5"]
    )
    def test_an_invalid_timeout_is_refused(self, timeout: Any) -> None:
        with pytest.raises((ValueError, TypeError), match="timeout"):
            ActorTokens(KEY, timeout=timeout)
        with pytest.raises((ValueError, TypeError), match="timeout"):
            revoke(canned_client(), timeout=timeout)

    def test_an_opener_or_a_context_of_another_type_is_refused(self) -> None:
        with pytest.raises(TypeError, match="opener"):
            ActorTokens(KEY, opener=object())  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="ssl_context"):
            ActorTokens(KEY, ssl_context=True)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="ssl_context"):
            ActorTokens(KEY, ssl_context=ssl.create_default_context(), opener=Canned())


# ---- What comes back
class TestWhatComesBack:
    def test_the_complete_token_comes_back(self) -> None:
        token = create(canned_client())
        assert dataclasses.asdict(token) == TOKEN
        assert token == ActorToken(**TOKEN)
        assert hash(token) == hash(ActorToken(**copy.deepcopy(TOKEN)))
        assert pickle.loads(pickle.dumps(token)) == token
        with pytest.raises(dataclasses.FrozenInstanceError):
            token.status = "accepted"  # type: ignore[misc]

    def test_the_repr_shows_neither_token_nor_url(self) -> None:
        assert SECRET not in repr(create(canned_client()))

    @pytest.mark.parametrize(
        "change", [{"status": "expired"}, {"new": {"field": 1}}, {"token": None, "url": None}]
    )
    def test_what_clerk_may_add_one_day_breaks_nothing(self, change: dict[str, Any]) -> None:
        token = revoke(canned_client({**TOKEN, **change}))
        change.pop("new", None)
        assert {name: getattr(token, name) for name in change} == change

    def test_token_and_url_may_be_missing(self) -> None:
        document = {name: TOKEN[name] for name in TOKEN if name not in ("token", "url")}
        token = revoke(canned_client(document))
        assert (token.token, token.url) == (None, None)

    @pytest.mark.parametrize("name", [name for name in TOKEN if name not in ("token", "url")])
    @pytest.mark.parametrize("value", ["missing", None, True, 1.5, []])
    def test_a_missing_field_or_one_of_another_type_is_named(self, name: str, value: Any) -> None:
        document = {**TOKEN, name: value}
        if value == "missing":
            del document[name]
        error = failure_of(revoke, canned_client(document))
        assert type(error) is ResponseValidationError
        assert name in str(error)

    @pytest.mark.parametrize("change", [{"token": 5}, {"url": ["x"]}, {"object": "session"}])
    def test_another_object_is_no_actor_token(self, change: dict[str, Any]) -> None:
        error = failure_of(revoke, canned_client({**TOKEN, **change}))
        assert type(error) is ResponseValidationError

    JSON = json.dumps(TOKEN).encode()
    ODD_BODIES: dict[str, bytes] = {
        "nothing": b"",
        "a page": b"<html><body>Sign in to the hotel's WiFi</body></html>",
        "null": b"null",
        "a list": b"[" + JSON + b"]",
        "text": b'"actor_token"',
        "a number": b"1",
        "half of it": JSON[:-1],
        "two of it": JSON * 2,
        "deep nesting": b"[" * 200_000,
        "deep objects": b'{"a":' * 100_000,
        "a huge number": JSON.replace(b"1763900000000", b"1" * 100_000),
        "NaN": JSON.replace(b"1.5", b"NaN"),
        "Infinity": JSON.replace(b"1.5", b"-Infinity"),
        "not UTF-8": JSON.replace(b"SUP-1", b"\xff\xfe"),
        "UTF-16": json.dumps(TOKEN).encode("utf-16"),
        "gzip": b"\x1f\x8b\x08\x00" + bytes(40),
    }

    @pytest.mark.parametrize("name", ODD_BODIES)
    def test_a_success_without_a_token_is_described_and_not_quoted(self, name: str) -> None:
        if name == "a huge number" and not hasattr(sys, "get_int_max_str_digits"):
            pytest.skip("this Python reads numbers of any length")
        body = self.ODD_BODIES[name]
        error = failure_of(create, canned_client(body, headers={"Content-Type": "text/html"}))
        assert type(error) is ResponseValidationError
        assert (error.status_code, error.headers["content-type"]) == (200, "text/html")
        assert error.body == body.decode(errors="replace")
        for part in ("text/html", f"{len(body)} bytes", "Check server_url", "create another"):
            assert part in str(error)
        assert "hotel" not in str(error)


# ---- What can go wrong
def envelope(**fields: Any) -> dict[str, Any]:
    """Clerk's error envelope with one entry."""
    return {"errors": [{"code": "c", "message": "m", "long_message": "l", **fields}]}


class TestWhatCanGoWrong:
    @pytest.mark.parametrize("status", [400, 401, 402, 404, 422, 429, 500, 503, 599])
    def test_a_4xx_or_5xx_with_the_envelope_is_clerk_errors(self, status: int) -> None:
        error = failure_of(revoke, canned_client(NOT_PENDING, status, {"X-Thing": "1"}))
        assert type(error) is ClerkErrors
        assert error.status_code == status
        assert (error.headers["x-THING"], error.headers.items()) == ("1", [("X-Thing", "1")])
        assert error.errors == (ClerkError(**NOT_PENDING["errors"][0]),)
        assert error.clerk_trace_id == NOT_PENDING["clerk_trace_id"]
        assert error.meta == NOT_PENDING["meta"]
        assert json.loads(error.body) == NOT_PENDING

    def test_the_message_says_what_happened(self) -> None:
        said = str(failure_of(revoke, canned_client(NOT_PENDING, 400)))
        path = f"POST /v1/actor_tokens/{TOKEN['id']}/revoke"
        code = "actor_token_cannot_be_revoked_code: Actor token cannot be revoked because"
        for part in ("api.clerk.com", "400", path, code, NOT_PENDING["clerk_trace_id"]):
            assert part in said

    @pytest.mark.parametrize(
        ("call", "status", "advice"),
        [
            (create, 401, "Check the secret key"),
            (create, 402, "The Clerk plan"),
            (create, 404, "Check server_url"),
            (revoke, 404, "Check the ID"),
            (revoke, 404, "Check server_url"),
            (create, 302, "Check server_url"),
        ],
    )
    def test_the_message_says_what_to_do(
        self, call: Callable[..., object], status: int, advice: str
    ) -> None:
        assert advice in str(failure_of(call, canned_client(NOT_PENDING, status)))

    def test_a_create_has_no_token_id_to_check(self) -> None:
        assert "Check the ID" not in str(failure_of(create, canned_client(NOT_PENDING, 404)))

    def test_the_message_says_that_clerk_may_have_acted_only_if_so(self) -> None:
        for status, doubt in [(302, False), (400, False), (429, False), (500, True), (503, True)]:
            clerk = canned_client(NOT_PENDING, status)
            of_create, of_revoke = str(failure_of(create, clerk)), str(failure_of(revoke, clerk))
            assert ("a retry could create another" in of_create) is doubt, status
            assert ("a retry is safe" in of_revoke) is doubt, status

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("3", 3.0), ("0", 0.0), (" 7 ", 7.0), ("0.5", 0.5), ("30", 30.0), (None, None)]
        + [
            (nonsense, None)
            for nonsense in ("", "-3", "soon", "nan", "inf", "1e3", "9" * 400, "\u0663", "3, 3")
        ]
        + [("Wed, 21 Oct 2015 07:28:00 GMT", None)],
    )
    def test_retry_after_is_a_number_of_seconds(
        self, status: int, value: str | None, seconds: float | None
    ) -> None:
        headers = {} if value is None else {"retry-AFTER": value}
        error = failure_of(create, canned_client(NOT_PENDING, status, headers))
        assert error.retry_after == seconds
        advice = re.search(r"Wait (\S+) s\b", str(error))
        assert (float(advice[1]) if advice else None) == (seconds or None)

    def test_texts_that_clerk_leaves_out_are_empty(self) -> None:
        for entry in ({"code": "c"}, {"code": "c", "message": None, "long_message": None}):
            error = failure_of(create, canned_client({"errors": [entry]}, 422))
            assert type(error) is ClerkErrors
            assert error.errors == (ClerkError("c", "", ""),)
            assert (error.clerk_trace_id, error.meta) == (None, None)
        error = failure_of(create, canned_client(envelope(long_message=None), 422))
        assert error.errors == (ClerkError("c", "m", ""),)
        assert "c: m" in str(error), "the short message, if there is no long one"

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>Bad\r\n gateway\x1b[31m</html>", b"", b"null", b"[]", b"{}",
            b'{"errors": "no"}', b'{"errors": [1]}', b'{"errors": [{}]}',
            b'{"errors": [{"code": 5, "message": "m", "long_message": "l"}]}',
            b'{"errors": {"code": "c"}}', b"[" * 100_000, b"\xff\xfe",
            json.dumps({"errors": 5, "secret": SECRET}).encode(),
            f"<pre>Authorization: Bearer {KEY} {SECRET}</pre>".encode(),
        ],
        ids=lambda body: repr(body[:30])[2:-1],
    )  # fmt: skip
    def test_any_other_body_is_an_sdk_error(self, body: bytes) -> None:
        error = failure_of(create, canned_client(body, 502))
        assert (type(error), error.status_code) == (SDKError, 502)
        assert error.body == body.decode(errors="replace").replace(KEY, "***")
        assert len(str(error)) < 400

    @pytest.mark.parametrize("key", [KEY, "a-key-of-another-form"])
    @pytest.mark.parametrize("before", [0, 150, 195, 990])
    @pytest.mark.parametrize("status", [200, 302, 502])
    def test_no_secret_is_quoted_wherever_it_is(self, key: str, before: int, status: int) -> None:
        page = f"{'x ' * (before // 2)}{key} {SECRET} \x1b[2J"
        headers = {"Location": page, "Content-Type": page}
        clerk = ActorTokens(key, opener=Canned(page.encode(), status, headers))
        said = str(failure_of(create, clerk))
        assert key[:6] not in said
        assert SECRET[:6] not in said

    @pytest.mark.parametrize("status", [200, 400, 502])
    def test_a_key_that_is_sent_back_is_masked_in_what_an_error_carries(self, status: int) -> None:
        document = {**NOT_PENDING, "clerk_trace_id": f"x {KEY}"}
        error = failure_of(create, canned_client(document, status, {"X-Echo": f"Bearer {KEY}"}))
        assert error.headers["X-Echo"] == "Bearer ***"
        assert "x ***" in error.body
        assert KEY not in str(vars(error).values())

    @pytest.mark.parametrize(
        "error",
        [
            failure_of(create, canned_client(b"no", 502, {"Retry-After": "5", "X": "1"})),
            failure_of(create, canned_client(NOT_PENDING, 400)),
            failure_of(create, canned_client({}, 200)),
            failure_of(create, canned_client(ConnectionResetError("reset"))),
            failure_of(create, canned_client(TimeoutError("timed out"))),
        ],
        ids=lambda error: type(error).__name__,
    )
    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
    def test_all_of_them_can_be_pickled_and_copied(
        self, error: ClerkBaseError, duplicate: Callable[[Any], Any]
    ) -> None:
        twin = duplicate(error)
        twin = pickle.loads(twin) if isinstance(twin, bytes) else twin
        assert type(twin) is type(error)
        assert (repr(twin), twin.args) == (repr(error), error.args)
        ours, theirs = (
            {k: v.items() if isinstance(v, Headers) else v for k, v in vars(one).items()}
            for one in (error, twin)
        )
        assert ours == theirs
        assert len(ours) > 1


# ---- The client
def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@dataclasses.dataclass
class Alike(OSError):
    """An exception that is equal to all others of its kind."""

    text: str = dataclasses.field(compare=False)


class TestClient:
    def test_its_repr_shows_no_key(self) -> None:
        assert KEY not in repr(canned_client())

    def test_the_opener_is_told_the_seconds_of_the_call(self) -> None:
        opener = Canned()
        clerk = ActorTokens(KEY, timeout=7, opener=opener)
        create(clerk)
        create(clerk, timeout=3)
        revoke(clerk, timeout=0.5)
        assert opener.timeouts == [7, 3, 0.5]

    @pytest.mark.parametrize(
        ("cause", "kind", "outcome_unknown"),
        [
            (ConnectionResetError("reset"), NoResponseError, True),
            (urllib.error.URLError(ConnectionRefusedError(111, "no")), NoResponseError, False),
            (urllib.error.URLError(socket.gaierror(-2, "no such name")), NoResponseError, False),
            (urllib.error.URLError(ssl.SSLCertVerificationError("bad")), NoResponseError, False),
            (urllib.error.URLError("some text"), NoResponseError, True),
            (TimeoutError("timed out"), RequestTimeoutError, True),
            (socket.timeout("timed out"), RequestTimeoutError, True),
            (urllib.error.URLError(TimeoutError("timed out")), RequestTimeoutError, True),
            (requests.ConnectionError("lost"), NoResponseError, True),
            (ValueError(f"Invalid header value b'Bearer {KEY}'"), NoResponseError, True),
            (ConnectionResetError(f"Bearer {KEY}"), NoResponseError, True),
            (ZeroDivisionError(), NoResponseError, True),
            (chained(RuntimeError("x"), ValueError(f"Bearer {KEY}")), NoResponseError, True),
            (chained(OSError("x"), OSError(f"Bearer {KEY}")), NoResponseError, True),
            (chained(Alike("x"), Alike(f"Bearer {KEY}")), NoResponseError, True),
            (urllib.error.URLError(chained(OSError("x"), OSError(KEY))), NoResponseError, True),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_whatever_an_opener_raises_is_an_error_of_ours(
        self, cause: Exception, kind: type[NoResponseError], outcome_unknown: bool
    ) -> None:
        error = failure_of(create, canned_client(cause))
        assert type(error) is kind
        assert error.outcome_unknown is outcome_unknown
        assert ("a retry could create another" in str(error)) is outcome_unknown
        assert ("a retry is safe" in str(error)) is not outcome_unknown

    def test_an_exception_that_was_raised_while_handling_another_shows_no_key(self) -> None:
        def fail(*_: object, **__: object) -> None:
            try:
                raise ValueError(f"Bearer {KEY}")
            except ValueError:
                raise OSError("x")  # noqa: B904

        failure_of(create, ActorTokens(KEY, opener=types.SimpleNamespace(open=fail)))

    def test_urllibs_own_opener_will_do(self, serve: Serve) -> None:
        server = serve(respond(), respond(NOT_PENDING, 400))
        clerk = client_of(server, opener=urllib.request.build_opener())
        assert create(clerk) == ActorToken(**TOKEN)
        assert type(failure_of(revoke, clerk)) is ClerkErrors

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_that_urllibs_own_opener_follows_carries_no_key(
        self, serve: Serve, status: int
    ) -> None:
        target = serve(respond())
        server = serve(respond({}, status, {"Location": f"{target.origin}/elsewhere"}))
        with suppress(SDKError):
            create(client_of(server, opener=urllib.request.build_opener()))
        assert KEY.encode() in server.requests[0]
        assert KEY.encode() not in b"".join(target.requests)
        assert len(target.requests) == (1 if status < 307 else 0)


# ---- The wire
# Seconds that a busy machine may add. A server that gained by stalling would gain far more.
LATE = 1.0

PLAIN_AND_TLS = pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds + LATE, "the call outlasts its timeout"


class TestDeadline:
    STALLS: dict[str, Script] = {
        "silence": silence,
        "status line": trickle(b"", b"H"),
        "header": trickle(OK, b"X"),
        "headers": trickle(OK, b"X-Header: 1\r\n", 0.005),
        "100s": trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "103s": trickle(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        "body": trickle(OK + b"Content-Length: 5000\r\n\r\n", b" "),
        "body without a length": trickle(OK + b"\r\n", b" "),
        "chunks": trickle(CHUNKED, b"1\r\n \r\n"),
        "trailers": trickle(CHUNKED + b"0\r\n", b"X: 1\r\n"),
    }

    @pytest.mark.parametrize("stall", STALLS)
    @pytest.mark.parametrize(
        ("call", "tls"), [(create, False), (revoke, True)], ids=["create, plain", "revoke, TLS"]
    )
    def test_no_response_outlasts_it(
        self, serve: Serve, stall: str, call: Callable[..., object], tls: bool
    ) -> None:
        server = serve(self.STALLS[stall], tls=tls)
        with client_of(server, timeout=0.2) as clerk:
            start = time.monotonic()
            with within(0.2):
                error = failure_of(call, clerk)
            assert time.monotonic() - start >= 0.2
        assert (type(error), error.outcome_unknown) == (RequestTimeoutError, True)
        assert "within 0.2 seconds" in str(error)
        assert len(server.requests) == 1, "sent again after the deadline"

    def test_a_stalled_tls_handshake_does_not_outlast_it(self, serve: Serve) -> None:
        server = serve(Peer.wait_for_hang_up)
        clerk = client_of(server, server_url=f"https://localhost:{server.port}/v1", timeout=0.2)
        with within(0.2):
            error = failure_of(create, clerk)
        assert (type(error), error.outcome_unknown) == (RequestTimeoutError, False)


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
    def test_a_revoke_is_retried_after_429_and_5xx(
        self, serve: Serve, pauses: list[float], status: int
    ) -> None:
        failure = http_response({}, status)
        server = serve(alternate(failure, failure, http_response()))
        with client_of(server) as clerk:
            assert revoke(clerk) == ActorToken(**TOKEN)
        assert len(server.requests) == 3
        assert len(set(server.requests)) == 1
        assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0
        assert server.connections == 1, "a complete response is no reason to hang up"

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_create_is_not_retried_after_a_5xx(
        self, serve: Serve, pauses: list[float], status: int
    ) -> None:
        server = serve(respond({}, status, {"Retry-After": "0"}))
        with client_of(server) as clerk:
            error = failure_of(create, clerk)
        assert error.status_code == status
        assert "a retry could create another" in str(error)
        assert (len(server.requests), pauses) == (1, [])

    @CREATE_AND_REVOKE
    def test_both_are_retried_after_429_and_wait_as_long_as_it_says(
        self, serve: Serve, pauses: list[float], call: Callable[..., object]
    ) -> None:
        refusal = http_response(NOT_PENDING, 429, {"Retry-After": "2"})
        server = serve(alternate(refusal, http_response()))
        with client_of(server) as clerk:
            assert call(clerk) == ActorToken(**TOKEN)
        assert (len(server.requests), pauses) == (2, [2.0])

    @pytest.mark.parametrize("retries", [0, 1, 4])
    def test_max_retries_is_the_most(self, serve: Serve, pauses: list[float], retries: int) -> None:
        server = serve(respond(NOT_PENDING, 429))
        with client_of(server, max_retries=retries) as clerk:
            assert type(failure_of(create, clerk)) is ClerkErrors
        assert (len(server.requests), len(pauses)) == (retries + 1, retries)

    def test_pauses_double_up_to_eight_seconds_and_differ_from_call_to_call(
        self, serve: Serve, pauses: list[float]
    ) -> None:
        server = serve(respond({}, 503))
        with client_of(server, max_retries=8, timeout=60) as clerk:
            for _ in range(2):
                failure_of(revoke, clerk)
        longest = [0.5, 1, 2, 4, 8, 8, 8, 8] * 2
        shares = [pause / most for pause, most in zip(pauses, longest)]
        assert all(0.5 <= share <= 1 for share in shares)
        assert len(set(shares)) == 16

    @pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf", ""])
    def test_retry_after_does_not_shorten_a_pause(
        self, serve: Serve, pauses: list[float], value: str
    ) -> None:
        refusal = http_response({}, 429, {"Retry-After": value})
        with client_of(serve(alternate(refusal, http_response()))) as clerk:
            create(clerk)
        assert 0.25 <= pauses[0] <= 0.5

    @CREATE_AND_REVOKE
    def test_a_pause_past_the_deadline_is_not_begun(
        self, serve: Serve, pauses: list[float], call: Callable[..., object]
    ) -> None:
        server = serve(respond(NOT_PENDING, 429, {"Retry-After": "30"}))
        with client_of(server, timeout=20) as clerk:
            error = failure_of(call, clerk)
        assert (type(error), error.retry_after) == (ClerkErrors, 30.0)
        assert "Wait 30 s" in str(error)
        assert (len(server.requests), pauses) == (1, [])

    LOSSES: dict[str, Script] = {
        "hang-up": hang_up,
        "reset": reset,
        "cut status line": raw_once(b"HTTP/1.1 2"),
        "cut after the status line": raw_once(OK),
        "cut headers": raw_once(OK + b"Content-Type: appli"),
        "cut after a header": raw_once(OK + b"Content-Type: application/json\r\n"),
        "cut body": raw_once(http_response()[:-1]),
        "no body": raw_once(OK + b"Content-Length: 10\r\n\r\n"),
        "cut chunk": raw_once(CHUNKED + b"10\r\n{}"),
        "no last chunk": raw_once(CHUNKED + b"2\r\n{}\r\n"),
        "cut size of a chunk": raw_once(CHUNKED + b"2\r\n{}\r\n0"),
        "only a 100": raw_once(b"HTTP/1.1 100 Continue\r\n\r\n"),
    }

    @pytest.mark.parametrize("name", LOSSES)
    @PLAIN_AND_TLS
    def test_after_a_lost_response_a_revoke_is_retried_and_a_create_never(
        self, serve: Serve, pauses: list[float], name: str, tls: bool
    ) -> None:
        loss = self.LOSSES[name]
        server = serve(loss, loss, respond(), loss, tls=tls)
        with client_of(server) as clerk:
            assert revoke(clerk) == ActorToken(**TOKEN)
            assert (len(server.requests), len(pauses)) == (3, 2)
            clerk.close()
            error = failure_of(create, clerk)
        assert (type(error), error.outcome_unknown) == (NoResponseError, True)
        assert "a retry could create another" in str(error)
        assert (len(server.requests), len(pauses)) == (4, 2)

    def test_a_response_cut_at_any_byte_is_never_taken_for_one(self, serve: Serve) -> None:
        whole = http_response()
        server = serve(*(raw_once(whole[:length]) for length in range(len(whole))))
        with client_of(server) as clerk:
            for length in range(len(whole)):
                error = failure_of(create, clerk)
                kind = (type(error), error.outcome_unknown)
                assert kind == (NoResponseError, True), f"cut after {length} bytes: {error}"
        assert len(server.requests) == len(whole)

    @CREATE_AND_REVOKE
    def test_both_are_retried_if_no_connection_is_made(
        self, pauses: list[float], call: Callable[..., object]
    ) -> None:
        clerk = ActorTokens(KEY, server_url=f"http://127.0.0.1:{unused_port()}/v1")
        error = failure_of(call, clerk)
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        assert isinstance(error.__cause__, ConnectionRefusedError)
        assert "Clerk did not act" in str(error)
        assert "a retry is safe" in str(error)
        assert len(pauses) == 2

    def test_a_later_attempt_does_not_settle_what_an_earlier_one_left_open(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = serve(hang_up)
        monkeypatch.setattr(time, "sleep", lambda pause: server.stop())
        with client_of(server) as clerk:
            error = failure_of(revoke, clerk)
        assert isinstance(error.__cause__, ConnectionRefusedError), "the last attempt connected"
        assert error.outcome_unknown is True, "Clerk may have acted on the first attempt"


class TestConnections:
    @PLAIN_AND_TLS
    def test_calls_in_a_burst_share_a_connection(self, serve: Serve, tls: bool) -> None:
        server = serve(respond(), tls=tls)
        with client_of(server) as clerk:
            for _ in range(3):
                create(clerk)
                revoke(clerk)
        assert (server.connections, len(server.requests)) == (1, 6)

    JSON = json.dumps(TOKEN).encode()
    KEPT: dict[str, bytes] = {
        "chunked": CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(JSON), JSON),
        "behind 100 and 103": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
        b"Link: x\r\n\r\n" + http_response(),
        "bare line feeds": http_response().replace(b"\r\n", b"\n", 4),
        "large": http_response(JSON + b" " * 700_000),  # the limit is for each response
    }

    @pytest.mark.parametrize("name", KEPT)
    def test_a_complete_response_keeps_it_whatever_its_form(self, serve: Serve, name: str) -> None:
        server = serve(raw(self.KEPT[name]))
        with client_of(server) as clerk:
            for _ in range(3):
                assert create(clerk) == ActorToken(**TOKEN)
        assert server.connections == 1

    STRAY = http_response({**TOKEN, "id": "act_stray"})
    NOT_KEPT: dict[str, bytes] = {
        "Connection: close": http_response(TOKEN, 200, {"Connection": "close"}),
        "HTTP/1.0": http_response().replace(b"HTTP/1.1", b"HTTP/1.0"),
        "a stray response": http_response() + STRAY,
        "a stray byte": http_response() + b"x",
    }

    @pytest.mark.parametrize("name", NOT_KEPT)
    @PLAIN_AND_TLS
    def test_it_is_not_used_again_after(self, serve: Serve, name: str, tls: bool) -> None:
        server = serve(raw(self.NOT_KEPT[name]), tls=tls)
        with client_of(server) as clerk:
            for _ in range(3):
                assert create(clerk) == ActorToken(**TOKEN)
        assert server.connections == 3

    @PLAIN_AND_TLS
    def test_a_stray_response_that_comes_later_belongs_to_no_call(
        self, serve: Serve, tls: bool
    ) -> None:
        returned, strayed = threading.Event(), threading.Event()

        def script(peer: Peer) -> None:
            peer.read_request()
            peer.send(http_response())
            returned.wait(10)
            peer.send(self.STRAY)
            strayed.set()
            peer.wait_for_hang_up()

        server = serve(script, respond(), tls=tls)
        with client_of(server) as clerk:
            create(clerk)
            returned.set()
            assert strayed.wait(10)
            assert create(clerk) == ActorToken(**TOKEN)
        assert server.connections == 2

    @PLAIN_AND_TLS
    def test_one_that_the_server_closed_is_not_used_again(self, serve: Serve, tls: bool) -> None:
        server = serve(raw_once(http_response()), tls=tls)
        with client_of(server) as clerk:
            for calls in range(1, 4):
                create(clerk)
                assert server.hung_up.wait(10)
                server.hung_up.clear()
                assert (server.connections, len(server.requests)) == (calls, calls)

    @pytest.mark.parametrize(("seconds", "connections"), [(3, 1), (5, 2), (3600, 2), (-100, 2)])
    def test_an_idle_connection_is_used_again_within_four_seconds_of_the_wall_clock(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch, seconds: float, connections: int
    ) -> None:
        server = serve(respond())
        with client_of(server) as clerk:
            revoke(clerk)
            clock = time.time
            monkeypatch.setattr(time, "time", lambda: clock() + seconds)
            revoke(clerk)
        assert server.connections == connections

    INTERRUPTED: dict[str, Script] = {
        "silence": silence,
        "nonsense": raw(b"nonsense\r\n\r\n"),
        "cut short": raw(http_response()[:-1]),
        "101": raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    }

    def test_redirects_are_not_followed(self, serve: Serve) -> None:
        target = serve(respond())
        server = serve(respond({}, 307, {"Location": target.origin}))
        with client_of(server) as clerk:
            error = failure_of(create, clerk)
        assert (type(error), error.status_code, target.connections) == (SDKError, 307, 0)
        assert target.origin in str(error)

    def test_threads_share_a_client_and_each_gets_its_own_response(self, serve: Serve) -> None:
        turns = itertools.count()

        def script(peer: Peer) -> None:
            while True:
                turn = next(turns)
                request = peer.read_request()
                if not request or turn % 17 == 11:  # hangs up now and then, also on a request
                    return
                user_id = json.loads(request.partition(b"\r\n\r\n")[2])["user_id"]
                peer.send(http_response({**TOKEN, "user_id": user_id}))
                if turn % 13 == 5:
                    return

        server = serve(script)
        wrong: list[object] = []

        def work(number: int) -> None:
            for call in range(40):
                user_id = f"user_{number}x{call}"
                try:
                    token = clerk.create(user_id, "user_2")
                    if token.user_id != user_id:
                        wrong.append((user_id, token))
                except NoResponseError as error:
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
        assert wrong == []
        users = [document["user_id"] for document in server.documents()]
        assert len(users) == len(set(users)), "a create was sent twice"
        assert server.connections < len(users) / 2, "connections were not shared"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    def test_a_forked_process_does_not_share_a_connection(self, serve: Serve) -> None:
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
        assert (done.returncode, done.stderr) == (0, "")
        assert (server.connections, len(server.requests)) == (2, 41)

    @pytest.mark.parametrize(
        "end",
        [
            "clerk.close()",
            "del clerk",
            "cycle = [clerk]; cycle.append(cycle); del clerk, cycle",
            "failed(); clerk.close()",
            "",
        ],
    )
    def test_no_resource_warning_with_close_or_without(self, serve: Serve, end: str) -> None:
        server = serve(alternate(http_response()), hang_up)
        program = f"""
import gc
from contextlib import suppress
from clerk_actor_tokens import ActorTokens, ClerkBaseError
clerk = ActorTokens({KEY!r}, server_url="{server.origin}/v1", max_retries=0)
def failed():
    with suppress(ClerkBaseError):
        clerk.create("user_1", "user_2")
clerk.create("user_1", "user_2")
{end}
gc.collect()
"""
        done = run_python("-X", "dev", "-W", "error", "-c", program)
        assert (done.returncode, done.stderr) == (0, "")


class TestHostileResponses:
    RESPONSES: list[bytes] = [
        b"\r\n", b"\r\n\r\n", b"\x00" * 100, b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 \r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 1000 High\r\n\r\n", b"HTTP/1.1 -200 OK\r\n\r\n", b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n", b"ICY 200 OK\r\n\r\n",
        f"HTTP/1.1 Bearer {KEY}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nX: {KEY}\r\n\r\n<p>{KEY}</p>".encode(),
        b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n", OK + b"X" * 70_000 + b": 1\r\n\r\n",
        OK + b"X: 1\r\n" * 200 + b"\r\n", OK + b"no colon here\r\n\r\n", OK + b": no name\r\n\r\n",
        OK + b" folded\r\n\r\n", OK + b"X: \xff\xfe\x00\r\n\r\n",
        OK + b"Content-Length: abc\r\n\r\n", OK + b"Content-Length: -5\r\n\r\n",
        OK + b"Content-Length: 2\r\nContent-Length: 900\r\n\r\n{}",
        OK + b"Content-Length: 3\r\n\r\n" + json.dumps(TOKEN).encode(),
        OK + b"Content-Length: 0\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
        OK + b"Transfer-Encoding: gzip\r\n\r\n{}", b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 205 Reset\r\n\r\n", b"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", b"HTTP/1.1 199 Odd\r\n\r\n",
        b"HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 511 Captive\r\nContent-Length: 4\r\n\r\n<br>",
        b"HTTP/1.1 999 Beyond\r\nContent-Length: 0\r\n\r\n", CHUNKED + b"x\r\n{}\r\n",
        CHUNKED + b"-1\r\n{}\r\n", CHUNKED + b"-5\r\n{}\r\n0\r\n\r\n", CHUNKED + b"\r\n\r\n",
        CHUNKED + b"2;x=y\r\n{}\r\n0\r\n\r\n", CHUNKED + b"2\r\n{}xx0\r\n\r\n",
        CHUNKED + b"9" * 5000 + b"\r\n", CHUNKED + b"1" * 70_000, CHUNKED + b"F" * 15 + b"\r\n{}",
        CHUNKED + b"0\r\n\r\n",
    ]  # fmt: skip

    @pytest.mark.parametrize("response", RESPONSES, ids=lambda response: repr(response[:60])[2:-1])
    @CREATE_AND_REVOKE
    def test_anything_ends_in_an_exception_of_ours(
        self, serve: Serve, response: bytes, call: Callable[..., object]
    ) -> None:
        server = serve(raw_once(response))
        with client_of(server, max_retries=0, timeout=2) as clerk:
            error = failure_of(call, clerk)
        assert not isinstance(error, RequestTimeoutError)
        assert len(server.requests) == 1
        assert len(str(error)) < 600

    FLOODS: dict[str, Script] = {
        "announced": raw_once(OK + b"Content-Length: 1048577\r\n\r\n"),
        "announced absurdly": raw_once(OK + b"Content-Length: 99999999999999999999\r\n\r\n"),
        "unannounced": trickle(OK + b"\r\n", b" " * 65536, 0),
        "one chunk": trickle(CHUNKED + b"FFFFFFFFFFFFFF\r\n", b" " * 65536, 0),
        "chunks": trickle(CHUNKED, b"FFFF\r\n" + b" " * 65535 + b"\r\n", 0),
        "trailers": trickle(CHUNKED + b"0\r\n", b"X: 1\r\n" * 1000, 0),
        "100s": trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0),
        "103s": trickle(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, 0),
    }

    @pytest.mark.parametrize("name", FLOODS)
    @PLAIN_AND_TLS
    def test_nothing_over_a_mebibyte_is_read(self, serve: Serve, name: str, tls: bool) -> None:
        server = serve(self.FLOODS[name], tls=tls)
        with client_of(server) as clerk:
            error = failure_of(revoke, clerk)
        assert type(error) is NoResponseError
        # The latter is the limit of newer versions of Python themselves.
        assert re.search(
            "1048576 bytes|more than [0-9]+ (interim responses|headers|trailers)",
            str(error),
        )
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "response",
        [
            json.dumps(TOKEN).encode(),
            CHUNKED + KEY.encode() + b"\r\n",
            CHUNKED + b"2\r\n{}\r\n" + LINK.encode() + b"\r\n",
            f"HTTP/1.1 {KEY[:-1]}\r\n\r\n".encode(),
            http_response(KEY[:-1].encode(), 500),
        ],
        ids=["no head", "key for a size", "link for a size", "cut key for a status", "cut key"],
    )
    def test_no_secret_comes_back_in_an_error_or_its_cause(
        self, serve: Serve, response: bytes
    ) -> None:
        with client_of(serve(raw_once(response)), max_retries=0) as clerk:
            error = failure_of(create, clerk)
        shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        assert KEY[:-1] not in shown
        assert SECRET[:20] not in shown


class TestTLS:
    @pytest.mark.parametrize("fault", ["unknown authority", "another host", "expired"])
    @CREATE_AND_REVOKE
    def test_an_invalid_certificate_is_never_retried(
        self,
        serve: Serve,
        authority: trustme.CA,
        pauses: list[float],
        fault: str,
        call: Callable[..., object],
    ) -> None:
        yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        certificate = {
            "unknown authority": lambda: trustme.CA().issue_cert("localhost"),
            "another host": lambda: authority.issue_cert("elsewhere.example"),
            "expired": lambda: authority.issue_cert("localhost", not_after=yesterday),
        }[fault]()
        server = serve(respond(), tls=server_context(certificate))
        with client_of(server) as clerk:
            error = failure_of(call, clerk)
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
        for advice in ("Install Certificates.command", "SSL_CERT_FILE", "ssl_context"):
            assert advice in str(error)
        assert (server.connections, server.requests, pauses) == (1, [], [])

    def test_by_default_it_trusts_ssl_cert_file(
        self,
        serve: Serve,
        authority: trustme.CA,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with client_of(serve(respond(), tls=True), ssl_context=None) as clerk:
            assert revoke(clerk) == ActorToken(**TOKEN)


def tunnel(to: Server) -> Script:
    """A proxy that connects to one server."""

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


class TestProxy:
    def test_https_goes_through_the_proxys_tunnel(
        self, serve: Serve, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A certificate that would not do for the proxy's own name.
        server = serve(respond(), tls=server_context(authority.issue_cert("localhost")))
        proxy = serve(tunnel(server))
        setting = f"http://us%40er:pass%3Aword@127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", setting)
        with client_of(server) as clerk:
            monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # it is read once
            for _ in range(2):
                assert create(clerk) == ActorToken(**TOKEN)
        login = base64.b64encode(b"us@er:pass:word")
        assert len(proxy.requests) == 1, "the tunnel was not used again"
        assert proxy.requests[0].startswith(
            f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode()
        )
        assert b"Proxy-Authorization: Basic " + login in proxy.requests[0]
        assert KEY.encode() not in proxy.requests[0]
        assert len(server.requests) == 2
        assert b"roxy-" not in b"".join(server.requests), "the proxy's password went on"

    @pytest.mark.parametrize("no_proxy", ["localhost", "x.example, localhost", "*"])
    def test_no_proxy_is_honoured(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch, no_proxy: str
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        with client_of(serve(respond(), tls=True)) as clerk:
            assert create(clerk) == ActorToken(**TOKEN)

    @pytest.mark.parametrize(
        ("status", "retries"), [(400, 0), (403, 0), (407, 0), (429, 0), (500, 2), (502, 2)]
    )
    @CREATE_AND_REVOKE
    def test_a_proxy_that_refuses_is_retried_after_a_5xx_only(
        self,
        serve: Serve,
        monkeypatch: pytest.MonkeyPatch,
        pauses: list[float],
        status: int,
        retries: int,
        call: Callable[..., object],
    ) -> None:
        proxy = serve(respond({}, status))
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{proxy.port}")
        error = failure_of(call, client_of(proxy, server_url="https://localhost:9/v1"))
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        assert f"the proxy responded {status}" in str(error)
        assert ("check the proxy's user and password" in str(error)) is (status == 407)
        assert "word@" not in str(error)
        assert len(pauses) == retries

    STALLS: dict[str, Script] = {
        "silence": silence,
        "headers": trickle(OK, b"X: 1\r\n"),
        "status line": trickle(b"", b"x"),
    }

    @pytest.mark.parametrize("stall", STALLS)
    def test_a_proxy_that_stalls_does_not_outlast_the_deadline(
        self, serve: Serve, monkeypatch: pytest.MonkeyPatch, stall: str
    ) -> None:
        proxy = serve(self.STALLS[stall])
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        clerk = client_of(proxy, server_url="https://localhost:9/v1", timeout=0.2)
        with within(0.2):
            error = failure_of(create, clerk)
        assert (type(error), error.outcome_unknown) == (RequestTimeoutError, False)

    @pytest.mark.parametrize(
        "setting",
        [
            "http://", "http://:8080", "//user:word@", "http://user:word@127.0.0.1:port",
            "http://user:word", "http://user:a@b:word/x@proxy.example:1",
            "http://user:word@127.0.0.1:0", "http://[::1", "http://user:word#x@proxy.example:1",
            "http://user:word?x@proxy.example:1", "http://user:[word@proxy.example:1",
            "http://user:word\uff03@proxy.example:1", "https://user:word@proxy.example:1",
            "socks5://user:word@proxy.example:1", "user:word@proxy.example:1/path", "a word",
        ],
    )  # fmt: skip
    def test_a_setting_that_is_no_http_proxy_is_refused_when_the_client_is_made(
        self, monkeypatch: pytest.MonkeyPatch, setting: str
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", setting)
        with pytest.raises(ValueError, match="HTTPS_PROXY") as caught:
            ActorTokens(KEY, server_url="https://localhost:9/v1")
        lines = traceback.format_exception(ValueError, caught.value, None)
        assert "word" not in "".join(lines)
        ActorTokens(KEY, server_url="http://localhost:9/v1")  # which has no use for a proxy


# ---- The in-memory stand-in


class TestSandbox:
    def test_it_creates_what_looks_like_clerks(self) -> None:
        before = int(time.time() * 1000)
        actor = {"sub": "user_2", "more": [1]}
        token = ActorTokens("sk_test_anything", opener=Sandbox()).create("user_1", actor)
        assert re.fullmatch("act_[A-Za-z0-9]{27}", token.id)
        assert (token.object, token.status, token.user_id) == ("actor_token", "pending", "user_1")
        assert token.actor == actor
        assert before <= token.created_at == token.updated_at
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token.token or "")
        assert str(token.url).startswith("https://")
        assert str(token.url).endswith(str(token.token))

    def test_it_revokes_pending_tokens_only(self) -> None:
        sandbox = Sandbox()
        clerk = ActorTokens("sk_test_anything", opener=sandbox)
        revoked = clerk.create("user_1", "user_2")
        assert clerk.revoke(revoked).status == "revoked"
        accepted = clerk.create("user_1", "user_2")
        sandbox.accept(accepted.id)
        for token, status in ((revoked, "revoked"), (accepted, "accepted")):
            error = failure_of(clerk.revoke, token)
            assert (type(error), error.status_code) == (ClerkErrors, 400)
            assert error.errors[0].code == "actor_token_cannot_be_revoked_code"
            assert error.errors[0].long_message == (
                f"Actor token cannot be revoked because its status is {status}. "
                "Only pending tokens can be revoked."
            )

    def test_it_knows_only_its_own_tokens(self) -> None:
        error = failure_of(ActorTokens("sk_test_x", opener=Sandbox()).revoke, "act_1")
        assert (error.status_code, error.errors[0].code) == (404, "resource_not_found")
        with pytest.raises(ValueError, match="pending"):
            Sandbox().accept("act_1")

    def test_only_a_pending_token_can_be_accepted(self) -> None:
        sandbox = Sandbox()
        token = create(ActorTokens("sk_test_x", opener=sandbox))
        sandbox.accept(token)
        with pytest.raises(ValueError, match="pending"):
            sandbox.accept(token)

    GOOD = b'{"user_id": "user_1", "actor": {"sub": "user_2"}}'

    def test_fail_next_fails_the_next_calls_one_by_one(self) -> None:
        sandbox = Sandbox()
        clerk = ActorTokens("sk_test_x", opener=sandbox)
        sandbox.fail_next(429, code="slow", message="Slow down", headers={"Retry-After": "3"})
        sandbox.fail_next(503)
        error = failure_of(create, clerk)
        assert (type(error), error.status_code, error.retry_after) == (ClerkErrors, 429, 3.0)
        assert (error.errors[0].code, error.errors[0].message) == ("slow", "Slow down")
        assert failure_of(create, clerk).status_code == 503
        assert create(clerk).status == "pending"


# ---- The command line
Run = Callable[..., "tuple[int, str, str]"]


@pytest.fixture
def server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that the environment names. A test may change its scripts."""
    server = serve(respond())
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    monkeypatch.setenv("CLERK_API_URL", server.origin)
    return server


class TestCommandLine:
    @pytest.fixture
    def run(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
        """Run the command line in this process. Returns exit status, output and errors."""
        monkeypatch.setenv("CLERK_SECRET_KEY", KEY)

        def run(*arguments: str) -> tuple[int, str, str]:
            status = clerk_actor_tokens.main(list(arguments))
            shown = capsys.readouterr()
            assert KEY not in shown.out + shown.err
            return (status, *shown)

        return run

    @pytest.fixture
    def opened(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What a browser was told to open."""
        urls: list[str] = []

        def open_url(url: str) -> bool:
            urls.append(url)
            return True

        monkeypatch.setattr("webbrowser.open", open_url)
        return urls

    CREATE = ("create", "user_1a2b3c", "--actor", "user_9z8y7x")

    def test_demo_shows_what_is_sent_and_received_without_the_key(self, run: Run) -> None:
        status, out, err = run("demo")
        assert (status, err) == (0, "")
        path = "POST https://api.clerk.com/v1/actor_tokens"
        for part in (path, "/revoke", "Bearer sk_test_***", '"status": "revoked"', "400"):
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

    def test_create_prints_only_the_url_on_standard_output(self, run: Run, server: Server) -> None:
        limits = ("--expires-in", "60", "--session-max-duration", "90")
        status, out, err = run(*self.CREATE, *limits)
        assert (status, out) == (0, LINK + "\n")
        command = f"clerk-actor-tokens revoke {TOKEN['id']}\n"
        for part in ("user_9z8y7x", "user_1a2b3c", "60 s", "90 s", command):
            assert part in err
        assert SECRET not in err
        assert server.documents() == [
            {
                "user_id": "user_1a2b3c",
                "actor": {"sub": "user_9z8y7x"},
                "expires_in_seconds": 60,
                "session_max_duration_in_seconds": 90,
            }
        ]

    def test_create_open_opens_the_link_as_well(
        self, run: Run, server: Server, opened: list[str]
    ) -> None:
        assert run(*self.CREATE, "--open")[:2] == (0, LINK + "\n")
        assert opened == [LINK]

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "-x", None])
    @pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["", "--json"])
    def test_only_a_link_is_printed_or_opened(
        self, run: Run, server: Server, opened: list[str], url: str | None, json_option: list[str]
    ) -> None:
        server.scripts = (respond({**TOKEN, "url": url}),)
        status, out, err = run(*self.CREATE, "--open", *json_option)
        assert (status, opened) == (1, [])
        assert bool(out) is bool(json_option)
        assert f"revoke {TOKEN['id']}" in err, "how to revoke it"

    def test_revoke_prints_a_line_for_each_and_goes_on_after_a_failure(
        self, run: Run, server: Server
    ) -> None:
        revoked = http_response({**TOKEN, "status": "revoked"})
        server.scripts = (alternate(revoked, http_response(NOT_PENDING, 400), revoked),) * 2
        status, out, err = run("revoke", "act_1", "act_2", "act_3")
        assert (status, out.splitlines()) == (1, [f"{TOKEN['id']} revoked"] * 2)
        assert "act_2" in err
        assert "is accepted" in err

    @pytest.mark.parametrize(
        "arguments",
        [
            [], ["nonsense"], ["create"], ["create", "user_1"], ["create", "", "--actor", "user_2"],
            ["create", "user_1", "--actor", ""], ["create", "user_1", "--actor", "{"],
            ["create", "user_1", "--actor", "[1]"], ["create", "user_1", "--actor", '{"a": 1}'],
            ["create", "user_1", "--actor", '{"sub": "user_2", "x": NaN}'],
            ["create", "user_1", "--actor", "[" * 100_000],
            ["create", "user_1", "--actor", "user_2", "--expires-in", "soon"],
            ["create", "user_1", "--actor", "user_2", "--expires-in", "0"], ["revoke"],
        ],
        ids=lambda arguments: " ".join(arguments)[:60],
    )  # fmt: skip
    def test_the_exit_status_is_2_if_an_argument_is_invalid(
        self, run: Run, server: Server, arguments: list[str]
    ) -> None:
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert err
        assert server.requests == []

    def test_a_missing_key_says_what_to_set_and_that_demo_needs_none(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CLERK_SECRET_KEY")
        status, out, err = run(*self.CREATE)
        assert (status, out) == (2, "")
        assert "CLERK_SECRET_KEY" in err
        assert "`demo` needs no key" in err

    @pytest.mark.skipif(os.name == "nt", reason="signals and pipes are different there")
    def test_ctrl_c_shows_no_traceback(self, server: Server, interruptible: None) -> None:
        asked = threading.Event()

        def script(peer: Peer) -> None:
            peer.read_request()
            asked.set()
            peer.wait_for_hang_up()

        server.scripts = (script,)
        with subprocess.Popen(
            [sys.executable, str(MODULE), *self.CREATE],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert "Interrupted" in err
        assert "Traceback" not in err

    @pytest.mark.skipif(os.name == "nt", reason="signals and pipes are different there")
    @pytest.mark.parametrize(
        ("arguments", "requests_sent"),
        [(("demo",), 0), (("--help",), 0), (CREATE, 1), (("revoke", "act_1", "act_2", "act_3"), 3)],
        ids=["demo", "--help", "create", "revoke"],
    )
    def test_output_that_nobody_reads_is_a_failure_without_a_traceback(
        self, server: Server, arguments: tuple[str, ...], requests_sent: int
    ) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        # Without PYTHONUNBUFFERED, with which nothing is left to be written at the end.
        names = [name for name in os.environ if not name.startswith("PYTHON")]
        try:
            done = subprocess.run(
                [sys.executable, str(MODULE), *arguments],
                env={name: os.environ[name] for name in names},
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            os.close(writer)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert done.returncode == 1
        assert len(server.requests) == requests_sent


# ---- The README
def readme_block(containing: str) -> str:
    """The README's one Python block with those words in it."""
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return str(block)


class TestReadme:
    def test_its_first_example_runs(
        self, server: Server, capsys: pytest.CaptureFixture[str]
    ) -> None:
        exec(readme_block("clerk.revoke(token)  #"), {})  # noqa: S102
        assert capsys.readouterr().out == LINK + "\n"
        assert [request.split()[1] for request in server.requests] == [
            b"/v1/actor_tokens",
            f"/v1/actor_tokens/{TOKEN['id']}/revoke".encode(),
        ]

    def test_its_commands_run(self, server: Server) -> None:
        lines = README.read_text(encoding="utf-8").splitlines()
        lines = [line for line in lines if line.startswith("clerk-actor-tokens ")]
        for line in lines:
            assert clerk_actor_tokens.main(shlex.split(line, comments=True)[1:]) == 0, line
        assert len(server.requests) == len(lines) == 3

    def test_its_sandbox_example_runs(self) -> None:
        exec(readme_block("sandbox.accept"), {})  # noqa: S102

    def test_its_recipe_for_requests_is_the_one_used_here(self) -> None:
        assert inspect.getsource(RequestsOpener) in readme_block("class RequestsOpener")

    def test_its_table_names_every_exception(self) -> None:
        text = README.read_text(encoding="utf-8")
        exported = {name: getattr(clerk_actor_tokens, name) for name in clerk_actor_tokens.__all__}
        names = [name for name, value in exported.items() if issubclass(value, Exception)]
        assert len(names) == 6
        assert [name for name in names if f"`{name}`" not in text] == []

    @pytest.mark.parametrize("script", [respond(), silence], ids=["Clerk responds", "Clerk stalls"])
    def test_its_lambda_handler_runs_under_awslambdaric(
        self, serve: Serve, tmp_path: Path, script: Script
    ) -> None:
        pytest.importorskip("awslambdaric", reason="needs awslambdaric, which .ci/run installs")
        clerk = serve(script)
        finished = threading.Event()
        times: list[float] = []  # when the invocation has to be over, and when it was

        def runtime_api(peer: Peer) -> None:
            while request := peer.read_request():
                if b"/invocation/next " not in request:
                    times.append(time.time())
                    peer.send(http_response({}, 202))
                    finished.set()
                elif finished.is_set():
                    peer.wait_for_hang_up()
                else:
                    times.append(time.time() + 2)
                    arn = "arn:aws:lambda:eu-central-1:123456789012:function:f"
                    headers = {
                        "Lambda-Runtime-Aws-Request-Id": "request-1",
                        "Lambda-Runtime-Invoked-Function-Arn": arn,
                        "Lambda-Runtime-Deadline-Ms": str(int(times[0] * 1000)),
                    }
                    event = {"user_id": "user_1a2b3c", "actor": "user_9z8y7x"}
                    peer.send(http_response(event, headers=headers))

        runtime = serve(runtime_api)
        (tmp_path / "function.py").write_text(readme_block("def handler"), encoding="utf-8")
        shutil.copy(MODULE, tmp_path)
        environment = {
            **os.environ,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.port}",
            "CLERK_SECRET_KEY": KEY,
            "CLERK_API_URL": clerk.origin,
        }
        with subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "function.handler"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            done = finished.wait(30)
            process.kill()
            log = process.communicate()[0]
        assert done, log
        assert KEY not in log
        assert len(clerk.requests) == 1
        (result,) = [request for request in runtime.requests if b"/next " not in request]
        head, _, body = result.partition(b"\r\n\r\n")
        if script is not silence:
            assert b"/invocation/request-1/response " in head, log
            assert json.loads(body) == {"id": TOKEN["id"], "url": LINK}
        else:
            assert b"/invocation/request-1/error " in head, log
            failure = json.loads(body)
            assert failure["errorType"] == "RequestTimeoutError"
            seconds = re.search(r"within ([0-9.]+) seconds", failure["errorMessage"])
            assert seconds, failure
            assert 0 < float(seconds[1]) <= 1.5, "its timeout is the time that is left"
            assert times[1] < times[0] + LATE
