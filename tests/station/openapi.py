#!/usr/bin/env python3
"""Does firnd answer as /v1/openapi.json says? Every path and method of it is asked, and every answer is held
against the description: status, content type, and the body by JSON Schema (python3-jsonschema).
"""
import json
import os
import re
import sys

import jsonschema

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
sys.path.insert(0, HERE)
from firnd import Firnd, Tap  # noqa: E402


def template_of(spec, path):
    """The path of the description that a request's path is of."""
    path = path.split("?")[0]
    for template in sorted(spec["paths"], key=lambda t: t.count("{")):
        pattern = re.sub(r"\\{path\\}", ".+", re.escape(template))
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", pattern), path):
            return template
    return None


class Checked:
    """Asks, and checks what is answered."""

    def __init__(self, tap, firnd):
        self.tap, self.firnd, self.seen = tap, firnd, set()
        self.spec = firnd.get("/v1/openapi.json")
        self.faults = []

    def deref(self, part):
        if "$ref" not in part:
            return part
        found = self.spec
        for name in part["$ref"].split("/")[1:]:
            found = found[name]
        return found

    def ask(self, method, path, body=None, headers=None):
        status, got, answer = self.firnd.ask(method, path, body, headers)
        template = template_of(self.spec, path)
        where = f"{method} {path}: {status}"
        operation = self.spec["paths"].get(template, {}).get(method.lower())
        if not operation:
            self.faults.append(f"{where} is not described")
            return status, got, answer
        self.seen.add((method, template))
        described = operation["responses"].get(str(status))
        if not described:
            self.faults.append(f"{where} is no answer of {sorted(operation['responses'])}: {answer}")
            return status, got, answer
        content = self.deref(described).get("content", {})
        kind = (got["Content-Type"] or "").split(";")[0]
        if content and kind not in content:
            self.faults.append(f"{where} is {kind}, not {sorted(content)}")
        elif not content and answer:
            self.faults.append(f"{where} has a body: {answer}")
        elif kind.endswith("json"):
            schema = {**content[kind]["schema"], "components": self.spec["components"]}
            for error in jsonschema.Draft202012Validator(schema).iter_errors(answer):
                self.faults.append(f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
        return status, got, answer


def routes_of_the_source():
    with open(os.path.join(TOP, "station", "api.c")) as f:
        return {(m, p) for m, p in re.findall(r'\{"(\w+)",\s*"(/[^"]*)",', f.read())
                if not p.startswith("/web") and p != "/"}


def smallest(name):
    with open(os.path.join(TOP, "tests", "web", "smallest.yaml")) as f:
        return f.read().replace("NAME", name)


def products(c, d):
    files = {"files": [{"path": "manifest.yaml", "text": smallest("p")}]}
    c.ask("PUT", "/v1/products/p", files)
    d.checked("p")
    c.ask("PUT", "/v1/products/wrong", {"files": [{"path": "manifest.yaml", "text": "firn: 2\nx: 1\n"}], "build": True})
    d.checked("wrong")
    for body in ({}, {"files": []}, {"files": [{"path": "../x", "text": ""}]}, {"files": [], "x": 1}):
        c.ask("PUT", "/v1/products/p", body)
    c.ask("PUT", "/v1/products/p", files, {"If-Match": '"0"'})
    c.ask("PUT", "/v1/products/UPPER", files)
    c.ask("GET", "/v1/products")
    for path in ("p", "wrong", "none", "p/files/manifest.yaml", "p/files/none"):
        c.ask("GET", "/v1/products/" + path)
    tag = d.ask("GET", "/v1/products/p")[1]["ETag"]
    c.ask("GET", "/v1/products/p", headers={"If-None-Match": tag})
    c.ask("DELETE", "/v1/products/none")


def jobs(c, d):
    job = c.ask("POST", "/v1/jobs", {"kind": "build", "product": "p"}, {"Idempotency-Key": "k"})[2]["id"]
    c.ask("POST", "/v1/jobs", {"kind": "build", "product": "p", "priority": 1}, {"Idempotency-Key": "k"})
    for body in ({}, {"kind": "build"}, {"kind": "build", "product": "none"}, {"kind": "build", "product": "wrong"},
                 {"kind": "flash"}, {"kind": "flash", "image": "0" * 64}, {"kind": "flash", "job": 999},
                 {"kind": "bake", "product": "p"}, {"kind": "build", "product": "p", "priority": 99},
                 {"kind": "build", "product": 1}, {"kind": "build", "product": "p", "speed": 1}):
        c.ask("POST", "/v1/jobs", body)
    flash = c.ask("POST", "/v1/jobs", {"kind": "flash", "job": job, "path": "1-1"})[2]["id"]
    c.ask("GET", f"/v1/jobs/{job}")
    d.ended(job)
    d.ended(flash)
    follow = c.ask("POST", "/v1/jobs", {"kind": "follow", "product": "p"})[2]["id"]
    d.ended(follow)
    for path in (job, flash, follow, 999, "x", "0", f"{job}/log", f"{job}/events", "999/log", f"{flash}/log"):
        c.ask("GET", f"/v1/jobs/{path}")
    c.ask("GET", f"/v1/jobs/{job}/log", headers={"Range": "bytes=5-"})
    c.ask("GET", f"/v1/jobs/{job}/log", headers={"Range": "bytes=99999999-"})
    c.ask("GET", f"/v1/jobs/{job}/events", headers={"Range": "bytes=0-9"})
    tag = d.ask("GET", f"/v1/jobs/{job}")[1]["ETag"]
    c.ask("GET", f"/v1/jobs/{job}", headers={"If-None-Match": tag})
    c.ask("POST", f"/v1/jobs/{job}/cancel", {})
    c.ask("POST", f"/v1/jobs/{job}/retry", {})
    c.ask("POST", "/v1/jobs/999/retry", {})
    c.ask("POST", f"/v1/jobs/{flash}/retry", {})
    for query in ("", "?state=done", "?state=lost", "?kind=build", "?kind=x", "?product=p", "?limit=1", "?limit=0",
                  "?limit=x", "?cursor=1", "?cursor=x"):
        c.ask("GET", "/v1/jobs" + query)


def images(c, d):
    digest = d.get("/v1/images")["items"][0]["digest"]
    name = d.get(f"/v1/images/{digest}")["files"][0]["name"]
    for path in (digest, "0" * 64, "x", f"{digest}/files/{name}", f"{digest}/files/none"):
        c.ask("GET", f"/v1/images/{path}")
    c.ask("GET", f"/v1/images/{digest}/files/{name}", headers={"Range": "bytes=0-9"})
    tag = d.ask("GET", f"/v1/images/{digest}")[1]["ETag"]
    c.ask("GET", f"/v1/images/{digest}", headers={"If-None-Match": tag})
    for body in ({"released": True}, {"released": False}, {"released": 1}, {}):
        c.ask("POST", f"/v1/images/{digest}/release", body)
    c.ask("POST", f"/v1/images/{'0' * 64}/release", {"released": True})
    for query in ("", "?product=p", "?q=smallest", "?q=%25", "?limit=1", "?limit=x", "?cursor=x"):
        c.ask("GET", "/v1/images" + query)


def the_rest(c, d):
    for path in ("/v1/healthz", "/v1/openapi.json", "/v1/status", "/metrics", "/v1/metrics", "/v1/session", "/v1/devices",
                 "/v1/records", "/v1/records?kind=build&q=p&limit=1", "/v1/records?limit=x", "/v1/records.jsonl",
                 "/v1/records.csv", "/v1/tokens"):
        c.ask("GET", path)
    made = c.ask("POST", "/v1/tokens", {"name": "t", "role": "view", "days": None})[2]
    for body in ({"name": "", "role": "view"}, {"name": "t", "role": "admin"}, {"name": "t"}, {"name": "t", "role": "view", "days": 0}):
        c.ask("POST", "/v1/tokens", body)
    c.ask("GET", "/v1/tokens")
    c.ask("POST", "/v1/session", {"token": made["token"]})
    c.ask("POST", "/v1/session", {"token": "x"})
    c.ask("POST", "/v1/session", {})
    c.ask("DELETE", "/v1/session")
    c.ask("DELETE", "/v1/tokens/" + made["id"])
    c.ask("DELETE", "/v1/tokens/" + made["id"])
    c.ask("DELETE", "/v1/products/wrong")
    c.ask("GET", "/v1/events?last_event_id=x")


def stream(c, d):
    """What the stream says of things is what the lists say."""
    from firnd import UnixConnection
    connection = UnixConnection(d.socket, 5)
    connection.request("GET", "/v1/events?last_event_id=0")
    response = connection.getresponse()
    c.tap.is_((response.status, response.getheader("Content-Type")), (200, "text/event-stream"), "the stream of events")
    c.seen.add(("GET", "/v1/events"))
    last, text = d.get("/v1/status")["last_event"], b""
    while f"id: {last}\n".encode() not in text:
        text += response.read1(65536)
    text += response.read1(65536) if not text.endswith(b"\n\n") else b""
    connection.close()
    schemas = {"job": "JobShort", "product": "ProductShort", "image": "ImageShort", "devices": "Devices"}
    kinds = set()
    for block in text.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        name, data = fields.get("event"), json.loads(fields.get("data", "null"))
        if name not in schemas or data.get("state") == "removed":
            continue
        kinds.add(name)
        schema = {"$ref": "#/components/schemas/" + schemas[name], "components": c.spec["components"]}
        for error in jsonschema.Draft202012Validator(schema).iter_errors(data):
            c.faults.append(f"event {name}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    c.tap.ok({"job", "product", "image"} <= kinds, "has jobs, products and images", kinds)


def main():
    tap, top = Tap(), os.environ["T"]
    d = Firnd(top, home=os.environ["FIRN_HOME"], config="disk: {floor: 1M}").start()
    c = Checked(tap, d)
    jsonschema.Draft202012Validator.check_schema({"components": c.spec["components"]})
    for name, schema in c.spec["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
    tap.is_(c.spec["openapi"], "3.1.0", "the description is OpenAPI 3.1")
    described = {(m.upper(), p) for p, item in c.spec["paths"].items() for m in item}
    routed = {(m, p.replace("*}", "}")) for m, p in routes_of_the_source()}
    tap.is_(sorted(described ^ routed), [], "it has the routes that there are, and no others")
    for part in (products, jobs, images, the_rest, stream):
        part(c, d)
        tap.ok(not c.faults, f"{part.__name__}: answers are as described", "\n".join(c.faults))
        c.faults = []
    tap.is_(sorted(described - c.seen), [], "all of it was asked")
    tap.is_(d.stop(), 0, "it stops when it is told to")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
