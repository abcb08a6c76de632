"""Cuts a copy of the module at its marked line, and makes a create and a revoke with the rest.

python .ci/cut_copy.py clerk_actor_tokens.py EMPTY_FOLDER
"""

from __future__ import annotations

import http.server
import json
import sys
import threading
from pathlib import Path
from typing import Any

MARK = "# ---- The client ends here. A copy may end here, too.\n"
ID = "act_29w9IptNja3mP8GDXpquBwN2qR9"
REVOKE_PATH = f"/v1/actor_tokens/{ID}/revoke"


class Clerk(http.server.BaseHTTPRequestHandler):
    """Responds to a create and a revoke, as Clerk does."""

    protocol_version = "HTTP/1.1"
    paths: list[str] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.paths.append(self.path)
        sent: dict[str, Any] = json.loads(
            self.rfile.read(int(self.headers["Content-Length"])) or "{}"
        )
        token = {
            "object": "actor_token",
            "id": ID,
            "status": "revoked" if self.path == REVOKE_PATH else "pending",
            "user_id": sent.get("user_id", "user_customer"),
            "actor": sent.get("actor", {"sub": "user_engineer"}),
            "created_at": 1763900000000,
            "updated_at": 1763900000000,
        }
        body = json.dumps(token).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    module, folder = map(Path, sys.argv[1:])
    client, _, rest = module.read_text(encoding="utf-8").partition(MARK)
    if not rest:
        sys.exit(f"{module} has no line {MARK}")
    (folder / module.name).write_text(client, encoding="utf-8")
    sys.path.insert(0, str(folder))
    import clerk_actor_tokens

    if clerk_actor_tokens.__file__ != str(folder / module.name):
        sys.exit(f"{clerk_actor_tokens.__file__} is not the copy")
    for name in clerk_actor_tokens.__all__:
        getattr(clerk_actor_tokens, name)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Clerk) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        with clerk_actor_tokens.ActorTokens("sk_test_x", server_url=url) as clerk:
            token = clerk.create("user_customer", actor="user_engineer")
            revoked = clerk.revoke(token)
        server.shutdown()
    if (token.status, revoked.status) != ("pending", "revoked"):
        sys.exit(f"they are {token} and {revoked}")
    if Clerk.paths != ["/v1/actor_tokens", REVOKE_PATH]:
        sys.exit(f"the requests went to {Clerk.paths}")
    print(f"The first {client.count(chr(10))} lines made a create and a revoke.")


if __name__ == "__main__":
    main()
