#include "simulator/setting.h"

#include <string.h>

#include "base/text.h"

/* The quirks in the order of their bits; those of descriptors and dialect come with the model. */
static const struct quirk_name {
    const char *name;
    enum board_quirk quirk;
} quirks[] = {
    {"stalls-early-polls", BOARD_STALLS_EARLY_POLLS},
    {"stalls-clrstatus", BOARD_STALLS_CLRSTATUS},
    {"starts-in-error", BOARD_STARTS_IN_ERROR},
    {"leaves-at-once", BOARD_LEAVES_AT_ONCE},
    {"wedges", BOARD_WEDGES},
    {"measures-blocks", BOARD_MEASURES_BLOCKS},
    {"cuts-strings", BOARD_CUTS_STRINGS},
};

static bool set_quirk(struct sim_board *board, const struct quirk_name *quirk, const char *value,
                      struct err **err)
{
    bool off = strcmp(value, "off") == 0;
    if (!off && strcmp(value, "on") != 0 && *value)
        return err_set(err, ERR_USAGE, "setting: %s=%s is neither on nor off", quirk->name, value);
    board->quirks = off ? board->quirks & ~(unsigned)quirk->quirk : board->quirks | quirk->quirk;
    return true;
}

static bool set_protected(struct sim_board *board, const char *value, struct err **err)
{
    if (*value)
        return err_set(err, ERR_USAGE, "setting: protected takes no value");
    return sim_board_protect(board) ||
           err_set(err, ERR_USAGE, "setting: %s knows no read protection", board->model->name);
}

static bool set_write_protected(struct sim_board *board, const char *value, struct err **err)
{
    uint32_t sector;
    return (text_parse_u32(value, &sector) && sim_board_write_protect(board, sector)) ||
           err_set(err, ERR_USAGE, "setting: write-protected=%s is no sector of %s", value,
                   board->model->name);
}

static bool set_bus(struct sim_board *board, const char *value, struct err **err)
{
    enum bus_timing_kind kind;
    if (!bus_timing_parse(value, &kind))
        return err_set(err, ERR_USAGE, "setting: bus=%s is not reads, none, 1ms or rom", value);
    sim_board_set_bus(board, kind);
    return true;
}

static const struct setting {
    const char *name;
    bool (*set)(struct sim_board *board, const char *value, struct err **err);
} settings[] = {
    {"protected", set_protected},
    {"write-protected", set_write_protected},
    {"bus", set_bus},
};

static bool unknown(const char *name, struct err **err)
{
    const char *known[ARRAY_SIZE(settings) + ARRAY_SIZE(quirks) + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        known[count++] = settings[i].name;
    for (size_t i = 0; i < ARRAY_SIZE(quirks); i++)
        known[count++] = quirks[i].name;
    err_set(err, ERR_USAGE, "there is no setting '%s'", name);
    const char *nearest = text_nearest(name, known);
    return nearest ? err_hint(err, "did you mean '%s'?", nearest)
                   : err_hint(err, "docs/simulator.md lists them");
}

bool setting_apply(struct sim_board *board, const char *text, struct err **err)
{
    _cleanup_free_ char *name = xstrdup(text);
    char *equals = strchr(name, '=');
    const char *value = equals ? equals + 1 : "";
    if (equals)
        *equals = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        if (strcmp(name, settings[i].name) == 0)
            return settings[i].set(board, value, err);
    for (size_t i = 0; i < ARRAY_SIZE(quirks); i++)
        if (strcmp(name, quirks[i].name) == 0)
            return set_quirk(board, &quirks[i], value, err);
    return unknown(name, err);
}
