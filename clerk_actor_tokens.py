"""Create and revoke Clerk actor tokens: one-time links that let support sign in as a user.

    from clerk_actor_tokens import ActorTokens

    clerk = ActorTokens("sk_test_...")  # or ActorTokens(): the key is in CLERK_SECRET_KEY
    token = clerk.create("user_1a2b3c", "user_9z8y7x")
    print(token.url)
    clerk.revoke(token)

CPython 3.9 or later. Try it: `python3 clerk_actor_tokens.py demo`.
Clerk's API: https://github.com/clerk/openapi-specs (bapi/2026-05-12.yml).
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import re
import socket
import ssl
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from email.message import Message as Headers  # case-insensitive
from http.client import HTTPException, HTTPResponse, IncompleteRead
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, getproxies, proxy_bypass

# True to type checkers. At run time, `typing` would slow a cold start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, Protocol

    JSONObject = dict[str, Any]
    Response = Any  # with status, headers and read()

    class Opener(Protocol):
        def open(self, request: Request, /, *, timeout: float) -> Response: ...

else:  # only to be imported
    JSONObject = dict
    Opener = Response = object

__version__ = "1.0.0"
__all__ = ["ActorToken", "ActorTokens", "ClerkError", "Headers", "Opener", "Response", "Sandbox"]
__all__ += ["ClerkBaseError", "ClerkErrors", "NoResponseError", "RequestTimeoutError"]
__all__ += ["ResponseValidationError", "SDKError"]


# ---- What goes out
def _check(valid: Any, sentence: str) -> None:
    """Refuse an invalid value. No sentence quotes it: it may be a secret."""
    if not valid:
        raise ValueError(sentence)


def _check_type(name: str, value: Any, *kinds: Any, within: Any = None) -> None:
    if not isinstance(value, kinds) or isinstance(value, bool):  # True is an int, but no number
        raise TypeError(f"{name} must be of type {kinds[0].__name__}, not {type(value).__name__}")
    _check(not within or within[0] <= value <= within[1], f"{name} must be within {within}")


def _as(kind: Any, value: Any, otherwise: Any) -> Any:
    return value if isinstance(value, kind) else otherwise


def _check_id(name: str, value: Any, clerk: ActorTokens) -> None:  # no key here: locals get logged
    _check_type(name, value, str)
    _check(value.strip() and value.isprintable(), f"{name} must be an ID, on one line")
    is_key = clerk._key in value or value.startswith(("sk_", "pk_"))
    _check(not is_key, f"{name} must be an ID, and this is a key")


def _create_body(clerk: ActorTokens, user_id: str, actor: Any, seconds: dict[str, int]) -> bytes:
    """The JSON document that creates a token."""
    _check_id("user_id", user_id, clerk)
    _check_type("actor", actor, str, Mapping)
    for name, value in seconds.items():
        _check_type(name, value, int, within=(1, 2**63 - 1))
    try:
        claims = {"sub": actor} if isinstance(actor, str) else dict(actor)
        document = {"user_id": user_id, "actor": claims, **seconds}
        text = json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        body = text.encode()  # fails on half a surrogate pair
        _check(json.loads(text)["actor"] == claims, "")  # a tuple, or 1 as a key, differs
    except Exception:  # a mapping may raise anything
        raise ValueError("actor must be an ID, or an object that JSON does not change") from None
    _check_id("the sub of actor", claims.get("sub"), clerk)
    return body


class ClerkRequest(Request):
    """One call, as the HTTP request that an opener takes."""

    def __init__(self, url: str, body: bytes | None, key: str, start: float, seconds: float):
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        headers["Clerk-API-Version"] = "2026-05-12"  # pins the shape of Clerk's responses
        headers["User-Agent"] = f"clerk-actor-tokens/{__version__}"
        super().__init__(url, body, headers, method="POST")
        # Unredirected, or urllib's redirect handler would copy it to the new place.
        self.add_unredirected_header("Authorization", f"Bearer {key}")
        self.key = key
        self.place = self.host  # what errors name
        self.seconds, self.deadline = seconds, start + seconds
        self.acted: bool | None = None  # whether Clerk may have acted; only _Wire sets it
        self.is_revoke = body is None
        self.doubt = "Clerk may have revoked the token; a retry is safe"
        if body is not None:
            self.add_header("Content-Type", "application/json")
            self.doubt = "Clerk may have created a token; a retry could create another"


_ID = "[A-Za-z0-9_-]+"
_HOST = r"([\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])"
_LOCAL = r"(localhost|127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])"


def _check_url(pattern: str, url: str, sentence: str) -> None:
    # Not by urlsplit alone: it drops line ends, and takes [::1].evil.com for ::1.
    match = url.isascii() and re.fullmatch(pattern, url, re.IGNORECASE)
    _check(match and 0 < int(match["port"] or 1) < 65536, sentence)


# ---- What comes back
@dataclass(frozen=True)
class ActorToken:
    """An actor token as Clerk returns it. `dataclasses.asdict` gives back Clerk's JSON.

    Keep `id`, which revokes it: Clerk has no operation that finds a token again. `status` is
    "pending", "accepted", "revoked", or what Clerk may add one day. Times are Unix times in
    milliseconds. The repr omits `token` and `url`: whoever opens the URL first *is* that user.
    """

    object: str
    id: str
    status: str
    user_id: str
    actor: JSONObject = field(hash=False)  # a dict has no hash
    created_at: int
    updated_at: int
    token: str | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ClerkError:
    """One entry of Clerk's error envelope. A text that Clerk left out is ""."""

    code: str
    message: str
    long_message: str
    meta: JSONObject | None = field(default=None, hash=False)


class FullResponse(io.BytesIO):
    """A complete response in memory: `status`, `headers`, and the body to `read()`."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        super().__init__(body)
        self.status = status
        self.headers = headers


_read_json = json.JSONDecoder(parse_constant=int).decode  # int("NaN") fails: JSON has no NaN
# By ActorToken's annotations, as text. Compared exactly: True is an instance of int.
_TYPES: Any = {"str": [str], "int": [int], "JSONObject": [dict], "str | None": [str, type(None)]}


def _read_token(body: bytes) -> ActorToken:
    """The actor token in a response's body. Raises `ValueError`, which quotes none of it."""
    document = _read_json(body.decode())
    _check(isinstance(document, dict), "it is not a JSON object")
    for name, kind in ActorToken.__annotations__.items():
        _check(type(document.get(name)) in _TYPES[kind], f"its {name} is missing, or not a {kind}")
    _check(document["object"] == "actor_token", "its object is not actor_token")
    return ActorToken(**{name: document.get(name) for name in ActorToken.__annotations__})


def _read_errors(envelope: JSONObject) -> tuple[ClerkError, ...] | None:
    """The entries of Clerk's error envelope, or None if it is not one."""
    if not isinstance(envelope.get("errors"), list):
        return None
    errors = []
    for entry in envelope["errors"][:1000]:  # more take long
        fields = _as(dict, entry, {})
        if not isinstance(fields.get("code"), str):
            return None
        texts = {name: _as(str, fields.get(name), "") for name in ("message", "long_message")}
        meta = _as(dict, fields.get("meta"), None)
        errors.append(ClerkError(fields["code"], **texts, meta=meta))
    return tuple(errors)


def _read_retry_after(headers: Any) -> float | None:
    """The seconds that `Retry-After` asks to wait, or None."""
    value = str(headers.get("Retry-After", "")).strip()
    return float(value) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value) else None


# ---- What can go wrong
class ClerkBaseError(Exception):
    """What a failed call raises. Invalid arguments raise `ValueError` or `TypeError`.

    `message`, the same as `str()`, is one line without the key or a token in it.
    """

    def __init__(self, message: str, **attributes: Any) -> None:
        super().__init__(message)
        self.message = message
        vars(self).update(attributes)


class SDKError(ClerkBaseError):
    """A response whose status is not a success: a gateway's page, or a redirect."""

    status_code: int = 0
    headers: Headers = Headers()
    body: str = ""
    retry_after: float | None = None  # the seconds to wait


class ClerkErrors(SDKError):
    """A 4XX or 5XX with Clerk's error envelope."""

    errors: tuple[ClerkError, ...] = ()
    clerk_trace_id: str | None = None  # what Clerk's support asks for
    meta: JSONObject | None = None


class ResponseValidationError(ClerkBaseError):
    """A success that is not an actor token. Clerk may have acted."""

    status_code: int = 0
    headers: Headers = Headers()
    body: str = ""  # a secret: it may have a token in it


class NoResponseError(ClerkBaseError):
    """No complete HTTP response came."""

    outcome_unknown: bool = False  # True if Clerk may have acted


class RequestTimeoutError(NoResponseError, TimeoutError):  # OSError lets __init__ take keywords
    """The call's `timeout` passed before a complete response came."""


def _quote(text: str) -> str:
    """Text from outside as one short line, without what looks like a key or a token."""
    text = re.sub(r"\bsk_\w+|sk_(test|live)_\w+", "***", text[:20000])
    # IDs are shorter. Codes and trace IDs may be as long, but are lower-case; a JWT never is.
    text = re.sub(r"[\w.=-]{40,}", lambda match: match[0] if match[0].islower() else "***", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    return text if len(text) <= 200 else text[:199] + "…"


def _join(sentences: list[str]) -> str:
    return " ".join(sentence.rstrip(".") + "." for sentence in sentences if sentence)


def _bad_response(request: ClerkRequest, response: FullResponse, fault: str) -> ClerkBaseError:
    """The error for a response whose status is not a success, or that has a fault."""
    status, key = response.status, request.key  # some gateways send the key back
    body = response.getvalue().replace(key.encode(), b"***").decode(errors="replace")
    headers = Headers()
    for name, value in _as((Headers, Mapping), response.headers, {}).items():
        headers[str(name)] = str(value).replace(key, "***")
    wait = _read_retry_after(headers)
    facts = {"status_code": status, "headers": headers, "body": body, "retry_after": wait}
    envelope: JSONObject = {}
    if 400 <= status < 600:
        with suppress(ValueError, RecursionError):
            envelope = _as(dict, _read_json(body), {})
    errors = _read_errors(envelope)
    kind: type[ClerkBaseError] = SDKError
    if fault:
        kind = ResponseValidationError
        quotes = [f"{fault} ({len(response.getvalue())} bytes of {headers.get('Content-Type')})"]
    elif errors is not None:
        kind, trace_id = ClerkErrors, _as(str, envelope.get("clerk_trace_id"), None)
        meta = _as(dict, envelope.get("meta"), None)
        facts.update(errors=errors, clerk_trace_id=trace_id, meta=meta)
        quotes = [f"{error.code}: {error.long_message or error.message}" for error in errors[:10]]
        quotes += [f"trace ID {trace_id}"] if trace_id else []
    elif 300 <= status < 400:
        quotes = [f"a redirect to {headers.get('Location')}, not followed"]
    else:  # without the envelope, a token may be anywhere in JSON
        quotes = [] if body.lstrip().startswith(("{", "[", '"')) else [body]
    quote = "; ".join(_quote(part).rstrip(".") for part in quotes)
    sentences = [
        f"{request.place} responded {status} to POST {request.selector}: {quote}".rstrip(": "),
        "Check the secret key" if status == 401 else "",
        "The Clerk plan does not include impersonation" if status == 402 else "",
        "Check the ID and the secret key" if status == 404 and request.is_revoke else "",
        "Check server_url or CLERK_API_URL" if fault or status == 404 or status < 400 else "",
        f"Wait {wait:g} s" if wait else "",
        request.doubt if fault or status >= 500 else "",
    ]
    return kind(_join(sentences), **facts)


def _no_response(request: ClerkRequest, error: Exception, unknown: bool) -> NoResponseError:
    """The error for a call that `error` ended before a complete response came."""
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    quote = _quote(said.replace(request.key, "***"))
    # A traceback prints the cause, and what a user's opener (acted is None) chained to it.
    # (http.client's exceptions, no OSErrors, may hold a part of the response.)
    unsafe = said != quote or (request.acted is None and (error.__cause__ or error.__context__))
    cause = error.with_traceback(None) if isinstance(error, OSError) and not unsafe else None
    kind, detail, advice = NoResponseError, f": {quote}", ""
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "On a Mac, run Python's 'Install Certificates.command'. Behind a company's proxy, "
        advice += "set SSL_CERT_FILE to its certificate, or pass ssl_context"
    elif isinstance(error, (socket.timeout, TimeoutError)) and not error.errno:  # not the system's
        kind, detail = RequestTimeoutError, f" within {request.seconds:g} seconds"
    happened = f"POST {request.selector}: no complete response from {request.place}{detail}"
    outcome = request.doubt if unknown else "Clerk did not act; a retry is safe"
    failure = kind(_join([happened, advice, outcome]), outcome_unknown=unknown)
    failure.__cause__ = cause
    return failure


# ---- The client
class ActorTokens:
    """Creates and revokes actor tokens. Threads may share one client.

    Parameters:
        secret_key: `sk_...`. If None: CLERK_SECRET_KEY.
        server_url: with `/v1`. If None: CLERK_API_URL with `/v1` added, or https://api.clerk.com/v1
        timeout: seconds for a whole call, with its retries. (A name look-up can't be interrupted.)
        max_retries: how often a call is sent again at most: a create if no connection was made or
            after a 429; a revoke also after a 5XX or a lost connection.
        ssl_context: the TLS settings. If None: `ssl.create_default_context()`.
        opener: replaces the network, the deadline and the retries. Like urllib's, it has
            `open(request, timeout=seconds)`, for a response with `status`, `headers` and `read()`.

    The proxy is read here, as urllib does: HTTPS_PROXY and NO_PROXY, or the system's settings.
    Raises `ValueError` or `TypeError` if an argument, a variable or the proxy setting is invalid.
    """

    def __init__(
        self,
        secret_key: str | None = None,
        *,
        server_url: str | None = None,
        timeout: float = 10.0,
        max_retries: int = 2,
        ssl_context: ssl.SSLContext | None = None,
        opener: Opener | None = None,
    ) -> None:
        key = os.environ.get("CLERK_SECRET_KEY", "") if secret_key is None else secret_key
        _check_type("secret_key", key, str)
        self._key = key = key.rstrip("\r\n")  # a key read from a file may end with a line end
        _check(re.fullmatch("[!-~]+", key), "secret_key (CLERK_SECRET_KEY) is empty or not ASCII")
        _check(not key.startswith("pk_"), "secret_key must be sk_...; this is the publishable key")
        base = os.environ.get("CLERK_API_URL") or "https://api.clerk.com"
        url = base.rstrip("/") + "/v1" if server_url is None else server_url
        _check_type("server_url", url, str)
        pattern = rf"(https://{_HOST}|http://{_LOCAL})(:(?P<port>\d+))?(/[\w.~%/-]*)?"
        example = "https://api.clerk.com/v1, or http to this machine (CLERK_API_URL: without /v1)"
        _check_url(pattern, url, f"server_url must be a URL such as {example}")
        self._server_url = url.rstrip("/")
        _check_type("timeout", timeout, float, int, within=(0.001, 86_400))
        self._timeout = timeout
        _check_type("max_retries", max_retries, int, within=(0, 1000))
        _check_type("ssl_context", ssl_context, ssl.SSLContext, type(None))
        self._opener: Any = opener
        if opener is None:
            self._opener = _Wire(self._server_url, ssl_context, max_retries)
            # Not in __del__: a socket's own may run first, and warns.
            weakref.finalize(self, self._opener.close)
        else:
            _check(ssl_context is None, "ssl_context must be None if there is an opener")
            _check_type("opener.open", getattr(opener, "open", None), Callable)

    def create(
        self,
        user_id: str,
        actor: str | Mapping[str, Any],
        *,
        expires_in_seconds: int = 3600,
        session_max_duration_in_seconds: int = 1800,
        timeout: float | None = None,
    ) -> ActorToken:
        """Create a token with which `actor` can sign in as `user_id`, once. Returns it, pending.

        Parameters:
            user_id: the ID of the user to be impersonated.
            actor: the ID of the user who will impersonate, or a JSON object with that ID as `sub`
                and other claims. All of it will be in the session token's `act` claim.
            expires_in_seconds: how long the link works.
            session_max_duration_in_seconds: how long its session may last.
            timeout: seconds for this call, in place of the client's.

        Raises `ValueError` or `TypeError` for an invalid argument, before anything is sent, or a
        `ClerkBaseError`: `ClerkErrors` with 402 if the plan has no impersonation, with 422 if an
        argument is invalid or the plan's impersonations are used up.
        """
        start = time.monotonic()  # before the body is made: a large actor takes a while
        seconds = {"expires_in_seconds": expires_in_seconds}
        seconds["session_max_duration_in_seconds"] = session_max_duration_in_seconds
        body = _create_body(self, user_id, actor, seconds)
        return self._call("/actor_tokens", body, start, timeout)

    def revoke(
        self, actor_token_id: str | ActorToken, *, timeout: float | None = None
    ) -> ActorToken:
        """Revoke a pending token. Returns it. Once its link was opened, it is too late.

        Parameters:
            actor_token_id: the token's ID, or the `ActorToken` itself.
            timeout: as in `create`.

        Raises what `create` raises: `ClerkErrors` with 404 if there is no such token, with 400
        (`actor_token_cannot_be_revoked_code`) if it is not pending, maybe since a lost attempt.
        """
        start = time.monotonic()
        token_id = actor_token_id.id if isinstance(actor_token_id, ActorToken) else actor_token_id
        _check_id("actor_token_id", token_id, self)
        # Other characters could lead to another path: a proxy may decode %2e%2e.
        valid = re.fullmatch(_ID, token_id)
        _check(valid, "actor_token_id must be an ID (act_...), not the token or its URL")
        return self._call("/actor_tokens/" + token_id + "/revoke", None, start, timeout)

    def _call(self, path: str, body: bytes | None, start: float, timeout: Any) -> ActorToken:
        """Send a request. Returns the token in the response."""
        seconds = self._timeout if timeout is None else timeout
        _check_type("timeout", seconds, float, int, within=(0.001, 86_400))
        request = ClerkRequest(self._server_url + path, body, self._key, start, seconds)
        response = self._ask_opener(request)
        fault = ""
        if 200 <= response.status < 300:
            try:
                return _read_token(response.getvalue())
            except (ValueError, RecursionError) as error:
                fault = f"it is not an actor token: {error}"
        raise _bad_response(request, response, fault)

    def _ask_opener(self, request: ClerkRequest) -> FullResponse:
        """The response, whatever the opener is. What it raises becomes a `NoResponseError`."""
        response: Any = None
        try:
            try:
                response = self._opener.open(request, timeout=request.seconds)
            except HTTPError as error:  # urllib raises a response that is no success
                response = error
            try:
                body = bytes(response.read())
                return FullResponse(int(response.status), response.headers, body)
            finally:
                if hasattr(response, "close"):
                    response.close()
        except Exception as error:
            error = _as(Exception, getattr(error, "reason", None), error)  # of a URLError
            acted = request.acted
            if acted is None:
                unsent = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
                acted = response is not None or not isinstance(error, unsent)
            failure = _no_response(request, error, acted)
        raise failure  # out here, it has no context to print

    def close(self) -> None:
        """Close the idle connections. The client may be used again."""
        if isinstance(self._opener, _Wire):
            self._opener.close()

    def __enter__(self) -> ActorTokens:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# ---- The wire
# The client's own opener. It follows no redirects.

MAX_BYTES = 1024 * 1024  # head and body
_TOO_LARGE = f"the response is larger than {MAX_BYTES} bytes"
MAX_IDLE_SECONDS = 4.0  # many servers close idle connections after 5 seconds


def _remaining(deadline: float) -> float:
    """The seconds until the deadline. Never 0, which tells a socket not to wait."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise socket.timeout("timed out")
    return seconds


class _Stream(io.RawIOBase):
    """A socket's bytes until a deadline, and no more of them than a response may have."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline: float | None = None  # None: take what is there, and never wait
        self.allowance = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # Set anew before each wait, or a byte now and then would hold a call. It bounds each
        # recv_into as a whole, over TLS too.
        self.sock.settimeout(0 if self.deadline is None else _remaining(self.deadline))
        try:
            received = self.sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None  # nothing is there
        self.allowance -= received
        if self.allowance < 0:
            raise HTTPException(_TOO_LARGE)
        return received


class _Connection(io.BufferedReader):
    """A connection, and the buffer that `http.client` parses responses from."""

    # Not an HTTPConnection: that drops stray bytes, and its debuglevel prints the key.
    def __init__(self, sock: socket.socket) -> None:
        self._stream = _Stream(sock)
        super().__init__(self._stream)
        self.fell_idle: tuple[int, float] | None = None  # in which process, and when
        self.hang_up = sock.close

    def exchange(self, method: str, message: bytes, deadline: float) -> FullResponse:
        """Send a request. Returns the complete response."""
        self.fell_idle = None
        self._stream.deadline, self._stream.allowance = deadline, MAX_BYTES
        sent = False
        with suppress(OSError):  # the read below says why, or times out, too
            self._stream.sock.settimeout(_remaining(deadline))
            self._stream.sock.sendall(message)  # in one timeout; over TLS in one write
            sent = True
        while True:
            response = HTTPResponse(self, method=method)  # type: ignore[arg-type]
            response.begin()
            if response.status >= 200 or response.status == 101:  # other 1XX precede the response
                break
        body = response.read()
        if sent and response.status != 101 and not response.will_close:
            self.fell_idle = (os.getpid(), time.time())
        return FullResponse(response.status, response.headers, body)

    def is_usable(self) -> bool:
        """Whether it fell idle in this process (not its parent), is fresh, and silent since."""
        process, since = self.fell_idle or (0, 0.0)
        # By the wall clock: time.monotonic may stand still while a Lambda is frozen.
        if process == os.getpid() and 0 <= time.time() - since < MAX_IDLE_SECONDS:
            self._stream.deadline = None
            with suppress(OSError, HTTPException):
                # None, from readinto: nothing came. b"": the end. A byte belongs to no call.
                return self.read(1) is None
        return False

    # For HTTPResponse: it asks a socket for a file, flushes and closes it. Only hang_up() hangs up.
    def makefile(self, mode: str) -> _Connection:
        return self

    def read(self, size: Any = -1, /) -> bytes:
        if size >= MAX_BYTES:  # announced; do not allocate it
            raise HTTPException(_TOO_LARGE)
        return super().read(size)

    def readline(self, size: Any = -1, /) -> bytes:
        line = super().readline(size)
        if len(line) != size and not line.endswith(b"\n"):  # a full one is refused anyway
            # The connection ended, which http.client takes for the head's end.
            raise ConnectionError("the connection ended before the response did")
        return line

    def close(self) -> None:
        pass

    flush = close


def _connect_tcp(host: str, port: int, deadline: float) -> socket.socket:
    """A TCP connection to the first address of `host` that accepts one."""
    failure = OSError(f"{host} has no address")
    addresses: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for position, (*_, address) in enumerate(addresses):
        # A share of the time: a silent address leaves some for the next. The last has all.
        share = _remaining(deadline) / (len(addresses) - position)
        try:
            return socket.create_connection(address[:2], share)
        except OSError as error:
            failure = error
    raise failure


def _message(method: str, target: str, fields: dict[str, Any], body: bytes = b"") -> bytes:
    """A request as bytes. No part has a line end in it: ActorTokens checked key, ID and URL."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class _Wire:
    """An opener for one server."""

    def __init__(self, url: str, ssl_context: ssl.SSLContext | None, max_retries: int) -> None:
        server: Any = urlsplit(url)
        self._host, self._place = server.hostname, server.netloc
        # http is for this machine alone: a proxy would see the key.
        https = server.scheme == "https"
        self._first_hop = (self._host, server.port or (443 if https else 80))
        self._tunnel = b""  # the request for a proxy's tunnel
        self._max_retries = max_retries
        self._idle: deque[_Connection] = deque()  # threads share it: append and pop are atomic
        self._tls = (ssl_context or ssl.create_default_context()) if https else None
        setting = getproxies().get("https") if https else None
        if setting and not proxy_bypass(server.netloc):
            setting = setting if "://" in setting else f"http://{setting}"
            # user:password@ without what urlsplit would take for its end.
            sentence = "HTTPS_PROXY, or the system's proxy, must be http://host:port"
            _check_url(rf"http://([^\s#/?\[\\\]]*@)?{_HOST}(:(?P<port>\d+))?/?", setting, sentence)
            proxy: Any = urlsplit(setting)
            self._place += f" (through the proxy {proxy.hostname})"
            self._first_hop = (proxy.hostname, proxy.port or 80)
            fields = {"Host": server.netloc if server.port else f"{server.netloc}:443"}
            if proxy.username is not None:
                login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
                fields["Proxy-Authorization"] = f"Basic {base64.b64encode(login).decode()}"
            self._tunnel = _message("CONNECT", fields["Host"], fields)

    def open(self, request: ClerkRequest, *, timeout: float) -> FullResponse:
        """Return the response, after retries if safe. `request` has the deadline."""
        request.place, request.acted = self._place, False
        retry = 0
        while True:
            result: FullResponse | Exception
            try:
                result = self._attempt(request)
                if result.status != 429 and not 500 <= result.status < 600:
                    return result
                wait = _read_retry_after(result.headers) or 0.0
            except (OSError, IncompleteRead) as error:  # others would only recur
                result, wait = error, 0.0
            pause = max(wait, min(8.0, 0.5 * 2.0**retry) * random.uniform(0.5, 1))
            safe = request.is_revoke or not request.acted  # revoking twice does no harm
            safe = safe and not isinstance(result, ssl.SSLCertVerificationError)
            in_time = time.monotonic() + pause < request.deadline
            if not (safe and in_time and retry < self._max_retries):
                if isinstance(result, Exception):
                    raise result
                return result
            time.sleep(pause)
            retry += 1

    def _attempt(self, request: ClerkRequest) -> FullResponse:
        body: Any = request.data or b""
        fields = {"Host": request.host, "Content-Length": len(body), **dict(request.header_items())}
        message = _message("POST", request.selector, fields, body)
        _remaining(request.deadline)  # raises: nothing is sent after the deadline
        connection = self._take_idle() or self._connect(request.deadline)
        response = None
        try:
            response = connection.exchange("POST", message, request.deadline)
            return response
        finally:  # after Ctrl-C, too
            # A 429 refuses the request. Any other 4XX does, too, but ends the call.
            request.acted = request.acted or response is None or response.status != 429
            if connection.fell_idle and len(self._idle) < 10:
                self._idle.append(connection)
            else:
                connection.hang_up()  # what comes next over it would belong to no call

    def _connect(self, deadline: float) -> _Connection:
        """A new connection: TCP, the proxy's tunnel if any, TLS unless it is http."""
        sock = _connect_tcp(*self._first_hop, deadline)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tunnel:
                # Parsed as for HEAD: no body. Nothing else is buffered: the server waits for us.
                status = _Connection(sock).exchange("HEAD", self._tunnel, deadline).status
                if not 200 <= status < 300:
                    advice = "; check the proxy's user and password" if status == 407 else ""
                    kind = OSError if status >= 500 else HTTPException  # which is not retried
                    raise kind(f"the proxy responded {status}{advice}")
            if self._tls:  # in two steps: Ctrl-C in the second finds `sock` to close
                sock = self._tls.wrap_socket(
                    sock, do_handshake_on_connect=False, server_hostname=self._host
                )
                sock.settimeout(_remaining(deadline))
                sock.do_handshake()
            _remaining(deadline)  # raise while nothing was sent
            return _Connection(sock)
        except BaseException:
            sock.close()
            raise

    def _take_idle(self) -> _Connection | None:
        """The latest idle connection that is usable. Closes those that are not."""
        with suppress(IndexError):  # no length check: another thread may take the last
            while not (connection := self._idle.pop()).is_usable():
                connection.hang_up()
            return connection
        return None

    def close(self) -> None:
        while connection := self._take_idle():
            connection.hang_up()


# ---- The in-memory stand-in
class Sandbox:
    """Clerk in memory, for tests: `ActorTokens("sk_test_x", opener=Sandbox())`."""

    def __init__(self) -> None:
        self._tokens: dict[str, JSONObject] = {}
        self._failures: deque[FullResponse] = deque()

    def open(self, request: Request, *, timeout: float = 0) -> FullResponse:
        """Return the response to a request."""
        if self._failures:
            return self._failures.popleft()
        if not (request.get_header("Authorization") or "").startswith("Bearer sk_"):
            return _failure(401, "clerk_key_invalid", "The secret key is invalid.")
        if request.selector == "/v1/actor_tokens":
            return self._create(request.data)
        path = re.fullmatch("/v1/actor_tokens/([^/]+)/revoke", request.selector)
        token = self._tokens.get(path[1]) if path else None
        if token is None:
            return _failure(404, "resource_not_found", "There is no such actor token.")
        if token["status"] != "pending":
            said = f"Actor token cannot be revoked because its status is {token['status']}."
            said += " Only pending tokens can be revoked."
            return _failure(400, "actor_token_cannot_be_revoked_code", said)
        token.update(status="revoked", updated_at=int(time.time() * 1000))
        return _json_response(200, token)

    def accept(self, token_id: str | ActorToken) -> None:
        """Play the user who opens the link. Raises `ValueError` if no such token is pending."""
        token_id = token_id.id if isinstance(token_id, ActorToken) else token_id
        token = self._tokens.get(token_id, {})
        _check(token.get("status") == "pending", "token_id must be the ID of a pending token")
        token.update(status="accepted", updated_at=int(time.time() * 1000))

    def fail_next(
        self,
        status_code: int,
        *,
        code: str = "sandbox_failure",
        message: str = "As asked for.",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Let the next call fail with a status from 400 to 599. Called twice: the next two calls.

        `headers`, such as `{"Retry-After": "3"}`, are added. Raises `ValueError` or `TypeError`.
        """
        _check_type("status_code", status_code, int, within=(400, 599))
        failure = _failure(status_code, code, message)
        failure.headers.update(headers or {})
        self._failures.append(failure)

    def _create(self, body: Any) -> FullResponse:
        given = json.loads(body or b"{}")
        sub = _as(dict, given.get("actor"), {}).get("sub")
        if not (_as(str, given.get("user_id"), "") and _as(str, sub, "")):
            return _failure(422, "form_param_missing", "user_id and actor.sub are required.")
        now = int(time.time() * 1000)
        token: JSONObject = {"object": "actor_token", "id": "act_" + os.urandom(14).hex()[:27]}
        token.update(status="pending", user_id=given["user_id"], actor=given["actor"])
        token.update(created_at=now, updated_at=now)
        self._tokens[token["id"]] = token
        ticket = f"eyJ.{os.urandom(40).hex()}.{os.urandom(43).hex()}"
        url = f"https://sandbox.clerk.accounts.dev/v1/tickets/accept?ticket={ticket}"
        return _json_response(200, {**token, "token": ticket, "url": url})


def _json_response(status: int, document: JSONObject) -> FullResponse:
    return FullResponse(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


def _failure(status: int, code: str, said: str) -> FullResponse:
    envelope: JSONObject = {"errors": [{"code": code, "message": said, "long_message": said}]}
    return _json_response(status, {**envelope, "clerk_trace_id": os.urandom(16).hex()})


# ---- The command line
def _tell(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except OSError:  # nobody reads it; the work goes on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _demo() -> int:
    class Narrator(Sandbox):
        def open(self, request: Request, *, timeout: float = 0) -> FullResponse:
            print(f"> POST {request.full_url}\n> Authorization: Bearer sk_test_***")
            response = super().open(request)
            print(f"> {request.data!r}\n< {response.status}\n< {response.getvalue().decode()}")
            return response

    clerk = ActorTokens("sk_test_demo", server_url="https://api.clerk.com/v1", opener=Narrator())
    token = clerk.create("user_1a2b3c", {"sub": "user_9z8y7x", "ticket": "SUP-1"})
    print(f"= {token!r}")
    print(f"= {clerk.revoke(token)!r}")
    try:
        clerk.revoke(token)
    except ClerkErrors as error:
        print(f"= ClerkErrors: {error}")
    return 0


def _create_command(clerk: ActorTokens, options: Any) -> int:
    import webbrowser

    limits = {"expires_in_seconds": options.expires_in}
    limits["session_max_duration_in_seconds"] = options.session_max_duration
    token = clerk.create(options.user, options.actor, **limits)
    times = f"within {options.expires_in} s, for {options.session_max_duration} s at most"
    said = f"{token.actor.get('sub')} may sign in as {token.user_id}, once, {times}"
    _tell(_quote(said))
    if re.fullmatch(_ID, token.id):  # or it would be no command to paste
        _tell(f"To revoke it: clerk-actor-tokens revoke {token.id}")
    url = token.url or ""
    is_link = url.startswith("https://") and url.isprintable()
    if options.json or is_link:
        print(json.dumps(asdict(token), indent=2) if options.json else url, flush=True)
        if not options.open or (is_link and webbrowser.open(url)):
            return 0
    _tell("No browser opened it." if is_link else "There is no link.")
    return 1


def _revoke_command(clerk: ActorTokens, options: Any) -> int:
    status = 0
    for position, token_id in enumerate(options.ids, 1):
        try:
            token = clerk.revoke(token_id)
            print(_quote(token.id), _quote(token.status), flush=True)
        except (ClerkBaseError, ValueError, OSError) as error:  # OSError: nobody reads the output
            _tell(f"ID number {position}: {error}")
            status = max(status, 2 if isinstance(error, ValueError) else 1)
    return status


def _run(arguments: list[str] | None) -> int:
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:  # argparse's own quotes a key as it is
            self.exit(2, f"{self.format_usage()}{self.prog}: {_quote(message)}\n")

    def actor(text: str) -> Any:  # if it fails, argparse names the option
        text = text.strip()
        return _read_json(text) if text.startswith(("{", "[", '"')) else text

    parser = Parser(prog="clerk-actor-tokens", epilog="The secret key is in CLERK_SECRET_KEY.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="try it")
    create = commands.add_parser("create", help="create a token; print its URL")
    create.add_argument("user", help="whom to sign in as")
    create.add_argument("--actor", type=actor, required=True, help='ID, or JSON: {"sub": ID, ...}')
    create.add_argument("--expires-in", type=int, default=3600, help="seconds the link works")
    create.add_argument("--session-max-duration", type=int, default=1800, help="seconds signed in")
    create.add_argument("--json", action="store_true", help="print the whole token")
    create.add_argument("--open", action="store_true", help="open the link")
    revoke = commands.add_parser("revoke", help="revoke pending tokens")
    revoke.add_argument("ids", nargs="+", help="their IDs: act_...")
    options = parser.parse_args(arguments)
    if options.command == "demo":
        return _demo()
    _check("CLERK_SECRET_KEY" in os.environ, "CLERK_SECRET_KEY is not set (`demo` needs no key)")
    run = _create_command if options.command == "create" else _revoke_command
    return run(ActorTokens(), options)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns the exit status."""
    try:
        try:
            status = _run(arguments)
        except SystemExit as end:  # argparse, after --help too
            status = int(end.code or 0)
        sys.stdout.flush()
        return status
    except (ClerkBaseError, ValueError, TypeError, RecursionError) as error:
        status, sentence = 1 if isinstance(error, ClerkBaseError) else 2, str(error)
    except OSError as error:  # nobody reads the output; Python's last flush must not fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status, sentence = 1, str(error)
    except KeyboardInterrupt:
        status, sentence = 130, "Interrupted; Clerk may have acted"
    _tell(f"clerk-actor-tokens: {sentence}")
    return status


if __name__ == "__main__":
    sys.exit(main())
