#!/bin/bash
# A claim whose commit failed and was there nevertheless (station/store.h): firnd holds a job that it never started. It
# notices as it renews its leases, and the job goes back to the queue; without that it would "run" until a restart.
. "$(dirname "$0")/../tap.sh"
export T PYTHONPATH=$TOP/tests/station PYTHONDONTWRITEBYTECODE=1
cat >"$T/claim.py" <<'END'
import json, os, sqlite3, sys
from firnd import Firnd
top = os.environ["T"]
d = Firnd(top, config="lease: 3s").start()
db = sqlite3.connect(os.path.join(d.home, "firn.db"), timeout=10)
db.execute("INSERT INTO jobs (kind, state, product, image, path, waits_for, retry_of, priority, need_memory, need_cores,"
           " station, submitted_by, attempt, token, lease_until, cancel_requested, submitted_ms, started_ms, ended_ms,"
           " exit_status, phases) VALUES ('flash', 'running', NULL, ?, '9-9', 0, 0, 0, 0, 1, 'bench', 'anna', 1, 1, 0, 0,"
           " 1, 1, 0, -1, '[]')", ("f" * 64,))
db.commit()
job = d.ended(1, 60)
states = [json.loads(data)["state"] for (data,) in db.execute("SELECT data FROM events WHERE type = 'job' ORDER BY id")]
db.close()
print(job["state"], job["attempt"], *states)
d.stop()
END
exits 0 "a job that it holds and never started" python3 "$T/claim.py"
is "$OUT" "failed 1 queued running failed" "is queued again, and started as if for the first time"
like "$(cat "$T/bench.log")" "job 1 was claimed and not started: it is queued again" "and the log says so"
done_testing
