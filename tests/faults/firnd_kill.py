#!/usr/bin/env python3
"""firnd is killed (SIGKILL) at random moments while clients submit, builds run and boards are flashed.

    firnd_kill.py ROUNDS [SEED]

Each round: start the daemon, let three clients submit for a moment, kill it. firn is the real one, with a
ledger of what was begun and what came to its end (tests/station/recorded-firn); what it builds was
built before, so that a build takes milliseconds. Afterwards the queue is let run dry, and the books are
compared: what was acknowledged, what the daemon has, what the ledger has, the chain of records.
"""
import collections
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "station"))
from firnd import Firnd, Tap  # noqa: E402

PRODUCTS = 12
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")


class Client(threading.Thread):
    """Submits jobs, each under a key of its own, until it is told to stop. A request without an answer is
    repeated under the same key, as a client is to do it."""

    def __init__(self, firnd, books, seed, image, paths):
        super().__init__(daemon=True)
        self.firnd, self.books, self.random = firnd, books, random.Random(seed)
        self.image, self.paths = image, paths
        self.running = True
        self.pending = None

    def new_request(self):
        if self.paths and self.random.random() < 0.3:
            body = {"kind": "flash", "image": self.image, "path": self.random.choice(self.paths)}
        else:
            body = {"kind": "build", "product": f"p{self.random.randrange(PRODUCTS)}",
                    "priority": self.random.randrange(-3, 4)}
        return uuid.uuid4().hex, body

    def run(self):
        while self.running:
            key, body = self.pending or self.new_request()
            self.pending = key, body
            try:
                status, _, answer = self.firnd.ask("POST", "/v1/jobs", body,
                                                   {"Idempotency-Key": key}, timeout=5)
            except OSError:
                self.books.lost_answers += 1
                time.sleep(0.005)
                continue
            self.pending = None
            self.books.take(key, status, answer)
            time.sleep(self.random.random() * 0.02)


class Books:
    def __init__(self):
        self.lock = threading.Lock()
        self.jobs = {}  # key -> job
        self.refused = collections.Counter()
        self.contradictions = []
        self.lost_answers = 0

    def take(self, key, status, answer):
        with self.lock:
            if status != 202:
                self.refused[f"{status} {answer.get('detail', '')}"] += 1
            elif self.jobs.setdefault(key, answer["id"]) != answer["id"]:
                self.contradictions.append(f"{key}: {self.jobs[key]} and {answer['id']}")


def manifest(number):
    with open(os.path.join(TOP, "manifests", "greeter.yaml")) as f:
        text = f.read()
    return text


def files_of_greeter(number):
    """The greeter, under another name: the same image, another product."""
    root = os.path.join(TOP, "manifests")
    files = {"manifest.yaml": manifest(number).replace("product: greeter",
                                                       f"product: greeter{number}")}
    for top, _, names in os.walk(os.path.join(root, "greeter")):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                data = f.read()
            try:
                files[os.path.relpath(path, root)] = data.decode()
            except UnicodeDecodeError:
                files[os.path.relpath(path, root)] = data
    return files


def put_all(firnd):
    import base64
    for number in range(PRODUCTS):
        entries = []
        for path, data in files_of_greeter(number).items():
            if isinstance(data, bytes):
                entries.append({"path": path, "base64": base64.b64encode(data).decode()})
            else:
                entries.append({"path": path, "text": data})
        status, _, answer = firnd.ask("PUT", f"/v1/products/p{number}",
                                      {"files": entries, "build": True})
        if status != 202:
            raise RuntimeError(f"PUT p{number}: {status} {answer}")
    for number in range(PRODUCTS):
        product = firnd.checked(f"p{number}")
        if product["state"] != "valid":
            raise RuntimeError(f"p{number}: {product['errors']}")


def read_ledger(path):
    begun, ended = collections.Counter(), collections.defaultdict(list)
    with open(path) as f:
        for line in f:
            word, job, *rest = line.split()
            if word == "begin":
                begun[int(job)] += 1
            else:
                ended[int(job)].append(int(rest[0]))
    return begun, ended


def drain(firnd):
    """Until nothing is queued or running; what was cut off is asked for again by hand."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        waiting = firnd.get("/v1/jobs?state=queued&limit=1")["items"] + \
            firnd.get("/v1/jobs?state=running&limit=1")["items"]
        if not waiting:
            return True
        time.sleep(0.1)
    return False


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else int(time.time())
    tap, dice = Tap(), random.Random(seed)
    top = os.environ.get("T") or os.path.join(os.environ["FIRN_TEST_DIR"], f"firnd-kill.{os.getpid()}")
    os.makedirs(top, exist_ok=True)
    ledger = os.path.join(top, "ledger")
    open(ledger, "w").close()
    os.environ["LEDGER"] = ledger
    os.environ["REAL_FIRN"] = os.environ["FIRN"]
    paths = [p for p in os.environ.get("BOARDS", "").split(",") if p]
    firnd = Firnd(top, firn=os.path.join(HERE, "..", "station", "recorded-firn"),
                  home=os.environ["FIRN_HOME"],
                  config="builds: {jobs: 4, memory: 1M}\nqueue: 1000000\ndisk: {floor: 1M}")
    tap.say(f"seed {seed}, {rounds} kills, {PRODUCTS} products, boards {paths or 'none'}")

    firnd.start()
    put_all(firnd)
    drain(firnd)
    images = firnd.every("/v1/images")
    tap.ok(images, "the products were built once", firnd.tail())
    image = images[0]["digest"]
    firnd.kill()

    books, started = Books(), time.monotonic()
    kills = 0
    for number in range(rounds):
        firnd.start()
        clients = [Client(firnd, books, dice.random(), image, paths) for _ in range(3)]
        for client in clients:
            client.start()
        time.sleep(dice.random() ** 2 * 0.5)
        firnd.kill()
        kills += 1
        for client in clients:
            client.running = False
        for client in clients:
            client.join()
            if client.pending:  # the answer is in doubt: asked again, under the same key
                books.pending = getattr(books, "pending", []) + [client.pending]
    tap.say(f"{kills} kills in {time.monotonic() - started:.0f} s")

    firnd.start()
    in_doubt = getattr(books, "pending", [])
    for key, body in in_doubt:
        status, _, answer = firnd.ask("POST", "/v1/jobs", body, {"Idempotency-Key": key})
        books.take(key, status, answer)
    tap.ok(drain(firnd), "nothing stays queued or running",
           json.dumps(firnd.get("/v1/jobs?state=running")["items"]) + firnd.tail())

    jobs = {job["id"]: job for job in firnd.every("/v1/jobs")}
    states = collections.Counter((j["kind"], j["state"]) for j in jobs.values())
    begun, ended = read_ledger(ledger)
    acknowledged = set(books.jobs.values())
    tap.say(f"{len(books.jobs)} requests acknowledged ({len(in_doubt)} of them in doubt first), "
            f"{len(acknowledged)} jobs of {len(jobs)}; {books.lost_answers} answers lost")
    tap.say("states: " + ", ".join(f"{n} {k} {s}" for (k, s), n in sorted(states.items())))
    tap.is_(books.contradictions, [], "a key always means the same job")
    tap.is_(dict(books.refused), {}, "nothing was refused")
    tap.is_(sorted(acknowledged - jobs.keys()), [], "no accepted job is lost")
    tap.is_([i for i, runs in ended.items() if len(runs) > 1], [], "none ran twice to its end")
    tap.is_([i for i, n in begun.items() if n > 1], [], "none was begun twice")
    tap.is_([i for i, j in jobs.items() if j["state"] == "done" and ended.get(i, [0]) != [0]], [],
            "what is done came to its end, and well")
    tap.is_([i for i, j in jobs.items()
             if j["state"] not in ("done", "cancelled", "interrupted")
             and not (j["kind"] == "flash" and ended.get(i))], [],
            "nothing failed but flashes that said so")

    database = sqlite3.connect(os.path.join(os.environ["FIRN_HOME"], "firn.db"))
    tap.is_(database.execute("PRAGMA integrity_check").fetchone()[0], "ok", "the store is intact")
    tap.is_(database.execute("SELECT count(*) FROM jobs WHERE state IN ('running', 'queued')")
            .fetchone()[0], 0, "no lease is stuck")
    database.close()
    verified = subprocess.run([os.environ["REAL_FIRN"], "records", "verify", "--socket",
                               firnd.socket], capture_output=True, text=True)
    tap.ok(verified.returncode == 0, "the chain of records is whole", verified.stderr)
    tap.say(verified.stdout.strip())
    records = collections.Counter(r["kind"] for r in firnd.every("/v1/records"))
    over = sum(n for (kind, state), n in states.items() if kind == "build" and state != "cancelled")
    tap.is_(records["build"], over, "each build that is over has one record")
    tap.is_(firnd.stop(), 0, "and it stops when it is told to")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
