"""Shows that tools which check types at run time can be used on a package with the module in it.

python .ci/runtime_types.py clerk_actor_tokens.py EMPTY_FOLDER

It needs beartype, typeguard, pydantic, and Python 3.10 or later, because of `X | None` in hints.
"""

from __future__ import annotations

import http.server
import importlib
import inspect
import json
import subprocess
import sys
import threading
import typing
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

ID = "act_29w9IptNja3mP8GDXpquBwN2qR9"

# What the package's __init__.py says for each tool. Each tool needs a process of its own.
PACKAGES = {
    "beartype": "from beartype.claw import beartype_this_package\nbeartype_this_package()\n",
    "typeguard": "from typeguard import install_import_hook\ninstall_import_hook(__name__)\n",
    "pydantic": "",
}
VIOLATIONS = {
    "beartype": "BeartypeCallHintParamViolation",
    "typeguard": "TypeCheckError",
    "pydantic": "ValidationError",
}


class Clerk(http.server.BaseHTTPRequestHandler):
    """Responds to a create and a revoke, as Clerk does; to another ID and user with an error."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        sent: dict[str, Any] = json.loads(
            self.rfile.read(int(self.headers["Content-Length"])) or "{}"
        )
        status = 200
        document: dict[str, Any] = {
            "object": "actor_token",
            "id": ID,
            "status": "pending" if sent else "revoked",
            "user_id": sent.get("user_id", "user_customer"),
            "actor": sent.get("actor", {"sub": "user_engineer"}),
            "created_at": 1763900000000,
            "updated_at": 1763900000000,
        }
        if sent.get("user_id") == "user_broken":
            document["created_at"] = "today"
        if sent.get("user_id") == "user_slow":
            threading.Event().wait(1)
        if sent.get("user_id") == "user_unknown":
            status = 404
            detail = {"code": "resource_not_found", "message": "not found", "meta": {"a": 1}}
            document = {"errors": [detail], "clerk_trace_id": "1", "meta": {"b": 2}}
        if not sent and ID not in self.path:
            status = 502
            document = {}
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "3")
        with suppress(OSError):  # the client has gone, after its timeout
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def raised(call: Any) -> Any:
    try:
        call()
    except Exception as error:
        return error
    raise SystemExit("nothing was raised")


def use(module: Any, url: str) -> Iterator[Exception]:
    """Use all of the module, and yield what was raised.

    The timeouts are floats: to beartype, an int is none, unless it is told so.
    """
    sandbox = module.Sandbox()
    if not isinstance(sandbox, module.Opener) or isinstance(3, module.Opener):
        sys.exit("isinstance does not know an Opener")
    clerk = module.ActorTokens("sk_test_x", opener=sandbox, timeout=5.0)
    token = clerk.create("user_1", actor={"sub": "user_2", "ticket": 1}, expires_in_seconds=60)
    if clerk.revoke(token, timeout=5.0).status != "revoked":
        sys.exit(f"{token} was not revoked")
    sandbox.accept(clerk.create("user_1", actor="user_2"))
    sandbox.fail_next(429, headers={"Retry-After": "3"})
    sandbox.fail_next(TimeoutError(), acted=True)
    for _ in range(2):
        yield raised(lambda: clerk.create("user_1", actor="user_2"))

    with module.ActorTokens("sk_test_x", server_url=url, max_retries=0) as clerk:
        token = clerk.create("user_1", actor="user_2")
        clerk.revoke(token)
        clerk.revoke(token.id)
        for user_id in ("user_unknown", "user_broken", "user_slow"):
            yield raised(lambda: clerk.create(user_id, actor="user_2", timeout=0.5))  # noqa: B023
        yield raised(lambda: clerk.revoke("act_other"))
    with module.ActorTokens("sk_test_x", server_url="http://127.0.0.1:1", timeout=1.0) as clerk:
        yield raised(lambda: clerk.create("user_1", actor="user_2"))
    module.ClerkErrors("message", status_code=400, errors=(), retry_after=None)


EXPECTED = [
    "ClerkErrors",
    "RequestTimeoutError",
    "ClerkErrors",
    "ResponseValidationError",
    "RequestTimeoutError",
    "SDKError",
    "NoResponseError",
]


def read_hints(module: Any) -> int:
    """Read the type hints of all that is public. Returns how many things have some."""
    count = 0
    for name in module.__all__:
        thing = getattr(module, name)
        members = [member for _, member in inspect.getmembers(thing, inspect.isfunction)]
        # A property's hints are those of its getter.
        getters = [p.fget for _, p in inspect.getmembers(thing, lambda m: isinstance(m, property))]
        count += sum(bool(typing.get_type_hints(member)) for member in [thing, *members, *getters])
    return count


def use_pydantic(module: Any) -> Any:
    """A model with a token, and a function that takes an opener. Returns what else it raises."""
    pydantic: Any = importlib.import_module("pydantic")
    sandbox = module.Sandbox()

    def support(opener: Any, user_id: str) -> Any:
        return module.ActorTokens("sk_test_x", opener=opener).create(user_id, actor="user_2")

    support.__annotations__.update(opener=module.Opener, **{"return": module.ActorToken})
    config = {"arbitrary_types_allowed": True}
    checked = pydantic.validate_call(config=config, validate_return=True)(support)
    token = checked(sandbox, "user_1")
    model = pydantic.create_model("Ticket", token=(module.ActorToken, ...))
    if model(token=vars(token)).token != token or model(token=token).token != token:
        sys.exit("pydantic changed the token")
    if not isinstance(pydantic.TypeAdapter(module.ActorToken).json_schema(), dict):
        sys.exit("pydantic made no schema of the token")
    raised(lambda: model(token={**vars(token), "created_at": "today"}))
    return raised(lambda: checked(3, "user_1"))


def check(tool: str) -> None:
    """Run in a process of its own, in a folder with the package `vendored`."""
    sys.path.insert(0, str(Path.cwd()))
    module: Any = importlib.import_module("vendored.clerk_actor_tokens")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Clerk) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        errors = list(use(module, f"http://127.0.0.1:{server.server_port}/v1"))
        server.shutdown()
    if [type(error).__name__ for error in errors] != EXPECTED:
        sys.exit(f"{errors} were raised, and not {EXPECTED}")
    if tool == "pydantic":
        error = use_pydantic(module)
    else:
        error = raised(lambda: module.Sandbox().accept(3))
    # Else the tool would not be at work.
    if type(error).__name__ != VIOLATIONS[tool]:
        sys.exit(f"{tool} raised {error!r}")
    print(f"{tool} let all calls pass, and {read_hints(module)} public things have type hints.")


def main() -> None:
    if len(sys.argv) == 2:
        check(sys.argv[1])
        return
    module, folder = map(Path, sys.argv[1:])
    for tool, text in PACKAGES.items():
        package = folder / tool / "vendored"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text, encoding="utf-8")
        (package / module.name).write_text(module.read_text(encoding="utf-8"), encoding="utf-8")
        command = [sys.executable, str(Path(__file__).resolve()), tool]
        subprocess.run(command, cwd=folder / tool, check=True)  # noqa: S603  # this program


if __name__ == "__main__":
    main()
