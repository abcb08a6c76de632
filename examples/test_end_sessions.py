"""What end_sessions.py promises, against a real server on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import end_sessions
import pytest
from loopback import Answer, Loopback, Received, response

KEY = "sk_test_4f9d2c7b1a"
CUSTOMER = "user_customer"
ENGINEER = "user_engineer"
OTHER = {"id": "sess_of_another", "actor": {"sub": "user_another"}}
OWN = {"id": "sess_of_the_customer", "actor": None}

Patch = pytest.MonkeyPatch
Serve = Callable[[Answer], Loopback]
Run = Callable[..., "tuple[int, str, str]"]


def session(name: str, **fields: Any) -> dict[str, Any]:
    """A session of the engineer's as the customer, as Clerk lists it."""
    actor = {"sub": ENGINEER, "ticket": "SUP-1"}
    return {"id": name, "user_id": CUSTOMER, "status": "active", "actor": actor, **fields}


class Clerk:
    """Answers as Clerk does. `instead` has other answers, by what a request's path contains."""

    def __init__(self, *sessions: Any, instead: dict[str, bytes | None] | None = None) -> None:
        self.sessions = sessions
        self.instead = instead or {}

    def __call__(self, request: Received) -> bytes | None:
        for part, answer in self.instead.items():
            if part in request.path:
                return answer
        if request.method == "POST":
            return response(200, session("sess_ended", status="revoked"))
        query = parse_qs(urlsplit(request.path).query)
        start, count = int(query["offset"][0]), int(query["limit"][0])
        return response(200, self.sessions[start : start + count])


def revoked(server: Loopback) -> list[str]:
    """The paths of the POST requests."""
    return [request.path for request in server.received if request.method == "POST"]


@pytest.fixture
def run(monkeypatch: Patch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program. Returns its exit status and what it printed, which never has the key."""

    def run(server: Loopback | str, *arguments: str, key: str = KEY) -> tuple[int, str, str]:
        address = server if isinstance(server, str) else f"http://{server.address}"
        monkeypatch.setenv("CLERK_SECRET_KEY", key)
        monkeypatch.setenv("CLERK_API_URL", address)
        monkeypatch.setattr(sys, "argv", ["end_sessions.py", *(arguments or (CUSTOMER, ENGINEER))])
        status = end_sessions.main()
        out, err = capsys.readouterr()
        assert KEY not in out + err
        assert "Traceback" not in err
        return status, out, err

    return run


def run_script(server: Loopback, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run it as a program of its own."""
    variables = {"CLERK_SECRET_KEY": KEY, "CLERK_API_URL": f"http://{server.address}"}
    script = Path(__file__).with_name("end_sessions.py")
    return subprocess.run(
        [sys.executable, str(script), CUSTOMER, ENGINEER],
        env={**os.environ, **variables},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        **{"stdout": subprocess.PIPE, **options},
    )


# ---- Which sessions are ended


def test_it_ends_only_this_engineers_and_goes_on_after_a_refusal(serve: Serve) -> None:
    listed = [session("sess_1"), OWN, session("sess_2"), OTHER, session("sess_3")]
    refusal = response(400, {"errors": [{"code": "no", "message": "Not now."}]})
    server = serve(Clerk(*listed, instead={"sess_1": refusal}))

    done = run_script(server)

    assert done.returncode == 1
    assert done.stdout == "sess_2 was ended\nsess_3 was ended\n"
    assert done.stderr == "sess_1 was not ended: the answer was 400 (Not now).\n"
    assert server.lines == [
        "GET /v1/sessions?user_id=user_customer&status=active&limit=500&offset=0",
        "POST /v1/sessions/sess_1/revoke",
        "POST /v1/sessions/sess_2/revoke",
        "POST /v1/sessions/sess_3/revoke",
    ]
    for request in server.received:
        assert f"Authorization: Bearer {KEY}\n" in request.text
        assert "clerk-api-version: 2026-05-12\n" in request.text.lower()
        assert "urllib" not in request.text, "some firewalls refuse it"


def test_the_exit_status_is_0_if_all_were_ended(serve: Serve) -> None:
    server = serve(Clerk(session("sess_1"), OWN, OTHER))

    done = run_script(server)

    assert done.returncode == 0
    assert done.stdout == "sess_1 was ended\n"
    assert done.stderr == ""


def test_the_function_returns_whether_all_were_ended(serve: Serve, monkeypatch: Patch) -> None:
    gone = response(404, {"errors": [{"code": "resource_not_found", "message": "No."}]})
    server = serve(Clerk(session("sess_1"), instead={"sess_1": gone}))
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    monkeypatch.setenv("CLERK_API_URL", f"http://{server.address}")

    assert end_sessions.end_sessions(CUSTOMER, ENGINEER) is False
    del server.received[:]
    assert end_sessions.end_sessions(CUSTOMER, "user_without_sessions") is True


def test_it_says_so_if_there_is_no_session(serve: Serve, run: Run) -> None:
    server = serve(Clerk(OWN, OTHER))

    status, out, err = run(server)

    assert (status, out) == (0, "")
    assert err == "user_engineer has no active session as user_customer.\n"
    assert revoked(server) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "sess_1"},
        session("sess_1", actor={}),
        session("sess_1", actor={"iss": ENGINEER}),
        session("sess_1", actor={"sub": [ENGINEER]}),
        session("sess_1", user_id="user_another_customer"),
    ],
)
def test_it_spares_what_is_not_this_engineers_as_this_customer(
    serve: Serve, run: Run, entry: dict[str, Any]
) -> None:
    server = serve(Clerk(entry))

    status, out, _ = run(server)

    assert (status, out) == (0, "")
    assert revoked(server) == []


@pytest.mark.parametrize("own", [497, 498, 1200])
def test_all_pages_are_listed_before_the_first_session_is_ended(
    serve: Serve, run: Run, own: int
) -> None:
    server = serve(Clerk(*[OWN] * own, session("sess_1"), session("sess_2")))

    status, out, _ = run(server)

    methods = [request.method for request in server.received]
    offsets = [line.rpartition("offset=")[2] for line in server.lines if "offset=" in line]
    assert status == 0
    assert out == "sess_1 was ended\nsess_2 was ended\n"
    assert methods == ["GET"] * len(offsets) + ["POST"] * 2
    assert offsets == ["0", "500", "1000"][: (own + 2) // 500 + 1]


def test_a_session_that_is_listed_twice_is_ended_once(serve: Serve, run: Run) -> None:
    server = serve(Clerk(*[session("sess_1")] * 501))

    status, out, _ = run(server)

    assert (status, out) == (0, "sess_1 was ended\n")
    assert len(revoked(server)) == 1


def test_a_list_without_end_is_given_up(serve: Serve, run: Run, monkeypatch: Patch) -> None:
    monkeypatch.setattr(end_sessions, "MAX_PAGES", 3)
    full_page = response(200, [session("sess_1")] * 500)
    server = serve(Clerk(instead={"offset=": full_page}))

    status, out, err = run(server)

    assert (status, out) == (1, "sess_1 was ended\n")
    assert err == "The list of sessions is incomplete: it has more than 3 pages.\n"


# ---- What fails


def test_if_a_later_page_fails_those_that_were_found_are_ended(serve: Serve, run: Run) -> None:
    failure = response(500, {})
    server = serve(Clerk(session("sess_1"), *[OWN] * 600, instead={"offset=500": failure}))

    status, out, err = run(server)

    assert (status, out) == (1, "sess_1 was ended\n")
    assert err == "The list of sessions is incomplete: the answer was 500.\n"


def raw(body: bytes, head: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return head + b"\r\nConnection: close\r\n\r\n" + body


ODD_ANSWERS = {
    "not JSON": raw(b"<html>Welcome</html>"),
    "no body": raw(b""),
    "null": raw(b"null"),
    "text": raw(b'"sessions"'),
    "too deep": raw(b"[" * 100_000),
    "not UTF-8": raw(b'["\xff"]'),
    "no HTTP": b"220 smtp.example.com\r\n",
    "cut": raw(b"[", b"HTTP/1.1 200 OK\r\nContent-Length: 9"),
    "a chunk of -5 bytes": raw(b"-5\r\n[]", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"),
    "the key, echoed": f"Authorization: Bearer {KEY}\r\n".encode(),
    "a refusal": response(401, {"errors": [{"message": f"No such key: {KEY}"}]}),
    "a gateway's page": raw(b"<html>Bad gateway</html>", b"HTTP/1.1 502 Bad Gateway"),
    "odd errors": response(403, {"errors": [None]}),
    "no errors": response(403, {"errors": []}),
    "an invalid content type": raw(
        b"[", b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x; boundary*;boundary*0=a"
    ),
}
ODD_LISTS = {
    "a number": response(200, 5),
    "an object": response(200, {"data": [session("sess_1")]}),
    "a number in the list": response(200, [1]),
    "a list in the list": response(200, [[]]),
    "an actor that is text": response(200, [session("sess_1", actor=ENGINEER)]),
}


@pytest.mark.parametrize("name", [*ODD_ANSWERS, *ODD_LISTS])
def test_an_odd_list_is_told_in_a_sentence(serve: Serve, run: Run, name: str) -> None:
    answer = {**ODD_ANSWERS, **ODD_LISTS}[name]
    server = serve(Clerk(instead={"/sessions?": answer}))

    status, out, err = run(server)

    assert (status, out) == (1, "")
    assert err.startswith("The list of sessions is incomplete: ")
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    assert revoked(server) == []


@pytest.mark.parametrize("name", list(ODD_ANSWERS))
def test_after_an_odd_answer_to_one_session_the_next_is_ended(
    serve: Serve, run: Run, name: str
) -> None:
    server = serve(
        Clerk(session("sess_1"), session("sess_2"), instead={"sess_1": ODD_ANSWERS[name]})
    )

    status, out, err = run(server)

    assert (status, out) == (1, "sess_2 was ended\n")
    assert err.startswith("sess_1 was not ended: ")
    assert err.count("\n") == 1


def test_a_session_that_is_still_active_afterwards_was_not_ended(serve: Serve, run: Run) -> None:
    still_active = response(200, session("sess_1"))
    server = serve(Clerk(session("sess_1"), instead={"sess_1": still_active}))

    status, out, err = run(server)

    assert (status, out) == (1, "")
    assert err.startswith("sess_1 was not ended: ")


@pytest.mark.parametrize(
    "session_id",
    ["../users/user_1", "sess_1/../../users/user_1", "sess_1%2F..", "", "sess_1\n", None, 5, ["x"]],
)
def test_an_id_that_could_reach_another_path_is_not_sent(
    serve: Serve, run: Run, session_id: Any
) -> None:
    odd = {**session("sess_1"), "id": session_id}
    server = serve(Clerk(odd, session("sess_2")))

    status, out, err = run(server)

    assert (status, out) == (1, "sess_2 was ended\n")
    assert "its ID could reach another path, so it was not sent" in err
    assert revoked(server) == ["/v1/sessions/sess_2/revoke"]


def test_what_a_server_says_cannot_steer_the_terminal(serve: Serve, run: Run) -> None:
    refusal = response(400, {"errors": [{"message": "\x1b[2J\rsess_1 was ended\n" * 99}]})
    server = serve(Clerk(session("sess_1"), instead={"sess_1": refusal}))

    _, _, err = run(server)

    assert err.rstrip("\n").isprintable()
    assert len(err) < 300


def test_a_server_that_is_not_there_is_told_in_a_sentence(serve: Serve, run: Run) -> None:
    server = serve(Clerk())
    server.close()

    status, out, err = run(server)

    assert (status, out) == (1, "")
    assert err.startswith("The list of sessions is incomplete: there was no valid answer (")


@pytest.mark.parametrize("part", ["/sessions?", "sess_1"])
def test_a_silent_server_is_given_up(serve: Serve, run: Run, monkeypatch: Patch, part: str) -> None:
    monkeypatch.setattr(end_sessions, "TIMEOUT", 0.2)
    server = serve(Clerk(session("sess_1"), instead={part: None}))
    start = time.monotonic()

    status, out, err = run(server)

    assert (status, out) == (1, "")
    assert "timed out" in err
    assert time.monotonic() - start < 4


def test_a_failure_without_words_is_told_by_its_kind(run: Run, monkeypatch: Patch) -> None:
    monkeypatch.setattr(end_sessions, "build_opener", Mock(side_effect=ConnectionAbortedError))

    _, _, err = run("http://localhost")

    assert "there was no valid answer (ConnectionAbortedError)" in err


def test_a_closed_pipe_keeps_no_session_from_being_ended(serve: Serve) -> None:
    server = serve(Clerk(session("sess_1"), session("sess_2")))
    reader, writer = os.pipe()
    os.close(reader)

    done = run_script(server, stdout=writer)
    os.close(writer)

    assert revoked(server) == ["/v1/sessions/sess_1/revoke", "/v1/sessions/sess_2/revoke"]
    assert done.stderr == ""


# ---- Where the key goes


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("part", ["/sessions?", "sess_1"])
def test_no_redirect_is_followed(serve: Serve, run: Run, status: int, part: str) -> None:
    elsewhere = serve(Clerk(session("sess_1")))
    redirect = response(status, {}, Location=f"http://{elsewhere.address}/v1/sessions")
    server = serve(Clerk(session("sess_1"), instead={part: redirect}))

    exit_status, out, err = run(server)

    assert (exit_status, out) == (1, "")
    assert f"the answer was {status} (no redirect is followed)" in err
    assert elsewhere.received == []


def test_the_proxy_for_http_is_never_sent_the_key(
    serve: Serve, run: Run, monkeypatch: Patch
) -> None:
    proxy = serve(Clerk())
    server = serve(Clerk(session("sess_1")))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{proxy.address}")

    status, out, _ = run(server)

    assert (status, out) == (0, "sess_1 was ended\n")
    assert proxy.received == []


def test_the_proxy_for_https_makes_a_tunnel_and_is_not_sent_the_key(
    serve: Serve, run: Run, monkeypatch: Patch
) -> None:
    proxy = serve(lambda request: response(403, {}))
    monkeypatch.setenv("https_proxy", f"http://{proxy.address}")

    status, _, err = run("https://clerk.invalid")

    assert status == 1
    assert "Tunnel connection failed: 403" in err
    assert proxy.lines == ["CONNECT clerk.invalid:443"]
    assert KEY not in proxy.received[0].text


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "//v1//", "\n", "/v1 "])
def test_the_address_may_end_in_v1_or_not(serve: Serve, run: Run, suffix: str) -> None:
    server = serve(Clerk(session("sess_1")))

    status, _, _ = run(f" http://{server.address}{suffix}")

    assert status == 0
    assert revoked(server) == ["/v1/sessions/sess_1/revoke"]


@pytest.mark.parametrize("path", ["/clerk", "/clerk/v1/", "/clerk//v1//"])
def test_the_address_may_have_a_path(serve: Serve, run: Run, path: str) -> None:
    server = serve(Clerk(session("sess_1")))

    status, _, _ = run(f"http://{server.address}{path}")

    assert status == 0
    assert revoked(server) == ["/clerk/v1/sessions/sess_1/revoke"]


@pytest.mark.parametrize("address", ["", " ", None])
def test_the_address_is_clerks_by_default(monkeypatch: Patch, address: str | None) -> None:
    if address is not None:
        monkeypatch.setenv("CLERK_API_URL", address)

    assert end_sessions.server_url() == "https://api.clerk.com/v1"


@pytest.mark.parametrize(
    "address",
    ["https://api.clerk.com", "http://localhost:8080", "HTTP://127.0.0.1", "http://[::1]:80/x"],
)
def test_https_may_lead_anywhere_and_http_to_this_machine(monkeypatch: Patch, address: str) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    monkeypatch.setenv("CLERK_API_URL", address)

    end_sessions.check_settings()


@pytest.mark.parametrize(
    "address",
    [
        "http://api.clerk.com",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://127-0-0-1",
        "http://[::1].evil.example",
        "http://127.0.0.1\\@evil.example",
        "https://user:password@clerk.example",
        "https://clerk.example?x=",
        "https://clerk.example/%2e%2e",
        "ftp://clerk.example",
        "file:///etc/passwd",
        "api.clerk.com",
        "https://",
        "https:// clerk.example",
    ],
)
def test_any_other_address_is_refused_before_anything_is_sent(run: Run, address: str) -> None:
    status, out, err = run(address)

    assert (status, out) == (2, "")
    assert err == "CLERK_API_URL must be https://..., or http:// to this machine.\n"


# ---- The arguments and the key


@pytest.mark.parametrize("padding", [" ", "\n", "\r\n"])
def test_blanks_around_the_key_do_no_harm(serve: Serve, run: Run, padding: str) -> None:
    server = serve(Clerk(session("sess_1")))

    status, _, _ = run(server, key=f"{padding}{KEY}{padding}")

    assert status == 0
    assert f"Authorization: Bearer {KEY}\n" in server.received[0].text


@pytest.mark.parametrize(
    "key", ["", " ", "pk_test_1", f'"{KEY}"', f"Bearer {KEY}", f"{KEY}\nX: y", "sk_\u00e9"]
)
def test_what_is_no_secret_key_is_refused_and_not_shown(serve: Serve, run: Run, key: str) -> None:
    server = serve(Clerk())

    status, out, err = run(server, key=key)

    assert (status, out) == (2, "")
    assert err == "CLERK_SECRET_KEY must be the secret key: sk_test_... or sk_live_...\n"
    assert server.received == []


def test_no_local_variable_shows_an_invalid_key(monkeypatch: Patch) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", f'"{KEY}"')

    with pytest.raises(ValueError, match="CLERK_SECRET_KEY") as caught:
        end_sessions.end_sessions(CUSTOMER, ENGINEER)

    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(trace.format())


@pytest.mark.parametrize("wrong", ["", "a@example.com", "user_1/..", "user 1", "user_1&x=", KEY])
def test_what_is_no_id_is_refused_and_not_shown(serve: Serve, run: Run, wrong: str) -> None:
    server = serve(Clerk(session("sess_1")))

    for arguments in ((wrong, ENGINEER), (CUSTOMER, wrong)):
        status, out, err = run(server, *arguments)

        assert (status, out) == (2, "")
        assert err == "Customer and engineer must be IDs, such as user_29w9IptNja3mP8GD.\n"
    assert server.received == []


@pytest.mark.parametrize("arguments", [[CUSTOMER], [CUSTOMER, ENGINEER, KEY]])
def test_too_few_or_too_many_arguments_are_refused(
    serve: Serve, run: Run, arguments: list[str]
) -> None:
    server = serve(Clerk())

    status, out, err = run(server, *arguments)

    assert (status, out) == (2, "")
    assert err.startswith("Usage: ")
    assert server.received == []


def test_help_says_how_long_the_engineer_may_still_get_in(serve: Serve, run: Run) -> None:
    status, out, _ = run(serve(Clerk()), "--help")

    assert status == 0
    assert "for up to 60 seconds longer" in out
