# clerk-actor-tokens 3.0.0: one file, made to be copied. This line names the version of a copy.
# SPDX-FileCopyrightText: 2026 The clerk-actor-tokens authors
# SPDX-License-Identifier: MIT
# cython: annotation_typing=False
# (Otherwise Cython refuses a subclass of `str`, and makes a C double of `float`.)
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
MAX_RESPONSE_BYTES = 1024 * 1024  # head and body; an opener of your own sets its own limit
MAX_HEAD_BYTES = 16 * 1024  # a larger head that is malformed can keep http.client busy for minutes
MAX_ERRORS_LENGTH = 64 * 1024  # characters; an error response that is longer is not Clerk's
MAX_TIMEOUT = 86_400  # seconds: a day
MAX_IDLE_SECONDS = 4.0  # many servers close an idle connection after 5 seconds


# ---- Secrets
# Error trackers send the repr of each frame's local variables, and some send the variables'
# attributes, too. No exception that this module raises has a frame in which they find a secret: a
# text is kept in a `_Secret`, and a request or a response in an `io.BytesIO`. (Functions at work on
# one have it in plain variables. What a signal handler raises just then may show it.)


class _Secret(str):
    """A text whose repr is `'***'`. `str()`, f-strings and `json` give the text itself.

    What its methods return, such as `strip`, is plain text.
    """

    def __repr__(self) -> str:
        return "'***'"


def _hide(value: object) -> Any:
    """A text as a `_Secret`. Of anything else only the type is kept: the checks will refuse it."""
    # Joined, since str() of an Enum's member is its name, such as "Engineers.ANNA".
    return _Secret("".join(value)) if isinstance(value, str) else type(value)


# ---- Results


@dataclass(frozen=True)
class ActorToken:
    """An actor token, with the fields that Clerk documents.

    Keep `id`, to revoke it: Clerk has no operation that lists tokens. `status` is "pending",
    "accepted", "revoked", or a status that Clerk adds later. `created_at` and `updated_at` are Unix
    times in milliseconds. `token` and `url` are secrets, which the repr leaves out (but not
    `dataclasses.asdict`): whoever opens the URL first *is* that user.
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
    """One entry of the errors in Clerk's response: one with a code. A missing text is ""."""

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
    lost. It is False only if no attempt was sent, or each that was got a 3XX or 4XX, which is taken
    to mean that Clerk did not act.
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
    body: str = ""  # its repr is '***', since it may hold a secret: only the key is masked in it
    retry_after: float | None = None  # in seconds


@dataclass(eq=False, repr=False)
class ClerkErrors(SDKError):
    """Clerk's own error response: one with `errors`."""

    errors: tuple[ErrorDetail, ...] = ()
    clerk_trace_id: str | None = None  # what Clerk's support asks for
    meta: JSONObject | None = None


@dataclass(eq=False, repr=False)
class ResponseValidationError(ClerkBaseError):
    """A success that is not the actor token that was asked for."""

    status_code: int = 0
    headers: Message = field(default_factory=Message)
    body: str = ""  # its repr is '***', since it may hold a token


class NoResponseError(ClerkBaseError):
    """No complete and valid HTTP response came."""


class RequestTimeoutError(NoResponseError):
    """The call's `timeout` passed before a complete response came, or an opener said so.

    It is not a `TimeoutError`, which is an `OSError`: code that retries every `OSError` would
    create a second token.
    """


# ---- The client


# Both are known to `isinstance` and to type checkers that work at run time, such as beartype.
@runtime_checkable
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
      It is asked once a call.

    The proxy is found now, where urllib finds it: HTTPS_PROXY and NO_PROXY, or the system's
    settings. It must be an http proxy.
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
        # Both are hidden before the first check: a key may have been passed as the address.
        key_name = "CLERK_SECRET_KEY" if secret_key is None else "secret_key"
        secret_key = _hide(os.getenv(key_name, "") if secret_key is None else secret_key)
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

        words = "a number of seconds from 0.001 to 86,400 (a day)"
        _require_number("timeout", timeout, (int, float), words, 0.001, MAX_TIMEOUT)
        self._timeout = timeout
        _require_number("max_retries", max_retries, (int,), "a whole number, 0 or more", 0)
        is_context = ssl_context is None or isinstance(ssl_context, ssl.SSLContext)
        _require(is_context, "ssl_context must be an ssl.SSLContext", TypeError)
        # Not a class: that would fail at the first call.
        is_opener = hasattr(opener, "open") and not isinstance(opener, type)
        _require(opener is None or is_opener, "opener must be an instance with a method open")

        proxy = _find_proxy(server) if opener is None else None
        self._route = server.netloc + (f" through the proxy {proxy.host_port}" if proxy else "")
        self._max_retries = max_retries if opener is None else 0  # an opener is asked once
        self._transport: _Network | _OpenerAdapter = (
            _Network(server, proxy, ssl_context) if opener is None else _OpenerAdapter(opener)
        )
        # Not in __del__: the sockets may be collected before it runs, each with a ResourceWarning.
        weakref.finalize(self, self._transport.close)

    def create(
        self,
        user_id: str,
        *,
        actor: str | Mapping[str, object],
        expires_in_seconds: int = 3600,
        session_max_duration_in_seconds: int = 1800,
        timeout: float | None = None,
    ) -> ActorToken:
        """Create a token with which `actor` can sign in as `user_id`, once. Returns it, pending.

        Parameters:

        - `user_id`: the ID of the user to be impersonated.
        - `actor`: the ID of the user who will impersonate, or a JSON object with that ID as `sub`
          and other claims. All of it will be in the session token's `act` claim.
        - `expires_in_seconds`: how long the link works, in seconds.
        - `session_max_duration_in_seconds`: how long its session may last, in seconds.
        - `timeout`: seconds for this call, in place of the client's. If no time is left (0 or
          less), nothing is sent, and `RequestTimeoutError` is raised.

        Raises `ValueError` or `TypeError` for an invalid argument, before anything is sent, or a
        `ClerkBaseError`: `ClerkErrors` with 402 if the plan has no impersonation, with 422 if an
        argument is invalid or the plan's impersonations are used up.
        """
        # Hidden until they are known to be IDs, and not a secret that was passed by mistake.
        user_id = _hide(user_id)
        actor = _hide_sub(actor)
        user_id = _require_id("user_id", user_id, self._key)
        _require("sub" in actor, "actor has no sub: the ID of the user who will impersonate")
        sub = _require_id("actor (or its sub)", actor["sub"], self._key)

        limits = {
            "expires_in_seconds": expires_in_seconds,
            "session_max_duration_in_seconds": session_max_duration_in_seconds,
        }
        words = "a whole number of seconds, 1 or more, that fits into 64 bits"
        for name, seconds in limits.items():
            _require_number(name, seconds, (int,), words, 1, 2**63 - 1)

        call = self._new_call(
            "/actor_tokens",
            _encode(user_id, {**actor, "sub": sub}, limits),
            timeout,
            is_repeatable=False,
            doubt="Clerk may have created a token, and a retry could create another. Look for "
            "actor_token.created in the dashboard's Logs: there is its ID, with which to revoke it",
            asked_for=("user_id", user_id),
        )
        return self._perform(call)

    def revoke(
        self, actor_token_id: str | ActorToken, *, timeout: float | None = None
    ) -> ActorToken:
        """Revoke a pending token. Returns it. Once its link was opened, a token cannot be revoked.

        Parameters:

        - `actor_token_id`: the token's ID, or the `ActorToken` itself.
        - `timeout`: as in `create`.

        Raises what `create` raises: `ClerkErrors` with 404 if there is no such token, with 400
        (`actor_token_cannot_be_revoked_code`) if it is not pending. If the response to the first
        attempt was lost, that attempt may have revoked it.
        """
        if isinstance(actor_token_id, ActorToken):
            actor_token_id = actor_token_id.id  # or this frame would show the token's link
        actor_token_id = _hide(actor_token_id)  # it may be a link, passed by mistake
        token_id = _require_id("actor_token_id", actor_token_id, self._key)

        call = self._new_call(
            f"/actor_tokens/{token_id}/revoke",
            None,
            timeout,
            is_repeatable=True,
            doubt="Clerk may have revoked the token. A retry is safe",
            asked_for=("id", token_id),
        )
        return self._perform(call)

    def close(self) -> None:
        """Close the idle connections. The client may be used again."""
        self._transport.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_call(
        self,
        path: str,
        body: bytes | None,
        timeout: float | None,
        *,
        is_repeatable: bool,
        doubt: str,
        asked_for: tuple[str, str],
    ) -> _Call:
        seconds = self._timeout if timeout is None else timeout
        # 0 or less is valid: an AWS Lambda function computes it when it has no time left.
        words = "a number of seconds, 86,400 (a day) at most"
        _require_number("timeout", seconds, (int, float), words, -math.inf, MAX_TIMEOUT)
        seconds = max(0.0, seconds)

        headers = {
            "Accept": "application/json",
            "Clerk-API-Version": API_VERSION,
            "User-Agent": f"clerk-actor-tokens/{__version__}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self._server_url + path, body, headers, method="POST")
        # Unredirected: all other headers go with urllib to wherever a redirect leads.
        request.add_unredirected_header("Authorization", _Secret(f"Bearer {self._key}"))
        return _Call(
            request,
            self._route,
            seconds,
            is_repeatable=is_repeatable,
            doubt=doubt,
            asked_for=asked_for,
        )

    def _perform(self, call: _Call) -> ActorToken:
        """Make a call. Returns the token in its response."""
        result = self._result(call)
        # Raised here, since this frame has no response in its variables.
        if isinstance(result, ClerkBaseError):
            raise result
        return result

    def _result(self, call: _Call) -> ActorToken | ClerkBaseError:
        """The token of a call, or the error that `_perform` raises."""
        if call.seconds == 0:
            message = _message(call, False, "was not sent: its timeout left no time")
            return RequestTimeoutError(message, outcome_unknown=False)
        outcome, in_doubt = self._send(call)
        if isinstance(outcome, _Failure):
            return _failure_error(call, outcome, in_doubt, self._key)
        if 200 <= outcome.status < 300:
            return _token_or_error(call, outcome, self._key)
        return _status_error(call, outcome, in_doubt, self._key)

    def _send(self, call: _Call) -> tuple[_FullResponse | _Failure, bool]:
        """Send a request, with retries where they are safe.

        Returns the last outcome, and whether Clerk may have acted in any attempt: a lost attempt
        leaves a doubt, which a later refusal does not remove.
        """
        in_doubt = False
        retries = 0
        while True:
            outcome = self._transport.attempt(call.request, call.deadline)
            in_doubt = in_doubt or outcome.may_have_acted

            is_safe = call.is_repeatable or not in_doubt
            if not (outcome.is_transient and is_safe and retries < self._max_retries):
                return outcome, in_doubt
            longest = min(16, 2**retries) / 2
            # The length of a pause is no secret, so this generator will do.
            pause = longest * random.uniform(0.5, 1)  # nosec B311
            pause = max(pause, outcome.retry_after or 0)
            if time.monotonic() + pause >= call.deadline:
                return outcome, in_doubt
            time.sleep(pause)
            retries += 1


class _Call:
    """A create or a revoke: its request, how long it may take, and how its outcome is judged."""

    def __init__(
        self,
        request: Request,
        route: str,
        seconds: float,
        *,
        is_repeatable: bool,
        doubt: str,
        asked_for: tuple[str, str],
    ) -> None:
        self.request = request
        self.title = f"POST {request.selector} to {route}"  # for messages
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.is_repeatable = is_repeatable  # or else a second attempt could act twice
        self.doubt = doubt  # the sentence for a call in which Clerk may have acted
        self.asked_for = asked_for  # a field that the token must have, and its value


# ---- Checks of arguments. No message quotes a text: it may be a secret.


def _require(condition: object, sentence: str, kind: type[Exception] = ValueError) -> None:
    if not condition:
        raise kind(sentence)


def _require_key(name: str, value: Any) -> _Secret:
    _require(isinstance(value, str), f"{name} must be a str", TypeError)
    # A key from a file or from a Windows shell has a line end or a blank after it.
    key = _Secret(value.strip())
    advice = "Copy the secret key from Clerk's dashboard, API keys"
    _require(key, f"{name} is empty or not set. {advice}")
    # The characters that may follow "Bearer": RFC 6750, section 2.1.
    is_key = re.fullmatch("sk_[A-Za-z0-9._~+/-]+=*", key) is not None
    _require(
        is_key,
        f"{name} is not a secret key, which begins with sk_test_ or sk_live_, without quotes, "
        f"blanks or 'Bearer'. {advice} (pk_... is the publishable key)",
    )
    return key


def _hide_sub(actor: Any) -> JSONObject:
    """An actor as a mapping, with the ID in it hidden."""
    if not isinstance(actor, Mapping):
        return {"sub": _hide(actor)}
    return {name: _hide(claim) if name == "sub" else claim for name, claim in actor.items()}


def _require_id(name: str, value: Any, key: _Secret) -> str:
    _require(isinstance(value, str), f"{name} must be an ID, as a str", TypeError)
    # Clerk's IDs have nothing else. With dots, slashes or % in it, one could reach another path.
    is_id = re.fullmatch("[A-Za-z0-9_-]+", value) is not None
    is_key = key in value or value.startswith(("sk_", "pk_"))
    _require(
        is_id and not is_key,
        f"{name} must be an ID such as user_... or act_...: letters, digits, _ and - alone, and no "
        "key, token or link",
    )
    return str(value)


def _require_number(
    name: str, value: Any, kinds: tuple[type, ...], words: str, least: Any, most: Any = math.inf
) -> None:
    is_number = isinstance(value, kinds) and not isinstance(value, bool)  # True is an int
    _require(is_number, f"{name} must be {words}", TypeError)
    _require(least <= value <= most, f"{name} must be {words}")


def _encode(user_id: str, actor: JSONObject, limits: dict[str, int]) -> bytes:
    """The body of a create, if JSON holds the actor unchanged."""
    document = {"user_id": user_id, "actor": actor, **limits}
    with suppress(ValueError, RecursionError):
        try:
            text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        except TypeError as error:
            raise TypeError(f"actor: {error}") from None
        # A key that is a number would become text, and a tuple a list.
        if json.loads(text) == document:
            return text.encode()  # half a surrogate pair is a ValueError
    raise ValueError(
        "actor must be what JSON holds unchanged: text as keys, lists and no tuples, finite "
        "numbers, valid Unicode, no loops, no great depth"
    )


# A login has no # / ? [ ] or \: another parser might take what stands before it for the host.
_URL = (
    r"(?P<scheme>https?)://((?P<login>[^\s#/?\[\]\\]*)@)?"
    r"(?P<netloc>(?P<host>[\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])(:(?P<port>\d{1,5}))?)"
    r"(?P<path>/[\w.~%/-]*)?"
)


class _Address:
    """Where a URL leads."""

    def __init__(self, match: re.Match[str]) -> None:
        self.is_https = match["scheme"].lower() == "https"
        self.login = None if match["login"] is None else _Secret(match["login"])
        self.netloc = match["netloc"]
        self.host = match["host"].strip("[]")
        self.port = int(match["port"] or (443 if self.is_https else 80))
        self.host_port = f"{match['host']}:{self.port}"
        self.path = match["path"] or "/"


def _parse_url(url: Any) -> _Address | None:
    """Where a URL leads, or None if it is not a plain one.

    It is not left to urlsplit, some versions of which drop line ends (bpo-43882), and read
    [::1].evil.com as ::1 (python/cpython#103848).
    """
    # ASCII: other characters may look like a slash or a dot, and become one.
    if isinstance(url, str) and url.isascii():
        match = re.fullmatch(_URL, url, re.IGNORECASE)
        if match and 0 < int(match["port"] or 1) < 65536:
            return _Address(match)
    return None


def _require_server(name: str, url: Any) -> _Address:
    """Where the key may be sent: anywhere over https, and over http to this machine only."""
    server = _parse_url(url)
    if (
        server is None
        or server.login is not None
        or not (server.is_https or server.host.lower() in ("localhost", "127.0.0.1", "::1"))
    ):
        raise ValueError(
            f"{name} must be a URL such as https://api.clerk.com/v1, without login and query. A "
            "port must be from 1 to 65535. http:// may only lead to localhost, 127.0.0.1 or [::1]"
        )
    return server


def _find_proxy(server: _Address) -> _Address | None:
    """The proxy on the way to a server, as urllib finds it, or None."""
    setting = _Secret(getproxies().get("https", "").strip())  # a login may be in it
    # http is for this machine alone: a proxy would see the key.
    if not setting or not server.is_https or proxy_bypass(server.netloc):
        return None
    proxy = _parse_url(setting if "://" in setting else _Secret(f"http://{setting}"))
    if proxy is None or proxy.is_https or proxy.path != "/":
        raise ValueError(
            "HTTPS_PROXY, or the system's proxy, must be an http proxy: http://host:port, or "
            "http://login@host:port with a login that is percent-encoded, and a port up to 65535"
        )
    return proxy


# ---- From an outcome to a result or an error. Each function returns it, and none raises it.


_CHECK_ADDRESS = "Check server_url or CLERK_API_URL"
_CHECK_TRUST = (  # true for each reason that OpenSSL gives
    "Check the address, this machine's clock, and the CA certificates that it trusts "
    "(SSL_CERT_FILE, or ssl_context)"
)


class _FullResponse:
    """A complete response, of whatever status."""

    def __init__(self, status: int, headers: Any, body: io.BytesIO) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        # Only a redirect or a refusal says that Clerk did not act.
        self.may_have_acted = not 300 <= status < 500
        self.is_transient = status == 429 or status >= 500
        self.retry_after = None if 200 <= status < 300 else _retry_after(headers)


class _Failure:
    """No complete and valid response: why, and whether the request was sent."""

    def __init__(self, error: object, *, sent: bool, cause: OSError | None = None) -> None:
        # str() would add "[Errno 111]" to the system's own words.
        self.reason = str(getattr(error, "strerror", None) or error)
        self.kind = type(error).__name__  # for an error without words
        self.cause = cause  # what a traceback shows
        self.may_have_acted = sent
        self.is_timeout = _is_timeout(error)
        is_untrusted = isinstance(error, ssl.SSLCertVerificationError)
        self.advice = _CHECK_TRUST if is_untrusted else ""
        # An invalid response and a proxy's 3XX or 4XX are HTTPExceptions. (After a timeout, no time
        # is left for a retry.)
        self.is_transient = isinstance(error, OSError) and not is_untrusted
        self.retry_after = None


def _is_timeout(error: object) -> bool:
    """Whether it is a timeout of a call. One with an errno (ETIMEDOUT) is the system's own."""
    return isinstance(error, (TimeoutError, socket.timeout)) and not error.errno


def _retry_after(headers: Any) -> float | None:
    """The seconds that `Retry-After` asks to wait, if it gives a number, and not a date."""
    for name, value in headers.items():
        if str(name).lower() == "retry-after" and re.fullmatch(r"\s*[0-9]{1,9}\s*", str(value)):
            return float(value)
    return None


def _read_json(text: str | bytes) -> JSONObject | None:
    """The JSON object in a text, or None if it is anything else."""
    document: Any = None
    with suppress(ValueError, RecursionError):
        document = json.loads(text)
    return document if isinstance(document, dict) else None


# What the fields are in JSON. They are compared by `type()`, since isinstance(True, int) is true.
_TOKEN_FIELDS = (
    ("text", (str,), ("object", "id", "status", "user_id")),
    ("an object", (dict,), ("actor",)),
    ("a whole number", (int,), ("created_at", "updated_at")),
    ("text or null", (str, type(None)), ("token", "url")),
)


def _parse_token(body: bytes, asked_for: tuple[str, str]) -> ActorToken | str:
    """The actor token in a success, or what is wrong with it, in words that quote nothing of it."""
    document = _read_json(body)
    if document is None:
        return f"it is not JSON, or no JSON object. {_CHECK_ADDRESS}"
    fields: JSONObject = {}
    for words, types, names in _TOKEN_FIELDS:
        for name in names:
            fields[name] = document.get(name)
            if type(fields[name]) not in types:
                return f"its {name} should be {words}"
    if fields["object"] != "actor_token":
        return "its object should be actor_token"
    name, value = asked_for
    # A response to another request: a gateway has mixed them up, or it was late.
    if fields[name] != value:
        return f"its {name} is not {value}, which was asked for"
    return ActorToken(**fields)


def _token_or_error(
    call: _Call, response: _FullResponse, key: _Secret
) -> ActorToken | ResponseValidationError:
    result = _parse_token(response.body.getvalue(), call.asked_for)
    if isinstance(result, ActorToken):
        return result
    message = _message(call, True, f"got {response.status}, but {result}")
    return ResponseValidationError(message, outcome_unknown=True, **_facts(response, key))


def _status_error(call: _Call, response: _FullResponse, in_doubt: bool, key: _Secret) -> SDKError:
    """The error for a response whose status is not a success."""
    facts = _facts(response, key)
    document = _read_json(_mask_tokens(facts["body"][:MAX_ERRORS_LENGTH])) or {}
    errors = _parse_errors(document)
    trace_id = _take(document, "clerk_trace_id", "")

    if errors:
        texts = [f"{error.code}: {error.long_message or error.message}" for error in errors[:10]]
        texts.append(f"trace ID {trace_id}" if trace_id else "")
    elif facts["body"].lstrip().startswith(("{", "[", '"')):
        # Somebody else's JSON: its other fields may be personal data.
        texts = [_take(document, "message", "") or _take(document, "detail", "")]
    else:
        texts = [facts["body"]]
    said = "; ".join(_quote(text) for text in texts if text)
    happened = f"got {response.status}: {said}"
    message = _message(call, in_doubt, happened, *_status_advice(response, errors))

    retry_after = response.retry_after
    if not errors:
        return SDKError(message, in_doubt, retry_after=retry_after, **facts)
    return ClerkErrors(
        message,
        in_doubt,
        errors=errors,
        clerk_trace_id=trace_id or None,
        meta=_take(document, "meta", {}) or None,
        retry_after=retry_after,
        **facts,
    )


def _status_advice(response: _FullResponse, errors: tuple[ErrorDetail, ...]) -> list[str]:
    """What to do about a status, as sentences."""
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
        advice.append(f"It asks to wait {response.retry_after:.0f} seconds")
    return advice


def _failure_error(call: _Call, failure: _Failure, in_doubt: bool, key: _Secret) -> NoResponseError:
    """The error for a call without a complete response."""
    error: NoResponseError
    if failure.is_timeout:
        happened = f"got no valid response within {call.seconds:g} seconds"
        error = RequestTimeoutError(_message(call, in_doubt, happened), in_doubt)
    else:
        reason = _quote(_mask(failure.reason, key)) or failure.kind
        happened = f"got no valid response: {reason}"
        error = NoResponseError(_message(call, in_doubt, happened, failure.advice), in_doubt)
    error.__cause__ = failure.cause
    return error


def _message(call: _Call, in_doubt: bool, happened: str, *advice: str) -> str:
    """One line: what happened to the call, what to do about it, and whether Clerk acted."""
    outcome = call.doubt if in_doubt else "Clerk did not act"
    # The first ends in ": " if a response had no text to quote.
    sentences = (f"{call.title} {happened}", *advice, outcome)
    return " ".join(sentence.rstrip(".: ") + "." for sentence in sentences if sentence)


def _facts(response: _FullResponse, key: _Secret) -> dict[str, Any]:
    """The attributes that all exceptions about a response share."""
    headers = Message()
    for name, value in response.headers.items():
        headers[_mask(name, key)] = _mask_tokens(_mask(value, key))
    body = response.body.getvalue().decode("utf-8-sig", "replace")
    return {
        "status_code": response.status,
        "headers": headers,
        "body": _Secret(_mask(body, key)),
    }


def _mask(text: object, key: _Secret) -> str:
    """Text from outside without the key, which some gateways send back."""
    return str(text).replace(key, "***")


def _mask_tokens(text: str) -> str:
    """Text without what looks like a key or a token."""
    # A token is a JWT: JSON in base64, which begins with eyJ, and dots between its parts. An ID may
    # have eyJ within it, but no dot.
    return re.sub(r"(\bsk_|sk_(test|live)_|\beyJ|eyJ[\w-]{0,500}\.(?=\w))[\w.~+/=-]+", "***", text)


def _quote(text: object) -> str:
    """Text from outside as one short line, without what looks like a key or a token."""
    line = _mask_tokens(str(text)[:20_000])  # a page may have a megabyte
    line = "".join(character if character.isprintable() else " " for character in line)
    return " ".join(line.split())[:200].rstrip(".: ")


def _parse_errors(document: JSONObject) -> tuple[ErrorDetail, ...]:
    """The errors in Clerk's envelope; none if the document is anything else."""
    return tuple(
        ErrorDetail(
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


# ---- The network
# http.client writes the requests and reads the responses. What is added here:
# - One deadline. http.client talks over a _Connection, which sets the socket's timeout to what is
#   left before each wait. So a server that sends a byte now and then cannot prolong a call.
#   Requests are written to memory first, and go out at once.
# - Idle connections. One is used again only if it fell idle in this process, a few seconds ago at
#   most, and no data came over it since: what comes between two calls belongs to neither.


class _Network:
    """The connections to one server, directly or through a proxy. Follows no redirects."""

    def __init__(
        self, server: _Address, proxy: _Address | None, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._server = server
        self._proxy = proxy
        self._tls: ssl.SSLContext | None = None
        if server.is_https:
            self._tls = ssl_context or ssl.create_default_context()
        # Each with the process and the time (in seconds) in which it fell idle. Threads share the
        # list: append and pop are atomic.
        self._idle: list[tuple[_Connection, int, float]] = []

    def attempt(self, request: Request, deadline: float) -> _FullResponse | _Failure:
        """Send a request once."""
        connection = None
        sent = False
        is_reusable = False
        try:
            connection = self._take_idle() or self._connect(deadline)
            headers = dict(request.header_items())
            connection.write_request("POST", request.selector, request.data, headers)
            _remaining(deadline)  # if this raises, nothing was sent
            sent = True
            head = connection.send_request(deadline)
            response = connection.read_response(head)
            is_reusable = not head.will_close
            return response
        except (OSError, HTTPException, UnicodeError) as error:  # UnicodeError: too long a host
            _reraise_time_limit(error, deadline)
            # Without its frames: http.client's may hold a part of the response.
            cause = error.with_traceback(None) if isinstance(error, OSError) else None
            return _Failure(error, sent=sent, cause=cause)
        finally:  # after Ctrl-C, too
            if connection and is_reusable:
                # By the wall clock: time.monotonic may stand still while a Lambda is frozen.
                self._idle.append((connection, os.getpid(), time.time()))
            elif connection:  # a part of this request or of its response may be left in it
                connection.sock.close()

    def close(self) -> None:
        with suppress(IndexError):  # no length check: another thread may take the last
            while True:
                self._idle.pop()[0].sock.close()

    def _take_idle(self) -> _Connection | None:
        """The oldest idle connection that is usable: this is how stale ones get closed."""
        with suppress(IndexError):
            while True:
                connection, process, since = self._idle.pop(0)
                is_fresh = 0 <= time.time() - since < MAX_IDLE_SECONDS
                if process == os.getpid() and is_fresh and connection.is_silent():
                    return connection
                connection.sock.close()
        return None

    def _connect(self, deadline: float) -> _Connection:
        """A new connection: TCP, the proxy's tunnel if any, TLS unless it is http."""
        hop = self._proxy or self._server
        sock = _connect_tcp(hop.host, hop.port, deadline)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small packets never wait
            if self._proxy:
                _open_tunnel(sock, self._proxy, self._server, deadline)
            if self._tls:
                # With the handshake: a truststore.SSLContext verifies certificates in wrap_socket.
                sock.settimeout(_remaining(deadline))
                sock = self._tls.wrap_socket(sock, server_hostname=self._server.host)
            return _Connection(sock, self._server, self._tls)
        except BaseException:
            sock.close()
            raise


def _connect_tcp(host: str, port: int, deadline: float) -> socket.socket:
    """A TCP connection to the first address of `host` that accepts one."""
    # By position: some programs replace getaddrinfo by a function that takes no keywords.
    addresses: Any = list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
    while addresses:
        # An equal share of the time: a silent address leaves some for the next.
        share = _remaining(deadline) / len(addresses)
        end = time.monotonic() + share
        address = addresses.pop(0)[4]
        try:  # an address is a number, which is not looked up again
            return socket.create_connection(address[:2], share)
        except OSError as error:
            _reraise_time_limit(error, end)
            if not addresses:
                raise
    raise OSError(f"{host} has no address")


def _open_tunnel(sock: socket.socket, proxy: _Address, server: _Address, deadline: float) -> None:
    """Ask a proxy for a connection to the server."""
    # It may be dropped afterwards: it has read no byte of the server's, since in TLS the client
    # speaks first.
    tunnel = _Connection(sock, server, None)
    tunnel.write_request("CONNECT", server.host_port, None, _login_headers(proxy))
    try:
        status = tunnel.send_request(deadline).status
    except HTTPException:  # its text may repeat the login
        raise HTTPException("the proxy's response is invalid") from None
    if status >= 500:
        raise OSError(f"the proxy responded {status}")
    if not 200 <= status < 300:  # a retry would get it again
        raise HTTPException(f"the proxy responded {status}. Check the proxy's login and rules")


def _login_headers(proxy: _Address) -> dict[str, str]:
    if proxy.login is None:
        return {}
    login = proxy.login if ":" in proxy.login else f"{proxy.login}:"
    encoded = base64.b64encode(unquote_to_bytes(login)).decode()
    return {"Proxy-Authorization": _Secret(f"Basic {encoded}")}


def _remaining(deadline: float) -> float:
    """The seconds until the deadline. Raises at 0, which would tell a socket not to wait."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def _reraise_time_limit(error: Exception, deadline: float) -> None:
    """Raise a timeout that came too early to be a socket's.

    It is a time limit of the program's, which a signal handler has raised.
    """
    # Windows' clock may be 16 ms late (time.get_clock_info).
    if _is_timeout(error) and time.monotonic() < deadline - 0.02:
        raise error


class _Reader(io.BufferedReader):
    def close(self) -> None:
        """Do nothing. http.client closes the reader after each response, but it may hold further
        bytes, which must be noticed before the connection is used again."""


class _Connection(io.RawIOBase):
    """What http.client takes for a socket: a connection, for one request after another."""

    def __init__(self, sock: socket.socket, server: _Address, tls: ssl.SSLContext | None) -> None:
        self.sock = sock
        # HTTPSConnection leaves :443 out of the header Host, and tracers (Sentry, AWS X-Ray) report
        # an https URL. No connect() happens, since `sock` is set.
        self.http = (
            HTTPSConnection(server.host, server.port, context=tls)
            if tls
            else HTTPConnection(server.host, server.port)
        )
        self.http.set_debuglevel(0)  # a program may have set the class's, which prints the key
        self.http.sock = self
        self._request = io.BytesIO()
        self._deadline: float | None = None  # None: take what has come, and never wait
        self._allowance = 0  # how many more bytes a response may have
        self._excess = ""  # what to say of one that has more
        self._may_end = False  # whether the connection's end would be the response's
        self._reader = _Reader(self)

    def write_request(
        self, method: str, target: str, body: Any, headers: Mapping[str, str]
    ) -> None:
        """Write a request to memory."""
        self.http.request(method, target, body, headers)

    def send_request(self, deadline: float) -> HTTPResponse:
        """Send what was written. Returns the response, whose body is to be read."""
        request = self._request
        self._request = io.BytesIO()
        self._deadline = deadline
        self._allowance = MAX_HEAD_BYTES
        self._excess = "its head has more than 16 KiB"
        self._may_end = False
        # The timeout is for all of it, over TLS too.
        self.sock.settimeout(_remaining(deadline))
        # A view, since ssl.py has its argument in a local variable, which would show the bytes. Not
        # getbuffer(), with which CPython 3.12.1 may crash (python/cpython#111049).
        self.sock.sendall(memoryview(request.getvalue()))
        try:
            return self.http.getresponse()
        # From the email package, about `multipart/x; boundary*;boundary*0=a` in a head.
        except (TypeError, ValueError):
            raise HTTPException("its head is invalid") from None

    def read_response(self, head: HTTPResponse) -> _FullResponse:
        """Read the body of a response. Returns the complete response."""
        if head.status < 200:  # http.client skips 100 alone, and cannot go on after another
            raise HTTPException(f"it is an interim response, {head.status}")

        self._allowance += MAX_RESPONSE_BYTES - MAX_HEAD_BYTES
        self._excess = "it has more than 1 MiB"
        # Unless the head says how long the body is, it lasts until the connection ends.
        self._may_end = head.length is None and not head.chunked
        try:
            # With a limit, or http.client would allocate as much as a chunk announces.
            body = io.BytesIO(head.read(MAX_RESPONSE_BYTES))
        except (ValueError, OverflowError):  # such as a chunk whose size is below 0
            raise HTTPException("its body is invalid") from None
        return _FullResponse(head.status, head.headers, body)

    def is_silent(self) -> bool:
        """Whether nothing has come, and the server has not closed it."""
        self._deadline = None
        with suppress(OSError, HTTPException):
            return self._reader.read(1) is None  # a byte would belong to no call
        return False

    # For http.client.

    def sendall(self, data: bytes) -> None:
        self._request.write(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._reader

    def close(self) -> None:
        """Do nothing: http.client may close it before the body is read."""

    # For the reader.

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # Set anew before each wait, or a byte now and then would hold a call. Over TLS, it covers
        # all of a recv_into.
        self.sock.settimeout(0 if self._deadline is None else _remaining(self._deadline))
        try:
            # No more than is allowed: the reader's buffer may be larger. If nothing is, then one
            # byte, which tells whether the response has ended.
            received = self.sock.recv_into(buffer[: self._allowance or 1])
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        if received > self._allowance:
            raise HTTPException(self._excess)
        if not received and not self._may_end:
            # http.client would take it for the end of the head, or of the body.
            raise ConnectionError("the connection ended before the response did")
        self._allowance -= received
        return received


# What an opener raises only if nothing was sent, as the docstring of `Opener` says.
_UNSENT = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)


def _unwrap(error: Exception) -> object:
    """What urllib has wrapped in a `URLError`, which may be a text, or else the error itself."""
    wrapped = error.reason if isinstance(error, URLError) else None
    return wrapped or error


class _OpenerAdapter:
    """An opener of the user's, with the methods of `_Network`."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def attempt(self, request: Request, deadline: float) -> _FullResponse | _Failure:
        """Ask the opener once."""
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            return _Failure(TimeoutError(), sent=False)
        try:
            response: Any = self._opener.open(request, timeout=seconds)
        except HTTPError as error:  # urllib raises a response that is not a success
            if error.fp is None:  # it has no body, and on Python 3.9 no read()
                return _FullResponse(error.code, error.headers or {}, io.BytesIO())
            response = error
        except (OSError, HTTPException) as error:
            # Without a cause: an exception of an opener's may hold the request.
            return _Failure(_unwrap(error), sent=not isinstance(_unwrap(error), _UNSENT))
        try:
            body = io.BytesIO(response.read())
            return _FullResponse(int(response.status), response.headers or {}, body)
        except (OSError, HTTPException, ValueError, OverflowError) as error:
            return _Failure(error, sent=True)
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
        - `acted`: whether Clerk carries out the request, so that only its response is lost. Then
          the failure must be one that leaves a doubt: a status from 500 on, or an exception that
          does not mean that nothing was sent (see `Opener`).
        - `code`, `message`: of the error in Clerk's envelope.
        - `headers`: of the response, such as `{"Retry-After": "3"}`.

        Raises `ValueError` for any other failure.
        """
        if isinstance(failure, Exception):
            is_sent = not isinstance(_unwrap(failure), _UNSENT)
            _require(is_sent or not acted, "with acted=True, failure must leave a doubt")
            self._failures.append((failure, acted))
            return
        least = 500 if acted else 400
        is_status = isinstance(failure, int) and least <= failure <= 599
        _require(is_status, f"failure must be a status from {least} to 599, or an exception")
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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line. Always ends in `SystemExit`, with the exit status."""
    try:
        options = _parser().parse_args(arguments)
        sys.exit(options.run(options))
    except KeyboardInterrupt:
        _tell("Interrupted. Clerk may have acted, if the request had been sent.")
        sys.exit(130)


def _demo(_: Any) -> int:
    lines = ["This is a simulation: Clerk is played in memory, and nothing is sent."]

    class Narrator(Sandbox):
        def open(self, request: Request, *, timeout: float = 0) -> _SandboxResponse:
            body: Any = request.data or b"(no body)"
            response = super().open(request)
            lines.extend(
                (
                    f"> POST {request.full_url}",
                    "> Authorization: Bearer sk_test_***",
                    f"> {body.decode()}",
                    f"< {response.status}",
                    f"< {response.getvalue().decode()}",
                )
            )
            return response

    clerk = ActorTokens("sk_test_demo", server_url="https://api.clerk.com/v1", opener=Narrator())
    lines.append("\n1. Create a token with which user_engineer can sign in as user_customer, once:")
    token = clerk.create("user_customer", actor={"sub": "user_engineer", "ticket": "SUP-1"})
    lines.append(f"= {token}\n= The link, for the engineer to open: {token.url}")
    lines.append("\n2. Revoke it, since nobody has opened the link:")
    lines.append(f"= {clerk.revoke(token)}")
    lines.append("\n3. Revoke it again. Clerk refuses, since only a pending token can be revoked:")
    try:
        clerk.revoke(token)
    except ClerkErrors as error:
        lines.append(f"= ClerkErrors: {error}")
    _print("\n".join(lines))
    return 0


def _create_command(options: Any) -> int:
    try:
        with ActorTokens() as clerk:
            token = clerk.create(
                options.user_id,
                actor=options.actor,
                expires_in_seconds=options.expires_in,
                session_max_duration_in_seconds=options.session_max_duration,
            )
    except _FAILURES as error:
        return _report(_program(), error)
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


def _revoke_command(options: Any) -> int:
    try:
        clerk = ActorTokens()
        ids = _read_ids(options.ids)
    except _FAILURES as error:
        return _report(_program(), error)

    worst = 0
    for place, token_id in ids:
        try:
            token = clerk.revoke(token_id)
        except _FAILURES as error:
            # Shown only if it looks like an ID: it may be a secret that was pasted.
            is_shown = re.fullmatch("act_[A-Za-z0-9_-]+", token_id)
            worst = max(worst, _report(f"{place} ({token_id})" if is_shown else place, error))
            continue
        line = f"{_quote(token.id)} {_quote(token.status)}"
        if not _print(line):
            _tell(line)  # and the next one is revoked all the same
    return worst


def _read_ids(arguments: list[str]) -> list[tuple[str, str]]:
    """Each ID, after the words for its place. "-" stands for the lines of standard input."""
    ids = []
    for position, argument in enumerate(arguments, 1):
        if argument != "-":
            ids.append((f"ID number {position}", argument))
            continue
        for number, line in enumerate(sys.stdin, 1):
            token_id = line.strip("\ufeff \t\r\n")  # Windows' files may begin with U+FEFF
            if token_id:
                ids.append((f"line {number}", token_id))
    return ids


# What a call or the constructor raises. (OSError: TLS cannot be set up.)
_FAILURES = (ClerkBaseError, ValueError, TypeError, OSError)


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


def _print(text: str) -> bool:
    """Print to standard output. Returns whether that worked: it may be closed, or a closed pipe."""
    if sys.stdout is None:
        return False
    try:
        print(text, flush=True)
    except (OSError, ValueError):  # ValueError: a closed file, or text that its encoding lacks
        # Or Python would try again when it exits, and fail with a status of its own (120).
        sys.stdout = sys.stderr
        return False
    return True


def _tell(text: str) -> None:
    """Print to standard error, if anybody reads it."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = io.StringIO()  # for the same reason as in `_print`


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
    demo.set_defaults(run=_demo)

    create = commands.add_parser("create", help="create a token; print its link", epilog=notes)
    create.set_defaults(run=_create_command)
    _add_arguments_of_create(create)

    revoke = commands.add_parser("revoke", help="revoke pending tokens", epilog=notes)
    revoke.set_defaults(run=_revoke_command)
    revoke.add_argument(
        "ids", nargs="+", metavar="ID", help="a token's ID: act_..., or - to read IDs, one a line"
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
