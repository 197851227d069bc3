#include "builder/qstr.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

#define NAMES_A_LINE 8

enum place { PLACE_STRING, PLACE_GLOBAL, PLACE_IMPORT, PLACE_DEFS };

/* MicroPython's own test (py/lexer.c): every byte of a non-ASCII character counts as a letter. */
static bool is_head(char c)
{
    return isalpha((unsigned char)c) || c == '_' || (c & 0x80);
}

static size_t identifier_length(const char *s)
{
    size_t len = 0;

    if (!is_head(*s))
        return 0;
    while (is_head(s[len]) || isdigit((unsigned char)s[len]))
        len++;
    return len;
}

/* The words that MicroPython's compiler does not take for a name. */
static bool is_keyword(const char *s, size_t len)
{
    static const char *const keywords[] = {
        "False", "None",  "True",     "__debug__", "and",    "as",   "assert", "async",  "await",
        "break", "class", "continue", "def",       "del",    "elif", "else",   "except", "finally",
        "for",   "from",  "global",   "if",        "import", "in",   "is",     "lambda", "nonlocal",
        "not",   "or",    "pass",     "raise",     "return", "try",  "while",  "with",   "yield",
    };

    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
        if (strlen(keywords[i]) == len && !memcmp(keywords[i], s, len))
            return true;
    return false;
}

/* Identifiers joined by dots, such as "greeting.py" and "acme.sensors.bme280". */
static bool is_dotted(const char *name)
{
    for (;;) {
        size_t len = identifier_length(name);
        if (!len || is_keyword(name, len))
            return false;
        if (!name[len])
            return true;
        if (name[len] != '.')
            return false;
        name += len + 1;
    }
}

static enum place place_of(const char *name)
{
    size_t len = strlen(name);

    if (len <= QSTR_INTERNED_BYTES)
        return PLACE_STRING;
    if (identifier_length(name) == len)
        return PLACE_GLOBAL;
    return is_dotted(name) ? PLACE_IMPORT : PLACE_DEFS;
}

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
    if (place_of(name) != PLACE_DEFS)
        return NULL;
    for (const char *c = name; *c; c++) {
        if (is_control(*c))
            return "it is longer than 10 bytes and has a control character, which QSTR_DEFS cannot "
                   "hold";
        if (*c == '"')
            return "it is longer than 10 bytes and has a double quote, which QSTR_DEFS cannot hold";
    }
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
    if (has_prefix(line, len, "Q(") && line[len - 1] == ')')
        line += 2, len -= 3;
    else if ((*reason = unfit_line(line, len)))
        return NULL;
    _cleanup_free_ char *name = xstrndup(line, len);
    if ((*reason = qstr_unfit(name)))
        return NULL;
    char *result = name;
    name = NULL;
    return result;
}

/* A Python string literal that stands for these bytes. */
static void add_literal(struct buf *out, const char *name)
{
    buf_addc(out, '"');
    for (; *name; name++) {
        if (is_control(*name))
            buf_addf(out, "\\x%02x", (unsigned)*name);
        else
            buf_addf(out, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
    }
    buf_addc(out, '"');
}

/* All names of one place, NAMES_A_LINE a line; returns how many there are. */
static size_t add_names(struct buf *out, const struct qstr_list *list, enum place place)
{
    const char *separator = place == PLACE_STRING ? ", " : "; ";
    const char *begin = place == PLACE_STRING ? "    _(" : "    ";
    const char *end = place == PLACE_STRING ? ")\n" : "\n";
    size_t count = 0;

    for (size_t i = 0; i < list->names.count; i++) {
        const char *name = list->names.items[i];
        if (place_of(name) != place)
            continue;
        if (count % NAMES_A_LINE == 0)
            buf_addf(out, "%s%s", count ? end : "", begin);
        else
            buf_adds(out, separator);
        count++;
        if (place == PLACE_STRING)
            add_literal(out, name);
        else
            buf_addf(out, place == PLACE_IMPORT ? "from %s import _" : "%s", name);
    }
    if (count)
        buf_adds(out, end);
    return count;
}

char *qstr_module(const struct qstr_list *list)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    buf_adds(&out, "# The manifest's qstrs: being mentioned here puts a name into flash.\n"
                   "def _(_):\n");
    size_t count = add_names(&out, list, PLACE_STRING);
    count += add_names(&out, list, PLACE_GLOBAL);
    count += add_names(&out, list, PLACE_IMPORT);
    return count ? buf_detach(&out, NULL) : NULL;
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

bool qstr_defs_hold(const char *defs, const char *name)
{
    _cleanup_free_ char *line = xasprintf("Q(%s)\n", name);

    for (const char *at = defs; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
        if (text_starts_with(at, line))
            return true;
    return false;
}

char *qstr_defs(const struct qstr_list *list)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;

    for (size_t i = 0; i < list->names.count; i++)
        if (place_of(list->names.items[i]) == PLACE_DEFS)
            buf_addf(&out, "Q(%s)\n", list->names.items[i]);
    return out.len ? buf_detach(&out, NULL) : NULL;
}

void qstr_list_release(struct qstr_list *list)
{
    strv_release(&list->names);
}
