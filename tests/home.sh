# For tests that build: a FIRN_HOME whose sources, toolchains, cross compilers and ccache are the shared ones
# and whose images are its own, so that what the test builds was not built by an earlier run.
# shellcheck shell=bash
: "${FIRN_HOME:?set by make}"
own_home() { # DIR
    local shared=$FIRN_HOME name
    mkdir -p "$1"
    for name in git src mpy-cross toolchains facts evaluations ccache; do
        mkdir -p "$shared/$name"
        ln -s "$shared/$name" "$1/$name"
    done
    export FIRN_HOME=$1
}
