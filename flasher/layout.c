#include "flasher/layout.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define ADDRESS_SPACE (UINT64_C(1) << 32)

/* What is left of the text. */
struct reader {
    const char *at, *end;
};

enum outcome {
    COMPLETE,
    CUT,        /* the text ended in the middle of it */
    GARBLED,    /* something else stands there */
    IMPOSSIBLE, /* it describes memory that cannot be */
};

static bool at_end(const struct reader *r)
{
    return r->at == r->end;
}

static void skip_spaces(struct reader *r)
{
    while (!at_end(r) && *r->at == ' ')
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (at_end(r) || *r->at != c)
        return false;
    r->at++;
    return true;
}

static int digit_value(char c, int base)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits of one number, below 2^32. At least one. */
static enum outcome take_number(struct reader *r, int base, uint32_t *value)
{
    uint64_t number = 0;
    const char *start = r->at;
    for (; !at_end(r) && digit_value(*r->at, base) >= 0; r->at++) {
        number = number * (unsigned)base + (unsigned)digit_value(*r->at, base);
        if (number >= ADDRESS_SPACE)
            return GARBLED;
    }
    *value = (uint32_t)number;
    if (r->at > start)
        return COMPLETE;
    return at_end(r) ? CUT : GARBLED;
}

/* 0x08000000 */
static enum outcome take_address(struct reader *r, uint32_t *address)
{
    skip_spaces(r);
    bool zero = take(r, '0');
    if (zero && (take(r, 'x') || take(r, 'X')))
        return take_number(r, 16, address);
    return zero && at_end(r) ? CUT : GARBLED;
}

/* "Kg", " g", "B  g": an optional multiplier, then the access letter. */
static enum outcome take_unit(struct reader *r, uint32_t *multiplier, uint8_t *access)
{
    *multiplier = 1;
    skip_spaces(r);
    if (take(r, 'K'))
        *multiplier = 1024;
    else if (take(r, 'M'))
        *multiplier = 1024 * 1024;
    else
        (void)take(r, 'B');
    skip_spaces(r);
    if (at_end(r))
        return CUT;
    if (*r->at < 'a' || *r->at > 'g')
        return GARBLED;
    *access = (uint8_t)*r->at++ & 7;
    return COMPLETE;
}

/* "04*016Kg"; sector_size is in bytes and may be too large for its type, hence the wide one. */
static enum outcome take_group(struct reader *r, struct layout_group *group, uint64_t *sector_size)
{
    uint32_t size, multiplier;
    enum outcome outcome;
    skip_spaces(r);
    if ((outcome = take_number(r, 10, &group->count)) != COMPLETE)
        return outcome;
    skip_spaces(r);
    if (!take(r, '*'))
        return at_end(r) ? CUT : GARBLED;
    skip_spaces(r);
    if ((outcome = take_number(r, 10, &size)) != COMPLETE ||
        (outcome = take_unit(r, &multiplier, &group->access)) != COMPLETE)
        return outcome;
    *sector_size = (uint64_t)size * multiplier;
    return group->count && size ? COMPLETE : GARBLED;
}

static uint64_t group_bytes(const struct layout_group *group)
{
    return (uint64_t)group->count * group->sector_size;
}

static uint64_t group_end(const struct layout_group *group)
{
    return group->address + group_bytes(group);
}

/* Insert in order of address. False: too many groups, past the end of the address space, or
 * overlapping. */
static bool insert_group(struct layout *layout, const struct layout_group *group)
{
    size_t i = layout->group_count;
    if (i == LAYOUT_MAX_GROUPS || group_end(group) > ADDRESS_SPACE)
        return false;
    while (i && layout->groups[i - 1].address > group->address)
        i--;
    if (i && group_end(&layout->groups[i - 1]) > group->address)
        return false;
    if (i < layout->group_count && group_end(group) > layout->groups[i].address)
        return false;
    memmove(&layout->groups[i + 1], &layout->groups[i],
            (layout->group_count - i) * sizeof(layout->groups[0]));
    layout->groups[i] = *group;
    layout->group_count++;
    return true;
}

/* "/0x08000000/04*016Kg,01*064Kg" */
static enum outcome take_zone(struct reader *r, struct layout *layout)
{
    struct layout_group group = {0};
    uint64_t address, size;
    enum outcome outcome = take_address(r, &group.address);
    if (outcome != COMPLETE)
        return outcome;
    skip_spaces(r);
    if (!take(r, '/'))
        return at_end(r) ? CUT : GARBLED;
    for (address = group.address;; address = group_end(&group)) {
        if ((outcome = take_group(r, &group, &size)) != COMPLETE)
            return outcome;
        if (size >= ADDRESS_SPACE || address >= ADDRESS_SPACE)
            return IMPOSSIBLE;
        group.sector_size = (uint32_t)size;
        group.address = (uint32_t)address;
        if (!insert_group(layout, &group))
            return IMPOSSIBLE;
        skip_spaces(r);
        if (!take(r, ','))
            return COMPLETE;
    }
}

static void take_name(struct reader *r, struct layout *layout)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT;
    const char *start = r->at;
    while (!at_end(r) && *r->at != '/')
        r->at++;
    const char *end = r->at;
    while (end > start && end[-1] == ' ')
        end--;
    text_add_printable(&name, start, (size_t)(end - start));
    layout->name = buf_detach(&name, NULL);
}

static enum outcome parse(struct reader *r, struct layout *layout)
{
    enum outcome outcome = CUT;
    skip_spaces(r);
    if (!take(r, '@'))
        return GARBLED;
    take_name(r, layout);
    while (take(r, '/')) {
        if ((outcome = take_zone(r, layout)) != COMPLETE)
            return outcome;
        skip_spaces(r);
    }
    return at_end(r) ? outcome : GARBLED;
}

bool layout_parse(const char *text, size_t len, struct layout *layout, struct err **err)
{
    static const char *const why[] = {
        [COMPLETE] = "has no sectors",
        [CUT] = "ends too early",
        [GARBLED] = "is not a memory layout",
        [IMPOSSIBLE] = "cannot be: sectors overlap or end beyond the address space",
    };
    struct reader r = {text, text + strnlen(text, len)};
    enum outcome outcome = parse(&r, layout);
    layout->incomplete = outcome != COMPLETE;
    if (outcome != IMPOSSIBLE && layout->group_count)
        return true;
    layout_release(layout);
    return err_set(err, ERR_DEVICE, "the board describes its memory as '%.*s', which %s",
                   (int)(r.end - text), text, why[outcome]);
}

void layout_release(struct layout *layout)
{
    free(layout->name);
    *layout = (struct layout)LAYOUT_INIT;
}

bool layout_sector_at(const struct layout *layout, uint32_t address, struct layout_sector *sector)
{
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        if (address < group->address || address >= group_end(group))
            continue;
        uint32_t index = (address - group->address) / group->sector_size;
        sector->address = group->address + index * group->sector_size;
        sector->size = group->sector_size;
        sector->access = group->access;
        sector->group_address = group->address;
        return true;
    }
    return false;
}

uint64_t layout_size(const struct layout *layout)
{
    uint64_t size = 0;
    for (size_t i = 0; i < layout->group_count; i++)
        size += group_bytes(&layout->groups[i]);
    return size;
}

size_t layout_sector_count(const struct layout *layout)
{
    size_t count = 0;
    for (size_t i = 0; i < layout->group_count; i++)
        count += layout->groups[i].count;
    return count;
}

void layout_add_access(uint8_t access, struct buf *out)
{
    static const char *const names[] = {"readable", "erasable", "writeable"};
    const char *separator = "";
    for (unsigned bit = 0; bit < ARRAY_SIZE(names); bit++) {
        if (access & (1u << bit)) {
            buf_addf(out, "%s%s", separator, names[bit]);
            separator = ", ";
        }
    }
    if (!*separator)
        buf_adds(out, "nothing");
}

void layout_format(const struct layout *layout, struct buf *out)
{
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        buf_addf(out, "0x%08" PRIx32 "  %" PRIu32 " x %" PRIu32 "  ", group->address, group->count,
                 group->sector_size);
        layout_add_access(group->access, out);
        buf_addc(out, '\n');
    }
}

/* "16 KiB", not "16.0 KiB": sectors are whole. */
static void add_whole_size(uint32_t bytes, struct buf *out)
{
    if (bytes % 1024)
        buf_addf(out, "%" PRIu32 " B", bytes);
    else
        buf_addf(out, "%" PRIu32 " KiB", bytes / 1024);
}

void layout_add_groups(const struct layout *layout, struct buf *out)
{
    for (size_t i = 0; i < layout->group_count; i++) {
        buf_addf(out, "%s%" PRIu32 " x ", i ? ", " : "", layout->groups[i].count);
        add_whole_size(layout->groups[i].sector_size, out);
    }
}
