#include <string.h>
#include <yaml.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/yaml_text.h"

/* Reading: libyaml's events become nodes as they come, so that nothing that has to be refused (the
 * depth, an alias) is ever built. `event` is the one being looked at. */
struct reader {
    struct ydoc *doc;
    struct diags *diags;
    yaml_parser_t parser;
    yaml_event_t event;
    size_t nodes;
    int depth;
    bool failed;  /* an error was added */
    bool stopped; /* and nothing more can be read */
};

static void PRINTF_LIKE(4, 5)
    refuse(struct reader *r, struct loc loc, const char *hint, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    _cleanup_free_ char *message = xvasprintf(fmt, ap);
    va_end(ap);
    ydoc_error(r->doc, loc, r->diags, hint, "%s", message);
    r->failed = true;
}

static struct loc node_loc(const struct reader *r, const struct ynode *node)
{
    return (struct loc){r->doc->file, node->line, node->column, node->length};
}

static unsigned count_characters(const char *s)
{
    unsigned count = 0;

    for (; *s; s++)
        count += (*s & 0xc0) != 0x80;
    return count;
}

/* Behind a text that does not end with a line break libyaml begins a line that is not there. */
static struct loc mark_loc(const struct reader *r, yaml_mark_t mark, size_t length)
{
    struct loc loc = {r->doc->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1,
                      (unsigned)length};

    if (loc.line > r->doc->line_count) {
        loc.line = (unsigned)r->doc->line_count;
        _cleanup_free_ char *line = ydoc_line(r->doc, loc.line);
        loc.column = count_characters(line) + 1;
    }
    return loc;
}

/* libyaml's messages in words for the person who wrote the file. */
static const struct problem {
    const char *theirs; /* the beginning of libyaml's message */
    const char *message;
    const char *hint;
    bool at_begin; /* point at where the construct begins, not at where libyaml gave up */
} problems[] = {
    {"found a tab", "a tab may not be used for indentation", "use spaces", false},
    {"found character that cannot start", "a value cannot begin with this character",
     "put the value in quotes", false},
    {"did not find expected key", "this does not belong to the mapping around it",
     "check the indentation, the quotes, and that each key ends with ':'", false},
    {"did not find expected '-'", "this does not belong to the list around it",
     "check the indentation, and that each item begins with '- '", false},
    {"mapping values are not allowed", "a ':' is not allowed here",
     "check the indentation, or put the value in quotes", false},
    {"block sequence entries are not", "a list cannot begin here", "begin it on a line of its own",
     false},
    {"could not find expected ':'", "a key without ':'", "write 'key: value'", true},
    {"found unexpected end of stream", "a quoted string without its end", "add the closing quote",
     true},
    {"did not find expected ',' or ']'", "a list without its end",
     "put ',' between its items and ']' at its end", true},
    {"did not find expected ',' or '}'", "a mapping without its end",
     "put ',' between its pairs and '}' at its end", true},
    {"found undefined tag handle", "tags are not supported", "remove it, or put it in quotes",
     false},
    {"did not find expected <document start>", "text behind the end of the document",
     "a file holds one document: remove what follows '...'", false},
};

static const struct problem *find_problem(const char *theirs)
{
    for (size_t i = 0; i < ARRAY_SIZE(problems); i++)
        if (text_starts_with(theirs, problems[i].theirs))
            return &problems[i];
    return NULL;
}

/* Only ASCII may stand before the column for this to be exact, as it does in indentation. */
static bool is_tab_at(const struct reader *r, yaml_mark_t mark)
{
    _cleanup_free_ char *line = ydoc_line(r->doc, (unsigned)mark.line + 1);

    return mark.column < strlen(line) && line[mark.column] == '\t';
}

static void add_problem(struct reader *r)
{
    const yaml_parser_t *parser = &r->parser;
    const char *theirs = parser->problem ? parser->problem : "unknown error";
    const struct problem *problem =
        is_tab_at(r, parser->problem_mark) ? &problems[0] : find_problem(theirs);

    if (!problem) {
        refuse(r, mark_loc(r, parser->problem_mark, 1), NULL, "not valid YAML: %s", theirs);
        return;
    }
    yaml_mark_t mark = problem->at_begin ? parser->context_mark : parser->problem_mark;

    refuse(r, mark_loc(r, mark, 1), problem->hint, "%s", problem->message);
}

static bool next_event(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (r->stopped || !yaml_parser_parse(&r->parser, &r->event)) {
        if (!r->stopped)
            add_problem(r);
        r->stopped = true;
        return false;
    }
    return true;
}

/* Characters from the event's begin to its end, or to the end of its first line. */
static unsigned event_length(const struct reader *r)
{
    const yaml_mark_t *start = &r->event.start_mark, *end = &r->event.end_mark;

    if (start->line == end->line)
        return (unsigned)(end->column - start->column);
    _cleanup_free_ char *line = ydoc_line(r->doc, (unsigned)start->line + 1);
    size_t chars = count_characters(line);

    return chars > start->column ? (unsigned)(chars - start->column) : 0;
}

static struct ynode *new_node(struct reader *r, enum ynode_type type)
{
    struct ynode *node = arena_alloc(&r->doc->arena, sizeof(*node));

    struct loc loc = mark_loc(r, r->event.start_mark, event_length(r));

    node->type = type;
    node->line = loc.line;
    node->column = loc.column;
    node->length = loc.length;
    node->value = "";
    if (++r->nodes > YAML_MAX_NODES) {
        refuse(r, node_loc(r, node), NULL, "more than %d values in one file", YAML_MAX_NODES);
        r->stopped = true;
    }
    return node;
}

static void refuse_extras(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag,
                          bool non_specific_tag)
{
    struct loc loc = mark_loc(r, r->event.start_mark, 1);

    if (anchor) {
        loc.length = (unsigned)strlen((const char *)anchor) + 1;
        refuse(r, loc, "write the value where it is needed", "anchors are not supported");
    }
    if (tag || non_specific_tag)
        refuse(r, loc, "remove it, or put it in quotes", "tags are not supported");
}

static struct ynode *read_scalar(struct reader *r)
{
    const yaml_event_t *event = &r->event;
    const char *value = (const char *)event->data.scalar.value;
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct ynode *node = new_node(r, YNODE_SCALAR);

    refuse_extras(r, event->data.scalar.anchor, event->data.scalar.tag,
                  plain && !event->data.scalar.plain_implicit);
    if (strlen(value) != event->data.scalar.length)
        refuse(r, node_loc(r, node), "remove the \\0", "a string may not contain a NUL");
    node->value = arena_strdup(&r->doc->arena, value);
    node->quoted = !plain;
    return node;
}

static struct ynode *read_alias(struct reader *r)
{
    struct ynode *node = new_node(r, YNODE_SCALAR);

    refuse(r, node_loc(r, node), "write the value again, or put it in quotes",
           "aliases are not supported");
    node->quoted = true;
    return node;
}

static struct ynode *read_node(struct reader *r);

/* Nodes up to the collection's end event. The list is the caller's to free. */
static struct ynode **read_children(struct reader *r, yaml_event_type_t end, size_t *count)
{
    struct ynode **children = NULL;
    size_t size = 0;

    *count = 0;
    while (next_event(r) && r->event.type != end) {
        if (*count == size) {
            size = size ? size * 2 : 16;
            children = xreallocarray(children, size, sizeof(*children));
        }
        children[(*count)++] = read_node(r);
    }
    return children;
}

static struct ynode *read_sequence(struct reader *r)
{
    struct ynode *node = new_node(r, YNODE_SEQUENCE);

    refuse_extras(r, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag, false);
    _cleanup_free_ struct ynode **children =
        read_children(r, YAML_SEQUENCE_END_EVENT, &node->count);

    node->items = arena_alloc(&r->doc->arena, (node->count + 1) * sizeof(struct ynode *));
    for (size_t i = 0; i < node->count; i++)
        node->items[i] = children[i];
    return node;
}

/* Sorting keys finds duplicates in a hostile file of 50,000 keys, too; equal ones in file order. */
static int by_key(const void *a, const void *b)
{
    const struct ynode *x = *(struct ynode *const *)a, *y = *(struct ynode *const *)b;
    int order = strcmp(x->value, y->value);

    if (order)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static void refuse_duplicates(struct reader *r, const struct ynode *map)
{
    _cleanup_free_ struct ynode **sorted = xreallocarray(NULL, map->count + 1, sizeof(*sorted));

    for (size_t i = 0; i < map->count; i++)
        sorted[i] = map->keys[i];
    qsort(sorted, map->count, sizeof(*sorted), by_key);
    for (size_t i = 1; i < map->count; i++) {
        const struct ynode *first = sorted[i - 1], *second = sorted[i];

        if (strcmp(first->value, second->value) != 0)
            continue;
        _cleanup_free_ char *hint = xasprintf("it stands on line %u already", first->line);

        refuse(r, node_loc(r, second), hint, "duplicate key '%s'", second->value);
    }
}

static struct ynode *read_mapping(struct reader *r)
{
    struct ynode *node = new_node(r, YNODE_MAPPING);
    size_t count;

    refuse_extras(r, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag, false);
    _cleanup_free_ struct ynode **children = read_children(r, YAML_MAPPING_END_EVENT, &count);

    node->count = count / 2; /* when reading stopped, a key may lack its value */
    node->keys = arena_alloc(&r->doc->arena, (node->count + 1) * sizeof(struct ynode *));
    node->items = arena_alloc(&r->doc->arena, (node->count + 1) * sizeof(struct ynode *));
    for (size_t i = 0; i < node->count; i++) {
        node->keys[i] = children[2 * i];
        node->items[i] = children[2 * i + 1];
        if (node->keys[i]->type != YNODE_SCALAR)
            refuse(r, node_loc(r, node->keys[i]), NULL, "a key must be a string, not %s",
                   ynode_type_name(node->keys[i]->type));
    }
    if (!node->length && node->count) /* a block: its first key stands for it */
        node->length = node->keys[0]->length;
    if (!r->stopped)
        refuse_duplicates(r, node);
    return node;
}

/* The node that begins with the event being looked at. Never NULL; after an error it may lack
 * parts. */
static struct ynode *read_node(struct reader *r)
{
    struct ynode *node;

    if (r->event.type == YAML_SCALAR_EVENT)
        return read_scalar(r);
    if (r->event.type == YAML_ALIAS_EVENT)
        return read_alias(r);
    if (++r->depth > YAML_MAX_DEPTH) {
        refuse(r, mark_loc(r, r->event.start_mark, 1), NULL, "nested more than %d levels deep",
               YAML_MAX_DEPTH);
        r->stopped = true;
    }
    node = r->event.type == YAML_SEQUENCE_START_EVENT ? read_sequence(r) : read_mapping(r);
    r->depth--;
    return node;
}

static void read_document(struct reader *r)
{
    if (!next_event(r) /* the stream's begin */ || !next_event(r))
        return;
    if (r->event.type == YAML_STREAM_END_EVENT) {
        refuse(r, (struct loc){r->doc->file, 0, 0, 0}, NULL, "the file is empty");
        return;
    }
    if (!next_event(r))
        return;
    r->doc->root = read_node(r);
    if (!next_event(r) /* the document's end */ || !next_event(r))
        return;
    if (r->event.type != YAML_STREAM_END_EVENT)
        refuse(r, mark_loc(r, r->event.start_mark, 3), "put it into a file of its own",
               "a second document");
}

static void read_text(struct reader *r)
{
    size_t begin = r->doc->lines[0]; /* libyaml would give a byte order mark a column */

    if (!yaml_parser_initialize(&r->parser))
        abort(); /* out of memory, as in xmalloc() */
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->doc->text + begin,
                                 r->doc->text_len - begin);
    read_document(r);
    yaml_event_delete(&r->event);
    yaml_parser_delete(&r->parser);
}

bool ydoc_parse(struct ydoc *doc, const char *file, const char *text, size_t len,
                struct diags *diags)
{
    struct reader r = {.doc = doc, .diags = diags};

    ydoc_set_text(doc, file, text, len > YAML_MAX_BYTES ? 0 : len);
    if (len > YAML_MAX_BYTES)
        return ydoc_error(doc, (struct loc){doc->file, 0, 0, 0}, diags, NULL,
                          "the file is too large: at most %d KiB are read", YAML_MAX_BYTES / 1024);
    if (!ydoc_check_text(doc, diags))
        return false;
    read_text(&r);
    return !r.failed;
}

bool ydoc_load(struct ydoc *doc, const char *path, struct diags *diags)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;

    if (!fs_read(path, YAML_MAX_BYTES, &text, &err)) {
        err->code = ERR_MANIFEST; /* it is the user's to mend, as any other error in it */
        diags_take_error(diags, err);
        return false;
    }
    return ydoc_parse(doc, path, text.data, text.len, diags);
}

void ydoc_release(struct ydoc *doc)
{
    free(doc->lines);
    arena_release(&doc->arena);
    *doc = (struct ydoc)YDOC_INIT;
}
