# clerk-actor-tokens 3.0.0: one file, made to be copied. This line names the version of a copy.
# SPDX-FileCopyrightText: 2026 The clerk-actor-tokens authors
# SPDX-License-Identifier: MIT
# cython: annotation_typing=False
# (For Cython, which would otherwise read the annotations as C types.)
"""Create and revoke Clerk actor tokens: one-time links that let support sign in as a user.

Use it like this::

    from clerk_actor_tokens import ActorTokens

    clerk = ActorTokens("sk_test_...")  # or ActorTokens(), which reads CLERK_SECRET_KEY
    token = clerk.create("user_customer", actor="user_engineer")
    print(token.url)  # a secret, for the engineer alone
    clerk.revoke(token)

It needs CPython 3.9 or later, and nothing else.
Clerk's description of its API: https://github.com/clerk/openapi-specs (bapi/2026-05-12.yml).
"""

from __future__ import annotations

import base64
import errno
import io
import json
import math
import os
import random
import re
import socket
import ssl
import time
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from email.message import Message  # headers, whose names are case-insensitive
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Protocol, runtime_checkable
from urllib.error import HTTPError, URLError
from urllib.parse import unquote_to_bytes
from urllib.request import Request, getproxies, proxy_bypass

__version__ = "3.0.0"  # as in the first line
__all__ = [
    "ActorToken",
    "ActorTokens",
    "ClerkBaseError",
    "ClerkErrors",
    "ErrorDetail",
    "NoResponseError",
    "Opener",
    "RequestTimeoutError",
    "Response",
    "ResponseValidationError",
    "SDKError",
]

JSONObject = dict[str, Any]

API_VERSION = "2026-05-12"  # pins the shape of Clerk's responses
MAX_RESPONSE_BYTES = 1024 * 1024  # head and body
MAX_HEAD_BYTES = 16 * 1024  # the head alone: http.client parses a large malformed one slowly
MAX_TIMEOUT = 86_400  # seconds: a day
MAX_IDLE_SECONDS = 4.0  # servers close idle connections: Apache and Node.js after 5 s, by default


# ---- Secrets: the key, tokens, links, and a proxy's login
# Error trackers such as Sentry send the repr of each frame's variables. Some send the repr of the
# variables' attributes, too. So in the frames of an error that this module makes, the key, a token,
# a link or a proxy's login is a `_Secret`, or it is in an `io.BytesIO`. What can still show:
# - A secret in a claim of the actor, or in place of a number.
# - What a function is working on (one of this module, http.client or ssl.py), if a signal handler
#   raises something just then.
# - The arguments of a call or of a constructor that refuses one of them, if the tracker sends the
#   text itself in place of its repr (Rollbar and Elastic APM do).


class _Secret(str):
    """A text whose repr is `'***'`. Nothing else is hidden.

    `str()`, f-strings and `json` give the text itself. What its other methods return is plain text.
    """

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, index: Any) -> _Secret:  # rich and structlog cut a text before its repr
        return _Secret(super().__getitem__(index))


def _hide(value: object) -> _Secret:
    """A text as a `_Secret`. Anything else becomes an empty one, which no check accepts."""
    # str() of a member of a `str` Enum would be its name, such as "Engineers.ANNA".
    return _Secret(str.__str__(value) if isinstance(value, str) else "")


# What a key begins with: sk_ (a publishable one: pk_). After a letter, as in "task_1", it does not
# count. But sk_test_ and sk_live_ do, since "%3D" may stand before a key.
_KEY_START = "((?<![A-Za-z])[sp]k_|[sp]k_(test|live)_)"


def _mask(text: object) -> str:
    """Text from outside. What looks like a key or a token becomes ***."""
    # A token is a JWT: base64 of JSON, which begins with eyJ, and then parts after dots. An ID may
    # have eyJ in it, but no dot. (It is matched, too, or the search would start again inside it.)
    jwt = r"eyJ[\w-]*(\.\w[\w.~+/=-]*)?"
    masked = re.sub(jwt, lambda match: "***" if match[1] else match[0], str(text))
    return re.sub(_KEY_START + r"[\w.~+/=-]+", "***", masked)


def _quote(text: object) -> str:
    """Text from outside as one short line, masked."""
    line = _mask(text)[:2000]  # a page may have a megabyte
    line = "".join(character if character.isprintable() else " " for character in line)
    return " ".join(line.split())[:200].rstrip(".: ")


# ---- Results


@dataclass(frozen=True)
class ActorToken:
    """An actor token, with the fields that Clerk documents.

    Keep `id`: only with it can the token be revoked, and Clerk has no operation that lists tokens.
    `status` is "pending", "accepted", "revoked", or a status that Clerk adds later. `created_at`
    and `updated_at` are Unix times in milliseconds. `token` and `url` are secrets: whoever opens
    the URL first *is* that user. The repr leaves them out; `dataclasses.asdict` and `vars` do not.
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
class ErrorDetail:
    """An entry of `ClerkErrors.errors`. `code` is never empty; the other texts may be."""

    code: str
    message: str
    long_message: str
    meta: JSONObject | None = field(default=None, hash=False)


# ---- Errors
# As dataclasses, they have a typed `__init__`. All fields but the message need defaults, since
# pickle and copy call the class with the message alone, and restore the attributes afterwards.


@dataclass(eq=False, repr=False)
class ClerkBaseError(Exception):
    """What a failed call raises.

    (Invalid arguments raise `ValueError`. What a signal handler or an opener raises may come out as
    it is.)

    `message`, the same as `str()`, is one line. In it, and in what is taken from a response, keys
    and tokens are masked, unless the response has them encoded.
    `outcome_unknown` is True if Clerk may have acted: a create may have made a token whose ID is
    lost. It is False if it is certain that nothing was sent, or if each attempt that was sent got a
    3XX or 4XX, which is taken to mean that Clerk did not act.
    """

    message: str
    outcome_unknown: bool = True

    def __post_init__(self) -> None:
        super().__init__(self.message)


@dataclass(eq=False, repr=False)
class SDKError(ClerkBaseError):
    """A response whose status is not a success, such as a gateway's page or a redirect.

    The repr of `body` is `'***'`, since it may hold personal data. (But the message quotes the
    beginning of a page.) `retry_after` is in seconds.
    """

    status_code: int = 0
    headers: Message = field(default_factory=Message)
    body: str = ""
    retry_after: float | None = None


@dataclass(eq=False, repr=False)
class ClerkErrors(SDKError):
    """Clerk's own error response: one with `errors`."""

    errors: tuple[ErrorDetail, ...] = ()
    clerk_trace_id: str | None = None  # what Clerk's support asks for
    meta: JSONObject | None = None


@dataclass(eq=False, repr=False)
class ResponseValidationError(ClerkBaseError):
    """A success that is no actor token, or is another user's (create) or another token (revoke).

    `body` is as in `SDKError`.
    """

    status_code: int = 0
    headers: Message = field(default_factory=Message)
    body: str = ""


class NoResponseError(ClerkBaseError):
    """The call ended without a complete and valid HTTP response."""


class RequestTimeoutError(NoResponseError):
    """The call's `timeout` passed before it succeeded, or an opener raised a `TimeoutError`.

    It is not a `TimeoutError`, which is an `OSError`: code that retries every `OSError` would
    create a second token.
    """


# ---- The client


@runtime_checkable  # for isinstance, and for tools that check types at run time
class Response(Protocol):
    """What an opener returns. `headers` has `items()`, as a dict and `http.client`'s headers do."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Any: ...
    def read(self) -> bytes: ...


@runtime_checkable
class Opener(Protocol):
    """What can take the place of the network, such as a stand-in for tests or `build_opener()`.

    The request holds the key. Where it goes (by which proxies and redirects), how often, for how
    long, and how much of a response is read is the opener's own business. `timeout` is in seconds.

    A response that is not a success may be returned, or raised as `urllib.error.HTTPError`. An
    `OSError` or `http.client.HTTPException` becomes a `NoResponseError`; so does a `ValueError` or
    `OverflowError` from reading a response, which is how `http.client` refuses some. Any other
    exception reaches the caller as it is.

    A `ConnectionRefusedError`, `socket.gaierror` or `ssl.SSLCertVerificationError` is taken to mean
    that nothing was sent. So raise these three only then.
    """

    def open(self, request: Request, /, *, timeout: float) -> Response: ...


class ActorTokens(AbstractContextManager["ActorTokens"]):
    """Creates and revokes actor tokens. Threads may share one client.

    Parameters:

    - `secret_key`: `sk_test_...` or `sk_live_...`. If None: the environment variable
      CLERK_SECRET_KEY.
    - `server_url`: Clerk's address, with `/v1`. If None: the environment variable CLERK_API_URL,
      with or without `/v1`, or else https://api.clerk.com/v1.
    - `timeout`: seconds for a whole call, with its retries. (The look-up of a host's name may take
      longer: nothing can interrupt it.)
    - `max_retries`: the maximum number of retries of a call. A create is retried if making a
      connection failed, and after a 429; a revoke also after a 5XX or a lost connection. Nothing is
      retried after an invalid certificate or response, or after a proxy's 3XX or 4XX.
    - `ssl_context`: the TLS settings for https. If None: `ssl.create_default_context()`.
    - `opener`: takes the place of the network, and of the retries, the TLS settings and the proxy.
      It is asked once a call, at most.

    The proxy is found when the client is made, where urllib finds it: HTTPS_PROXY and NO_PROXY, or
    the system's settings. It must be an http proxy.
    Raises `ValueError` if an argument, a variable or the proxy's URL is invalid, and `OSError` if
    TLS cannot be set up.
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
        # Both are hidden before the first check: a key may have been passed as the address.
        key_name = "CLERK_SECRET_KEY" if secret_key is None else "secret_key"
        secret_key = _hide(os.getenv(key_name) if secret_key is None else secret_key)
        url_name = "CLERK_API_URL" if server_url is None else "server_url"
        if server_url is None:
            # In this variable of Clerk's SDKs, the address has no /v1 (clerk.com/docs, "Clerk
            # environment variables"). `server_url` is the Python SDK's, and has it.
            server_url = os.getenv(url_name, "").strip() or "https://api.clerk.com"
            server_url = server_url.rstrip("/").removesuffix("/v1") + "/v1"
        server_url = _hide(server_url)

        self._key = _require_key(key_name, secret_key)
        server = _require_server(url_name, server_url)
        self._server_url = str(server_url).rstrip("/")
        self._server_host = server.host

        expected = "a number of seconds from 0.001 to 86,400 (a day)"
        _require_number("timeout", timeout, (int, float), expected, 0.001, MAX_TIMEOUT)
        self._timeout = timeout
        _require_number("max_retries", max_retries, (int,), "a whole number, 0 or more", 0)
        is_context = ssl_context is None or isinstance(ssl_context, ssl.SSLContext)
        _require(is_context, "ssl_context must be an ssl.SSLContext")
        # Not a class: that would fail at the first call.
        is_opener = hasattr(opener, "open") and not isinstance(opener, type)
        _require(opener is None or is_opener, "opener must be an instance with a method open")

        self._transport: _Network | _OpenerAdapter
        if opener is None:
            self._transport = _Network(server, _find_proxy(server), ssl_context)
            self._max_retries = max_retries
            # Not in __del__: the sockets may be collected first, each with a ResourceWarning.
            weakref.finalize(self, self._transport.close)
        else:
            self._transport = _OpenerAdapter(server, opener)
            self._max_retries = 0

    def create(
        self,
        user_id: str,
        *,
        actor: str | Mapping[str, object],
        expires_in_seconds: int = 3600,
        session_max_duration_in_seconds: int = 1800,
        timeout: float | None = None,
    ) -> ActorToken:
        """Create a token with which `actor` can sign in as `user_id`, once. Returns the token.

        Parameters:

        - `user_id`: the ID of the user to be impersonated.
        - `actor`: the ID of the user who will impersonate, or a JSON object with that ID as `sub`
          and other claims. All of it will be in the session token's `act` claim.
        - `expires_in_seconds`: how long the link works, in seconds.
        - `session_max_duration_in_seconds`: how long its session may last, in seconds.
        - `timeout`: seconds for this call, in place of the client's. If no time is left (0 or
          less), nothing is sent, and `RequestTimeoutError` is raised.

        Raises `ValueError` for an invalid argument, before anything is sent, or a `ClerkBaseError`:
        `ClerkErrors` with 402 if the plan has no impersonation, with 422 if an argument is invalid
        or the plan's impersonations are used up.
        """
        # The IDs are hidden, since a secret may have been passed by mistake.
        user_id = _hide(user_id)
        actor = _hide_sub(actor)
        _require_id("user_id", user_id)
        _require("sub" in actor, "actor has no sub: the ID of the user who will impersonate")
        _require_id("actor (or its sub)", actor["sub"])

        limits = {
            "expires_in_seconds": expires_in_seconds,
            "session_max_duration_in_seconds": session_max_duration_in_seconds,
        }
        expected = "a whole number of seconds, 1 or more, that fits into 64 bits"
        for name, seconds in limits.items():
            _require_number(name, seconds, (int,), expected, 1, 2**63 - 1)

        call = _Call(
            self,
            "/actor_tokens",
            _encode({"user_id": user_id, "actor": actor, **limits}),
            timeout,
            is_repeatable=False,
            doubt="Clerk may have created a token, and a retry could create another. The "
            "dashboard's Logs show it as actor_token.created, with the ID to revoke",
            required_fields={"user_id": user_id},
        )
        return self._perform(call)

    def revoke(
        self, actor_token_id: str | ActorToken, *, timeout: float | None = None
    ) -> ActorToken:
        """Revoke a pending token: one whose link has not been opened.

        Returns the token that Clerk responds with. Its `status`, by then "revoked", is not checked.

        Parameters:

        - `actor_token_id`: the token's ID, or the `ActorToken` itself.
        - `timeout`: as in `create`.

        Raises what `create` raises: `ClerkErrors` with 404 if there is no such token, with 400
        (`actor_token_cannot_be_revoked_code`) if it is not pending. If the response to the first
        attempt was lost, that attempt may have revoked it.
        """
        if isinstance(actor_token_id, ActorToken):
            actor_token_id = actor_token_id.id  # or this frame would show the token's link
        actor_token_id = _hide(actor_token_id)  # a link may have been passed by mistake
        _require_id("actor_token_id", actor_token_id)

        call = _Call(
            self,
            f"/actor_tokens/{actor_token_id}/revoke",
            None,
            timeout,
            is_repeatable=True,
            doubt="Clerk may have revoked the token. A retry is safe",
            required_fields={"id": actor_token_id},
        )
        return self._perform(call)

    def close(self) -> None:
        """Close the idle connections. The client may be used again; a call under way goes on."""
        self._transport.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _perform(self, call: _Call) -> ActorToken:
        """Make a call. Returns its token, or raises its error."""
        result = self._send(call)
        if isinstance(result, ActorToken):
            return result
        try:
            raise result  # here, in a frame that has no response
        finally:
            del result  # or the error would refer to itself, by its traceback

    def _send(self, call: _Call) -> ActorToken | ClerkBaseError:
        """Send a request, with retries where they are safe. Returns the token or the error."""
        outcome: _FullResponse | _Failure | None = None
        outcome_unknown = False  # of all attempts: a refusal does not undo a lost one before it
        retries = 0
        while time.monotonic() < call.deadline:
            outcome = self._transport.attempt(call.request, call.deadline)
            outcome_unknown = outcome_unknown or outcome.may_have_acted

            is_safe = call.is_repeatable or not outcome_unknown
            if not (outcome.is_transient and is_safe and retries < self._max_retries):
                break
            # The length of a pause is no secret, so this generator will do.
            backoff = 2**retries * random.uniform(0.25, 0.5)  # nosec B311
            pause = max(backoff, outcome.retry_after or 0)
            if time.monotonic() + pause >= call.deadline:
                break
            time.sleep(pause)
            retries += 1

        if outcome is None:
            outcome = _Failure(
                TimeoutError("no time was left, and nothing was sent"), may_have_acted=False
            )
        return _read_outcome(call, outcome, outcome_unknown)


class _Call:
    """A create or a revoke: its request, its time, and how its outcome is told."""

    def __init__(
        self,
        client: ActorTokens,
        path: str,
        body: bytes | None,
        timeout: float | None,
        *,
        is_repeatable: bool,
        doubt: str,
        required_fields: dict[str, str],
    ) -> None:
        seconds = client._timeout if timeout is None else timeout
        # 0 or less is valid: an AWS Lambda function computes it when it has no time left.
        expected = "a number of seconds, 86,400 (a day) at most"
        _require_number("timeout", seconds, (int, float), expected, -math.inf, MAX_TIMEOUT)
        self.seconds = max(0.0, seconds)
        self.deadline = time.monotonic() + self.seconds

        headers = {
            "Accept": "application/json",
            "Clerk-API-Version": API_VERSION,
            "User-Agent": f"clerk-actor-tokens/{__version__}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        # With the host given, Request does not look for it in the URL, by rules of its own.
        self.request = Request(
            client._server_url + path,
            body,
            headers,
            origin_req_host=client._server_host,
            method="POST",
        )
        # Unredirected: all other headers go with urllib to wherever a redirect leads.
        self.request.add_unredirected_header("Authorization", _Secret(f"Bearer {client._key}"))

        self.title = f"POST {self.request.selector} to {client._transport.route}"  # for messages
        self.is_repeatable = is_repeatable  # if not, a second attempt could act a second time
        self.doubt = doubt  # the sentence for a call in which Clerk may have acted
        self.required_fields = required_fields  # what the token must have, by name


# ---- Checks of arguments. No message repeats a key, an ID or a URL: it may be a secret.


def _require(condition: object, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)


def _require_key(name: str, value: _Secret) -> _Secret:
    # A key from a file or from a Windows shell has a line end or a blank after it.
    key = _Secret(value.strip())
    # The characters that may follow "Bearer": RFC 6750, section 2.1.
    _require(
        re.fullmatch("sk_[A-Za-z0-9._~+/-]+=*", key),
        f"{name} is not set, or is not a secret key as a str. A secret key begins with sk_test_ or "
        "sk_live_, without quotes, blanks or 'Bearer'. Copy it from Clerk's dashboard, API keys "
        "(pk_... is the publishable key)",
    )
    return key


def _hide_sub(actor: object) -> JSONObject:
    """An actor as an object, with the ID in it hidden."""
    claims = actor if isinstance(actor, Mapping) else {"sub": actor}
    return {name: _hide(claim) if name == "sub" else claim for name, claim in claims.items()}


def _require_id(name: str, value: _Secret) -> None:
    # With dots, slashes or % in it, an ID could reach another path of the API.
    is_id = re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", value) is not None
    _require(
        is_id and not re.search(_KEY_START, value),
        f"{name} must be an ID such as user_... or act_..., as a str: letters, digits, _ and - "
        "alone, and no key, token or link",
    )


def _require_number(
    name: str, value: Any, kinds: tuple[type, ...], expected: str, least: Any, most: Any = math.inf
) -> None:
    is_number = isinstance(value, kinds) and not isinstance(value, bool)  # True is an int
    _require(is_number and least <= value <= most, f"{name} must be {expected}")


def _encode(document: JSONObject) -> bytes:
    """The body of a create, if JSON holds it unchanged."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        # A key that is a number would become text, and a tuple a list.
        if json.loads(text) == document:
            return text.encode()
        problem = "it would be sent as something else"
    except (TypeError, ValueError, RecursionError) as error:
        problem = str(error)
    raise ValueError(
        "actor must be what JSON holds unchanged, such as text as keys, and lists and no tuples: "
        f"{problem}"
    )


class _Address:
    """Where a URL leads. `netloc` is its host and port as they stand in it."""

    def __init__(
        self, scheme: str, login: str | None, netloc: str, host: str, port: str | None
    ) -> None:
        self.scheme = scheme.lower()
        self.login = None if login is None else _Secret(login)
        self.netloc = netloc
        self.host = host.strip("[]")
        self.port = int(port or (443 if self.scheme == "https" else 80))
        self.host_port = f"{host}:{self.port}"


def _parse_url(url: str) -> _Address | None:
    """Where a URL leads, or None if it is not a plain one.

    It is not left to urlsplit, some versions of which drop line ends (bpo-43882), and read
    [::1].evil.com as ::1 (python/cpython#103848).
    """
    if not url.isascii():  # other characters may look like a slash or a dot, and become one
        return None
    # A login has no # / ? [ ] or \: another parser might take what stands before it for the host.
    match = re.fullmatch(
        r"(?P<scheme>https?)://((?P<login>[^\s#/?\[\]\\]*)@)?"
        r"(?P<netloc>(?P<host>[\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])(:(?P<port>\d{1,5}))?)"
        r"(/[\w.~%/-]*)?",
        url,
        re.IGNORECASE,
    )
    if match is None:
        return None
    address = _Address(**match.groupdict())
    return address if 0 < address.port < 65536 else None


def _require_server(name: str, url: _Secret) -> _Address:
    """Where the key may be sent: anywhere over https, and over http to this machine only."""
    # With a key in it, each message would show the key.
    server = None if re.search(_KEY_START, url) else _parse_url(url)
    if server and server.login is None:
        is_here = server.host.lower() in ("localhost", "127.0.0.1", "::1")
        if server.scheme == "https" or is_here:
            return server
    raise ValueError(
        f"{name} must be a URL such as https://api.clerk.com/v1, without login, key or query. A "
        "port must be from 1 to 65535. http:// may only lead to localhost, 127.0.0.1 or [::1]"
    )


def _find_proxy(server: _Address) -> _Address | None:
    """The proxy on the way to a server, as urllib finds it, or None."""
    setting = _Secret(getproxies().get("https", "").strip())  # a login may be in it
    # http is for this machine alone: a proxy would see the key.
    if not setting or server.scheme == "http" or proxy_bypass(server.netloc):
        return None
    proxy = _parse_url(setting if "://" in setting else _Secret(f"http://{setting}"))
    _require(
        proxy and proxy.scheme != "https",
        "HTTPS_PROXY, or the system's proxy, must be an http proxy: http://host:port, or "
        "http://login@host:port with a login that is percent-encoded, and a port up to 65535",
    )
    return proxy


# ---- From an outcome to a result or an error. An error is returned, not raised: its traceback
# would have frames with a response in them.


_CHECK_ADDRESS = "Check server_url or CLERK_API_URL"
_CHECK_TRUST = (
    "Check the address, this machine's clock, and the CA certificates that it trusts "
    "(SSL_CERT_FILE, or ssl_context)"
)


class _FullResponse:
    """A complete response, of whatever status."""

    def __init__(self, status: int, headers: Any, body: io.BytesIO) -> None:
        self.status = status
        self.is_success = 200 <= status < 300
        # A success is not masked: that takes time, and no error has it in its frames.
        self.headers = headers if self.is_success else _masked_headers(headers)
        self.body = body
        # Only a redirect or a refusal says that Clerk did not act.
        self.may_have_acted = not 300 <= status < 500
        self.is_transient = status == 429 or status >= 500
        wait = "" if self.is_success else str(self.headers["Retry-After"]).strip()
        # A date is ignored.
        self.retry_after = float(wait) if re.fullmatch("[0-9]{1,9}", wait) else None


def _is_timeout(error: object) -> bool:
    """Whether a time limit has passed."""
    # On Python 3.9, a socket's is a socket.timeout. With ETIMEDOUT, it was the system's own limit.
    return isinstance(error, (TimeoutError, socket.timeout)) and error.errno != errno.ETIMEDOUT


class _Failure:
    """Why there is no complete and valid response."""

    def __init__(self, error: object, *, may_have_acted: bool) -> None:
        # str() would add "[Errno 111]" to the system's own words.
        words = _quote(getattr(error, "strerror", None) or error)
        self.reason = words or type(error).__name__
        self.may_have_acted = may_have_acted
        self.is_timeout = _is_timeout(error)
        is_untrusted = isinstance(error, ssl.SSLCertVerificationError)
        self.advice = _CHECK_TRUST if is_untrusted else ""
        # For why an OSError may pass, see "The network" below.
        self.is_transient = isinstance(error, OSError) and not is_untrusted
        self.retry_after = None


def _read_json(text: str | bytes) -> JSONObject | None:
    """The JSON object in a text, or None if it is anything else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


# What a field is in JSON: in words, and as types.
_TEXT = ("text", (str,))
_OPTIONAL_TEXT = ("text or null", (str, type(None)))
_WHOLE_NUMBER = ("a whole number", (int,))
_OBJECT = ("an object", (dict,))
_TOKEN_FIELDS = {
    "object": _TEXT,
    "id": _TEXT,
    "status": _TEXT,
    "user_id": _TEXT,
    "actor": _OBJECT,
    "created_at": _WHOLE_NUMBER,
    "updated_at": _WHOLE_NUMBER,
    "token": _OPTIONAL_TEXT,
    "url": _OPTIONAL_TEXT,
}


def _parse_token(body: bytes, required_fields: dict[str, str]) -> ActorToken | str:
    """The actor token in a success, or what is wrong with it, in words that quote nothing of it."""
    document = _read_json(body)
    if document is None:
        return f"it is not JSON, or no JSON object. {_CHECK_ADDRESS}"
    fields: JSONObject = {name: document.get(name) for name in _TOKEN_FIELDS}
    for name, (words, types) in _TOKEN_FIELDS.items():
        # By `type()`, since isinstance(True, int) is true.
        if type(fields[name]) not in types:
            return f"its {name} should be {words}"
    # Another ID than the one asked for: the response is late, or a gateway has mixed up two.
    for name, value in {"object": "actor_token", **required_fields}.items():
        if fields[name] != value:
            return f"its {name} should be {value}"
    return ActorToken(**fields)


def _read_outcome(
    call: _Call, outcome: _FullResponse | _Failure, outcome_unknown: bool
) -> ActorToken | ClerkBaseError:
    """The token of a call, or its error."""
    if isinstance(outcome, _Failure):
        return _failure_error(call, outcome, outcome_unknown)
    if not outcome.is_success:
        return _status_error(call, outcome, outcome_unknown)

    result = _parse_token(outcome.body.getvalue(), call.required_fields)
    if isinstance(result, ActorToken):
        return result
    return ResponseValidationError(
        _message(call, outcome_unknown, f"got {outcome.status}, but {result}"),
        outcome_unknown,
        status_code=outcome.status,
        headers=_masked_headers(outcome.headers),
        body=_masked_body(outcome),
    )


def _failure_error(call: _Call, failure: _Failure, outcome_unknown: bool) -> NoResponseError:
    """The error for a call without a complete response."""
    happened = f"got no valid response: {failure.reason}"
    advice = f"The call had {call.seconds:g} seconds" if failure.is_timeout else failure.advice
    kind = RequestTimeoutError if failure.is_timeout else NoResponseError
    return kind(_message(call, outcome_unknown, happened, advice), outcome_unknown)


def _status_error(call: _Call, response: _FullResponse, outcome_unknown: bool) -> SDKError:
    """The error for a response whose status is not a success."""
    body = _masked_body(response)
    document = _read_json(body) or {}
    errors = _parse_errors(document)
    said = _response_text(body, document, errors)
    happened = f"got {response.status}: {said}" if said else f"got {response.status}"
    message = _message(call, outcome_unknown, happened, *_status_advice(response, errors))
    facts: JSONObject = {
        "status_code": response.status,
        "headers": response.headers,
        "body": body,
        "retry_after": response.retry_after,
    }
    if not errors:
        return SDKError(message, outcome_unknown, **facts)
    return ClerkErrors(
        message,
        outcome_unknown,
        **facts,
        errors=errors,
        clerk_trace_id=_get_field(document, "clerk_trace_id", str) or None,
        meta=_get_field(document, "meta", dict) or None,
    )


def _response_text(body: str, document: JSONObject, errors: tuple[ErrorDetail, ...]) -> str:
    """What a response that is not a success says, as one line."""
    if errors:
        texts = [f"{error.code}: {error.long_message or error.message}" for error in errors[:10]]
        trace_id = _get_field(document, "clerk_trace_id", str)
        texts.append(f"trace ID {trace_id}" if trace_id else "")
    elif body.lstrip().startswith(("{", "[", '"')):
        # Somebody else's JSON: its other fields may be personal data.
        texts = [_get_field(document, "message", str) or _get_field(document, "detail", str)]
    else:
        texts = [body]
    quotes = [_quote(text) for text in texts]
    return "; ".join(quote for quote in quotes if quote)


def _status_advice(response: _FullResponse, errors: tuple[ErrorDetail, ...]) -> list[str]:
    """What to do about a response that is not a success, as sentences."""
    advice = []
    if any(error.code == "actor_token_cannot_be_revoked_code" for error in errors):
        advice.append("If its link was opened, end the session that it has started")
    elif response.status == 404 and errors:
        advice.append(
            "Check the ID: user_... (not an e-mail address) or act_..., of the key's Clerk instance"
        )
    elif response.status == 404:
        advice.append(_CHECK_ADDRESS)
    elif 300 <= response.status < 400:
        advice.append(f"The redirect was not followed. {_CHECK_ADDRESS}")
    if response.retry_after is not None:
        advice.append(f"The server asks to wait {response.retry_after:.0f} seconds")
    return advice


def _message(call: _Call, outcome_unknown: bool, happened: str, *advice: str) -> str:
    """One line: what happened to the call, what to do about it, and whether Clerk acted."""
    conclusion = call.doubt if outcome_unknown else "Clerk did not act"
    sentences = (f"{call.title} {happened}", *advice, conclusion)
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


def _masked_headers(headers: Any) -> Message:
    masked = Message()
    for name, value in (headers or {}).items():
        masked[_mask(name)] = _mask(value)
    return masked


def _masked_body(response: _FullResponse) -> _Secret:
    return _Secret(_mask(response.body.getvalue().decode("utf-8-sig", "replace")))


def _parse_errors(document: JSONObject) -> tuple[ErrorDetail, ...]:
    """The errors in Clerk's envelope; none if the document is anything else."""
    return tuple(
        ErrorDetail(
            code=entry["code"],
            message=_get_field(entry, "message", str),
            long_message=_get_field(entry, "long_message", str),
            meta=_get_field(entry, "meta", dict) or None,
        )
        for entry in _get_field(document, "errors", list)
        if isinstance(entry, dict) and _get_field(entry, "code", str)
    )


def _get_field(document: JSONObject, name: str, kind: type) -> Any:
    """A field of a JSON object, or an empty one if it is missing or of another type."""
    value = document.get(name)
    return value if isinstance(value, kind) else kind()


# ---- The network
# http.client writes the requests and reads the responses. What is added here:
# - One deadline. http.client reads from an _Incoming, which sets the socket's timeout to what is
#   left before each wait. So a server that sends a byte now and then cannot prolong a call.
#   Requests are written to memory first, and go out at once.
# - Idle connections. One is used again only if it fell idle in this process, a few seconds ago at
#   most, and no byte waits to be read: what comes between two calls belongs to neither.
# - Two kinds of exceptions. After an OSError, such as a lost connection, a retry may help (but not
#   after an invalid certificate). After an HTTPException, it would not: a response is invalid, or
#   the proxy refuses.


class _Network:
    """The connections to one server, directly or through a proxy. Follows no redirects."""

    def __init__(
        self, server: _Address, proxy: _Address | None, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._server = server
        self._proxy = proxy
        self.route = server.netloc + (f" through the proxy {proxy.host_port}" if proxy else "")
        is_https = server.scheme == "https"
        self._tls = (ssl_context or ssl.create_default_context()) if is_https else None
        # Each with the process and the time (in seconds) in which it fell idle. Threads share the
        # list: append and pop are atomic.
        self._idle: list[tuple[_Exchange, int, float]] = []

    def attempt(self, request: Request, deadline: float) -> _FullResponse | _Failure:
        """Send a request once."""
        sock = None
        may_have_acted = False
        try:
            sock = self._take_idle() or self._connect(deadline)
            exchange = _Exchange(sock, deadline)
            http = self._http()
            # `request.headers` has no Authorization, since that was added as unredirected.
            exchange.write(http, "POST", request.selector, request.data, request.headers)
            credentials = _Secret(f"Authorization: {request.get_header('Authorization')}\r\n")
            sock.settimeout(_remaining(deadline))  # raises if no time is left: nothing is sent
            may_have_acted = True
            head = exchange.send(http, credentials)
            response = exchange.read_response(head)
            if not head.will_close:
                # By the wall clock: time.monotonic may stand still while a Lambda is frozen.
                self._idle.append((exchange, os.getpid(), time.time()))
                sock = None  # it stays open
            return response
        except (OSError, HTTPException, UnicodeError) as error:  # UnicodeError: too long a host
            if _is_foreign_timeout(error, deadline):
                raise
            return _Failure(error, may_have_acted=may_have_acted)
        finally:  # after Ctrl-C, too
            if sock:  # a part of this request or of its response may be left in it
                sock.close()

    def close(self) -> None:
        with suppress(IndexError):  # no length check: another thread may take the last
            while True:
                self._idle.pop()[0].sock.close()

    def _take_idle(self) -> socket.socket | None:
        """The oldest idle connection that is usable. Those before it get closed."""
        with suppress(IndexError):
            while True:
                exchange, process, since = self._idle.pop(0)
                is_usable = False
                try:
                    is_fresh = 0 <= time.time() - since < MAX_IDLE_SECONDS
                    is_usable = process == os.getpid() and is_fresh and exchange.is_silent()
                finally:  # after Ctrl-C, too
                    if not is_usable:
                        exchange.sock.close()
                if is_usable:
                    return exchange.sock
        return None

    def _connect(self, deadline: float) -> socket.socket:
        """A new connection: TCP, the proxy's tunnel if any, TLS unless it is http."""
        hop = self._proxy or self._server
        sock = _connect_tcp(hop.host, hop.port, deadline)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small packets never wait
            if self._proxy:
                _open_tunnel(sock, self._proxy, self._server, deadline)
            if self._tls:
                # This shakes hands, too: there, a truststore.SSLContext verifies certificates.
                sock.settimeout(_remaining(deadline))
                sock = self._tls.wrap_socket(sock, server_hostname=self._server.host)
            return sock
        except BaseException:
            sock.close()
            raise

    def _http(self) -> HTTPConnection:
        """What writes a request and reads its response. It gets its connection from `_Exchange`."""
        # HTTPSConnection leaves :443 out of the header Host, and tracers (Sentry, AWS X-Ray) report
        # an https URL.
        if self._tls:
            return HTTPSConnection(self._server.host, self._server.port, context=self._tls)
        return HTTPConnection(self._server.host, self._server.port)


def _connect_tcp(host: str, port: int, deadline: float) -> socket.socket:
    """A TCP connection to the first address of `host` that accepts one."""
    # By position: some programs replace getaddrinfo by a function that takes no keywords.
    addresses: Any = list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    while addresses:
        # An equal share of the time: a silent address leaves some for the next.
        share = _remaining(deadline) / len(addresses)
        end = time.monotonic() + share
        address = addresses.pop(0)[4]
        try:  # the address is a number, so nothing is looked up again
            return socket.create_connection(address[:2], share)
        except OSError as error:
            if not addresses or _is_foreign_timeout(error, end):
                raise
    raise OSError(f"{host} has no address")


def _open_tunnel(sock: socket.socket, proxy: _Address, server: _Address, deadline: float) -> None:
    """Ask a proxy for a connection to the server."""
    http = HTTPConnection(server.host, server.port)
    exchange = _Exchange(sock, deadline)
    exchange.write(http, "CONNECT", server.host_port, None, {})
    credentials = _proxy_credentials(proxy)
    sock.settimeout(_remaining(deadline))
    try:
        # What came with the head is dropped: in TLS, a server says nothing before the client does.
        status = exchange.send(http, credentials).status
    except HTTPException:  # its text may repeat the login
        raise HTTPException("the proxy's response is invalid") from None
    if status >= 500:
        raise OSError(f"the proxy responded {status}")
    if not 200 <= status < 300:  # a retry would get it again
        raise HTTPException(f"the proxy responded {status}. Check the proxy's login and rules")


def _proxy_credentials(proxy: _Address) -> _Secret:
    """The line of a head with the proxy's login, if it has one."""
    if not proxy.login:
        return _Secret()
    login = proxy.login if ":" in proxy.login else f"{proxy.login}:"
    encoded = base64.b64encode(unquote_to_bytes(login)).decode()
    return _Secret(f"Proxy-Authorization: Basic {encoded}\r\n")


def _remaining(deadline: float) -> float:
    """The seconds until the deadline. Raises at 0, which would tell a socket not to wait."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def _is_foreign_timeout(error: Exception, deadline: float) -> bool:
    """Whether a timeout came too early to be a socket's. Then it is, say, a signal handler's."""
    # Windows' clock goes in steps of 16 ms (time.get_clock_info). So a socket's timeout may seem to
    # come that much too early.
    return _is_timeout(error) and time.monotonic() < deadline - 0.02


class _Incoming(io.RawIOBase):
    """The bytes that a connection receives for one response, within limits."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self.deadline: float | None = deadline  # None: take what has come, and never wait
        self.allowance = MAX_HEAD_BYTES  # how many more bytes may come
        self.may_end = False  # whether the connection's end would be the response's

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing. The garbage collector may close it before an HTTPResponse that reads from it,
        and whose own end would then fail with "I/O operation on closed file"."""

    def readinto(self, buffer: Any) -> int | None:
        # Set anew before each wait, or a byte now and then would hold a call. Over TLS, it covers
        # all of a recv_into.
        self._sock.settimeout(0 if self.deadline is None else _remaining(self.deadline))
        try:
            # No more than is allowed: the buffer may be larger. If nothing is, then one byte, which
            # tells whether the response has ended.
            received = self._sock.recv_into(buffer[: self.allowance or 1])
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if received > self.allowance:
            raise HTTPException("it is too large: a head of over 16 KiB, or over 1 MiB in all")
        if not received and not self.may_end:
            # http.client would take it for the end of the head, or of the body.
            raise ConnectionError("the connection ended before the response did")
        self.allowance -= received
        return received


class _SocketStandIn(io.BufferedReader):
    """What http.client takes for a socket.

    http.client writes a request with `sendall`: it goes to memory. It reads the response from what
    `makefile` returns: from an `_Incoming`, with a buffer.
    """

    def __init__(self, incoming: _Incoming) -> None:
        super().__init__(incoming)
        self.written = io.BytesIO()

    def sendall(self, data: bytes) -> None:
        self.written.write(data)

    def makefile(self, mode: str) -> _SocketStandIn:
        return self

    def close(self) -> None:
        """Do nothing. http.client closes it before the body is read, and after. It may hold further
        bytes, which must be noticed before the connection is used again."""


class _Exchange:
    """A request and its response, over a connection."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock = sock
        self._incoming = _Incoming(sock, deadline)
        self._stand_in = _SocketStandIn(self._incoming)

    def write(
        self, http: HTTPConnection, method: str, target: str, body: Any, headers: Mapping[str, str]
    ) -> None:
        """Write a request to memory."""
        http.set_debuglevel(0)  # a program may have set the class's, which prints requests
        http.sock = self._stand_in  # so it does not connect
        http.request(method, target, body, headers)

    def send(self, http: HTTPConnection, credentials: _Secret) -> HTTPResponse:
        """Send what was written, within the socket's timeout. Returns the response's head.

        `credentials` becomes the last line of the request's head, unless it is empty. It comes in
        only here, so that neither http.client nor a tracer has it.
        """
        # The memory is emptied, by closing it: an idle connection refers to it.
        with self._stand_in.written as request:
            # As a view: ssl.py has its argument in a variable, and the repr of bytes would show the
            # key there. (The view's attribute `obj` still does.)
            self.sock.sendall(
                memoryview(
                    request.getvalue().replace(b"\r\n\r\n", f"\r\n{credentials}\r\n".encode(), 1)
                )
            )
        try:
            return http.getresponse()
        # From the email package, about `multipart/x; boundary*;boundary*0=a` in a head.
        except (TypeError, ValueError):
            raise HTTPException("its head is invalid") from None

    def read_response(self, head: HTTPResponse) -> _FullResponse:
        """Read the body after a head. Returns the complete response."""
        if head.status < 200:  # http.client skips 100 alone, and cannot go on after another
            raise HTTPException(f"it is an interim response, {head.status}")

        self._incoming.allowance += MAX_RESPONSE_BYTES - MAX_HEAD_BYTES
        # Unless the head says how long the body is, it lasts until the connection ends.
        self._incoming.may_end = head.length is None and not head.chunked
        try:
            # With a limit, or http.client would allocate as much as a chunk announces.
            body = io.BytesIO(head.read(MAX_RESPONSE_BYTES))
        except (ValueError, OverflowError):  # such as a chunk whose size is below 0
            raise HTTPException("its body is invalid") from None
        return _FullResponse(head.status, head.headers, body)

    def is_silent(self) -> bool:
        """Whether nothing has come after the response, and the connection is open. Asked once."""
        self._incoming.deadline = None
        try:
            return self._stand_in.read(1) is None  # a byte would belong to no call
        except (OSError, HTTPException) as error:
            if _is_timeout(error):  # somebody else's: this socket does not wait
                raise
            return False


class _OpenerAdapter:
    """An opener of the user's, with the methods of `_Network`."""

    def __init__(self, server: _Address, opener: Opener) -> None:
        self.route = server.netloc
        self._opener = opener

    def attempt(self, request: Request, deadline: float) -> _FullResponse | _Failure:
        """Ask the opener once."""
        seconds = max(deadline - time.monotonic(), 0.001)  # 0 would tell a socket not to wait
        try:
            response: Any = self._opener.open(request, timeout=seconds)
        except HTTPError as error:  # urllib raises a response that is not a success
            if error.fp is None:  # it has no body, and on Python 3.9 no read()
                return _FullResponse(error.code, error.headers, io.BytesIO())
            response = error
        # A signal handler's TimeoutError cannot be told from the opener's.
        except (OSError, HTTPException) as error:
            # urllib wraps in a URLError what happened, or a text.
            wrapped = error.reason if isinstance(error, URLError) else None
            failure = wrapped or error
            # What an opener raises only if nothing was sent, as the docstring of `Opener` says.
            unsent = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
            return _Failure(failure, may_have_acted=not isinstance(failure, unsent))
        try:
            body = io.BytesIO(response.read())
            return _FullResponse(int(response.status), response.headers, body)
        except (OSError, HTTPException, ValueError, OverflowError) as error:
            return _Failure(error, may_have_acted=True)
        finally:
            with suppress(Exception):  # it may have no close(), and nobody needs it any more
                response.close()

    def close(self) -> None:
        """Do nothing: the opener is the user's."""


# ---- The client ends here. A copy may end here, too.

# Imported here, and not at the head: the client does not need them.
import sys
from dataclasses import replace
from typing import NoReturn

__all__ += ["Sandbox", "main"]


# ---- Clerk in memory


class Sandbox:
    """Clerk in memory, for tests: `ActorTokens("sk_test_x", opener=Sandbox())`.

    `tokens` has the tokens that were created, by ID, with their present status, but without their
    links.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, ActorToken] = {}
        self._failures: list[tuple[_SandboxResponse | Exception, bool]] = []

    def open(self, request: Request, *, timeout: float = 0) -> _SandboxResponse:
        """Return the response to a request, or fail as `fail_next` asked for."""
        if not self._failures:
            return self._act(request)
        failure, acted = self._failures.pop(0)
        if acted:
            self._act(request)
        if isinstance(failure, Exception):
            raise failure
        return failure

    def accept(self, token_id: str | ActorToken) -> None:
        """Open the link, as the engineer does. Raises `ValueError` if no such token is pending."""
        plain_id = token_id.id if isinstance(token_id, ActorToken) else token_id
        token = self.tokens.get(plain_id)
        if token is None or token.status != "pending":
            raise ValueError("token_id must be the ID of a pending token")
        self._update(token, "accepted")

    def fail_next(
        self,
        failure: int | Exception,
        *,
        acted: bool = False,
        code: str = "sandbox_failure",
        message: str = "The sandbox was told to fail.",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Let the next call fail. Called twice: the next two calls.

        Parameters:

        - `failure`: the status of the response, from 400 to 599; or an exception to raise in place
          of a response, such as `TimeoutError()`.
        - `acted`: whether Clerk carries out the request, so that only its response is lost. Then,
          `failure` is a status from 500 on (with a 4XX, Clerk has never acted), or an exception
          that leaves a doubt, such as `TimeoutError()`.
        - `code`, `message`: of the error in Clerk's envelope.
        - `headers`: of the response, such as `{"Retry-After": "3"}`.

        Raises `ValueError` for any other status.
        """
        if isinstance(failure, Exception):
            self._failures.append((failure, acted))
            return
        lowest = 500 if acted else 400
        is_status = isinstance(failure, int) and lowest <= failure <= 599
        _require(is_status, f"failure must be a status from {lowest} to 599, or an exception")
        response = _error_response(failure, code, message)
        response.headers.update(headers or {})
        self._failures.append((response, acted))

    def _act(self, request: Request) -> _SandboxResponse:
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

    def _create(self, body: Any) -> _SandboxResponse:
        now = int(time.time() * 1000)
        sent = json.loads(body)
        fields = {
            "object": "actor_token",
            "id": "act_" + os.urandom(14).hex()[:27],  # as long as Clerk's
            "status": "pending",
            "user_id": sent["user_id"],
            "actor": sent["actor"],
            "created_at": now,
            "updated_at": now,
        }
        self.tokens[fields["id"]] = ActorToken(**fields)
        ticket = f"eyJ.{os.urandom(40).hex()}.{os.urandom(43).hex()}"
        url = f"https://sandbox.clerk.accounts.dev/v1/tickets/accept?ticket={ticket}"
        return _SandboxResponse(200, {**fields, "token": ticket, "url": url})

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


# What a new client, the reading of IDs, or a call raises.
_FAILURES = (ClerkBaseError, ValueError, OSError)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line. Always ends in `SystemExit`, with the exit status."""
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    """Run the command that the arguments name. Returns the exit status."""
    doubt = ""
    try:
        options = _parser().parse_args(arguments)
        try:
            prepared = options.prepare(options)
            doubt = " Clerk may have acted, if the request had been sent."
            status: int = options.run(*prepared)
        except _FAILURES as error:
            return _report(_program(), error)
    except KeyboardInterrupt:
        _tell(f"Interrupted.{doubt}")
        return 130
    return status


def _demo() -> int:
    class Narrator(Sandbox):
        def open(self, request: Request, *, timeout: float = 0) -> _SandboxResponse:
            response = super().open(request)
            body: Any = request.data or b"(no body)"
            _print(f"> POST {request.full_url}\n> Authorization: Bearer sk_test_***")
            _print(f"> {body.decode()}\n< {response.status}\n< {response.getvalue().decode()}")
            return response

    _print("This is a simulation: Clerk is played in memory, and nothing is sent.")
    clerk = ActorTokens("sk_test_demo", server_url="https://api.clerk.com/v1", opener=Narrator())
    _print("\n1. Create a token with which user_engineer can sign in as user_customer, once:")
    token = clerk.create("user_customer", actor={"sub": "user_engineer", "ticket": "SUP-1"})
    _print(f"= {token}\n= The link, for the engineer to open: {token.url}")
    _print("\n2. Revoke it, since nobody has opened the link:")
    _print(f"= {clerk.revoke(token)}")
    _print("\n3. Revoke it again. Clerk refuses, since only a pending token can be revoked:")
    try:
        clerk.revoke(token)
    except ClerkErrors as error:
        _print(f"= ClerkErrors: {error}")
    return 0


def _create(clerk: ActorTokens, options: Any) -> int:
    token = clerk.create(
        options.user_id,
        actor=options.actor,
        expires_in_seconds=options.expires_in,
        session_max_duration_in_seconds=options.session_max_duration,
    )
    who = _quote(f"{token.actor.get('sub')} can sign in as {token.user_id}")
    _tell(
        f"{who}, once, within {options.expires_in} s, for {options.session_max_duration} s at most."
        f"\nTo revoke it: {_program()} revoke {_quote(token.id)}"
    )

    link = token.url or ""
    if not options.json and not re.fullmatch("https://[!-~]+", link):
        _tell("The token has no https link.")
        return 3
    if not _print(json.dumps(vars(token), indent=2) if options.json else link):
        _tell("The link could not be written to standard output.")
        return 3
    return 0


def _revoke(clerk: ActorTokens, ids: list[tuple[str, str]]) -> int:
    worst = 0
    for place, token_id in ids:
        try:
            token = clerk.revoke(token_id)
        except _FAILURES as error:
            # Its place alone, if it does not look like an ID: it may be a secret.
            is_shown = re.fullmatch("act_[A-Za-z0-9_-]+", token_id)
            subject = f"{place} ({_mask(token_id)})" if is_shown else place
            worst = max(worst, _report(subject, error))
            continue
        line = f"{_quote(token.id)} {_quote(token.status)}"
        if not _print(line):
            _tell(line)  # and the next one is revoked all the same
    return worst


def _read_ids(arguments: list[str]) -> list[tuple[str, str]]:
    """Each ID, after its place in words. "-" alone stands for the lines of standard input."""
    if arguments != ["-"]:
        return [(f"ID number {number}", text) for number, text in enumerate(arguments, 1)]
    _require(sys.stdin, "standard input is closed")
    # Windows' files may begin with U+FEFF.
    lines = [line.strip("\ufeff \t\r\n") for line in sys.stdin]
    _require(any(lines), "standard input has no ID")
    return [(f"line {number}", line) for number, line in enumerate(lines, 1) if line]


def _report(subject: str, error: Exception) -> int:
    """Print an error. Returns the exit status for it."""
    _tell(f"{subject}: {error}")
    if isinstance(error, ClerkBaseError):
        return 3 if error.outcome_unknown else 1
    return 2


def _program() -> str:
    """How the reader has run this program."""
    path = sys.argv[0]
    return f"python3 {path}" if path.endswith((".py", ".pyz")) else os.path.basename(path)


def _print(text: str, name: str = "stdout") -> bool:
    """Print a line to a standard stream. Returns whether that worked: its reader may have gone."""
    stream = getattr(sys, name)
    try:
        stream.write(f"{text}\n")
        stream.flush()
    # AttributeError: it is None, since it was closed. ValueError: its encoding lacks a character.
    except (AttributeError, OSError, ValueError):
        # Or Python would try again when it exits, and fail with a status of its own (120).
        setattr(sys, name, None)
        return False
    return True


def _tell(text: str) -> None:
    """Print a line to standard error, if anybody reads it."""
    _print(text, "stderr")


def _parser() -> Any:
    import argparse  # here, since the client does without

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:  # argparse's own quotes a pasted key as it is
            self.exit(2, f"{self.format_usage()}{self.prog}: {_quote(message)}\n")

    notes = (
        "Environment: CLERK_SECRET_KEY, the secret key; CLERK_API_URL, Clerk's address (default: "
        "https://api.clerk.com). Exit status: 0; 1 if a call failed and Clerk did not act; 2 if an "
        "argument or a setting is invalid; 3 if Clerk may have acted, but there is no result: the "
        "response was lost, or the link could not be written; 130 after Ctrl-C. Of several "
        "revokes, the highest counts."
    )
    parser = Parser(prog=_program(), epilog=notes)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)

    demo = commands.add_parser("demo", help="see how it works, without a key and without a network")
    demo.set_defaults(prepare=lambda options: (), run=_demo)

    create = commands.add_parser("create", help="create a token; print its link", epilog=notes)
    create.set_defaults(prepare=lambda options: (ActorTokens(), options), run=_create)
    _add_arguments_of_create(create)

    revoke = commands.add_parser("revoke", help="revoke pending tokens", epilog=notes)
    revoke.set_defaults(
        prepare=lambda options: (ActorTokens(), _read_ids(options.ids)), run=_revoke
    )
    revoke.add_argument(
        "ids",
        nargs="+",
        metavar="ID",
        help="a token's ID: act_...; or - alone, to read IDs, one a line",
    )
    return parser


def _add_arguments_of_create(create: Any) -> None:
    from argparse import ArgumentTypeError

    def seconds(text: str) -> int:
        if not re.fullmatch("0*[1-9][0-9]{0,9}", text):
            raise ArgumentTypeError("must be a whole number from 1 to 9999999999")
        return int(text)

    def actor(text: str) -> str | JSONObject:
        claims = _read_json(text)
        if not claims and text.lstrip().startswith(("{", "[", '"')):
            raise ArgumentTypeError("must be an ID, or a JSON object that is valid and not empty")
        return claims or text

    create.add_argument("user_id", help="the ID of the user to sign in as")
    create.add_argument(
        "--actor",
        type=actor,
        required=True,
        help='the ID of the user who signs in, or a JSON object: {"sub": ID, ...}',
    )
    create.add_argument(
        "--expires-in",
        type=seconds,
        default=3600,
        help="how long the link works, in seconds (default: %(default)s)",
    )
    create.add_argument(
        "--session-max-duration",
        type=seconds,
        default=1800,
        help="how long the session may last, in seconds (default: %(default)s)",
    )
    create.add_argument("--json", action="store_true", help="print the whole token as JSON")


if __name__ == "__main__":
    main()
