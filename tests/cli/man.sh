#!/bin/bash
# The man pages say what there is, all of it and no more: commands and options of `firn help`, the keys
# of the manifest's schema and of docs/firnd.md; and they are well-formed.
. "$(dirname "$0")/../tap.sh"
cd "$TOP/man" || exit 1

# The options that a help text describes, those that a line begins with, "  -o, --output=FILE ...": the long
# name, then the short one.
options_of_help() {
    sed -nE 's/^ +(-[A-Za-z0-9])?,? *--([a-z0-9][a-z0-9-]*).*/--\2 \1/p' | sort -u
}
# The same of a man page's lines: ".It Fl o , -output Ns = ...".
options_of_man() {
    sed -nE 's/^\.It Fl (([A-Za-z0-9]) , )?-([a-z0-9][a-z0-9-]*).*/--\3 \2/p' |
        sed -E 's/ ([A-Za-z0-9])$/ -\1/' | sort -u
}
# section FROM PAGE: the lines below ".Ss FROM" or ".Sh FROM", up to the next
section() {
    awk -v from="$1" '/^\.S[sh] / { in_it = ($0 " ") ~ ("^[.]S[sh] " from " ") } in_it' "$2"
}

# ---- firn.1 --------------------------------------------------------------------------------------
"$FIRN" help >"$T/help"
sed -n '/^Common options:/,$p' "$T/help" | options_of_help >"$T/common"
sed -nE '/^Common options:/q; s/^  ([a-z]+) .*/\1/p' "$T/help" | sort >"$T/commands"
sed -nE 's/^\.Ss firn ([a-z]+).*/\1/p' firn.1 | sort >"$T/in-man"
ok 'firn help lists commands' test "$(wc -l <"$T/commands")" -ge 20
same "$T/in-man" "$T/commands" 'firn.1 has the commands of firn help, each once'
section 'COMMON OPTIONS' firn.1 | options_of_man >"$T/in-man"
same "$T/in-man" "$T/common" 'firn.1: the common options'

while read -r command; do
    "$FIRN" help "$command" | sed '/^Common options:/,$d' | options_of_help >"$T/options"
    section "firn $command" firn.1 >"$T/section"
    {
        options_of_man <"$T/section"
        # Options that several commands have stand in a section of their own.
        sed -nE 's/^\.Sx (CHOOSING [A-Z ]*[A-Z]).*/\1/p' "$T/section" | while read -r shared; do
            section "$shared" firn.1 | options_of_man
        done
    } | sort -u >"$T/in-man"
    same "$T/in-man" "$T/options" "firn.1: the options of firn $command"
    "$FIRN" help "$command" | grep -oE '\$[A-Z_]{3,}' | tr -d '$' >>"$T/variables"
done <"$T/commands"
section ENVIRONMENT firn.1 | sed -nE 's/^\.It Ev //p' | tr -d ' ' | tr ',' '\n' | sort >"$T/in-man"
is "$(sort -u "$T/variables" | comm -23 - "$T/in-man")" '' 'firn.1: every variable that a help names is in ENVIRONMENT'
ok '... and there are some' test "$(sort -u "$T/variables" | wc -l)" -ge 4

# ---- firn-manifest.5, firnd.yaml.5 ---------------------------------------------------------------
keys_of_man() { sed -nE 's/^\.It Ic ([a-z0-9_.]+)$/\1/p' "$1"; }

"$FIRN" validate --schema >"$T/schema.json"
python3 - "$T/schema.json" <<'END' | sort -u >"$T/keys"
import json, sys

def keys(schema, path):
    """Every key that a mapping of this schema may have, also in its lists, choices and mappings."""
    for name, value in schema.get("properties", {}).items():
        print(path + name)
        keys(value, path + name + ".")
    for inner in [schema.get("items"), schema.get("additionalProperties"), *schema.get("oneOf", [])]:
        if isinstance(inner, dict):
            keys(inner, path)

keys(json.load(open(sys.argv[1])), "")
END
ok 'the schema has keys' test "$(wc -l <"$T/keys")" -ge 50
keys_of_man firn-manifest.5 | sort >"$T/in-man"
same "$T/in-man" "$T/keys" 'firn-manifest.5 has the keys of the schema, each once'

# The examples in docs/firnd.md have every key, nested by two spaces or as {a: 1, b: 2}.
python3 - "$TOP/docs/firnd.md" <<'END' | sort -u >"$T/keys"
import re, sys

def yaml_lines(path):
    inside = False
    for line in open(path):
        if line.startswith("```"):
            inside = line.startswith("```yaml")
        elif inside and line.split("#")[0].strip():
            yield re.sub(r"\s#.*", "", line.rstrip())

above = ""
for line in yaml_lines(sys.argv[1]):
    indent, key, value = re.match(r"( *)([a-z_]+): *(.*)", line).groups()
    if not indent:
        above = key + "."
    name = above + key if indent else key
    # A mapping that is no more than the head of those below it is not described by itself.
    if value and not (value.startswith("{") and not indent):
        print(name)
    # Whose keys are users' names.
    if name != "listen.users" and value.startswith("{"):
        for inner in re.findall(r"([a-z_]+):", re.sub(r'"[^"]*"', "", value)):
            print(name + "." + inner)
END
ok 'docs/firnd.md has keys' test "$(wc -l <"$T/keys")" -ge 25
keys_of_man firnd.yaml.5 | sort >"$T/in-man"
same "$T/in-man" "$T/keys" 'firnd.yaml.5 has the keys of docs/firnd.md, each once'

# ---- firnd.8 -------------------------------------------------------------------------------------
: "${FIRND:?set by make}"
if [ -x "$FIRND" ]; then
    "$FIRND" --help | options_of_help >"$T/options"
    options_of_man <firnd.8 >"$T/in-man"
    same "$T/in-man" "$T/options" 'firnd.8: the options of firnd --help'
else
    skip "there is no $FIRND: its options are not compared with firnd.8"
fi

# ---- form ----------------------------------------------------------------------------------------
if command -v man >/dev/null && command -v groff >/dev/null; then
    for page in *; do
        # At a width at which no word has to be broken.
        is "$(MANWIDTH=100 man --warnings -l "$page" 2>&1 >/dev/null)" '' "man --warnings: $page"
    done
else
    skip 'man (man-db) is not installed: the pages are not formatted by groff'
fi
if command -v mandoc >/dev/null; then
    # That a page which these refer to is not installed here says nothing about them.
    for page in *; do
        is "$(mandoc -Tlint -W style "$page" 2>&1 | grep -v -e 'referenced manual not found' -e 'outdated mandoc.db')" '' \
            "mandoc -Tlint: $page"
    done
else
    skip 'mandoc is not installed (make lint installs it): the pages are not checked by it'
fi
done_testing
