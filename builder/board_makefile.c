#include "builder/board_makefile.h"

#include <ctype.h>
#include <string.h>

#include "base/fs.h"

/* ---- assignments ---- */

/* Those of one name; NULL: all. */
static void remove_items(struct board_makefile *mk, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < mk->count; i++) {
        if (name && strcmp(mk->items[i].name, name) != 0) {
            mk->items[kept++] = mk->items[i];
            continue;
        }
        free(mk->items[i].name);
        free(mk->items[i].value);
    }
    mk->count = kept;
}

bool board_makefile_sets(const struct board_makefile *mk, const char *name)
{
    for (size_t i = 0; i < mk->count; i++)
        if (!strcmp(mk->items[i].name, name))
            return true;
    return false;
}

/* op: '=', '+' for +=, '?' for ?=. What surely happens replaces all before it. */
static void assign(struct board_makefile *mk, const char *name, const char *value, char op,
                   bool conditional)
{
    if (op == '?' && board_makefile_sets(mk, name))
        return;
    if (op != '+' && !conditional)
        remove_items(mk, name);
    if (mk->count == BOARD_MAKEFILE_MAX_ITEMS) {
        mk->incomplete = true;
        return;
    }
    mk->items = xreallocarray(mk->items, mk->count + 1, sizeof(*mk->items));
    mk->items[mk->count++] = (struct board_assignment){xstrdup(name), xstrdup(value), conditional};
}

void board_makefile_set(struct board_makefile *mk, const char *name, const char *value)
{
    assign(mk, name, value, '=', false);
}

/* ---- lines ---- */

struct parser {
    struct board_makefile *mk;
    const char *port_dir;
    unsigned conditions; /* the ifeq and the like that the line stands in */
    unsigned defines;    /* the same of define */
};

static void parse(struct parser *p, const char *text, size_t len);

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t");
}

/* If the line begins with this word: what follows it, else NULL. */
static const char *after_word(const char *line, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(line, word, len) != 0 || (line[len] && !strchr(" \t(\"'", line[len])))
        return NULL;
    return skip_space(line + len);
}

static bool begins_condition(const char *line)
{
    return after_word(line, "ifeq") || after_word(line, "ifneq") || after_word(line, "ifdef") ||
           after_word(line, "ifndef");
}

/* ifeq, else, endif, define: true if it was one of these, or stands within a define. */
static bool take_nesting(struct parser *p, const char *line)
{
    if (after_word(line, "define"))
        p->defines++;
    else if (p->defines)
        p->defines -= after_word(line, "endef") != NULL;
    else if (begins_condition(line))
        p->conditions++;
    else if (after_word(line, "endif"))
        p->conditions -= p->conditions > 0;
    else
        return after_word(line, "else") != NULL;
    return true;
}

/* One that make need not find is as good as empty when it is not there. */
static void include(const struct parser *p, const char *name, bool optional)
{
    _cleanup_free_ char *expanded = board_makefile_expand(p->mk, name, NULL);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *err = NULL;

    if (!expanded || !p->port_dir || p->mk->includes == BOARD_MAKEFILE_MAX_FILES) {
        p->mk->incomplete = true;
        return;
    }
    p->mk->includes++;
    _cleanup_free_ char *path = path_join(p->port_dir, expanded);
    struct parser inner = {p->mk, p->port_dir, p->conditions, 0};
    if (fs_read(path, BOARD_MAKEFILE_MAX_BYTES, &text, &err))
        parse(&inner, text.data, text.len);
    else if (!optional || err->code != ERR_NOT_FOUND)
        p->mk->incomplete = true;
}

static bool take_include(const struct parser *p, const char *line)
{
    static const char *const words[] = {"include", "-include", "sinclude"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        const char *name = after_word(line, words[i]);
        while (name && *name) {
            size_t len = strcspn(name, " \t");
            _cleanup_free_ char *one = xstrndup(name, len);
            include(p, one, i > 0);
            name = skip_space(name + len);
        }
        if (name)
            return true;
    }
    return false;
}

static const char *skip_modifiers(const char *line)
{
    static const char *const words[] = {"export", "override", "private"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        const char *rest = after_word(line, words[i]);
        line = rest ? rest : line;
    }
    return line;
}

/* NAME = value, with =, :=, ::=, ?=, += or !=, which is the output of a command: not known. */
static void take_assignment(const struct parser *p, const char *line)
{
    line = skip_modifiers(line);
    size_t len = strcspn(line, " \t:?+!=#(){}$");
    const char *at = skip_space(line + len);
    char op = '=';

    if (*at && strchr("?+!:", *at))
        op = *at++;
    at += op == ':' && *at == ':';
    if (!len || *at != '=')
        return;
    _cleanup_free_ char *name = xstrndup(line, len);
    assign(p->mk, name, op == '!' ? "$(shell)" : skip_space(at + 1), op, p->conditions > 0);
}

static void cut_comment(struct buf *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (line->data[i] == '#' && (i == 0 || line->data[i - 1] != '\\'))
            buf_truncate(line, i);
    while (line->len && isspace((unsigned char)line->data[line->len - 1]))
        buf_truncate(line, line->len - 1);
}

/* Add one line of the text and those that it continues on. Returns what follows. */
static const char *next_line(const char *text, const char *end, struct buf *line)
{
    for (;;) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t len = (size_t)((stop ? stop : end) - text);
        const char *next = stop ? stop + 1 : end;
        len -= len && text[len - 1] == '\r';
        if (!len || text[len - 1] != '\\') {
            buf_add(line, text, len);
            return next;
        }
        buf_add(line, text, len - 1);
        buf_addc(line, ' ');
        text = next;
    }
}

static void parse(struct parser *p, const char *text, size_t len)
{
    _cleanup_(buf_release) struct buf line = BUF_INIT;

    for (const char *end = text + len; text < end;) {
        bool recipe = *text == '\t';
        buf_clear(&line);
        text = next_line(text, end, &line);
        cut_comment(&line);
        const char *begin = skip_space(line.data);
        if (!recipe && !take_nesting(p, begin) && !take_include(p, begin))
            take_assignment(p, begin);
    }
}

void board_makefile_parse(struct board_makefile *mk, const char *text, size_t len,
                          const char *port_dir)
{
    struct parser p = {mk, port_dir, 0, 0};

    parse(&p, text, len);
}

bool board_makefile_load(struct board_makefile *mk, const char *path, const char *port_dir,
                         struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (!fs_read(path, BOARD_MAKEFILE_MAX_BYTES, &text, err))
        return false;
    board_makefile_parse(mk, text.data, text.len, port_dir);
    return true;
}

/* ---- expansion ---- */

struct expansion {
    const struct board_makefile *mk;
    unsigned variables; /* looked up so far: they may name each other in a circle */
};

static bool expand(struct expansion *e, const char *text, const char *unknown, struct buf *out);

/* The value of a variable of which everything is known. */
static bool expand_variable(struct expansion *e, const char *name, struct buf *out)
{
    size_t found = 0;

    if (e->variables++ >= BOARD_MAKEFILE_MAX_VARIABLES)
        return false;
    for (size_t i = 0; i < e->mk->count; i++) {
        const struct board_assignment *item = &e->mk->items[i];
        if (strcmp(item->name, name) != 0)
            continue;
        if (found++)
            buf_addc(out, ' ');
        if (item->conditional || !expand(e, item->value, NULL, out))
            return false;
    }
    return found > 0;
}

/* `at` is behind a '$'. Returns what follows the reference, NULL when its value is not known. */
static const char *expand_reference(struct expansion *e, const char *at, const char *unknown,
                                    struct buf *out)
{
    _cleanup_(buf_release) struct buf value = BUF_INIT;
    char closing = '\0';
    bool known = false;

    if (*at == '(' || *at == '{')
        closing = *at == '(' ? ')' : '}';
    const char *end = closing ? strchr(at, closing) : NULL;
    if (end) {
        _cleanup_free_ char *name = xstrndup(at + 1, (size_t)(end - at) - 1);
        known = expand_variable(e, name, &value);
    }
    if (!known && !unknown)
        return NULL;
    buf_adds(out, known ? value.data : unknown);
    return end ? end + 1 : at + (*at != '\0');
}

static bool expand(struct expansion *e, const char *text, const char *unknown, struct buf *out)
{
    while (*text) {
        size_t len = strcspn(text, "$");
        buf_add(out, text, len);
        text += len;
        if (*text == '$' && !(text = expand_reference(e, text + 1, unknown, out)))
            return false;
    }
    return true;
}

char *board_makefile_expand(const struct board_makefile *mk, const char *text, const char *unknown)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    struct expansion e = {mk, 0};

    return expand(&e, text, unknown, &out) ? buf_detach(&out, NULL) : NULL;
}

void board_makefile_release(struct board_makefile *mk)
{
    remove_items(mk, NULL);
    free(mk->items);
    *mk = (struct board_makefile)BOARD_MAKEFILE_INIT;
}
