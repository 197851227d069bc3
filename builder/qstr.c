#include "builder/qstr.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool is_utf8(const char *s)
{
    uint32_t code;

    while (*s) {
        size_t len = text_utf8_decode(s, strlen(s), &code);
        if (!len)
            return false;
        s += len;
    }
    return true;
}

const char *qstr_unfit(const char *name)
{
    if (!*name)
        return "it is empty";
    if (strlen(name) > QSTR_MAX_BYTES)
        return "it is longer than 255 bytes";
    if (!is_utf8(name))
        return "it is not UTF-8";
    if (name[0] == '/' && name[1])
        return "it is the path of a file on the board, which a frozen module does not have";
    return NULL;
}

static bool has_prefix(const char *line, size_t len, const char *prefix)
{
    return len >= strlen(prefix) && !memcmp(line, prefix, strlen(prefix));
}

static bool has_space(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (isspace((unsigned char)line[i]))
            return true;
    return false;
}

/* Why a line that is not Q(...) is no name, or NULL. */
static const char *unfit_line(const char *line, size_t len)
{
    if (has_prefix(line, len, ">>>") || has_prefix(line, len, "...") ||
        has_prefix(line, len, "==="))
        return "it is the REPL's prompt, not a name";
    if (has_prefix(line, len, "QCFG("))
        return "it is a setting of MicroPython's build, not a name";
    if (has_prefix(line, len, "Q("))
        return "it has no closing parenthesis: a name with a line break cannot be listed in a file";
    if (has_space(line, len))
        return "it is text, not a name; if it is one, write Q(...) around it";
    return NULL;
}

/* "first\nsecond", as JSON has it; NULL: it is no such text. The caller frees. */
static char *read_quoted(const char *line, size_t len)
{
    json_t *json = json_loadb(line, len, JSON_DECODE_ANY, NULL);
    char *name = json_is_string(json) ? xstrdup(json_string_value(json)) : NULL;
    json_decref(json);
    return name;
}

/* Its name, or NULL with *reason. Yours. */
static char *take_name(const char *line, size_t len, const char **reason)
{
    if (has_prefix(line, len, "Q(") && line[len - 1] == ')')
        return xstrndup(line + 2, len - 3);
    if (len >= 2 && *line == '"' && line[len - 1] == '"') {
        char *name = read_quoted(line, len);
        *reason = name ? NULL : "it begins and ends with a double quote, and is no JSON string";
        return name;
    }
    *reason = unfit_line(line, len);
    return *reason ? NULL : xstrndup(line, len);
}

char *qstr_parse_line(const char *line, size_t len, const char **reason)
{
    *reason = NULL;
    while (len && isspace((unsigned char)line[len - 1]))
        len--;
    while (len && isspace((unsigned char)*line))
        line++, len--;
    if (!len || *line == '#' || has_prefix(line, len, "//") || has_prefix(line, len, "qstr pool:"))
        return NULL;
    if (memchr(line, '\0', len)) {
        *reason = "it holds a NUL byte";
        return NULL;
    }
    _cleanup_free_ char *name = take_name(line, len, reason);
    if (!name || (*reason = qstr_unfit(name)))
        return NULL;
    char *result = name;
    name = NULL;
    return result;
}

/* MicroPython's mp_encode_uint(): seven bits a byte, the highest first; all but the last have the
 * eighth bit set. */
static void add_uint(struct buf *out, size_t value)
{
    char digits[(sizeof(value) * 8 + 6) / 7];
    size_t count = 0;

    do
        digits[count++] = (char)(value & 0x7f);
    while (value >>= 7);
    while (count--)
        buf_addc(out, (char)(digits[count] | (count ? 0x80 : 0)));
}

/* Not one of the qstrs that every interpreter has at fixed places: the lowest bit is clear. */
static void add_qstr(struct buf *out, const char *name)
{
    size_t len = strlen(name);

    add_uint(out, len << 1);
    buf_add(out, name, len + 1);
}

/* The format is MicroPython's docs/reference/mpyfiles.rst and tools/mpy-tool.py, read_mpy(). */
bool qstr_mpy(const struct qstr_list *list, const char *module, struct buf *out)
{
    /* Bytecode for any processor; small integers of 31 bits. */
    static const char header[] = {'M', QSTR_MPY_VERSION, 0, 31};
    /* A function without state; its name is the first qstr; return None. */
    static const char code[] = {0x00, 0x02, 0x00, 0x51, 0x63};

    if (!list->names.count)
        return false;
    buf_add(out, header, sizeof(header));
    add_uint(out, list->names.count + 1);
    add_uint(out, 0); /* objects */
    add_qstr(out, module);
    for (size_t i = 0; i < list->names.count; i++)
        add_qstr(out, list->names.items[i]);
    add_uint(out, sizeof(code) << 3); /* bytecode, without children */
    buf_add(out, code, sizeof(code));
    return true;
}

static bool fits_defs(const char *name)
{
    for (; *name; name++)
        if (is_control(*name) || *name == '"')
            return false;
    return true;
}

char *qstr_all_defs(const struct qstr_list *list, const char **unfit)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    *unfit = NULL;
    for (size_t i = 0; i < list->names.count; i++) {
        if (!fits_defs(list->names.items[i])) {
            *unfit = list->names.items[i];
            return NULL;
        }
        buf_addf(&out, "Q(%s)\n", list->names.items[i]);
    }
    return out.len ? buf_detach(&out, NULL) : NULL;
}

void qstr_list_release(struct qstr_list *list)
{
    strv_release(&list->names);
}
