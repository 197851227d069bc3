"""For tests of the daemon: start it, ask it, kill it. Python's standard library only.

    d = Firnd(dir, products={"greeter": {"manifest.yaml": "..."}})
    d.start()
    status, headers, body = d.ask("POST", "/v1/jobs", {"kind": "build", "product": "greeter"})
    d.kill()
"""
import atexit
import http.client
import json
import os
import signal
import socket
import subprocess
import time


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Firnd:
    """One daemon with a home of its own below `top`."""

    def __init__(self, top, name="bench", home=None, firn=None, config="", store="sqlite"):
        self.top, self.name = top, name
        self.home = home or os.path.join(top, "home")
        self.socket = os.path.join(top, name + ".sock")
        self.config = os.path.join(top, name + ".yaml")
        self.log = os.path.join(top, name + ".log")
        self.process = None
        os.makedirs(self.home, exist_ok=True)
        with open(self.config, "w") as f:
            f.write(f"name: {name}\nhome: {self.home}\nstore: {store}\n"
                    f"firn: {firn or os.environ['FIRN']}\n{config}\n")
            if "listen:" not in config:
                f.write(f"listen: {{socket: {self.socket}}}\n")

    def start(self, wait=True, env=None, prefix=()):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [*prefix, os.environ["FIRND"], "--config", self.config], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, **(env or {})}, start_new_session=True)
        atexit.register(self.clean_up, self.process)
        if wait:
            self.wait()
        return self

    def wait(self, seconds=10):
        """Until it answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"firnd ended with {self.process.returncode}: {self.tail()}")
            try:
                return self.ask("GET", "/v1/healthz")
            except OSError:
                time.sleep(0.003)
        raise RuntimeError("firnd does not answer: " + self.tail())

    def tail(self):
        with open(self.log) as log:
            return log.read()[-2000:]

    @staticmethod
    def clean_up(process):
        """A test that failed leaves none behind."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()

    def kill(self):
        """SIGKILL of the daemon alone; its children go on."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=60):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def ask(self, method, path, body=None, headers=None, timeout=30):
        """The status, the headers, and the body: parsed if it is JSON."""
        connection = UnixConnection(self.socket, timeout)
        try:
            sent = dict(headers or {})
            if body is not None:
                sent["Content-Type"] = "application/json"
                body = json.dumps(body)
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            data = response.read()
            kind = response.getheader("Content-Type") or ""
            if kind.startswith("application/") and kind.split(";")[0].endswith("json") and data:
                data = json.loads(data)
            return response.status, response.headers, data
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def get(self, path, **rest):
        status, _, body = self.ask("GET", path, **rest)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {body}")
        return body

    def every(self, path):
        """All items of a list, page by page."""
        items, cursor = [], None
        join = "&" if "?" in path else "?"
        while True:
            page = self.get(path + join + "limit=500" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items

    def put(self, name, files, build=False):
        body = {"files": [{"path": p, "text": t} for p, t in files.items()], "build": build}
        return self.ask("PUT", "/v1/products/" + name, body)

    def until(self, path, done, seconds=60):
        """Ask until done(body), which is returned."""
        end = time.monotonic() + seconds
        while True:
            body = self.get(path)
            if done(body):
                return body
            if time.monotonic() > end:
                raise RuntimeError(f"GET {path} is still {json.dumps(body)[:2000]}\n{self.tail()}")
            time.sleep(0.02)

    def checked(self, name, seconds=60):
        return self.until(f"/v1/products/{name}", lambda p: p["state"] != "checking", seconds)

    def ended(self, job, seconds=120):
        return self.until(f"/v1/jobs/{job}", lambda j: j["state"] not in ("queued", "running"),
                          seconds)


class Tap:
    """ok() and is_() print TAP; end() gives the exit status."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, condition, name, detail=""):
        self.count += 1
        print(f"{'ok' if condition else 'not ok'} {self.count} - {name}", flush=True)
        if not condition:
            self.failed += 1
            for line in str(detail).splitlines():
                print("#   " + line, flush=True)
        return condition

    def is_(self, got, want, name):
        return self.ok(got == want, name, f"got:      {got!r}\nexpected: {want!r}")

    def say(self, text):
        print("# " + text, flush=True)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0
