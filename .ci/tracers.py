"""Shows that Sentry and AWS X-Ray see a call of the client, with its https URL and status.

It needs sentry-sdk, aws-xray-sdk and trustme. The call goes to a TLS server on loopback.
"""

from __future__ import annotations

import http.server
import json
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import sentry_sdk
import trustme
from aws_xray_sdk.core import patch, xray_recorder
from sentry_sdk.transport import Transport

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from clerk_actor_tokens import ActorTokens

KEY = "sk_test_tracers"
SECRET = "eyJ" + "t" * 60
TOKEN = {
    "object": "actor_token",
    "id": "act_29w9IptNja3mP8GDXpquBwN2qR9",
    "status": "pending",
    "user_id": "user_customer",
    "actor": {"sub": "user_engineer"},
    "created_at": 1763900000000,
    "updated_at": 1763900000000,
    "token": SECRET,
    "url": f"https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket={SECRET}",
}


class Clerk(http.server.BaseHTTPRequestHandler):
    """Responds to every request with an actor token."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(TOKEN).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
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


def check(name: str, seen: list[Any], expected: list[Any], everything: object) -> None:
    if seen != expected:
        sys.exit(f"{name} saw {seen}, and not {expected}:\n{everything}")
    if KEY in str(everything) or SECRET in str(everything):
        sys.exit(f"{name} saw a secret:\n{everything}")
    print(f"{name} saw {seen}")


def see_with_sentry(clerk: ActorTokens, url: str) -> None:
    collector = Collector()
    sentry_sdk.init("https://x@sentry.invalid/1", transport=collector, traces_sample_rate=1.0)
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


def main() -> None:
    authority = trustme.CA()
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_tls)
    client_tls = ssl.create_default_context()
    authority.configure_trust(client_tls)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Clerk) as server:
        server.socket = server_tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"https://localhost:{server.server_port}/v1"
        with ActorTokens(KEY, server_url=address, ssl_context=client_tls) as clerk:
            see_with_sentry(clerk, f"{address}/actor_tokens")
            see_with_xray(clerk, "https://localhost/v1/actor_tokens")  # it leaves out the port
        server.shutdown()


if __name__ == "__main__":
    main()
