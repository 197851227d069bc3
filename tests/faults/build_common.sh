# For tests that disturb builds: two products on one base, what an undisturbed build gives of them, and
# the questions to ask after a disturbed one. Source it after tap.sh.
# shellcheck shell=bash
shared=$FIRN_HOME
export FIRN_HOME=$T/home
mkdir "$T/p" "$FIRN_HOME"
cd "$T/p" || exit 1

content() { # TEXT: what both have frozen in
    echo "NAME = '$1'" >one.py
    echo "ALSO = '$1'" >two.py
}
head='firn: 1\nversion: 1.0\nboard: {port: qemu, name: NETDUINO2}\n'
head+='firmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}\n'
printf "$head"'product: one\nfrozen: [{include: manifest.py}]\n' >one.yaml
printf "$head"'product: two\nfrozen: [{module: two.py}]\nqstrs: [glacier]\n' >two.yaml
echo 'module("one.py")' >manifest.py

# Every name in a home, but for what git, ccache and the source's own files are called, and for the
# sizes that the quotas remember, which are measured again when they are missing, and a mirror's URL,
# which is there for people only.
names() {
    (cd "$1" && find . \( -path ./ccache -o -path './git/*/objects' -o -path './src/*/tree' -o -name .sizes -o -name firn-url \) -prune -o -print | sort)
}

# make_reference WHOLE: $T/new and $T/old, images with one name and other content; $T/reference, the
# home after it; $T/names in it. WHOLE makes everything anew; else sources and mpy-cross are those of
# the shared home, where they are made once.
make_reference() {
    local name text
    if [ ! "$1" ]; then
        for name in git src mpy-cross; do
            mkdir -p "$shared/$name" && ln -s "$shared/$name" "$FIRN_HOME"
        done
    fi
    cp -r "$shared/ccache" "$FIRN_HOME" 2>/dev/null
    for text in old new; do
        content $text
        for name in one two; do "$FIRN" -q build $name.yaml -o "$T/$text/$name" || exit 1; done
    done
    rm -r "$FIRN_HOME/images"
    for name in one two; do "$FIRN" -q build $name.yaml -o "$T/new/$name" || exit 1; done
    cp -r "$FIRN_HOME" "$T/reference"
    names "$FIRN_HOME" >"$T/names"
    is "$(find "$FIRN_HOME/bases" -mindepth 1 -maxdepth 1 -type d | wc -l)" 1 \
        'a first build in a new home has the keys of all later ones'
}

# What is wrong is collected in $bad.
wrong() { bad+="$1"$'\n'"${2:-}"$'\n'; }

# Every file in the output directory is the one that the sidecar beside it means.
output_is_whole() {
    local file suffix sum
    for file in "$T/out/$1"/*.*; do
        suffix=${file##*.}
        [ -e "$file" ] && [ "$suffix" != json ] || continue
        sum=$(sha256sum "$file")
        grep -sA2 "\"$suffix\": {" "$T/out/$1/$1-1.0.json" | grep -q "${sum%% *}" ||
            wrong "out/$1: the .$suffix is not the sidecar's"
    done
}

# A build that is left alone succeeds, waits for nobody and gives what it always gives.
builds_alone() {
    local status=0 said
    said=$("$FIRN" build "$1.yaml" -o "$T/out/$1" 2>&1) || status=$?
    [ $status = 0 ] || wrong "$1: the build after it failed with $status" "$said"
    ! grep -q waiting <<<"$said" || wrong "$1: the build after it waits" "$said"
    diff -r "$T/out/$1" "$T/new/$1" >"$T/diff" || wrong "$1: the build after it gives another image" "$(cat "$T/diff")"
}

# Nothing is in the home that an undisturbed build would not have left, and what others use is equal.
nothing_is_left() {
    local made
    names "$FIRN_HOME" | diff "$T/names" - >"$T/diff" || wrong "the home has other names in it" "$(head -20 "$T/diff")"
    for made in bases mpy-cross; do
        diff -r -x base.json -x .sizes "$T/reference/$made" "$FIRN_HOME/$made" >"$T/diff" ||
            wrong "$made differs" "$(head -20 "$T/diff")"
    done
}
