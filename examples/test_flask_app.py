"""What flask_app.py promises, with real Flask, and with Clerk in memory."""

from __future__ import annotations

import io
import subprocess
import sys
from email.message import Message
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.error import HTTPError

import flask_app
import pytest
from flask.testing import FlaskClient

from clerk_actor_tokens import ActorTokens, Sandbox

KEY = "sk_test_4f9d2c7b1a"
PATH = "/customers/user_customer/link"


def app_client(sandbox: Sandbox, claims: dict[str, Any] | None) -> FlaskClient:
    """The endpoint for somebody whose session token has these claims."""
    clerk = ActorTokens(KEY, opener=sandbox)
    return flask_app.create_app(clerk, lambda request: claims).test_client()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def engineer(sandbox: Sandbox) -> FlaskClient:
    return app_client(sandbox, {"sub": "user_engineer"})


def test_an_engineer_is_given_a_link_that_no_cache_keeps(
    sandbox: Sandbox, engineer: FlaskClient
) -> None:
    response = engineer.post(PATH)

    (token,) = sandbox.tokens.values()
    assert response.status_code == 201
    assert response.json
    assert response.json["id"] == token.id
    assert response.json["url"].startswith("https://")
    assert response.headers["Cache-Control"] == "no-store"
    assert (token.user_id, token.actor) == ("user_customer", {"sub": "user_engineer"})


def test_who_acts_comes_from_the_login_and_never_from_the_request(
    sandbox: Sandbox, engineer: FlaskClient
) -> None:
    forged = {"actor": "user_forged", "sub": "user_forged", "user_id": "user_forged"}

    engineer.post(PATH, json=forged, query_string=forged, headers={"X-Actor": "user_forged"})

    (token,) = sandbox.tokens.values()
    assert (token.user_id, token.actor) == ("user_customer", {"sub": "user_engineer"})


def test_everybody_is_refused_until_the_login_is_written(sandbox: Sandbox) -> None:
    client = flask_app.create_app(ActorTokens(KEY, opener=sandbox)).test_client()

    response = client.post(PATH, headers={"Authorization": "Bearer x"})

    assert response.status_code == 401
    assert sandbox.tokens == {}


def test_who_is_signed_in_as_somebody_else_is_refused(sandbox: Sandbox) -> None:
    claims = {"sub": "user_customer_2", "act": {"sub": "user_engineer"}}

    response = app_client(sandbox, claims).post(PATH)

    assert response.status_code == 403
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
    sandbox: Sandbox, engineer: FlaskClient, status_from_clerk: int, status: int, said: str
) -> None:
    sandbox.fail_next(status_from_clerk, message="no such user")

    response = engineer.post(PATH)

    assert response.status_code == status
    assert response.json
    assert said in response.json["error"]


def test_a_gateways_404_is_not_the_callers_mistake(sandbox: Sandbox, engineer: FlaskClient) -> None:
    sandbox.fail_next(HTTPError("https://x.test", 404, "Not Found", Message(), io.BytesIO(b"<p>")))

    response = engineer.post(PATH)

    assert response.status_code == 502


def test_a_customer_that_is_no_id_is_the_callers_mistake(
    sandbox: Sandbox, engineer: FlaskClient
) -> None:
    response = engineer.post("/customers/Jane%20Doe/link")

    assert response.status_code == 400
    assert response.json
    assert "user_id" in response.json["error"]
    assert sandbox.tokens == {}


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "3"}, "3"), ({}, "10")])
def test_too_many_requests_ask_to_come_back(
    sandbox: Sandbox, engineer: FlaskClient, headers: dict[str, str], seconds: str
) -> None:
    sandbox.fail_next(429, headers=headers)

    response = engineer.post(PATH)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == seconds


@pytest.mark.parametrize("failure", [TimeoutError(), ConnectionResetError(), 500, 503])
def test_a_failure_that_leaves_a_doubt_says_what_to_do(
    sandbox: Sandbox, engineer: FlaskClient, failure: Any
) -> None:
    sandbox.fail_next(failure, acted=True)

    response = engineer.post(PATH)

    (token,) = sandbox.tokens.values()
    assert token.status == "pending", "it is the link that nobody has"
    assert response.status_code == 500
    assert response.json
    assert "within 10 minutes" in response.json["error"]
    assert "Do not just repeat" in response.json["error"]
    assert "actor_token.created" in response.json["error"]


def test_the_link_ends_after_the_10_minutes_that_are_told(sandbox: Sandbox) -> None:
    clerk = Mock(wraps=ActorTokens(KEY, opener=sandbox))
    app = flask_app.create_app(clerk, lambda request: {"sub": "user_engineer"})

    app.test_client().post(PATH)

    assert clerk.create.call_args.kwargs["expires_in_seconds"] == 600


def test_a_connection_that_was_not_made_leaves_no_doubt(
    sandbox: Sandbox, engineer: FlaskClient
) -> None:
    sandbox.fail_next(ConnectionRefusedError())

    response = engineer.post(PATH)

    assert response.status_code == 502


def test_the_log_has_who_and_the_id_but_not_the_link(
    sandbox: Sandbox, engineer: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = engineer.post(PATH)

    (token,) = sandbox.tokens.values()
    assert f"user_engineer was given {token.id}, for user_customer" in caplog.text
    assert response.json
    assert response.json["url"] not in caplog.text


def test_neither_log_nor_response_has_a_secret_after_a_failure(
    sandbox: Sandbox, engineer: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE3NjM5MDM2MDB9.c2lnbmF0dXJl"
    sandbox.fail_next(422, message=f"{KEY} {ticket}")

    response = engineer.post(PATH)

    assert "got 422" in caplog.text
    assert KEY not in caplog.text + response.text
    assert ticket not in caplog.text + response.text


def test_importing_it_needs_no_key() -> None:
    folders = [str(Path(flask_app.__file__).parents[1]), str(Path(flask_app.__file__).parent)]

    program = f"import sys; sys.path[:0] = {folders!r}; import flask_app"
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)

    assert done.returncode == 0
