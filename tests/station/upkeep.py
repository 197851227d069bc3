#!/usr/bin/env python3
"""What firnd keeps and what it removes, what it does by the clock, and with which settings it does not start."""
import glob
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
sys.path.insert(0, HERE)
from firnd import Firnd, Tap  # noqa: E402


def smallest(name, version="1.0.0", more=""):
    with open(os.path.join(TOP, "tests", "web", "smallest.yaml")) as f:
        return f.read().replace("NAME", name).replace("1.0.0", version) + more


def build(d, name, **variation):
    d.put(name, {"manifest.yaml": smallest(name, **variation)})
    d.checked(name)
    job = d.ask("POST", "/v1/jobs", {"kind": "build", "product": name})[2]
    ended = d.ended(job["id"])
    if ended["state"] != "done":
        raise RuntimeError(f"build of {name}: {ended}")
    return ended


def floor(tap, top, home):
    d = Firnd(top, name="floor", home=home, config="disk: {floor: 100T}").start()
    status, headers, problem = d.put("p", {"manifest.yaml": smallest("p")})
    tap.is_((status, problem["type"]), (507, "urn:firn:problem:disk-full"), "below the floor a product is refused")
    tap.ok(re.fullmatch(r"no new work is taken: .* are free on .*, the floor is 100.0 TiB", problem["detail"]) and
           problem["action"], "with the reason and the next step", problem)
    tap.is_(d.ask("POST", "/v1/jobs", {"kind": "build", "product": "p"})[0], 507, "and so is a job")
    tap.ok("the floor is" in d.get("/v1/status")["refusing"], "the status says so")
    tap.is_(d.ask("GET", "/v1/healthz")[0], 200, "what there is can be had")
    d.stop()
    d = Firnd(top, name="floor", home=home, config="disk: {floor: 1M}").start()
    tap.is_(d.put("p", {"manifest.yaml": smallest("p")})[0], 202, "with a floor that is kept it is taken")
    d.checked("p")
    tap.is_(d.ask("DELETE", "/v1/products/p")[0], 204, "(and removed)")
    d.stop()


def quotas(tap, top, home):
    """Three images of about 1.8 MB each, of which one may stay beside the released one."""
    d = Firnd(top, name="keep", home=home, config="disk: {floor: 1M, images: 2M, logs: 24K}").start()
    builds = [build(d, "kept", version=f"1.0.{i}") for i in range(3)]
    digests = [b["image"] for b in builds]
    tap.is_(len(set(digests)), 3, "three versions are three images")
    d.ask("POST", f"/v1/images/{digests[0]}/release", {"released": True})
    name = d.get(f"/v1/images/{digests[1]}")["files"][0]["name"]
    d.ask("GET", f"/v1/images/{digests[1]}/files/{name}")  # the oldest that is not released is used last
    d.stop()
    d.start()  # which looks at once, then each minute
    d.until(f"/v1/images/{digests[2]}", lambda i: not i["here"], 20)
    tap.ok(True, "over the quota, the image that was used least recently is removed")
    tap.is_([d.get(f"/v1/images/{i}")["here"] for i in digests], [True, False, False],
            "the released one stays, the others are over the quota")
    status, _, problem = d.ask("GET", f"/v1/images/{digests[2]}/files/" + d.get(f"/v1/images/{digests[2]}")["files"][0]["name"])
    tap.ok(status == 404 and "build the product again" in problem["action"], "whoever asks for it is told how to get it", problem)
    status, _, problem = d.ask("POST", "/v1/jobs", {"kind": "flash", "image": digests[2], "path": "1-1"})
    tap.is_(status, 409, "it is not flashed")
    again = build(d, "kept", version="1.0.2")
    tap.is_(again["image"], digests[2], "built again, the same image comes out")
    tap.is_(sorted(os.listdir(os.path.join(home, "station", "images"))).count(digests[0]), 1, "(the released one is still there)")
    logs = os.path.join(home, "station", "jobs")
    end = time.monotonic() + 20
    while str(builds[0]["id"]) in os.listdir(logs) and time.monotonic() < end:
        time.sleep(0.1)
    tap.ok(str(builds[0]["id"]) not in os.listdir(logs), "logs over their quota are removed, the oldest first", os.listdir(logs))
    status, _, problem = d.ask("GET", f"/v1/jobs/{builds[0]['id']}/log")
    tap.ok(status == 404 and "records" in problem["action"], "whoever asks for one is told what is kept", problem)
    tap.ok(any(r["body"].get("job") == builds[0]["id"] for r in d.every("/v1/records?kind=build")), "its record is")
    d.stop()


def git(directory, *arguments):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments], cwd=directory,
                   check=True, capture_output=True)


def follow(tap, top, home):
    """A branch of a repository that firn's mirror is made of moves."""
    upstream = os.path.join(top, "upstream", "micropython.git")
    os.makedirs(os.path.dirname(upstream))
    git(top, "clone", "-q", "--bare", os.path.realpath(os.path.join(TOP, "build", "mirror", "micropython.git")), upstream)
    git(upstream, "branch", "product", "v1.25.0")
    config = os.path.join(top, "follow-config.yaml")
    with open(config, "w") as f:
        f.write(f"mirrors:\n  https://example.org/: {os.path.dirname(upstream)}/\n")
        with open(os.environ["FIRN_CONFIG"]) as old:
            f.write("".join(l for l in old if "mirrors:" not in l))
    d = Firnd(top, name="follow", home=home, config="disk: {floor: 1M}").start(env={"FIRN_CONFIG": config})
    text = smallest("followed").replace("https://github.com/micropython/", "https://example.org/").replace(
        "v1.25.0", "product") + "firnd: {follow: daily}\n"
    d.put("followed", {"manifest.yaml": text})
    product = d.checked("followed")
    tap.is_((product["state"], product["follow"], product["moved"]), ("valid", "daily", []), "a product follows a branch")
    look = lambda: d.ended(d.ask("POST", "/v1/jobs", {"kind": "follow", "product": "followed"})[2]["id"])
    first = look()
    tap.is_(first["state"], "done", f"a look at it {first['reason'] or ''}")
    product = d.get("/v1/products/followed")
    tap.ok(product["followed_at"] and not product["moved"], "finds it where it was", product["moved"])
    tree = os.path.join(top, "tree")
    git(top, "clone", "-q", "-b", "product", upstream, tree)
    with open(os.path.join(tree, "README.md"), "a") as f:
        f.write("moved\n")
    git(tree, "commit", "-q", "-a", "-m", "move")
    git(tree, "push", "-q", "origin", "product")
    look()
    moved = d.get("/v1/products/followed")["moved"]
    tap.ok(len(moved) == 1 and re.search("source [0-9a-f]{10} -> [0-9a-f]{10}", moved[0]), "when it has moved, it says from where to where", moved)
    d.stop()


def does_not_start(tap, top):
    for path in sorted(glob.glob(os.path.join(TOP, "tests", "data", "firnd-bad", "*.yaml"))):
        with open(path.replace(".yaml", ".expected")) as f:
            expected = f.read()
        ran = subprocess.run([os.environ["FIRND"], "--check", "--config", os.path.basename(path)], capture_output=True,
                             text=True, cwd=os.path.dirname(path))
        tap.ok(ran.returncode == 2 and ran.stderr == expected, f"{os.path.basename(path)} is refused",
               f"exit {ran.returncode}\n{ran.stdout}{ran.stderr}\nexpected:\n{expected}")
    example = os.path.join(TOP, "packaging", "firnd.yaml")
    ran = subprocess.run([os.environ["FIRND"], "--check", "--config", example], capture_output=True, text=True)
    tap.ok(ran.returncode == 0, "the example that is installed is right", ran.stderr)


def one_daemon_a_home(tap, top, home):
    d = Firnd(top, name="one", home=home, config="disk: {floor: 1M}").start()
    try:
        Firnd(top, name="two", home=home, config="disk: {floor: 1M}").start()
        tap.ok(False, "a second daemon on one home starts")
    except RuntimeError as error:
        tap.ok("another firnd uses" in str(error) and "`home:`" in str(error), "a second daemon on one home is refused", error)
    ran = subprocess.run([os.environ["FIRND"], "--config", d.config], capture_output=True, text=True)
    tap.is_(ran.returncode, 2, "by its exit status, too")
    d.stop()


def main():
    tap, top, home = Tap(), os.environ["T"], os.environ["FIRN_HOME"]
    does_not_start(tap, top)
    one_daemon_a_home(tap, top, home)
    floor(tap, top, home)
    quotas(tap, top, home)
    follow(tap, top, home)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
