# For tests that build: a FIRN_HOME whose sources, toolchains, cross compilers and ccache are the shared ones
# and whose images are its own, so that what the test builds was not built by an earlier run. More that is
# to be shared is named: bases, for tests that any base will do for.
# shellcheck shell=bash
: "${FIRN_HOME:?set by make}"
own_home() { # DIR [NAME...]
    local shared=$FIRN_HOME name
    mkdir -p "$1"
    for name in git src mpy-cross toolchains facts evaluations ccache "${@:2}"; do
        mkdir -p "$shared/$name"
        ln -s "$shared/$name" "$1/$name"
    done
    export FIRN_HOME=$1
}

# Definitions of its own, with the interpreter "fake" of one port, whose boards freeze nothing. More
# lines about the port may follow in the file.
fake_port() {
    export FIRN_DATA=$T/data
    mkdir -p "$FIRN_DATA/firmware-src"
    cp -r "$TOP/toolchains" "$FIRN_DATA/"
    cat >"$FIRN_DATA/firmware-src/fake.yaml" <<'END'
upstream: https://example.org/fake.git
default_ref: v1
mpy_cross: cross
library: lib
python: python3
ports:
  fake:
    dir: port
    boards_dir: port/boards
    board_var: BOARD
    board_dir_var: BOARD_DIR
    board_files: [board.mk]
    elf: firmware.elf
    cflags_var: CFLAGS_EXTRA
    config_header: config.h
    frozen: false
    toolchain: arm-none-eabi
END
}
