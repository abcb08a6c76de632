"""Create and revoke Clerk actor tokens: one-time links that let a support engineer sign in *as* a user.

    from clerk_actor_tokens import ActorTokens

    clerk = ActorTokens("sk_test_...")                 # or ActorTokens(): CLERK_SECRET_KEY from the environment
    token = clerk.create("user_1a2b3c", "user_9z8y7x")
    print(token.url)
    clerk.revoke(token)

This file is the whole product: the standard library only, CPython 3.9 and later, copied in or installed. From top to
bottom: what goes out, what comes back, what can go wrong, the client, the wire, the in-memory stand-in, the command line.
Try it without an account or a network: `python3 clerk_actor_tokens.py demo`. The facts about Clerk's API are from its own
description, https://github.com/clerk/openapi-specs (bapi/2026-05-12.yml).
"""

from __future__ import annotations

import contextlib
import copyreg
import dataclasses
import email.utils
import http.client
import io
import json
import math
import os
import re
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

# Type checkers take this name for true. `typing` is for them alone, and a Lambda would pay for it at every cold start.
# (The price: typing.get_type_hints works for the answers' dataclasses, from Python 3.10 on, but not for all functions.)
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn, Protocol

    JSONObject = dict[str, Any]

    class Response(Protocol):
        """What an opener returns: an answer with any status, as `http.client.HTTPResponse` is one."""

        @property
        def status(self) -> Any: ...
        @property
        def headers(self) -> Any: ...
        def read(self) -> bytes: ...

    class Opener(Protocol):
        """Anything that can be asked to open a `Request`, as `urllib.request.OpenerDirector` can."""

        def open(self, request: urllib.request.Request, /, *, timeout: float) -> Response: ...

else:  # names that users import, or that a dataclass has as a field's type, are there at run time too
    JSONObject = dict
    Opener = Response = object

__version__ = "1.0.0"
__all__ = [
    "ActorToken",
    "ActorTokens",
    "ClerkBaseError",
    "ClerkError",
    "ClerkErrors",
    "Headers",
    "NoResponseError",
    "Opener",
    "RequestTimeoutError",
    "Response",
    "ResponseValidationError",
    "SDKError",
    "Sandbox",
]

API_VERSION = "2026-05-12"  # pins the shape of Clerk's answers
DEFAULT_SERVER_URL = "https://api.clerk.com/v1"


# ---- What goes out ---------------------------------------------------------------------------------------------------
# No message here repeats a value: a secret pasted into the wrong place would end up in a log.


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a Clerk ID as text, not {type(value).__name__}")
    if not value.strip() or not value.isprintable():
        raise ValueError(f"{name} must be a Clerk ID such as user_2OEpKhcCN1Lat9NQ0G6puh7q5Rb: not empty, on one line")
    _check_no_key(name, value)


def _check_no_key(name: str, value: str) -> None:
    if value.startswith(("sk_", "pk_")):
        raise ValueError(
            f"{name} must be an ID, and this is a key; if it was copied anywhere else, replace it in the dashboard"
        )


def _check_whole_number(name: str, value: object, least: int, most: int = 2**63 - 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")


def _check_timeout(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"timeout must be a number of seconds, not {type(value).__name__}")
    if not 0 < value <= 86_400:  # NaN is refused by this too; sockets refuse much larger numbers
        too_late = ": there is no time left" if value <= 0 else ""
        raise ValueError(f"timeout must be a number of seconds above 0 and up to 86400, a day{too_late}")


def _has_text_keys(value: object) -> bool:
    """Whether all keys in a JSON value are text; `json.dumps` would turn other keys into text without a word."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _has_text_keys(item) for key, item in value.items())
    return not isinstance(value, (list, tuple)) or all(map(_has_text_keys, value))


@dataclasses.dataclass(eq=False, repr=False)
class CreateRequest:
    """`POST /actor_tokens`. Checks itself: `ValueError` or `TypeError` names the parameter that is wrong."""

    user_id: str
    actor: Mapping[str, Any]
    expires_in_seconds: int
    session_max_duration_in_seconds: int
    body: bytes = dataclasses.field(init=False)

    path = "/actor_tokens"
    repeatable = False  # sent twice, it may make two tokens, and there is no listing to find the other one by

    def __post_init__(self) -> None:
        _check_id("user_id", self.user_id)
        if not isinstance(self.actor, Mapping):
            raise TypeError(f"actor must be the actor's ID or a JSON object, not {type(self.actor).__name__}")
        _check_whole_number("expires_in_seconds", self.expires_in_seconds, 1)
        _check_whole_number("session_max_duration_in_seconds", self.session_max_duration_in_seconds, 1)
        wrong = "actor must be a JSON object: text keys; no NaN, sets, bytes, loops or half characters; not too deep"
        try:
            actor = dict(self.actor)
            document = {
                "user_id": self.user_id,
                "actor": actor,
                "expires_in_seconds": self.expires_in_seconds,
                "session_max_duration_in_seconds": self.session_max_duration_in_seconds,
            }
            text = json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
            self.body = text.encode()  # fails on half a surrogate pair, which JSON could not carry to Clerk intact
            if not _has_text_keys(actor):
                raise TypeError
        except TypeError:
            raise TypeError(wrong) from None
        except Exception:  # ValueError, RecursionError, or what a mapping of the caller's own raises
            raise ValueError(wrong) from None
        if "sub" not in actor:
            raise ValueError('actor must have a "sub", the ID of the user who will impersonate')
        _check_id("actor (its sub)", actor["sub"])


@dataclasses.dataclass(eq=False, repr=False)
class RevokeRequest:
    """`POST /actor_tokens/{actor_token_id}/revoke`. Checks itself, as `CreateRequest` does."""

    actor_token_id: str

    body = None
    repeatable = True  # a token that is revoked twice is revoked

    def __post_init__(self) -> None:
        if not isinstance(self.actor_token_id, str):
            raise TypeError(f"actor_token_id must be text or an ActorToken, not {type(self.actor_token_id).__name__}")
        # Anything else could lead to another path (a proxy may decode %2e%2e), or is a secret on its way into a URL.
        if not re.fullmatch("[A-Za-z0-9_-]+", self.actor_token_id):
            raise ValueError(
                "actor_token_id must be an ID such as act_29w9IptNja3mP8GDXpquBwN2qR9: letters, digits, _ and - only. "
                "(Is it the token or its URL? Those are secrets; revoke takes the ID that came with them.)"
            )
        _check_no_key("actor_token_id", self.actor_token_id)

    @property
    def path(self) -> str:
        return "/actor_tokens/" + self.actor_token_id + "/revoke"  # an f-string may show a str Enum by its name


class ClerkRequest(urllib.request.Request):
    """An operation as the HTTP request that urllib's openers take; the wire asks it whether it may be sent twice."""

    # urllib's redirect handler counts here where it has been, and gives up after ten: for this request, before it starts.
    redirect_dict = dict.fromkeys(range(10), 0)
    timeout: float  # set anew by urllib's openers  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, operation: CreateRequest | RevokeRequest, server_url: str, secret_key: str, start: float) -> None:
        headers = {
            "Accept": "application/json",
            "Clerk-API-Version": API_VERSION,
            "User-Agent": f"clerk-actor-tokens/{__version__}",
        }
        if operation.body is not None:
            headers["Content-Type"] = "application/json"
        super().__init__(server_url + operation.path, operation.body, headers, method="POST")
        # Unredirected: whatever opener a user brings, urllib's redirect handler copies the other headers, never these.
        self.add_unredirected_header("Authorization", f"Bearer {secret_key}")
        self.body = operation.body or b""
        self.repeatable = operation.repeatable
        self.secret_key = secret_key
        self.start = start

    def __str__(self) -> str:
        return f"{self.get_method()} {urlsplit(self.full_url).path}"

    @property
    def origin(self) -> str:
        """Where it is to end: "host" or "host:port", as the URL has it."""
        return urlsplit(self.full_url).netloc

    @property
    def proxy(self) -> str | None:
        """Where it goes first: the "host:port" that urllib's proxy handler has put in the origin's place, if any."""
        return self.host if self.host != self.origin else None

    @property
    def doubt(self) -> str:
        """What an error message says where Clerk may have acted on the request."""
        if self.repeatable:
            return "Clerk may have done it all the same; it is safe to call again"
        return "Clerk may have made a token all the same; calling again may make a second one"


def _secret_key(given: str | None) -> str:
    key = os.environ.get("CLERK_SECRET_KEY", "") if given is None else given
    if not isinstance(key, str):
        raise TypeError(f"secret_key must be text, not {type(key).__name__}")
    key = key.rstrip("\r\n")  # files end in a line end
    if not key:
        raise ValueError("secret_key is missing: pass it, or set CLERK_SECRET_KEY to the key from Clerk's dashboard")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("secret_key must not have spaces, control or non-ASCII characters in it: copy it once more")
    if key.startswith("pk_"):
        raise ValueError("secret_key must be the secret key (sk_...), and this is the publishable key (pk_...)")
    return key


def _server_url(given: str | None) -> str:
    name, url, example = "server_url", given, DEFAULT_SERVER_URL
    if url is None:
        name, url, example = "CLERK_API_URL", os.environ.get("CLERK_API_URL"), "https://api.clerk.com, without /v1"
        url = url.rstrip("/") + "/v1" if url else DEFAULT_SERVER_URL
    if not isinstance(url, str):
        raise TypeError(f"{name} must be text, not {type(url).__name__}")
    wrong = ValueError(
        f"{name} must be a URL such as {example}: https (http only to this machine), a host, "
        "and no user, query, fragment or space in it"
    )
    # Looked for first, since urlsplit drops tabs and line ends without a word, and a lone "?" too.
    if not (url.isascii() and url.isprintable()) or any(character in url for character in " ?#@\\"):
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets that are no IPv6 address, or a port that is no number
        raise wrong from None
    # As a whole, since urlsplit takes [::1].example.com for ::1, and an opener may take it for something else.
    place = parts.netloc.lower()
    if port == 0 or not re.fullmatch(r"([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:[0-9]+)?", place):
        raise wrong
    if parts.scheme != "https":
        byte = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"  # 127.999.0.1 would be a name that some server may answer to
        this_machine = rf"(localhost|127(\.{byte}){{3}}|\[::1\])(:[0-9]+)?"
        if parts.scheme != "http" or not re.fullmatch(this_machine, place):
            raise wrong
    return url.rstrip("/")


# ---- What comes back -------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class ActorToken:
    """An actor token as Clerk answers it. `dataclasses.asdict` gives back Clerk's JSON.

    `token` and `url` are secrets, so its repr leaves them out: whoever opens the URL first *is* that user. `id` is none,
    and worth keeping: Clerk has no operation that finds a token again. `status` is "pending", "accepted" or "revoked", or
    what Clerk may add one day. `actor` has at least `sub`, and every other claim that was given. Times are Unix times in
    milliseconds.
    """

    object: str
    id: str
    status: str
    user_id: str
    actor: JSONObject = dataclasses.field(hash=False)  # a dict has no hash
    created_at: int
    updated_at: int
    token: str | None = dataclasses.field(default=None, repr=False)
    url: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class ClerkError:
    """One entry of Clerk's error envelope."""

    code: str
    message: str
    long_message: str
    meta: JSONObject | None = dataclasses.field(default=None, hash=False)


class Headers(Mapping[str, str]):
    """Header fields, looked up by name in any case; of fields of the same name, the first, as `email.message` does."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, tuple[str, str]] = {}
        for name, value in fields:
            self._fields.setdefault(name.lower(), (name, value))

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)


def _finite(number: str) -> float:
    """JSON has no NaN and no Infinity; Python's reader takes both, and makes the latter of 1e999."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError
    return value


_JSON = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)


def _read_json(body: bytes) -> Any:
    """The JSON document in `body`, or a `ValueError` that quotes nothing of it, since it may hold a token."""
    try:
        return _JSON.decode(body.decode())
    except RecursionError:
        raise ValueError("it is JSON nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON (line {error.lineno}, column {error.colno})") from None
    except ValueError:  # from _finite, or from int, which takes some thousand digits at most
        raise ValueError("it is JSON with a number in it that is none, or too large") from None


class BufferedResponse(io.BytesIO):
    """A whole answer in memory: `status`, `headers`, and the body to `read()`. (urllib's addinfourl has to be closed.)"""

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        super().__init__(body)
        self.status = status
        self.headers = headers


_REQUIRED = {"object": str, "id": str, "status": str, "user_id": str, "actor": dict, "created_at": int, "updated_at": int}
_KINDS = {str: "text", dict: "an object", int: "a whole number"}


def _actor_token(document: Any) -> ActorToken:
    """The actor token that a JSON document is, or a `ValueError` that says what is wrong with it."""
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    fields: dict[str, Any] = {}
    for name, kind in _REQUIRED.items():
        fields[name] = document.get(name)
        if type(fields[name]) is not kind:  # not isinstance, to which True is an int
            raise ValueError(f"its {name} is " + (f"not {_KINDS[kind]}" if name in document else "missing"))
    for name in ("token", "url"):
        fields[name] = document.get(name)
        if not isinstance(fields[name], (str, type(None))):
            raise ValueError(f"its {name} is neither text nor null")
    if fields["object"] != "actor_token":
        raise ValueError("its object is not actor_token")
    return ActorToken(**fields)


_TEXTS = ("code", "message", "long_message")


def _clerk_errors(document: Any) -> tuple[ClerkError, ...] | None:
    """The entries of Clerk's error envelope, or None where a JSON document is no such envelope."""
    entries = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return None
    for entry in entries:
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _TEXTS):
            return None
    return tuple(ClerkError(**{name: entry[name] for name in _TEXTS}, meta=_object(entry.get("meta"))) for entry in entries)


def _object(value: Any) -> JSONObject | None:
    return value if isinstance(value, dict) else None


def _retry_after(headers: Mapping[str, str] | http.client.HTTPMessage) -> float | None:
    """Seconds from now that `Retry-After` asks for, given there as seconds or as a date; None for nonsense."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return float(value) if math.isfinite(float(value)) else None
    try:
        date = email.utils.parsedate_tz(value)
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
    except (ValueError, TypeError, IndexError, OverflowError):  # a date such as the 99th of a month in the year 99999
        return None


# ---- What can go wrong -----------------------------------------------------------------------------------------------


class ClerkBaseError(Exception):
    """Every failed call raises a subclass of this one. (Bad input raises `ValueError` or `TypeError` instead.)"""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> Any:
        # Exception's own way to pickle and copy would call the class with the message alone.
        return copyreg.__newobj__, (type(self),), {**vars(self), "args": self.args}  # type: ignore[attr-defined]


class _AnswerError(ClerkBaseError):
    """What the errors about a whole HTTP answer have in common."""

    def __init__(self, message: str, *, status_code: int, headers: Mapping[str, str] | None = None, body: str = "") -> None:
        super().__init__(message)
        self.status_code = status_code
        self.headers = Headers((headers or {}).items())
        self.body = body


class SDKError(_AnswerError):
    """An answer whose HTTP status is no success, a redirect too.

    Attributes: `status_code`; `headers`, looked up in any case; `body`, the answer as text; `retry_after`, the seconds that
    Clerk asks to wait before the next call, or None.
    """

    def __init__(self, message: str, *, status_code: int, headers: Mapping[str, str] | None = None, body: str = "") -> None:
        super().__init__(message, status_code=status_code, headers=headers, body=body)
        self.retry_after = _retry_after(self.headers)


class ClerkErrors(SDKError):
    """A 4XX or 5XX whose body is Clerk's error envelope.

    Attributes, beside those of `SDKError`: `errors`, a tuple of `ClerkError`; `clerk_trace_id`, which Clerk's support asks
    for, and `meta`, each None where Clerk gave none.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        errors: tuple[ClerkError, ...] = (),
        clerk_trace_id: str | None = None,
        meta: JSONObject | None = None,
    ) -> None:
        super().__init__(message, status_code=status_code, headers=headers, body=body)
        self.errors = errors
        self.clerk_trace_id = clerk_trace_id
        self.meta = meta


class ResponseValidationError(_AnswerError):
    """A success that is no actor token. Clerk may have done what was asked all the same.

    Attributes: `status_code`, `headers`, and `body`, the answer as text: treat it as a secret, it may hold a token.
    """


class NoResponseError(ClerkBaseError):
    """No whole HTTP answer came.

    Attribute: `outcome_unknown`, True where Clerk may have acted on the request all the same, False where it can't have.
    """

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class RequestTimeoutError(NoResponseError, TimeoutError):
    """The call's `timeout` passed before a whole answer had come."""


_ADVICE = {
    401: "check the secret key",
    402: "Clerk's plan for this application does not include impersonation",
    404: "check the ID, that the secret key is that of the instance which made it, and server_url or CLERK_API_URL",
    429: "too many requests",
}
_CERTIFICATE_ADVICE = (
    "Python on a Mac has no certificates until its 'Install Certificates.command' was run; behind a company's proxy, set "
    "SSL_CERT_FILE to a file with its authority's certificate, or pass ssl_context"
)


def _one_line(text: str) -> str:
    """What somebody else wrote, as one line that is not long and steers no terminal."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[:1000]).split())
    return text if len(text) <= 200 else text[:197] + "..."


def _mask(text: str, secret_key: str | None = None) -> str:
    """What somebody else wrote, without what is secret or looks so: the key, other keys, tokens, a link's ticket."""
    text = text.replace(secret_key, "***") if secret_key else text
    text = re.sub(r"\bsk_\w+|sk_(test|live)_\w+", "***", text)
    # No ID is that long; error codes and trace IDs may be, but are in lower case.
    return re.sub(r"[\w.=-]{40,}", lambda run: run[0] if run[0].islower() else "***", text)


def _quote(text: str, secret_key: str) -> str:
    """One line of what somebody else wrote, with nothing secret in it."""
    return _one_line(_mask(text, secret_key))


def _shows_secret(error: BaseException, secret_key: str) -> bool:
    """Whether a traceback of `error`, with all that it is chained to, has something in it that a message would mask."""
    import traceback

    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    try:  # as they would be printed, with their notes; a group would print what is in it, too
        shown = "".join(line for link in chain for line in traceback.format_exception_only(type(link), link))
        return any(hasattr(link, "exceptions") for link in chain) or _mask(shown, secret_key) != shown
    except Exception:  # one of a user's own opener, which can't be printed
        return True


def _text_of(error: BaseException) -> str:
    """`str(error)`, or words in its place: one that a user's own opener raises may have none, and fail there."""
    try:
        return str(error)
    except Exception:
        return "it has no text"


def _without_key(request: ClerkRequest, value: Any) -> Any:
    """What came back, text or JSON, without the key in any text of it: some gateways echo the request's headers."""
    if isinstance(value, str):
        return value.replace(request.secret_key, "***")
    if isinstance(value, dict):
        return {_without_key(request, name): _without_key(request, item) for name, item in value.items()}
    return [_without_key(request, item) for item in value] if isinstance(value, list) else value


def _headers(request: ClerkRequest, fields: Any) -> Headers:
    """An answer's header fields as exceptions carry them."""
    return Headers(_without_key(request, [[name, str(value)] for name, value in (fields or {}).items()]))


def _status_error(request: ClerkRequest, status: int, headers: Headers, body: bytes) -> SDKError:
    """The exception for an HTTP status that is no success."""
    text = _without_key(request, body.decode(errors="replace"))
    try:
        document = _without_key(request, _read_json(body))  # not read from the text: in JSON, a key may be escaped
        is_page = False
    except (ValueError, RecursionError):
        document = None
        is_page = not text.lstrip().startswith(("{", "["))  # and no JSON that is broken, or too deep
    wait = _retry_after(headers)
    advice = [
        _ADVICE.get(status),
        f"wait {math.ceil(wait):.10g} s before the next call" if wait else None,
        request.doubt if status >= 500 else None,
    ]
    advice_given = "; ".join(filter(None, advice))
    said = f"Clerk answered {status} to {request}" + (f" ({advice_given})" if advice_given else "")
    errors = _clerk_errors(document) if 400 <= status < 600 else None
    if errors is None:
        if 300 <= status < 400:
            target = _quote(headers.get("Location", "a place it does not name"), request.secret_key)
            said += f": a redirect to {target}, not followed; check server_url or CLERK_API_URL"
        elif text.strip() and is_page:  # JSON without the envelope may hold anything, so it is not quoted
            said += f": {_quote(text, request.secret_key)}"
        return SDKError(said, status_code=status, headers=headers, body=text)
    reasons = [_quote(f"{error.code}: {error.long_message or error.message}", request.secret_key) for error in errors[:10]]
    said += f": {'; '.join(reasons)}" if reasons else ""
    envelope = _object(document) or {}
    trace_id = envelope.get("clerk_trace_id")
    trace_id = trace_id if isinstance(trace_id, str) else None
    said += f" [trace ID {_quote(trace_id, request.secret_key)}]" if trace_id else ""
    return ClerkErrors(
        said,
        status_code=status,
        headers=headers,
        body=text,
        errors=errors,
        clerk_trace_id=trace_id,
        meta=_object(envelope.get("meta")),
    )


def _is_timeout(error: BaseException) -> bool:
    """Whether our own deadline passed: the system's ETIMEDOUT, which is the same class, comes with its number."""
    return isinstance(error, (socket.timeout, TimeoutError)) and error.errno is None  # one class only since Python 3.10


def _no_response(error: BaseException, request: ClerkRequest, outcome_unknown: bool) -> NoResponseError:
    """The exception for a call that `error` ended before a whole answer had come."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    said = _quote(_text_of(error), request.secret_key)
    place = request.origin
    if request.proxy:  # without its port, since a forgotten host would make a password of that
        place += f" (by way of the proxy {_quote(re.sub(':[^]]*$', '', request.proxy), request.secret_key)})"
    kind = NoResponseError
    if isinstance(error, ssl.SSLCertVerificationError):
        happened = f"the certificate of {place} does not verify: {said}. {_CERTIFICATE_ADVICE}"
    elif _is_timeout(error):
        kind = RequestTimeoutError
        happened = f"no whole answer from {place} within {request.timeout:g} seconds"
    else:
        happened = f"no whole answer from {place}: {type(error).__name__}" + (f": {said}" if said else "")
    outcome = request.doubt if outcome_unknown else "Clerk did not act on it; it is safe to call again"
    failure = kind(f"{request}: {happened} ({outcome})", outcome_unknown=outcome_unknown)
    # Chained for whoever looks into it, but not where a traceback would then print a secret that a server sent back.
    failure.__cause__ = None if _shows_secret(error, request.secret_key) else error
    return failure


# ---- The client ------------------------------------------------------------------------------------------------------


class ActorTokens:
    """Creates and revokes actor tokens. One client serves many threads, and what it is given stays as it is.

    Parameters:
        secret_key: Clerk's secret key, `sk_test_...` or `sk_live_...`; CLERK_SECRET_KEY from the environment if None.
        server_url: where the API is, ending in `/v1`; if None, CLERK_API_URL from the environment with `/v1` behind it, or
            else https://api.clerk.com/v1.
        timeout: seconds that bound a whole call: finding an address, connecting, TLS, sending, the answer, every retry and
            every pause between them. Only the system's name look-up, and writing a huge `actor` as JSON, can't be
            interrupted: where they take longer, the call ends right after them.
        max_retries: how often a call is sent again at most. A create only when Clerk certainly did not act: no connection
            was made, or it answered 429. A revoke also after a 5XX, a lost connection or an answer cut short.
        ssl_context: the TLS settings to use; if None, `ssl.create_default_context()`.
        opener: what to use instead of the network, or of this module's way to it: anything with
            `open(request, timeout=seconds)` that returns a response (`status`, `headers`, `read()`), as urllib's openers
            and `Sandbox` do. Retries, reused connections and the strict deadline are this module's opener's: another one
            is asked once for each call, with the seconds it has.

    Raises `ValueError` or `TypeError` for bad input, and `ValueError` where Python can't set up TLS on this machine.
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
        self._secret_key = _secret_key(secret_key)
        self._server_url = _server_url(server_url)
        _check_timeout(timeout)
        self._timeout = timeout
        _check_whole_number("max_retries", max_retries, 0)
        if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
            raise TypeError(f"ssl_context must be an ssl.SSLContext, not {type(ssl_context).__name__}")
        if opener is None:
            # The wire, further down: urllib's opener with handlers for deadlines, retries and reused connections.
            if ssl_context is None and self._server_url.lower().startswith("https:"):
                ssl_context = _tls_context()
            opener = wire = _Wire(max_retries, ssl_context)
            # Not __del__, which the garbage collector may call later than that of the sockets: they would warn.
            weakref.finalize(self, wire.close)
        elif not callable(getattr(opener, "open", None)):
            raise TypeError(f"opener must have an open(request, timeout=seconds), which {type(opener).__name__} has not")
        elif ssl_context is not None:
            raise ValueError("ssl_context must be None where an opener is given: it is the opener that connects")
        self._opener = opener

    def create(
        self,
        user_id: str,
        actor: str | Mapping[str, Any],
        *,
        expires_in_seconds: int = 3600,
        session_max_duration_in_seconds: int = 1800,
        timeout: float | None = None,
    ) -> ActorToken:
        """Create a token with which `actor` can sign in as `user_id`, once.

        Parameters:
            user_id: the ID of the user to be impersonated.
            actor: the ID of the user who will impersonate, or a JSON object with that ID as `sub` and any further claims.
                All of it will be in the session token's `act` claim.
            expires_in_seconds: how long the token may be used.
            session_max_duration_in_seconds: how long the session made from it may last.
            timeout: seconds for this call, instead of the client's.

        Returns the `ActorToken`, pending, with its `url` and `token`.

        Raises `ValueError` or `TypeError` for bad input, before anything is sent; `ClerkErrors` or `SDKError` where Clerk
        refuses (402: impersonation is not in the plan; 422: a parameter is wrong, or the plan's impersonations are used
        up); `ResponseValidationError`; `NoResponseError`, `RequestTimeoutError`.
        """
        start = time.monotonic()  # before the request is made: a large actor takes a while
        actor = {"sub": actor} if isinstance(actor, str) else actor
        operation = CreateRequest(user_id, actor, expires_in_seconds, session_max_duration_in_seconds)
        return self._call(operation, start, timeout)

    def revoke(self, actor_token_id: str | ActorToken, *, timeout: float | None = None) -> ActorToken:
        """Revoke a pending token. (Once its link was opened, it can't be revoked: the session goes on.)

        Parameters:
            actor_token_id: the token's ID, or the `ActorToken` itself.
            timeout: seconds for this call, instead of the client's.

        Returns the `ActorToken`, revoked.

        Raises `ValueError` or `TypeError` for bad input, before anything is sent; `ClerkErrors` or `SDKError` where Clerk
        refuses (400, `actor_token_cannot_be_revoked_code`: it is not pending, which is also the answer where an earlier
        attempt did revoke it and only its answer was lost; 404: no such token); `ResponseValidationError`;
        `NoResponseError`, `RequestTimeoutError`.
        """
        start = time.monotonic()
        token_id = actor_token_id.id if isinstance(actor_token_id, ActorToken) else actor_token_id
        return self._call(RevokeRequest(token_id), start, timeout)

    def _call(self, operation: CreateRequest | RevokeRequest, start: float, timeout: float | None) -> ActorToken:
        if timeout is not None:
            _check_timeout(timeout)
        request = ClerkRequest(operation, self._server_url, self._secret_key, start)
        request.timeout = self._timeout if timeout is None else timeout
        status, headers, body = self._open(request)
        if not 200 <= status < 300:
            raise _status_error(request, status, headers, body)
        try:
            return _actor_token(_read_json(body))
        except ValueError as error:
            sent = ", ".join(f"{name} {headers[name]}" for name in ("Content-Type", "Content-Encoding") if name in headers)
            sent = _quote(sent, request.secret_key) or "no Content-Type"
            said = f"Clerk answered {status} to {request}, but not with an actor token: {error}; {sent}, {len(body)} bytes"
            raise ResponseValidationError(
                f"{said} ({request.doubt})",
                status_code=status,
                headers=headers,
                body=_without_key(request, body.decode(errors="replace")),
            ) from None

    def _open(self, request: ClerkRequest) -> tuple[int, Headers, bytes]:
        """Status, headers and body of the answer, from whatever opener there is."""
        answered = False
        try:
            try:
                response: Any = self._opener.open(request, timeout=request.timeout)
            except urllib.error.HTTPError as error:  # with a bad status, urllib's openers raise the response
                response = error
                if error.fp is None:  # as a test may make it; before Python 3.11, such a one can't be read
                    return int(error.code), _headers(request, error.headers), b""
            answered = True
            try:
                return int(response.status), _headers(request, response.headers), bytes(response.read())
            finally:
                if hasattr(response, "close"):
                    with contextlib.suppress(Exception):  # no reason to lose a token that came whole
                        response.close()
        except ClerkBaseError:
            raise
        except Exception as error:  # an opener that a user brings may raise anything
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            never_sent = isinstance(reason, (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError))
            failure = _no_response(error, request, outcome_unknown=answered or not never_sent)
            raise failure from failure.__cause__

    def close(self) -> None:
        """Close the idle connections. The client may be used again. (An opener that a user brought is the user's.)"""
        if isinstance(self._opener, _Wire):
            self._opener.close()

    def __enter__(self) -> ActorTokens:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(server_url={self._server_url!r}, timeout={self._timeout!r})"


# ---- The wire --------------------------------------------------------------------------------------------------------
# An opener of urllib's with two handlers: urllib's own for proxies, and one that keeps connections and sends a request
# until it has a whole answer or the deadline has come. The client sees only "open this request within so many seconds".

MAX_ANSWER_BYTES = 1024 * 1024  # head and body; an actor token has about one thousand
MAX_LINE_BYTES = 8 * 1024  # of a head, or between chunks
MAX_IDLE_SECONDS = 4.0  # servers hang up on idle connections, many after 5 seconds
MAX_IDLE_CONNECTIONS = 10  # after a burst of many threads
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0


def _tls_context() -> ssl.SSLContext:
    """The settings for all connections of a client; made once, since reading the certificates takes a while."""
    try:
        context = ssl.create_default_context()
    except OSError as error:  # ssl.SSLError too
        said = "TLS could not be set up; SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE must be paths that can be used"
        raise ValueError(f"{said}: {error}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _remaining(deadline: float) -> float:
    """Seconds until a deadline, which is a time of the monotonic clock. Never 0, which sockets take for "don't wait"."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise socket.timeout("timed out")
    return seconds


class _DeadlineStream(io.RawIOBase):
    """A socket's bytes until a deadline, and no more of them than an answer may have.

    A socket's own timeout bounds one wait, so a server that sends a byte now and then could hold a call forever.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.deadline: float | None = None  # None while nobody waits: reading then takes what is there now
        self.allowance = MAX_ANSWER_BYTES
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._set_timeout()
        try:
            return self._count(self.sock.recv_into(buffer))
        except BlockingIOError:
            return None  # nothing there now

    def sendall(self, unsent: Any) -> None:
        unsent = memoryview(unsent)
        while unsent:  # not the socket's sendall, to have one clock for sending and receiving
            self._set_timeout()
            unsent = unsent[self.sock.send(unsent) :]

    def _set_timeout(self) -> None:
        self.sock.settimeout(0 if self.deadline is None else _remaining(self.deadline))

    def _count(self, received: int) -> int:
        if received > self.allowance:
            raise http.client.HTTPException(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        self.allowance -= received
        self.ended = received == 0
        return received

    def close(self) -> None:
        self.sock.close()
        super().close()


class _TLSStream(_DeadlineStream):
    """The same over TLS, whose bytes are counted and timed as they come from the socket.

    Not an `ssl.SSLSocket`: while that one has TLS messages to read that carry no data, such as session tickets or, in a
    handshake, requests for another one, it looks at no timeout and lets no Ctrl-C through.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, hostname: str | None, deadline: float) -> None:
        super().__init__(sock)
        self.deadline = deadline
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._record = b""  # what has come of a record that has not come whole
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        self._step(self._tls.do_handshake)

    def readinto(self, buffer: Any) -> int | None:
        try:
            count: int = self._step(self._tls.read, len(buffer), buffer)
        except BlockingIOError:
            if self._record:  # OpenSSL does not tell of a part of one; the rest may be an answer that nobody asked for
                raise OSError("a TLS record came in part") from None
            return None
        except ssl.SSLEOFError:  # many servers hang up without TLS's goodbye; HTTP tells whether anything is missing
            count = 0
        self.ended = count == 0
        return count

    def sendall(self, unsent: Any) -> None:
        unsent = memoryview(unsent)
        while unsent:
            unsent = unsent[self._step(self._tls.write, unsent) :]

    def _step(self, step: Callable[..., Any], *arguments: Any) -> Any:
        """What a step of TLS returns, once it has sent and received what it needs for that."""
        while True:
            result = None
            try:
                result = step(*arguments)
                wants_more = False
            except ssl.SSLWantReadError:
                wants_more = True
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    super().sendall(self._outgoing.read())  # the alert, which tells the other side what is wrong
                raise
            super().sendall(self._outgoing.read())
            if not wants_more:
                return result
            self._receive()

    def _receive(self) -> None:
        """Hand TLS the next bytes from the socket, and follow where its records end."""
        self._set_timeout()
        received = self.sock.recv(16 * 1024)  # few enough that the next step takes no time worth counting
        if self._count(len(received)) == 0:
            self._incoming.write_eof()
            return
        self._incoming.write(received)
        records = self._record + received
        start = 0
        while len(records) >= start + 5:  # a record's head has five bytes, of which the last two tell how many follow
            end = start + 5 + int.from_bytes(records[start + 3 : start + 5], "big")
            if end > len(records):
                break
            start = end
        self._record = records[start:]


class _LastingReader(io.BufferedReader):
    """The buffer that answers are read from. `http.client` closes it after every answer; the connection goes on."""

    def readline(self, size: int | None = -1) -> bytes:
        # http.client has the head parsed by email.parser, which takes minutes for one long line of semicolons, for the
        # same in folds, and for parts within parts, which it finds behind a mere carriage return.
        line = super().readline(MAX_LINE_BYTES + 1)
        if len(line) > MAX_LINE_BYTES or line.startswith((b" ", b"\t")) or b"\r" in line[:-2]:
            raise http.client.HTTPException(f"a line of the answer is folded, broken or over {MAX_LINE_BYTES} bytes")
        return line

    def close(self) -> None:
        pass

    def flush(self) -> None:
        pass  # a reader has nothing to flush, but BufferedReader's own fails once the socket is closed


class _Connection:
    """A connection, plain or TLS, direct or through a proxy's tunnel; used by one call at a time.

    Not an `http.client.HTTPConnection`: that one drops what came behind an answer without telling, takes a 103 for the
    answer, sends head and body apart, and prints the key where a program has set its global debuglevel. The parser,
    which is the part that meets hostile bytes, is `http.client`'s.
    """

    def __init__(self, stream: _DeadlineStream, route: tuple[str, str, str]) -> None:
        self._stream = stream
        self._reader = _LastingReader(stream)
        self._route = route
        self.spoiled = False  # whether it ended, or must end, with the answer to the request that it was used for
        self._idle_since = (0, 0.0, 0.0)

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._reader  # HTTPResponse asks its socket for a file to read from

    def exchange(self, method: str, message: bytes, deadline: float) -> http.client.HTTPResponse:
        """Send a request, and return the answer with its head read, but not its body."""
        self._stream.deadline = deadline
        self._stream.allowance = MAX_ANSWER_BYTES
        try:
            self._stream.sendall(message)
        except OSError:
            self.spoiled = True  # but a server that hangs up on a request may have said why; if not, reading fails too
        finally:
            del message  # some error reporters show local variables, and the key is in this one
        while True:
            response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]  # makefile() is all it uses
            try:
                response.begin()
            except http.client.HTTPException:
                if not self._stream.ended:
                    raise
            if self._stream.ended:  # http.client takes that for the end of the head
                raise http.client.RemoteDisconnected("the connection ended before the answer's head did")
            if not 102 <= response.status < 200:  # those announce the answer; http.client skips 100 itself
                return response

    def read_body(self, response: http.client.HTTPResponse) -> bytes:
        """The whole body of an answer."""
        if response.length is None:
            body = response.read(MAX_ANSWER_BYTES)  # a number, since a chunk's announced size is memory at once
        elif response.length > MAX_ANSWER_BYTES:
            raise http.client.HTTPException(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        else:
            body = response.read()  # no number, since with one, http.client doesn't tell that an answer was cut short
        if response.chunked and self._stream.ended:  # http.client takes "0", the start of a size, for the end
            raise http.client.RemoteDisconnected("the connection ended before the answer's last chunk did")
        if response.will_close or not response.isclosed() or response.status < 200:
            self.spoiled = True
        return body

    def park(self) -> None:
        """Note when the connection fell idle, by both clocks, and in which process."""
        self._stream.deadline = None
        self._idle_since = (os.getpid(), time.monotonic(), time.time())

    def is_usable(self, route: tuple[str, str, str]) -> bool:
        """Whether another request may go out: to the same place, not from a fork's other side, fresh, and silent."""
        pid, monotonic, wall = self._idle_since
        return (
            route == self._route
            and pid == os.getpid()
            # While a Lambda is frozen or a laptop sleeps, one clock or the other may stand still (macOS documents it for
            # the monotonic one); and the wall clock can be set back.
            and time.monotonic() - monotonic < MAX_IDLE_SECONDS
            and 0 <= time.time() - wall < MAX_IDLE_SECONDS
            and self._is_silent()
        )

    def _is_silent(self) -> bool:
        """Whether nothing came since the last answer: no end-of-file, and no bytes to be taken for the next answer."""
        # Not select(), which takes no descriptor above 1023, and sees TLS's own messages, such as session tickets, too;
        # and poll() is not there on Windows.
        try:
            return not self._reader.peek(1) and not self._stream.ended
        except (OSError, http.client.HTTPException):
            return False

    def close(self) -> None:
        self._stream.close()


def _message(method: str, target: str, fields: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as HTTP/1.1 writes it. Never kept in a variable, as `exchange` says."""
    # None of this has a line end in it: key, ID and URL were checked, and the proxy's credentials are Base64.
    lines = [f"{method} {target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in fields.items()), "\r\n"]
    return "".join(lines).encode("latin-1") + body


def _tunnel_fields(request: ClerkRequest, target: str) -> dict[str, str]:
    """The header fields to send to the proxy."""
    login = request.get_header("Proxy-authorization")
    return {"Host": target, **({"Proxy-Authorization": login} if login else {})}


def _fields(request: ClerkRequest) -> dict[str, str]:
    """The header fields to send to the origin."""
    fields = {
        "Host": request.origin,
        "Accept-Encoding": "identity",
        "Content-Length": str(len(request.body)),
        **dict(request.header_items()),
    }
    fields.pop("Proxy-authorization", None)  # that was for the proxy
    return fields


def _connect_socket(place: str, default_port: int, deadline: float) -> socket.socket:
    """A TCP connection to `place`, "host" or "host:port", at the first of its addresses that takes one."""
    parts = urlsplit(f"//{place}")
    addresses = socket.getaddrinfo(parts.hostname, parts.port or default_port, type=socket.SOCK_STREAM)
    failure: OSError = OSError(f"{place} has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)
            # A share of the time that is left, so that an address which says nothing leaves some for those behind it.
            sock.settimeout(_remaining(deadline) / (len(addresses) - position))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except BaseException as error:
            if sock:
                sock.close()
            if not isinstance(error, OSError):
                raise
            failure = error
    try:
        raise failure
    finally:
        del failure  # or its traceback and this frame would keep each other, and the request, in memory


def _connect(request: ClerkRequest, context: ssl.SSLContext | None, deadline: float) -> _Connection:
    """A connection that is ready for `request`: through the proxy that urllib's handler set on it, if one, and TLS."""
    origin = urlsplit(request.full_url)
    default_port = 443 if request.type == "https" else 80
    sock = _connect_socket(request.host, default_port, deadline)
    try:
        if request.proxy:
            target = origin.netloc if origin.port else f"{origin.netloc}:{default_port}"
            tunnel = _Connection(_DeadlineStream(sock), _route(request))
            reply = tunnel.exchange("CONNECT", _message("CONNECT", target, _tunnel_fields(request, target)), deadline)
            if not 200 <= reply.status < 300:
                meaning = http.client.responses.get(reply.status, "")
                raise OSError(f"the proxy {request.proxy} refused: {reply.status} {meaning}")
            sock = sock.dup()  # since the tunnel, which ends here, closes the one it has
        if request.type == "https":
            context = context or _tls_context()  # there is one for every https URL; if not, still no plain text
            stream: _DeadlineStream = _TLSStream(sock, context, origin.hostname, deadline)
        else:
            stream = _DeadlineStream(sock)
        _remaining(deadline)  # raises where connecting took all of it, so that nothing is sent
        return _Connection(stream, _route(request))
    except BaseException:
        sock.close()
        raise


def _route(request: ClerkRequest) -> tuple[str, str, str]:
    """What two requests must have in common to share a connection: scheme, where it goes first, where it ends."""
    return request.type, request.host, request.origin


def _is_lost_connection(error: Exception) -> bool:
    """Whether a connection failed or an answer was cut short in a way that may pass. A bad certificate doesn't pass."""
    lost = isinstance(error, (OSError, http.client.IncompleteRead))
    return lost and not isinstance(error, ssl.SSLCertVerificationError) and not _is_timeout(error)


def _backoff(retry: int) -> float:
    """Seconds to wait before a retry, of which 0 is the first: longer each time, and no two clients alike."""
    import random

    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(retry, 10))
    return pause * random.uniform(0.5, 1)  # noqa: S311  # no secret


class _ConnectionHandler(urllib.request.BaseHandler):
    """Opens http and https requests: over connections that are kept, again where that is safe, until the deadline."""

    def __init__(self, max_retries: int, context: ssl.SSLContext | None) -> None:
        self._max_retries = max_retries
        self._context = context
        self._idle: deque[_Connection] = deque()  # the only thing that threads share; its pop and append are atomic

    def _send(self, request: ClerkRequest) -> BufferedResponse:
        """The answer to a request, however often that has to be sent; raises `NoResponseError`."""
        deadline = request.start + request.timeout
        outcome_unknown = False  # over all attempts: what an earlier one left open, a later one doesn't settle
        retry = 0
        while True:
            result: BufferedResponse | Exception
            pause = None
            acted = False  # whether Clerk may have acted on this attempt
            try:
                _remaining(deadline)  # raises where making the request took all of it
                connection = self._idle_connection(request) or _connect(request, self._context, deadline)
                acted = True
                result = self._exchange(connection, request, deadline)
                acted = result.status != 429
                again = 500 <= result.status < 600 or not acted
                pause = _retry_after(result.headers) if again else None
            except Exception as error:  # http.client lets ValueError, OverflowError and others through, for broken answers
                result = error
                again = _is_lost_connection(error)
            outcome_unknown = outcome_unknown or acted
            if again and retry < self._max_retries and (request.repeatable or not outcome_unknown):
                pause = _backoff(retry) if pause is None else pause
                if pause < deadline - time.monotonic():  # if not, the error comes now, and not after a pause for nothing
                    time.sleep(pause)
                    retry += 1
                    continue
            if isinstance(result, BufferedResponse):
                return result
            try:
                raise _no_response(result, request, outcome_unknown)
            finally:
                del result  # or its traceback and this frame would keep each other, with all that was read, in memory

    http_open = https_open = _send  # the names by which urllib's opener finds what opens a scheme

    def _exchange(self, connection: _Connection, request: ClerkRequest, deadline: float) -> BufferedResponse:
        """Send the request, read the whole answer, and keep the connection if it ended as it should."""
        method = request.get_method()
        try:
            response = connection.exchange(
                method, _message(method, request.selector, _fields(request), request.body), deadline
            )
            body = connection.read_body(response)
        except BaseException:  # Ctrl-C too: whatever comes next on this connection belongs to no call
            connection.close()
            raise
        if connection.spoiled or len(self._idle) >= MAX_IDLE_CONNECTIONS:
            connection.close()
        else:
            connection.park()
            self._idle.append(connection)
        return BufferedResponse(response.status, response.headers, body)

    def _idle_connection(self, request: ClerkRequest) -> _Connection | None:
        """A kept connection that may be used; those that may not are closed."""
        route = _route(request)
        for connection in self._take_idle():
            if connection.is_usable(route):
                return connection
            connection.close()
        return None

    def close(self) -> None:
        for connection in self._take_idle():
            connection.close()

    def _take_idle(self) -> Iterator[_Connection]:
        """The kept connections, taken out one at a time, the latest first."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:  # asked for rather than looked up before: another thread may take the last one
                return
            yield connection


class _ProxyHandler(urllib.request.ProxyHandler):
    """urllib's, but a setting that is no proxy's address is an error of this module's, without the password in it."""

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> Any:
        try:
            answer = super().proxy_open(req, proxy, type)  # sets the request's host to the proxy's
            place = urlsplit(f"//{req.host}")
            if place.hostname and place.port != 0:
                return answer
        except ValueError:
            pass
        said = "the proxy setting for https (HTTPS_PROXY, or the system's) is no proxy's address"
        raise NoResponseError(f"{req}: {said} (nothing was sent to Clerk)")


class _Wire(urllib.request.OpenerDirector):
    """An opener for http and https alone: unlike urllib's usual one, it opens no files, and follows no redirects."""

    def __init__(self, max_retries: int, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._connections = _ConnectionHandler(max_retries, context)
        self.add_handler(self._connections)
        self.add_handler(urllib.request.UnknownHandler())
        # For https alone, where the proxy sees only a tunnel. http is for this machine, and would show a proxy the key.
        proxy = urllib.request.getproxies().get("https")
        if proxy:
            self.add_handler(_ProxyHandler({"https": proxy}))

    def close(self) -> None:
        self._connections.close()


# ---- The in-memory stand-in ------------------------------------------------------------------------------------------


class Sandbox:
    """An in-memory Clerk, for demonstrations and for tests: `ActorTokens("sk_test_anything", opener=Sandbox())`.

    It speaks HTTP: it takes any `urllib.request.Request`, and answers as Clerk would.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, JSONObject] = {}
        self._failures: deque[tuple[int, JSONObject, Mapping[str, str]]] = deque()

    def open(self, request: urllib.request.Request, *, timeout: float | None = None) -> BufferedResponse:
        """Answer a request. It never takes any time, so `timeout` makes no difference."""
        headers: Mapping[str, str] = {}
        if self._failures:
            status, document, headers = self._failures.popleft()
        else:
            status, document = self._answer(request)
        fields = http.client.HTTPMessage()
        fields["Content-Type"] = "application/json"
        for name, value in headers.items():
            del fields[name]
            fields[name] = value
        return BufferedResponse(status, fields, json.dumps(document).encode())

    def accept(self, token_id: str | ActorToken) -> None:
        """Play the user who opens the link. Raises `ValueError` where there is no such pending token."""
        token_id = token_id.id if isinstance(token_id, ActorToken) else token_id
        token = self._tokens.get(token_id)
        if token is None or token["status"] != "pending":
            raise ValueError("token_id must be the ID of a pending token of this sandbox")
        self._change(token, "accepted")

    def fail_next(
        self,
        status_code: int,
        *,
        code: str = "sandbox_failure",
        message: str = "This failure was asked for.",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Make the next call fail with this status and Clerk's error envelope; asked twice, the next two, and so on.

        Parameters:
            status_code: 400 to 599.
            code, message: what the envelope's one entry says.
            headers: further headers of the answer, such as `{"Retry-After": "3"}`.
        """
        _check_whole_number("status_code", status_code, 400, 599)
        if not isinstance(code, str) or not isinstance(message, str):
            raise TypeError("code and message must be text")
        self._failures.append((*_failure(status_code, code, message, message), dict(headers or {})))

    def _answer(self, request: urllib.request.Request) -> tuple[int, JSONObject]:
        scheme, _, key = (request.get_header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not key.startswith("sk_"):
            return _failure(401, "clerk_key_invalid", "Invalid secret key", "The Authorization header has no secret key.")
        path = re.fullmatch(r"/v1/actor_tokens(?:/([^/]+)/revoke)?", urlsplit(request.full_url).path)
        if not path:
            return _failure(404, "resource_not_found", "Not found", "There is nothing at this path.")
        if request.get_method() != "POST":
            return _failure(405, "method_not_allowed", "Method not allowed", "Both operations are POST requests.")
        return self._revoke(unquote(path[1])) if path[1] else self._create(request.data)

    def _create(self, body: Any) -> tuple[int, JSONObject]:
        if hasattr(body, "read"):  # a request's data may be a file, or chunks, as well as bytes
            body = body.read()
        try:
            given = _read_json(bytes(body) if isinstance(body, (bytes, bytearray, memoryview)) else b"".join(body or ()))
        except ValueError:
            return _failure(400, "request_body_invalid", "Invalid request body", "The request body must be JSON.")
        given = given if isinstance(given, dict) else {}
        values = {"expires_in_seconds": 3600, "session_max_duration_in_seconds": 1800, **given}
        actor = values.get("actor")
        right = {
            "user_id": isinstance(values.get("user_id"), str) and values["user_id"] != "",
            "actor": isinstance(actor, dict) and isinstance(actor.get("sub"), str) and actor["sub"] != "",
            "expires_in_seconds": _is_duration(values["expires_in_seconds"]),
            "session_max_duration_in_seconds": _is_duration(values["session_max_duration_in_seconds"]),
        }
        for name in (*right, *given):
            if name not in values:
                return _failure(422, "form_param_missing", "is missing", f"{name} must be included.", name)
            if name not in right:
                return _failure(422, "form_param_unknown", "is unknown", f"{name} is not a valid parameter.", name)
            if not right[name]:
                return _failure(422, "form_param_format_invalid", "is invalid", f"{name} is not valid.", name)

        import base64
        import secrets
        import string

        def encoded(data: bytes) -> str:
            return base64.urlsafe_b64encode(data).decode().rstrip("=")

        token_id = "act_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(27))
        now = int(time.time() * 1000)
        claims = {"eis": values["expires_in_seconds"], "exp": now // 1000 + values["expires_in_seconds"], "sub": token_id}
        parts = (b'{"alg":"RS256","typ":"JWT"}', json.dumps(claims).encode(), secrets.token_bytes(64))
        ticket = ".".join(map(encoded, parts))
        self._tokens[token_id] = {
            "object": "actor_token",
            "id": token_id,
            "status": "pending",
            "user_id": values["user_id"],
            "actor": actor,
            "created_at": now,
            "updated_at": now,
        }
        url = f"https://sandbox.clerk.accounts.dev/v1/tickets/accept?ticket={ticket}"
        return 200, {**self._tokens[token_id], "token": ticket, "url": url}

    def _revoke(self, token_id: str) -> tuple[int, JSONObject]:
        token = self._tokens.get(token_id)
        if token is None:
            return _failure(404, "resource_not_found", "not found", "No actor token was found with this ID.")
        if token["status"] != "pending":
            said = f"Actor token cannot be revoked because its status is {token['status']}."
            said += " Only pending tokens can be revoked."
            return _failure(400, "actor_token_cannot_be_revoked_code", "Actor token cannot be revoked", said)
        return 200, self._change(token, "revoked")

    def _change(self, token: JSONObject, status: str) -> JSONObject:
        token.update(status=status, updated_at=max(int(time.time() * 1000), token["created_at"]))
        return token


def _failure(status: int, code: str, message: str, long_message: str, parameter: str = "") -> tuple[int, JSONObject]:
    """A status and Clerk's error envelope."""
    entry: JSONObject = {"message": message, "long_message": long_message, "code": code}
    if parameter:
        entry["meta"] = {"param_name": parameter}
    return status, {"errors": [entry], "clerk_trace_id": os.urandom(16).hex()}


def _is_duration(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


# ---- The command line ------------------------------------------------------------------------------------------------


class _Narrator:
    """An opener that tells what goes out to another one, and what comes back."""

    def __init__(self, opener: Opener, tell: Callable[[str], object]) -> None:
        self._opener = opener
        self._tell = tell

    def open(self, request: urllib.request.Request, *, timeout: float) -> Response:
        self._tell(f"  > {request.get_method()} {request.full_url}")
        for name, value in request.header_items():
            self._tell(f"  > {name.title()}: {'Bearer sk_test_***' if name == 'Authorization' else value}")
        if isinstance(request.data, bytes):
            self._tell(f"  > {request.data.decode()}")
        response = self._opener.open(request, timeout=timeout)
        body = response.read()
        self._tell(f"  < {response.status}")
        for line in json.dumps(json.loads(body), indent=2).splitlines():
            self._tell(f"  < {line}" if len(line) <= 110 else f"  < {line[:100]}...")
        return BufferedResponse(response.status, response.headers, body)


def _demo() -> int:
    lines: list[str] = []  # printed at the end: an opener that can't print would look like a call that failed
    tell = lines.append
    with ActorTokens("sk_test_demo", server_url=DEFAULT_SERVER_URL, opener=_Narrator(Sandbox(), tell)) as clerk:
        tell("A sandbox in memory stands in for Clerk: no account, no network.\n")
        tell('1. clerk.create("user_1a2b3c", {"sub": "user_9z8y7x", "ticket": "SUP-1"})')
        token = clerk.create("user_1a2b3c", {"sub": "user_9z8y7x", "ticket": "SUP-1"})
        tell(f"  = {token!r}\n    (its token and url are there, but never shown in its repr)\n")
        tell("2. clerk.revoke(token)")
        tell(f"  = {clerk.revoke(token)!r}\n")
        tell("3. clerk.revoke(token), once more: only a pending token can be revoked")
        try:
            clerk.revoke(token)
        except ClerkErrors as error:
            tell(f"  = {type(error).__name__}: {error}\n")
    tell("For real: set CLERK_SECRET_KEY, then use `create` and `revoke` in place of `demo`.")
    return 0 if _show("\n".join(lines)) else 1


def _create(clerk: ActorTokens, options: Any, program: str) -> int:
    actor = options.actor.strip()
    if actor[:1] in ("{", "[", '"'):
        try:
            actor = _read_json(actor.encode())
        except ValueError as error:
            raise ValueError(f"--actor must be an ID or a JSON object: {error}") from None
    token = clerk.create(
        options.user,
        actor,
        expires_in_seconds=options.expires_in,
        session_max_duration_in_seconds=options.session_max_duration,
    )
    # First what it takes to revoke the token, whatever becomes of the rest.
    _tell(f"{_one_line(str(token.actor.get('sub')))} may sign in as {_one_line(token.user_id)}, once.")
    _tell(f"The link works for {options.expires_in} s; the session lasts {options.session_max_duration} s at most.")
    _tell(f"Its ID is {_one_line(token.id)}")
    with contextlib.suppress(ValueError):  # an answer with another ID is no reason to have somebody paste that into a shell
        _tell(f"To revoke it: {program} revoke {RevokeRequest(token.id).actor_token_id}")
    url = token.url or ""
    if not options.json and not (url.startswith("https://") and url.isprintable()):
        _tell("Clerk's answer has no link in it.")
        return 1
    shown = _show(json.dumps(dataclasses.asdict(token), indent=2) if options.json else url)
    if options.open:
        import webbrowser

        # Only https: what a browser, or a program in its place, makes of other words is not for an answer to decide.
        opened = False
        if url.startswith("https://"):
            with contextlib.suppress(webbrowser.Error, OSError):
                opened = webbrowser.open(url)
        if not opened:
            _tell("No browser could be opened.")
            return 1
    return 0 if shown else 1


def _revoke(clerk: ActorTokens, options: Any, program: str) -> int:
    status = 0
    for position, token_id in enumerate(options.ids, 1):
        try:
            token = clerk.revoke(token_id)
            if not _show(f"{_one_line(token.id)} {_one_line(token.status)}"):
                status = max(status, 1)
        except ClerkBaseError as error:
            _tell(f"{token_id}: {error}")
            status = max(status, 1)
        except (ValueError, TypeError) as error:
            _tell(f"ID number {position}: {error}")
            status = 2
    return status


def _tell(text: str) -> None:
    """A line on standard error. Where nobody reads that, or it is closed, the work goes on."""
    if sys.stderr is not None:
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:
            _discard(2)


def _show(text: str, end: str = "\n") -> bool:
    """Text on standard output; False where it can't be written. The work goes on there too: it may be revoking tokens."""
    try:
        print(text, end=end, flush=True)
        if sys.stdout is not None:  # it is None where it was closed from the start
            return True
        _tell("Standard output is closed.")
    except OSError as error:
        _give_up_output(error)
    return False


def _give_up_output(error: OSError) -> None:
    """A reader such as head has read enough (EINVAL on Windows), or the disk is full."""
    _tell(f"Standard output can't be written: {error.strerror}")
    _discard(1)


def _discard(descriptor: int) -> None:
    """Let what else goes to standard output (1) or error (2) vanish, or Python's last flush would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _run(arguments: list[str] | None) -> int:
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:  # argparse's own repeats wrong words, which may be a key
            _tell(f"{self.format_usage()}{self.prog}: {_mask(message)}")
            sys.exit(2)

    program = "clerk-actor-tokens"
    if __name__ == "__main__":
        words = [os.path.basename(sys.executable), sys.argv[0]]
        if os.name == "nt":
            import subprocess

            program = subprocess.list2cmdline(words)
        else:
            import shlex

            program = shlex.join(words)
    parser = Parser(
        prog=program,
        description="Create and revoke Clerk actor tokens: one-time links to sign in as a user.",
        epilog="The secret key comes from the environment: CLERK_SECRET_KEY. (demo needs none.) Exit status: 0; 1 when "
        "Clerk or the network refused, or the output could not be written; 2 when the words or the key were "
        "wrong; 130 after Ctrl-C.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("demo", help="create and revoke a token in a sandbox: no account, no network")
    create = commands.add_parser("create", help="create a token; only its URL goes to standard output")
    create.add_argument("user", metavar="USER", help="ID of the user to be impersonated")
    create.add_argument("--actor", required=True, metavar="ID_OR_JSON", help='who impersonates: an ID, or {"sub": ID, ...}')
    create.add_argument("--expires-in", type=int, default=3600, metavar="SECONDS", help="the link's life (%(default)s)")
    create.add_argument(
        "--session-max-duration", type=int, default=1800, metavar="SECONDS", help="the session's life (%(default)s)"
    )
    create.add_argument("--json", action="store_true", help="print the whole token instead of its URL")
    create.add_argument("--open", action="store_true", help="open the link in the browser as well")
    revoke = commands.add_parser("revoke", help="revoke pending tokens")
    revoke.add_argument("ids", nargs="+", metavar="ID", help="ID of a token: act_...")
    options = parser.parse_args(arguments)

    if options.command == "demo":
        return _demo()
    try:
        clerk = ActorTokens()
    except (ValueError, TypeError) as error:
        _tell(f"{program}: {error} (`{program} demo` needs no key)")
        return 2
    try:
        with clerk:
            return (_create if options.command == "create" else _revoke)(clerk, options, program)
    except ClerkBaseError as error:
        _tell(f"{program}: {error}")
        return 1
    except (ValueError, TypeError) as error:
        _tell(f"{program}: {error}")
        return 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command line with these arguments, or the program's own, and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # consoles that can't show a character are no reason to fail
    try:
        return _run(arguments)
    except SystemExit as done:  # argparse's way to end, after --help as well
        status = int(done.code or 0)
        return status if status or _show("", end="") else 1
    except OSError as error:  # from argparse, before Python 3.11; all other output is shown or told
        _give_up_output(error)
        return 1
    except KeyboardInterrupt:
        _tell("Interrupted. What was sent may have been done all the same.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
