/*
 * What boards are when they run: for whoever starts a simulation.
 */
#ifndef FIRN_SIMULATOR_RUNTIME_OPTIONS_H
#define FIRN_SIMULATOR_RUNTIME_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum runtime_kind {
    RUNTIME_NONE, /* it runs, and is not on the bus */
    RUNTIME_CDC,  /* a serial port with a REPL */
    RUNTIME_DFU,  /* a DFU interface in runtime mode */
    RUNTIME_BOTH,
};

struct runtime_options {
    enum runtime_kind kind;
    bool will_detach; /* DFU: leaves the bus after DETACH, without a reset */
};

/* For all boards of a bench. Zero: not on the bus. */
struct bench_runtime {
    struct runtime_options options;
    bool by_model;    /* plain DFU devices are RUNTIME_DFU, whatever the options say */
    uint32_t boot_ms; /* from a disconnection until a board is back */
    bool running;     /* boards begin running, whatever their flash holds */
};

/* "cdc", "dfu", "both", "none". */
bool runtime_kind_parse(const char *name, enum runtime_kind *kind);

#endif
