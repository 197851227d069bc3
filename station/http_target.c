#include "station/http_target.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Valid UTF-8 without control characters (C1, too)? */
static bool is_plain_text(const struct buf *text)
{
    for (size_t at = 0; at < text->len;) {
        uint32_t code;
        size_t n = text_utf8_decode(text->data + at, text->len - at, &code);
        if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            return false;
        at += n;
    }
    return true;
}

static bool decode(struct buf *out, const char *raw, size_t len, char plus, const char **why)
{
    for (size_t i = 0; i < len; i++) {
        if (raw[i] != '%') {
            buf_addc(out, raw[i] == '+' ? plus : raw[i]);
            continue;
        }
        int high = i + 2 < len ? hex_digit(raw[i + 1]) : -1;
        int low = i + 2 < len ? hex_digit(raw[i + 2]) : -1;
        *why = "a percent sign is not followed by two hexadecimal digits";
        if (high < 0 || low < 0)
            return false;
        buf_addc(out, (char)(high << 4 | low));
        i += 2;
    }
    *why = "the address has control characters, or is not UTF-8";
    return is_plain_text(out);
}

static bool is_step(const char *segment)
{
    return !*segment || strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0;
}

/* Adds "/segment" to path. starts: where each begins there. */
static bool add_segment(struct http_target *target, struct buf *path, const char *raw, size_t len,
                        size_t starts[HTTP_SEGMENTS_MAX], const char **why)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (!decode(&text, raw, len, '+', why))
        return false;
    *why = "a part of the path has an encoded slash";
    if (strchr(text.data, '/'))
        return false;
    *why = "a part of the path is empty, '.' or '..'";
    if (is_step(text.data))
        return false;
    *why = "the path has too many parts";
    if (target->segment_count == HTTP_SEGMENTS_MAX)
        return false;
    buf_addc(path, '/');
    starts[target->segment_count] = path->len;
    buf_add(path, text.data, text.len);
    target->segments[target->segment_count++].text = arena_strdup(&target->arena, text.data);
    return true;
}

static bool parse_path(struct http_target *target, const char *raw, size_t len, const char **why)
{
    _cleanup_(buf_release) struct buf path = BUF_INIT;
    size_t starts[HTTP_SEGMENTS_MAX] = {0};
    const char *end = raw + len;
    for (const char *at = raw; len > 1 && at < end;) {
        const char *segment = at + 1;
        const char *slash = memchr(segment, '/', (size_t)(end - segment));
        at = slash ? slash : end;
        if (!add_segment(target, &path, segment, (size_t)(at - segment), starts, why))
            return false;
    }
    if (len == 1)
        buf_addc(&path, '/');
    target->path = arena_strdup(&target->arena, path.data);
    for (size_t i = 0; i < target->segment_count; i++)
        target->segments[i].rest = target->path + starts[i];
    return true;
}

static bool add_pair(struct http_target *target, const char *raw, size_t len, const char **why)
{
    _cleanup_(buf_release) struct buf name = BUF_INIT, value = BUF_INIT;
    const char *equals = memchr(raw, '=', len);
    size_t name_len = equals ? (size_t)(equals - raw) : len;
    if (!decode(&name, raw, name_len, ' ', why))
        return false;
    if (equals && !decode(&value, equals + 1, len - name_len - 1, ' ', why))
        return false;
    *why = "the address has too many parameters";
    if (target->query_count == HTTP_QUERY_MAX)
        return false;
    target->query[target->query_count++] = (struct http_pair){
        arena_strdup(&target->arena, name.data), arena_strdup(&target->arena, value.data)};
    return true;
}

static bool parse_query(struct http_target *target, const char *raw, const char **why)
{
    while (*raw) {
        size_t len = strcspn(raw, "&");
        if (len > 0 && !add_pair(target, raw, len, why))
            return false;
        raw += len + (raw[len] == '&');
    }
    return true;
}

bool http_target_parse(struct http_target *target, const char *raw, const char **why)
{
    size_t path_len = strcspn(raw, "?");
    *target = (struct http_target){.arena = ARENA_INIT, .path = "/"};
    *why = "the address is not a path";
    if (*raw != '/' || strchr(raw, '#'))
        return false;
    *why = "the address is too long";
    if (strlen(raw) > HTTP_TARGET_MAX)
        return false;
    return parse_path(target, raw, path_len, why) &&
           (!raw[path_len] || parse_query(target, raw + path_len + 1, why));
}

void http_target_release(struct http_target *target)
{
    arena_release(&target->arena);
    target->segment_count = target->query_count = 0;
}

const char *http_target_query(const struct http_target *target, const char *name)
{
    for (size_t i = 0; i < target->query_count; i++) {
        if (strcmp(target->query[i].name, name) == 0)
            return target->query[i].value;
    }
    return NULL;
}
