"""Shows what tracers see of the client, and that they see no secret.

- Sentry and AWS X-Ray see a call, with its https URL and status.
- Sentry's PureEvalIntegration, which sends the values of expressions such as `self._key`, sends no
  key, no token and no proxy's login with any exception of the client's.
- A walk over all attributes of the local variables finds none: Datadog expands objects in this way.

It needs aws-xray-sdk, sentry-sdk, pure_eval, executing, asttokens and trustme. The calls go to a
TLS server on loopback. SIGALRM interrupts one of them, so it needs Linux or macOS.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import signal
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Callable
from unittest import mock

import sentry_sdk
import trustme
from aws_xray_sdk.core import patch, xray_recorder
from sentry_sdk.integrations.pure_eval import PureEvalIntegration
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import Transport

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from clerk_actor_tokens import (
    ActorToken,
    ActorTokens,
    NoResponseError,
    RequestTimeoutError,
    ResponseValidationError,
    SDKError,
)

KEY = "sk_test_" + "k" * 20
SECRET = f"eyJ{'t' * 30}.{'t' * 30}"
LINK = f"https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket={SECRET}"
LOGIN = "proxy-user:" + "p" * 20
# Pieces: a tracer may cut a long text off.
PIECES = ("k" * 9, "t" * 9, "p" * 9, base64.b64encode(b"p" * 12).decode())
TOKEN: dict[str, Any] = {
    "object": "actor_token",
    "id": "act_29w9IptNja3mP8GDXpquBwN2qR9",
    "status": "pending",
    "user_id": "user_customer",
    "actor": {"sub": "user_engineer"},
    "created_at": 1763900000000,
    "updated_at": 1763900000000,
    "token": SECRET,
    "url": LINK,
}


def response(status: int, document: object) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


CREATED = response(200, TOKEN)
# The response has come in part when the connection ends.
LOST = CREATED[:-1]
WRONG_FIELD = response(200, {**TOKEN, "created_at": "today"})
ERRORS = {"errors": [{"code": "resource_not_found", "message": "There is no such token."}]}
PAGE = b"HTTP/1.1 502 -\r\n\r\n<a href='%s'>%s</a>" % (LINK.encode(), KEY.encode())


class Clerk(http.server.BaseHTTPRequestHandler):
    """Responds to every request as it was told to."""

    protocol_version = "HTTP/1.1"
    reply = CREATED
    may_reply = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.may_reply.wait(10)
        with suppress(OSError):  # the client has gone
            self.wfile.write(self.reply)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    """Doesn't tell of clients that have gone in the middle of a call."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Collector(Transport):  # type: ignore[misc]  # mypy has no sentry-sdk
    """Keeps what Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.events += [item.payload.json for item in envelope.items if item.payload.json]


class Emitter:
    """Keeps what X-Ray would send."""

    def __init__(self) -> None:
        self.segments: list[dict[str, Any]] = []

    def send_entity(self, entity: Any) -> None:
        self.segments.append(json.loads(entity.serialize()))


def find_secret(text: str) -> str | None:
    """The first secret in a text, with what stands before it, or None."""
    for piece in PIECES:
        before, _, found = text.partition(piece)
        if found:
            return f"{before[-200:]}{piece}"
    return None


# ---- Tracers see a call


def check(name: str, seen: list[Any], expected: list[Any], everything: object) -> None:
    if seen != expected:
        sys.exit(f"{name} saw {seen}, and not {expected}:\n{everything}")
    secret = find_secret(str(everything))
    if secret:
        sys.exit(f"{name} saw a secret: {secret}")
    print(f"{name} saw {seen}")


def see_with_sentry(clerk: ActorTokens, url: str, collector: Collector) -> None:
    with sentry_sdk.start_transaction(name="support"):
        clerk.create("user_customer", actor="user_engineer")
    sentry_sdk.flush()
    spans = [span for event in collector.events for span in event.get("spans", [])]
    seen = [
        (span["description"], str(span["data"]["http.response.status_code"]))
        for span in spans
        if span["op"] == "http.client"
    ]
    check("Sentry", seen, [(f"POST {url}", "200")], collector.events)


def see_with_xray(clerk: ActorTokens, url: str) -> None:
    emitter = Emitter()
    xray_recorder.configure(emitter=emitter, sampling=False, context_missing="RUNTIME_ERROR")
    patch(("httplib",))
    xray_recorder.begin_segment("support")
    clerk.create("user_customer", actor="user_engineer")
    xray_recorder.end_segment()
    # It makes one entry for each step: the request, the response, the reading of the body.
    entries = [part["http"] for segment in emitter.segments for part in segment["subsegments"]]
    seen = [
        (entry["request"]["method"], entry["request"]["url"], entry["response"]["status"])
        for entry in entries
        if "response" in entry and entry["request"]["method"] == "POST"
    ]
    check("X-Ray", seen, [("POST", url, 200)], emitter.segments)


# ---- What is raised shows no secret


class TimeLimit(Exception):
    """What a signal handler raises."""


class TracerBug(Exception):
    """What a tracer raises that wraps http.client."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Clerk doesn't respond, and after a while, a signal handler raises."""

    def stop(*_: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, stop)
    Clerk.may_reply.clear()
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        Clerk.may_reply.set()


def failing_calls(address: str, tls: ssl.SSLContext) -> Iterator[tuple[str, Any, type[Exception]]]:
    """Names, calls, and what they raise. A call may rely on what was set up for it here."""

    def client(key: Any = KEY, url: str = address) -> ActorTokens:
        return ActorTokens(key, server_url=url, ssl_context=tls, max_retries=0)

    clerk = client()
    token = ActorToken(**TOKEN)

    def create(user_id: Any = "user_customer", actor: Any = "user_engineer") -> Callable[[], Any]:
        return lambda: clerk.create(user_id, actor=actor)

    def revoke(token_id: Any = token) -> Callable[[], Any]:
        return lambda: clerk.revoke(token_id)

    replies = (
        ("a lost response", LOST, NoResponseError),
        ("no response", b"", NoResponseError),
        ("a status line with the key", f"Bearer {KEY}\r\n\r\n".encode(), NoResponseError),
        ("a wrong field", WRONG_FIELD, ResponseValidationError),
        ("a 4XX", response(404, ERRORS), SDKError),
        ("a 4XX that repeats the key", response(400, {"message": KEY}), SDKError),
        ("a page with a token", PAGE, SDKError),
    )
    for name, reply, kind in replies:
        Clerk.reply = reply
        yield f"create: {name}", create(), kind
        yield f"revoke: {name}", revoke(), kind
    Clerk.reply = CREATED

    texts = {"no ID": "a b", "the key": KEY, "a header": f"Bearer {KEY}", "a link": LINK}
    for name, text in texts.items():
        yield f"create: the user is {name}", create(text), ValueError
        yield f"create: the actor is {name}", create("user_customer", text), ValueError
        yield f"create: the sub is {name}", create("user_customer", {"sub": text}), ValueError
        yield f"revoke: the ID is {name}", revoke(text), ValueError
        data = text.encode()
        yield f"create: the user is {name} as bytes", create(data), ValueError
        yield f"create: the actor is {name} as bytes", create("user_customer", data), ValueError
        yield f"revoke: the ID is {name} as bytes", revoke(data), ValueError
    yield "create: the user is a token", create(token), ValueError
    yield "create: the actor is a token", create("user_customer", token), ValueError

    keys = {"in quotes": f'"{KEY}"', "a header": f"Bearer {KEY}", "two": f"{KEY} {KEY}"}
    for name, key in keys.items():
        yield f"the key is {name}", lambda key=key: client(key), ValueError
        with mock.patch.dict(os.environ, {"CLERK_SECRET_KEY": key}, clear=True):
            yield f"CLERK_SECRET_KEY is {name}", lambda: client(None), ValueError
    for other in (KEY.encode(), [KEY], {"key": KEY}):
        yield f"the key is a {type(other)}", lambda other=other: client(other), ValueError
    yield "the address is the key", lambda: client(url=KEY), ValueError
    yield "the address has a login", lambda: client(url=f"https://{LOGIN}@localhost"), ValueError
    # os.environ is an expression, too.
    with mock.patch.dict(os.environ, {"CLERK_SECRET_KEY": KEY}, clear=True):
        yield "the timeout is 0", lambda: ActorTokens(timeout=0), ValueError

    proxies: dict[str, tuple[str, type[Exception]]] = {
        "no host": (f"http://{LOGIN}@a host:1", ValueError),
        "no text": (f"http://{LOGIN}\udcff@127.0.0.1:1", ValueError),
        "of another kind": (f"socks5://{LOGIN}@127.0.0.1:1", ValueError),
        "without a port": (f"{LOGIN}@127.0.0.1:0", ValueError),
        "not there": (f"http://{LOGIN}@127.0.0.1:1", NoResponseError),
    }
    for name, (proxy, error) in proxies.items():
        with mock.patch.dict(os.environ, {"HTTPS_PROXY": proxy}, clear=True):
            yield f"the proxy is {name}", lambda: client().revoke(token), error

    with time_limit():
        yield "create: a time limit", create(), TimeLimit
    with time_limit():
        yield "revoke: a time limit", revoke(), TimeLimit
    with mock.patch.object(HTTPConnection, "putrequest", side_effect=TracerBug):
        yield "create: a tracer's bug", create(), TracerBug
        # The proxy is the server itself, since something has to listen.
        proxy = address.replace("https://", f"http://{LOGIN}@").removesuffix("/v1")
        with mock.patch.dict(os.environ, {"HTTPS_PROXY": proxy}, clear=True):
            server = "https://api.clerk.invalid/v1"
            yield "a tracer's bug, by a proxy", lambda: client(url=server).revoke(token), TracerBug
    with time_limit():
        yield "a timeout", lambda: clerk.revoke(token, timeout=0.2), RequestTimeoutError


def frames_of(error: BaseException) -> Iterator[FrameType]:
    """The frames of an exception and of those in its chain, without this program's own."""
    links: list[BaseException | None] = [error]
    for link in links:
        if link:
            links += [link.__cause__, link.__context__]
        traceback = link and link.__traceback__
        while traceback:
            if traceback.tb_frame.f_code.co_filename != __file__:
                yield traceback.tb_frame
            traceback = traceback.tb_next


# They have the program in them, and no data of a call.
NO_DATA = (ModuleType, type, FunctionType, BuiltinFunctionType, MethodType, FrameType)


def walk(name: str, value: object, depth: int, seen: dict[int, tuple[int, object]]) -> str | None:
    """Where a secret shows in a value: in its repr, in plain text, or in whatever it holds."""
    if isinstance(value, NO_DATA) or (id(value) in seen and depth <= seen[id(value)][0]):
        return None
    seen[id(value)] = (depth, value)  # the value is kept, so that no other object gets its id
    secret = None
    with suppress(Exception):  # not every object of the standard library's has a repr
        secret = find_secret(repr(value))
    if secret:
        return f"{name} is {secret}"
    # A text of a subclass, such as the `body` of an exception, is to a tracer what its repr is.
    if type(value) in (str, bytes, bytearray) or depth == 0:
        return None
    for part_name, part in parts(value):
        found = walk(f"{name}{part_name}", part, depth - 1, seen)
        if found:
            return found
    return None


def parts(value: object) -> Iterator[tuple[str, object]]:
    for attribute, part in list(getattr(value, "__dict__", {}).items()):
        yield f".{attribute}", part
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            yield f".{slot}", getattr(value, slot, None)
    if isinstance(value, BaseException):
        yield ".args", value.args
    if isinstance(value, Mapping):
        yield ".items()", list(value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        for number, part in enumerate(value):
            yield f"[{number}]", part


def walk_frames(error: BaseException) -> tuple[list[str], list[str]]:
    """The functions whose frames `error` has, and where a secret shows in a variable of theirs."""
    functions = []
    found = []
    for frame in frames_of(error):
        functions.append(frame.f_code.co_name)
        for variable, value in frame.f_locals.items():
            where = walk(f"{functions[-1]}: {variable}", value, 6, {})
            found += [where] if where else []
    return functions, found


def show_no_secret(address: str, tls: ssl.SSLContext, collector: Collector) -> None:
    names = []
    shown = []  # all secrets that show, rather than the first alone
    evaluated: set[str] = set()
    own_secret = None
    for name, call, kind in failing_calls(address, tls):
        names.append(name)
        collector.events.clear()
        try:
            call()
        except Exception as error:
            if not isinstance(error, kind):
                raise
            sentry_sdk.capture_exception(error)
            functions, places = walk_frames(error)
        else:
            sys.exit(f"{name}: nothing was raised")
        shown += [f"{name}: {where}" for where in places]

        sentry_sdk.flush()
        event = next(event for event in collector.events if "exception" in event)
        sent = []
        for exception in event["exception"]["values"]:
            for frame in exception.pop("stacktrace", {}).get("frames", []):
                found = find_secret(json.dumps(frame["vars"]))
                if frame["abs_path"] == __file__:
                    own_secret = own_secret or found
                    continue
                sent.append(frame["function"])
                evaluated |= set(frame["vars"])
                shown += [f"{name}: Sentry: {sent[-1]}: {found}"] if found else []
        found = find_secret(json.dumps(event))
        shown += [f"{name}: Sentry: {found}"] if found else []
        if not sent or set(sent) != set(functions):
            sys.exit(f"{name}: Sentry sends the frames of {sent}, and not of {functions}")

    if shown:
        sys.exit("\n".join(["These secrets show:", *shown]))
    # Else this would find no secret because it looks for none.
    if not any("self._" in expression for expression in evaluated):
        sys.exit(f"PureEval evaluated no attribute: {evaluated}")
    if not own_secret or not walk("", [ActorToken(**TOKEN)], 6, {}):
        sys.exit("No secret was found where there is one.")
    print(f"No secret shows in {len(names)} failed calls.")


def main() -> None:
    collector = Collector()
    sentry_sdk.init(
        "https://x@sentry.invalid/1",
        transport=collector,
        traces_sample_rate=1.0,
        integrations=[PureEvalIntegration()],
        # Nothing is left out because of its name: the client itself has to hide it.
        event_scrubber=EventScrubber(denylist=[], pii_denylist=[]),
        send_default_pii=True,
    )
    Clerk.may_reply.set()
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_tls)
    client_tls = ssl.create_default_context()
    authority.configure_trust(client_tls)
    with Server(("127.0.0.1", 0), Clerk) as server:
        server.socket = server_tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"https://localhost:{server.server_port}/v1"
        with ActorTokens(KEY, server_url=address, ssl_context=client_tls) as clerk:
            see_with_sentry(clerk, f"{address}/actor_tokens", collector)
            show_no_secret(address, client_tls, collector)
            see_with_xray(clerk, "https://localhost/v1/actor_tokens")  # it leaves out the port
        server.shutdown()


if __name__ == "__main__":
    main()
