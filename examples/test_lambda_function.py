"""What lambda_function.py promises: called directly, and by AWS's own runtime client."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.error import HTTPError

import pytest
from loopback import Answer, Loopback, Received, response

import clerk_actor_tokens
from clerk_actor_tokens import ActorTokens, Sandbox

KEY = "sk_test_4f9d2c7b1a"
ENGINEER = {"sub": "user_engineer", "role": "support"}
BUSY = 3  # seconds that a busy machine may take longer; the client's own timeout is 10
LINK = "https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket=eyJ.eyJ.x"
TOKEN = {
    "object": "actor_token",
    "id": "act_29w9IptNja3mP8GDXpquBwN2qR9",
    "status": "pending",
    "user_id": "user_customer",
    "actor": {"sub": "user_engineer"},
    "created_at": 1763900000000,
    "updated_at": 1763900000001,
    "token": "eyJ.eyJ.x",
    "url": LINK,
}

Patch = pytest.MonkeyPatch
Serve = Callable[[Answer], Loopback]
Call = Callable[..., "tuple[dict[str, Any], Any]"]


def event_of(claims: dict[str, str], customer: str = "user_customer") -> dict[str, Any]:
    """What API Gateway hands on, with what else a caller may put into it."""
    return {
        "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
        "pathParameters": {"user_id": customer},
        "queryStringParameters": {"actor": "user_forged", "sub": "user_forged"},
        "body": '{"actor": "user_forged", "sub": "user_forged"}',
    }


# ---- Called directly


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def call(sandbox: Sandbox, monkeypatch: Patch) -> Call:
    """Call the handler, with Clerk in memory. Returns the whole result, and its body."""
    monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
    function = importlib.import_module("lambda_function")
    monkeypatch.setattr(function, "clerk", ActorTokens(KEY, opener=sandbox))

    def call(
        claims: dict[str, str] = ENGINEER, customer: str = "user_customer", seconds: float = 3
    ) -> tuple[dict[str, Any], Any]:
        context = Mock(get_remaining_time_in_millis=Mock(return_value=int(seconds * 1000)))
        result = function.handler(event_of(claims, customer), context)
        return result, json.loads(result["body"])

    return call


def test_an_engineer_is_given_a_link_that_no_cache_keeps(sandbox: Sandbox, call: Call) -> None:
    result, body = call()

    (token,) = sandbox.tokens.values()
    assert result["statusCode"] == 201
    assert result["headers"] == {"Content-Type": "application/json", "Cache-Control": "no-store"}
    assert body["id"] == token.id
    assert body["url"].startswith("https://")


def test_who_acts_comes_from_the_login_and_never_from_the_request(
    sandbox: Sandbox, call: Call
) -> None:
    call()

    (token,) = sandbox.tokens.values()
    assert (token.user_id, token.actor) == ("user_customer", {"sub": "user_engineer"})


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"sub": "user_2"}, id="no role"),
        pytest.param({"sub": "user_2", "role": "member"}, id="another role"),
        pytest.param({**ENGINEER, "act": "map[sub:user_2]"}, id="signed in as somebody else"),
    ],
)
def test_who_is_not_support_is_refused(
    sandbox: Sandbox, call: Call, claims: dict[str, str]
) -> None:
    result, _ = call(claims)

    assert result["statusCode"] == 403
    assert sandbox.tokens == {}


@pytest.mark.parametrize(
    ("status_from_clerk", "status", "said"),
    [
        pytest.param(404, 404, "no such user", id="mistyped"),
        pytest.param(422, 422, "no such user", id="invalid, or the plan is used up"),
        pytest.param(400, 502, "There is no link", id="400"),
        pytest.param(401, 502, "There is no link", id="wrong key"),
        pytest.param(402, 502, "There is no link", id="the plan lacks it"),
        pytest.param(403, 502, "There is no link", id="firewall"),
    ],
)
def test_only_a_wrong_customer_is_the_callers_mistake(
    sandbox: Sandbox, call: Call, status_from_clerk: int, status: int, said: str
) -> None:
    sandbox.fail_next(status_from_clerk, message="no such user")

    result, body = call()

    assert result["statusCode"] == status
    assert said in body["error"]


def test_a_gateways_404_is_not_the_callers_mistake(sandbox: Sandbox, call: Call) -> None:
    sandbox.fail_next(HTTPError("https://x.test", 404, "Not Found", Message(), io.BytesIO(b"<p>")))

    result, _ = call()

    assert result["statusCode"] == 502


def test_a_customer_that_is_no_id_is_the_callers_mistake(sandbox: Sandbox, call: Call) -> None:
    result, body = call(customer="Jane Doe")

    assert result["statusCode"] == 400
    assert "user_id" in body["error"]
    assert sandbox.tokens == {}


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "3"}, "3"), ({}, "10")])
def test_too_many_requests_ask_to_come_back(
    sandbox: Sandbox, call: Call, headers: dict[str, str], seconds: str
) -> None:
    sandbox.fail_next(429, headers=headers)

    result, _ = call()

    assert result["statusCode"] == 503
    assert result["headers"]["Retry-After"] == seconds


@pytest.mark.parametrize("failure", [TimeoutError(), ConnectionResetError(), 500, 503])
def test_a_failure_that_leaves_a_doubt_says_what_to_do(
    sandbox: Sandbox, call: Call, failure: Any
) -> None:
    sandbox.fail_next(failure, acted=True)

    result, body = call()

    (token,) = sandbox.tokens.values()
    assert token.status == "pending", "it is the link that nobody has"
    assert result["statusCode"] == 500
    assert "within 10 minutes" in body["error"]
    assert "Do not just repeat" in body["error"]
    assert "actor_token.created" in body["error"]


@pytest.mark.parametrize(("seconds", "timeout"), [(3, 2.5), (900, 10)])
def test_a_call_ends_before_the_function_must(
    call: Call, monkeypatch: Patch, seconds: float, timeout: float
) -> None:
    function = importlib.import_module("lambda_function")
    clerk = Mock(wraps=function.clerk)
    monkeypatch.setattr(function, "clerk", clerk)

    call(seconds=seconds)

    assert clerk.create.call_args.kwargs["timeout"] == timeout
    assert clerk.create.call_args.kwargs["expires_in_seconds"] == 600, "as it tells the engineer"


def test_without_time_left_nothing_is_sent(sandbox: Sandbox, call: Call) -> None:
    result, _ = call(seconds=0.4)

    assert result["statusCode"] == 502
    assert sandbox.tokens == {}


def test_neither_log_nor_response_has_a_secret_after_a_failure(
    sandbox: Sandbox, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3NjM5MDM2MDB9.c2lnbmF0dXJl"
    sandbox.fail_next(422, message=f"{KEY} {ticket}")

    _, body = call()

    assert "got 422" in caplog.text
    assert KEY not in caplog.text + str(body)
    assert ticket not in caplog.text + str(body)


def test_the_log_has_who_and_the_id_but_not_the_link(
    sandbox: Sandbox, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    _, body = call()

    (token,) = sandbox.tokens.values()
    assert f"user_engineer was given {token.id}, for user_customer" in caplog.text
    assert body["url"] not in caplog.text


# ---- Called by AWS's own runtime client


class RuntimeAPI:
    """AWS's Runtime API, for one invocation, which has 2 seconds."""

    ARN = "arn:aws:lambda:eu-central-1:123456789012:function:f"

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.deadline = 0.0
        self.ended = 0.0

    def __call__(self, request: Received) -> bytes:
        if not request.path.endswith("/invocation/next"):
            self.ended = time.time()
            return response(202, {})
        if self.deadline:
            return b""  # which ends the runtime
        self.deadline = time.time() + 2
        return response(
            200,
            self.event,
            Lambda_Runtime_Aws_Request_Id="request-1",
            Lambda_Runtime_Deadline_Ms=int(self.deadline * 1000),
            Lambda_Runtime_Invoked_Function_Arn=self.ARN,
        )


Invoke = Callable[[Answer], "tuple[Loopback, dict[str, Any]]"]


@pytest.fixture
def invoke(serve: Serve, tmp_path: Path, monkeypatch: Patch) -> Invoke:
    """Deploy the function beside the module, and run it once, with `answer` in place of Clerk.

    Returns Clerk's server, and the function's result.
    """
    pytest.importorskip("awslambdaric", reason="AWS's runtime client is not installed")

    def invoke(answer: Answer) -> tuple[Loopback, dict[str, Any]]:
        service = RuntimeAPI(event_of(ENGINEER))
        runtime, clerk = serve(service), serve(answer)
        function = Path(__file__).with_name("lambda_function.py")
        for source in (function, Path(clerk_actor_tokens.__file__)):
            shutil.copy(source, tmp_path)
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", runtime.address)
        monkeypatch.setenv("CLERK_SECRET_KEY", KEY)
        monkeypatch.setenv("CLERK_API_URL", f"http://{clerk.address}")

        done = subprocess.run(
            [sys.executable, "-m", "awslambdaric", "lambda_function.handler"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        printed = done.stdout + done.stderr
        assert KEY not in printed
        assert LINK not in printed
        (result,) = [request for request in runtime.received if request.method == "POST"]
        assert result.path.endswith("/invocation/request-1/response"), result.text
        assert service.ended < service.deadline + BUSY, "AWS would have stopped it"
        return clerk, json.loads(result.text.partition("\n\n")[2])

    return invoke


def test_under_awss_runtime_client_it_returns_the_link(invoke: Invoke) -> None:
    clerk, result = invoke(lambda request: response(200, TOKEN))

    assert result["statusCode"] == 201
    assert json.loads(result["body"]) == {"id": TOKEN["id"], "url": LINK}
    assert clerk.lines == ["POST /v1/actor_tokens"]
    assert '"actor": {"sub": "user_engineer"}' in clerk.received[0].text


def test_under_awss_runtime_client_it_answers_in_time_if_clerk_is_silent(invoke: Invoke) -> None:
    clerk, result = invoke(lambda request: None)

    assert result["statusCode"] == 500
    assert "There may be a link" in result["body"]
    assert clerk.lines == ["POST /v1/actor_tokens"], "it was sent once"
