#!/usr/bin/env python3
"""Attacks on a firnd that runs: each as somebody would make it, over real sockets.

    attack.py [SECONDS]     (of wrk, 2)
"""
import grp
import http.client
import json
import os
import pwd
import re
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from firnd import Firnd, Tap  # noqa: E402

HTML = "<img src=x onerror=alert(1)>"


class Target:
    """A daemon on loopback TCP, and what an attacker can send to it."""

    def __init__(self, firnd, port):
        self.firnd, self.port = firnd, port

    def ask(self, method, path, headers=None, body=None, host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            try:
                connection.endheaders(body.encode() if body is not None else None)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has answered already, and reads no more
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def raw(self, data, seconds=10):
        """Bytes as they are; what comes back until the daemon closes."""
        with socket.create_connection(("127.0.0.1", self.port), seconds) as s:
            s.sendall(data)
            answer = b""
            try:
                while chunk := s.recv(65536):
                    answer += chunk
                    if b"\r\n\r\n" in answer and b"Connection: close" not in answer[:2000]:
                        break
            except (socket.timeout, ConnectionResetError):
                pass
            return answer


def token(firnd, name, role):
    return firnd.ask("POST", "/v1/tokens", {"name": name, "role": role})[2]["token"]


def bearer(text):
    return {"Authorization": "Bearer " + text}


JSON = {"Content-Type": "application/json"}


def rebinding(tap, target, view):
    """DNS rebinding: evil.example resolves to 127.0.0.1, its page asks its own origin."""
    for host in ("evil.example", f"evil.example:{target.port}", "localhost.evil.example",
                 "127.0.0.1.evil.example", ""):
        status, _, _ = target.ask("GET", "/v1/status", bearer(view), host=host or " ")
        tap.ok(status in (400, 421), f"DNS rebinding: Host '{host}' is answered with {status}")
    for host in (f"localhost:{target.port}", f"127.0.0.1:{target.port}", f"[::1]:{target.port}"):
        tap.is_(target.ask("GET", "/v1/status", bearer(view), host=host)[0], 200, f"Host '{host}' is ours")
    tap.is_(target.ask("GET", "/v1/status", bearer(view), host="firn.example.org")[0], 200,
            "and one of `hosts:`")


def cross_site(tap, target, engineer):
    """Another site's page, in the browser of somebody who is logged in, makes it send a write."""
    cookie = {"Cookie": "firn_session=" + engineer}
    build = json.dumps({"kind": "build", "product": "nothing"})
    own = f"http://127.0.0.1:{target.port}"
    attempts = {
        "a form": {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://evil.example"},
        "a form of text": {"Content-Type": "text/plain", "Origin": "http://evil.example"},
        "fetch() without CORS": {**JSON, "Origin": "http://evil.example"},
        "an opaque origin": {**JSON, "Origin": "null"},
        "another port": {**JSON, "Origin": "http://127.0.0.1:1"},
        "another scheme": {**JSON, "Origin": own.replace("http", "https")},
        "no origin at all": JSON,
        "the browser's word": {**JSON, "Origin": own, "Sec-Fetch-Site": "cross-site"},
        "a sister site": {**JSON, "Origin": own, "Sec-Fetch-Site": "same-site"},
        "a prefix of ours": {**JSON, "Origin": own + ".evil.example"},
    }
    for name, headers in attempts.items():
        status, _, _ = target.ask("POST", "/v1/jobs", {**cookie, **headers}, build)
        tap.ok(status in (403, 415), f"cross-site POST: {name} is answered with {status}")
    status, _, _ = target.ask("POST", "/v1/jobs", {**cookie, **JSON, "Origin": own}, build)
    tap.is_(status, 404, "our own page's is looked at (there is no such product)")
    status, headers, _ = target.ask("OPTIONS", "/v1/jobs", {"Origin": "http://evil.example",
                                                            "Access-Control-Request-Method": "POST"})
    tap.ok(status in (403, 405) and not any(h.lower().startswith("access-control") for h in headers),
           "no preflight is granted")


def headers_of_answers(tap, target, view):
    for path in ("/", "/v1/status", "/v1/nothing", "/web/app.js"):
        status, headers, _ = target.ask("GET", path, bearer(view))
        policy = headers.get("Content-Security-Policy", "")
        tap.ok("default-src 'self'" in policy and "unsafe" not in policy and
               headers.get("X-Content-Type-Options") == "nosniff" and
               not any(h.lower().startswith("access-control") for h in headers),
               f"GET {path} ({status}): CSP default-src 'self', nosniff, no CORS", str(headers))


def tokens(tap, target, view, operate, engineer):
    for name, text in {"none": None, "empty": "", "its beginning": engineer[:-1], "its id alone": engineer[:21],
                       "longer": engineer + "0", "another secret": engineer[:-4] + "0000",
                       "upper case": engineer.upper()}.items():
        status, headers, _ = target.ask("GET", "/v1/status", bearer(text) if text is not None else {})
        tap.ok(status == 401 and headers.get("WWW-Authenticate"), f"a token that is {name}: {status}")
    build = json.dumps({"kind": "build", "product": "nothing"})
    tap.is_(target.ask("POST", "/v1/jobs", {**JSON, **bearer(view)}, build)[0], 403, "view does not build")
    tap.is_(target.ask("POST", "/v1/jobs", {**JSON, **bearer(operate)}, build)[0], 404, "operate does")
    product = json.dumps({"files": [{"path": "manifest.yaml", "text": "firn: 1"}]})
    tap.is_(target.ask("PUT", "/v1/products/x", {**JSON, **bearer(operate)}, product)[0], 403,
            "operate does not change products")
    tap.is_(target.ask("GET", "/v1/tokens", bearer(operate))[0], 403, "nor sees tokens")
    with open(os.path.join(target.firnd.home, "firn.db"), "rb") as f:
        database = f.read()
    with open(os.path.join(target.firnd.home, "firn.db-wal"), "rb") as f:
        database += f.read()
    tap.ok(engineer[22:].encode() not in database, "the store does not hold a token's secret")
    tap.ok(engineer[5:21].encode() in database, "(its id stands there)")


def brute_force(tap, target):
    wrong = "firn_" + "0" * 16 + "_" + "0" * 64
    seen = [target.ask("GET", "/v1/status", bearer(wrong))[0] for _ in range(30)]
    tap.ok(seen[-1] == 429 and 401 in seen, f"guessing is answered with 429 after {seen.count(401)} tries")
    tap.is_(target.firnd.ask("GET", "/v1/status")[0], 200, "the socket of the administrator is not affected")


def traversal(tap, target, view):
    with open(os.path.join(target.firnd.home, "secret"), "w") as f:
        f.write("secret")
    digest = "0" * 64
    for path in ("/web/../firn.db", "/web/..%2f..%2fsecret", "/v1/products/x/files/../../secret",
                 "/v1/products/..%2fx", "/v1/products/x/files/%2e%2e/secret", "/v1/jobs/..%2f1/log",
                 f"/v1/images/{digest}/files/..%2f..%2fsecret", "//etc/passwd", "/%00", "/v1/jobs/1%00/log",
                 f"/v1/images/{digest}/files/%2e%2e", "/..%c0%af", "/\\..\\secret"):
        status, _, body = target.ask("GET", path, bearer(view))
        tap.ok(status in (400, 404, 405) and body != b"secret",
               f"path traversal: {path} is answered with {status}", body)


def sizes(tap, target, engineer):
    status, _, _ = target.ask("PUT", "/v1/products/x", {**JSON, **bearer(engineer)}, "[" * 9_000_000)
    tap.is_(status, 413, "a body of 9 MB is refused")
    head = f"PUT /v1/products/x HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nAuthorization: Bearer {engineer}\r\n" \
           "Content-Type: application/json\r\n"
    answer = target.raw(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
    tap.ok(b" 413 " in answer[:40], "one that is only announced, too, before it is read", answer[:200])
    answer = target.raw(f"{head}Content-Length: -1\r\n\r\n".encode())
    tap.ok(b" 400 " in answer[:40], "a negative length", answer[:200])
    answer = target.raw(f"{head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}".encode())
    tap.ok(b" 400 " in answer[:40], "two lengths", answer[:200])
    answer = target.raw(f"{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n".encode())
    tap.ok(b" 411 " in answer[:40] or b" 400 " in answer[:40], "chunks", answer[:200])
    answer = target.raw(f"GET / HTTP/1.1\r\nHost: localhost:{target.port}\r\nX: ".encode() + b"a" * 100_000 + b"\r\n\r\n")
    tap.ok(re.match(rb"HTTP/1.1 4(31|13|00)", answer) or not answer, "100 kB of a header", answer[:200])
    answer = target.raw(f"GET / HTTP/1.1\r\nHost: localhost:{target.port}\r\n".encode() +
                        b"".join(b"X%d: a\r\n" % i for i in range(2000)) + b"\r\n")
    tap.ok(re.match(rb"HTTP/1.1 4(31|13|00)", answer) or not answer, "2,000 headers", answer[:200])
    deep = '{"files":' + "[" * 100_000 + "]" * 100_000 + "}"
    status, _, _ = target.ask("PUT", "/v1/products/x", {**JSON, **bearer(engineer)}, deep)
    tap.is_(status, 400, "JSON of 100,000 levels")


def bundles(tap, target, engineer):
    """What a product may not have among its files."""
    home = target.firnd.home
    for path in ("../x", "/etc/passwd", "a/../../x", ".git/hooks/post-checkout", "a//b", "a\\b", "a\nb", "x" * 300,
                 ".submitted", "manifest.yaml/x", ""):
        files = [{"path": "manifest.yaml", "text": "firn: 1"}, {"path": path, "text": "x"}]
        status, _, body = target.ask("PUT", "/v1/products/evil", {**JSON, **bearer(engineer)},
                                     json.dumps({"files": files}))
        tap.ok(status == 400, f"a file {path[:30]!r} in a product: {status}", body)
    for name in ("..", ".hidden", "A", "a b", "x.yaml", "a" * 65, "%2e%2e"):
        status, _, body = target.ask("PUT", f"/v1/products/{name.replace(' ', '%20')}", {**JSON, **bearer(engineer)},
                                     json.dumps({"files": [{"path": "manifest.yaml", "text": "firn: 1"}]}))
        tap.ok(status in (400, 404, 405), f"a product {name[:20]!r}: {status}", body)
    tap.ok(not os.path.exists(os.path.join(home, "manifests", "evil")), "nothing of it was written")


def stored_html(tap, target, engineer):
    """Names and logs that are markup: data stays data."""
    manifest = f"firn: 1\nproduct: '{HTML}'\n"
    target.ask("PUT", "/v1/products/html", {**JSON, **bearer(engineer)},
               json.dumps({"files": [{"path": "manifest.yaml", "text": manifest}]}))
    target.firnd.checked("html")
    status, headers, body = target.ask("GET", "/v1/products/html", bearer(engineer))
    tap.ok(headers["Content-Type"].startswith("application/json") and any(HTML in e["text"] for e in json.loads(body)["errors"]),
           "an error that quotes markup is JSON", body)
    status, headers, _ = target.ask("GET", "/v1/products/html/files/manifest.yaml", bearer(engineer))
    tap.ok(headers["Content-Type"].startswith("text/plain") and "attachment" in headers["Content-Disposition"],
           "the file itself is text, as an attachment", str(headers))
    made = target.ask("POST", "/v1/tokens", {**JSON, **bearer(engineer)},
                      json.dumps({"name": "=cmd|' /C calc'!A0", "role": "view"}))
    tap.is_(made[0], 201, "a token whose name is a formula")
    _, headers, body = target.ask("GET", "/v1/records.csv", bearer(engineer))
    tap.ok(headers["Content-Type"].startswith("text/csv") and b',"=cmd' not in body and b",=cmd" not in body,
           "no cell of the CSV begins as a formula", body)


def slow(tap, target, engineer):
    """Clients that take their time, to use up what there is."""
    begun = time.monotonic()
    sockets = []
    for i in range(40):
        s = socket.create_connection(("127.0.0.1", target.port), 20)
        s.sendall(b"GET / HTTP/1.1\r\n" if i % 2 else
                  f"PUT /v1/products/x HTTP/1.1\r\nHost: localhost:{target.port}\r\nContent-Type: application/json\r\n"
                  f"Authorization: Bearer {engineer}\r\nContent-Length: 1000\r\n\r\n{{".encode())
        sockets.append(s)
    stop = threading.Event()

    def drip():
        while not stop.wait(0.3):
            for s in sockets:
                try:
                    s.sendall(b"x")
                except OSError:
                    pass

    thread = threading.Thread(target=drip)
    thread.start()
    tap.is_(target.ask("GET", "/v1/healthz")[0], 200, "slow headers and bodies keep nobody from being served")
    closed = 0
    for s in sockets:
        s.settimeout(max(0.1, begun + 20 - time.monotonic()))
        try:
            while s.recv(65536):
                pass
            closed += 1
        except ConnectionResetError:
            closed += 1
        except OSError:
            pass
    took = time.monotonic() - begun
    stop.set()
    thread.join()
    tap.ok(closed == 40 and took < 20, f"{closed} of 40 slow clients were cut off within {took:.1f} s")


def unix_socket(tap, firnd, top):
    mode = os.stat(firnd.socket)
    tap.is_(oct(mode.st_mode & 0o777), "0o660", "the Unix socket has the mode 0660")
    tap.is_(grp.getgrgid(mode.st_gid).gr_name, "games", "and the group that firnd.yaml names")
    if os.getuid() != 0:
        print(f"ok {tap.count + 1} # SKIP only root can ask as another user")
        tap.count += 1
        return
    ask = "import sys; sys.path.insert(0, %r); from firnd import Firnd; f = Firnd.__new__(Firnd); f.socket = %r\n" \
          "print(f.ask('GET', '/v1/session')[2], f.ask('POST', '/v1/jobs', {'kind': 'build', 'product': 'x'})[0]," \
          " f.ask('PUT', '/v1/products/y', {'files': []})[0])" % (HERE, firnd.socket)
    os.chmod(top, 0o755)
    for user, group, wanted in (("games", "games", "operate.*404 403"), ("nobody", "games", "view.*403 403"),
                                ("nobody", "nogroup", "Permission denied")):
        ran = subprocess.run(["setpriv", "--reuid", user, "--regid", group, "--clear-groups", sys.executable, "-c", ask],
                             capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"]})
        tap.ok(re.search(wanted, (ran.stdout + ran.stderr).replace("\n", " ")), f"{user} of {group}: {wanted}",
               ran.stdout + ran.stderr[-300:])


def refuses_to_start(tap, top):
    """Doors that would be open."""
    for name, config, reason in (
            ("everywhere", 'listen: {http: "0.0.0.0:1", socket: s}', "TLS|reverse_proxy"),
            ("everywhere of IPv6", 'listen: {http: "[::]:1", socket: s}', "TLS|reverse_proxy"),
            ("everywhere behind a proxy, without a token", 'listen: {http: "0.0.0.0:1", socket: s, reverse_proxy: "https://f.example.org"}',
             "firn token add"),
            ("a misspelt key", "listn: {}", "unknown key 'listn'"),
            ("a misspelt key of a section", 'listen: {htp: "127.0.0.1:1"}', "unknown key 'htp'"),
            ("a role that is none", "listen: {users: {nobody: admin}}", "role"),
            ("a certificate without its key", "listen: {tls: {certificate: x}}", "key")):
        d = os.path.join(top, "refuse")
        firnd = Firnd(d, config=config + ("" if "listen" in config else f"\nlisten: {{socket: {d}/s}}"))
        try:
            firnd.start()
            firnd.stop()
            tap.ok(False, f"{name}: it starts")
        except RuntimeError as error:
            tap.ok(re.search("ended with 2", str(error)) and re.search(reason, str(error)),
                   f"{name}: it does not start, and says why", error)


def pressure(tap, target, view, seconds):
    """wrk, with right and wrong requests at the same time."""
    commands = [["wrk", "-t1", "-c50", f"-d{seconds}s", "-H", f"Authorization: Bearer {view}",
                 f"http://127.0.0.1:{target.port}/v1/jobs"],
                ["wrk", "-t1", "-c50", f"-d{seconds}s", f"http://127.0.0.1:{target.port}/"],
                ["wrk", "-t1", "-c50", f"-d{seconds}s", "-H", "Host: evil.example",
                 f"http://127.0.0.1:{target.port}/v1/status"]]
    running = [subprocess.Popen(c, stdout=subprocess.PIPE, text=True) for c in commands]
    outputs = [p.communicate()[0] for p in running]
    for command, output in zip(commands, outputs):
        rate = re.search(r"Requests/sec:\s+([0-9.]+)", output)
        tap.ok(rate and float(rate[1]) > 100, f"wrk, {seconds} s: {rate and rate[1]} requests a second of {command[-1]}", output)
    tap.is_(target.ask("GET", "/v1/healthz")[0], 200, "it stands")
    tap.is_(target.firnd.process.poll(), None, "and is the same process")


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    tap, top = Tap(), os.environ["T"]
    port = 20000 + os.getpid() % 20000
    firnd = Firnd(top, config=f"disk: {{floor: 1M}}\nlisten: {{socket: {top}/bench.sock, group: games, "
                              f"http: '127.0.0.1:{port}', hosts: [firn.example.org], timeout: 3s, users: {{games: operate, '*': view}}}}")
    firnd.start()
    target = Target(firnd, port)
    view, operate, engineer = (token(firnd, role, role) for role in ("view", "operate", "engineer"))
    unix_socket(tap, firnd, top)
    rebinding(tap, target, view)
    cross_site(tap, target, engineer)
    headers_of_answers(tap, target, view)
    tokens(tap, target, view, operate, engineer)
    traversal(tap, target, view)
    sizes(tap, target, engineer)
    bundles(tap, target, engineer)
    stored_html(tap, target, engineer)
    slow(tap, target, engineer)
    pressure(tap, target, view, seconds)
    brute_force(tap, target)
    refuses_to_start(tap, top)
    tap.is_(firnd.stop(), 0, "after all that it stops when it is told to")
    tap.ok("terminated" not in firnd.tail() and "ERROR" not in firnd.tail(), "with nothing odd in its log", firnd.tail())
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
