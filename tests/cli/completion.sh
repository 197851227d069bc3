#!/bin/bash
# Completion in bash and zsh: commands, options, what options take, files, boards that are plugged in.
. "$(dirname "$0")/../tap.sh"
mkdir -p "$T/bin" "$T/in/lib.d"
ln -s "$FIRN" "$T/bin/firn"
PATH=$T/bin:$PATH
touch "$T/in"/{a.yaml,b.yml,a.dfu,a.hex,notes.txt,m.py,"with space.yaml"}
cd "$T/in" || exit 1

# ---- bash ----------------------------------------------------------------------------------------
# shellcheck source=../../completions/firn.bash
. "$TOP/completions/firn.bash"
commands=$("$FIRN" help | sed -nE '/^Common options:/q; s/^  ([a-z]+) .*/\1/p')
all=$({ echo "$commands"; echo help; } | sort | tr '\n' ' ')
# reply WORD...: the candidates, sorted, on one line
reply() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _firn "$1"
    [ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}
is "$(reply firn '')" "$all" 'bash: the commands'
is "$(reply firn --json '')" "$all" 'bash: also behind a common option'
is "$(reply firn b)" 'boards build ' 'bash: those that begin so'
is "$(reply firn help fl)" 'flash ' 'bash: of help'
is "$(reply firn help flash '')" '' 'bash: help takes one'
is "$(reply firn nonsense '')" '' 'bash: nothing for a command that is not there'
like "$(reply firn --)" '^--events= --help --json ' 'bash: the common options'
is "$(reply firn flash --w)" '--wait --wait= --with= ' 'bash: a value that has to be, and one that need not'
is "$(reply firn erase --ma)" '--mass ' 'bash: an option without one'
for command in $commands; do
    want=$("$FIRN" help "$command" | sed -nE 's/^ +(-[A-Za-z0-9], )?(--[a-z0-9][a-z0-9-]*).*/\2/p' | sort -u)
    is "$(reply firn "$command" -- | tr ' ' '\n' | sed 's/=$//' | sort -u | grep .)" "$want" "bash: the options of $command"
done
is "$(reply firn flash --enter '')" "$(reply firn flash --enter = '')" 'bash: --enter HOW and --enter=HOW are alike'
# The few words that the completion knows by itself are what the help says.
while read -r command option; do
    text=$("$FIRN" help "$command" | sed -n "/--$option=/,/ --/p")
    words=$(reply firn "$command" "--$option" '')
    ok "--$option: the completion has words" test -n "$words"
    for word in $words; do
        like "$text" "\\b$word\\b" "--$option: $word is in the help of $command"
    done
done <<'END'
flash enter
flash erase
image format
jobs state
token role
END
is "$(reply firn flash --with '')" 'dfu-util ' 'bash: a word that stands for itself'
is "$(reply firn build '')" 'a.yaml b.yml lib.d with space.yaml ' 'bash: manifests and directories'
is "$(reply firn flash a)" 'a.dfu a.hex a.yaml ' 'bash: images and manifests'
is "$(reply firn advise m)" 'm.py ' 'bash: Python files'
is "$(reply firn build -o '')" 'lib.d ' 'bash: directories for -o DIR'
is "$(reply firn build --output = '')" 'lib.d ' 'bash: directories for --output=DIR'
is "$(reply firn init -o n)" 'notes.txt ' 'bash: any file for FILE'
is "$(reply firn boards --source a)" 'a.yaml ' 'bash: an option that takes a manifest'
is "$(reply firn flash --wait = '')" '' 'bash: nothing where a number belongs'
is "$(reply firn flash --wait a)" 'a.dfu a.hex a.yaml ' 'bash: a value that need not be is not taken from the next word'
like "$(reply firn sim -- prov)" 'prove' 'bash: programs behind firn sim --'
cat >"$T/ports" <<'END'
. "$TOP/completions/firn.bash"
COMP_WORDS=(firn flash --path = '') COMP_CWORD=4
_firn firn
echo "${COMPREPLY[*]}"
END
export TOP
is "$("$FIRN" sim -n 2 --hubs=4 -- bash "$T/ports" 2>/dev/null)" '1-1.1 1-1.2' 'bash: the ports of the boards that are there'

# firnd, whose help is asked likewise
ln -s "$FIRND" "$T/bin/firnd"
COMP_WORDS=(firnd --c) COMP_CWORD=1
_firnd firnd
is "$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')" '--check --config= ' "bash: firnd's options"
COMP_WORDS=(firnd --config '=' '') COMP_CWORD=3
_firnd firnd
is "$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')" 'a.yaml b.yml lib.d with space.yaml ' 'bash: its configuration'

# ---- zsh -----------------------------------------------------------------------------------------
command -v zsh >/dev/null || { skip 'zsh is not installed: its completion is not tried'; done_testing; }
ok 'zsh: the syntax' zsh -n "$TOP/completions/_firn"
# A zsh on a terminal of its own; the list that it shows for each line of $T/lines, with "=== LINE".
cat >"$T/drive" <<'END'
zmodload zsh/zpty
zpty z zsh -f -i
# send TEXT; then wait until $T/done is there, 20 s at most
await() {
    local i
    for ((i = 0; i < 400; i++)); do
        [[ -e $T/done ]] && { rm $T/done; return }
        sleep 0.05
    done
    print "TIMEOUT"
    exit 1
}
output() { local part out=; while zpty -r -t z part; do out+=$part; done; print -r -- $out }
zpty -w z "PROMPT='> '; stty columns 150 rows 100; fpath=($TOP/completions \$fpath); autoload -U compinit; compinit -u -D; probe() { zle list-choices; touch $T/done }; zle -N probe; bindkey '^X' probe; touch $T/done"
await
output >/dev/null
while IFS= read -r line; do
    zpty -w -n z $line$'\C-x'
    await
    print -r -- "=== $line"
    output
    zpty -w -n z $'\C-u'
done <$T/lines
zpty -d z
END
cat >"$T/lines" <<'END'
firn 
firn flash --
firn flash --enter=
firn build 
firn build -o 
firnd --
END
export T
timeout 120 zsh -f "$T/drive" 2>&1 | sed 's/\x1b\[[^a-zA-Z]*[a-zA-Z]//g' | tr -d '\r\007' >"$T/lists"
is "$(grep -c '^=== ' "$T/lists")" 6 'zsh: it answered'
list() { awk -v line="=== $1" '/^=== / { on = $0 == line } on' "$T/lists"; }
for command in $commands; do
    like "$(list 'firn ')" "^$command +-- " "zsh: the command $command"
done
for option in $("$FIRN" help flash | sed -nE 's/^ +(-[A-Za-z0-9], )?(--[a-z0-9][a-z0-9-]*).*/\2/p'); do
    like "$(list 'firn flash --')" "^$option +-- " "zsh: the option $option"
done
like "$(list 'firn flash --enter=')" 'auto +detach +none +repl +touch1200' 'zsh: --enter='
like "$(list 'firn build ')" 'a.yaml +b.yml +lib.d/ +with space.yaml|a.yaml +b.yml +lib.d/ +with\\ space.yaml' 'zsh: manifests and directories'
unlike "$(list 'firn build ')" 'notes.txt' 'zsh: no other files'
like "$(list 'firn build -o ')" 'lib.d/' 'zsh: directories for -o DIR'
unlike "$(list 'firn build -o ')" 'a.yaml' 'zsh: and no files'
like "$(list 'firnd --')" '^--config +-- ' "zsh: firnd's options"
done_testing
