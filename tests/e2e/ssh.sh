#!/bin/bash
# A source by ssh: the keys are the agent's, the hosts those of ~/.ssh/known_hosts, nobody is asked on
# the terminal; what firn says when a key or a host is missing, and that it does not go on trying.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
rm "$FIRN_HOME/git"
cd "$T" || exit 1
fake_port
mkdir -p repos user/.ssh src/port/boards/GOOD src/cross
touch src/port/config.h src/port/boards/GOOD/board.mk
# shellcheck disable=SC2016 # make expands it
printf '$(BUILD)/firmware.elf:\n\t$(CROSS_COMPILE)gcc -nostdlib -Wl,-e0 -Wl,-Ttext=0x08000000 -x c -o $@ - <one.c\n' >src/port/Makefile
echo 'const int one = 1;' >src/port/one.c
git init -q -b main src
git -C src add -A
git -C src -c user.name=A -c user.email=a@localhost commit -qm first
git -C src tag v1
git clone -q --bare src repos/fw.git
for key in host user other; do ssh-keygen -q -t ed25519 -N '' -f "$key.key"; done

"$TOP/tests/git-ssh" repos host.key user.key.pub >port 2>server.log &
server=$!
for ((i = 0; i < 200; i++)); do [ -s port ] && break; sleep 0.05; done
url=ssh://git@127.0.0.1:$(cat port)/fw.git
printf 'firn: 1\nproduct: p\nversion: 1.0\nfirmware: {interpreter: fake, git: "%s", ref: v1}\nboard: GOOD\n' "$url" >p.yaml
known() { echo "[127.0.0.1]:$(cat port) $(cut -d' ' -f1,2 "$1.key.pub")" >user/.ssh/known_hosts; }

export HOME=$T/user
unset SSH_AUTH_SOCK
# fetch STATUS NAME
fetch() { exits "$1" "$2: exit status $1" timeout 30 "$FIRN" -q build p.yaml -o out </dev/null; }

fetch 3 'a host that is not known'
like "$OUT" "^error: p.yaml:4:36: cannot reach $url: .*hostkey" 'a host that is not known: says so'
like "$OUT" '~/.ssh/known_hosts does not have' 'and what to do'
known other
fetch 3 'a host with another key'
like "$OUT" '~/.ssh/known_hosts does not have .* or has another one' 'a host with another key: what to do'
known host
fetch 3 'no agent'
like "$OUT" 'the keys are those of your ssh agent: .*ssh-add' 'no agent: what to do'

eval "$(ssh-agent -a "$T/agent")" >/dev/null
trap 'ssh-agent -k >/dev/null; kill "$server"; tap_end' EXIT
fetch 3 'an agent without a key'
like "$OUT" "cannot reach $url: the server takes none of the ssh agent's keys" 'an agent without a key: says so'
ssh-add -q other.key
fetch 3 'an agent with another key'
like "$OUT" "the server takes none of the ssh agent's keys" 'an agent with another key: says so'
like "$OUT" 'ssh-add -l lists the keys' 'and what to do'
ssh-add -q user.key
fetch 0 'the right key, beside another'
is "$(git --git-dir="$(echo "$FIRN_HOME"/git/fw-*.git)" rev-parse v1)" "$(git -C src rev-parse v1)" 'the mirror has the tag'
ok 'it is built' test -s out/p-1.0.elf

# The same by git's short form, for which the port is the standard one: as far as it gets.
sed -i "s,ssh://.*fw.git,git@127.0.0.1:fw.git," p.yaml
rm -r "$FIRN_HOME/git"
fetch 3 'user@host:path'
like "$OUT" '^error: p.yaml:4:36: cannot reach git@127.0.0.1:fw.git: ' 'user@host:path: is ssh, too'
is "$(cat server.log)" '' 'the server has nothing to complain about'
done_testing
