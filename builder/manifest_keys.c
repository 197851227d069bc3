#include "builder/manifest_keys.h"

#define AT(member) offsetof(struct manifest, member)
#define ENTRY(member) offsetof(struct freeze_entry, member)
#define NAMES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/* No control characters: nothing that a person writes in one line needs them. */
#define PLAIN_PATTERN "^[^\x01-\x1f\x7f]+$"
#define NAME_PATTERN "^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
#define NAME_WORDS "letters, digits, '_', '-', '+' and '.'"
#define NAME .pattern = NAME_PATTERN, .expected = NAME_WORDS
#define PATH .pattern = PLAIN_PATTERN, .expected = "a path"

static const struct key firmware_keys[] = {
    {"interpreter", "The interpreter to build: the name of a file in firmware-src.", KEY_STRING,
     .offset = AT(firmware.interpreter), NAME, .fallback = "micropython"},
    {"git", "URL of the repository that holds the interpreter's sources.", KEY_STRING,
     .offset = AT(firmware.git), .node = AT(firmware.git_node), .needs = "ref",
     .pattern = "^([a-z][a-z0-9+.-]*://|/|[^ /@]+@[^ /:]+:)[^ \x01-\x1f\x7f]+$",
     .expected = "a URL such as https://github.com/micropython/micropython.git"},
    {"ref", "Tag, branch or commit to build.", KEY_TEXT, .offset = AT(firmware.ref),
     .node = AT(firmware.ref_node), .needs = "git", .pattern = "^[A-Za-z0-9_][A-Za-z0-9._/+@-]*$",
     .expected = "a tag, branch or commit"},
    {"archive", "URL of an archive of the sources (tar or zip), instead of git and ref.",
     KEY_STRING, .offset = AT(firmware.archive), .node = AT(firmware.archive_node),
     .pattern = "^[a-z]+://[^ \x01-\x1f\x7f]+$",
     .expected = "a URL such as https://example.org/micropython-1.25.0.tar.xz"},
    {"sha256", "The archive's SHA-256; without it, what comes first is recorded.", KEY_TEXT,
     .offset = AT(firmware.sha256), .needs = "archive", .pattern = "^[0-9a-f]{64}$",
     .expected = "64 hexadecimal digits, in lower case"},
    {"path", "A directory with the sources, instead of git and ref: nothing is fetched or pinned.",
     KEY_STRING, .offset = AT(firmware.path), PATH},
    {0},
};
static const struct key_table firmware_table = {
    .name = "firmware", .keys = firmware_keys, .one_of = NAMES("git", "archive", "path")};

static const struct key board_keys[] = {
    {"port", "The interpreter's port; needed where several ports have a board of this name.",
     KEY_STRING, .offset = AT(board.port), .node = AT(board.port_node), NAME},
    {"name", "The board's name in its port.", KEY_STRING, .offset = AT(board.name),
     .node = AT(board.name_node), NAME},
    {"variant", "The board's variant, as the port's BOARD_VARIANT.", KEY_STRING,
     .offset = AT(board.variant), .node = AT(board.variant_node), NAME},
    {"dir", "The directory of a board that is not in the port.", KEY_STRING,
     .offset = AT(board.dir), .node = AT(board.dir_node), .needs = "port", PATH},
    {0},
};
static const struct key_table board_table = {
    .name = "board", .keys = board_keys, .shorthand = "name", .one_of = NAMES("name", "dir")};

#define RANGE_PATTERN "(>=|<=|>|<|==?)? *[0-9]+([.][0-9]+){0,3}"
static const struct key toolchain_keys[] = {
    {"name", "The name of a file in toolchains.", KEY_STRING, .required = true,
     .offset = AT(toolchain.name), NAME},
    {"version", "Which versions are good: '12.2', '>=12' or '>=12,<14'.", KEY_TEXT,
     .offset = AT(toolchain.version), .pattern = "^" RANGE_PATTERN "(, *" RANGE_PATTERN ")*$",
     .expected = "a range such as '>=12,<14'"},
    {"from",
     "Only the one on PATH, or only the one that firn downloads; default: PATH's if it is "
     "good, else the other.",
     KEY_STRING, .offset = AT(toolchain.from), .values = NAMES("path", "download")},
    {0},
};
static const struct key_table toolchain_table = {
    .name = "toolchain", .keys = toolchain_keys, .shorthand = "name"};

#define MODULE_PATTERN "[A-Za-z_][A-Za-z0-9_]*"
static const struct key check_keys[] = {
    {"imports", "Modules to import, in this order, in the emulator.", KEY_STRINGS,
     .offset = AT(check.imports), .min = 1,
     .pattern = "^" MODULE_PATTERN "([.]" MODULE_PATTERN ")*$", .expected = "a module's name"},
    {"skip", "Modules that are not imported by themselves, as one that runs for ever.", KEY_STRINGS,
     .offset = AT(check.skip), .min = 1, .pattern = "^" MODULE_PATTERN "([.]" MODULE_PATTERN ")*$",
     .expected = "a module's name"},
    {"expect", "Text that must be in what the imports print.", KEY_STRING,
     .offset = AT(check.expect)},
    {0},
};
static const struct key_table check_table = {.name = "check", .keys = check_keys};

static const struct reserved_name reserved_makes[] = {
    {"BOARD", "it follows from board:"},
    {"BOARD_DIR", "it follows from board: {dir: ...}"},
    {"BOARD_VARIANT", "it follows from board: {variant: ...}"},
    {"VARIANT", "it follows from board:"},
    {"VARIANT_DIR", "it follows from board: {dir: ...}"},
    {"BUILD", "firn chooses the build directory"},
    {"FROZEN_MANIFEST", "it follows from frozen:"},
    {"FROZEN_DIR", "use freeze_as_str in frozen:"},
    {"FROZEN_MPY_DIR", "use freeze_as_mpy in frozen:"},
    {"QSTR_DEFS", "it follows from qstrs:"},
    {"USER_C_MODULES", "it follows from c_modules:"},
    {"CFLAGS_EXTRA", "it carries config: {defines: ...}"},
    {"CROSS_COMPILE", "it follows from toolchain:"},
    {"CC", "it follows from toolchain:"},
    {"CXX", "it follows from toolchain:"},
    {"AS", "it follows from toolchain:"},
    {"LD", "it follows from toolchain:"},
    {"MICROPY_MPYCROSS", "firn builds the cross compiler from the same sources"},
    {"MICROPY_MPYCROSS_DEPENDENCY", "firn builds the cross compiler from the same sources"},
    {"MICROPY_GIT_TAG", "it follows from firmware:"},
    {"MICROPY_GIT_HASH", "it follows from firmware:"},
    {"MPY_LIB_DIR", "it follows from firmware:"},
    {"PYTHON", "the interpreter's definition names it"},
    {"TOP", "the port's Makefile sets it"},
    {"SHELL", "recipes run in the build's own shell"},
    {"MAKEFLAGS", "firn chooses make's options"},
    {0},
};

static const struct key config_keys[] = {
    {"defines", "C macros that override the port's and the board's configuration.", KEY_VALUES,
     .offset = AT(defines), .count = AT(define_count), .name_pattern = "^" MODULE_PATTERN "$",
     .pattern = "^([^\x01-\x1f\x7f]*[^\x01-\x1f\x7f\\\\])?$",
     .expected = "one line that does not end with a backslash"},
    {"make", "Variables for the port's Makefile.", KEY_VALUES, .offset = AT(make),
     .reserved = reserved_makes, .count = AT(make_count), .name_pattern = "^" MODULE_PATTERN "$",
     .pattern = "^[^$`;&|<>\x01-\x1f\x7f]*$",
     .expected = "one line without $ ` ; & | < >, which make and its shell would run"},
    {0},
};
static const struct key_table config_table = {.name = "config", .keys = config_keys};

#define BUDGET(kind)                                                                               \
    .offset = AT(budget.value[BUDGET_##kind]), .given = AT(budget.given[BUDGET_##kind]),           \
    .node = AT(budget.node[BUDGET_##kind])
static const struct key budget_keys[] = {
    {"flash", "Most bytes of flash that the image may take.", KEY_SIZE, BUDGET(FLASH)},
    {"ram_after_import", "Most bytes of heap in use after the check's imports.", KEY_SIZE,
     BUDGET(RAM_AFTER_IMPORT)},
    {"heap_free", "Fewest bytes of heap left after the check's imports.", KEY_SIZE,
     BUDGET(HEAP_FREE)},
    {"import_ms", "Most milliseconds that the check's imports may take.", KEY_COUNT,
     BUDGET(IMPORT_MS)},
    {"qstrs_in_ram", "Most qstrs that the check's imports may leave in RAM.", KEY_COUNT,
     BUDGET(QSTRS_IN_RAM)},
    {"modules", "Limits of single frozen modules.", KEY_BUDGETS, .offset = AT(module_budgets),
     .count = AT(module_budget_count),
     .name_pattern = "^" MODULE_PATTERN "([.]" MODULE_PATTERN ")*$"},
    {0},
};
static const struct key_table budget_table = {.name = "budget", .keys = budget_keys};

#define MODULE_BUDGET(kind)                                                                        \
    .offset = offsetof(struct module_budget, limits.value[BUDGET_##kind]),                         \
    .given = offsetof(struct module_budget, limits.given[BUDGET_##kind]),                          \
    .node = offsetof(struct module_budget, limits.node[BUDGET_##kind])
static const struct key module_budget_keys[] = {
    {"flash", "Most bytes of flash that the module may take.", KEY_SIZE, MODULE_BUDGET(FLASH)},
    {"ram_after_import", "Most bytes of heap that its import may take, with all that it imports.",
     KEY_SIZE, MODULE_BUDGET(RAM_AFTER_IMPORT)},
    {"import_ms", "Most milliseconds that its import may take.", KEY_COUNT,
     MODULE_BUDGET(IMPORT_MS)},
    {"qstrs_in_ram", "Most qstrs that its import may leave in RAM.", KEY_COUNT,
     MODULE_BUDGET(QSTRS_IN_RAM)},
    {0},
};
const struct key_table module_budget_table = {.name = "a module's budget",
                                              .keys = module_budget_keys};

static const struct key flash_keys[] = {
    {"usb", "The bootloader's USB vendor and product id; default: the board's own.", KEY_USB,
     .offset = AT(flash.vendor), .pattern = "^[0-9a-fA-F]{4}:[0-9a-fA-F]{4}$",
     .expected = "four hexadecimal digits, a colon and four more, such as \"0483:df11\""},
    {"enter", "How a running board is brought into its bootloader.", KEY_STRING,
     .offset = AT(flash.enter), .fallback = "auto",
     .values = NAMES("auto", "detach", "repl", "touch1200", "none")},
    {0},
};
static const struct key_table flash_table = {.name = "flash", .keys = flash_keys};

static const struct key firnd_keys[] = {
    {"auto_build", "Build when the manifest, or a file beside it, has changed.", KEY_BOOL,
     .offset = AT(firnd.auto_build), .given = AT(firnd.auto_build_given)},
    {"follow", "How often to look whether firmware's ref has moved.", KEY_STRING,
     .offset = AT(firnd.follow), .values = NAMES("never", "hourly", "daily")},
    {"memory", "What a build needs of the machine's memory.", KEY_AMOUNT,
     .offset = AT(firnd.memory), .min = 64, .max = 64L * 1024,
     .expected = "an amount from 64M to 64G"},
    {"cores", "How many of the machine's cores a build is to have.", KEY_INTEGER,
     .offset = AT(firnd.cores), .min = 1, .max = 256},
    {0},
};
static const struct key_table firnd_table = {.name = "firnd", .keys = firnd_keys};

static const struct key mboot_keys[] = {
    {"build", "Build it; the default once mboot: is there.", KEY_BOOL, .offset = AT(mboot.build),
     .given = AT(mboot.given)},
    {"keys",
     "The header with the keys that mboot_pack_dfu.py generated: mboot takes only what was signed "
     "with them.",
     KEY_STRING, .offset = AT(mboot.keys), .node = AT(mboot.keys_node), PATH},
    {0},
};
static const struct key_table mboot_table = {
    .name = "mboot", .keys = mboot_keys, .shorthand = "build"};

static const struct key manifest_keys[] = {
    {"firn", "Version of this format.", KEY_INTEGER, .required = true, .min = 1, .max = 1},
    {"product", "The product's name: of the image, in the banner and in the records.", KEY_STRING,
     .required = true, .offset = AT(product), .pattern = "^[a-z0-9][a-z0-9_-]{0,63}$",
     .expected = "up to 64 of a-z, 0-9, '_' and '-', beginning with a letter or digit"},
    {"version", "The product's version: in the banner, the image and the release.", KEY_TEXT,
     .required = true, .offset = AT(version), .pattern = "^[!-.0-~]{1,64}$",
     .expected = "up to 64 printable ASCII characters without spaces or '/'"},
    {"firmware", "The interpreter's sources: git and ref, archive, or path.", KEY_MAPPING,
     .required = true, .node = AT(firmware.node), .table = &firmware_table},
    {"board", "The board: a name, or a mapping.", KEY_MAPPING, .required = true,
     .node = AT(board.node), .table = &board_table},
    {"toolchain", "The compiler; default: the port's own.", KEY_MAPPING, .node = AT(toolchain.node),
     .table = &toolchain_table},
    {"mboot", "MicroPython's boot loader, built beside the program and put into one image with it.",
     KEY_MAPPING, .node = AT(mboot.node), .table = &mboot_table},
    {"roots", "Further directories, absolute or relative to the manifest, that paths may enter.",
     KEY_STRINGS, .offset = AT(roots), PATH},
    {"frozen", "What is frozen in, in MicroPython's own directives.", KEY_FROZEN,
     .offset = AT(frozen)},
    {"qstrs", "Names that are to live in flash instead of RAM.", KEY_QSTRS, .offset = AT(qstrs)},
    {"config", "Build configuration.", KEY_MAPPING, .table = &config_table},
    {"c_modules", "Directories of C modules, each with a micropython.mk.", KEY_STRINGS,
     .offset = AT(c_modules), PATH},
    {"budget", "Limits that a build must keep.", KEY_MAPPING, .table = &budget_table},
    {"check", "What the image must do in the emulator before it counts as good.", KEY_MAPPING,
     .table = &check_table},
    {"flash", "How the board is flashed.", KEY_MAPPING, .table = &flash_table},
    {"firnd", "What the daemon does with the product; no image changes by it.", KEY_MAPPING,
     .table = &firnd_table},
    {0},
};
const struct key_table manifest_table = {.name = "the manifest", .keys = manifest_keys};

static const struct key qstr_keys[] = {
    {"name", "One name.", KEY_TEXT, .offset = offsetof(struct qstr_entry, name)},
    {"file", "A file of Q(...) lines, as micropython.qstr_info(1) prints them.", KEY_STRING,
     .offset = offsetof(struct qstr_entry, file), PATH},
    {0},
};
const struct key_table qstr_table = {
    .name = "qstrs", .keys = qstr_keys, .shorthand = "name", .one_of = NAMES("name", "file")};

#define DIRECTIVE(directive, description, ...)                                                     \
    {                                                                                              \
        directive, description, KEY_STRING, .required = true, .offset = ENTRY(name),               \
                                            .node = ENTRY(node), __VA_ARGS__                       \
    }
#define BASE_PATH                                                                                  \
    {                                                                                              \
        "base_path", "The directory that holds it, which is not part of its name.", KEY_STRING,    \
            .offset = ENTRY(base_path), .fallback = "", PATH                                       \
    }
#define SCRIPT                                                                                     \
    {                                                                                              \
        "script", "Only these files or directories in it.", KEY_STRINGS, .offset = ENTRY(files),   \
                                                                         .min = 1, PATH            \
    }
#define OPT                                                                                        \
    {                                                                                              \
        "opt", "Optimisation level of mpy-cross.", KEY_INTEGER, .offset = ENTRY(opt), .max = 3     \
    }

static const struct key module_keys[] = {
    DIRECTIVE("module", "A Python file, compiled to bytecode.", PATH), BASE_PATH, OPT, {0}};
static const struct key package_keys[] = {
    DIRECTIVE("package", "A directory of Python files, compiled to bytecode.", PATH),
    {"files", "Only these files, relative to the package.", KEY_STRINGS, .offset = ENTRY(files),
     .min = 1, PATH},
    BASE_PATH,
    OPT,
    {0},
};
static const struct key as_str_keys[] = {
    DIRECTIVE("freeze_as_str", "A directory of Python files, or one file, frozen as source.", PATH),
    {0}};
static const struct key as_mpy_keys[] = {
    DIRECTIVE("freeze_as_mpy", "A directory of Python files, or one file, compiled to bytecode.",
              PATH),
    SCRIPT,
    OPT,
    {0}};
static const struct key mpy_keys[] = {
    DIRECTIVE("freeze_mpy", "A directory of .mpy files, or one file, compiled elsewhere.", PATH),
    SCRIPT,
    {0}};
static const struct key require_keys[] = {
    DIRECTIVE("require", "A package of micropython-lib or of a library added with add_library.",
              NAME),
    {"library", "Take it from this library.", KEY_STRING, .offset = ENTRY(library),
     .node = ENTRY(library_node), NAME},
    {0},
};
static const struct key include_keys[] = {
    DIRECTIVE("include", "Another manifest.py, or a directory that holds one.", PATH), {0}};
static const struct key add_library_keys[] = {
    DIRECTIVE("add_library", "The name of a further library for require.", NAME),
    {"library_path", "The library's directory.", KEY_STRING, .required = true,
     .offset = ENTRY(library), .node = ENTRY(library_node), PATH},
    {"prepend", "Search it before the others.", KEY_BOOL, .offset = ENTRY(prepend)},
    {0},
};

const struct key_table freeze_tables[] = {
    [FREEZE_BOARD] = {"board", NULL, NULL, NULL},
    [FREEZE_MODULE] = {"module", module_keys, NULL, NULL},
    [FREEZE_PACKAGE] = {"package", package_keys, NULL, NULL},
    [FREEZE_AS_STR] = {"freeze_as_str", as_str_keys, NULL, NULL},
    [FREEZE_AS_MPY] = {"freeze_as_mpy", as_mpy_keys, NULL, NULL},
    [FREEZE_MPY] = {"freeze_mpy", mpy_keys, NULL, NULL},
    [FREEZE_REQUIRE] = {"require", require_keys, NULL, NULL},
    [FREEZE_INCLUDE] = {"include", include_keys, NULL, NULL},
    [FREEZE_ADD_LIBRARY] = {"add_library", add_library_keys, NULL, NULL},
};
