#include "builder/mpy_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* MP_NATIVE_ARCH_* in py/emitglue.h (v1.20 and later), in order from 0. */
static const char *const ARCHS[] = {"none",      "x86",    "x64",       "armv6",
                                    "armv6m",    "armv7m", "armv7em",   "armv7emsp",
                                    "armv7emdp", "xtensa", "xtensawin", "rv32imc"};
#define ARCH_THUMB_FIRST 4
#define ARCH_THUMB_LAST 8

struct cursor {
    const uint8_t *at, *end;
};

/* An unsigned integer of 7 bits a byte, most significant first. */
static bool read_uint(struct cursor *c, size_t *out)
{
    size_t value = 0;
    while (c->at < c->end && value < (SIZE_MAX >> 8)) {
        uint8_t byte = *c->at++;
        value = value << 7 | (byte & 0x7f);
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* The first qstr; a static one (odd length field) cannot be a module's name. */
static bool read_name(struct cursor *c, char **name)
{
    size_t qstrs, objects, len;
    if (!read_uint(c, &qstrs) || !read_uint(c, &objects) || !read_uint(c, &len))
        return false;
    if (qstrs == 0 || len & 1 || len >> 1 > (size_t)(c->end - c->at))
        return false;
    *name = xstrndup((const char *)c->at, len >> 1);
    return true;
}

bool mpy_head_read(const void *data, size_t size, struct mpy_head *head, struct err **err)
{
    const uint8_t *bytes = data;
    if (size < 4 || bytes[0] != 'M')
        return err_set(err, ERR_MANIFEST, "not a .mpy file");
    head->version = bytes[1];
    head->sub_version = bytes[2] & 3;
    head->arch = bytes[2] >> 2 & 0x0f;
    head->small_int_bits = bytes[3];
    if (head->version != MPY_VERSION_NAMED)
        return true;
    struct cursor c = {bytes + 4, bytes + size};
    size_t arch_flags;
    bool flags_follow = bytes[2] & 0x40;
    if ((flags_follow && !read_uint(&c, &arch_flags)) || !read_name(&c, &head->name))
        return err_set(err, ERR_MANIFEST, "a damaged .mpy file: it ends in its first names");
    return true;
}

void mpy_head_release(struct mpy_head *head)
{
    free(head->name);
    head->name = NULL;
}

const char *mpy_arch_name(unsigned arch)
{
    return arch < ARRAY_SIZE(ARCHS) ? ARCHS[arch] : "?";
}

unsigned mpy_arch_number(const char *name)
{
    for (unsigned i = 1; i < ARRAY_SIZE(ARCHS); i++) {
        if (!strcmp(ARCHS[i], name))
            return i;
    }
    return 0;
}

bool mpy_arch_runs(unsigned arch, unsigned target)
{
    if (arch >= ARCH_THUMB_FIRST && target <= ARCH_THUMB_LAST)
        return arch <= target;
    return arch == target;
}
