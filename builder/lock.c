#include "builder/lock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/yaml.h"
#include "builder/last_build.h"
#include "builder/lock_name.h"
#include "builder/shell_word.h"

#define SHA256_PREFIX "sha256 "
#define NAME_MAX_BYTES 480 /* quoted, a key of libyaml's: 1024 characters at most */
#define VALUE_MAX_BYTES 4096

char *lock_path(const char *manifest_path)
{
    return xasprintf("%s.lock", manifest_path);
}

/* ---- reading ---- */

static bool is_hex(const char *s, size_t digits)
{
    return strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

/* As the parts of a key are made: nothing in it breaks a line or is shown as something else. */
static bool is_text(const char *s)
{
    _cleanup_(buf_release) struct buf printable = BUF_INIT;
    text_add_printable(&printable, s, strlen(s));
    return printable.len == strlen(s) && !strstr(s, "\xef\xbf\xbe") && !strstr(s, "\xef\xbf\xbf");
}

static bool check_input(const struct ydoc *doc, const struct ynode *key, const struct ynode *value,
                        struct diags *diags)
{
    const char *v = value->value;
    if (!key->value[0] || strlen(key->value) > NAME_MAX_BYTES || !is_text(key->value))
        return ynode_error(doc, key, diags, NULL,
                           "an input's name is a line of text, of at most %d bytes",
                           NAME_MAX_BYTES);
    if (strlen(v) > VALUE_MAX_BYTES || !is_text(v))
        return ynode_error(doc, value, diags, NULL,
                           "an input's value is a line of text, of at most %d bytes",
                           VALUE_MAX_BYTES);
    if (text_starts_with(v, SHA256_PREFIX) && !is_hex(v + strlen(SHA256_PREFIX), 64))
        return ynode_error(doc, value, diags, NULL, "a SHA-256 has 64 hexadecimal digits");
    if (!strcmp(key->value, "source commit") && !is_hex(v, 40))
        return ynode_error(doc, value, diags, NULL, "a commit has 40 hexadecimal digits");
    return true;
}

static bool read_input(const struct ydoc *doc, const struct ynode *item, struct key_parts *parts,
                       struct diags *diags)
{
    if (item->type != YNODE_MAPPING || item->count != 1 || item->items[0]->type != YNODE_SCALAR)
        return ynode_error(doc, item, diags, NULL, "expected one 'name: value'");
    if (!check_input(doc, item->keys[0], item->items[0], diags))
        return false;
    key_add_verbatim(parts, item->keys[0]->value, item->items[0]->value);
    return true;
}

/* Lists have a line for each of their names; of anything else, two say two things. */
static bool may_repeat(const char *name)
{
    return text_starts_with(name, "qstr") || text_starts_with(name, "package ");
}

static int by_name(const void *a, const void *b)
{
    const struct ynode *x = *(struct ynode *const *)a, *y = *(struct ynode *const *)b;
    int order = strcmp(x->value, y->value);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static bool check_duplicates(const struct ydoc *doc, const struct ynode *inputs,
                             struct diags *diags)
{
    _cleanup_free_ struct ynode **names = xreallocarray(NULL, inputs->count + 1, sizeof(*names));
    bool ok = true;
    for (size_t i = 0; i < inputs->count; i++)
        names[i] = inputs->items[i]->keys[0];
    qsort(names, inputs->count, sizeof(*names), by_name);
    for (size_t i = 1; i < inputs->count; i++) {
        if (strcmp(names[i - 1]->value, names[i]->value) != 0 || may_repeat(names[i]->value))
            continue;
        _cleanup_free_ char *hint = xasprintf("it stands on line %u already", names[i - 1]->line);
        ok = ynode_error(doc, names[i], diags, hint, "'%s' is locked twice", names[i]->value);
    }
    return ok;
}

static bool read_inputs(const struct ydoc *doc, struct key_parts *parts, struct diags *diags)
{
    static const char *const keys[] = {"lock", "inputs", NULL};
    const struct ynode *inputs = ynode_get(doc->root, "inputs");
    long format = 0;
    if (!ymap_only_keys(doc, doc->root, keys, diags) ||
        !ymap_integer(doc, doc->root, "lock", true, 1, 1, &format, diags))
        return false;
    if (!inputs || inputs->type != YNODE_SEQUENCE)
        return ynode_error(doc, inputs ? inputs : doc->root, diags, NULL,
                           inputs ? "'inputs' is no list" : "'inputs' is missing");
    bool ok = true;
    for (size_t i = 0; i < inputs->count; i++)
        ok = read_input(doc, inputs->items[i], parts, diags) && ok;
    return ok && check_duplicates(doc, inputs, diags);
}

bool lock_read(const char *path, struct key_parts *parts, struct diags *diags)
{
    struct ydoc doc = YDOC_INIT;
    bool ok = ydoc_load(&doc, path, diags) && read_inputs(&doc, parts, diags);
    ydoc_release(&doc);
    if (!ok)
        key_parts_release(parts);
    return ok;
}

/* ---- writing ---- */

/* A plain scalar that every YAML reader takes for this text; anything else is quoted. */
static bool is_plain(const char *s, bool key)
{
    if (!isalpha((unsigned char)s[0]))
        return false;
    for (const char *c = s; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("_./+-, ", *c) &&
            (key || *c != ':' || !c[1] || c[1] == ' '))
            return false;
    }
    static const char *const words[] = {"true", "false", "null", "yes", "no",  "on",
                                        "off",  "y",     "n",    "NaN", "Inf", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (!strcasecmp(s, words[i]))
            return false;
    }
    return !isspace((unsigned char)s[strlen(s) - 1]);
}

static void add_scalar(struct buf *out, const char *s, bool key)
{
    if (is_plain(s, key)) {
        buf_adds(out, s);
        return;
    }
    buf_addc(out, '"');
    for (; *s; s++)
        buf_addf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    buf_addc(out, '"');
}

void lock_format(const struct key_parts *parts, const char *name, struct buf *out)
{
    buf_addf(out, "# Written by `firn lock`: what %s is built of. Not to be edited.\nlock: 1\n",
             name);
    buf_adds(out, parts->count ? "inputs:\n" : "inputs: []\n");
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->items[i].scope == KEY_HOST)
            continue;
        buf_adds(out, "- ");
        add_scalar(out, parts->items[i].name, true);
        buf_adds(out, ": ");
        add_scalar(out, parts->items[i].value, false);
        buf_addc(out, '\n');
    }
}

/* More of it than a file may have, or a name that is too long: better known now. */
static bool check_readable(const char *path, const struct buf *text, struct err **err)
{
    struct ydoc doc = YDOC_INIT;
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    _cleanup_(key_parts_release) struct key_parts parts = KEY_PARTS_INIT;
    bool ok =
        ydoc_parse(&doc, path, text->data, text->len, &diags) && read_inputs(&doc, &parts, &diags);
    ydoc_release(&doc);
    return ok || err_set(err, ERR_FAILED, "this cannot be locked: %s", diags.errors[0]->message);
}

bool lock_write(const char *manifest_path, const struct key_parts *parts, struct err **err)
{
    _cleanup_free_ char *path = lock_path(manifest_path);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    lock_format(parts, path_basename(manifest_path), &text);
    return check_readable(path, &text, err) && fs_write(path, text.data, text.len, 0644, err);
}

/* ---- comparing ---- */

bool lock_hint(const char *part, const char *manifest_path, struct err **err)
{
    _cleanup_(buf_release) struct buf words = BUF_INIT;
    shell_add_word(&words, lock_name_for(part));
    return err_hint(err,
                    "if that is meant to be: firn lock --update=%s %s; or --update for everything",
                    words.data, manifest_path);
}

static bool differs(const struct key_change *change, const char *manifest_path, struct err **err)
{
    _cleanup_free_ char *path = lock_path(manifest_path);
    _cleanup_free_ char *before = change->before ? key_shown(change->before) : NULL;
    _cleanup_free_ char *now = change->now ? key_shown(change->now) : NULL;
    if (!before)
        err_set(err, ERR_FETCH, "%s does not have '%s', which is %s now", path, change->name, now);
    else if (!now)
        err_set(err, ERR_FETCH, "%s has '%s', which is gone", path, change->name);
    else
        err_set(err, ERR_FETCH, "'%s' is not what is locked: %s has %s, it is %s now", change->name,
                path, before, now);
    return lock_hint(change->name, manifest_path, err);
}

bool lock_check(const struct key_parts *lock, const struct key_parts *now,
                const char *manifest_path, struct err **err)
{
    _cleanup_free_ struct key_change *changes = NULL;
    size_t count;
    key_compare(lock, now, &changes, &count);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].scope != KEY_HOST)
            return differs(&changes[i], manifest_path, err);
    }
    return true;
}
