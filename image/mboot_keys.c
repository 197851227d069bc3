#include "image/mboot_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"

#define SECRET_NAME "mboot_pack_sign_secret_key"
#define PUBLIC_NAME "mboot_pack_sign_public_key"
#define BOX_NAME "mboot_pack_secretbox_key"

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* "0x1f" or "31". NULL: neither, or no byte. */
static const char *read_byte(const char *at, uint8_t *byte)
{
    char *end;
    if (!isdigit((unsigned char)*at))
        return NULL;
    unsigned long value = strtoul(at, &end, 0);
    *byte = (uint8_t)value;
    return value <= UINT8_MAX ? end : NULL;
}

/* "] = {0x01,0x02};", behind the name. How many bytes there are, as far as they are bytes. */
static size_t read_bytes(const char *at, uint8_t *out, size_t size)
{
    size_t count = 0;
    at += strcspn(at, "{;");
    if (*at++ != '{')
        return 0;
    do {
        uint8_t byte;
        at = read_byte(skip_space(at), &byte);
        if (!at)
            return count;
        if (count < size)
            out[count] = byte;
        count++;
        at = skip_space(at);
    } while (*at++ == ',');
    return count;
}

static bool read_array(const char *text, const char *name, uint8_t *out, size_t size,
                       struct err **err)
{
    _cleanup_free_ char *start = xasprintf("%s[", name);
    const char *at = strstr(text, start);
    if (!at)
        return err_set(err, ERR_MANIFEST, "no array %s", name);
    size_t count = read_bytes(at + strlen(start), out, size);
    return count == size ||
           err_set(err, ERR_MANIFEST, "%s has %zu bytes, expected %zu", name, count, size);
}

static bool check_pair(const struct mboot_keys *keys, struct err **err)
{
    uint8_t derived[HYDROGEN_PUBLIC_SIZE];
    return (hydrogen_public_key(keys->secret, derived) &&
            !memcmp(derived, keys->public_key, sizeof(derived)) &&
            !memcmp(derived, keys->secret + HYDROGEN_SECRET_SIZE - sizeof(derived),
                    sizeof(derived))) ||
           err_set(err, ERR_MANIFEST, "%s is not the public key of %s", PUBLIC_NAME, SECRET_NAME);
}

bool mboot_keys_parse(const char *text, struct mboot_keys *keys, struct err **err)
{
    if (read_array(text, SECRET_NAME, keys->secret, sizeof(keys->secret), err) &&
        read_array(text, PUBLIC_NAME, keys->public_key, sizeof(keys->public_key), err) &&
        read_array(text, BOX_NAME, keys->box, sizeof(keys->box), err) && check_pair(keys, err))
        return true;
    mboot_keys_release(keys);
    return err_hint(err, "MicroPython's ports/stm32/mboot/mboot_pack_dfu.py generate-keys makes "
                         "such a file");
}

bool mboot_keys_load(const char *path, struct mboot_keys *keys, char digest[HASH_HEX_SIZE],
                     struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!fs_read(path, MBOOT_KEYS_MAX_BYTES, &text, err))
        return false;
    hash_bytes(text.data, text.len, digest);
    bool ok = mboot_keys_parse(text.data, keys, err);
    if (text.len)
        explicit_bzero(text.data, text.len);
    return ok;
}

/* A compiler that complains of an array shows the line with its name: no byte stands there. */
static void add_array(struct buf *out, const char *name, const uint8_t *bytes, size_t size)
{
    buf_addf(out, "const uint8_t %s[%zu] =\n{\n", name, size);
    for (size_t i = 0; i < size; i++)
        buf_addf(out, "%s0x%02x", i ? "," : "", bytes[i]);
    buf_adds(out, "\n};\n");
}

void mboot_keys_header(const struct mboot_keys *keys, struct buf *out)
{
    buf_adds(out, "/* Written by firn. */\n#include <stdint.h>\n");
    add_array(out, PUBLIC_NAME, keys->public_key, sizeof(keys->public_key));
    add_array(out, BOX_NAME, keys->box, sizeof(keys->box));
}

void mboot_keys_release(struct mboot_keys *keys)
{
    explicit_bzero(keys, sizeof(*keys));
}
