# Completion of firn and firnd for bash. Commands, options and what they take are read from the program's
# own help each time (two milliseconds), so that nothing here can go stale; boards' ports come from
# `firn devices`.
# shellcheck shell=bash

# _firn_words COMMAND...: what it prints, as candidates for $cur
_firn_words() {
    local IFS=$'\n'
    # shellcheck disable=SC2207 # one a line
    COMPREPLY+=($(compgen -W "$("$@" 2>/dev/null)" -- "$cur"))
}

# _firn_files [PATTERN...]: directories, and files whose names match an extended glob (all without one)
_firn_files() {
    local IFS=$'\n' path
    compopt -o filenames 2>/dev/null
    # shellcheck disable=SC2207 # one a line
    COMPREPLY+=($(compgen -d -- "$cur"))
    while read -r path; do
        [[ -d $path || ( $# != 0 && ! $path =~ $1 ) ]] || COMPREPLY+=("$path")
    done < <(compgen -f -- "$cur")
}

_firn_commands() { "$1" help | sed -nE '/^Common options:/q; s/^  ([a-z]+) .*/\1/p'; }

# Each option that the help on standard input describes, as "--name", "--name=METAVAR" or
# "--name[=METAVAR]".
_firn_options() { sed -nE 's/^ +(-[A-Za-z0-9], )?(--[a-z0-9][a-z0-9-]*(\[?=[^] ]+\]?)?).*/\2/p'; }

# The same as candidates: "--name=" where a value has to follow, both where it may.
_firn_option_words() {
    _firn_options | sed -nE 's/^(--[a-z0-9-]+)$/\1/p; s/^(--[a-z0-9-]+)=.*/\1=/p; s/^(--[a-z0-9-]+)\[=.*/\1\n\1=/p'
}

# _firn_metavar OPTION SIGN: what an option takes, by its long or short name: FILE of "-o, --output=FILE".
# SIGN is "=" if one stands behind the option; without, a value that may be left out is none.
_firn_metavar() {
    local may_be_left_out=${2:+'\[?'}
    sed -nE "s/^ +(-[A-Za-z0-9], )?$1$may_be_left_out=([^] ]+).*/\2/p
             s/^ +$1, --[a-z0-9-]+$may_be_left_out=([^] ]+).*/\1/p" | head -n 1
}

_firn_ports() {
    "$1" devices --json | sed -nE '/"event": ?"result"/s/"path": ?"([^"]+)"/\n\1\n/gp' |
        grep -xE '[0-9]+-[0-9.]+'
}

# _firn_value PROGRAM OPTION METAVAR: candidates for what an option takes
_firn_value() {
    case $2=$3 in
    --path=*) _firn_words _firn_ports "$1" ;;
    --on-device=*) _firn_words compgen -G '/dev/ttyACM*' ;;
    --enter=*) _firn_words printf '%s\n' auto detach repl touch1200 none ;;
    --erase=*) _firn_words printf '%s\n' needed all mass ;;
    --format=*) _firn_words printf '%s\n' dfuse dfu hex bin ;;
    --role=*) _firn_words printf '%s\n' view operate engineer ;;
    --state=*) _firn_words printf '%s\n' queued running 'done' failed cancelled interrupted ;;
    *=MANIFEST) _firn_files '\.ya?ml$' ;;
    *=FILE | *=OUT | *=OTHER) _firn_files ;;
    *=DIR) _firn_files '^$' ;;
    *=*[a-z]*) _firn_words printf '%s\n' "$3" ;; # a word that stands for itself: --with=dfu-util
    esac
}

# _firn_operand USAGE: candidates for what the command takes besides options
_firn_operand() {
    case $1 in
    *MANIFEST\|FILE.py*) _firn_files '\.(ya?ml|py)$' ;;
    *MANIFEST\|IMAGE* | *IMAGE\|MANIFEST*) _firn_files '\.(ya?ml|dfu|hex|bin|elf|json)$' ;;
    *MANIFEST*) _firn_files '\.ya?ml$' ;;
    *'firn image FILE'*) _firn_files '\.(dfu|hex|bin|elf)$' ;;
    *FILE*) _firn_files ;;
    esac
}

# The command of this command line, if there is one before the word that is completed, in $command, and
# where in $command_at.
_firn_find_command() {
    for ((command_at = 1; command_at < COMP_CWORD; command_at++)); do
        command=${COMP_WORDS[command_at]}
        [[ $command == [a-z]* ]] && return
    done
    command=
}

# What stands behind "firn sim --" is a command line of its own.
_firn_other_command() {
    local i
    for ((i = command_at; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] || continue
        if declare -F _command_offset >/dev/null; then
            _command_offset $((i + 1))
        elif ((i + 1 == COMP_CWORD)); then
            _firn_words compgen -c -- "$cur"
        fi
        return 0
    done
    return 1
}

_firn() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command command_at option='' sign='' metavar='' help
    COMPREPLY=()
    # bash takes "--path=1-1" for three words.
    if [[ $cur == = ]]; then
        cur='' sign='=' option=$before
    elif [[ $before == = ]]; then
        sign='=' option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [[ $before == -?* ]]; then
        option=$before
    fi
    _firn_find_command
    if [[ $command == help ]]; then
        [[ $COMP_CWORD != $((command_at + 1)) ]] || _firn_words _firn_commands "$1"
        return
    fi
    if [[ ! $command ]]; then
        if [[ $cur == -* ]]; then
            _firn_words _firn_option_words < <("$1" help 2>/dev/null)
        elif [[ ! $sign ]]; then
            _firn_words _firn_commands "$1"
            _firn_words echo help
        fi
        _firn_no_space
        return
    fi
    _firn_other_command && return
    help=$("$1" help "$command" 2>/dev/null) || return 0
    [[ ! $option ]] || metavar=$(_firn_metavar "$option" "$sign" <<<"$help")
    if [[ $metavar ]]; then
        _firn_value "$1" "$option" "$metavar"
    elif [[ $cur == -* ]]; then
        _firn_words _firn_option_words <<<"$help"
        _firn_no_space
    elif [[ ! $sign ]]; then
        _firn_operand "$(head -n 1 <<<"$help")"
    fi
}

# No space behind "--path=".
_firn_no_space() {
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}

_firnd() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    [[ $cur != = ]] || cur=
    if [[ $before == --config || $before == = || ${COMP_WORDS[COMP_CWORD]} == = ]]; then
        _firn_files '\.ya?ml$'
    else
        _firn_words _firn_option_words < <("$1" --help 2>/dev/null)
        _firn_no_space
    fi
}

complete -F _firn firn
complete -F _firnd firnd
