# /// script
# requires-python = ">=3.10"
# dependencies = ["clerk-backend-api==7.0.0", "httpx", "requests", "trustme"]
# ///
"""What this client costs beside those that people would use instead: cold start, call, memory.

    uv run benchmarks/compare.py          # or: pipx run benchmarks/compare.py

Either command installs what the lines above name into an environment of its own. A TLS server on
loopback responds to each client in turn, each a process of its own that verifies the certificate.
valgrind counts instructions, which a busy machine does not change. The peak of the memory is read
from Linux's /proc. The table on standard output is the one in benchmarks/README.md.
"""

from __future__ import annotations

import compileall
import http.server
import json
import os
import platform
import re
import shutil
import site
import ssl
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

import trustme

MODULE = Path(__file__).resolve().parent.parent / "clerk_actor_tokens.py"
FURTHER_CALLS = 50
RUNS = 5
OTHERS = ["clerk-backend-api", "pydantic", "httpx", "requests"]

TOKEN = json.dumps(
    {
        "object": "actor_token",
        "id": "act_29w9IptNja3mP8GDXpquBwN2qR9",
        "status": "pending",
        "user_id": "user_1a2b3c",
        "actor": {"sub": "user_9z8y7x"},
        "created_at": 1763900000000,
        "updated_at": 1763900000000,
        "token": "eyJ" + "t" * 400,
        "url": "https://happy-fox-1.clerk.accounts.dev/v1/tickets/accept?ticket=eyJ" + "t" * 400,
    }
).encode()

# Each is a whole program: `python client.py URL CA CALLS` makes that many creates, and fails if a
# response has no URL.
BODY = """{"user_id": "user_1a2b3c", "actor": {"sub": "user_9z8y7x"},
    "expires_in_seconds": 3600, "session_max_duration_in_seconds": 1800}"""
HEADERS = """{"Authorization": "Bearer sk_test_x", "Accept": "application/json",
    "Content-Type": "application/json", "Clerk-API-Version": "2026-05-12"}"""
CLIENTS = {
    "this client": """
import ssl, sys
from clerk_actor_tokens import ActorTokens
url, ca, calls = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
with ActorTokens("sk_test_x", server_url=url, ssl_context=context) as clerk:
    for _ in range(int(calls)):
        if not clerk.create("user_1a2b3c", actor="user_9z8y7x").url:
            sys.exit("a response without a URL")
""",
    "official SDK": """
import ssl, sys
import httpx
from clerk_backend_api import Clerk
url, ca, calls = sys.argv[1:]
client = httpx.Client(verify=ssl.create_default_context(cafile=ca))
with Clerk(bearer_auth="sk_test_x", server_url=url, client=client) as clerk:
    for _ in range(int(calls)):
        body = {"user_id": "user_1a2b3c", "actor": {"sub": "user_9z8y7x"}}
        if not clerk.actor_tokens.create(request=body).url:
            sys.exit("a response without a URL")
""",
    "`requests`": f"""
import sys
import requests
url, ca, calls = sys.argv[1:]
with requests.Session() as session:
    session.verify = ca
    for _ in range(int(calls)):
        response = session.post(url + "/actor_tokens", json={BODY}, headers={HEADERS}, timeout=10)
        response.raise_for_status()
        response.json()["url"]
""",
    "`httpx`": f"""
import ssl, sys
import httpx
url, ca, calls = sys.argv[1:]
with httpx.Client(verify=ssl.create_default_context(cafile=ca)) as client:
    for _ in range(int(calls)):
        response = client.post(url + "/actor_tokens", json={BODY}, headers={HEADERS}, timeout=10)
        response.raise_for_status()
        response.json()["url"]
""",
    "plain `urlopen`": f"""
import json, ssl, sys, urllib.request
url, ca, calls = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
for _ in range(int(calls)):
    request = urllib.request.Request(url + "/actor_tokens", json.dumps({BODY}).encode(), {HEADERS})
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        json.load(response)["url"]
""",
    "bare `http.client`": f"""
import http.client, json, ssl, sys
url, ca, calls = sys.argv[1:]
place, _, path = url.partition("//")[2].partition("/")
context = ssl.create_default_context(cafile=ca)
connection = http.client.HTTPSConnection(place, timeout=10, context=context)
for _ in range(int(calls)):
    connection.request("POST", f"/{{path}}/actor_tokens", json.dumps({BODY}), {HEADERS})
    json.loads(connection.getresponse().read())["url"]
""",
}
# The peak of this process alone: what the system reports of a child includes its parent's.
# It imports nothing, which would count.
PEAK = """
with open("/proc/self/status") as status:
    print(*(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""


class Clerk(http.server.BaseHTTPRequestHandler):
    """Responds to every request with an actor token, and keeps the connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    tls: ssl.SSLContext

    def setup(self) -> None:
        self.request = self.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(TOKEN)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Clerk-Trace-Id", "0af7651916cd43dd8448eb211c80319c")
        self.end_headers()
        self.wfile.write(TOKEN)

    def log_message(self, *_: object) -> None:
        pass


class Bench:
    """Runs the clients in a folder of their own, with compiled bytecode like installed packages."""

    def __init__(self, folder: Path, url: str, ca: Path) -> None:
        self.folder = folder
        self.arguments = [url, str(ca)]
        # Some machines switch bytecode off. The server's certificate is not the machine's, and it
        # has no proxy. The order of sets must not differ from run to run.
        unwanted = re.compile(
            "PYTHONDONTWRITEBYTECODE|SSL_CERT_.*|.*_CA_BUNDLE|.*_PROXY", re.IGNORECASE
        )
        self.environment = {
            name: value for name, value in os.environ.items() if not unwanted.fullmatch(name)
        }
        self.environment.update(PYTHONHASHSEED="0", PYTHONPATH=str(folder))
        shutil.copy(MODULE, folder)
        for name, program in CLIENTS.items():
            self.path(name).write_text(program)
            self.path(name, "peak").write_text(program + PEAK)
        for place in (str(folder), *site.getsitepackages()):
            compileall.compile_dir(place, quiet=2, workers=0)

    def path(self, name: str, purpose: str = "run") -> Path:
        return self.folder / f"{re.sub('[^a-z]', '_', name)}_{purpose}.py"

    def run(
        self, name: str, calls: int, *before: str, purpose: str = "run"
    ) -> subprocess.CompletedProcess[str]:
        command = [
            *before,
            sys.executable,
            str(self.path(name, purpose)),
            *self.arguments,
            str(calls),
        ]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{name} failed:\n{done.stderr}")
        return done

    def instructions(self, name: str, calls: int) -> float:
        options = ("--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={os.devnull}")
        said = self.run(name, calls, "valgrind", *options).stderr
        found = re.search(r"I +refs: +([0-9,]+)", said)
        if not found:
            sys.exit(f"valgrind did not say how many instructions {name} took:\n{said}")
        return float(found[1].replace(",", ""))

    def peak_kib(self, name: str) -> float:
        return float(min(int(self.run(name, 1, purpose="peak").stdout) for _ in range(RUNS)))


def measure(bench: Bench) -> None:
    figures = {}
    for name in CLIENTS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        bench.run(name, 1)  # so that nothing is read from disk for the first time
        cold = bench.instructions(name, 1)
        further = (bench.instructions(name, 1 + FURTHER_CALLS) - cold) / FURTHER_CALLS
        figures[name] = (cold / 1e6, further / 1e6, bench.peak_kib(name) / 1024)
    ours = figures["this client"]
    machine = f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}"
    versions = ", ".join(f"{name} {version(name)}" for name in OTHERS)
    print(f"{machine}; {versions}; in brackets, ours divided by theirs\n")
    print("| | cold start, M instructions | a further call, M instructions | peak memory, MB |")
    print("|---|---|---|---|")
    for name, row in figures.items():
        cells = [f"{row[0]:.0f}", f"{row[1]:.2f}", f"{row[2]:.1f}"]
        if name != "this client":
            cells = [f"{cell} ({mine / their:.2f})" for cell, mine, their in zip(cells, ours, row)]
        print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    if not shutil.which("valgrind"):
        sys.exit("This benchmark needs valgrind, which counts the instructions.")
    authority = trustme.CA()
    Clerk.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(Clerk.tls)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Clerk)
    with tempfile.TemporaryDirectory() as name, server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ca = Path(name) / "ca.pem"
        authority.cert_pem.write_to_path(str(ca))
        measure(Bench(Path(name), f"https://localhost:{server.server_port}/v1", ca))
        server.shutdown()


if __name__ == "__main__":
    main()
