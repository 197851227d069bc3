#!/usr/bin/env python3
"""Two daemons on one PostgreSQL: JOBS builds, one daemon killed in the middle, all done once.

    two_daemons.py [JOBS]      (500; FIRN_TEST_POSTGRESQL says where the server is)

firn is the real one, with a ledger of what was begun and ended (recorded-firn). The builds are of bundles that
differ in a comment, so that each is a job of its own and takes milliseconds.
"""
import collections
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from firnd import Firnd, Tap  # noqa: E402

PRODUCTS = 20
HERE = os.path.dirname(os.path.abspath(__file__))


def daemon(top, name):
    # Each has its own caches' index and images; what was compiled is shared.
    home = os.path.join(top, "home-" + name)
    os.makedirs(home)
    for entry in os.listdir(os.environ["FIRN_HOME"]):
        if entry not in ("firn.db", "station", "images"):
            os.symlink(os.path.realpath(os.path.join(os.environ["FIRN_HOME"], entry)),
                       os.path.join(home, entry))
    return Firnd(top, name=name, home=home, firn=os.path.join(HERE, "recorded-firn"),
                 store=os.environ["FIRN_TEST_POSTGRESQL"],
                 config="lease: 5s\nbuilds: {jobs: 2, memory: 1M}\ndisk: {floor: 1M}")


def submit(firnd, manifest, number):
    name = f"p{number % PRODUCTS}"
    status, _, answer = firnd.put(name, {"manifest.yaml": manifest.replace("NAME", name) +
                                         f"# {number}\n"})
    if status != 202:
        raise RuntimeError(f"PUT {name}: {status} {answer}")
    firnd.checked(name)
    status, _, job = firnd.ask("POST", "/v1/jobs", {"kind": "build", "product": name})
    if status != 202:
        raise RuntimeError(f"POST of {name}: {status} {job}")
    return job["id"]


def done_of(metrics):
    return int(re.search(rb'firnd_jobs{kind="build",state="done"} (\d+)', metrics).group(1))


def runs_of(ledger):
    ends = collections.Counter()
    with open(ledger) as f:
        for line in f:
            word, job, *rest = line.split()
            if word == "end" and rest == ["0"]:
                ends[int(job)] += 1
    return ends


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    tap, top = Tap(), os.environ["T"]
    ledger = os.path.join(top, "ledger")
    open(ledger, "w").close()
    os.environ.update(LEDGER=ledger, REAL_FIRN=os.environ["FIRN"], BUILD_SECONDS="0.2")
    with open(os.path.join(HERE, "..", "web", "smallest.yaml")) as f:
        manifest = f.read()
    a, b = daemon(top, "a").start(), daemon(top, "b").start()
    first = submit(a, manifest, 0)
    tap.is_(a.ended(first)["state"], "done", "the product was built once, so that the rest is quick")
    start = time.monotonic()
    jobs = [first] + [submit((a, b)[n % 2], manifest, n) for n in range(1, count)]
    # In the middle: half of them are over, others run and wait.
    a.until("/metrics", lambda text: done_of(text) >= count // 2)
    running = a.get("/v1/jobs?state=running")["items"]
    a.kill()
    tap.say(f"a is killed after {time.monotonic() - start:.1f} s, while "
            f"{sum(j['station'] == 'a' for j in running)} jobs run there")
    tap.is_(len(set(jobs)), count, f"{count} jobs were accepted")
    b.until("/v1/jobs?limit=1", lambda _: not any(
        b.get(f"/v1/jobs?state={state}&limit=1")["items"] for state in ("queued", "running")), 120)
    tap.say(f"all are over after {time.monotonic() - start:.1f} s")

    listed = {job["id"]: job for job in b.every("/v1/jobs")}
    states = collections.Counter(job["state"] for job in listed.values())
    stations = collections.Counter(job["station"] for job in listed.values())
    tap.say(f"states {dict(states)}, by station {dict(stations)}")
    tap.is_([i for i in jobs if listed[i]["state"] != "done"], [], f"{count} are done")
    tap.ok(stations["a"] and stations["b"], "both had a part in it")
    records = collections.Counter(r["body"]["job"] for r in b.every("/v1/records?kind=build"))
    tap.is_([i for i in jobs if records[i] != 1], [], "each is recorded once")
    twice = [i for i, n in runs_of(ledger).items() if n > 1]
    tap.say(f"{len(twice)} came to their end twice: their daemon was killed between that and writing it down")
    tap.ok(len(twice) <= 2, "at most those that ran when it was killed", twice)
    again = [i for i in jobs if listed[i]["attempt"] > 1]
    tap.say(f"{len(again)} were taken over from the daemon that was killed")
    verified = subprocess.run([os.environ["FIRN"], "records", "verify", "--socket", b.socket],
                              capture_output=True, text=True)
    tap.ok(verified.returncode == 0, "the chain of records is whole", verified.stderr)
    a.start()
    tap.is_(len(a.every("/v1/jobs")), count, "the daemon that comes back sees all of them")
    tap.is_((a.stop(), b.stop()), (0, 0), "both stop when they are told to")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
