#!/bin/bash
# firn cache and firn clean: what they print, what they leave, on a home that the test fills itself.
. "$(dirname "$0")/../tap.sh"
export FIRN_HOME=$T/home FIRN_CONFIG=$T/config.yaml
echo "quota: {images: 300K}" >"$FIRN_CONFIG"

KEY1=1111111111111111aaaa KEY2=2222222222222222bbbb KEY3=3333333333333333cccc
# image KEY DAYS: an image of about 100 KiB, used so many days ago
image() {
    mkdir -p "$FIRN_HOME/images/$1"
    head -c 100000 /dev/zero >"$FIRN_HOME/images/$1/greeter-1.$2.0.elf"
    echo '{"product":"greeter","version":"1.'"$2"'.0","board":{"port":"stm32","name":"PYBV11"},
        "source":{"commit":"0123456789012345678901234567890123456789"}}' \
        >"$FIRN_HOME/images/$1/greeter-1.$2.0.json"
    touch -d "$2 days ago" "$FIRN_HOME/images/$1"
}
fill() {
    rm -rf "$FIRN_HOME"
    image $KEY1 1
    image $KEY2 2
    image $KEY3 3
    mkdir -p "$FIRN_HOME/git/m-1234.git" "$FIRN_HOME/rescue"
    echo https://example.org/m.git >"$FIRN_HOME/git/m-1234.git/firn-url"
    echo data >"$FIRN_HOME/rescue/rescue-1-1.dfu"
}
left() { (cd "$FIRN_HOME/images" && echo *); }

# What is there.
fill
exits 0 'the kinds' "$FIRN" cache
like "$OUT" '^images +3 +[0-9.]+ KiB +300\.0 KiB +1 day ago +3 days ago +finished images' 'images: a row'
like "$OUT" '^git +1 .* none .* the network$' 'mirrors: a row, without a quota'
unlike "$OUT" 'rescue' 'rescue files are no cache'
exits 0 'the entries of a kind' "$FIRN" cache images
like "$(sed -n 2p <<<"$OUT")" "^$KEY1 .* 1 day ago +- +greeter 1.1.0 for stm32/PYBV11\$" 'the last used comes first, and says what it is'
like "$("$FIRN" cache git)" '^m-1234.git .* https://example.org/m.git$' 'a mirror says its URL'
like "$("$FIRN" cache bases)" '^no bases in ' 'a kind without entries'
like "$("$FIRN" cache --json | tail -n 1)" '"kinds":\[\{.*"entries":3,.*"kind":"images".*"quota":307200' 'events: the kinds'
like "$("$FIRN" cache images --json)" '"about":"greeter 1.1.0 for stm32/PYBV11","name":"'$KEY1'","pinned":false' 'events: the entries'

# What goes: the least recently used over the quota; nothing in a dry run.
before=$(find "$FIRN_HOME" -printf '%p %T@ %m\n' | sort)
exits 0 'a dry run' "$FIRN" clean --dry-run
like "$OUT" "^images/$KEY3 .* used 3 days ago, over quota\$" 'a dry run: says what and why'
like "$OUT" '^would remove [0-9.]+ KiB: 1 entry, 0 leftovers$' 'a dry run: says how much'
is "$(find "$FIRN_HOME" -printf '%p %T@ %m\n' | sort)" "$before" 'a dry run changes nothing'
exits 0 'clean' "$FIRN" clean
like "$OUT" '^removed [0-9.]+ KiB: 1 entry, 0 leftovers$' 'clean: says how much'
is "$(left)" "$KEY1 $KEY2" 'clean: the least recently used went'
exits 0 'clean again' "$FIRN" clean
like "$OUT" '^removed 0 B: 0 entries, 0 leftovers$' 'clean again: nothing to do'
exits 0 'keep' "$FIRN" clean --keep 36h
is "$(left)" "$KEY1" 'keep: what was not used for longer went'
fill
exits 0 'max' "$FIRN" clean --max 150K images
is "$(left)" "$KEY1" 'max: the last used stays'
exits 0 'only some kinds' "$FIRN" clean --keep 0 images
like "$(find "$FIRN_HOME" -type f | sort)" 'm-1234.git/firn-url' 'only some kinds: the others stay'
exits 0 'everything' "$FIRN" clean --keep 0
is "$(find "$FIRN_HOME" -type f | sort)" "$FIRN_HOME/clean.lock
$FIRN_HOME/rescue/rescue-1-1.dfu" 'everything: but what can not be had again'

# Pins.
fill
exits 0 'pin' "$FIRN" cache pin 333333 --reason 'release 1.3.0'
like "$("$FIRN" cache images)" "^$KEY3 .* pinned: release 1.3.0 +greeter" 'pin: is shown, with its reason'
exits 0 'clean with a pin' "$FIRN" clean
is "$(left)" "$KEY1 $KEY3" 'a pinned one stays, the next goes'
exits 0 'clean everything with a pin' "$FIRN" clean --keep 0 --max 0
is "$(left)" "$KEY3" 'a pinned one stays whatever is asked for'
like "$OUT" 'more than 0 B: the rest is pinned or in use' 'says why more is left'
exits 0 'unpin' "$FIRN" cache unpin $KEY3
"$FIRN" clean -q --keep 0
is "$(left)" '*' 'unpin: it goes'

# In use: another process has its lock.
fill
mkdir -p "$FIRN_HOME/build"
(exec 9>"$FIRN_HOME/build/${KEY3:0:16}.lock" && flock 9 && exec sleep 60) >/dev/null 2>&1 &
holder=$!
while flock -n "$FIRN_HOME/build/${KEY3:0:16}.lock" true; do sleep 0.05; done
exits 0 'in use' "$FIRN" clean --keep 0 images
like "$OUT" '; 1 in use stays$' 'in use: says so'
is "$(left)" "$KEY3" 'in use: it stays'
kill "$holder"
wait "$holder" 2>/dev/null

# Names from elsewhere do not drive the terminal, and lead nowhere.
fill
mkdir "$FIRN_HOME/images/"$'\e[31mred'
touch -d '9 days ago' "$FIRN_HOME/images/"$'\e[31mred'
like "$("$FIRN" cache images)" '\\x1b\[31mred' 'a hostile name is shown escaped'
exits 0 'a hostile name goes' "$FIRN" clean --keep 5d
like "$OUT" '^images/\\x1b\[31mred' 'a hostile name: said escaped'
exits 2 'pin outside' "$FIRN" cache pin ../../etc/passwd
exits 2 'unpin outside' "$FIRN" cache unpin ../images/$KEY1
is "$(find "$FIRN_HOME/images" -mindepth 1 -maxdepth 1 | wc -l)" 3 'nothing happened outside'

# What cannot be removed fails, and the rest goes on. Root may do everything.
chmod 755 "$T"
if [ "$(id -u)" = 0 ]; then
    run() { setpriv --reuid=65534 --regid=65534 --clear-groups env "$@"; }
    if ! run test -x "$FIRN" -a -r "$FIRN_CONFIG" 2>/dev/null; then run() { return 99; }; fi
else
    run() { env "$@"; }
fi
chmod 777 "$FIRN_HOME" "$FIRN_HOME"/git
chmod 555 "$FIRN_HOME/images"
touch "$FIRN_HOME/clean.lock" && chmod 666 "$FIRN_HOME/clean.lock"
if run true; then
    exits 1 'a directory that is not ours' run "$FIRN" clean --keep 0 images
    like "$OUT" "warning: cannot " 'not ours: says which and why'
else
    skip 'nobody may not run it here'
fi
chmod 755 "$FIRN_HOME/images"

# The command line.
exits 2 'an unknown kind' "$FIRN" clean image
like "$OUT" "there is no kind of cache 'image'" 'an unknown kind: said'
like "$OUT" "did you mean 'images'" 'an unknown kind: a suggestion'
exits 2 'an unknown kind to list' "$FIRN" cache rescue
exits 2 'a time without a unit' "$FIRN" clean --keep 30
like "$OUT" "'30' is not a time like 30d" 'a time without a unit: said'
exits 2 'a size that is none' "$FIRN" clean --max much
exits 2 'an unknown option' "$FIRN" clean --all
exits 2 'no value' "$FIRN" clean --keep
exits 2 'pin what' "$FIRN" cache pin
exits 2 'a reason for nothing' "$FIRN" cache --reason x images
exits 2 'two kinds' "$FIRN" cache images bases
echo "quota: {image: 1G}" >"$FIRN_CONFIG"
exits 2 'a wrong quota' "$FIRN" clean
like "$OUT" "config.yaml:1:9: there is no kind of cache 'image'" 'a wrong quota: where'
done_testing
