#!/bin/bash
# scripts/terminal-svg: what a recording leaves on the screen becomes the picture.
. "$(dirname "$0")/../tap.sh"

printf 'Script started on today [COLUMNS="20"]\n' >"$T/rec"
{
    printf '\e[1m$ firn <build>\e[0m\r\n'
    printf '  \e[36m███\e[0m▏ 1/2\e[K\r\n\e[1A\e[J' # a bar that is drawn over
    printf '\e[32m✓\e[0m compile \e[2m3 s\e[0m\r\n'
    printf 'abc\rX\r\n0123456789012345678901234'
    printf '\nScript done on today [COMMAND_EXIT_CODE="0"]\n'
} >>"$T/rec"
texts() { sed -nE 's/^<text x="([0-9.]+)" y="([0-9]+)" textLength="[0-9.]+"([^>]*)>(.*)<\/text>$/\1 \2\3 \4/p' "$T/svg"; }

"$TOP/scripts/terminal-svg" --columns 20 --title 'make demo' "$T/rec" >"$T/svg"
is "$?" 0 'draws'
is "$(texts)" '18.0 50 font-weight="bold" $ firn &lt;build&gt;
18.0 69 fill="#7bd88f" ✓
34.8 69 compile
102.0 69 fill="#7b8a9a" 3 s
18.0 88 Xbc
18.0 107 01234567890123456789
18.0 126 01234' 'what is on the screen at the end, and nothing else'
ok 'it is well-formed' python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$T/svg"
"$TOP/scripts/terminal-svg" --columns 20 --title 'make demo' "$T/rec" >"$T/again"
same "$T/again" "$T/svg" 'the same again'
done_testing
