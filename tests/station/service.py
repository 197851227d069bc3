#!/usr/bin/env python3
"""firnd as it is used: products, builds of MicroPython, flashes of simulated boards, stops and restarts.

Run on a simulated bus with boards on 1-1 and 1-2 (service.sh). firn and firnd are the real ones.
"""
import base64
import csv
import io
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from firnd import Firnd, Tap  # noqa: E402

TOP = os.path.join(HERE, "..", "..")
MANIFESTS = os.path.join(TOP, "manifests")
FIRN = os.environ["FIRN"]


def smallest(name, more=""):
    with open(os.path.join(TOP, "tests", "web", "smallest.yaml")) as f:
        return f.read().replace("NAME", name) + more


def firn(firnd, *arguments):
    return subprocess.run([FIRN, *arguments, "--socket", firnd.socket], capture_output=True, text=True, timeout=120)


def succeeds(tap, firnd, name, *arguments):
    ran = firn(firnd, *arguments)
    tap.ok(ran.returncode == 0, name, ran.stdout + ran.stderr)


def slow_firn(top):
    """The real one; a build of slow-* waits until the file `go` is there, a product of which may name more."""
    path = os.path.join(top, "slow-firn")
    with open(path, "w") as f:
        f.write(f'''#!/bin/sh
case "$1 $PWD" in "build "*/slow-*)
    trap 'exit 130' TERM
    while [ ! -e "{top}/go" ]; do sleep 0.02; done ;;
esac
exec "{FIRN}" "$@"
''')
    os.chmod(path, 0o755)
    return path


# ---- products ------------------------------------------------------------------------------------
def products_of_the_directory(tap, d, manifests):
    shutil.copy(os.path.join(MANIFESTS, "greeter.yaml"), manifests)
    shutil.copytree(os.path.join(MANIFESTS, "greeter"), os.path.join(manifests, "greeter"))
    os.makedirs(os.path.join(manifests, "own"))
    with open(os.path.join(manifests, "own", "manifest.yaml"), "w") as f:
        f.write(smallest("own").replace("NETDUINO2", "NETDUINO3"))
    d.until("/v1/products", lambda p: len(p["items"]) == 2 and
            not any(i["state"] == "checking" for i in p["items"]))
    flat = d.get("/v1/products/greeter")
    tap.is_((flat["state"], flat["version"], flat["board"], flat["source"]),
            ("valid", "1.4.0", "NETDUINO2", "directory"), "a manifest that is put into the directory is found")
    tap.ok("greeter/lib/snow/flake.py" in [f["path"] for f in flat["files"]], "with the files that it names", flat["files"])
    own = d.get("/v1/products/own")
    tap.is_((own["state"], own["error_count"]), ("invalid", 1), "one with an error is invalid")
    error = own["errors"][0]
    tap.is_((error["file"], error["line"], error["column"], error["hint"]),
            ("manifest.yaml", 6, 27, "did you mean 'NETDUINO2'?"), "its error has its place and its hint")
    status, _, problem = d.ask("POST", "/v1/jobs", {"kind": "build", "product": "own"})
    tap.is_((status, problem["detail"]), (409, "own is invalid"), "it cannot be built")
    with open(os.path.join(manifests, "own", "manifest.yaml"), "w") as f:
        f.write(smallest("own"))
    d.until("/v1/products/own", lambda p: p["state"] == "valid")
    tap.is_(d.get("/v1/jobs")["items"], [], "mended by saving it; nothing was built by itself")
    with open(os.path.join(manifests, "own", "manifest.yaml"), "a") as f:
        f.write("firnd: {auto_build: true, memory: 100M}\n")
    built = d.until("/v1/products/own", lambda p: p["job"] and p["job"]["state"] == "done")
    tap.is_((built["auto_build"], built["job"]["submitted_by"], built["job"]["need"]["memory"]),
            (True, "auto_build", 100 << 20), "with auto_build it builds by itself, with what it says to need")
    os.unlink(os.path.join(manifests, "own", "manifest.yaml"))
    d.until("/v1/products", lambda p: len(p["items"]) == 1)
    tap.ok(True, "removed, it is gone")
    status, _, problem = d.put("greeter", {"manifest.yaml": smallest("greeter")})
    tap.is_(status, 409, "a product of the directory is not changed by the API")
    status, _, problem = d.ask("DELETE", "/v1/products/greeter")
    tap.is_(status, 409, "nor removed")


def submitted(tap, d, manifests):
    status, headers, answer = d.put("sub", {"manifest.yaml": smallest("sub")})
    tap.is_((status, headers["Location"], answer["state"]), (202, "/v1/products/sub", "checking"), "a product is submitted")
    first = d.checked("sub")
    tap.is_((first["state"], first["source"]), ("valid", "submitted"), "and checked")
    tag = d.ask("GET", "/v1/products/sub")[1]["ETag"]
    tap.is_(d.ask("GET", "/v1/products/sub", headers={"If-None-Match": tag})[0], 304, "its ETag saves getting it again")
    files = {"files": [{"path": "manifest.yaml", "text": smallest("sub", "# 2\n")}]}
    tap.is_(d.ask("PUT", "/v1/products/sub", files, {"If-Match": tag})[0], 202, "it is changed by whoever knows it")
    d.checked("sub")
    status, _, problem = d.ask("PUT", "/v1/products/sub", files, {"If-Match": tag})
    tap.is_((status, problem["type"]), (412, "urn:firn:problem:changed-meanwhile"), "and not by who knows an older one")
    body = d.ask("GET", "/v1/products/sub/files/manifest.yaml")[2]
    tap.is_(body.decode(), smallest("sub", "# 2\n"), "its file can be had")
    tap.is_(d.ask("GET", "/v1/products/sub/files/other")[0], 404, "another cannot")
    # The directory is another one than before it was changed by the API.
    with open(os.path.join(manifests, "sub", "manifest.yaml"), "a") as f:
        f.write("# by hand\n")
    d.until("/v1/products/sub", lambda p: p["files"][0]["size"] == len(smallest("sub", "# 2\n# by hand\n")), 10)
    tap.ok(True, "a change by hand is noticed, too")
    tap.is_(d.ask("DELETE", "/v1/products/sub")[0], 204, "it is removed")
    tap.is_(os.path.exists(os.path.join(manifests, "sub")), False, "with its directory")


# ---- the command line ----------------------------------------------------------------------------
def command_line(tap, d, top):
    copy = os.path.join(top, "copy")
    shutil.copytree(MANIFESTS, copy)
    ran = firn(d, "submit", os.path.join(copy, "greeter.yaml"), "--name", "cli", "--build", "--wait",
               "--download", os.path.join(top, "down"))
    tap.ok(ran.returncode == 0, "firn submit --build --wait", ran.stdout + ran.stderr)
    tap.ok(os.path.exists(os.path.join(top, "down", "greeter-1.4.0.dfu")), "the image is downloaded", ran.stdout)
    local = subprocess.run([FIRN, "image", os.path.join(top, "down", "greeter-1.4.0.dfu")], capture_output=True, text=True)
    image = d.get("/v1/products/cli")["image"]
    tap.ok(image["digest"] in local.stdout.replace("\n", ""), "and is the one that the daemon has", local.stdout)
    ran = firn(d, "jobs")
    tap.ok(re.search(r"build +cli +done", ran.stdout), "firn jobs", ran.stdout + ran.stderr)
    number = d.get("/v1/jobs?product=cli")["items"][0]["id"]
    tap.ok("greeter 1.4.0 for NETDUINO2" in firn(d, "logs", str(number)).stdout, "firn logs")
    with open(os.path.join(copy, "greeter", "greet.py"), "a") as f:
        f.write("def broken(:\n")
    ran = firn(d, "submit", os.path.join(copy, "greeter.yaml"), "--name", "cli", "--build", "--wait")
    tap.is_(ran.returncode, 2, "a build that fails has its exit status")
    tap.ok("greet.py:" in ran.stdout + ran.stderr and "SyntaxError" in ran.stdout + ran.stderr, "and its reason, at its line",
           ran.stdout + ran.stderr)
    failed = d.get("/v1/jobs?product=cli&state=failed")["items"][0]
    tap.ok("SyntaxError" in failed["reason"], "which the job has, too", failed)
    tap.is_(firn(d, "retry", str(number)).returncode, 2, "what went well is not retried")
    succeeds(tap, d, "what failed is", "retry", str(failed["id"]))
    again = d.get("/v1/jobs?limit=1")["items"][0]
    tap.is_(again["retry_of"], failed["id"], "as a job that says of which")
    d.ended(again["id"])
    ran = firn(d, "records", "verify")
    tap.ok(ran.returncode == 0, "firn records verify", ran.stdout + ran.stderr)


# ---- the queue -----------------------------------------------------------------------------------
def queue(tap, d, top):
    for name in ("slow-1", "slow-2", "quick"):
        d.put(name, {"manifest.yaml": smallest(name)})
        d.checked(name)
    post = lambda **body: d.ask("POST", "/v1/jobs", body)
    slow = post(kind="build", product="slow-1")[2]["id"]
    d.until(f"/v1/jobs/{slow}", lambda j: j["state"] == "running")
    status, _, same = post(kind="build", product="slow-1")
    tap.is_((status, same["id"], same["deduplicated"]), (202, slow, True), "the same build, asked for twice, is one job")
    d.put("slow-1", {"manifest.yaml": smallest("slow-1", "# changed\n")})
    d.checked("slow-1")
    other = post(kind="build", product="slow-1")[2]
    tap.ok(other["id"] != slow, "one of changed files is another")
    low, high = post(kind="build", product="slow-2", priority=-1)[2]["id"], post(kind="build", product="quick", priority=5)[2]["id"]
    waits = d.get(f"/v1/jobs/{low}")
    tap.is_((waits["state"], waits["reason"]), ("queued", "1 of 1 builds run"), "a build waits for its turn, and says why")
    flash = post(kind="flash", job=low, path="1-1")[2]
    tap.is_(d.get(f"/v1/jobs/{flash['id']}")["reason"], f"waits for build {low}", "a flash waits for its build")
    key = {"Idempotency-Key": "k1"}
    body = {"kind": "flash", "job": low, "path": "1-2"}
    first, second = (d.ask("POST", "/v1/jobs", body, key)[2]["id"] for _ in range(2))
    tap.is_(first, second, "the same Idempotency-Key is the same job")
    tap.is_(d.ask("POST", "/v1/jobs", {**body, "path": "1-1"}, key)[0], 422, "and with another request it is refused")
    status, headers, problem = post(kind="build", product="slow-2", priority=11)
    tap.is_((status, problem["action"]), (400, "send a whole number within these limits"), "a wrong priority is refused")
    # Cancelling: a queued one and what waits for it, then the running one.
    succeeds(tap, d, "firn cancel of one that is queued", "cancel", str(low))
    tap.is_(d.get(f"/v1/jobs/{low}")["state"], "cancelled", "ends it at once")
    waited = d.get(f"/v1/jobs/{flash['id']}")
    tap.is_((waited["state"], waited["reason"]), ("failed", f"build {low}, whose image it was to flash, was cancelled"),
            "a flash is never done if its build was not")
    succeeds(tap, d, "firn cancel of one that runs", "cancel", str(slow))
    tap.is_(d.ended(slow)["state"], "cancelled", "ends it")
    tap.is_(d.ask("POST", f"/v1/jobs/{slow}/cancel", {})[0], 409, "and it cannot be cancelled again")
    d.ended(high)
    tap.is_(d.get(f"/v1/jobs/{other['id']}")["state"], "running", "the one with the higher priority came first")
    d.ask("POST", f"/v1/jobs/{other['id']}/cancel", {})
    d.ended(other["id"])


def flashes(tap, d):
    image = d.get("/v1/products/quick")["image"]["digest"]
    devices = d.until("/v1/devices", lambda v: len(v["items"]) == 2)
    tap.is_([i["path"] for i in devices["items"]], ["1-1", "1-2"], "the boards are seen")
    jobs = [d.ask("POST", "/v1/jobs", {"kind": "flash", "image": image, "path": path})[2]["id"]
            for path in ("1-1", "1-1", "1-2")]
    ended = [d.ended(i) for i in jobs]
    tap.is_([j["state"] for j in ended], ["done"] * 3, "boards are flashed")
    tap.ok(ended[1]["started_at"] >= ended[0]["ended_at"], "two on one port one after the other", ended)
    tap.ok(ended[2]["started_at"] < ended[0]["ended_at"], "those on two ports at the same time", ended)
    nothing = d.ended(d.ask("POST", "/v1/jobs", {"kind": "flash", "image": image, "path": "1-7"})[2]["id"])
    tap.ok(nothing["state"] == "failed" and nothing["exit"] == 4 and nothing["hint"], "no board there: it fails and says what to do", nothing)
    status, _, problem = d.ask("POST", "/v1/jobs", {"kind": "flash", "image": "0" * 64, "path": "1-1"})
    tap.is_(status, 404, "an image that is not there is not flashed")
    return image


# ---- stops, kills --------------------------------------------------------------------------------
def running_flash(d, image, path="1-1"):
    job = d.ask("POST", "/v1/jobs", {"kind": "flash", "image": image, "path": path})[2]["id"]
    d.until(f"/v1/jobs/{job}", lambda j: j["phase"] and j["phase"]["id"] == "write" and j["phase"]["done"] > 0)
    return job


def stops(tap, d, top, image, other):
    slow = d.ask("POST", "/v1/jobs", {"kind": "build", "product": "slow-2"})[2]["id"]
    d.until(f"/v1/jobs/{slow}", lambda j: j["state"] == "running")
    flash = running_flash(d, other)  # the board holds `image`
    d.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    try:
        status = d.ask("POST", "/v1/jobs", {"kind": "build", "product": "quick"})[0]
    except OSError:
        status = 503  # nobody listens any more
    tap.is_(status, 503, "SIGTERM: no new job is taken")
    tap.is_(d.process.wait(60), 0, "it ends with 0")
    d.start()
    ended = d.get(f"/v1/jobs/{flash}")
    tap.is_((ended["state"], ended["result"]["boards"][0]["verified"]), ("done", True), "the flash that ran was finished before")
    build = d.until(f"/v1/jobs/{slow}", lambda j: j["state"] == "running")
    tap.is_(build["attempt"], 1, "the build that ran was queued again, and runs anew")

    flash = running_flash(d, image)
    d.kill()
    d.start()
    tap.is_(d.get(f"/v1/jobs/{flash}")["state"], "running", "SIGKILL: a flash goes on without the daemon")
    ended = d.ended(flash)
    tap.is_((ended["state"], ended["attempt"]), ("done", 1), "and the next one takes it over")
    tap.is_(d.get(f"/v1/jobs/{slow}")["state"], "running", "a build, too")

    flash = running_flash(d, other)
    pids = [open(os.path.join(d.home, "station", "jobs", str(j), "pid")).read().split()[0] for j in (slow, flash)]
    d.kill()
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    d.start()
    build, flashed = d.get(f"/v1/jobs/{slow}"), d.get(f"/v1/jobs/{flash}")
    tap.is_((build["state"], flashed["state"]), ("interrupted", "interrupted"), "both killed: interrupted, and not started again")
    tap.ok("is not known" in flashed["reason"] and "again" in flashed["hint"], "the flash says that the board is in doubt", flashed)
    tap.is_(os.listdir(os.path.join(d.home, "station", "work")), [], "nothing is left where it worked")
    open(os.path.join(top, "go"), "w").close()
    retried = [d.ask("POST", f"/v1/jobs/{j}/retry", {})[2]["id"] for j in (slow, flash)]
    tap.is_([d.ended(j)["state"] for j in retried], ["done", "done"], "retried, both are done")


# ---- what is kept --------------------------------------------------------------------------------
def records(tap, d):
    lines = [json.loads(l) for l in d.ask("GET", "/v1/records.jsonl")[2].decode().splitlines()]
    tap.is_([r["seq"] for r in lines], list(range(1, len(lines) + 1)), "all records as JSON Lines")
    rows = list(csv.DictReader(io.StringIO(d.ask("GET", "/v1/records.csv")[2].decode())))
    tap.is_([r["hash"] for r in rows], [r["hash"] for r in lines], "and as CSV")
    build = next(r["body"] for r in lines if r["kind"] == "build" and r["body"]["state"] == "done")
    tap.ok(all(build.get(k) for k in ("image", "bytes", "phases", "source", "toolchain", "log", "bundle", "submitted_by")),
           "a build's has image, sizes, phases, inputs, log, who", build)
    flash = next(r["body"] for r in lines if r["kind"] == "flash" and r["body"]["state"] == "done")
    tap.ok(flash["path"].startswith("1-") and flash["serial"] and flash["verified"], "a flash's has port, serial, that it was verified", flash)
    tap.ok(any(r["kind"] == "device" for r in lines), "boards that came have theirs")
    found = d.get("/v1/records?q=NETDUINO2&kind=build&limit=2")
    tap.ok(len(found["items"]) == 2 and found["next"], "they can be searched, page by page")


def images(tap, d):
    image = d.get("/v1/products/cli")["image"]["digest"]
    full = d.get(f"/v1/images/{image}")
    tap.ok(full["size"]["modules"] and full["history"] and full["here"], "an image has its sizes and its history")
    name = next(f["name"] for f in full["files"] if f["name"].endswith(".dfu"))
    status, headers, body = d.ask("GET", f"/v1/images/{image}/files/{name}")
    tap.is_((status, len(body)), (200, next(f["bytes"] for f in full["files"] if f["name"] == name)), "its file is downloaded")
    tap.ok(name in headers["Content-Disposition"], "under its name", headers["Content-Disposition"])
    part = d.ask("GET", f"/v1/images/{image}/files/{name}", headers={"Range": "bytes=100-199"})
    tap.is_((part[0], part[2]), (206, body[100:200]), "a part of it, too")
    status, _, released = d.ask("POST", f"/v1/images/{image}/release", {"released": True})
    tap.is_((status, released["released"]), (200, True), "it is released")
    return image


def figures(tap, d, top):
    times = []
    for _ in range(5):
        d.stop()
        began = time.monotonic()
        d.start()
        times.append((time.monotonic() - began) * 1000)
    median = statistics.median(times)
    tap.ok(median < 100, f"it answers {median:.0f} ms after it was started (median of 5, limit 100)")
    time.sleep(1)

    def ticks():
        with open(f"/proc/{d.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(5)
    used = ticks() - before
    tap.ok(used <= 1, f"idle, it uses {used} ticks of 10 ms in 5 s")
    with open(f"/proc/{d.process.pid}/status") as f:
        rss = int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
    limit = 64 if "/san/" in os.environ["FIRND"] else 15  # a sanitizer needs its own
    tap.ok(rss < limit * 1024, f"and {rss / 1024:.1f} MiB of memory (limit {limit})")


def main():
    tap, top = Tap(), os.environ["T"]
    home, manifests = os.environ["FIRN_HOME"], os.path.join(top, "manifests")
    os.makedirs(manifests)
    config = f"manifests: {manifests}\nbuilds: {{jobs: 1, memory: 1M}}\ndisk: {{floor: 1M}}"
    d = Firnd(top, home=home, firn=slow_firn(top), config=config).start()
    products_of_the_directory(tap, d, manifests)
    submitted(tap, d, manifests)
    command_line(tap, d, top)
    queue(tap, d, top)
    image = flashes(tap, d)
    stops(tap, d, top, image, d.get("/v1/products/cli")["image"]["digest"])
    records(tap, d)
    images(tap, d)
    figures(tap, d, top)
    tap.is_(d.stop(), 0, "it stops when it is told to")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
