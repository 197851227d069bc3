#!/usr/bin/env python3
"""The disk is full (ENOSPC) or broken (EIO) under firnd: what it refuses, what it keeps, how it comes back.

    disk.py [ROUNDS]     (a preload library fails every write below the home while a file says so)
"""
import collections
import errno
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from firnd import Firnd, Tap  # noqa: E402


class Disk:
    def __init__(self, path):
        self.path = path

    def fail(self, number):
        with open(self.path + ".new", "w") as f:
            f.write(str(number))
        os.rename(self.path + ".new", self.path)

    def mend(self):
        os.unlink(self.path)


def healthy(firnd, wanted, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if firnd.ask("GET", "/v1/healthz")[0] == wanted:
            return True
        time.sleep(0.02)
    return False


def intact(firnd, home):
    database = sqlite3.connect(f"file:{home}/firn.db?mode=ro", uri=True)
    answer = database.execute("PRAGMA integrity_check").fetchone()[0]
    database.close()
    verified = subprocess.run([os.environ["FIRN"], "records", "verify", "--socket", firnd.socket],
                              capture_output=True, text=True)
    return answer if verified.returncode == 0 else verified.stderr


def manifest(name, number):
    with open(os.path.join(HERE, "..", "web", "smallest.yaml")) as f:
        return f.read().replace("NAME", name) + f"# {number}\n"


def one_fault(tap, firnd, disk, number):
    """Everything that can be asked for while nothing can be written."""
    name = errno.errorcode[number]
    key, body = uuid.uuid4().hex, {"kind": "build", "product": "disk"}
    firnd.put("disk", {"manifest.yaml": manifest("disk", f"before {name}")})
    firnd.checked("disk")
    slow = firnd.ask("POST", "/v1/jobs", {"kind": "build", "product": "slow"})[2]
    firnd.until(f"/v1/jobs/{slow['id']}", lambda job: job["state"] == "running")
    before = len(firnd.every("/v1/jobs"))

    disk.fail(number)
    status, headers, answer = firnd.ask("POST", "/v1/jobs", body, {"Idempotency-Key": key})
    tap.is_((status, headers["Content-Type"]), (503, "application/problem+json"), f"{name}: a job is refused")
    reason = {errno.ENOSPC: "No space left on device", errno.EIO: "Input/output error"}[number]
    tap.ok(reason in answer["detail"], f"{name}: with the reason", answer)
    tap.ok(answer["action"] and headers["Retry-After"], f"{name}: and the next step", answer)
    tap.ok(healthy(firnd, 503), f"{name}: healthz says so")
    status, _, answer = firnd.put("disk", {"manifest.yaml": manifest("disk", f"during {name}")})
    tap.ok(status == 503, f"{name}: a product is refused", answer)
    tap.is_(len(firnd.every("/v1/jobs")), before, f"{name}: what there is can be read")
    tap.ok(reason in firnd.get("/v1/status")["refusing"], f"{name}: the status says why")
    open(os.path.join(os.environ["T"], "go"), "w").close()  # the slow build ends now
    time.sleep(0.5)

    disk.mend()
    tap.ok(healthy(firnd, 200), f"{name}: when it can be written again, it goes on by itself", firnd.tail())
    tap.is_(firnd.ended(slow["id"])["state"], "done", f"{name}: what ended meanwhile has ended")
    os.unlink(os.path.join(os.environ["T"], "go"))
    status, _, answer = firnd.ask("POST", "/v1/jobs", body, {"Idempotency-Key": key})
    tap.is_(status, 202, f"{name}: the refused request is taken now")
    tap.is_(firnd.ended(answer["id"])["state"], "done", f"{name}: and done")
    tap.is_(firnd.checked("disk")["state"], "valid", f"{name}: the product is as it was")
    tap.is_(intact(firnd, firnd.home), "ok", f"{name}: the store is intact, the chain of records whole")


def under_load(tap, firnd, disk, rounds):
    """The disk fails and comes back while clients submit: what was acknowledged is there."""
    accepted, refused, stop = {}, collections.Counter(), threading.Event()

    def client():
        number = 0
        while not stop.is_set():
            number += 1
            key = uuid.uuid4().hex
            status, _, answer = firnd.ask("POST", "/v1/jobs", {
                "kind": "build", "product": "disk", "priority": number % 5}, {"Idempotency-Key": key})
            if status == 202:
                accepted[key] = answer["id"]
            else:
                refused[status] += 1
            time.sleep(0.002)

    threads = [threading.Thread(target=client) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(rounds):
        time.sleep(random.random() * 0.2)
        disk.fail(random.choice((errno.ENOSPC, errno.EIO)))
        time.sleep(random.random() * 0.2)
        disk.mend()
        healthy(firnd, 200)
    stop.set()
    for thread in threads:
        thread.join()
    tap.say(f"{rounds} faults: {len(accepted)} requests accepted, refused: {dict(refused)}")
    firnd.until("/v1/jobs?state=queued&limit=1", lambda page: not page["items"])
    firnd.until("/v1/jobs?state=running&limit=1", lambda page: not page["items"])
    jobs = {job["id"]: job["state"] for job in firnd.every("/v1/jobs")}
    tap.is_([i for i in accepted.values() if i not in jobs], [], "no accepted job is lost")
    tap.is_(collections.Counter(jobs.values()).keys() - {"done"}, set(), "all of them are done")
    tap.is_(set(refused) - {503}, set(), "nothing but 503 was said")
    tap.is_(intact(firnd, firnd.home), "ok", "the store is intact, the chain of records whole")


def stub_firn(top):
    """The real one, but a build of `slow` ends only when the test lets it."""
    path = os.path.join(top, "firn")
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\ncase "$1 $PWD" in "build "*/slow) while [ ! -e "{top}/go" ]; do sleep 0.02; done ;; esac\n'
                f'exec "{os.environ["FIRN"]}" "$@"\n')
    os.chmod(path, 0o755)
    return path


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    tap, top = Tap(), os.environ["T"]
    home = os.path.realpath(os.environ["FIRN_HOME"])
    disk = Disk(os.path.join(top, "fault"))
    firnd = Firnd(top, home=home, firn=stub_firn(top), config="disk: {floor: 1M}").start(env={
        "LD_PRELOAD": os.environ["IO_FAULT"], "FIRN_FAULT_DIRS": home, "FIRN_FAULT_WHILE": disk.path})
    for name in ("disk", "slow"):
        firnd.put(name, {"manifest.yaml": manifest(name, 0)}, build=name == "disk")
        tap.is_(firnd.checked(name)["state"], "valid", f"{name} is there")
    firnd.until("/v1/products/disk", lambda p: p["job"] and p["job"]["state"] == "done")
    for number in (errno.ENOSPC, errno.EIO):
        one_fault(tap, firnd, disk, number)
    under_load(tap, firnd, disk, rounds)
    tap.is_(firnd.stop(), 0, "it stops when it is told to")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
