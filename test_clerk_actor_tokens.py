"""What clerk_actor_tokens.py promises, in the order of that file."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime
import enum
import errno
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
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
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
    Headers,
    NoResponseError,
    RequestTimeoutError,
    ResponseValidationError,
    Sandbox,
    SDKError,
)

Call = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

MODULE = Path(clerk_actor_tokens.__file__)
README = Path(__file__).with_name("README.md")
KEY = "sk_test_4f9d2c7b1a"
SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3NjM5MDM2MDB9.c2lnbmF0dXJl"  # noqa: S105
LINK = f"https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket={SECRET}"
TOKEN: dict[str, Any] = {
    "object": "actor_token", "id": "act_29w9IptNja3mP8GDXpquBwN2qR9", "status": "pending",
    "user_id": "user_1a2b3c",
    "actor": {"sub": "user_9z8y7x", "ticket": "SUP-1", "scope": {"read": [True, None, 1.5]}},
    "created_at": 1763900000000, "updated_at": 1763900000001, "token": SECRET, "url": LINK,
}  # fmt: skip
JSON = json.dumps(TOKEN).encode()
ENTRY: dict[str, Any] = {
    "code": "actor_token_cannot_be_revoked_code",
    "message": "Actor token cannot be revoked",
    "long_message": "Actor token cannot be revoked because its status is accepted.",
    "meta": {"param_name": "actor_token_id"},
}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
NOT_PENDING = {"errors": [ENTRY], "clerk_trace_id": TRACE_ID, "meta": {"docs": "https://c.com"}}


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

    def __init__(self, response: Any = TOKEN, status: int = 200, headers: Any = None) -> None:
        self.response = response
        self.status = status
        self.headers: Any = {"Content-Type": "application/json"} if headers is None else headers
        self.requests: list[urllib.request.Request] = []

    def open(self, request: urllib.request.Request, *, timeout: float) -> Any:
        self.requests.append(request)
        if isinstance(self.response, Exception):
            raise self.response
        is_raw = isinstance(self.response, bytes)
        body = io.BytesIO(self.response if is_raw else json.dumps(self.response).encode())
        return urllib.response.addinfourl(body, self.headers, request.full_url, self.status)


def canned_client(response: Any = TOKEN, status: int = 200, headers: Any = None) -> ActorTokens:
    return ActorTokens(KEY, opener=Canned(response, status, headers))


def opened_by(call: Call, key: str = KEY) -> ActorTokens:
    """A client whose opener's `open` is this."""
    return ActorTokens(key, opener=types.SimpleNamespace(open=call))


def create(clerk: ActorTokens, actor: Any = "user_9z8y7x", **options: Any) -> ActorToken:
    return clerk.create("user_1a2b3c", actor, **options)


def revoke(clerk: ActorTokens, **options: Any) -> ActorToken:
    return clerk.revoke(TOKEN["id"], **options)


CREATE_AND_REVOKE = pytest.mark.parametrize("call", [create, revoke])
PLAIN_AND_TLS = pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])


def cases(name: str, values: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Run a test with each of the values, by their names."""
    return pytest.mark.parametrize(name, list(values.values()), ids=list(values))


def invalid(**values: list[Any]) -> pytest.MarkDecorator:
    """Run a test with each of these values of an argument."""
    pairs = [(name, value) for name in values for value in values[name]]
    return pytest.mark.parametrize(("name", "value"), pairs)


def words(text: str, separator: str | None = None) -> list[str]:
    return text.strip().split(separator)


def failure_of(call: Call, *arguments: Any, **options: Any) -> Any:
    """The exception of ours that a call raises, checked for what must never be in any of them."""
    with pytest.raises(ClerkBaseError) as caught:
        call(*arguments, **options)
    return checked(caught.value)


def checked(error: ClerkBaseError) -> Any:
    """The exception, in whose text, frames and causes there is no secret."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = "".join(trace.format()) + str(error) + repr(error)
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
        self.send = sock.sendall
        self.received = b""

    def read_request(self) -> bytes:
        """One complete request, counted. Nothing if the client hung up."""
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


Script = Callable[[Peer], object]


class Server:
    """A server on loopback. It plays a script for each connection, the last one for all further."""

    def __init__(self, scripts: Any, tls: Any, client_tls: Any, listener: Any) -> None:
        self.scripts: tuple[Script, ...] = scripts
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopped = threading.Event()
        self.hung_up = threading.Event()
        self._tls: ssl.SSLContext | None = tls
        self._client_tls = client_tls
        self._clients: list[ActorTokens] = []
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
                self._peers.append(sock)
                self._threads.append(threading.Thread(target=self._play, args=(script, sock)))
                self._threads[-1].start()

    def _play(self, script: Script, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            if self._tls is None:
                script(Peer(self, sock))
            else:
                with self._tls.wrap_socket(sock, server_side=True) as tls:
                    self._peers.append(tls)
                    script(Peer(self, tls))
        self.hung_up.set()

    def client(self, **options: Any) -> ActorTokens:
        """A client of the server, which trusts its certificate. It is closed after the test."""
        url = options.setdefault("server_url", f"{self.origin}/v1")
        if url.startswith("https:"):
            options.setdefault("ssl_context", self._client_tls)
        self._clients.append(ActorTokens(KEY, **options))
        return self._clients[-1]

    def stop(self) -> None:
        for client in self._clients:
            client.close()
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


def http_response(document: Any = TOKEN, status: int = 200, **headers: Any) -> bytes:
    """The bytes of a response. In the names of the headers, _ stands for -."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"Content_Type": "application/json", "Content_Length": len(body), **headers}
    head = "".join(f"{name.replace('_', '-')}: {fields[name]}\r\n" for name in fields)
    return f"HTTP/1.1 {status} Something\r\n{head}\r\n".encode() + body


def in_turn(*messages: bytes, then: Iterable[bytes] = ()) -> Script:
    """Respond to the requests on a connection in turn, then hang up."""

    def script(peer: Peer) -> None:
        for message in itertools.chain(messages, then):
            if not peer.read_request():
                return
            peer.send(message)

    return script


def raw(data: bytes) -> Script:
    """Respond to every request on the connection with these bytes."""
    return in_turn(then=itertools.repeat(data))


def respond(document: Any = TOKEN, status: int = 200, **headers: Any) -> Script:
    """Respond to every request on the connection."""
    return raw(http_response(document, status, **headers))


def trickle(before: bytes, piece: bytes, every: float = 0.01) -> Script:
    """Respond with `before`, then with a piece now and then, without end."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(before)
        while not peer.server.stopped.wait(every):
            peer.send(piece)

    return script


def document_of(request: bytes) -> Any:
    """The JSON body of a request."""
    return json.loads(request.partition(b"\r\n\r\n")[2])


def echo_of(request: bytes) -> bytes:
    """The response to a create: a token for the user it names."""
    return http_response({**TOKEN, "user_id": document_of(request)["user_id"]})


def silence(peer: Peer) -> None:
    peer.read_request()
    peer.wait_for_hang_up()


def reset(peer: Peer) -> None:
    peer.read_request()
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.sock.close()


def press_ctrl_c(peer: Peer) -> None:
    """Interrupt the main thread once it sent something, and never respond."""
    peer.sock.recv(1)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    peer.wait_for_hang_up()


hang_up = in_turn(b"")
SIGNALS_AND_PIPES = pytest.mark.skipif(os.name == "nt", reason="they are different on Windows")


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def contexts(ca: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for a server, and for a client that trusts it."""
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    return server_context(ca.issue_cert("localhost", "127.0.0.1", "::1")), trusting


@pytest.fixture
def serve(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Serve]:
    """Start servers, and end them after the test."""
    servers = []

    def start(*scripts: Script, tls: Any = False, listener: Any = None) -> Server:
        context = contexts[0] if tls is True else tls or None
        servers.append(Server(scripts or (respond(),), context, contexts[1], listener))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve: Serve, patch: Patch) -> Server:
    """A server that the environment names. A test may change its scripts."""
    server = serve()
    patch.setenv("CLERK_SECRET_KEY", KEY)
    patch.setenv("CLERK_API_URL", server.origin)
    return server


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def patch(monkeypatch: Patch) -> Patch:
    return monkeypatch


@pytest.fixture
def pauses(patch: Patch) -> list[float]:
    """The pauses that are made. They move the clock, and take no time."""
    made: list[float] = []
    clock = time.monotonic
    patch.setattr(time, "sleep", made.append)
    patch.setattr(time, "monotonic", lambda: clock() + sum(made))
    return made


@pytest.fixture
def sigint() -> Iterator[None]:
    """Let Ctrl-C interrupt the tests, even if a script runs them with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def clean_environment(patch: Patch) -> None:
    for name in list(os.environ):
        if name.upper() in ("CLERK_SECRET_KEY", "CLERK_API_URL") or name.lower().endswith("_proxy"):
            patch.delenv(name)


def run_python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python from the folder of the module."""
    pipe = subprocess.PIPE
    options = {"cwd": MODULE.parent, "stdout": pipe, "stderr": pipe, "timeout": 60, **options}
    return subprocess.run([sys.executable, *arguments], text=True, check=False, **options)


class TestImport:
    def test_importing_all_of_it_loads_only_what_every_call_needs(self) -> None:
        program = """
import sys
import __future__, dataclasses, json, random, ssl, urllib.request
before = set(sys.modules)
from clerk_actor_tokens import *
print(*(set(sys.modules) - before))
"""
        done = run_python("-c", program)
        assert (done.stdout.split(), done.stderr) == (["clerk_actor_tokens"], "")


# ---- What goes out
CREATE_URL = "https://api.clerk.com/v1/actor_tokens"
DEEP: Any = None
for _ in range(100_000):
    DEEP = [DEEP]
LOOP: dict[str, Any] = {"sub": "user_2"}
LOOP["loop"] = LOOP
UNREADABLE = Mock(spec=Mapping, keys=Mock(side_effect=ZeroDivisionError))


class TokenID(str, enum.Enum):
    OF_AN_ENUM = "act_1"


def unasked(key: str = KEY) -> ActorTokens:
    """A client that must not send anything."""
    return opened_by(lambda *_, **__: pytest.fail("a request went out"), key)


def refused(argument: str, call: Call, *arguments: Any, **options: Any) -> str:
    """What a call says of an invalid argument."""
    with pytest.raises((ValueError, TypeError), match=argument) as caught:
        call(*arguments, **options)
    return str(caught.value)


class TestWhatGoesOut:
    @responses.activate
    def test_requests_sends_the_key_and_no_netrc_login(self, tmp_path: Path, patch: Patch) -> None:
        (tmp_path / "netrc").write_text("default login somebody password else")
        patch.setenv("NETRC", str(tmp_path / "netrc"))
        responses.post(CREATE_URL, json=TOKEN)
        responses.post(f"{CREATE_URL}/act_1/revoke", json=TOKEN)
        clerk = ActorTokens(KEY, opener=RequestsOpener())
        assert create(clerk) == clerk.revoke("act_1") == ActorToken(**TOKEN)
        for call, kind in zip(responses.calls, ("application/json", None)):
            assert call.request.headers["Authorization"] == f"Bearer {KEY}"
            assert call.request.headers.get("Content-Type") == kind
            assert bool(call.request.body) is bool(kind)

    @responses.activate
    def test_a_timeout_of_requests_is_a_request_timeout_error(self) -> None:
        responses.post(CREATE_URL, body=requests.ReadTimeout(f"Read timed out. Bearer {KEY}"))
        error = failure_of(create, ActorTokens(KEY, opener=RequestsOpener(), timeout=2))
        assert type(error) is RequestTimeoutError
        assert "within 2 seconds" in str(error)

    @pytest.mark.parametrize(("actor", "sent"), [
        ("user_2", '{"sub":"user_2"}'), (types.MappingProxyType({"sub": "u"}), '{"sub":"u"}'),
        ({"sub": "u", "deep": {"list": [1, None, 2.5, True, "\u00e9"]}},
         '{"sub":"u","deep":{"list":[1,null,2.5,true,"\u00e9"]}}'),
    ])  # fmt: skip
    def test_the_body_is_that_of_the_official_sdk(self, actor: Any, sent: str) -> None:
        opener = Canned()
        create(ActorTokens(KEY, opener=opener), actor)
        body = '{"user_id":"user_1a2b3c","actor":%s,"expires_in_seconds":3600,'
        body += '"session_max_duration_in_seconds":1800}'
        assert opener.requests[0].data == (body % sent).encode()

    @pytest.mark.parametrize("given", ["act_1", TokenID.OF_AN_ENUM, ActorToken(**TOKEN)])
    def test_revoke_takes_an_id_or_the_token_itself(self, given: Any) -> None:
        opener = Canned()
        ActorTokens(KEY, opener=opener).revoke(given)
        sent = "act_1" if isinstance(given, str) else TOKEN["id"]
        assert opener.requests[0].full_url == f"{CREATE_URL}/{sent}/revoke"

    CLAIMS_REFUSED = [float("nan"), float("inf"), (1, 2), [{"y": [()]}], {1}, b"", object(), DEEP]
    if hasattr(sys, "get_int_max_str_digits"):  # or Python writes numbers of any length
        CLAIMS_REFUSED.append(10**5000)

    @invalid(
        user_id=["", " ", "user_1\n", "user_\ud800", None, 7, b"user_1"],
        actor=[
            "", "user_2\n", None, 5, ["sub"], b"user_2", {}, {"sub": ""}, {"sub": None}, {"sub": 5},
            {"sub": "user_2", 1: "a"}, {"sub": "user_2", "x": [{None: "a"}]}, LOOP, UNREADABLE,
            {"sub": "user_2", "x": "\ud800"}, *({"sub": "u", "x": it} for it in CLAIMS_REFUSED),
        ],
        timeout=[0, -1, 0.0009, 86_401, float("nan"), float("inf"), 10**400, True, "5"],
        expires_in_seconds=[0, -1, 1.5, 60.0, True, None, "60", float("nan"), 2**63],
        session_max_duration_in_seconds=[0, -1, 1.5, 60.0, True, None, "60", 2**63],
    )  # fmt: skip
    def test_an_invalid_argument_of_create_is_refused(self, name: str, value: Any) -> None:
        arguments = {"user_id": "user_1", "actor": "user_2", name: value}
        refused(name, unasked().create, **arguments)

    @pytest.mark.parametrize("token_id", [
        "", "../x", "act_1/../../users", "act_1%2e%2e", "act.1", "act_1\n", "act 1", "act_1?",
        "act_1#", "act_\u0661", None, 5, b"act_1",
    ])  # fmt: skip
    def test_an_id_that_could_change_the_path_is_refused(self, token_id: Any) -> None:
        refused("actor_token_id", unasked().revoke, token_id)

    @pytest.mark.parametrize(("key", "wrong"), [
        (KEY, KEY), (KEY, f"act_{KEY}"), (KEY, f"{KEY}_x"), ("other-form", "other-form"),
        ("other-form", "act_other-form"), ("other-form", "other-form_x"),
        (KEY, "sk_live_another"), (KEY, "pk_test_another"),
    ])  # fmt: skip
    def test_a_key_for_an_id_is_refused_and_not_repeated(self, key: str, wrong: str) -> None:
        clerk = unasked(key)
        said = refused("this is a key", clerk.revoke, wrong)
        said += refused("this is a key", clerk.create, wrong, "user_2")
        said += refused("this is a key", clerk.create, "user_1", wrong)
        said += refused("this is a key", clerk.create, "user_1", {"sub": wrong})
        assert key not in said
        assert wrong not in said

    @pytest.mark.parametrize("secret", [SECRET, LINK])
    def test_a_token_in_place_of_its_id_is_refused_and_not_repeated(self, secret: str) -> None:
        said = refused("not the token or its URL", unasked().revoke, secret)
        assert SECRET[:20] not in said

    @pytest.mark.parametrize("key", [
        None, "", "\n", "sk_x y", " sk_x", "sk_x ", "sk_\tx", "sk_\x00", "sk_\u00e9", "\nsk_x",
        "s\nk", b"sk_test_x",
    ])  # fmt: skip
    def test_an_invalid_or_missing_key_is_refused_and_not_repeated(self, key: Any) -> None:
        said = refused("secret_key", ActorTokens, key)
        assert not (key and key.strip()) or str(key) not in said

    def test_a_publishable_key_is_refused_by_name(self) -> None:
        refused("publishable", ActorTokens, "pk_test_abcdef")

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_the_environment_may_have_the_key_with_a_line_end(self, patch: Patch, end: str) -> None:
        patch.setenv("CLERK_SECRET_KEY", KEY + end)
        opener = Canned()
        ActorTokens(opener=opener).revoke("act_1")
        assert opener.requests[0].get_header("Authorization") == f"Bearer {KEY}"

    URLS = words("""
        api.clerk.com/v1 http://api.clerk.com/v1 ftp://localhost/v1 file:///v1 https:///v1
        http://127.evil.com/v1 http://localhost.evil.com/v1 http://127.0.0.1.evil.com/v1
        http://127.999.0.1/v1 http://127.0.0.256/v1 http://[::1].evil.com/v1
        http://[::1]evil.com:80/v1 https://evil.com[::1]/v1 https://[::1/v1 https://a..b/v1
        https://:443/v1 https://api.clerk.com:/v1 https://api.clerk.com:0/v1
        https://api.clerk.com:99999/v1 https://api.clerk.com:abc/v1 https://user@api.clerk.com/v1
        https://user:word@api.clerk.com/v1 https://api.clerk.com\\@evil.com/v1
        https://api.clerk.com/v1?x=1 https://api.clerk.com/v1? https://api.clerk.com/v1#x
        https://api.clerk.com/v1# https://\u00e4pi.clerk.com/v1
    """)
    URLS += ["https://x/ v1", "https://x/\nv1", "https://x.cl\terk.com/v1"]

    @pytest.mark.parametrize("url", URLS)
    def test_a_server_url_that_may_lead_elsewhere_is_refused(self, patch: Patch, url: str) -> None:
        refused("server_url", ActorTokens, KEY, server_url=url)
        patch.setenv("CLERK_API_URL", url)
        refused("CLERK_API_URL", ActorTokens, KEY)

    @pytest.mark.parametrize("url", [
        "http://localhost/v1", "http://127.0.0.2:80/v1", "http://[::1]:80/v1", "HTTPS://x/v1",
        "https://x:444/a/v1", "https://[::1]/v1", "https://x/v1/",
    ])  # fmt: skip
    def test_requests_go_to_the_server_url(self, url: str) -> None:
        opener = Canned()
        create(ActorTokens(KEY, server_url=url, opener=opener))
        assert opener.requests[0].full_url == url.rstrip("/") + "/actor_tokens"

    @pytest.mark.parametrize("end", ["", "/"])
    def test_v1_is_added_to_clerk_api_url(self, patch: Patch, end: str) -> None:
        patch.setenv("CLERK_API_URL", f"https://api.example.com{end}")
        opener = Canned()
        create(ActorTokens(KEY, opener=opener))
        assert opener.requests[0].full_url == "https://api.example.com/v1/actor_tokens"

    @invalid(
        server_url=["", "https://api.clerk.com/v1\n", 5],
        timeout=[0, -1, 0.0009, 86_401, float("nan"), float("inf"), 10**400, True, "5", None],
        max_retries=[-1, 1001, 1.5, True, "2", None],
        opener=[object(), 5],
        ssl_context=[True, 5],
    )
    def test_an_invalid_argument_of_the_client_is_refused(self, name: str, value: Any) -> None:
        refused(name, ActorTokens, KEY, **{name: value})

    def test_a_context_is_of_no_use_to_an_opener(self) -> None:
        context = ssl.create_default_context()
        refused("ssl_context", ActorTokens, KEY, ssl_context=context, opener=Canned())

    @pytest.mark.parametrize(("timeout", "retries"), [(0.001, 0), (86_400, 1000)])
    def test_the_least_and_the_most_are_valid(self, timeout: float, retries: int) -> None:
        ActorTokens(KEY, timeout=timeout, max_retries=retries)


# ---- What comes back
class TestWhatComesBack:
    def test_the_complete_token_comes_back_and_its_repr_shows_no_secret(self) -> None:
        token = create(canned_client())
        assert dataclasses.asdict(token) == TOKEN
        assert SECRET not in repr(token)
        assert token == ActorToken(**TOKEN)
        assert hash(token) == hash(ActorToken(**copy.deepcopy(TOKEN)))
        assert pickle.loads(pickle.dumps(token)) == token
        with pytest.raises(dataclasses.FrozenInstanceError):
            token.status = "accepted"  # type: ignore[misc]

    BARE = {name: TOKEN[name] for name in TOKEN if name not in ("token", "url")}

    @pytest.mark.parametrize("change", [{}, {"token": None, "url": None}, {"status": "expired"}])
    def test_what_clerk_may_leave_out_or_add_one_day_breaks_nothing(self, change: Any) -> None:
        token = revoke(canned_client({**self.BARE, **change, "new": {"field": 1}}))
        assert dataclasses.asdict(token) == {**self.BARE, "token": None, "url": None, **change}

    @pytest.mark.parametrize("status", [200, 201, 202, 299])
    def test_any_success_may_carry_the_token(self, status: int) -> None:
        assert revoke(canned_client(status=status)) == ActorToken(**TOKEN)

    @pytest.mark.parametrize(("name", "value"), [
        *itertools.product(BARE, ["missing", None, True, 1.5, []]),
        ("token", 5), ("url", ["x"]), ("object", "session"),
    ])  # fmt: skip
    def test_a_missing_field_or_one_of_another_type_is_named(self, name: str, value: Any) -> None:
        document = {**TOKEN, name: value}
        if value == "missing":
            del document[name]
        error = failure_of(revoke, canned_client(document))
        assert type(error) is ResponseValidationError
        assert re.search(rf"\b{name}\b", str(error).replace("actor token", ""))

    BODIES = {
        "nothing": b"", "null": b"null", "text": b'"actor_token"', "a number": b"1",
        "a list": b"[" + JSON + b"]", "half of it": JSON[:-1], "two of it": JSON * 2,
        "a page": b"<html><body>Sign in to the hotel's WiFi</body></html>",
        "deep nesting": b"[" * 200_000, "deep objects": b'{"a":' * 100_000,
        "NaN": JSON.replace(b"1.5", b"NaN"), "Infinity": JSON.replace(b"1.5", b"-Infinity"),
        "not UTF-8": JSON.replace(b"SUP-1", b"\xff\xfe"), "gzip": b"\x1f\x8b\x08\x00" + bytes(40),
        "UTF-16": json.dumps(TOKEN).encode("utf-16"),
    }  # fmt: skip
    if hasattr(sys, "get_int_max_str_digits"):  # or Python reads numbers of any length
        BODIES["a huge number"] = JSON.replace(b"1763900000000", b"1" * 100_000)

    @cases("body", BODIES)
    def test_a_success_without_a_token_is_described_and_not_quoted(self, body: bytes) -> None:
        error = failure_of(create, canned_client(body, headers={"Content-Type": "text/html"}))
        assert type(error) is ResponseValidationError
        assert (error.status_code, error.headers["content-type"]) == (200, "text/html")
        assert error.body == body.decode(errors="replace")
        for part in ("text/html", f"{len(body)} bytes", "Check server_url", "create another"):
            assert part in str(error)
        assert "hotel" not in str(error)


# ---- What can go wrong
class TestWhatCanGoWrong:
    @pytest.mark.parametrize("status", [400, 401, 402, 404, 422, 429, 500, 503, 599])
    def test_a_4xx_or_5xx_with_the_envelope_is_clerk_errors(self, status: int) -> None:
        error = failure_of(revoke, canned_client(NOT_PENDING, status, {"X-Thing": "1"}))
        assert (type(error), error.status_code) == (ClerkErrors, status)
        assert (error.headers["x-THING"], error.headers.items()) == ("1", [("X-Thing", "1")])
        assert error.errors == (ClerkError(**ENTRY),)
        assert (error.clerk_trace_id, error.meta) == (TRACE_ID, NOT_PENDING["meta"])
        assert json.loads(error.body) == NOT_PENDING
        request = f"POST /v1/actor_tokens/{TOKEN['id']}/revoke"
        told = f"{ENTRY['code']}: {ENTRY['long_message'][:60]}"
        for part in ("api.clerk.com", str(status), request, told, TRACE_ID):
            assert part in str(error)

    @pytest.mark.parametrize("status", [100, 101, 300, 301, 304, 308, 399, 600, 999])
    def test_the_envelope_with_another_status_is_an_sdk_error(self, status: int) -> None:
        headers = {"Location": "https://evil.example/"}
        error = failure_of(create, canned_client(NOT_PENDING, status, headers))
        assert (type(error), error.status_code) == (SDKError, status)
        assert ("https://evil.example/" in str(error)) is (300 <= status < 400)

    ADVICE = ["Check the secret key", "The Clerk plan", "Check the ID", "Check server_url"]

    @pytest.mark.parametrize(("call", "status", "expected"), [
        (create, 401, ADVICE[:1]), (create, 402, ADVICE[1:2]), (revoke, 404, ADVICE[2:]),
        (create, 404, ADVICE[3:]), (create, 302, ADVICE[3:]), (create, 422, []),
    ])  # fmt: skip
    def test_the_message_says_what_to_do(self, call: Call, status: int, expected: Any) -> None:
        said = str(failure_of(call, canned_client(NOT_PENDING, status)))
        assert [advice for advice in self.ADVICE if advice in said] == expected

    def test_the_message_says_that_clerk_may_have_acted_only_if_so(self) -> None:
        for status, doubt in [(302, False), (400, False), (429, False), (500, True), (503, True)]:
            clerk = canned_client(NOT_PENDING, status)
            of_create, of_revoke = str(failure_of(create, clerk)), str(failure_of(revoke, clerk))
            assert ("a retry could create another" in of_create) is doubt, status
            assert ("a retry is safe" in of_revoke) is doubt, status

    SECONDS = {"3": 3.0, "0": 0.0, " 7 ": 7.0, "0.5": 0.5, "30": 30.0}
    NONSENSE: list[Any] = ["-3", "soon", "nan", "inf", "1e3", "9" * 400, "\u0663", "3, 3", ""]
    NONSENSE += ["Wed, 21 Oct 2015 07:28:00 GMT", None]

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("value", [*SECONDS, *NONSENSE])
    def test_retry_after_is_a_number_of_seconds(self, status: int, value: Any) -> None:
        headers = {} if value is None else {"retry-AFTER": value}
        error = failure_of(create, canned_client(NOT_PENDING, status, headers))
        assert error.retry_after == self.SECONDS.get(value)
        advice = re.search(r"Wait (\S+) s\b", str(error))
        assert (float(advice[1]) if advice else None) == (error.retry_after or None)

    @pytest.mark.parametrize("extras", [{}, {"clerk_trace_id": 5, "meta": []}])
    @pytest.mark.parametrize(("texts", "message"), [
        ({}, ""), ({"message": None, "long_message": None, "meta": None}, ""),
        ({"message": "in short", "long_message": None, "meta": []}, "in short"),
        ({"message": "in short", "long_message": 5, "meta": 1}, "in short"),
    ])  # fmt: skip
    def test_missing_or_odd_texts_and_extras_do_not_hide_the_code(
        self, extras: dict[str, Any], texts: dict[str, Any], message: str
    ) -> None:
        document = {"errors": [{"code": "c", **texts}], **extras}
        error = failure_of(create, canned_client(document, 422))
        assert (type(error), error.errors) == (ClerkErrors, (ClerkError("c", message, ""),))
        assert (error.clerk_trace_id, error.meta) == (None, None)
        assert message in str(error), "the short message, if there is no long one"

    def test_the_message_quotes_every_code_and_the_trace_id_though_they_are_long(self) -> None:
        code = "organization_domain_enrollment_mode_not_enabled"
        trace_id = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        codes = [f"{code}_{number}" for number in range(5)]
        entries = [{"code": code, "long_message": "l" * 30} for code in codes]
        document = {"errors": entries, "clerk_trace_id": trace_id}
        said = str(failure_of(create, canned_client(document, 422)))
        assert [text for text in (*codes, trace_id) if text not in said] == []
        failure_of(create, canned_client({"errors": entries * 200}, 422))  # up to a limit

    def test_the_message_quotes_an_envelope_on_one_line_and_without_secrets(self) -> None:
        entry = {"code": "c\n\x1b[2J", "long_message": f"{KEY}\u2028{SECRET}" + "x " * 5000}
        trace_id = f"{SECRET}\n\x1b[2J" + "y " * 5000
        clerk = canned_client({"errors": [entry], "clerk_trace_id": trace_id}, 400)
        assert len(str(failure_of(create, clerk))) < 700

    PAGES = [
        "<html>\r\n<p>shorty\x1b[31m</p>" + "<p>long</p>" * 1000, "<pre>shorty \udcff\udcfe",
        f"<pre>shorty {KEY} {SECRET}</pre>", "", "null", "[]", "{}", "[" * 100_000,
        '{"errors": "no"}', '{"errors": [1]}', '{"errors": [{}]}', '{"errors": {"code": "shorty"}}',
        '{"errors": [{"code": 5, "message": "shorty", "long_message": "l"}]}', '"shorty"',
        f'{{"errors": 5, "x": "shorty {SECRET}"}}', '["shorty"]', ' {"ticket": "shorty"',
        '{"errors": [{"code": "shorty", "meta": ' + '{"a":' * 100_000 + "1" + "}" * 100_002 + "]}",
    ]  # fmt: skip

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: repr(page[:40]))
    def test_any_other_body_is_an_sdk_error_and_not_quoted_if_json(self, page: str) -> None:
        body = page.encode(errors="surrogateescape")
        error = failure_of(create, canned_client(body, 502))
        assert (type(error), error.status_code) == (SDKError, 502)
        assert error.body == body.decode(errors="replace").replace(KEY, "***")
        assert ("shorty" in str(error)) is page.startswith("<")
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

    def test_the_exceptions_form_a_tree(self) -> None:
        assert ClerkErrors.__mro__[1:3] == (SDKError, ClerkBaseError)
        assert ResponseValidationError.__bases__ == NoResponseError.__bases__ == (ClerkBaseError,)
        assert RequestTimeoutError.__bases__ == (NoResponseError, TimeoutError)

    CLIENTS = {
        "SDKError": canned_client(b"no", 502, {"Retry-After": "5", "X": "1"}),
        "NoResponseError": canned_client(OSError()), "ClerkErrors": canned_client(NOT_PENDING, 400),
        "ResponseValidationError": canned_client({}),
        "RequestTimeoutError": canned_client(TimeoutError("timed out")),
    }  # fmt: skip

    @cases("clerk", CLIENTS)
    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
    def test_all_of_them_can_be_pickled_and_copied(self, clerk: ActorTokens, copied: Call) -> None:
        error = failure_of(create, clerk)
        twin = copied(error)
        twin = pickle.loads(twin) if isinstance(twin, bytes) else twin
        assert type(twin) is type(error)
        assert (repr(twin), twin.args) == (repr(error), error.args)
        ours, theirs = ({k: str(v) for k, v in vars(one).items()} for one in (error, twin))
        assert ours == theirs
        assert len(ours) > 1


# ---- The client
def chained(error: Exception, link: str, other: Exception) -> Exception:
    BaseException.__setattr__(error, link, other)
    return error


@dataclasses.dataclass(frozen=True)
class Alike(OSError):
    """An exception that is equal to all others of its kind, and refuses to be changed."""

    text: str = dataclasses.field(compare=False)


class TestClient:
    def test_its_repr_shows_no_key(self) -> None:
        assert KEY not in repr(canned_client())

    def test_the_opener_is_told_the_seconds_of_the_call(self) -> None:
        opener = Mock(wraps=Canned())
        clerk = ActorTokens(KEY, timeout=7, opener=opener)
        create(clerk)
        create(clerk, timeout=3)
        revoke(clerk, timeout=0.5)
        assert [call.kwargs["timeout"] for call in opener.open.mock_calls] == [7, 3, 0.5]

    def test_an_opener_of_the_user_is_not_closed_with_the_client(self) -> None:
        opener = types.SimpleNamespace(open=Canned().open, close=lambda: pytest.fail("closed"))
        with ActorTokens(KEY, opener=opener) as clerk:
            create(clerk)

    def test_a_response_needs_no_more_than_status_headers_and_read(self) -> None:
        response = types.SimpleNamespace(status=200, headers=None, read=lambda: JSON)
        assert create(opened_by(lambda *_, **__: response)) == ActorToken(**TOKEN)

    def test_a_response_is_closed(self) -> None:
        response = Mock(status=200, headers={}, read=lambda: JSON)
        create(opened_by(lambda *_, **__: response))
        response.close.assert_called_once_with()

    FAILURES = [
        (ConnectionResetError("reset"), NoResponseError, True),
        (URLError(ConnectionRefusedError(111, "refused")), NoResponseError, False),
        (URLError(socket.gaierror(-2, "no such name")), NoResponseError, False),
        (URLError(ssl.SSLCertVerificationError("bad")), NoResponseError, False),
        (URLError("some text"), NoResponseError, True),
        (TimeoutError("timed out"), RequestTimeoutError, True),
        (socket.timeout("timed out"), RequestTimeoutError, True),
        (URLError(TimeoutError("timed out")), RequestTimeoutError, True),
        (requests.ConnectionError("lost"), NoResponseError, True),
        (ValueError(f"Invalid header value b'Bearer {KEY}'"), NoResponseError, True),
        (ConnectionResetError(f"Bearer {KEY}"), NoResponseError, True),
        (ZeroDivisionError(), NoResponseError, True),
        (chained(RuntimeError("x"), "__cause__", ValueError(KEY)), NoResponseError, True),
        (chained(OSError("x"), "__cause__", OSError(KEY)), NoResponseError, True),
        (chained(OSError("x"), "__context__", ValueError(KEY)), NoResponseError, True),
        (chained(Alike("x"), "__cause__", Alike(KEY)), NoResponseError, True),
        (URLError(chained(OSError("x"), "__cause__", OSError(KEY))), NoResponseError, True),
    ]

    @pytest.mark.parametrize(("cause", "kind", "unknown"), FAILURES, ids=lambda it: repr(it)[:40])
    def test_an_openers_exception_becomes_ours(self, cause: Any, kind: type, unknown: bool) -> None:
        error = failure_of(create, canned_client(cause))
        assert (type(error), error.outcome_unknown) == (kind, unknown)
        assert ("a retry could create another" in str(error)) is unknown
        assert ("a retry is safe" in str(error)) is not unknown

    @pytest.mark.parametrize("headers", ["X: 1", 5, {5: 6}, {"Retry-After": "\udcff"}, Mock()])
    def test_odd_headers_hide_no_status(self, headers: Any) -> None:
        assert failure_of(create, canned_client(b"no", 502, headers)).status_code == 502

    @pytest.mark.parametrize("how", ["return_value", "side_effect"], ids=["returned", "raised"])
    def test_a_response_that_breaks_off_leaves_the_outcome_unknown(self, how: str) -> None:
        body: Any = Mock(read=Mock(side_effect=ConnectionRefusedError))
        response = HTTPError("https://x/", 500, "no", Headers(), body)
        assert failure_of(create, opened_by(Mock(**{how: response}))).outcome_unknown is True

    @pytest.mark.parametrize("status", [302, 400, 404, 429, 500])
    def test_an_opener_may_raise_a_response_that_is_no_success(self, status: int) -> None:
        headers: Any = {"Retry-After": "4"}
        body = io.BytesIO(json.dumps(NOT_PENDING).encode())
        raised = HTTPError("https://x/", status, "no", headers, body)
        error = failure_of(revoke, canned_client(raised))
        returned = failure_of(revoke, canned_client(NOT_PENDING, status, headers))
        assert (type(error), str(error)) == (type(returned), str(returned))
        assert (error.status_code, error.retry_after) == (status, 4.0)

    def test_urllibs_own_opener_will_do(self, serve: Serve) -> None:
        server = serve(respond(), respond(NOT_PENDING, 400))
        clerk = server.client(opener=urllib.request.build_opener())
        assert create(clerk) == ActorToken(**TOKEN)
        assert type(failure_of(revoke, clerk)) is ClerkErrors

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_that_urllib_follows_carries_no_key(self, serve: Serve, status: int) -> None:
        target = serve()
        server = serve(respond({}, status, Location=f"{target.origin}/elsewhere"))
        with suppress(SDKError):
            create(server.client(opener=urllib.request.build_opener()))
        assert KEY.encode() in server.requests[0]
        assert KEY.encode() not in b"".join(target.requests)
        assert len(target.requests) == (1 if status < 307 else 0)


# ---- The wire
# Seconds that a busy machine may add. A server that gained by stalling would gain far more.
LATE = 1.0

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


def late_failure_of(seconds: float, call: Call, *arguments: Any, **options: Any) -> Any:
    """The error for a call that has this timeout, of which it must take all and no more."""
    start = time.monotonic()
    with pytest.raises(RequestTimeoutError, match=f"within {seconds} seconds") as caught:
        call(*arguments, **options)
    assert seconds <= time.monotonic() - start < seconds + LATE
    return checked(caught.value)


def in_threads(number: int, work: Call) -> None:
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(work, range(number)))  # raises what they raise


class TestDeadline:
    STALLS = {
        "silence": silence, "status line": trickle(b"", b"H"), "header": trickle(OK, b"X"),
        "headers": trickle(OK, b"X-Header: 1\r\n"), "100s": trickle(b"", CONTINUE),
        "103s": trickle(b"", HINTS),
        "body": trickle(OK + b"Content-Length: 5000\r\n\r\n", b" "),
        "body without a length": trickle(OK + b"\r\n", b" "),
        "chunks": trickle(CHUNKED, b"1\r\n \r\n"),
        "trailers": trickle(CHUNKED + b"0\r\n", b"X: 1\r\n"),
    }  # fmt: skip

    @cases("stall", STALLS)
    @pytest.mark.parametrize(("call", "tls"), [(create, False), (revoke, True)])
    def test_no_response_outlasts_it(self, serve: Serve, stall: Any, call: Call, tls: bool) -> None:
        server = serve(stall, tls=tls)
        error = late_failure_of(0.2, call, server.client(timeout=0.2))
        assert error.outcome_unknown is True
        assert len(server.requests) == 1, "sent again after the deadline"

    def test_a_stalled_tls_handshake_does_not_outlast_a_calls_own(self, serve: Serve) -> None:
        server = serve(Peer.wait_for_hang_up)
        clerk = server.client(server_url=f"https://localhost:{server.port}/v1")
        assert late_failure_of(0.2, create, clerk, timeout=0.2).outcome_unknown is False

    @PLAIN_AND_TLS
    def test_a_server_that_reads_slowly_does_not_outlast_it(self, serve: Serve, tls: bool) -> None:
        def sip(peer: Peer) -> None:
            while not peer.server.stopped.wait(0.002):
                peer.sock.recv(16384)

        clerk = serve(sip, tls=tls).client(timeout=0.2)
        late_failure_of(0.2, create, clerk, {"sub": "user_2", "x": "x" * 12_000_000})

    def test_all_addresses_of_a_name_share_it(self, serve: Serve, patch: Patch) -> None:
        # With a full backlog, the system accepts no further connection to this port.
        with socket.socket() as full, ExitStack() as stack:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(3):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            look_up, tcp = socket.getaddrinfo, (socket.AF_INET, socket.SOCK_STREAM, 0, "")
            mute, server = full.getsockname()[1], serve()
            ports = [mute] * 4

            def addresses(host: str, *arguments: Any, **options: Any) -> Any:
                several = [(*tcp, ("127.0.0.1", port)) for port in ports]
                return several if host == "localhost" else look_up(host, *arguments, **options)

            patch.setattr(socket, "getaddrinfo", addresses)
            clerk = server.client(timeout=0.4, max_retries=0)
            assert late_failure_of(0.4, create, clerk).outcome_unknown is False
            ports[:] = [mute, server.port]
            assert create(clerk) == ActorToken(**TOKEN), "one mute address took all the time"

    @pytest.mark.parametrize("calls", [0, 1], ids=["new connection", "idle connection"])
    def test_nothing_is_sent_if_reading_the_arguments_took_all_of_it(
        self, server: Server, pauses: list[float], calls: int
    ) -> None:
        class SlowToRead(dict[str, str]):
            def keys(self) -> Any:
                time.sleep(3)
                return super().keys()

        clerk = server.client(timeout=2)
        for _ in range(calls):
            revoke(clerk)
        error = failure_of(create, clerk, types.MappingProxyType(SlowToRead(sub="user_2")))
        assert (type(error), error.outcome_unknown) == (RequestTimeoutError, False)
        assert (len(server.requests), pauses) == (calls, [3])

    def test_nothing_is_sent_if_connecting_took_all_of_it(
        self, server: Server, pauses: list[float], patch: Patch
    ) -> None:
        def connect_slowly(sock: socket.socket, address: Any) -> None:
            connect(sock, address)
            time.sleep(3)

        connect = socket.socket.connect
        patch.setattr(socket.socket, "connect", connect_slowly)
        error = failure_of(create, server.client(timeout=2))
        assert (type(error), error.outcome_unknown) == (RequestTimeoutError, False)
        assert (server.requests, pauses) == ([], [3])


class TestRetries:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
    def test_a_revoke_is_retried_after_429_and_5xx(
        self, serve: Serve, pauses: list[float], status: int
    ) -> None:
        failure = http_response({}, status)
        server = serve(in_turn(failure, failure, http_response()))
        assert revoke(server.client()) == ActorToken(**TOKEN)
        assert (len(server.requests), len(set(server.requests))) == (3, 1)
        assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0
        assert server.connections == 1, "a complete response is no reason to hang up"

    @pytest.mark.parametrize(("call", "status"), [
        *itertools.product([create, revoke], [302, 400, 401, 404, 408, 409, 422, 425]),
        *((create, status) for status in range(500, 505)),
    ])  # fmt: skip
    def test_other_statuses_are_not_retried_nor_a_create_after_a_5xx(
        self, serve: Serve, pauses: list[float], call: Call, status: int
    ) -> None:
        server = serve(respond({}, status, Retry_After="0"))
        error = failure_of(call, server.client())
        assert error.status_code == status
        assert ("a retry could create another" in str(error)) is (status >= 500)
        assert (len(server.requests), pauses) == (1, [])

    @pytest.mark.parametrize(("value", "least", "most"), [
        ("2", 2, 2), *((other, 0.25, 0.5) for other in ["0", "-1", "soon", "nan", "inf", ""]),
    ])  # fmt: skip
    @CREATE_AND_REVOKE
    def test_both_are_retried_after_a_429_and_wait_as_long_as_it_says_or_longer(
        self, serve: Serve, pauses: list[float], call: Call, value: str, least: float, most: float
    ) -> None:
        refusal = http_response(NOT_PENDING, 429, Retry_After=value)
        server = serve(in_turn(refusal, http_response()))
        assert call(server.client()) == ActorToken(**TOKEN)
        assert (len(server.requests), len(pauses)) == (2, 1)
        assert least <= pauses[0] <= most

    def test_a_create_stops_at_a_5xx_after_a_429(self, serve: Serve, pauses: list[float]) -> None:
        server = serve(in_turn(http_response({}, 429), http_response({}, 503)))
        assert failure_of(create, server.client()).status_code == 503
        assert (len(server.requests), len(pauses)) == (2, 1)

    @pytest.mark.parametrize("retries", [0, 1, 4])
    def test_max_retries_is_the_most(self, serve: Serve, pauses: list[float], retries: int) -> None:
        server = serve(respond(NOT_PENDING, 429))
        assert type(failure_of(create, server.client(max_retries=retries))) is ClerkErrors
        assert (len(server.requests), len(pauses)) == (retries + 1, retries)

    def test_pauses_double_up_to_eight_seconds_and_differ_from_call_to_call(
        self, serve: Serve, pauses: list[float]
    ) -> None:
        clerk = serve(respond({}, 503)).client(max_retries=8, timeout=60)
        for _ in range(2):
            failure_of(revoke, clerk)
        longest = [0.5, 1, 2, 4, 8, 8, 8, 8] * 2
        shares = [pause / most for pause, most in zip(pauses, longest)]
        assert all(0.5 <= share <= 1 for share in shares)
        assert len(set(shares)) == 16

    @CREATE_AND_REVOKE
    @pytest.mark.parametrize("end", ["", "\r\nRetry-After: 1"], ids=["one", "first of two"])
    def test_a_pause_past_the_deadline_is_not_begun(
        self, serve: Serve, pauses: list[float], call: Call, end: str
    ) -> None:
        server = serve(respond(NOT_PENDING, 429, Retry_After=f"30{end}"))
        error = failure_of(call, server.client(timeout=20))
        assert (type(error), error.retry_after) == (ClerkErrors, 30.0)
        assert "Wait 30 s" in str(error)
        assert (len(server.requests), pauses) == (1, [])

    def test_no_retry_follows_the_deadline(self, serve: Serve, pauses: list[float]) -> None:
        clerk = serve(respond({}, 503, Retry_After="10")).client(timeout=45, max_retries=100)
        assert failure_of(revoke, clerk).status_code == 503
        assert pauses == [10.0] * 4, "a fifth pause would have ended after the deadline"

    LOSSES = {
        "hang-up": hang_up, "reset": reset, "cut status line": in_turn(b"HTTP/1.1 2"),
        "cut after the status line": in_turn(OK), "only a 100": in_turn(CONTINUE),
        "cut headers": in_turn(OK + b"Content-Type: appli"),
        "cut after a header": in_turn(OK + b"Content-Type: application/json\r\n"),
        "no body": in_turn(OK + b"Content-Length: 10\r\n\r\n"),
        "cut body": in_turn(http_response()[:-1]), "cut chunk": in_turn(CHUNKED + b"10\r\n{}"),
        "no last chunk": in_turn(CHUNKED + b"2\r\n{}\r\n"),
        "cut size of a chunk": in_turn(CHUNKED + b"2\r\n{}\r\n0"),
    }  # fmt: skip

    @cases("loss", LOSSES)
    @PLAIN_AND_TLS
    def test_after_a_lost_response_a_revoke_is_retried_and_a_create_never(
        self, serve: Serve, pauses: list[float], loss: Script, tls: bool
    ) -> None:
        server = serve(loss, loss, respond(), loss, tls=tls)
        clerk = server.client()
        assert revoke(clerk) == ActorToken(**TOKEN)
        assert (len(server.requests), len(pauses)) == (3, 2)
        clerk.close()
        error = failure_of(create, clerk)
        assert (type(error), error.outcome_unknown) == (NoResponseError, True)
        assert "a retry could create another" in str(error)
        assert (len(server.requests), len(pauses)) == (4, 2)

    def test_a_response_cut_at_any_byte_is_never_taken_for_one(self, serve: Serve) -> None:
        whole = http_response()
        server = serve(*(in_turn(whole[:length]) for length in range(len(whole))))
        clerk = server.client()
        for length in range(len(whole)):
            error = failure_of(create, clerk)
            kind = (type(error), error.outcome_unknown)
            assert kind == (NoResponseError, True), f"cut after {length} bytes: {error}"
        assert len(server.requests) == len(whole)

    CONNECTING: dict[str, Any] = {
        "refused": (),
        "no address": ("getaddrinfo", socket.gaierror(socket.EAI_NONAME, "Name not known")),
        # The system's own time limit is not the call's.
        "ETIMEDOUT": ("socket.connect", TimeoutError(errno.ETIMEDOUT, "timed out")),
    }

    @cases("failure", CONNECTING)
    @CREATE_AND_REVOKE
    def test_both_are_retried_if_no_connection_is_made(
        self, pauses: list[float], patch: Patch, failure: tuple[str, OSError], call: Call
    ) -> None:
        clerk = ActorTokens(KEY, server_url=f"http://127.0.0.1:{unused_port()}/v1")
        if failure:
            patch.setattr(f"socket.{failure[0]}", Mock(side_effect=failure[1]))
        error = failure_of(call, clerk)
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        assert isinstance(error.__cause__, type(failure[1]) if failure else ConnectionRefusedError)
        assert "Clerk did not act; a retry is safe" in str(error)
        assert len(pauses) == 2

    def test_the_cause_is_kept_though_the_user_handles_an_exception(self) -> None:
        clerk = ActorTokens(KEY, server_url=f"http://localhost:{unused_port()}/v1", max_retries=0)
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            assert isinstance(failure_of(create, clerk).__cause__, ConnectionRefusedError)

    def test_doubt_about_an_earlier_attempt_remains(self, serve: Serve, patch: Patch) -> None:
        server = serve(hang_up, in_turn(http_response({}, 429)))
        patch.setattr(
            time, "sleep", lambda pause: server.stop() if server.connections == 2 else None
        )
        error = failure_of(revoke, server.client())
        assert isinstance(error.__cause__, ConnectionRefusedError), "the last attempt connected"
        assert error.outcome_unknown is True, "Clerk may have acted on the first attempt"

    @pytest.mark.skipif(sys.platform != "linux", reason="a reset may drop what came before it")
    def test_what_a_server_says_before_it_hangs_up_is_heard(self, serve: Serve) -> None:
        def refuse(peer: Peer) -> None:
            peer.sock.recv(1)  # most of the request is never read
            peer.send(http_response({}, 413, Connection="close"))

        error = failure_of(create, serve(refuse).client(), {"sub": "u", "x": "x" * 5_000_000})
        assert error.status_code == 413


class TestConnections:
    def test_these_bytes_and_no_others_go_over_the_wire(self, server: Server) -> None:
        clerk = server.client()
        create(clerk, "user_2", expires_in_seconds=60, session_max_duration_in_seconds=90)
        clerk.revoke("act_1")
        body = '{"user_id":"user_1a2b3c","actor":{"sub":"user_2"},'
        body += '"expires_in_seconds":60,"session_max_duration_in_seconds":90}'
        for request, path, sent, own in (
            (server.requests[0], "", body, ("Content-type: application/json",)),
            (server.requests[1], "/act_1/revoke", "", ()),
        ):
            line, *fields = request.decode().partition("\r\n\r\n")[0].split("\r\n")
            assert line == f"POST /v1/actor_tokens{path} HTTP/1.1"
            expected = [
                f"Host: localhost:{server.port}", f"Content-Length: {len(sent)}", *own,
                "Accept-encoding: identity", "Accept: application/json",
                "Clerk-api-version: 2026-05-12", f"Authorization: Bearer {KEY}",
                f"User-agent: clerk-actor-tokens/{clerk_actor_tokens.__version__}",
            ]  # fmt: skip
            assert sorted(fields) == sorted(expected), "each header once"
            assert request.endswith(f"\r\n\r\n{sent}".encode())

    KEPT = {
        "plain": http_response(), "400": http_response(NOT_PENDING, 400),
        "404 of a gateway": http_response(b"<html>", 404),
        "chunked": CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(JSON), JSON),
        "behind 100 and 103": CONTINUE + HINTS + http_response(),
        "bare line feeds": http_response().replace(b"\r\n", b"\n", 4),
        "large": http_response(JSON + b" " * 700_000),  # the limit is for each response
    }  # fmt: skip

    @cases("sent", KEPT)
    @PLAIN_AND_TLS
    def test_a_complete_response_keeps_it_open(self, serve: Serve, sent: bytes, tls: bool) -> None:
        server = serve(raw(sent), tls=tls)
        clerk = server.client()
        for call in (create, revoke, create):
            if b"HTTP/1.1 4" in sent:
                failure_of(call, clerk)
            else:
                assert call(clerk) == ActorToken(**TOKEN)
        assert (server.connections, len(server.requests)) == (1, 3)

    STRAY = http_response({**TOKEN, "id": "act_stray"})
    NOT_KEPT = {
        "Connection: close": http_response(Connection="close"),
        "HTTP/1.0": http_response().replace(b"HTTP/1.1", b"HTTP/1.0"),
        "a stray response": http_response() + STRAY, "a stray byte": http_response() + b"x",
    }  # fmt: skip

    @cases("response", NOT_KEPT)
    @PLAIN_AND_TLS
    def test_it_is_not_used_again_after(self, serve: Serve, response: bytes, tls: bool) -> None:
        server = serve(raw(response), tls=tls)
        clerk = server.client()
        for _ in range(3):
            assert create(clerk) == ActorToken(**TOKEN)
        assert server.connections == 3

    @PLAIN_AND_TLS
    def test_a_late_stray_response_belongs_to_no_call(self, serve: Serve, tls: bool) -> None:
        returned, strayed = threading.Event(), threading.Event()

        def script(peer: Peer) -> None:
            in_turn(http_response())(peer)
            returned.wait(10)
            peer.send(self.STRAY)
            strayed.set()
            peer.wait_for_hang_up()

        server = serve(script, respond(), tls=tls)
        clerk = server.client()
        create(clerk)
        returned.set()
        assert strayed.wait(10)
        assert create(clerk) == ActorToken(**TOKEN)
        assert server.connections == 2

    @PLAIN_AND_TLS
    def test_one_that_the_server_closed_is_not_used_again(self, serve: Serve, tls: bool) -> None:
        server = serve(in_turn(http_response()), tls=tls)
        clerk = server.client()
        for calls in range(1, 4):
            create(clerk)
            assert server.hung_up.wait(10)
            server.hung_up.clear()
            assert (server.connections, len(server.requests)) == (calls, calls)

    @pytest.mark.parametrize(("seconds", "connections"), [(3, 1), (5, 2), (3600, 2), (-100, 2)])
    def test_an_idle_connection_is_used_again_within_four_seconds_of_the_wall_clock(
        self, server: Server, patch: Patch, seconds: float, connections: int
    ) -> None:
        clerk = server.client()
        revoke(clerk)
        clock = time.time
        patch.setattr(time, "time", lambda: clock() + seconds)
        revoke(clerk)
        assert server.connections == connections

    FAULTS = {
        "silence": b"", "nonsense": b"nonsense\r\n\r\n", "cut short": http_response()[:-1],
        "101": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    }  # fmt: skip

    @cases("fault", FAULTS)
    def test_it_is_closed_after_an_error_in_an_exchange(self, serve: Serve, fault: bytes) -> None:
        server = serve(in_turn(http_response(), then=itertools.repeat(fault)), respond())
        clerk = server.client(max_retries=0)
        revoke(clerk)
        failure_of(revoke, clerk, timeout=0.2)
        assert server.hung_up.wait(10), "still open"
        assert revoke(clerk) == ActorToken(**TOKEN)
        assert server.connections == 2

    def test_close_closes_it_and_the_client_may_be_used_again(self, server: Server) -> None:
        with server.client() as clerk:
            revoke(clerk)
        assert server.hung_up.wait(10)
        revoke(clerk)
        assert server.connections == 2

    def test_an_ipv6_address_will_do(self, serve: Serve) -> None:
        try:
            listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            pytest.skip("this machine has no IPv6")
        server = serve(tls=True, listener=listener)
        create(server.client(server_url=f"https://[::1]:{server.port}/v1"))
        assert f"Host: [::1]:{server.port}\r\n".encode() in server.requests[0]

    def test_small_packets_are_not_held_back(self, server: Server, patch: Patch) -> None:
        set_option = Mock()
        patch.setattr(socket.socket, "setsockopt", set_option)
        revoke(server.client())
        set_option.assert_any_call(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def test_redirects_are_not_followed(self, serve: Serve) -> None:
        target = serve()
        error = failure_of(create, serve(respond({}, 307, Location=target.origin)).client())
        assert (type(error), error.status_code, target.connections) == (SDKError, 307, 0)
        assert target.origin in str(error)

    def test_a_burst_of_threads_leaves_ten_open(self, serve: Serve) -> None:
        together = threading.Barrier(12)
        closed = threading.Semaphore(0)

        def script(peer: Peer) -> None:
            peer.read_request()
            together.wait(10)
            peer.send(http_response())
            peer.wait_for_hang_up()
            closed.release()

        with serve(script).client() as clerk:
            in_threads(12, lambda number: revoke(clerk))
            assert all(closed.acquire(timeout=10) for _ in range(2))
            assert not closed.acquire(blocking=False)
        assert all(closed.acquire(timeout=10) for _ in range(10)), "close() leaves one open"

    def test_threads_share_a_client_and_each_gets_its_own_response(self, serve: Serve) -> None:
        turns = itertools.count()

        def script(peer: Peer) -> None:
            for turn in turns:
                request = peer.read_request()
                if not request or turn % 17 == 11:  # hangs up now and then, also on a request
                    return
                peer.send(echo_of(request))
                if turn % 13 == 5:
                    return

        def work(number: int) -> None:
            for call in range(40):
                user_id = f"user_{number}x{call}"
                try:
                    assert clerk.create(user_id, "user_2").user_id == user_id
                except NoResponseError as error:
                    if not error.outcome_unknown:
                        raise

        server = serve(script)
        clerk = server.client()
        in_threads(8, work)
        users = [document_of(request)["user_id"] for request in server.requests]
        assert len(users) == len(set(users)), "a create was sent twice"
        assert server.connections < len(users) / 2, "connections were not shared"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
    def test_a_forked_process_does_not_share_a_connection(self, serve: Serve) -> None:
        def echo(peer: Peer) -> None:
            while request := peer.read_request():
                peer.send(echo_of(request))

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

    ENDS = ["clerk.close()", "del clerk", "cycle = [clerk]; cycle.append(cycle); del clerk, cycle"]
    ENDS += ["", "with suppress(ClerkBaseError): clerk.create('u', 'a')\nclerk.close()"]

    @pytest.mark.parametrize("end", ENDS)
    def test_no_resource_warning_with_close_or_without(self, serve: Serve, end: str) -> None:
        server = serve(in_turn(http_response(), b""), hang_up)
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
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("scheme", ["http", "https"], ids=["in a response", "in a handshake"])
    @SIGNALS_AND_PIPES
    def test_ctrl_c_leaves_nothing_open(self, serve: Serve, sigint: None, scheme: str) -> None:
        server = serve(press_ctrl_c)
        clerk = server.client(server_url=f"{scheme}://localhost:{server.port}/v1")
        with pytest.raises(KeyboardInterrupt) as caught:
            create(clerk)
        assert server.hung_up.wait(10), "the connection stays open"
        del caught  # it held all frames, and so the socket: nothing but a close could end it


class TestHostileResponses:
    HEADS = [f"HTTP/1.1 Bearer {KEY}", "\x00" * 100, "HTTP/1.1 200 " + "x" * 70_000]
    HEADS += words(
        "SSH-2.0-OpenSSH_9.6|HTTP/1.1|HTTP/1.1 |HTTP/1.1 abc OK|HTTP/1.1 99 Low|HTTP/1.1 -200 OK|"
        "HTTP/1.1 1000 High|HTTP/1.1 999 Beyond|HTTP/1.1 101 Switching Protocols|HTTP/1.1 199 Odd|"
        "HTTP/2.0 200 OK|HTTP/9.9 200 OK|ICY 200 OK|HTTP/1.1 204 No Content|HTTP/1.1 205 Reset|"
        "HTTP/1.1 206 Partial|HTTP/1.1 304 Not Modified|HTTP/1.1 407 Proxy|HTTP/1.1 511 Captive|",
        "|",
    )
    HEADERS = [
        "X" * 70_000 + ": 1", "X: 1\r\n" * 200, "no colon", ": no name", " folded", f"X: {KEY}",
        "X: \xff\xfe\x00", "Content-Length: abc", "Content-Length: -5", "Content-Length: 0",
        "Content-Length: 2\r\nContent-Length: 900", "Content-Length: 3",
        "Content-Length: 4\r\nContent-Encoding: gzip", "Transfer-Encoding: gzip",
    ]  # fmt: skip
    CHUNKS = [
        "x\r\n{}", "-1\r\n{}", "-5\r\n{}\r\n0", "", "2;x=y\r\n{}\r\n0", "2\r\n{}xx0", "9" * 5000,
        "1" * 70_000, "F" * 15 + "\r\n{}", "0", KEY, LINK, f"2\r\n{{}}\r\n{LINK}",
    ]  # fmt: skip
    MESSAGES = [f"{head}\r\n\r\n<p>{KEY}</p>".encode("latin-1") for head in HEADS]
    MESSAGES += [OK + f"{head}\r\n\r\n<p>{KEY}</p>".encode("latin-1") for head in HEADERS]
    MESSAGES += [CHUNKED + f"{chunk}\r\n\r\n".encode() for chunk in CHUNKS]
    MESSAGES += [OK + b"Content-Length: 3\r\n\r\n" + JSON, b"\r\n", JSON]

    @pytest.mark.parametrize("sent", MESSAGES, ids=lambda sent: repr(sent[:60])[2:-1])
    @CREATE_AND_REVOKE
    def test_anything_ends_in_an_error_of_ours(self, serve: Serve, sent: bytes, call: Call) -> None:
        server = serve(in_turn(sent))
        error = failure_of(call, server.client(max_retries=0, timeout=2))
        assert not isinstance(error, RequestTimeoutError)
        assert len(server.requests) == 1
        assert len(str(error)) < 600

    FLOODS: dict[str, Script] = {
        "announced": in_turn(OK + b"Content-Length: 1048577\r\n\r\n"),
        "announced absurdly": in_turn(OK + b"Content-Length: 99999999999999999999\r\n\r\n"),
        "unannounced": trickle(OK + b"\r\n", b" " * 65536, 0),
        "one chunk": trickle(CHUNKED + b"FFFFFFF\r\n", b" " * 65536, 0),
        "one absurd chunk": trickle(CHUNKED + b"FFFFFFFFFFFFFF\r\n", b" " * 65536, 0),
        "chunks": trickle(CHUNKED, b"FFFF\r\n" + b" " * 65535 + b"\r\n", 0),
        "trailers": trickle(CHUNKED + b"0\r\n", b"X: 1\r\n" * 1000, 0),
        "100s": trickle(b"", CONTINUE * 1000, 0), "103s": trickle(b"", HINTS * 1000, 0),
    }  # fmt: skip

    @cases("flood", FLOODS)
    @PLAIN_AND_TLS
    def test_nothing_over_a_mebibyte_is_read(self, serve: Serve, flood: Script, tls: bool) -> None:
        server = serve(flood, tls=tls)
        error = failure_of(revoke, server.client())
        assert type(error) is NoResponseError
        # The latter are the limits of newer versions of Python themselves.
        limits = "1048576 bytes|more than [0-9]+ (interim responses|headers|trailers)"
        assert re.search(limits, str(error))
        assert len(server.requests) == 1

    @pytest.mark.parametrize("start", ["HTTP/1.1 ", "HTTP/1.1 500 Error\r\n\r\n"])
    def test_not_even_a_part_of_the_key_comes_back(self, serve: Serve, start: str) -> None:
        server = serve(in_turn(f"{start}{KEY[:-1]}\r\n\r\n".encode()))
        error = failure_of(create, server.client(max_retries=0))
        shown = traceback.format_exception(type(error), error, error.__traceback__)
        assert KEY[:-1] not in "".join(shown)


class TestTLS:
    @pytest.mark.parametrize("fault", ["unknown authority", "another host", "expired"])
    @CREATE_AND_REVOKE
    def test_an_invalid_certificate_is_never_retried(
        self, serve: Serve, ca: trustme.CA, pauses: list[float], fault: str, call: Call
    ) -> None:
        issuer = trustme.CA() if fault == "unknown authority" else ca
        host = "elsewhere.example" if fault == "another host" else "localhost"
        days = datetime.timedelta(days=-1 if fault == "expired" else 1)
        end = datetime.datetime.now(datetime.timezone.utc) + days
        server = serve(tls=server_context(issuer.issue_cert(host, not_after=end)))
        error = failure_of(call, server.client())
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
        for advice in ("Install Certificates.command", "SSL_CERT_FILE", "ssl_context"):
            assert advice in str(error)
        assert (server.connections, server.requests, pauses) == (1, [], [])

    def test_nothing_is_sent_to_a_plain_http_port(self, serve: Serve, pauses: list[float]) -> None:
        def complain(peer: Peer) -> None:
            peer.sock.recv(65536)
            peer.send(http_response({}, 400, Connection="close"))

        server = serve(complain)
        clerk = server.client(server_url=f"https://localhost:{server.port}/v1")
        error = failure_of(create, clerk)
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        assert server.requests == []

    def test_it_trusts_ssl_cert_file(self, serve: Serve, ca: trustme.CA, patch: Patch) -> None:
        with ca.cert_pem.tempfile() as path:
            patch.setenv("SSL_CERT_FILE", path)
            assert revoke(serve(tls=True).client(ssl_context=None)) == ActorToken(**TOKEN)

    def test_the_default_context_is_made_once(self, serve: Serve, patch: Patch) -> None:
        make = Mock(wraps=ssl.create_default_context)
        patch.setattr(ssl, "create_default_context", make)
        server = serve(tls=True)
        clerk = server.client(ssl_context=None, max_retries=0)
        for _ in range(3):
            failure_of(revoke, clerk)
        assert (make.call_count, server.connections) == (1, 3)


def tunnel(to: Server) -> Script:
    """A proxy that connects to one server."""

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


class TestProxy:
    def test_https_goes_through_it(self, serve: Serve, ca: trustme.CA, patch: Patch) -> None:
        # A certificate that would not do for the proxy's own name.
        server = serve(tls=server_context(ca.issue_cert("localhost")))
        proxy = serve(tunnel(server))
        patch.setenv("HTTPS_PROXY", f"http://us%40er:pass%3Aword@127.0.0.1:{proxy.port}")
        clerk = server.client()
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # it is read once
        for _ in range(2):
            assert create(clerk) == ActorToken(**TOKEN)
        target = f"CONNECT localhost:{server.port} HTTP/1.1\r\n"
        assert len(proxy.requests) == 1, "the tunnel was not used again"
        assert proxy.requests[0].startswith(target.encode())
        login = base64.b64encode(b"us@er:pass:word")
        assert b"Proxy-Authorization: Basic " + login in proxy.requests[0]
        assert KEY.encode() not in proxy.requests[0]
        assert len(server.requests) == 2
        assert b"roxy-" not in b"".join(server.requests), "the proxy's password went on"

    @pytest.mark.parametrize("hosts", ["localhost", "x.example, localhost", "*"])
    def test_no_proxy_is_honoured(self, serve: Serve, patch: Patch, hosts: str) -> None:
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        patch.setenv("NO_PROXY", hosts)
        assert create(serve(tls=True).client()) == ActorToken(**TOKEN)

    @pytest.mark.parametrize("place", ["localhost", "localhost:443", "[::1]"])
    def test_the_tunnel_is_to_443_by_default(self, serve: Serve, patch: Patch, place: str) -> None:
        proxy = serve(respond({}, 403))
        patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        failure_of(create, proxy.client(server_url=f"https://{place}/v1"))
        target = "[::1]:443" if "::1" in place else "localhost:443"
        assert proxy.requests == [f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()]

    def test_http_to_this_machine_goes_through_no_proxy(self, serve: Serve, patch: Patch) -> None:
        server, proxy = serve(), serve()
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        create(server.client())
        assert (len(server.requests), proxy.connections) == (1, 0)

    @pytest.mark.parametrize("status", [302, 400, 403, 407, 429, 500, 502])
    @CREATE_AND_REVOKE
    def test_a_proxy_that_refuses_is_retried_after_a_5xx_only(
        self, serve: Serve, patch: Patch, pauses: list[float], status: int, call: Call
    ) -> None:
        proxy = serve(respond({}, status))
        patch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{proxy.port}")
        error = failure_of(call, proxy.client(server_url="https://localhost:9/v1"))
        assert (type(error), error.outcome_unknown) == (NoResponseError, False)
        for part in ("through the proxy 127.0.0.1", f"the proxy responded {status}"):
            assert part in str(error)
        assert ("check the proxy's user and password" in str(error)) is (status == 407)
        assert "hunter2" not in str(error)
        assert len(pauses) == (2 if status >= 500 else 0)

    def test_a_dead_proxy_is_named_without_its_password(self, serve: Serve, patch: Patch) -> None:
        patch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{unused_port()}")
        error = failure_of(create, serve(tls=True).client(max_retries=0))
        assert "through the proxy 127.0.0.1" in str(error)
        assert "hunter2" not in str(error)

    @cases(
        "stall", {"mute": silence, "headers": trickle(OK, b"X: 1\r\n"), "line": trickle(b"", b"x")}
    )
    def test_no_proxy_outlasts_the_deadline(self, serve: Serve, patch: Patch, stall: Any) -> None:
        proxy = serve(stall)
        patch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        clerk = proxy.client(server_url="https://localhost:9/v1", timeout=0.2)
        assert late_failure_of(0.2, create, clerk).outcome_unknown is False

    @pytest.mark.parametrize("setting", ["a word", *words("""
        http:// http://:8080 //user:word@ http://user:word@127.0.0.1:port http://user:word
        http://user:a@b:word/x@proxy:1 http://user:word@127.0.0.1:0 http://[::1
        http://user:word#x@proxy:1 http://user:word?x@proxy:1 http://user:[word@proxy:1
        http://user:word\uff03@proxy:1 https://user:word@proxy:1 socks5://user:word@proxy:1
        user:word@proxy:1/path
    """)])  # fmt: skip
    def test_a_setting_that_is_no_http_proxy_is_refused(self, patch: Patch, setting: str) -> None:
        patch.setenv("HTTPS_PROXY", setting)
        with pytest.raises(ValueError, match="HTTPS_PROXY") as caught:
            ActorTokens(KEY, server_url="https://localhost:9/v1")
        lines = traceback.format_exception(ValueError, caught.value, None)
        assert "word" not in "".join(lines)
        ActorTokens(KEY, server_url="http://localhost:9/v1")  # which has no use for a proxy


# ---- The in-memory stand-in
class TestSandbox:
    @pytest.fixture
    def sandbox(self) -> Sandbox:
        return Sandbox()

    @pytest.fixture
    def clerk(self, sandbox: Sandbox) -> ActorTokens:
        return ActorTokens("sk_test_anything", opener=sandbox)

    def test_it_creates_what_looks_like_clerks(self, clerk: ActorTokens) -> None:
        before = int(time.time() * 1000)
        actor = {"sub": "user_2", "more": [1]}
        token = clerk.create("user_1", actor)
        assert re.fullmatch("act_[A-Za-z0-9]{27}", token.id)
        assert (token.object, token.status, token.user_id) == ("actor_token", "pending", "user_1")
        assert token.actor == actor
        assert before <= token.created_at == token.updated_at
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token.token or "")
        assert re.fullmatch(rf"https://\S+{token.token}", token.url or "")

    def test_it_revokes_pending_tokens_only(self, sandbox: Sandbox, clerk: ActorTokens) -> None:
        revoked, accepted = create(clerk), create(clerk)
        assert clerk.revoke(revoked).status == "revoked"
        sandbox.accept(accepted.id)
        for token, status in ((revoked, "revoked"), (accepted, "accepted")):
            error = failure_of(clerk.revoke, token)
            assert (type(error), error.status_code) == (ClerkErrors, 400)
            assert error.errors[0].code == "actor_token_cannot_be_revoked_code"
            assert f"because its status is {status}. Only pending" in error.errors[0].long_message

    def test_it_accepts_pending_tokens_only(self, sandbox: Sandbox, clerk: ActorTokens) -> None:
        token = create(clerk)
        sandbox.accept(token)
        for wrong in (token, "act_1"):
            refused("pending", sandbox.accept, wrong)

    GOOD = '{"user_id": "user_1", "actor": {"sub": "user_2"}}'

    @pytest.mark.parametrize(("path", "body", "authorization", "expected"), [
        ("", GOOD, "Bearer sk_x", "200 actor_token"), ("", GOOD, "", "401 clerk_key_invalid"),
        ("", GOOD, "Basic sk_x", "401 clerk_key_invalid"),
        ("", GOOD, "Bearer pk_x", "401 clerk_key_invalid"),
        *((path, "", "Bearer sk_x", "404 resource_not_found")
          for path in ("/", "/act_1", "/act_1/revoke", "/act_1/revoke/x")),
        *(("", body, "Bearer sk_x", "422 form_param_missing")
          for body in ("{}", '{"user_id": "user_1", "actor": {}}', '{"actor": {"sub": "user_2"}}')),
    ])  # fmt: skip
    def test_it_is_an_opener_by_itself(
        self, sandbox: Sandbox, path: str, body: str, authorization: str, expected: str
    ) -> None:
        headers = {"Authorization": authorization}
        request = urllib.request.Request(CREATE_URL + path, body.encode(), headers)
        with sandbox.open(request, timeout=5) as response:
            document = json.loads(response.read())
        what = document["errors"][0]["code"] if "errors" in document else document["object"]
        assert f"{response.status} {what}" == expected
        assert ("clerk_trace_id" in document) is (response.status != 200)

    def test_fail_next_fails_calls_one_by_one(self, sandbox: Sandbox, clerk: ActorTokens) -> None:
        sandbox.fail_next(429, code="slow", message="Slow down", headers={"Retry-After": "3"})
        sandbox.fail_next(503)
        error = failure_of(create, clerk)
        assert (type(error), error.status_code, error.retry_after) == (ClerkErrors, 429, 3.0)
        assert (error.errors[0].code, error.errors[0].message) == ("slow", "Slow down")
        assert failure_of(create, clerk).status_code == 503
        assert create(clerk).status == "pending"

    @pytest.mark.parametrize("status", [200, 399, 600, "500", None])
    def test_fail_next_takes_no_other_status(self, sandbox: Sandbox, status: Any) -> None:
        refused("status_code", sandbox.fail_next, status)


# ---- The command line
Run = Callable[..., "tuple[int, str, str]"]
COMMAND = ("create", "user_1a2b3c", "--actor", "user_9z8y7x")


class TestCommandLine:
    @pytest.fixture
    def run(self, capsys: Capture, patch: Patch) -> Run:
        """Run the command line in this process. Returns exit status, output and errors."""
        patch.setenv("CLERK_SECRET_KEY", KEY)

        def run(*arguments: str) -> tuple[int, str, str]:
            status = clerk_actor_tokens.main(list(arguments))
            shown = capsys.readouterr()
            assert KEY not in shown.out + shown.err
            return (status, *shown)

        return run

    @pytest.fixture
    def browser(self, patch: Patch) -> Mock:
        """What stands for the function that opens a browser."""
        browser = Mock(return_value=True)
        patch.setattr("webbrowser.open", browser)
        return browser

    def test_demo_shows_what_is_sent_and_received_without_the_key(self, run: Run) -> None:
        status, out, err = run("demo")
        assert (status, err) == (0, "")
        for part in (CREATE_URL, "/revoke\n", "Bearer sk_test_***", '"status": "revoked"', "400"):
            assert part in out

    def test_demo_needs_no_key_and_leaves_no_files(self, tmp_path: Path, patch: Patch) -> None:
        shutil.copy(MODULE, tmp_path)
        patch.setenv("CLERK_API_URL", "nonsense")
        options = ("-I", "-S", "-X", "dev", "-W", "error")
        done = run_python(*options, MODULE.name, "demo", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert os.listdir(tmp_path) == [MODULE.name]

    def test_create_prints_only_the_url_on_standard_output(self, run: Run, server: Server) -> None:
        status, out, err = run(*COMMAND, "--expires-in", "60", "--session-max-duration", "90")
        assert (status, out) == (0, LINK + "\n")
        command = f"clerk-actor-tokens revoke {TOKEN['id']}\n"
        for part in ("user_9z8y7x", "user_1a2b3c", "60 s", "90 s", command):
            assert part in err
        assert SECRET not in err
        (sent,) = map(document_of, server.requests)
        assert list(sent.values()) == ["user_1a2b3c", {"sub": "user_9z8y7x"}, 60, 90]

    def test_create_reads_actors_and_prints_tokens_as_json(self, run: Run, server: Server) -> None:
        out = run("create", "user_1", "--actor", '{"sub": "user_2", "x": 1}', "--json")[1]
        assert document_of(server.requests[0])["actor"] == {"sub": "user_2", "x": 1}
        assert json.loads(out) == TOKEN

    @pytest.mark.parametrize(("opens", "status"), [(True, 0), (False, 1)])
    def test_create_open_opens_the_link_as_well_and_fails_without_a_browser(
        self, run: Run, server: Server, browser: Mock, opens: bool, status: int
    ) -> None:
        browser.return_value = opens
        assert run(*COMMAND, "--open")[:2] == (status, LINK + "\n")
        browser.assert_called_once_with(LINK)

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "-x", None])
    @pytest.mark.parametrize("options", [("--open",), ("--open", "--json")])
    def test_only_a_link_is_printed_or_opened(
        self, run: Run, server: Server, browser: Mock, url: Any, options: tuple[str, ...]
    ) -> None:
        server.scripts = (respond({**TOKEN, "url": url}),)
        status, out, err = run(*COMMAND, *options)
        assert (status, bool(out)) == (1, "--json" in options)
        assert f"revoke {TOKEN['id']}" in err, "how to revoke it"
        browser.assert_not_called()

    def test_revoke_goes_on_after_a_failure_line_by_line(self, run: Run, server: Server) -> None:
        revoked = http_response({**TOKEN, "status": "revoked"})
        server.scripts = (in_turn(revoked, http_response(NOT_PENDING, 400), revoked),)
        status, out, err = run("revoke", "act_1", "act_2", "act_3")
        assert (status, out.splitlines()) == (1, [f"{TOKEN['id']} revoked"] * 2)
        assert "act_2" in err
        assert "is accepted" in err

    def test_revoke_goes_on_after_invalid_ids_and_ends_in_2(self, run: Run, server: Server) -> None:
        server.scripts = (respond(NOT_PENDING, 400),)
        status, out, err = run("revoke", "act_1", SECRET, "act_3")
        assert (status, out, len(server.requests)) == (2, "", 2)
        assert "ID number 2" in err
        assert SECRET[:20] not in err, "it is repeated"

    @pytest.mark.parametrize("command", [COMMAND, ("revoke", "act_1"), (*COMMAND, "--json")])
    def test_no_response_steers_the_terminal(self, run: Run, server: Server, command: Any) -> None:
        odd = {name: f"{TOKEN[name]}\x1b[2J\r" for name in ("id", "status", "user_id", "url")}
        server.scripts = (respond({**TOKEN, **odd, "actor": {"sub": "user_2\x1b[2J\r"}}),)
        _, out, err = run(*command)
        assert all(line.isprintable() for line in (out + err).split("\n"))
        assert "To revoke it" not in err, "a command to paste with what a server wrote in it"

    LINES = ["", "nonsense", "create", "create user_1", "create '' --actor user_2", "revoke"]
    LINES += ["create user_1 --actor ''", "create user_1 --actor {", "create user_1 --actor [1]"]
    LINES += ["""create user_1 --actor '{"a": 1}'""", "create user_1 --actor " + "[" * 100_000]
    LINES += ["""create user_1 --actor '{"sub": "user_2", "x": NaN}'"""]
    LINES += [f"{' '.join(COMMAND)} --expires-in {seconds}" for seconds in ("soon", "0")]

    @pytest.mark.parametrize("line", LINES, ids=lambda line: line[:60])
    def test_invalid_arguments_end_in_status_2(self, run: Run, server: Server, line: str) -> None:
        status, out, err = run(*shlex.split(line))
        assert (status, out) == (2, "")
        assert err
        assert server.requests == []

    def test_invalid_json_is_said_to_be_the_actors(self, run: Run) -> None:
        assert "--actor" in run("create", "user_1", "--actor", "{")[2].splitlines()[-1]

    def test_the_exit_status_is_1_if_clerk_refuses(self, run: Run, server: Server) -> None:
        server.scripts = (respond(NOT_PENDING, 402),)
        status, out, err = run(*COMMAND)
        assert (status, out) == (1, "")
        assert "402" in err

    def test_a_missing_key_says_what_to_set_or_to_try_demo(self, run: Run, patch: Patch) -> None:
        patch.delenv("CLERK_SECRET_KEY")
        status, out, err = run(*COMMAND)
        assert (status, out) == (2, "")
        assert "CLERK_SECRET_KEY is not set (`demo` needs no key)" in err

    KEYS = ["@", "create u --actor a --expires-in @", "create u --actor a --expires-in x@"]
    KEYS += ["create u --actor @", """create u --actor '"@"'""", "revoke @", "--key=@"]

    @pytest.mark.parametrize("line", KEYS)
    def test_a_key_among_the_arguments_is_not_repeated(self, run: Run, line: str) -> None:
        status, out, err = run(*shlex.split(line.replace("@", "sk_live_pasted")))
        assert (status, out) == (2, "")
        assert "pasted" not in err

    def test_help_says_where_the_key_is(self, run: Run) -> None:
        status, out, err = run("--help")
        assert (status, err) == (0, "")
        assert "CLERK_SECRET_KEY" in out

    @pytest.mark.parametrize("how", [[str(MODULE)], ["-m", MODULE.stem]], ids=["file", "module"])
    def test_it_runs_as_a_file_and_as_a_module(self, how: list[str]) -> None:
        done = run_python(*how, "--version")
        assert (done.returncode, done.stdout.strip()) == (0, clerk_actor_tokens.__version__)

    @SIGNALS_AND_PIPES
    def test_ctrl_c_ends_in_status_130(self, run: Run, server: Server, sigint: None) -> None:
        server.scripts = (press_ctrl_c,)
        try:
            status, out, err = run(*COMMAND)
        except KeyboardInterrupt:
            pytest.fail("nothing caught it")
        assert (status, out) == (130, "")
        assert "Interrupted" in err

    @pytest.fixture
    def unread(self, patch: Patch) -> Iterator[int]:
        """A pipe that nobody reads."""
        patch.delenv("PYTHONUNBUFFERED", raising=False)  # it leaves nothing to write at the end
        reader, writer = os.pipe()
        os.close(reader)
        yield writer
        os.close(writer)

    @SIGNALS_AND_PIPES
    @pytest.mark.parametrize(("arguments", "requests_sent"), [
        (("demo",), 0), (("--help",), 0), (COMMAND, 1), (("revoke", "act_1", "act_2"), 2),
    ])  # fmt: skip
    def test_output_that_nobody_reads_is_a_failure_without_a_traceback(
        self, server: Server, unread: int, arguments: tuple[str, ...], requests_sent: int
    ) -> None:
        done = run_python(str(MODULE), *arguments, stdout=unread)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
        assert (done.returncode, len(server.requests)) == (1, requests_sent)

    @SIGNALS_AND_PIPES
    def test_remarks_that_nobody_reads_stop_no_work(self, server: Server, unread: int) -> None:
        done = run_python(str(MODULE), *COMMAND, stderr=unread)
        assert (done.returncode, done.stdout) == (0, LINK + "\n")
        server.scripts = (respond(NOT_PENDING, 400),)
        done = run_python(str(MODULE), "revoke", "act_1", "act_2", stderr=unread)
        assert (done.returncode, len(server.requests)) == (1, 3)


# ---- The README
def readme_block(containing: str) -> str:
    """The README's one Python block with those words in it."""
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return str(block)


class TestReadme:
    def test_its_first_example_runs(self, server: Server, capsys: Capture) -> None:
        exec(readme_block("clerk.revoke(token)  #"), {})  # noqa: S102
        assert capsys.readouterr().out == LINK + "\n"
        paths = [request.decode().split()[1] for request in server.requests]
        assert paths == ["/v1/actor_tokens", f"/v1/actor_tokens/{TOKEN['id']}/revoke"]

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
        self, serve: Serve, server: Server, tmp_path: Path, patch: Patch, script: Script
    ) -> None:
        pytest.importorskip("awslambdaric", reason="needs awslambdaric, which .ci/run installs")
        server.scripts = (script,)
        times: list[float] = []  # when the invocation has to be over, and when it was
        event = {"user_id": "user_1a2b3c", "actor": "user_9z8y7x"}
        arn = "arn:aws:lambda:eu-central-1:123456789012:function:f"

        def runtime_api(peer: Peer) -> None:
            while request := peer.read_request():
                if b"/invocation/next " not in request:
                    times.append(time.time())
                    peer.send(http_response({}, 202))
                elif not times:
                    times.append(time.time() + 2)
                    headers: dict[str, Any] = {"Aws_Request_Id": "request-1"}
                    headers.update(Deadline_Ms=int(times[0] * 1000), Invoked_Function_Arn=arn)
                    headers = {f"Lambda_Runtime_{name}": headers[name] for name in headers}
                    peer.send(http_response(event, **headers))
                else:
                    return  # which ends it

        runtime = serve(runtime_api)
        (tmp_path / "function.py").write_text(readme_block("def handler"), encoding="utf-8")
        shutil.copy(MODULE, tmp_path)
        patch.setenv("AWS_LAMBDA_RUNTIME_API", f"127.0.0.1:{runtime.port}")
        done = run_python("-m", "awslambdaric", "function.handler", cwd=tmp_path)
        log = done.stdout + done.stderr
        assert KEY not in log
        assert len(server.requests) == 1
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
