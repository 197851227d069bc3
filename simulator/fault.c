#include "simulator/fault.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "simulator/dfu_device.h"

#define MS_MAX 3600000

static const char *const on_names[] = {"dnload", "set-address", "erase",     "mass-erase",
                                       "leave",  "upload",      "getstatus", "clrstatus",
                                       "abort",  "any",         NULL};
static const char *const action_names[] = {"unplug",  "stall",  "protocol", "hang",
                                           "delay",   "status", "busy",     "poll",
                                           "corrupt", "short",  "ignore",   NULL};

enum key { KEY_BLOCK, KEY_AFTER, KEY_COUNT, KEY_REPLUG, KEY_MS, KEY_CODE, KEY_ON, KEY_DO, KEYS };
static const char *const key_names[] = {"block", "after", "count", "replug", "ms",
                                        "code",  "on",    "do",    NULL};
static const uint32_t key_max[] = {UINT16_MAX, UINT32_MAX, UINT32_MAX,
                                   MS_MAX,     MS_MAX,     DFU_STATUS_MAX};

/* The keys of one text: numbers, and for on= and do= the index of the name. */
struct values {
    bool given[KEYS];
    uint32_t value[KEYS];
};

static bool find_name(const char *what, const char *name, const char *const *names, uint32_t *index,
                      struct err **err)
{
    for (*index = 0; names[*index]; ++*index)
        if (strcmp(names[*index], name) == 0)
            return true;
    err_set(err, ERR_USAGE, "fault: there is no %s '%s'", what, name);
    const char *nearest = text_nearest(name, names);
    if (nearest)
        return err_hint(err, "did you mean '%s'?", nearest);
    _cleanup_(buf_release) struct buf known = BUF_INIT;
    for (size_t i = 0; names[i]; i++)
        buf_addf(&known, " %s", names[i]);
    return err_hint(err, "known:%s", known.data);
}

/* One "key=value"; the text is cut at the '='. */
static bool parse_pair(char *pair, struct values *values, struct err **err)
{
    char *value = strchr(pair, '=');
    if (!value)
        return err_set(err, ERR_USAGE, "fault: '%s' is not of the form key=value", pair);
    *value++ = '\0';
    uint32_t key;
    if (!find_name("key", pair, key_names, &key, err))
        return false;
    if (values->given[key])
        return err_set(err, ERR_USAGE, "fault: %s= is given twice", pair);
    values->given[key] = true;
    if (key == KEY_ON)
        return find_name("event", value, on_names, &values->value[key], err);
    if (key == KEY_DO)
        return find_name("action", value, action_names, &values->value[key], err);
    if (!text_parse_u32(value, &values->value[key]) || values->value[key] > key_max[key])
        return err_set(err, ERR_USAGE, "fault: %s=%s is not a number from 0 to %u", pair, value,
                       (unsigned)key_max[key]);
    return true;
}

/* Is each key given that the action needs, and none that means nothing to it? */
static bool check_keys(const struct values *v, enum fault_on on, enum fault_action action,
                       struct err **err)
{
    const struct {
        enum key key;
        bool needed, allowed;
    } rules[] = {
        {KEY_MS, action == FAULT_DELAY || action == FAULT_POLL,
         action == FAULT_DELAY || action == FAULT_POLL},
        {KEY_CODE, action == FAULT_STATUS, action == FAULT_STATUS},
        {KEY_REPLUG, false, action == FAULT_UNPLUG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        bool given = v->given[rules[i].key];
        if (given ? !rules[i].allowed : rules[i].needed)
            return err_set(err, ERR_USAGE, "fault: %s= %s do=%s", key_names[rules[i].key],
                           given ? "does not apply to" : "is missing for", action_names[action]);
    }
    if (v->given[KEY_BLOCK] && on != FAULT_ON_DNLOAD && on != FAULT_ON_UPLOAD)
        return err_set(err, ERR_USAGE, "fault: block= applies to on=dnload and on=upload only");
    if (v->given[KEY_CODE] && v->value[KEY_CODE] == 0)
        return err_set(err, ERR_USAGE, "fault: code=0 is no error");
    return true;
}

/* Can this happen to that? */
static bool check_pair(enum fault_on on, enum fault_action action, struct err **err)
{
    bool work = on <= FAULT_ON_MASS_ERASE;
    if (!work && (action == FAULT_BUSY || action == FAULT_POLL || action == FAULT_IGNORE))
        return err_set(err, ERR_USAGE,
                       "fault: do=%s applies to on=dnload, set-address, erase and mass-erase only",
                       action_names[action]);
    if (action == FAULT_SHORT && on != FAULT_ON_UPLOAD)
        return err_set(err, ERR_USAGE, "fault: do=short applies to on=upload only");
    if (action == FAULT_CORRUPT && on != FAULT_ON_UPLOAD && on != FAULT_ON_DNLOAD)
        return err_set(err, ERR_USAGE, "fault: do=corrupt applies to on=dnload and on=upload only");
    return true;
}

static bool check(const struct values *v, struct err **err)
{
    if (!v->given[KEY_ON] || !v->given[KEY_DO]) {
        err_set(err, ERR_USAGE, "fault: %s= is missing", v->given[KEY_ON] ? "do" : "on");
        return err_hint(err, "for example on=dnload,after=5,do=unplug");
    }
    enum fault_on on = (enum fault_on)v->value[KEY_ON];
    enum fault_action action = (enum fault_action)v->value[KEY_DO];
    return check_keys(v, on, action, err) && check_pair(on, action, err);
}

bool fault_parse(const char *text, struct fault *fault, struct err **err)
{
    struct values v = {0};
    _cleanup_free_ char *copy = xstrdup(text);
    char *save = NULL;
    for (char *pair = strtok_r(copy, ",", &save); pair; pair = strtok_r(NULL, ",", &save))
        if (!parse_pair(pair, &v, err))
            return false;
    if (!check(&v, err))
        return false;
    *fault = (struct fault){
        .on = (enum fault_on)v.value[KEY_ON],
        .action = (enum fault_action)v.value[KEY_DO],
        .has_block = v.given[KEY_BLOCK],
        .block = (uint16_t)v.value[KEY_BLOCK],
        .after = v.value[KEY_AFTER],
        .count = v.given[KEY_COUNT] ? v.value[KEY_COUNT] : 1,
        .forever = v.given[KEY_COUNT] && v.value[KEY_COUNT] == 0,
        .ms = v.given[KEY_REPLUG] ? v.value[KEY_REPLUG] : v.value[KEY_MS],
        .status = (uint8_t)v.value[KEY_CODE],
    };
    return true;
}

bool faults_add(struct faults *faults, const struct fault *fault, struct err **err)
{
    if (faults->count == FAULTS_MAX)
        return err_set(err, ERR_USAGE, "%d faults are waiting for this board already", FAULTS_MAX);
    faults->items[faults->count++] = *fault;
    return true;
}

static enum fault_on classify_dnload(const struct usb_setup *setup, const uint8_t *out,
                                     bool has_commands)
{
    if (setup->length == 0)
        return FAULT_ON_LEAVE;
    if (setup->value != 0 || !has_commands)
        return FAULT_ON_DNLOAD;
    if (out[0] == DFUSE_SET_ADDRESS)
        return FAULT_ON_SET_ADDRESS;
    if (out[0] == DFUSE_ERASE)
        return setup->length == 1 ? FAULT_ON_MASS_ERASE : FAULT_ON_ERASE;
    return FAULT_ON_ANY;
}

enum fault_on fault_classify(const struct usb_setup *setup, const uint8_t *out, bool has_commands)
{
    if ((setup->request_type & USB_TYPE_MASK) != USB_TYPE_CLASS)
        return FAULT_ON_ANY;
    switch (setup->request) {
    case DFU_DNLOAD:
        return classify_dnload(setup, out, has_commands);
    case DFU_UPLOAD:
        return FAULT_ON_UPLOAD;
    case DFU_GETSTATUS:
        return FAULT_ON_GETSTATUS;
    case DFU_CLRSTATUS:
        return FAULT_ON_CLRSTATUS;
    case DFU_ABORT:
        return FAULT_ON_ABORT;
    default:
        return FAULT_ON_ANY;
    }
}

static void remove_fault(struct faults *faults, unsigned index)
{
    faults->count--;
    memmove(&faults->items[index], &faults->items[index + 1],
            (faults->count - index) * sizeof(faults->items[0]));
}

bool faults_take(struct faults *faults, enum fault_on what, const struct usb_setup *setup,
                 struct fault *taken)
{
    for (unsigned i = 0; i < faults->count; i++) {
        struct fault *fault = &faults->items[i];
        if (fault->on != what && fault->on != FAULT_ON_ANY)
            continue;
        if (fault->has_block && fault->block != setup->value)
            continue;
        if (fault->after > 0) {
            fault->after--;
            continue;
        }
        *taken = *fault;
        if (!fault->forever && --fault->count == 0)
            remove_fault(faults, i);
        return true;
    }
    return false;
}
