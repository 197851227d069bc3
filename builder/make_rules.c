#include "builder/make_rules.h"

#include <string.h>

#include "base/fs.h"
#include "base/text.h"

#define MAX_BYTES (1024 * 1024)
#define BLANKS " \t"

/* One line as make sees it: broken lines are one. */
struct line {
    const char *text; /* with its line feeds */
    size_t len;
};

static struct line next_line(const char **at)
{
    struct line line = {*at, 0};
    const char *end = *at;
    do {
        end += strcspn(end, "\n");
        end += *end == '\n';
    } while (*end && end - line.text >= 2 && end[-2] == '\\');
    line.len = (size_t)(end - line.text);
    *at = end;
    return line;
}

/* With one blank where there are more, or where it is broken; the caller frees. */
static char *normal(struct line line)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    for (size_t i = 0; i < line.len; i++) {
        bool broken = line.text[i] == '\\' && i + 1 < line.len && line.text[i + 1] == '\n';
        if (!broken && !strchr(BLANKS "\n", line.text[i]))
            buf_addc(&text, line.text[i]);
        else if (text.len && text.data[text.len - 1] != ' ')
            buf_addc(&text, ' ');
    }
    if (text.len && text.data[text.len - 1] == ' ')
        text.data[--text.len] = '\0';
    return buf_detach(&text, NULL);
}

/* A comment that make gives to a shell; make itself has nothing to expand in it. */
static bool is_comment(const char *line)
{
    return line[0] == '@' && line[1 + strspn(line + 1, BLANKS)] == '#' && !strchr(line, '$');
}

static bool is_left_out(struct line line, const char *const *left_out)
{
    _cleanup_free_ char *text = normal(line);
    if (is_comment(text))
        return true;
    for (size_t i = 0; left_out[i]; i++) {
        _cleanup_free_ char *other = normal((struct line){left_out[i], strlen(left_out[i])});
        if (!strcmp(text, other))
            return true;
    }
    return false;
}

/* "define NAME" and no more: the name, or NULL. The caller frees. */
static char *defined_name(struct line line)
{
    _cleanup_free_ char *text = normal(line);
    const char *name = text + strlen("define ");
    if (!text_starts_with(text, "define ") || !*name || name[strcspn(name, " $=:+?#")])
        return NULL;
    return xstrdup(name);
}

static bool is_end(struct line line)
{
    _cleanup_free_ char *text = normal(line);
    return !strcmp(text, "endef");
}

/* How much deeper in conditions the next line is. */
static int deeper(struct line line)
{
    static const char *const begins[] = {"ifeq", "ifneq", "ifdef", "ifndef", NULL};
    _cleanup_free_ char *text = normal(line);
    for (size_t i = 0; begins[i]; i++) {
        if (text_starts_with(text, begins[i]) && strchr(" (\"'", text[strlen(begins[i])]))
            return 1;
    }
    return text_starts_with(text, "endif") ? -1 : 0;
}

/* The recipe of that name, whose lines follow at *at, when it has a line to leave out. */
static void add_recipe(const char *name, const char **at, const char *const *left_out,
                       struct buf *out)
{
    _cleanup_(buf_release) struct buf kept = BUF_INIT;
    bool any = false;
    while (**at) {
        struct line line = next_line(at);
        if (is_end(line)) {
            if (any)
                buf_addf(out, "override define %s\n%sendef\n", name, kept.data ? kept.data : "");
            return;
        }
        if (is_left_out(line, left_out))
            any = true;
        else
            buf_add(&kept, line.text, line.len);
    }
}

char *make_rules_of(const char *makefile, const char *includer, const char *const *left_out)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    const char *at = makefile;
    int depth = 0;
    while (*at) {
        struct line line = next_line(&at);
        /* What is defined under a condition may not be what make takes. */
        _cleanup_free_ char *name = depth ? NULL : defined_name(line);
        depth += deeper(line);
        if (name && !strstr(includer, name))
            add_recipe(name, &at, left_out, &out);
    }
    return out.len ? buf_detach(&out, NULL) : NULL;
}

char *make_rules(const struct interpreter *interpreter, const char *source_dir,
                 const char *make_dir)
{
    _cleanup_(buf_release) struct buf rules = BUF_INIT;
    _cleanup_(buf_release) struct buf includer = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_free_ char *path = path_join(make_dir, "Makefile");
    if (!interpreter->rules_file ||
        !fs_read_beneath(source_dir, interpreter->rules_file, MAX_BYTES, &rules, &ignored) ||
        !fs_read_beneath(source_dir, path, MAX_BYTES, &includer, &ignored))
        return NULL;
    return make_rules_of(rules.data, includer.data ? includer.data : "",
                         interpreter->rules_left_out);
}
