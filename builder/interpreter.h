/*
 * An interpreter that can be built: firmware-src/<name>.yaml. Everything port- and board-specific
 * that firn knows stands there, so that a new port or board is a YAML change.
 *
 * The file's format is documented at the head of firmware-src/micropython.yaml.
 */
#ifndef FIRN_BUILDER_INTERPRETER_H
#define FIRN_BUILDER_INTERPRETER_H

#include "base/yaml.h"
#include "image/elf_file.h"

struct make_var {
    const char *name;
    const char *value;
};

/* How a port's or a board's output is flashed and emulated; a board's entry overrides its port's
 * field by field. */
struct target {
    uint16_t usb_vendor, usb_product; /* 0 = not flashed over USB */
    struct link_map *link_maps;
    size_t link_map_count;
    const char *emulator; /* "qemu-system-arm" or "native" or NULL */
    const char *machine;  /* "netduino2" */
    struct make_var *make;
    size_t make_count;
};

struct board_def {
    const char *name;
    struct target target;
};

struct port {
    const char *name;
    const char *dir;       /* "ports/qemu", relative to the source */
    const char *board_var; /* "BOARD"; unix: "VARIANT" */
    const char *boards_dir; /* "ports/qemu/boards", "ports/unix/variants"; NULL: the port has none */
    const char *board_variant_var; /* "BOARD_VARIANT" or NULL */
    const char *default_board; /* or NULL */
    const char *toolchain;
    const char *output_elf; /* "firmware.elf", relative to BUILD */
    const char *qstr_defs;  /* "qstrdefsport.h": the port's own, to be repeated */
    const char *config_header; /* "mpconfigport.h" */
    bool frozen;               /* can it freeze modules */
    const char *default_manifest; /* for FREEZE_BOARD when the board has none, or NULL */
    const char *const *submodules; /* always needed; NULL-ended */
    const char *const *libraries;  /* Debian packages needed on the host, NULL-ended */
    bool has_image;                /* produces something for flash (unix does not) */
    struct target target;
    struct board_def *boards;
    size_t board_count;
};

struct interpreter {
    struct ydoc doc;
    const char *name;
    const char *upstream;    /* canonical URL, for messages and firn init */
    const char *default_ref; /* for firn init */
    const char *mpy_cross_dir;
    const char *python; /* "python3" */
    struct port *ports;
    size_t port_count;
};

struct interpreter *interpreter_load(const char *data_dir, const char *name,
                                     struct diags *diags) MUST_CHECK;
void interpreter_free(struct interpreter *interpreter);
static inline void interpreter_free_ptr(struct interpreter **i)
{
    interpreter_free(*i);
}
const struct port *interpreter_port(const struct interpreter *interpreter, const char *name);
/* The board's target merged over the port's. board may be unknown to the YAML. */
struct target interpreter_target(const struct port *port, const char *board);

#endif
