# clerk-actor-tokens 2.0.0: one file, made to be copied. (This line tells a copy's version.)
# SPDX-FileCopyrightText: 2026 The clerk-actor-tokens authors
# SPDX-License-Identifier: MIT
"""Create and revoke Clerk actor tokens: one-time links that let support sign in as a user.

    from clerk_actor_tokens import ActorTokens

    clerk = ActorTokens("sk_test_...")  # or ActorTokens(), which reads CLERK_SECRET_KEY
    token = clerk.create(user_id="user_customer", actor="user_engineer")
    print(token.url)  # a secret, for the engineer alone
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
from collections.abc import Mapping
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

__version__ = "2.0.0"  # as in the first line
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

# Where the key may be sent: anywhere over https, and over http to this machine only. This is not
# left to urlsplit: some versions of it drop line ends, and read [::1].evil.com as ::1.
_HOST = r"([\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])"
_THIS_MACHINE = r"(localhost|127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])"
_PORT = r"(:\d{1,5})?"
_PATH = r"(/[\w.~%/-]*)?"
_SERVER_URL = rf"(https://{_HOST}|http://{_THIS_MACHINE}){_PORT}{_PATH}"
# The login has none of these characters: at one of them a parser could stop, and take what comes
# before it for the host.
_PROXY_URL = rf"http://([^\s#/?\[\]\\]*@)?{_HOST}{_PORT}/?"

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


# What the fields are in JSON. They are compared by `type()`, since isinstance(True, int) is true.
_TOKEN_FIELDS = (
    ("text", (str,), ("object", "id", "status", "user_id")),
    ("an object", (dict,), ("actor",)),
    ("a whole number", (int,), ("created_at", "updated_at")),
    ("text or null", (str, type(None)), ("token", "url")),
)


@dataclass(frozen=True)
class ClerkError:
    """One entry of the errors in Clerk's response. A text that Clerk left out is ""."""

    code: str
    message: str
    long_message: str
    meta: JSONObject | None = field(default=None, hash=False)


# ---- Errors
# They are dataclasses, so that `__init__` is typed. All fields but the message need defaults, since
# pickle and copy call the class with the message alone, and restore the attributes afterwards.


@dataclass(eq=False, repr=False)
class ClerkBaseError(Exception):
    """What a failed call raises. (Invalid arguments raise `ValueError` or `TypeError`.)

    `message`, the same as `str()`, is one line, in which the key and tokens are masked.
    `outcome_unknown` is True if Clerk may have acted: a create may have made a token whose ID is
    lost. It is False if nothing was sent, or if each attempt got a 3XX or 4XX, which is taken to
    mean that Clerk did not act.
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
    """Clerk's own error response: one with `errors`."""

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
    """No complete and valid HTTP response came."""


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

    A response that is not a success may be returned, or raised as `urllib.error.HTTPError`. An
    `OSError` or `http.client.HTTPException` becomes a `NoResponseError`; so does a `ValueError` or
    `OverflowError` from reading a response, which is how `http.client` refuses some. Any other
    exception reaches the caller as it is.

    A `ConnectionRefusedError`, `socket.gaierror` or `ssl.SSLCertVerificationError` is taken to mean
    that nothing was sent. So raise these three only then.
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
            An invalid certificate or response, and a proxy's 3XX or 4XX, end the call at once.
        ssl_context: the TLS settings for https. If None: `ssl.create_default_context()`.
        opener: takes the place of the network, and of the retries, the TLS settings and the proxy.
            It is asked once a call.

    The proxy is found now, as urllib does it: HTTPS_PROXY and NO_PROXY, or the system's settings.
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
        # Error trackers send the repr of each frame's local variables: none may show the key.
        self._key = os.environ.get("CLERK_SECRET_KEY", "") if secret_key is None else secret_key
        del secret_key

        if server_url is None:
            base = os.environ.get("CLERK_API_URL", "").strip() or "https://api.clerk.com"
            server_url = base.rstrip("/").removesuffix("/v1") + "/v1"
        server = _split_url(_SERVER_URL, server_url)
        if server is None:
            raise ValueError(
                "server_url (or CLERK_API_URL) must be a URL such as https://api.clerk.com/v1; a "
                "port must be from 1 to 65535; http:// may only lead to this machine"
            )
        self._server_url = server_url.rstrip("/")

        _require_number("timeout", timeout, (int, float), "a number of seconds", 0.001, MAX_TIMEOUT)
        self._timeout = timeout
        # With more retries, the numbers of the pauses would overflow.
        _require_number("max_retries", max_retries, int, "a whole number", 0, 1000)
        is_context = ssl_context is None or isinstance(ssl_context, ssl.SSLContext)
        _require(is_context, "ssl_context must be an ssl.SSLContext", TypeError)
        # Not a class: `Sandbox` in place of `Sandbox()` would fail at the first call.
        is_opener = hasattr(opener, "open") and not isinstance(opener, type)
        _require(opener is None or is_opener, "opener must be an instance with a method open")

        self._transport: _Wire | _OpenerTransport = (
            _Wire(server, ssl_context, max_retries) if opener is None else _OpenerTransport(opener)
        )
        # Not in __del__: the sockets may be collected before it runs, each with a ResourceWarning.
        weakref.finalize(self, self._transport.close)

        # Last, so that no frame of the checks above has looked at the key.
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
        self._require_id("user_id", user_id)

        is_actor = isinstance(actor, (str, Mapping))
        _require(is_actor, "actor must be a str or a mapping", TypeError)
        claims = {"sub": actor} if isinstance(actor, str) else dict(actor)
        _require("sub" in claims, "actor has no sub: the ID of the user who will impersonate")
        self._require_id("actor (or its sub)", claims["sub"])

        limits = {
            "expires_in_seconds": expires_in_seconds,
            "session_max_duration_in_seconds": session_max_duration_in_seconds,
        }
        for name, seconds in limits.items():
            _require_number(name, seconds, int, "a whole number of seconds", 1, 2**63 - 1)
        body = _encode({"user_id": user_id, "actor": claims, **limits})
        return self._call("/actor_tokens", body, timeout)

    def revoke(
        self, actor_token_id: str | ActorToken, *, timeout: float | None = None
    ) -> ActorToken:
        """Revoke a pending token. Returns it. Once its link was opened, a token cannot be revoked.

        Parameters:
            actor_token_id: the token's ID, or the `ActorToken` itself.
            timeout: as in `create`.

        Raises what `create` raises: `ClerkErrors` with 404 if there is no such token, with 400
        (`actor_token_cannot_be_revoked_code`) if it is not pending. If the response to the first
        attempt was lost, that attempt may have revoked it.
        """
        token_id = actor_token_id.id if isinstance(actor_token_id, ActorToken) else actor_token_id
        self._require_id("actor_token_id", token_id)
        _require(
            re.fullmatch(_ID, token_id),
            "actor_token_id must be the token's ID (act_...), not its token or URL",
        )
        return self._call(f"/actor_tokens/{token_id}/revoke", None, timeout)

    def close(self) -> None:
        """Close the idle connections, which otherwise wait for the next call to close them.

        The client may be used again.
        """
        self._transport.close()

    def __enter__(self) -> ActorTokens:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, path: str, body: bytes | None, timeout: float | None) -> ActorToken:
        """Make one call. Returns the token in its response."""
        seconds = self._timeout if timeout is None else timeout
        # 0 or less is valid: an AWS Lambda function computes it when it has no time left.
        _require_number(
            "timeout", seconds, (int, float), "a number of seconds", -MAX_TIMEOUT, MAX_TIMEOUT
        )
        request = _Request(self._server_url + path, body, seconds)
        # Unredirected: all other headers go with urllib to wherever a redirect leads.
        request.add_unredirected_header("Authorization", f"Bearer {self._key}")

        outcome: _Response | _Failure
        if seconds > 0:
            outcome = self._transport.send(request)
        else:
            outcome = _Failure(socket.timeout(), sent=False)

        # Errors are raised here, outside any `except`, and where no local variable shows a secret:
        # an error tracker sends the exception that was being handled, and the variables.
        if isinstance(outcome, _Failure):
            raise _failure_error(outcome, request, self._mask(outcome.reason)) from outcome.cause
        if not 200 <= outcome.status < 300:
            raise _status_error(request, self._facts(outcome))
        try:
            return _parse_token(outcome.body)
        except ValueError as invalid:
            fault = str(invalid)
        raise _token_error(request, self._facts(outcome), fault)

    def _mask(self, text: object) -> str:
        """Text from outside without the key, which some gateways send back."""
        return str(text).replace(self._key, "***")

    def _facts(self, response: _Response) -> dict[str, Any]:
        """The attributes that all exceptions about a response share."""
        headers = Message()
        # An HTTPError that somebody's opener makes may have None.
        for name, value in (response.headers or {}).items():
            headers[self._mask(name)] = self._mask(value)
        return {
            "status_code": response.status,
            "headers": headers,
            "body": self._mask(response.body.decode("utf-8-sig", "replace")),
            "outcome_unknown": response.may_have_acted,
        }

    def _require_key(self) -> None:
        _require(isinstance(self._key, str), "secret_key must be a str", TypeError)
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
        # (A key that is passed as an ID shows in this frame, as it does in the caller's.)
        _require(isinstance(value, str), f"{name} must be an ID, as a str", TypeError)
        is_key = self._key in value or value.startswith(("sk_", "pk_"))
        # No blanks, and no beginning of JSON.
        is_id = re.fullmatch(r"""[^\s{["]\S*""", value) and value.isprintable() and not is_key
        _require(
            is_id,
            f"{name} must be an ID: visible characters without blanks, neither JSON as text nor a "
            "key",
        )


class _Request(Request):
    """The request of a create or a revoke."""

    def __init__(self, url: str, body: bytes | None, seconds: float) -> None:
        headers = {
            "Accept": "application/json",
            "Clerk-API-Version": API_VERSION,
            "User-Agent": f"clerk-actor-tokens/{__version__}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        super().__init__(url, body, headers, method="POST")
        self.is_revoke = self.selector.endswith("/revoke")  # or else it is a create
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        # Where it goes, for messages; the wire adds its proxy. (urllib's proxies change `host`.)
        self.place = self.host


# ---- Checks of arguments. No message quotes a text: it may be a secret.


def _require(condition: object, sentence: str, kind: type[Exception] = ValueError) -> None:
    if not condition:
        raise kind(sentence)


def _require_number(
    name: str, value: float, kinds: Any, unit: str, least: float, most: float
) -> None:
    sentence = f"{name} must be {unit} from {least:,} to {most:,}"
    is_number = isinstance(value, kinds) and not isinstance(value, bool)  # True is an int
    _require(is_number, sentence, TypeError)
    _require(least <= value <= most, sentence)


def _split_url(pattern: str, url: str) -> SplitResult | None:
    """The parts of a URL that matches the pattern, or None."""
    # ASCII: other characters may look like a slash or a dot, and become one.
    if isinstance(url, str) and re.fullmatch(pattern, url, re.ASCII | re.IGNORECASE):
        with suppress(ValueError):  # an invalid IPv6 address, or a port over 65535
            parts = urlsplit(url)
            if parts.port != 0:
                return parts
    return None


def _refuse_claim(value: object) -> None:
    raise TypeError(f"actor has a {type(value).__name__} in it, which JSON cannot hold")


def _encode(document: JSONObject) -> bytes:
    """The body of a create, if JSON holds the actor in it unchanged."""
    with suppress(ValueError, RecursionError):
        text = json.dumps(document, default=_refuse_claim, ensure_ascii=False, allow_nan=False)
        if json.loads(text) == document:
            return text.encode()  # half a surrogate pair is a ValueError, too
    raise ValueError(
        "actor must be what JSON holds unchanged: text as keys, lists and no tuples, finite "
        "numbers, valid Unicode, no loops, no great depth"
    )


# ---- From a response to a result or an error


_CHECK_ADDRESS = "Check server_url or CLERK_API_URL"
_JSON_START = r'\s*[{["]'  # how an object, a list or a text begins


# What a failure of the network raises. ValueError and OverflowError are http.client's, for an
# invalid number in a response; ValueError also comes from an invalid host name.
_NETWORK_ERRORS = (OSError, HTTPException, ValueError, OverflowError)


class _Response:
    """A complete response, of whatever status."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        # Only a redirect or a refusal says that Clerk did not act.
        self.may_have_acted = not 300 <= status < 500
        self.is_transient = status == 429 or status >= 500


class _Failure:
    """No complete response: why, and whether the request was sent."""

    def __init__(self, error: object, *, sent: bool) -> None:
        self.error = error
        # OpenSSL's or the system's own words, if there are any. str() would add "[Errno 111]" or
        # "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed" to them.
        short = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
        self.reason = str(short or error)
        # What a traceback shows. None with an opener, whose exceptions may hold the request.
        self.cause: OSError | None = None
        self.headers = Message()  # none came
        self.may_have_acted = sent
        # With an errno (ETIMEDOUT), it is the system's own time limit, and not the call's timeout.
        self.is_timeout = isinstance(error, (TimeoutError, socket.timeout)) and not error.errno

        # Not transient: a timeout, which leaves no time; an invalid certificate; and whatever is no
        # OSError, such as the HTTPException for an invalid response or a proxy's 3XX or 4XX.
        is_final = self.is_timeout or isinstance(error, ssl.SSLCertVerificationError)
        self.is_transient = isinstance(error, OSError) and not is_final


def _read_json(text: str | bytes) -> JSONObject | None:
    """The JSON object in a text, or None if it is anything else."""
    document: Any = None
    with suppress(ValueError, RecursionError):
        document = json.loads(text)
    return document if isinstance(document, dict) else None


def _parse_token(body: bytes) -> ActorToken:
    """The actor token in a success. Raises `ValueError`, whose text quotes nothing of it."""
    document = _read_json(body)
    if document is None:
        raise ValueError(f"it is not JSON, or no JSON object. {_CHECK_ADDRESS}")
    fields: JSONObject = {}
    for words, types, names in _TOKEN_FIELDS:
        for name in names:
            fields[name] = document.get(name)
            if type(fields[name]) not in types:
                raise ValueError(f"its {name} should be {words}")
    if fields["object"] != "actor_token":
        raise ValueError("its object should be actor_token")
    return ActorToken(**fields)


def _parse_errors(document: JSONObject) -> tuple[ClerkError, ...]:
    """The errors in Clerk's envelope; none if the document is anything else."""
    return tuple(
        ClerkError(
            code=entry["code"],
            message=_take(entry, "message", ""),
            long_message=_take(entry, "long_message", ""),
            meta=_take(entry, "meta", {}) or None,
        )
        for entry in _take(document, "errors", [])
        if isinstance(entry, dict) and _take(entry, "code", "")
    )


def _take(document: JSONObject, name: str, default: Any) -> Any:
    """A field of a JSON object, or the default if it is missing or of another type."""
    value = document.get(name)
    return value if isinstance(value, type(default)) else default


def _retry_after(headers: Any) -> float | None:
    """The seconds that `Retry-After` asks to wait, if it gives a number, and not a date."""
    value = str(headers.get("Retry-After")).strip()
    return float(value) if re.fullmatch("[0-9]{1,9}", value) else None


def _quote(text: object) -> str:
    """Text from outside as one short line, without what looks like a key or a token."""
    line = str(text)[:20_000]  # a page may have a megabyte
    # A token is a JWT, whose first two parts begin with eyJ. An ID may have eyJ within it.
    line = re.sub(r"(\b(sk_|eyJ)|sk_(test|live)_)[\w.~+/=-]+", "***", line)
    line = "".join(character if character.isprintable() else " " for character in line)
    return " ".join(line.split())[:200].rstrip(".: ")


def _message(request: _Request, may_have_acted: bool, what: str, advice: str = "") -> str:
    """One line: what happened, what to do about it, and whether Clerk acted."""
    outcome = "Clerk did not act"
    if may_have_acted and request.is_revoke:
        outcome = "Clerk may have revoked the token; a retry is safe"
    elif may_have_acted:
        outcome = "Clerk may have created a token; a retry could create another"
    happened = f"POST {request.selector} to {request.place} got {what}"
    sentences = (happened, advice, outcome)  # the first may end in ": ", the second may be empty
    return " ".join(sentence.rstrip(".: ") + "." for sentence in sentences if sentence)


def _token_error(request: _Request, facts: dict[str, Any], fault: str) -> ResponseValidationError:
    """The error for a success that is not an actor token."""
    what = f"{facts['status_code']}, but {fault}"
    return ResponseValidationError(_message(request, facts["outcome_unknown"], what), **facts)


def _status_error(request: _Request, facts: dict[str, Any]) -> SDKError:
    """The error for a response whose status is not a success."""
    status = facts["status_code"]
    body = facts["body"]
    document = _read_json(body) or {}
    errors = _parse_errors(document)
    trace_id = _take(document, "clerk_trace_id", "")

    if errors:
        texts = [f"{error.code}: {error.long_message or error.message}" for error in errors[:10]]
        texts.append(f"trace ID {trace_id}" if trace_id else "")
    elif re.match(_JSON_START, body):  # its other fields may be somebody's data
        texts = [_take(document, "message", "") or _take(document, "detail", "")]
    else:
        texts = [body]
    said = "; ".join(_quote(text) for text in texts if text)

    advice = ""
    if status == 404 and errors:
        advice = (
            "Check the ID: user_... (not an e-mail address) or act_..., of the key's Clerk instance"
        )
    elif status == 404:
        advice = _CHECK_ADDRESS
    elif status < 400:
        advice = f"The redirect was not followed. {_CHECK_ADDRESS}"
    message = _message(request, facts["outcome_unknown"], f"{status}: {said}", advice)
    retry_after = _retry_after(facts["headers"])
    if not errors:
        return SDKError(message, retry_after=retry_after, **facts)
    return ClerkErrors(
        message,
        errors=errors,
        clerk_trace_id=trace_id or None,
        meta=_take(document, "meta", {}) or None,
        retry_after=retry_after,
        **facts,
    )


def _failure_error(failure: _Failure, request: _Request, reason: str) -> NoResponseError:
    """The error for a call without a complete response."""
    acted = failure.may_have_acted
    if failure.is_timeout:
        what = f"no valid response within {max(0, request.seconds):g} seconds"
        return RequestTimeoutError(_message(request, acted, what), outcome_unknown=acted)

    what = f"no valid response: {_quote(reason)}"
    message = _message(request, acted, what, _certificate_advice(failure.error))
    return NoResponseError(message, outcome_unknown=acted)


def _certificate_advice(error: object) -> str:
    # OpenSSL's X509_V_ERR_... Only an error about a certificate has one.
    code = getattr(error, "verify_code", None)
    if code is None:
        return ""
    if code in (9, 10):  # not valid yet, or no longer
        return "Check this machine's clock. If it is right, the certificate is not"
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
#   left before each wait. So a server that sends a byte now and then cannot prolong a call.
#   Requests are written to memory first, and go out at once: no frame that waits holds headers.
#   (While a body comes in pieces, a variable of http.client's may hold what has come of it.)
# - Retries. An attempt gives a _Response or a _Failure. After one on which Clerk may have acted,
#   only a revoke is sent again, which does no harm when it is repeated.
# - Idle connections. One is used again only if it fell idle in this process, a few seconds ago at
#   most, and nothing came over it since: what comes between two calls belongs to neither.


class _Wire:
    """The connections to one server, directly or through a proxy. Follows no redirects."""

    def __init__(
        self, server: SplitResult, ssl_context: ssl.SSLContext | None, max_retries: int
    ) -> None:
        self._server = server
        self._max_retries = max_retries
        self._idle: list[_Connection] = []  # threads share it: append and pop are atomic

        self._tls: ssl.SSLContext | None = None
        self._proxy: SplitResult | None = None
        # http is for this machine alone: a proxy would see the key.
        if server.scheme == "https":
            self._tls = ssl_context or ssl.create_default_context()
            setting = getproxies().get("https", "").strip()
            if setting and not proxy_bypass(server.netloc):
                url = setting if "://" in setting else f"http://{setting}"
                self._proxy = _split_url(_PROXY_URL, url)
                del setting, url  # no variable may show the login
                if self._proxy is None:
                    raise ValueError(
                        "HTTPS_PROXY, or the system's proxy, must be http://host:port or "
                        "http://login@host:port, with the login percent-encoded and a port from 1 "
                        "to 65535"
                    )
        hop = self._proxy or server
        self._host = str(hop.hostname)
        self._port = hop.port or (443 if hop.scheme == "https" else 80)

    def send(self, request: _Request) -> _Response | _Failure:
        """Send a request, with retries where they are safe."""
        if self._proxy:
            request.place += f" (through the proxy {self._host})"
        in_doubt = False  # whether Clerk may have acted in any attempt
        retries = 0
        while True:
            outcome = self._attempt(request)
            # An attempt that was lost leaves a doubt, which a later refusal does not remove.
            in_doubt |= outcome.may_have_acted
            outcome.may_have_acted = in_doubt

            is_safe = request.is_revoke or not in_doubt
            if not (outcome.is_transient and is_safe and retries < self._max_retries):
                return outcome
            pause = min(8.0, 0.5 * 2.0**retries) * random.uniform(0.5, 1)
            pause = max(pause, _retry_after(outcome.headers) or 0)
            if time.monotonic() + pause >= request.deadline:
                return outcome
            time.sleep(pause)
            retries += 1

    def close(self) -> None:
        while connection := self._take_idle():
            connection.sock.close()

    def _attempt(self, request: _Request) -> _Response | _Failure:
        """Send a request once."""
        connection = None
        response = None
        sent = False
        try:
            connection = self._take_idle() or self._connect(request.deadline)
            connection.http.request(
                "POST", request.selector, request.data, dict(request.header_items())
            )
            _remaining(request.deadline)  # if this raises, nothing was sent
            sent = True
            response = connection.exchange(request.deadline)
            return response
        except _NETWORK_ERRORS as error:
            failure = _Failure(error, sent=sent)
            if isinstance(error, OSError):
                # Without its frames: http.client's may hold a part of the response.
                failure.cause = error.with_traceback(None)
            return failure
        finally:  # after Ctrl-C, too
            if connection and response and connection.is_reusable:
                self._idle.append(connection)
            elif connection:  # a part of this request or of its response may be left in it
                connection.sock.close()

    def _take_idle(self) -> _Connection | None:
        """The oldest idle connection that is usable: this is how stale ones get closed."""
        with suppress(IndexError):  # no length check: another thread may take the last
            while True:
                connection = self._idle.pop(0)
                if connection.is_usable():
                    return connection
                connection.sock.close()
        return None

    def _connect(self, deadline: float) -> _Connection:
        """A new connection: TCP, the proxy's tunnel if any, TLS unless it is http."""
        sock = _connect_tcp(self._host, self._port, deadline)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small packets never wait
            if self._proxy:
                target = self._server.netloc if self._server.port else f"{self._server.netloc}:443"
                # It may be dropped afterwards: it has read no byte of the server's, since in TLS
                # the client speaks first.
                tunnel = _Connection(sock, target, None)
                tunnel.http.request("CONNECT", target, None, _proxy_login(self._proxy))
                status = tunnel.send_and_read_head(deadline).status
                if status >= 500:
                    raise OSError(f"the proxy responded {status}")
                if not 200 <= status < 300:  # a retry would get it again
                    raise HTTPException(f"the proxy responded {status}. Check its login and rules")
            if self._tls:
                # With the handshake: a truststore.SSLContext verifies certificates in wrap_socket.
                sock.settimeout(_remaining(deadline))
                sock = self._tls.wrap_socket(sock, server_hostname=self._server.hostname)
            return _Connection(sock, self._server.netloc, self._tls)
        except BaseException:
            sock.close()
            raise


def _proxy_login(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def _connect_tcp(host: str, port: int, deadline: float) -> socket.socket:
    """A TCP connection to the first address of `host` that accepts one."""
    # By position: some programs replace getaddrinfo by a function that takes no keywords.
    addresses: Any = list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    while addresses:
        # An equal share of the time: a silent address leaves some for the next.
        share = _remaining(deadline) / len(addresses)
        address = addresses.pop(0)[4]
        try:  # an address is a number, which is not looked up again
            return socket.create_connection(address[:2], share)
        except OSError:
            if not addresses:
                raise
    raise OSError(f"{host} has no address")


def _remaining(deadline: float) -> float:
    """The seconds until the deadline. Raises at 0, which would tell a socket not to wait."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise socket.timeout("timed out")
    return seconds


class _Reader(io.BufferedReader):
    def close(self) -> None:
        """Do nothing. http.client closes the reader after each response, but it may hold further
        bytes, which must be noticed before the connection is used again."""


class _Connection(io.RawIOBase):
    """What http.client takes for a socket: a connection, for one request after another."""

    def __init__(self, sock: socket.socket, host_port: str, tls: ssl.SSLContext | None) -> None:
        self.sock = sock
        # HTTPSConnection leaves :443 out of the header Host, and tracers (Sentry, AWS X-Ray) report
        # an https URL. No connect() happens, since `sock` is set.
        self.http = HTTPSConnection(host_port, context=tls) if tls else HTTPConnection(host_port)
        self.http.set_debuglevel(0)  # a program may have set the class's, which prints the key
        self.http.sock = self
        self._request = b""
        self._deadline: float | None = None  # None: take what has come, and never wait
        self._allowance = 0
        self._may_end = False
        self._reader = _Reader(self)
        self.is_reusable = False
        self.idle_pid = 0
        self.idle_since = 0.0

    def exchange(self, deadline: float) -> _Response:
        """Send the request that was written. Returns the complete response."""
        head = self.send_and_read_head(deadline)
        if head.status < 200:  # http.client skips 100 alone, and cannot go on after another
            raise HTTPException(f"it is an interim response, {head.status}")

        self._allowance += MAX_RESPONSE_BYTES - MAX_HEAD_BYTES
        # Unless the head says how long the body is, it lasts until the connection ends.
        self._may_end = head.length is None and not head.chunked
        # With a limit, or http.client would allocate as much as a chunk announces.
        response = _Response(head.status, head.headers, head.read(MAX_RESPONSE_BYTES))
        self.is_reusable = not head.will_close
        self.idle_pid = os.getpid()
        # By the wall clock: time.monotonic may stand still while a Lambda is frozen.
        self.idle_since = time.time()
        return response

    def send_and_read_head(self, deadline: float) -> HTTPResponse:
        """Send the request that was written. Returns the response, whose body is to be read."""
        self._deadline = deadline
        self._allowance = MAX_HEAD_BYTES
        self.sock.settimeout(_remaining(deadline))
        # The timeout is for all of it, over TLS too. A view, since ssl has its argument in a local
        # variable, which would show the bytes.
        self.sock.sendall(memoryview(self._request))
        self._request = b""
        try:
            return self.http.getresponse()
        except TypeError:  # from the email package, about `multipart/x; boundary*;boundary*0=a`
            raise HTTPException("its head is invalid") from None

    def is_usable(self) -> bool:
        """Whether this process left it idle, a moment ago, and nothing has come over it since."""
        is_ours = self.idle_pid == os.getpid()
        is_fresh = 0 <= time.time() - self.idle_since < MAX_IDLE_SECONDS
        self._deadline = None
        with suppress(OSError, HTTPException):
            # None: nothing has come. A byte would belong to no call. If the server has closed it,
            # or if the last response was as large as is allowed, this raises.
            return is_ours and is_fresh and self._reader.read(1) is None
        return False

    # For http.client. Requests are kept in memory until all of a request is written.

    def sendall(self, data: bytes) -> None:
        self._request += data

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._reader

    def close(self) -> None:
        """Do nothing: http.client closes it as soon as it has read a head."""

    # For the reader.

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._allowance:
            raise HTTPException("it has more than 1 MiB, or its head has more than 16 KiB")
        # Set anew before each wait, or a byte now and then would hold a call. Over TLS, it covers
        # all of a recv_into.
        self.sock.settimeout(0 if self._deadline is None else _remaining(self._deadline))
        try:
            # No more than is allowed: the reader's buffer may be larger.
            received = self.sock.recv_into(buffer[: self._allowance])
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if not received and not self._may_end:
            # http.client would take it for the end of the head, or of the body.
            raise ConnectionError("the connection ended before the response did")
        self._allowance -= received
        return received


class _OpenerTransport:
    """An opener of the user's, asked once a call, with the outcomes that `_Wire` has."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def send(self, request: _Request) -> _Response | _Failure:
        try:
            response: Any = self._opener.open(request, timeout=request.seconds)
        except HTTPError as error:  # urllib raises a response that is not a success
            if error.fp is None:  # it has no body, and on Python 3.9 no read()
                return _Response(error.code, error.headers, b"")
            response = error
        except (OSError, HTTPException) as error:
            wrapped = error.reason if isinstance(error, URLError) else None  # maybe a text
            reason = wrapped or error
            unsent = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
            return _Failure(reason, sent=not isinstance(reason, unsent))
        try:
            # int() refuses None and bytes() a text, here, where no variable holds the body.
            return _Response(int(response.status), response.headers, bytes(response.read()))
        except _NETWORK_ERRORS as error:
            return _Failure(error, sent=True)
        finally:
            if hasattr(response, "close"):  # as urllib's have, but Response does not ask for it
                response.close()

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

    `tokens` has the tokens that were created, by ID, with their present status, but without their
    links.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, ActorToken] = {}
        self._failures: list[_SandboxResponse | Exception] = []

    def open(self, request: Request, *, timeout: float = 0) -> _SandboxResponse:
        """Return the response to a request."""
        if self._failures:
            failure = self._failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure

        if request.selector.endswith("/actor_tokens"):
            return self._create(request.data)
        token = self.tokens.get(request.selector.split("/")[-2])  # .../ID/revoke
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
        is_status = isinstance(status_code, int) and 400 <= status_code <= 599
        _require(is_status, "status_code must be from 400 to 599, or an exception")
        response = _error_response(status_code, code, message)
        response.headers.update(headers or {})
        self._failures.append(response)

    def _create(self, body: Any) -> _SandboxResponse:
        now = int(time.time() * 1000)
        document = json.loads(body)
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
    def __init__(self, status: int, document: JSONObject) -> None:
        super().__init__(json.dumps(document).encode())
        self.status = status
        self.headers = {"Content-Type": "application/json"}


def _error_response(status: int, code: str, text: str) -> _SandboxResponse:
    document = {
        "errors": [{"code": code, "message": text, "long_message": text}],
        "clerk_trace_id": os.urandom(16).hex(),
    }
    return _SandboxResponse(status, document)


# ---- The command line


def _demo() -> int:
    class Narrator(Sandbox):
        def open(self, request: Request, *, timeout: float = 0) -> _SandboxResponse:
            body: Any = request.data or b"(no body)"
            print(f"> POST {request.full_url}\n> Authorization: Bearer sk_test_***")
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
    claims = _read_json(options.actor)
    if not claims and re.match(_JSON_START, options.actor):
        raise ValueError("--actor is neither an ID nor a JSON object that is valid and not empty")
    token = clerk.create(
        options.user,
        claims or options.actor,
        expires_in_seconds=options.expires_in,
        session_max_duration_in_seconds=options.session_max_duration,
    )
    who = _quote(f"{token.actor.get('sub')} can sign in as {token.user_id}")
    _tell(
        f"{who}, once, within {options.expires_in} s, for {options.session_max_duration} s at most."
        f"\nTo revoke it: {_program()} revoke {_quote(token.id)}"
    )

    if options.json:
        print(json.dumps(vars(token), indent=2))
        return 0
    if not re.fullmatch("https://[!-~]+", token.url or ""):
        _tell("The token has no https link.")
        return 3
    print(token.url)
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
            worst = max(worst, _report(shown, error))
    return worst


def _report(subject: str, error: Exception) -> int:
    """Print an error. Returns the exit status for it."""
    _tell(f"{subject}: {error}")
    if isinstance(error, (ValueError, TypeError)):
        return 2
    return 3 if getattr(error, "outcome_unknown", True) else 1


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

    notes = (
        "Environment: CLERK_SECRET_KEY, the secret key; CLERK_API_URL, Clerk's address (default: "
        "https://api.clerk.com). Exit status: 0; 1 if a call failed and Clerk did not act; 2 if an "
        "argument is invalid; 3 if a call failed and Clerk may have acted, or if there is no link; "
        "130 after Ctrl-C. Of several revokes, the highest counts."
    )
    parser = Parser(prog=_program(), epilog=notes)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="see how it works, without a key and without a network")

    create = commands.add_parser("create", help="create a token; print its link", epilog=notes)
    create.add_argument("user", help="the ID of the user to sign in as")
    create.add_argument(
        "--actor",
        required=True,
        help='the ID of the user who signs in, or a JSON object: {"sub": ID, ...}',
    )
    create.add_argument(
        "--expires-in",
        type=int,
        default=3600,
        help="how long the link works, in seconds (default: %(default)s)",
    )
    create.add_argument(
        "--session-max-duration",
        type=int,
        default=1800,
        help="how long the session may last, in seconds (default: %(default)s)",
    )
    create.add_argument("--json", action="store_true", help="print the whole token as JSON")

    revoke = commands.add_parser("revoke", help="revoke pending tokens", epilog=notes)
    revoke.add_argument("ids", nargs="+", metavar="ID", help="the ID of a token: act_...")

    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Returns the exit status (after --help or bad usage, argparse exits)."""
    options = _parser().parse_args(arguments)
    if options.command == "demo":
        return _demo()
    run = _create_command if options.command == "create" else _revoke_command
    try:
        with ActorTokens() as clerk:
            return run(clerk, options)
    except (ClerkBaseError, OSError, ValueError, TypeError) as error:
        return _report(_program(), error)
    except KeyboardInterrupt:
        _tell("Interrupted. Clerk may have acted.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
