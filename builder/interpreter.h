/*
 * An interpreter that can be built: firmware-src/<name>.yaml. Everything port- and board-specific
 * that firn knows stands there, so that a new port or board is a YAML change.
 *
 * The file's format is documented at the head of firmware-src/micropython.yaml. Everything read
 * from it lives in the document's arena and dies with interpreter_free(); nothing is changed after
 * loading.
 */
#ifndef FIRN_BUILDER_INTERPRETER_H
#define FIRN_BUILDER_INTERPRETER_H

#include "base/yaml.h"
#include "image/elf_file.h"

struct make_var {
    const char *name;
    const char *value;
};

/* Symbols of the program that say where its heap and its stack are; each may be NULL. */
struct memory_def {
    const char *heap_start, *heap_end; /* without an end: heap_start is an array */
    const char *stack_start, *stack_end;
};

/* How a program in the emulator tells the time: Python. */
struct clock_def {
    const char *setup; /* statements, on one line; "" = none */
    const char
        *read; /* an expression: an integer, of which the lower bits count; NULL = no clock */
    unsigned long long bits, hz;
};

/* Another board, that there is an emulator for, on which modules are tried out instead. */
struct twin_def {
    const char *port, *board;    /* board NULL: there is none */
    const char *const *stubs;    /* modules that it lacks: NULL-ended, or NULL */
    const char *heap_var;        /* the make variable with the size of its heap */
    unsigned long long heap_max; /* bytes that there is room for */
};

/* How a port's or a board's output is compiled, flashed and emulated; a board's entry overrides its
 * port's field by field (make: name by name). */
struct target {
    const char *toolchain;            /* toolchains/<name>.yaml */
    uint16_t usb_vendor, usb_product; /* the boot loader's; 0 = not flashed over USB */
    const struct link_map *link_maps;
    size_t link_map_count;
    const char *emulator;             /* "qemu-system-arm", "native" (runs here) or NULL */
    const char *machine;              /* "netduino2", or NULL */
    const char *const *emulator_args; /* further arguments; NULL-ended, or NULL */
    struct clock_def clock;           /* of the emulated machine */
    struct twin_def twin;
    struct memory_def memory;
    const struct make_var *make; /* given to make before the manifest's config.make */
    size_t make_count;
    bool has_image; /* the output goes into flash (unix: it is a program) */
};

/* A boot loader that the port can build beside a program, and that then starts it: mboot. The _vars
 * are variables of its makefile. */
struct bootloader_def {
    const char *name;            /* "mboot" */
    const char *dir;             /* relative to the source */
    const char *elf;             /* relative to BUILD */
    const struct make_var *make; /* given to both */
    size_t make_count;
    const char *address_var;         /* where it lies */
    const char *program_address_var; /* where the program begins */
    const char *usb_vendor_var, *usb_product_var;
    const char *cflags;                                    /* for its compiler besides; "" = none */
    const char *version_section;                           /* of its ELF: what it calls itself */
    const char *storage_start_symbol, *storage_end_symbol; /* of the program: its file system in
                                                              flash; or NULL */
    const char *packing_var;    /* 1: it takes packed images only; given to both */
    const char *keys_var;       /* the header with its keys */
    const char *chunk_size_var; /* bytes of firmware in a packed image's chunk */
};

struct board_def {
    const char *name;
    struct target target; /* already merged over the port's */
};

struct port {
    const char *name;
    const char *dir;               /* "ports/qemu", relative to the source */
    const char *board_var;         /* "BOARD"; unix: "VARIANT"; NULL: make has no such thing */
    const char *board_dir_var;     /* "BOARD_DIR"; NULL: no boards out of the tree */
    const char *board_variant_var; /* "BOARD_VARIANT" or NULL */
    const char *boards_dir;    /* "ports/qemu/boards": every directory there is a board; or NULL */
    const char *default_board; /* or NULL */
    const char *elf;           /* what make leaves, relative to BUILD: "firmware.elf" */
    const char *cflags_var;    /* the make variable that only adds flags: "CFLAGS_EXTRA" */
    const char *config_header; /* "mpconfigport.h" */
    bool frozen;               /* can it freeze modules? */
    const char *const *board_files;     /* what a board's directory holds: names, in which $(NAME)
                                           is a variable of its makefile; the first makes it a
                                           board; NULL-ended, never NULL */
    const char *const *board_file_vars; /* variables of its makefile that name further files;
                                           NULL-ended, never NULL */
    const char *board_variant_files;    /* "mpconfigvariant_*.mk" or NULL */
    const char *board_usb_macro;   /* 1 in the board's header when its USB is in use; or NULL */
    const char *const *submodules; /* always needed, NULL-ended; never NULL */
    const struct make_var *submodules_if; /* name: one that the makefile lists in any case, value:
                                             the make variable that is 1 when it is needed */
    size_t submodule_if_count;
    const struct bootloader_def *bootloader; /* or NULL */
    struct target target;
    struct board_def *boards;
    size_t board_count;
    const char *const *board_names; /* known without looking into boards_dir; sorted, NULL-ended */
};

struct interpreter {
    struct ydoc doc;
    const char *name;        /* the file's name without .yaml */
    const char *upstream;    /* canonical URL, for messages and firn init */
    const char *default_ref; /* for firn init */
    const char *library;     /* "lib/micropython-lib": the submodule that require needs */
    const char *python;      /* "python3" */
    const char *mpy_cross_dir;
    const char *rules_file;            /* "py/mkrules.mk": builder/make_rules.h; or NULL */
    const char *const *rules_left_out; /* lines of its recipes; NULL-ended, never NULL */
    struct port *ports;
    size_t port_count;
};

/* Load data_dir/firmware-src/<name>.yaml; NULL with errors in diags. A name without such a file is
 * one error that lists the interpreters there are. */
struct interpreter *interpreter_load(const char *data_dir, const char *name,
                                     struct diags *diags) MUST_CHECK;
void interpreter_free(struct interpreter *interpreter);
static inline void interpreter_free_ptr(struct interpreter **i)
{
    interpreter_free(*i);
}

/* All of these are borrowed from the interpreter; NULL when there is none. */
const struct port *interpreter_port(const struct interpreter *interpreter, const char *name);
/* Can a manifest name a board, a port or a variant like this? Letters, digits, '_', '-', '+' and
 * '.'. Whatever else a source has is passed over. */
bool interpreter_is_name(const char *name);
/* Is that directory a board of the port? It is if it holds the first of the port's board_files:
 * others hold for instance the linker scripts that boards share. */
bool interpreter_is_board(const struct port *port, const char *dir);
/* Add the names of the port's boards, sorted: with source_dir those in that checkout's boards_dir,
 * else, or for a port without one, those that the YAML lists. */
void interpreter_list_boards(const struct port *port, const char *source_dir, struct strv *names);
/* The port with a board of this name: as the YAML lists it, else (source_dir not NULL) as a
 * directory of a port's boards_dir in that checkout. NULL when none or several have one: *matches
 * is how many. */
const struct port *interpreter_find_board(const struct interpreter *interpreter,
                                          const char *source_dir, const char *board,
                                          size_t *matches);
/* The nearest name among all boards (port NULL: of every port), as text_nearest(). */
const char *interpreter_nearest_board(const struct interpreter *interpreter,
                                      const struct port *port, const char *board);
/* The board's target; the port's for a board that the YAML does not know. */
const struct target *interpreter_target(const struct port *port, const char *board);

#endif
