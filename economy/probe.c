#include "economy/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The Makefile knows that this file depends on them. */
__asm__(".pushsection .rodata\n"
        "firn_probe: .incbin \"economy/probe.py\"\n"
        ".byte 0\n"
        "firn_probe_files: .incbin \"economy/probe_files.py\"\n"
        ".byte 0\n"
        "firn_probe_host: .incbin \"economy/probe_host.py\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char firn_probe[], firn_probe_files[], firn_probe_host[];

const char *probe_outcome_id(enum probe_outcome outcome)
{
    static const char *const ids[] = {
        [PROBE_WORKS] = "works", [PROBE_RAISED] = "raised", [PROBE_MEMORY] = "memory",
        [PROBE_HUNG] = "hung",   [PROBE_RESET] = "reset",   [PROBE_GARBAGE] = "garbage",
        [PROBE_FLOOD] = "flood",
    };
    return ids[outcome];
}

void probe_release(struct probe *probe)
{
    buf_release(&probe->output);
    buf_release(&probe->traceback);
    strv_release(&probe->qstrs);
    strv_release(&probe->modules);
    strv_release(&probe->touched);
    buf_release(&probe->heap);
}

/* ---- the program ---- */

static void add_program(struct buf *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n") + 1;
        if (*text != '#')
            buf_add(out, text, len);
        text += len;
    }
}

void probe_program(enum probe_files files, struct buf *out)
{
    add_program(out, firn_probe);
    if (files == PROBE_FILES_MEMORY)
        add_program(out, firn_probe_files);
    if (files == PROBE_FILES_HOST)
        add_program(out, firn_probe_host);
}

static void add_bytes_literal(struct buf *out, const char *text)
{
    buf_adds(out, "b'");
    for (; *text; text++)
        buf_addf(out, "\\x%02x", (unsigned char)*text);
    buf_adds(out, "',");
}

void probe_call(const char *const *modules, const char *mark, const char *clock, bool heap,
                struct buf *out)
{
    buf_adds(out, "_1((");
    for (; *modules; modules++)
        add_bytes_literal(out, *modules);
    buf_addf(out, "),'%s',lambda:%s,%d)", mark, clock ? clock : "0", heap);
}

/* ---- what it prints ---- */

/* Our next line of that kind: *rest is behind its first words, *before is how much stands in front
 * of it. NULL: there is none. */
static const char *find_mark(const char *text, const char *mark, const char *kind, size_t *before)
{
    _cleanup_free_ char *line = xasprintf("\n%s %s", mark, kind);
    const char *found = strstr(text, line);
    if (!found)
        return NULL;
    *before = (size_t)(found - text);
    return found + strlen(line);
}

/* "qstr pool: n_pool=1, n_qstr=14, n_str_data_bytes=55, n_total_bytes=231", the last one. */
static bool read_qstr_count(const char *text, size_t len, uint64_t *count)
{
    static const char word[] = "n_qstr=";
    const char *found = NULL, *next = text;
    while ((next = memmem(next, (size_t)(text + len - next), word, strlen(word)))) {
        next += strlen(word);
        found = next;
    }
    if (!found)
        return false;
    *count = strtoull(found, NULL, 10);
    return true;
}

/* The names stand as they are, with newlines in them if they have any: the next one begins where a
 * line does, with "Q(". */
static void read_qstrs(const char *text, size_t len, struct strv *names)
{
    static const char start[] = "\nQ(", end[] = ")\n";
    const char *stop = text + len, *at = memmem(text, len, start, strlen(start));
    while (at) {
        const char *name = at + strlen(start), *last = name;
        const char *next = memmem(name, (size_t)(stop - name), ")\nQ(", 4);
        if (next)
            last = next;
        else
            for (const char *p = name; (p = memmem(p, (size_t)(stop - p), end, strlen(end))); p++)
                last = p;
        _cleanup_free_ char *copy = xstrndup(name, (size_t)(last - name));
        strv_add(names, copy);
        at = next ? next + 1 : NULL;
    }
}

static void read_lines(const char *text, size_t len, struct strv *lines)
{
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        if (n) {
            _cleanup_free_ char *line = xstrndup(text, n);
            strv_add(lines, line);
        }
        n += end != NULL;
        text += n;
        len -= n;
    }
}

/* Text for people: UTF-8 without control characters but those that move the cursor. */
static bool is_text(const struct buf *text)
{
    for (size_t at = 0; at < text->len;) {
        uint32_t code;
        size_t n = text_utf8_decode(text->data + at, text->len - at, &code);
        if (!n || (code < ' ' && !strchr("\a\b\t\n\v\f\r\x1b", (int)code)))
            return false;
        at += n;
    }
    return true;
}

static bool read_numbers(struct probe *probe, const char *mark, const char *text)
{
    unsigned long long alloc[2], free_bytes[2], ticks;
    size_t len = 0;
    int ended;
    const char *at = find_mark(text, mark, "before ", &len);
    if (!at || !read_qstr_count(text, len, &probe->qstrs_before) ||
        sscanf(at, "%llu %llu", &alloc[0], &free_bytes[0]) != 2 || !(at = strchr(at, '\n')))
        return false;
    const char *printed = at + 1;
    at = find_mark(at, mark, "after ", &len);
    if (!at || sscanf(at, "%llu %llu %lld %d", &alloc[1], &free_bytes[1], (long long *)&ticks,
                      &ended) != 4)
        return false;
    /* The newline in front of our line is ours. */
    buf_add(&probe->output, printed, len ? len - 1 : 0);
    probe->alloc_before = alloc[0];
    probe->free_before = free_bytes[0];
    probe->alloc_after = alloc[1];
    probe->free_after = free_bytes[1];
    probe->ticks = ticks;
    probe->outcome = ended ? PROBE_WORKS : PROBE_RAISED;
    return true;
}

static bool read_rest(struct probe *probe, const char *mark, const char *text)
{
    size_t qstrs = 0, modules = 0, touched = 0, traceback = 0, heap = 0, before = 0;
    const char *at = find_mark(text, mark, "after ", &before);
    const char *next = at ? find_mark(at, mark, "modules\n", &qstrs) : NULL;
    if (!next || !read_qstr_count(at, qstrs, &probe->qstrs_after))
        return false;
    read_qstrs(at, qstrs, &probe->qstrs);
    at = next;
    if (!(next = find_mark(at, mark, "touched\n", &modules)))
        return false;
    read_lines(at, modules, &probe->modules);
    at = next;
    if (!(next = find_mark(at, mark, "traceback\n", &touched)))
        return false;
    read_lines(at, touched, &probe->touched);
    at = next;
    if (!(next = find_mark(at, mark, "heap info\n", &traceback)))
        return false;
    buf_add(&probe->traceback, at, traceback);
    at = next;
    if (!find_mark(at, mark, "all done", &heap))
        return false;
    buf_add(&probe->heap, at, heap);
    return true;
}

/* The first line after "Traceback" is our own program's. */
static void drop_own_frame(struct buf *traceback)
{
    static const char own[] = ", in _1\n";
    char *line = strchr(traceback->data, '\n');
    char *end = line ? strstr(line, own) : NULL;
    if (!end || memchr(line + 1, '\n', (size_t)(end - line - 1)))
        return;
    end += strlen(own);
    size_t rest = traceback->len - (size_t)(end - traceback->data);
    memmove(line + 1, end, rest);
    buf_truncate(traceback, (size_t)(line + 1 - traceback->data) + rest);
}

void probe_read(struct probe *probe, const char *mark, const char *text, size_t len)
{
    _cleanup_(buf_release) struct buf copy = BUF_INIT;
    buf_addc(&copy, '\n');
    buf_add(&copy, text, len);
    for (size_t i = 0; i < copy.len; i++) /* no text either, and no end of ours */
        copy.data[i] = copy.data[i] ? copy.data[i] : '\001';
    if (!read_numbers(probe, mark, copy.data) || !read_rest(probe, mark, copy.data)) {
        probe->outcome = PROBE_GARBAGE;
        return;
    }
    probe->measured = probe->outcome == PROBE_WORKS;
    if (probe->outcome == PROBE_RAISED && strstr(probe->traceback.data, "MemoryError"))
        probe->outcome = PROBE_MEMORY;
    if (!is_text(&probe->output))
        probe->outcome = PROBE_GARBAGE;
    drop_own_frame(&probe->traceback);
}
