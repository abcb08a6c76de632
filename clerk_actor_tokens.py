# clerk-actor-tokens 2.0.0: one file, made to be copied. (This line tells a copy's version.)
# SPDX-FileCopyrightText: 2026 The clerk-actor-tokens authors
# SPDX-License-Identifier: MIT
"""Create and revoke Clerk actor tokens: one-time links that let support sign in as a user.

    from clerk_actor_tokens import ActorTokens

    clerk = ActorTokens("sk_test_...")  # or ActorTokens(), which reads CLERK_SECRET_KEY
    token = clerk.create(user_id="user_customer", actor="user_engineer")
    print(token.url)
    clerk.revoke(token)

CPython 3.9 or later, nothing else. Try it: `python3 clerk_actor_tokens.py demo`.
Clerk's description of its API: https://github.com/clerk/openapi-specs (bapi/2026-05-12.yml).
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
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message  # headers, whose names are case-insensitive
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import Request, getproxies, proxy_bypass

# To type checkers, this name means True. At run time, importing `typing` would slow a cold start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    JSONObject = dict[str, Any]
else:
    Protocol = object
    JSONObject = dict

__version__ = "2.0.0"
__all__ = [
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
]

# ---- What decides about security: versions, limits, and where the key may be sent

API_VERSION = "2026-05-12"  # pins the shape of Clerk's responses
MAX_RESPONSE_BYTES = 1024 * 1024  # head and body; an opener of your own sets its own limit
MAX_HEAD_BYTES = 16 * 1024  # Python can take seconds to parse a large head that is malformed
MAX_TIMEOUT = 86_400  # seconds: a day
MAX_IDLE_SECONDS = 4.0  # many servers close idle connections after 5 seconds
MAX_IDLE_CONNECTIONS = 10

# Where the key may be sent: anywhere over https, and over http to this machine only. This is not
# left to urlsplit, which drops line ends and takes [::1].evil.com for ::1.
_HOST = r"([\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])"
_THIS_MACHINE = r"(localhost|127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])"
_PORT = r"(:\d{1,5})?"
_PATH = r"(/[\w.~%/-]*)?"
_SERVER_URLS = (rf"https://{_HOST}{_PORT}{_PATH}", rf"http://{_THIS_MACHINE}{_PORT}{_PATH}")
# The login has none of the characters at which a parser of URLs could end it, and take the rest of
# it for the host.
_PROXY_URLS = (rf"http://([^\s#/?\[\]\\]*@)?{_HOST}{_PORT}/?",)

# Which IDs may stand in a URL. With dots, slashes or % in them, they could reach another path.
_ID = "[A-Za-z0-9_-]+"


# ---- Results


@dataclass(frozen=True)
class ActorToken:
    """An actor token, with the fields that Clerk documents. `dataclasses.asdict` gives its JSON.

    Keep `id`, which revokes it: Clerk has no operation that finds a token again. `status` is
    "pending", "accepted", "revoked", or a status that Clerk adds later. `created_at` and
    `updated_at` are Unix times in milliseconds. `token` and `url` are secrets, which the repr
    leaves out: whoever opens the URL first *is* that user.
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


# What the fields are in JSON. The types are compared exactly: True is an instance of int.
_JSON_TYPES = {
    "text": (str,),
    "text or null": (str, type(None)),
    "an object": (dict,),
    "a whole number": (int,),
}
_TOKEN_FIELDS = {
    "object": "text",
    "id": "text",
    "status": "text",
    "user_id": "text",
    "actor": "an object",
    "created_at": "a whole number",
    "updated_at": "a whole number",
    "token": "text or null",
    "url": "text or null",
}


@dataclass(frozen=True)
class ClerkError:
    """One entry of the errors in Clerk's response. A text that Clerk left out is ""."""

    code: str
    message: str
    long_message: str
    meta: JSONObject | None = field(default=None, hash=False)


# ---- Errors
# They are dataclasses, so that `__init__` is typed. All fields but the message have defaults:
# pickle and copy make an exception from its message alone, and restore its attributes afterwards.


@dataclass(eq=False, repr=False)
class ClerkBaseError(Exception):
    """What a failed call raises. (Invalid arguments raise `ValueError` or `TypeError`.)

    `message`, the same as `str()`, is one line without the key, or what looks like a token.
    `outcome_unknown` is True if Clerk may have acted: a create may have made a token whose ID is
    lost. It is False if Clerk did not act: nothing was sent, or what was sent got a 3XX or 4XX.
    """

    message: str
    outcome_unknown: bool = True

    def __post_init__(self) -> None:
        super().__init__(self.message)


@dataclass(eq=False, repr=False)
class SDKError(ClerkBaseError):
    """A response whose status is not a success, such as a gateway's page or a redirect."""

    status_code: int = 0
    headers: Message = field(default_factory=Message)
    body: str = ""  # keep it out of logs: only the key is masked in it
    retry_after: float | None = None  # in seconds


@dataclass(eq=False, repr=False)
class ClerkErrors(SDKError):
    """Clerk's own error response: a 4XX or 5XX with `errors`."""

    errors: tuple[ClerkError, ...] = ()
    clerk_trace_id: str | None = None  # what Clerk's support asks for
    meta: JSONObject | None = None


@dataclass(eq=False, repr=False)
class ResponseValidationError(ClerkBaseError):
    """A success that is not an actor token."""

    status_code: int = 0
    headers: Message = field(default_factory=Message)
    body: str = ""  # a secret: it may have a token in it


class NoResponseError(ClerkBaseError):
    """No complete HTTP response came."""


class RequestTimeoutError(NoResponseError, TimeoutError):
    """The call's `timeout` passed before a complete response came."""


# ---- The client


class Response(Protocol):
    """What an opener returns. `headers` has `items()`, as a dict and `http.client`'s headers do."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Any: ...
    def read(self) -> bytes: ...


class Opener(Protocol):
    """What can take the place of the network, such as `Sandbox()` or urllib's `build_opener()`.

    The request holds the key. Where it goes (by which proxies and redirects), how often and for
    how long is the opener's own business. `timeout` is in seconds.

    A response that is no success may be returned, or raised as `urllib.error.HTTPError`. An
    `OSError` or `http.client.HTTPException` becomes a `NoResponseError`; so does a `ValueError`
    from reading a response, which is how `http.client` refuses some. Any other exception reaches
    the caller as it is.
    """

    def open(self, request: Request, /, *, timeout: float) -> Response: ...


class ActorTokens:
    """Creates and revokes actor tokens. Threads may share one client.

    Parameters:
        secret_key: `sk_...`. If None: the environment variable CLERK_SECRET_KEY.
        server_url: Clerk's address, with `/v1`. If None: the environment variable CLERK_API_URL,
            with or without `/v1`, or else https://api.clerk.com/v1.
        timeout: seconds for a whole call, with its retries. (Only the look-up of a host's name may
            take longer: nothing can interrupt it.)
        max_retries: the maximum number of retries of a call. A create is retried if making a
            connection failed, and after a 429; a revoke also after a 5XX or a lost connection.
            An invalid certificate and a proxy's 3XX or 4XX end the call at once.
        ssl_context: the TLS settings. If None: `ssl.create_default_context()`.
        opener: takes the place of the network. It is asked once a call, without retries.

    The proxy is read here, as urllib does: HTTPS_PROXY and NO_PROXY, or the system's settings.
    Raises `ValueError` or `TypeError` if an argument, a variable or the proxy's URL is invalid, and
    `OSError` if TLS cannot be set up.
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
        # Error trackers send the local variables of each frame: none of them may hold the key.
        self._key = os.environ.get("CLERK_SECRET_KEY", "") if secret_key is None else secret_key
        del secret_key

        if server_url is None:
            base = os.environ.get("CLERK_API_URL", "").strip() or "https://api.clerk.com"
            server_url = base.rstrip("/").removesuffix("/v1") + "/v1"
        server = _split_url(
            _SERVER_URLS,
            server_url,
            "server_url (or CLERK_API_URL) must be a URL such as https://api.clerk.com/v1, with a "
            "port up to 65535 if any; http:// may only lead to this machine",
        )
        self._server_url = server_url.rstrip("/")
        _require_number("timeout", timeout, (int, float), "a number of seconds", 0.001, MAX_TIMEOUT)
        self._timeout = timeout
        _require_number("max_retries", max_retries, int, "a whole number", 0, 1000)
        is_context = ssl_context is None or isinstance(ssl_context, ssl.SSLContext)
        _require(is_context, "ssl_context must be an ssl.SSLContext")

        self._transport: _Wire | _OpenerTransport
        if opener is None:
            self._transport = _Wire(server, ssl_context, max_retries)
            # Not in __del__: the sockets may be collected before that, each with a ResourceWarning.
            weakref.finalize(self, self._transport.close)
        else:
            is_opener = hasattr(opener, "open") and not isinstance(opener, type)
            _require(is_opener, "opener must be an object (and no class) with a method open")
            _require(ssl_context is None, "ssl_context has no effect beside an opener")
            self._transport = _OpenerTransport(opener)

        # Last: what the checks above raise has no frame that works on the key.
        self._require_key()

    def create(
        self,
        user_id: str,
        actor: str | Mapping[str, object],
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
            expires_in_seconds: how long the link works, in seconds.
            session_max_duration_in_seconds: how long its session may last, in seconds.
            timeout: seconds for this call, in place of the client's. If no time is left (0 or
                less), nothing is sent, and `RequestTimeoutError` is raised.

        Raises `ValueError` or `TypeError` for an invalid argument, before anything is sent, or a
        `ClerkBaseError`: `ClerkErrors` with 402 if the plan has no impersonation, with 422 if an
        argument is invalid or the plan's impersonations are used up.
        """
        start = time.monotonic()  # first: to read a large actor takes a while
        self._require_id("user_id", user_id)
        claims = self._read_claims(actor)
        limits = {
            "expires_in_seconds": expires_in_seconds,
            "session_max_duration_in_seconds": session_max_duration_in_seconds,
        }
        for name, seconds in limits.items():
            _require_number(name, seconds, int, "a whole number of seconds", 1, 2**63 - 1)
        body = _encode({"user_id": user_id, "actor": claims, **limits})
        return self._call("/actor_tokens", body, start, timeout, is_revoke=False)

    def revoke(
        self, actor_token_id: str | ActorToken, *, timeout: float | None = None
    ) -> ActorToken:
        """Revoke a pending token. Returns it. Once the link has been opened, it cannot be revoked.

        Parameters:
            actor_token_id: the token's ID, or the `ActorToken` itself.
            timeout: as in `create`.

        Raises what `create` raises: `ClerkErrors` with 404 if there is no such token, with 400
        (`actor_token_cannot_be_revoked_code`) if it is not pending. After a lost response, that
        may mean that the first attempt has revoked it.
        """
        start = time.monotonic()
        token_id = actor_token_id.id if isinstance(actor_token_id, ActorToken) else actor_token_id
        self._require_id("actor_token_id", token_id)
        _require(
            re.fullmatch(_ID, token_id),
            "actor_token_id must be the token's ID (act_...), not its token or URL",
        )
        path = "/actor_tokens/" + token_id + "/revoke"
        return self._call(path, None, start, timeout, is_revoke=True)

    def close(self) -> None:
        """Close the idle connections. The client may be used again."""
        self._transport.close()

    def __enter__(self) -> ActorTokens:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(
        self, path: str, body: bytes | None, start: float, timeout: float | None, *, is_revoke: bool
    ) -> ActorToken:
        """Make one call. Returns the token in its response."""
        seconds = self._timeout if timeout is None else timeout
        # 0 or less is valid: an AWS Lambda function computes it when it has no time left.
        numbers = (int, float)
        _require_number(
            "timeout", seconds, numbers, "a number of seconds", -MAX_TIMEOUT, MAX_TIMEOUT
        )
        via = self._transport.via
        request = _Request(self._server_url + path, body, is_revoke=is_revoke, via=via)
        # Unredirected: urllib sends other headers to wherever a redirect leads.
        request.add_unredirected_header("Authorization", f"Bearer {self._key}")

        outcome: _Response | _Failure
        if time.monotonic() < start + seconds:
            outcome = self._transport.send(request, start, seconds)
        else:
            outcome = _Failure(socket.timeout("timed out"), sent=False)

        # Errors are raised here, where no exception is being handled and no local variable shows
        # a secret: an error tracker would send both.
        if isinstance(outcome, _Failure):
            error = _failure_error(outcome, request, seconds, self._mask)
            raise error from outcome.cause
        if not 200 <= outcome.status < 300:
            raise _status_error(outcome, request, self._mask)
        try:
            return _parse_token(outcome)
        except ValueError as invalid:
            fault = str(invalid)
        raise _token_error(outcome, request, fault, self._mask)

    def _mask(self, text: object) -> str:
        """Text from outside without the key: some gateways send it back."""
        return str(text).replace(self._key, "***")

    def _require_key(self) -> None:
        if not isinstance(self._key, str):
            raise TypeError("secret_key must be a str")
        # A key from a file or from a Windows shell has a line end or a blank after it.
        self._key = self._key.strip()
        _require(self._key, "There is no secret key: set CLERK_SECRET_KEY, or pass secret_key")
        _require(
            # The characters that may follow "Bearer": RFC 6750, section 2.1.
            re.fullmatch("sk_[A-Za-z0-9._~+/-]+=*", self._key),
            "secret_key (or CLERK_SECRET_KEY) is not a secret key, which begins with sk_test_ or "
            "sk_live_, without quotes, blanks or 'Bearer'. Copy it from Clerk's dashboard, API keys"
            " (pk_... is the publishable key)",
        )

    def _require_id(self, name: str, value: Any) -> None:
        # (If it is the key, this frame has it, as the caller's has.)
        _require_type(name, value, str, "an ID, as a str")
        is_key = self._key in value or value.startswith(("sk_", "pk_"))
        is_id = value and value == value.strip() and value.isprintable() and not is_key
        _require(is_id, f"{name} must be an ID, without blanks around it, and not a key")

    def _read_claims(self, actor: str | Mapping[str, object]) -> JSONObject:
        """The actor as the JSON object that Clerk wants."""
        _require_type("actor", actor, (str, Mapping), "a str or a mapping")
        claims = {"sub": actor} if isinstance(actor, str) else dict(actor)
        _require("sub" in claims, "actor has no sub: the ID of the user who will impersonate")
        sub = claims["sub"]
        is_json = isinstance(sub, str) and sub.lstrip().startswith(("{", "[", '"'))
        _require(not is_json, "actor is JSON as text: pass the object itself, or an ID")
        self._require_id("the sub of actor", sub)
        return claims


class _Request(Request):
    """The request of a create or a revoke."""

    def __init__(self, url: str, body: bytes | None, *, is_revoke: bool, via: str) -> None:
        headers = {
            "Accept": "application/json",
            "Clerk-API-Version": API_VERSION,
            "User-Agent": f"clerk-actor-tokens/{__version__}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        super().__init__(url, body, headers, method="POST")
        self.is_revoke = is_revoke  # which does no harm when it is repeated
        self.place = self.host + via  # for messages: urllib's proxy handler changes `host`


# ---- Checks of arguments. No message quotes a text: it may be a secret.


def _require(condition: object, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)


def _require_type(name: str, value: object, kinds: Any, words: str) -> None:
    if not isinstance(value, kinds) or isinstance(value, bool):  # True is an int, but no number
        raise TypeError(f"{name} must be {words}")


def _require_number(
    name: str, value: float, kinds: Any, unit: str, least: float, most: float
) -> None:
    words = f"{unit} from {least:,} to {most:,}"
    _require_type(name, value, kinds, words)
    _require(least <= value <= most, f"{name} must be {words}")


def _split_url(patterns: tuple[str, ...], url: str, sentence: str) -> SplitResult:
    """The parts of a URL that matches one of the patterns."""
    # Other characters than ASCII's may look like a slash or a dot, and become one.
    is_text = isinstance(url, str) and url.isascii()
    if is_text and any(re.fullmatch(pattern, url, re.IGNORECASE) for pattern in patterns):
        with suppress(ValueError):  # an invalid IPv6 address, or a port over 65535
            parts = urlsplit(url)
            if parts.port != 0:
                return parts
    raise ValueError(sentence)


def _refuse_claim(value: object) -> None:
    raise TypeError(f"actor has a {type(value).__name__} in it, which JSON cannot hold")


_to_json = json.JSONEncoder(
    default=_refuse_claim, allow_nan=False, ensure_ascii=False, separators=(",", ":")
).encode


def _encode(document: JSONObject) -> bytes:
    """The body of a create, if JSON holds the actor in it unchanged."""
    with suppress(ValueError, RecursionError):
        text = _to_json(document)
        if json.loads(text) == document:
            return text.encode()  # fails on half a surrogate pair
    raise ValueError(
        "actor must be what JSON holds unchanged: text as keys, lists and no tuples, finite "
        "numbers, valid Unicode, no loops, no great depth"
    )


# ---- From a response to a result or an error


_CHECK_ADDRESS = "Check server_url or CLERK_API_URL"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")  # but Python reads NaN and Infinity


_from_json = json.JSONDecoder(parse_constant=_refuse_constant).decode


class _Response:
    """A complete response, of whatever status.

    Its body may hold a token, and error trackers send the local variables of each frame. So what
    a success says is passed on as this object, which they show without its attributes.
    """

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.document: Any = None  # see `read_json`
        # Only a redirect or a refusal says that Clerk did not act.
        self.may_have_acted = not 300 <= status < 500
        self.is_transient = status == 429 or status >= 500

    def read_json(self) -> None:
        """Set `document` to the JSON object in the body. Raises `ValueError`, quoting nothing."""
        with suppress(ValueError, RecursionError):
            self.document = _from_json(self.body.decode("utf-8-sig"))  # maybe a byte-order mark
        if not isinstance(self.document, dict):
            self.document = {}
            raise ValueError(f"it is not JSON, or no JSON object. {_CHECK_ADDRESS}")


class _ProxyRefusal(OSError):
    """The proxy responded with this status, and made no tunnel."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the proxy responded {status}")
        self.status = status


class _Failure:
    """No complete response: why, and whether the request was sent."""

    def __init__(self, error: Exception, *, sent: bool) -> None:
        self.error = error
        # What a traceback shows. None with an opener, whose exceptions may hold the request.
        self.cause: OSError | None = None
        self.headers = Message()  # none came
        self.may_have_acted = sent
        # With an errno, it is the system's own time limit, and not the call's timeout.
        is_time_limit = isinstance(error, (TimeoutError, socket.timeout))
        self.is_timeout = is_time_limit and not getattr(error, "errno", None)

        # What is no OSError comes from http.client, for a response that is invalid. A retry would
        # only get it again, as it would an invalid certificate or a proxy's 3XX or 4XX.
        self.is_transient = isinstance(error, OSError) and not self.is_timeout
        if isinstance(error, ssl.SSLCertVerificationError):
            self.is_transient = False
        if isinstance(error, _ProxyRefusal):
            self.is_transient = error.status >= 500


def _parse_token(response: _Response) -> ActorToken:
    """The actor token in a success. Raises `ValueError`, whose text quotes nothing of it."""
    response.read_json()
    for name, kind in _TOKEN_FIELDS.items():
        if type(response.document.get(name)) not in _JSON_TYPES[kind]:
            raise ValueError(f"its {name} should be {kind}")
    if response.document["object"] != "actor_token":
        raise ValueError("its object should be actor_token")
    return ActorToken(**{name: response.document.get(name) for name in _TOKEN_FIELDS})


def _parse_errors(document: JSONObject) -> tuple[ClerkError, ...] | None:
    """The errors in Clerk's envelope, or None if it is not one."""
    entries = _take(document, "errors", list)
    if entries is None:
        return None
    errors = []
    for entry in entries:
        if not isinstance(entry, dict) or not _take(entry, "code", str):
            return None
        message = _take(entry, "message", str) or ""
        long_message = _take(entry, "long_message", str) or ""
        errors.append(ClerkError(entry["code"], message, long_message, _take(entry, "meta", dict)))
    return tuple(errors)


def _take(document: JSONObject, name: str, kind: Any) -> Any:
    """A field of a JSON object, if it is of that type, or else None."""
    value = document.get(name)
    return value if isinstance(value, kind) else None


def _retry_after(headers: Any) -> float | None:
    """The seconds that `Retry-After` asks to wait."""
    value = str(headers.get("Retry-After", "")).strip()
    return float(value) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value) else None


def _quote(text: object) -> str:
    """Text from outside as one short line, without what looks like a key or a token."""
    line = str(text)[:20_000]  # a page may have a megabyte
    line = re.sub(r"(?<![A-Za-z0-9])sk_[\w.~+/=-]+|sk_(test|live)_[\w.~+/=-]+", "***", line)
    # A token is a JWT, which is long and in mixed case. IDs are shorter; error codes and trace IDs
    # may be as long, but they are lower-case.
    line = re.sub(r"[\w.=-]{40,}", lambda match: match[0] if match[0].islower() else "***", line)
    line = "".join(character if character.isprintable() else " " for character in line)
    line = " ".join(line.split()).rstrip(".: ")
    return line if len(line) <= 200 else line[:199] + "…"


def _join(*sentences: str) -> str:
    return " ".join(sentence.rstrip(".") + "." for sentence in sentences if sentence)


def _doubt(request: _Request, may_have_acted: bool) -> str:
    """What to know before a retry, if Clerk may have acted."""
    if not may_have_acted:
        return ""
    if request.is_revoke:
        return "Clerk may have revoked the token; a retry is safe"
    return "Clerk may have created a token; a retry could create another"


def _facts(response: _Response, mask: Callable[[object], str]) -> dict[str, Any]:
    """What every exception about a response has among its attributes."""
    headers = Message()
    for name, value in (response.headers or {}).items():
        headers[mask(name)] = mask(value)
    return {
        "status_code": response.status,
        "headers": headers,
        "body": mask(response.body.decode("utf-8-sig", "replace")),
        "outcome_unknown": response.may_have_acted,
    }


def _token_error(
    response: _Response, request: _Request, fault: str, mask: Callable[[object], str]
) -> ResponseValidationError:
    """The error for a success that is not an actor token."""
    facts = _facts(response, mask)
    kind = _quote(facts["headers"].get("Content-Type", "unknown type"))
    received = f"{len(response.body)} bytes of {kind}"
    happened = f"{request.place} responded {response.status} to POST {request.selector}"
    message = _join(
        f"{happened} with {received}, but {fault}", _doubt(request, response.may_have_acted)
    )
    return ResponseValidationError(message, **facts)


def _status_error(
    response: _Response, request: _Request, mask: Callable[[object], str]
) -> SDKError:
    """The error for a response whose status is not a success."""
    status = response.status
    facts = _facts(response, mask)
    response.body = facts["body"].encode()
    with suppress(ValueError):
        response.read_json()
    document = response.document
    errors = _parse_errors(document) if 400 <= status < 600 else None
    trace_id = _take(document, "clerk_trace_id", str)

    location = facts["headers"]["Location"] if 300 <= status < 400 else None
    said = _what_it_says(errors, trace_id, document, location, facts["body"])
    happened = f"{request.place} responded {status} to POST {request.selector}"
    message = _join(
        f"{happened}: {said}" if said else happened,
        _advice(status, from_clerk=errors is not None, is_revoke=request.is_revoke),
        _doubt(request, response.may_have_acted),
    )
    seconds = _retry_after(facts["headers"])
    if errors is None:
        return SDKError(message, retry_after=seconds, **facts)
    return ClerkErrors(
        message,
        errors=errors,
        clerk_trace_id=trace_id,
        meta=_take(document, "meta", dict),
        retry_after=seconds,
        **facts,
    )


def _what_it_says(
    errors: tuple[ClerkError, ...] | None,
    trace_id: str | None,
    document: JSONObject,
    location: object,
    body: str,
) -> str:
    """What to quote of a response that is no success."""
    texts = [body]
    if errors is not None:
        texts = [f"{error.code}: {error.long_message or error.message}" for error in errors[:10]]
        texts.append(f"trace ID {trace_id}" if trace_id else "")
    elif location:
        texts = [f"a redirect to {location}, which is not followed"]
    elif body.lstrip().startswith(("{", "[", '"')):  # other parts of JSON may hold a token
        texts = [_take(document, "message", str) or _take(document, "detail", str) or ""]
    return "; ".join(filter(None, map(_quote, texts)))


def _advice(status: int, *, from_clerk: bool, is_revoke: bool) -> str:
    """What to do about a status, in Clerk's own response or in somebody else's page."""
    if status == 401:
        return "Check the secret key"
    if status == 402:
        return "The Clerk plan does not include impersonation"
    if status == 404 and from_clerk:
        if is_revoke:
            return "Check the token's ID, and that the key is of the same Clerk instance"
        return "Check the user IDs: user_..., not an e-mail address"
    return _CHECK_ADDRESS if status == 404 or status < 400 else ""


def _failure_error(
    failure: _Failure, request: _Request, seconds: float, mask: Callable[[object], str]
) -> NoResponseError:
    """The error for a call without a complete response."""
    error = failure.error
    acted = failure.may_have_acted
    happened = f"POST {request.selector}: no complete response from {request.place}"
    outcome = _doubt(request, acted) or "Clerk did not act; a retry is safe"
    if failure.is_timeout:
        message = _join(f"{happened} within {seconds:g} seconds", outcome)
        return RequestTimeoutError(message, outcome_unknown=acted)

    advice = ""
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = _certificate_advice(error)
        if not acted:
            outcome = "Clerk did not act"  # and a retry would be of no use
    elif isinstance(error, _ProxyRefusal) and error.status == 407:
        advice = "Check the proxy's user and password"
    reason = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or error
    text = _quote(mask(reason))
    name = type(error).__name__
    if not text or (not isinstance(error, OSError) and name not in text):
        text = f"{name}: {text}".rstrip(": ")  # http.client's texts say little without it
    return NoResponseError(_join(f"{happened}: {text}", advice, outcome), outcome_unknown=acted)


def _certificate_advice(error: ssl.SSLCertVerificationError) -> str:
    # OpenSSL's X509_V_ERR_... An exception that does not come from OpenSSL may have none.
    code = getattr(error, "verify_code", None)
    if code in (9, 10):  # not valid yet, or no longer
        return "Check this machine's clock"
    if code in (62, 64):  # of another host, or of another IP address
        return _CHECK_ADDRESS
    path = os.environ.get("SSL_CERT_FILE")
    if path and not os.path.exists(path):
        return "SSL_CERT_FILE names a file that does not exist"
    return (
        "On a Mac, run Python's 'Install Certificates.command'. Behind a company's proxy, set "
        "SSL_CERT_FILE to a file with its certificate, or pass ssl_context"
    )


# ---- The wire
# http.client writes the requests and reads the responses. What is added here:
# - One deadline. http.client talks over a _Connection, which sets the socket's timeout to what is
#   left before each wait. So a byte now and then gains nothing. Requests are written to memory
#   first, and go out at once: the frames that wait for the network hold no headers.
# - Retries. An attempt gives a _Response or a _Failure, and one rule for both operations says
#   whether another may follow: never after an attempt on which Clerk may have acted, except for
#   a revoke, which does no harm when it is repeated.
# - Idle connections. One is used again only if it fell idle in this process, a few seconds ago at
#   most, and nothing came over it since: what comes between two calls belongs to neither.


class _Wire:
    """The connections to one server, directly or through a proxy. Follows no redirects."""

    def __init__(
        self, server: SplitResult, ssl_context: ssl.SSLContext | None, max_retries: int
    ) -> None:
        is_https = server.scheme == "https"
        self._host_port = server.netloc
        if server.port is None:
            self._host_port += ":443" if is_https else ":80"
        self._max_retries = max_retries
        self._idle: deque[_Connection] = deque()  # threads share it: append and pop are atomic

        self._tls: ssl.SSLContext | None = None
        self._proxy: SplitResult | None = None
        self.via = ""
        # http is for this machine alone: a proxy would see the key.
        if is_https:
            self._tls = ssl_context or ssl.create_default_context()
            self._proxy = _find_proxy(server.netloc)
        if self._proxy:
            self.via = f" (through the proxy {self._proxy.hostname})"

    def send(self, request: _Request, start: float, seconds: float) -> _Response | _Failure:
        """Send a request, with retries where they are safe."""
        deadline = start + seconds
        may_have_acted = False
        retries = 0
        while True:
            outcome = self._attempt(request, deadline)
            # An attempt that was lost leaves a doubt, which a later refusal does not remove.
            may_have_acted = may_have_acted or outcome.may_have_acted
            outcome.may_have_acted = may_have_acted

            is_safe = request.is_revoke or not may_have_acted
            if not (outcome.is_transient and is_safe and retries < self._max_retries):
                return outcome
            pause = min(8.0, 0.5 * 2.0**retries) * random.uniform(0.5, 1)
            pause = max(pause, _retry_after(outcome.headers) or 0)
            if time.monotonic() + pause >= deadline:
                return outcome
            time.sleep(pause)
            retries += 1

    def close(self) -> None:
        while connection := self._pop_idle():
            connection.hang_up()

    def _attempt(self, request: _Request, deadline: float) -> _Response | _Failure:
        """Send a request once."""
        http = _http_client(self._host_port, self._tls)
        connection = None
        sent = False
        try:
            connection = self._take_idle() or self._connect(http, deadline)
            # Until exchange() has read a complete response: anything else may leave a part of this
            # request or of its response behind.
            connection.is_reusable = False
            http.sock = connection
            http.request("POST", request.selector, request.data, dict(request.header_items()))
            _remaining(deadline)  # if this raises, nothing was sent
            sent = True
            return connection.exchange(http, deadline)
        except (OSError, HTTPException, ValueError) as error:
            failure = _Failure(error, sent=sent)
            if isinstance(error, OSError):
                # Without its frames and its chain, which hold the request.
                error.__cause__ = None
                error.__context__ = None
                failure.cause = error.with_traceback(None)
            return failure
        finally:  # after Ctrl-C, too
            if connection:
                self._keep_or_hang_up(connection)

    def _keep_or_hang_up(self, connection: _Connection) -> None:
        if connection.is_reusable and len(self._idle) < MAX_IDLE_CONNECTIONS:
            connection.idle_in = os.getpid()
            # By the wall clock: time.monotonic may stand still while a Lambda is frozen.
            connection.idle_since = time.time()
            self._idle.append(connection)
        else:
            connection.hang_up()

    def _take_idle(self) -> _Connection | None:
        """The oldest idle connection that is usable. So after a burst, stale ones get closed."""
        while connection := self._pop_idle():
            if connection.is_usable():
                return connection
            connection.hang_up()
        return None

    def _pop_idle(self) -> _Connection | None:
        with suppress(IndexError):  # no length check: another thread may take the last
            return self._idle.popleft()
        return None

    def _connect(self, http: HTTPConnection, deadline: float) -> _Connection:
        """A new connection: TCP, the proxy's tunnel if any, TLS unless it is http."""
        hop = http
        if self._proxy:
            # The login goes into a header.
            hop = _http_client(self._proxy.netloc.rpartition("@")[2], None)
        sock = _connect_tcp(hop.host, hop.port, deadline)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small packets never wait
            if self._proxy:
                tunnel = _Connection(sock)
                hop.sock = tunnel
                headers = {"Host": self._host_port}
                hop.request("CONNECT", self._host_port, None, headers | _proxy_login(self._proxy))
                status = tunnel.send_and_read_head(hop, deadline).status
                if not 200 <= status < 300:
                    raise _ProxyRefusal(status)
            if self._tls:
                # This shakes hands, too. It must: a truststore.SSLContext verifies in here.
                sock.settimeout(_remaining(deadline))
                sock = self._tls.wrap_socket(sock, server_hostname=http.host)
            return _Connection(sock)
        except BaseException:
            sock.close()
            raise


def _find_proxy(netloc: str) -> SplitResult | None:
    """The URL of the proxy for an https server, as urllib finds it."""
    setting = getproxies().get("https", "").strip()
    if not setting or proxy_bypass(netloc):
        return None
    url = setting if "://" in setting else f"http://{setting}"
    return _split_url(
        _PROXY_URLS,
        url,
        "HTTPS_PROXY, or the system's proxy, must be http://host:port or http://login@host:port, "
        "with the login percent-encoded and a port up to 65535",
    )


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def _connect_tcp(host: str, port: int, deadline: float) -> socket.socket:
    """A TCP connection to the first address of `host` that accepts one."""
    failure = OSError(f"{host} has no address")
    # By position: some programs replace getaddrinfo by a function that takes no keywords.
    addresses: Any = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    for position, (*_, address) in enumerate(addresses):
        # A share of the time: a silent address leaves some for the next. The last has all.
        share = _remaining(deadline) / (len(addresses) - position)
        try:
            return socket.create_connection(address[:2], share)  # a number: no second look-up
        except OSError as error:
            failure = error
    raise failure


def _http_client(host_port: str, tls: ssl.SSLContext | None) -> HTTPConnection:
    """http.client for one request. It is given a connection, and opens none itself."""
    # HTTPSConnection shows tracers an https URL, and leaves :443 out of the header Host.
    http = HTTPSConnection(host_port, context=tls) if tls else HTTPConnection(host_port)
    http.set_debuglevel(0)  # a program may have set the class's, which prints the key
    return http


def _remaining(deadline: float) -> float:
    """The seconds until the deadline. Never 0, which tells a socket not to wait."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise socket.timeout("timed out")
    return seconds


_TOO_LARGE = (
    f"the response is larger than {MAX_RESPONSE_BYTES} bytes, or its head than {MAX_HEAD_BYTES}"
)


class _Reader(io.BufferedReader):
    def close(self) -> None:
        """Do nothing: http.client closes it after each response. But it may hold further bytes,
        which must be noticed before the connection is used again."""


class _Connection(io.RawIOBase):
    """What http.client takes for a socket: a connection, for one request after another."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._request = b""
        self._all_sent = False
        self._deadline: float | None = None  # None: take what has come, and never wait
        self._allowance = 0
        self._may_end = False
        self._reader = _Reader(self)
        self.is_reusable = False
        self.idle_in = 0  # the ID of a process
        self.idle_since = 0.0

    def exchange(self, http: HTTPConnection, deadline: float) -> _Response:
        """Send the request that was written. Returns the complete response."""
        head = self.send_and_read_head(http, deadline)
        if head.status < 200:
            raise HTTPException(f"an interim response, {head.status}, in place of the response")
        if (head.length or 0) > MAX_RESPONSE_BYTES:
            raise HTTPException(_TOO_LARGE)

        self._allowance += MAX_RESPONSE_BYTES - MAX_HEAD_BYTES
        # Unless the head says how long the body is, it lasts until the connection ends.
        self._may_end = head.length is None and not head.chunked
        # With a limit, or http.client would allocate as much as a chunk announces.
        response = _Response(head.status, head.headers, head.read(MAX_RESPONSE_BYTES))
        self.is_reusable = self._all_sent and not head.will_close
        return response

    def send_and_read_head(self, http: HTTPConnection, deadline: float) -> HTTPResponse:
        """Send the request that was written. Returns the response, whose body is to be read."""
        self._deadline = deadline
        self._allowance = MAX_HEAD_BYTES
        self._may_end = False
        self._all_sent = False
        self._sock.settimeout(_remaining(deadline))
        # A server that hangs up early may have said why. If it has not, reading fails, too.
        with suppress(ConnectionError, ssl.SSLError):
            # Not the bytes themselves: ssl has its argument in a local variable.
            self._sock.sendall(memoryview(self._request))
            self._all_sent = True
        self._request = b""
        try:
            return http.getresponse()
        except TypeError:  # from the email package, about a boundary in the head
            raise HTTPException("the response has an invalid head") from None

    def is_usable(self) -> bool:
        """Whether it fell idle in this process (not its parent), is fresh, and silent since."""
        if self.idle_in != os.getpid():
            return False
        if not 0 <= time.time() - self.idle_since < MAX_IDLE_SECONDS:
            return False

        self._deadline = None
        with suppress(OSError, HTTPException):
            # None: nothing has come. A byte would belong to no call. The end raises.
            return self._reader.read(1) is None
        return False

    def hang_up(self) -> None:
        self._sock.close()

    # For http.client. Requests are kept in memory until all of a request is written.

    def sendall(self, data: bytes) -> None:
        self._request += data

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._reader

    def close(self) -> None:
        """Do nothing: http.client closes it as soon as it has read a head. See `hang_up`."""

    # For the reader.

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # Set anew before each wait, or a byte now and then would hold a call. Over TLS, it covers
        # all of a recv_into.
        self._sock.settimeout(0 if self._deadline is None else _remaining(self._deadline))
        try:
            # No more than is allowed, since what comes first may be a head with a part of its body.
            received = self._sock.recv_into(buffer[: max(1, self._allowance)])
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if not received and not self._may_end:
            # http.client would take it for the end of the head.
            raise ConnectionError("the connection ended before the response did")
        self._allowance -= received
        if self._allowance < 0:
            raise HTTPException(_TOO_LARGE)
        return received


class _OpenerTransport:
    """An opener of the user's, asked once a call, with the outcomes that `_Wire` has."""

    via = ""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def send(self, request: _Request, start: float, seconds: float) -> _Response | _Failure:
        response: Any = None
        try:
            try:
                response = self._opener.open(request, timeout=seconds)
            except HTTPError as error:  # urllib raises a response that is no success
                if error.fp is None:  # it has no body, and on Python 3.9 no read()
                    return _Response(error.code, error.headers, b"")
                response = error
            # int() and bytes() refuse an invalid response here, where no variable holds its body.
            return _Response(int(response.status), response.headers, bytes(response.read()))
        except (OSError, HTTPException, ValueError) as error:
            # A ValueError from a response is http.client's; one from the opener itself is a bug.
            if response is None and not isinstance(error, (OSError, HTTPException)):
                raise
            reason = error.reason if isinstance(error, URLError) else error
            if not isinstance(reason, Exception):  # a text
                reason = error
            unsent = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
            return _Failure(reason, sent=response is not None or not isinstance(reason, unsent))
        finally:
            close: Any = getattr(response, "close", None)
            with suppress(OSError):  # what was read is complete
                if close:
                    close()

    def close(self) -> None:
        """Do nothing: the opener is the user's."""


# ---- The client ends here. A copy may end here, too.

# Imported here, and not at the head: the client does not need them.
import sys  # noqa: E402
from dataclasses import replace  # noqa: E402

__all__ += ["Sandbox", "main"]


# ---- Clerk in memory


class Sandbox:
    """Clerk in memory, for tests: `ActorTokens("sk_test_x", opener=Sandbox())`.

    `tokens` has the tokens that were created, by ID, with their present status (and without their
    links, as Clerk returns them when they are revoked).
    """

    def __init__(self) -> None:
        self.tokens: dict[str, ActorToken] = {}
        self._failures: deque[_SandboxResponse | Exception] = deque()

    def open(self, request: Request, *, timeout: float = 0) -> _SandboxResponse:
        """Return the response to a request."""
        if self._failures:
            failure = self._failures.popleft()
            if isinstance(failure, Exception):
                raise failure
            return failure

        if not (request.get_header("Authorization") or "").startswith("Bearer sk_"):
            return _error_response(401, "clerk_key_invalid", "The secret key is invalid.")
        path = re.fullmatch(".*/actor_tokens(/(?P<id>[^/]+)/revoke)?", request.selector)
        if path and path["id"] is None:
            return self._create(request.data)
        token = self.tokens.get(path["id"]) if path else None
        if token is None:
            return _error_response(404, "resource_not_found", "There is no such actor token.")
        if token.status != "pending":
            return _error_response(
                400,
                "actor_token_cannot_be_revoked_code",
                f"Actor token cannot be revoked because its status is {token.status}. "
                "Only pending tokens can be revoked.",
            )
        return _SandboxResponse(200, vars(self._update(token, "revoked")))

    def accept(self, token_id: str | ActorToken) -> None:
        """Play the user who opens the link. Raises `ValueError` if no such token is pending."""
        plain_id = token_id.id if isinstance(token_id, ActorToken) else token_id
        token = self.tokens.get(plain_id)
        if token is None or token.status != "pending":
            raise ValueError("token_id must be the ID of a pending token")
        self._update(token, "accepted")

    def fail_next(
        self,
        status_code: int | Exception,
        *,
        code: str = "sandbox_failure",
        message: str = "As asked for.",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Let the next call fail. Called twice: the next two calls.

        Parameters:
            status_code: from 400 to 599; or an exception to raise in place of a response, such as
                `TimeoutError()`.
            code, message: of the error in Clerk's envelope.
            headers: of the response, such as `{"Retry-After": "3"}`.

        Raises `ValueError` for any other status.
        """
        if isinstance(status_code, Exception):
            self._failures.append(status_code)
            return
        if not isinstance(status_code, int) or not 400 <= status_code <= 599:
            raise ValueError("status_code must be a status from 400 to 599, or an exception")
        self._failures.append(_error_response(status_code, code, message, headers))

    def _create(self, body: Any) -> _SandboxResponse:
        document = json.loads(body)
        now = int(time.time() * 1000)
        token = ActorToken(
            object="actor_token",
            id="act_" + os.urandom(14).hex()[:27],  # as long as Clerk's
            status="pending",
            user_id=document["user_id"],
            actor=document["actor"],
            created_at=now,
            updated_at=now,
        )
        self.tokens[token.id] = token
        ticket = f"eyJ.{os.urandom(40).hex()}.{os.urandom(43).hex()}"
        url = f"https://sandbox.clerk.accounts.dev/v1/tickets/accept?ticket={ticket}"
        return _SandboxResponse(200, {**vars(token), "token": ticket, "url": url})

    def _update(self, token: ActorToken, status: str) -> ActorToken:
        updated = replace(token, status=status, updated_at=int(time.time() * 1000))
        self.tokens[token.id] = updated
        return updated


class _SandboxResponse(io.BytesIO):
    def __init__(
        self, status: int, document: JSONObject, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(json.dumps(document).encode())
        self.status = status
        self.headers = {"Content-Type": "application/json", **(headers or {})}


def _error_response(
    status: int, code: str, text: str, headers: Mapping[str, str] | None = None
) -> _SandboxResponse:
    document = {
        "errors": [{"code": code, "message": text, "long_message": text}],
        "clerk_trace_id": os.urandom(16).hex(),
    }
    return _SandboxResponse(status, document, headers)


# ---- The command line


def _demo() -> int:
    class Narrator(Sandbox):
        def open(self, request: Request, *, timeout: float = 0) -> _SandboxResponse:
            body: Any = request.data
            print(f"> POST {request.full_url}\n> Authorization: Bearer sk_test_***")
            if body:
                print(f"> {body.decode()}")
            response = super().open(request)
            print(f"< {response.status}\n< {response.getvalue().decode()}")
            return response

    clerk = ActorTokens("sk_test_demo", server_url="https://api.clerk.com/v1", opener=Narrator())
    print("This is a simulation: Clerk is played in memory, and nothing is sent.")
    print("\n1. Create a token with which user_engineer can sign in as user_customer, once:")
    token = clerk.create("user_customer", {"sub": "user_engineer", "ticket": "SUP-1"})
    print(f"= {token}\n= The link, for the engineer to open: {token.url}")
    print("\n2. Revoke it, since nobody has opened the link:")
    print(f"= {clerk.revoke(token)}")
    print("\n3. Revoke it again. Clerk refuses, since only a pending token can be revoked:")
    try:
        clerk.revoke(token)
    except ClerkErrors as error:
        print(f"= ClerkErrors: {error}")
    return 0


def _create_command(clerk: ActorTokens, options: Any) -> int:
    token = clerk.create(
        options.user,
        options.actor,
        expires_in_seconds=options.expires_in,
        session_max_duration_in_seconds=options.session_max_duration,
    )
    who = _quote(f"{token.actor.get('sub')} can sign in as {token.user_id}")
    limits = f"within {options.expires_in} s, for {options.session_max_duration} s at most"
    _tell(f"{who}, once, {limits}.")
    if re.fullmatch(_ID, token.id):  # or it would be no command to paste
        _tell(f"To revoke it: {_program()} revoke {token.id}")

    if options.json:
        print(json.dumps(vars(token), indent=2))
        return 0
    url = token.url or ""
    if not (url.startswith("https://") and url.isprintable()):
        _tell("The token has no link.")
        return 3
    print(url)
    return 0


def _revoke_command(clerk: ActorTokens, options: Any) -> int:
    worst = 0
    for position, token_id in enumerate(options.ids, 1):
        # Anything else may be a secret that was pasted.
        shown = token_id if re.fullmatch("act_" + _ID, token_id) else f"ID number {position}"
        try:
            token = clerk.revoke(token_id)
            print(_quote(token.id), _quote(token.status), flush=True)
        except (ClerkBaseError, ValueError) as error:
            _tell(f"{shown}: {error}")
            worst = max(worst, _exit_status(error))
    return worst


def _exit_status(error: Exception) -> int:
    if isinstance(error, ClerkBaseError):
        return 3 if error.outcome_unknown else 1
    return 2


def _program() -> str:
    """How the reader has run this program."""
    path = sys.argv[0]
    return f"python3 {path}" if path.endswith(".py") else os.path.basename(path)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _parser() -> Any:
    import argparse  # here, since the client does without

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> Any:  # argparse's own quotes a pasted key as it is
            self.exit(2, f"{self.format_usage()}{self.prog}: {_quote(message)}\n")

    def actor(text: str) -> Any:
        if not text.lstrip().startswith(("{", "[", '"')):
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise argparse.ArgumentTypeError("it is not valid JSON") from None

    notes = (
        "Environment: CLERK_SECRET_KEY, the secret key; CLERK_API_URL, Clerk's address (default: "
        "https://api.clerk.com). Exit status: 0; 1 if a call failed and Clerk did not act; 2 if an "
        "argument is invalid; 3 if a call failed and Clerk may have acted; 130 after Ctrl-C."
    )
    parser = Parser(prog=_program(), epilog=notes)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="see how it works, without a key and without a network")

    create = commands.add_parser("create", help="create a token; print its link", epilog=notes)
    create.add_argument("user", help="the ID of the user to sign in as")
    create.add_argument(
        "--actor",
        type=actor,
        required=True,
        help='the ID of the user who signs in, or a JSON object: {"sub": ID, ...}',
    )
    for name, default, what in (
        ("--expires-in", 3600, "how long the link works"),
        ("--session-max-duration", 1800, "how long the session may last"),
    ):
        text = f"{what}, in seconds (default: {default})"
        create.add_argument(name, type=int, default=default, metavar="SECONDS", help=text)
    create.add_argument("--json", action="store_true", help="print the whole token as JSON")

    revoke = commands.add_parser("revoke", help="revoke pending tokens", epilog=notes)
    revoke.add_argument("ids", nargs="+", metavar="ID", help="the ID of a token: act_...")

    return parser


def _run(arguments: list[str] | None) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "demo":
        return _demo()
    run = _create_command if options.command == "create" else _revoke_command
    with ActorTokens() as clerk:
        return run(clerk, options)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns the exit status."""
    try:
        return _run(arguments)
    except SystemExit as end:  # argparse, after --help too
        return int(end.code or 0)
    except (ClerkBaseError, ValueError, TypeError) as error:
        _tell(f"{_program()}: {error}")
        return _exit_status(error)
    except KeyboardInterrupt:
        _tell(f"{_program()}: Interrupted. Clerk may have acted.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
