#!/bin/bash
# firn as the client of a firnd: submit, jobs, logs, cancel, retry, records, token, against a daemon
# that builds nothing (tests/firnd-mock).
. "$(dirname "$0")/../tap.sh"
export FIRN_HOME=$T/home FIRN_CONFIG=$T/config.yaml HOME=$T XDG_RUNTIME_DIR=$T/run
unset FIRN_SERVER FIRN_SOCKET FIRN_TOKEN XDG_CONFIG_HOME SSL_CERT_FILE
echo "mirrors: {}" >"$FIRN_CONFIG"
mkdir -p "$T/run" "$T/d"
mock_pid=

start_mock() {
    "$TOP/tests/firnd-mock" "$T/d" --tcp "$@" >"$T/port" 2>>"$T/mock.err" &
    mock_pid=$!
    for _ in $(seq 100); do
        [ -s "$T/port" ] && [ -S "$T/d/firnd.sock" ] && break
        sleep 0.05
    done
}
stop_mock() { [ -z "$mock_pid" ] || { kill "$mock_pid" && wait "$mock_pid"; } 2>/dev/null; mock_pid=; }
trap 'stop_mock; tap_end' EXIT
# product NAME: a small manifest of that name
product() {
    mkdir -p "$T/p"
    echo 'print("hi")' >"$T/p/main.py"
    cat >"$T/p/$1.yaml" <<EOF
firn: 1
product: $1
version: 1.4.0
firmware: {git: https://github.com/micropython/micropython.git, ref: v1.25.0}
board: {port: qemu, name: NETDUINO2}
frozen:
  - module: main.py
EOF
}
# wait_for COMMAND...: until it succeeds, 10 s at most
wait_for() {
    for _ in $(seq 200); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.05
    done
    return 1
}
# sent: the paths of the last bundle
sent() { python3 -c 'import json,sys; print(*(f["path"] for f in json.load(open(sys.argv[1]))["files"]))' "$T/d/bundle.json"; }
state() { "$FIRN" jobs --json "$1" | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d '"' -f 4; }
is_state() { [ "$(state "$1")" = "$2" ]; }

# Nobody there.
exits 1 'no daemon' "$FIRN" jobs --socket="$T/none.sock"
like "$OUT" "no firnd answers at $T/none.sock: " 'no daemon: says where and why'
like "$OUT" 'start it with .*--server' 'no daemon: says what to do'

start_mock
export FIRN_SOCKET=$T/d/firnd.sock

# ---- submit
product plain
exits 0 'submit' "$FIRN" submit "$T/p/plain.yaml"
like "$OUT" "^plain: valid at $T/d/firnd.sock \(1.4.0 for NETDUINO2, 2 files\)" 'submit: what became of it'
is "$(sent)" 'main.py manifest.yaml' 'submit: the files that the manifest names, and it'
unlike "$(cat "$T/d/requests")" 'POST' 'submit: no job without --build'
exits 0 'submit --name' "$FIRN" submit "$T/p/plain.yaml" --name another
like "$(tail -n 3 "$T/d/requests")" 'PUT /v1/products/another 202' 'submit --name: under that name'
echo 'lock' >"$T/p/plain.yaml.lock"
exits 0 'submit with a lock' "$FIRN" submit "$T/p/plain.yaml"
is "$(sent)" 'main.py manifest.yaml manifest.yaml.lock' 'submit: the lock goes, too'
rm "$T/p/plain.yaml.lock"

cp -r "$TOP/tests/data/kinds" "$T/kinds"
mkdir "$T/kinds/vendor"
cp "$TOP/manifests/greeter/vendor/yeti.mpy" "$T/kinds/vendor/"
exits 0 'a manifest of every kind' "$FIRN" submit "$T/kinds/kinds.yaml"
is "$(sent)" "$(cd "$T/kinds" && find . -type f ! -name '*.yaml' | sed 's,^\./,,' | cat - <(echo manifest.yaml) |
    LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')" 'a manifest of every kind: all that lies beside it'

requests=$(wc -l <"$T/d/requests")
sed 's/main.py/mian.py/' "$T/p/plain.yaml" >"$T/p/bad.yaml"
exits 2 'a bad manifest' "$FIRN" submit "$T/p/bad.yaml"
like "$OUT" "bad.yaml:7:13: 'mian.py' does not exist" 'a bad manifest: its error, here'
mkdir -p "$T/outside" && echo 'x = 1' >"$T/outside/far.py"
{ cat "$T/p/plain.yaml" && printf '  - module: far.py\n    base_path: ../outside\nroots: [../outside]\n'; } >"$T/p/far.yaml"
exits 2 'a file outside' "$FIRN" submit "$T/p/far.yaml"
like "$OUT" "roots: '.*/outside' is not on the daemon's machine" 'a file outside: says why not'
is "$(wc -l <"$T/d/requests")" "$requests" 'a bad manifest: nothing was sent'
exits 0 'a bad manifest with --no-check' "$FIRN" submit "$T/p/bad.yaml" --no-check
is "$(sent)" 'bad.yaml far.yaml main.py manifest.yaml plain.yaml' '--no-check: all that lies beside it'

printf 'a\0b' >"$T/p/data.bin"
exits 0 'submit --add' "$FIRN" submit "$T/p/plain.yaml" --add data.bin
like "$(cat "$T/d/bundle.json")" '"path": "data.bin"|"base64": "YQBi"' 'submit --add: bytes that are no text'
is "$(sent)" 'data.bin main.py manifest.yaml' 'submit --add: the file, too'
exits 2 'submit --add outside' "$FIRN" submit "$T/p/plain.yaml" --add ../outside

head -c 7000000 /dev/urandom >"$T/p/data.bin"
exits 2 'more than a daemon takes' "$FIRN" submit "$T/p/plain.yaml" --add data.bin
like "$OUT" 'the files take 8.9 MiB as they are sent, and a daemon takes 8.0 MiB' 'more than a daemon takes: says so'
head -c 9000000 /dev/zero >"$T/p/data.bin"
exits 2 'more than 8 MiB' "$FIRN" submit "$T/p/plain.yaml" --add data.bin
rm "$T/p/data.bin"

product invalid-one
exits 2 'the daemon finds it invalid' "$FIRN" submit --build "$T/p/invalid-one.yaml"
like "$OUT" 'manifest.yaml:5:8: unknown board' 'invalid: its error'
unlike "$OUT" $'\x1b' 'invalid: no escape sequence reaches the terminal'
like "$OUT" 'x1b]0;owned' 'invalid: it is shown instead'
exits 2 'a product in a directory' "$FIRN" submit "$T/p/plain.yaml" --name fixed
like "$OUT" 'kept in a directory' "a problem's detail is the message"
like "$OUT" '  change the file there' "a problem's action is the hint"
unlike "$OUT" $'\x1b' 'a problem: no escape sequence either'
product other-one
exits 1 'somebody else submits, too' "$FIRN" submit "$T/p/other-one.yaml"
like "$OUT" 'has other files meanwhile' 'somebody else: says so'

# ---- builds that are waited for
exits 0 'submit --wait' "$FIRN" submit "$T/p/plain.yaml" --download "$T/out"
like "$OUT" 'compile +1.50 s +3 steps' 'submit --wait: the phases of the job'
like "$OUT" 'build [0-9]+ of plain: done, plain 1.4.0 for NETDUINO2, 183.7 KiB' 'submit --wait: what was built'
is "$(cat "$T/out/plain-1.4.0.dfu")" 'DfuSe plain' 'submit --download: the file'
product fails-one
exits 1 'a build that fails' "$FIRN" submit --wait "$T/p/fails-one.yaml"
is "$(grep -c 'no such thing' <<<"$OUT")" 1 'a build that fails: its error, once'
product cut-one
exits 5 'an image that is damaged' "$FIRN" submit "$T/p/cut-one.yaml" --download "$T/out"
like "$OUT" "is not what the image's sidecar says" 'damaged: says so'
is "$(ls "$T/out")" 'plain-1.4.0.dfu' 'damaged: no file is left'
exits 0 'submit --flash' "$FIRN" submit "$T/p/plain.yaml" --flash 1-1.4 --wait
like "$OUT" 'flash [0-9]+ of plain: done' 'submit --flash: waits for the flash'
like "$("$FIRN" jobs --kind flash --json)" '"path":"1-1.4".*"waits_for":[0-9]+' 'submit --flash: the port, after the build'
result=$("$FIRN" submit --json --wait "$T/p/plain.yaml" | tail -n 1)
like "$result" '"build":\{.*"event":"result","exit":0.*"ok":true' 'submit --json: one result, with the job'

product slow-one
"$FIRN" submit --wait "$T/p/slow-one.yaml" >"$T/waiting" 2>&1 &
waiting=$!
ok 'a slow build begins' wait_for grep -q queued "$T/waiting"
id=$(grep -o 'build [0-9]*' "$T/waiting" | cut -d ' ' -f 2)
ok 'a slow build runs' wait_for is_state "$id" running
sleep 0.5
kill -INT "$waiting"
wait "$waiting"
is $? 130 'Ctrl-C ends the waiting'
like "$(cat "$T/waiting")" "job $id goes on; .firn cancel $id. ends it" 'Ctrl-C: says that the job goes on'
is "$(state "$id")" running 'Ctrl-C: and it does'

# ---- logs, cancel, retry
"$FIRN" logs -f "$id" >"$T/log" 2>&1 &
waiting=$!
ok 'logs -f: what there is comes at once' wait_for grep -q compiling "$T/log"
exits 0 'cancel' "$FIRN" cancel "$id"
like "$OUT" "^build $id of slow-one: cancelled" 'cancel: what became of it'
wait "$waiting"
is $? 130 "logs -f: ends with the job, and its status"
exits 2 'cancel again' "$FIRN" cancel "$id"
like "$OUT" 'has ended already' 'cancel again: says why not'
touch "$T/d/go"
exits 0 'retry' "$FIRN" retry "$id"
like "$OUT" "of slow-one: queued, a new try of job $id" 'retry: a new job'
new=$(grep -o 'build [0-9]*' <<<"$OUT" | cut -d ' ' -f 2)
is "$("$FIRN" logs -f "$new" 2>/dev/null)" $'compiling\nlinked' 'logs -f: all of it, once'
exits 0 'logs' "$FIRN" logs "$new"
is "$OUT" $'compiling\nlinked' 'logs: the same'
exits 1 'logs of none' "$FIRN" logs 9999
like "$OUT" 'there is no job 9999' 'logs of none: says so'
exits 2 'cancel: one of two is none' "$FIRN" cancel x "$id"
like "$OUT" "'x' is no job's number" 'cancel: which one'

# A daemon that is away for a while: a build that is waited for does not mind, a job is queued once.
rm "$T/d/go"
product slow-three
"$FIRN" submit --wait "$T/p/slow-three.yaml" >"$T/waiting" 2>&1 &
waiting=$!
ok 'a third slow build begins' wait_for grep -q queued "$T/waiting"
touch "$T/d/away"
ok 'the daemon is away: said' wait_for grep -q 'does not answer; waiting for it' "$T/waiting"
touch "$T/d/go"
rm "$T/d/away"
wait "$waiting"
is $? 0 'the daemon is back: the build ends well'
jobs=$("$FIRN" jobs --all | wc -l)
echo PUT POST >"$T/d/lose"
exits 0 'answers are lost' "$FIRN" submit --build "$T/p/plain.yaml"
is "$(cat "$T/d/lose")" '' 'answers are lost: two of them'
is "$("$FIRN" jobs --all | wc -l)" $((jobs + 1)) 'answers are lost: one job'
"$FIRN" submit --build "$T/p/fails-one.yaml" --wait >/dev/null 2>&1
failed=$("$FIRN" jobs -n 1 --json | grep -o '"id":[0-9]*' | cut -d : -f 2)
echo "/v1/jobs/$failed/retry" >"$T/d/lose"
exits 1 'the answer to a retry is lost' "$FIRN" retry "$id" "$failed"
is "$(grep -c "/v1/jobs/$failed/retry" "$T/d/requests")" 1 'the answer to a retry is lost: nothing is done twice'
echo PUT PUT >"$T/d/lose"
exits 1 'answers are lost twice' "$FIRN" submit --build "$T/p/plain.yaml"
like "$OUT" 'no firnd answers' 'answers are lost twice: says so'
exits 1 'a redirect' "$FIRN" submit "$T/p/plain.yaml" --name moved
like "$OUT" 'sends us to http://127.0.0.1:1/elsewhere, which is not followed' 'a redirect: not followed'

# A daemon that is ended while somebody waits.
rm "$T/d/go"
product slow-two
"$FIRN" submit --wait "$T/p/slow-two.yaml" >"$T/waiting" 2>&1 &
waiting=$!
ok 'another slow build begins' wait_for grep -q queued "$T/waiting"
sleep 0.6
stop_mock
ok 'the daemon goes away' wait_for grep -q 'does not answer; waiting for it' "$T/waiting"
kill -INT "$waiting"
wait "$waiting"
is $? 130 'and the waiting can be ended'
: >"$T/port"
start_mock

# ---- jobs
"$FIRN" submit --wait "$T/p/plain.yaml" >/dev/null 2>&1
"$FIRN" submit --wait "$T/p/fails-one.yaml" >/dev/null 2>&1
exits 0 'jobs' "$FIRN" jobs
like "$(head -n 1 <<<"$OUT")" '^ID +KIND +PRODUCT +STATE +WHEN +TIME +BY +NOTE$' 'jobs: the titles'
like "$(sed -n 2p <<<"$OUT")" '^42 +build +fails-one +failed .* ago +11.0 s +alice +main.c:3:1' 'jobs: the newest first, with the reason'
exits 0 'jobs --state' "$FIRN" jobs --state 'done'
unlike "$OUT" 'fails-one' 'jobs --state: only those'
exits 0 'jobs -n' "$FIRN" jobs -n 1
like "$OUT" 'there are more' 'jobs -n: says that there are more'
exits 0 'jobs ID' "$FIRN" jobs 42
like "$OUT" '^build 42 of fails-one: failed' 'jobs ID: what it is'
like "$OUT" 'phases +1.50 s +Compiling: 3 steps, failed' 'jobs ID: its phases'
product escape-one
exits 0 'a job with escape sequences' "$FIRN" submit --wait "$T/p/escape-one.yaml"
for command in 'jobs 43' 'jobs' 'logs 43'; do
    # shellcheck disable=SC2086
    unlike "$("$FIRN" $command; echo "$OUT")" $'[\x1b\x07]' "escape sequences: none in $command"
done
for i in $(seq 600); do echo "{\"kind\":\"flash\",\"product\":\"full-$i\",\"priority\":0}"; done >"$T/bodies"
python3 - "$T/d/firnd.sock" "$T/bodies" <<'EOF'
import http.client, socket, sys
class Local(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(sys.argv[1])
connection = Local("localhost")
for body in open(sys.argv[2]):
    connection.request("POST", "/v1/jobs", body.strip(), {"Content-Type": "application/json"}); connection.getresponse().read()
EOF
is "$("$FIRN" jobs --all | wc -l)" 604 'jobs --all: page by page'
product full
exits 1 'the queue is full' "$FIRN" submit --build "$T/p/full.yaml"
like "$OUT" 'the queue is full: 10000' 'the queue is full: says so'

# ---- records
all_done() { ! "$FIRN" jobs --all | grep -qE ' (queued|running) '; }
ok 'all jobs are done' wait_for all_done
exits 0 'records' "$FIRN" records --kind build --search plain
like "$OUT" 'build +[0-9a-f]{12} +.*product=plain' 'records: what was done'
exits 0 'records verify' "$FIRN" records verify
count=$(grep -o '^[0-9]*' <<<"$OUT") head=$(grep -o '[0-9a-f]\{64\}' <<<"$OUT")
exits 0 'records export -o' "$FIRN" records export -o "$T/r.jsonl"
is "$(wc -l <"$T/r.jsonl" | tr -d ' ')" "$count" 'records export: all of them'
"$FIRN" records export >"$T/r2.jsonl"
same "$T/r2.jsonl" "$T/r.jsonl" 'records export: the same on standard output'
exits 0 'records verify FILE' "$FIRN" records verify "$T/r.jsonl" --head "$head"
like "$OUT" "last hash $head" 'records verify FILE: the last hash'
sed '2s/alice/mallo/' "$T/r.jsonl" >"$T/changed.jsonl"
exits 5 'a record that was changed' "$FIRN" records verify "$T/changed.jsonl"
like "$OUT" 'record 2' 'changed: says which'
sed 2d "$T/r.jsonl" >"$T/removed.jsonl"
exits 5 'a record that was removed' "$FIRN" records verify "$T/removed.jsonl"
head -n 2 "$T/r.jsonl" >"$T/short.jsonl"
exits 0 'the end was cut off: not seen without the hash' "$FIRN" records verify "$T/short.jsonl"
exits 5 'the end was cut off: seen with it' "$FIRN" records verify "$T/short.jsonl" --head "$head"
head -c -20 "$T/r.jsonl" >"$T/half.jsonl"
exits 1 'half a record' "$FIRN" records verify "$T/half.jsonl"
like "$OUT" 'is cut off' 'half a record: says so'
exits 0 'records export --csv' "$FIRN" records export --csv -o "$T/r.csv"
is "$(head -n 1 "$T/r.csv")" 'seq,kind' 'records export --csv: a table'
exits 2 'records verify: no such file' "$FIRN" records verify "$T/none"

# ---- tokens, and a server
port=$(cat "$T/port")
exits 0 'token add' "$FIRN" token add ci --role operate --days 90
like "$OUT" '^firn_[0-9a-f]{16}_[0-9a-f]{64}$' 'token add: the token, alone'
token=$OUT
exits 0 'token list' "$FIRN" token list
like "$OUT" 'ci +operate .* 2027-02-26$' 'token list: whose, what for, until when'
unlike "$OUT" "${token: -64}" 'token list: without the secret'
export FIRN_SERVER=http://127.0.0.1:$port
exits 2 'a server without a token' "$FIRN" jobs
like "$OUT" 'FIRN_TOKEN or by --token-file' 'without a token: says how to give one'
FIRN_TOKEN=$token exits 0 'with the token' "$FIRN" jobs
FIRN_TOKEN=firn_fedcba9876543210_$(printf 'b%.0s' $(seq 64)) exits 2 'with too small a role' "$FIRN" cancel 41
like "$OUT" 'greater role' 'too small a role: says what to do'
mkdir -p "$T/.config/firn"
echo "$token" >"$T/.config/firn/token"
chmod 644 "$T/.config/firn/token"
exits 2 'a token that others can read' "$FIRN" jobs
like "$OUT" 'others than you may read the token' 'a token that others can read: says so'
like "$OUT" 'chmod 600' 'a token that others can read: says what to do'
chmod 600 "$T/.config/firn/token"
exits 0 'a token in its file' "$FIRN" jobs
FIRN_TOKEN=$'bad\ntoken' exits 2 'a token that would be a header of its own' "$FIRN" jobs
http_proxy=http://127.0.0.1:1 exits 0 'no proxy for this machine' "$FIRN" jobs
exits 2 'plain http elsewhere' "$FIRN" jobs --server=http://firn.example.org
like "$OUT" 'plain http to firn.example.org is refused' 'plain http: says why'
exits 2 'a server with a user' "$FIRN" jobs --server=https://me:secret@firn.example.org
unlike "$OUT" 'secret' 'a server with a user: the password is not repeated'
exits 2 'two daemons' "$FIRN" jobs --server="$FIRN_SERVER" --socket=x
exits 2 'no address' "$FIRN" jobs --server=ftp://127.0.0.1
exits 0 'token remove' "$FIRN" token remove 0000000000000000
exits 2 'a removed token' "$FIRN" jobs
# With TLS: a certificate that somebody vouches for, or nothing is sent.
stop_mock
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$T/key.pem" -out "$T/cert.pem" 2>"$T/openssl.err" || fail 'openssl' "$(cat "$T/openssl.err")"
cat "$T/cert.pem" "$T/key.pem" >"$T/both.pem"
: >"$T/port"
start_mock "--tls=$T/both.pem"
export FIRN_SERVER=https://localhost:$(cat "$T/port") FIRN_TOKEN=firn_fedcba9876543210_$(printf 'b%.0s' $(seq 64))
requests=$(wc -l <"$T/d/requests")
exits 1 'a certificate that nobody vouches for' "$FIRN" jobs
like "$OUT" 'is not known to be who it says' 'such a certificate: says so'
is "$(wc -l <"$T/d/requests")" "$requests" 'such a certificate: nothing was sent'
exits 0 'a certificate that --cacert vouches for' "$FIRN" jobs --cacert "$T/cert.pem"
SSL_CERT_FILE=$T/cert.pem exits 0 'a certificate that $SSL_CERT_FILE vouches for' "$FIRN" jobs
exits 1 'a certificate of another name' "$FIRN" jobs --cacert "$T/cert.pem" --server="https://127.0.0.1:$(cat "$T/port")"
exits 1 'a file of certificates that is not there' "$FIRN" jobs --cacert "$T/none.pem"
unset FIRN_SERVER FIRN_TOKEN

# ---- the command line
exits 2 'an option that is none' "$FIRN" submit --biuld "$T/p/plain.yaml"
like "$OUT" "did you mean '--build'" 'an option that is none: the nearest one'
exits 2 'a state that is none' "$FIRN" jobs --state faild
like "$OUT" "did you mean 'failed'" 'a state that is none: the nearest one'
exits 2 'no role' "$FIRN" token add x
exits 2 'a role that is none' "$FIRN" token add x --role enginer
like "$OUT" "did you mean 'engineer'" 'a role that is none: the nearest one'
exits 2 'a priority that is none' "$FIRN" submit --priority 11 "$T/p/plain.yaml"
exits 2 'an option without its value' "$FIRN" jobs --state
like "$OUT" '--state needs a value' 'an option without its value: says so'
for command in submit jobs logs cancel retry records token; do
    exits 0 "help $command" "$FIRN" help "$command"
    like "$OUT" 'Examples:' "help $command: with examples"
done
is "$(cat "$T/mock.err")" '' 'the daemon had nothing to complain of'
done_testing
