#include "builder/gitmodules.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

struct reader {
    const char *p, *end;
    unsigned line;
    struct gitmodules *modules;
    struct gitmodule *current; /* NULL in a section that is none of ours */
    struct err **err;
};

static bool bad_syntax(struct reader *r, const char *what)
{
    return err_set(r->err, ERR_FETCH, ".gitmodules:%u: %s", r->line, what);
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
}

static void skip_line(struct reader *r)
{
    while (r->p < r->end && *r->p != '\n')
        r->p++;
}

/* The part between quotes of [submodule "name"]; a backslash takes the next character as it is. */
static bool read_section_name(struct reader *r, struct buf *name)
{
    r->p++;
    while (r->p < r->end && *r->p != '"' && *r->p != '\n') {
        if (*r->p == '\\' && r->p + 1 < r->end)
            r->p++;
        buf_addc(name, *r->p++);
    }
    if (r->p >= r->end || *r->p != '"')
        return bad_syntax(r, "a section's name without its closing quote");
    r->p++;
    return true;
}

static struct gitmodule *find_or_add(struct gitmodules *modules, const char *name)
{
    for (size_t i = 0; i < modules->count; i++) {
        if (!strcmp(modules->items[i].name, name))
            return &modules->items[i];
    }
    modules->items = xreallocarray(modules->items, modules->count + 1, sizeof(struct gitmodule));
    struct gitmodule *module = &modules->items[modules->count++];
    *module = (struct gitmodule){.name = arena_strdup(&modules->arena, name)};
    return module;
}

static bool read_section(struct reader *r)
{
    _cleanup_(buf_release) struct buf kind = BUF_INIT, name = BUF_INIT;

    r->p++;
    skip_space(r);
    while (r->p < r->end && (isalnum((unsigned char)*r->p) || *r->p == '-' || *r->p == '.'))
        buf_addc(&kind, *r->p++);
    skip_space(r);
    bool named = r->p < r->end && *r->p == '"';
    if (named && !read_section_name(r, &name))
        return false;
    skip_space(r);
    if (r->p >= r->end || *r->p != ']')
        return bad_syntax(r, "a section without its ']'");
    r->p++;
    r->current = NULL;
    if (!named || strcasecmp(kind.data, "submodule") != 0)
        return true;
    if (strlen(name.data) != name.len)
        return bad_syntax(r, "a NUL byte in a section's name");
    if (r->modules->count >= GITMODULES_MAX)
        return bad_syntax(r, "too many submodules");
    r->current = find_or_add(r->modules, name.data);
    return true;
}

/* After a backslash in a value: the characters that git knows, and the end of the line, which joins
 * the next one to it. */
static bool read_escape(struct reader *r, struct buf *value)
{
    static const char known[] = "\\\"ntb", meaning[] = "\\\"\n\t\b";

    if (r->p < r->end && *r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n')
        r->p++;
    if (r->p < r->end && *r->p == '\n') {
        r->p++;
        r->line++;
        return true;
    }
    const char *at = r->p < r->end && *r->p ? strchr(known, *r->p) : NULL;
    if (!at)
        return bad_syntax(r, "an unknown escape in a value");
    buf_addc(value, meaning[at - known]);
    r->p++;
    return true;
}

/* Up to the end of the line: quotes removed, a comment and the space before it left out. A carriage
 * return is content when it is quoted and an end of line when it is not: git once lost the first
 * when it wrote such a value back (CVE-2025-48384), so it has to survive to be refused. */
static bool read_value(struct reader *r, struct buf *value)
{
    bool quoted = false;
    size_t keep = 0; /* length up to the last character that counts */

    skip_space(r);
    while (r->p < r->end && *r->p != '\n') {
        char c = *r->p++;
        if (!quoted && (c == '#' || c == ';'))
            break;
        if (c == '"') {
            quoted = !quoted;
            continue;
        }
        if (c == '\\') {
            if (!read_escape(r, value))
                return false;
            keep = value->len;
            continue;
        }
        if (c == '\0')
            return bad_syntax(r, "a NUL byte in a value");
        buf_addc(value, c);
        if (quoted || !isspace((unsigned char)c))
            keep = value->len;
    }
    buf_truncate(value, keep);
    skip_line(r);
    return quoted ? bad_syntax(r, "a value without its closing quote") : true;
}

static bool read_setting(struct reader *r)
{
    _cleanup_(buf_release) struct buf key = BUF_INIT, value = BUF_INIT;

    while (r->p < r->end && (isalnum((unsigned char)*r->p) || *r->p == '-'))
        buf_addc(&key, *r->p++);
    skip_space(r);
    if (!key.len)
        return bad_syntax(r, "neither a section nor a setting");
    if (r->p < r->end && *r->p == '=') {
        r->p++;
        if (!read_value(r, &value))
            return false;
    } else {
        skip_line(r);
    }
    if (!r->current)
        return true;
    /* The last one counts, as in git. */
    if (!strcasecmp(key.data, "path"))
        r->current->path = arena_strdup(&r->modules->arena, value.data);
    else if (!strcasecmp(key.data, "url"))
        r->current->url = arena_strdup(&r->modules->arena, value.data);
    return true;
}

bool gitmodules_parse(struct gitmodules *modules, const char *text, size_t len, struct err **err)
{
    struct reader r = {text, text + len, 1, modules, NULL, err};

    if (len > GITMODULES_MAX_BYTES)
        return err_set(err, ERR_FETCH, ".gitmodules is longer than %d bytes", GITMODULES_MAX_BYTES);
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r.p += 3;
    while (r.p < r.end) {
        skip_space(&r);
        if (r.p >= r.end)
            break;
        if (*r.p == '\n') {
            r.p++;
            r.line++;
        } else if (*r.p == '#' || *r.p == ';') {
            skip_line(&r);
        } else if (*r.p == '[' ? !read_section(&r) : !read_setting(&r)) {
            return false;
        }
    }
    return true;
}

const struct gitmodule *gitmodules_find(const struct gitmodules *modules, const char *path)
{
    for (size_t i = 0; i < modules->count; i++) {
        if (modules->items[i].path && !strcmp(modules->items[i].path, path))
            return &modules->items[i];
    }
    return NULL;
}

static bool is_safe_component(const char *s, size_t len)
{
    if (len == 0 || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.'))
        return false;
    return !(len == 4 && !strncasecmp(s, ".git", 4));
}

static bool is_safe(const char *s)
{
    if (s[0] == '-' || s[0] == '/')
        return false;
    for (const char *p = s; *p; p++) {
        if (iscntrl((unsigned char)*p))
            return false;
    }
    for (;;) {
        size_t len = strcspn(s, "/");
        if (!is_safe_component(s, len))
            return false;
        if (!s[len])
            return true;
        s += len + 1;
    }
}

bool gitmodule_check(const struct gitmodule *module, struct err **err)
{
    if (!is_safe(module->name))
        return err_set(err, ERR_FETCH, ".gitmodules: refusing the submodule name '%s'",
                       module->name);
    if (!module->path || !is_safe(module->path))
        return err_set(err, ERR_FETCH, ".gitmodules: refusing the path '%s' of submodule '%s'",
                       module->path ? module->path : "", module->name);
    if (!module->url || !module->url[0])
        return err_set(err, ERR_FETCH, ".gitmodules: submodule '%s' has no url", module->name);
    return true;
}

void gitmodules_release(struct gitmodules *modules)
{
    arena_release(&modules->arena);
    free(modules->items);
    *modules = (struct gitmodules)GITMODULES_INIT;
}
