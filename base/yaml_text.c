#include "base/yaml_text.h"

#include <string.h>

#include "base/text.h"

#define BOM "\xef\xbb\xbf" /* a byte order mark may begin the text; it counts as no column */

/* Length of the line break at s, 0 when there is none. YAML 1.1 (4.2) and libyaml also end lines at
 * CR, NEL, LS and PS. */
static size_t line_break(const char *s, size_t len)
{
    uint32_t c = 0;

    if (*s == '\n')
        return 1;
    if (*s == '\r')
        return len > 1 && s[1] == '\n' ? 2 : 1;
    if ((unsigned char)*s < 0x80)
        return 0;
    size_t n = text_utf8_decode(s, len, &c);

    return c == 0x85 || c == 0x2028 || c == 0x2029 ? n : 0;
}

static void add_line(struct ydoc *doc, size_t offset, size_t *size)
{
    if (doc->line_count == *size) {
        *size = *size ? *size * 2 : 256;
        doc->lines = xreallocarray(doc->lines, *size, sizeof(*doc->lines));
    }
    doc->lines[doc->line_count++] = (uint32_t)offset;
}

void ydoc_set_text(struct ydoc *doc, const char *file, const char *text, size_t len)
{
    char *copy = arena_alloc(&doc->arena, len + 1);
    size_t size = 0, i = 0;

    if (len)
        memcpy(copy, text, len);
    doc->file = arena_strdup(&doc->arena, file);
    doc->text = copy;
    doc->text_len = len;
    if (text_starts_with(copy, BOM))
        i = strlen(BOM);
    add_line(doc, i, &size);
    while (i < len) {
        size_t n = line_break(copy + i, len - i);

        i += n ? n : 1;
        if (n)
            add_line(doc, i, &size);
    }
}

char *ydoc_line(const struct ydoc *doc, unsigned line)
{
    if (!line || line > doc->line_count)
        return xstrdup("");
    size_t i = doc->lines[line - 1];
    const char *start = doc->text + i;

    while (i < doc->text_len && !line_break(doc->text + i, doc->text_len - i))
        i++;
    return xstrndup(start, (size_t)(doc->text + i - start));
}

/* Where a byte stands, all bytes before it being UTF-8. */
static struct loc byte_loc(const struct ydoc *doc, size_t offset)
{
    struct loc loc = {doc->file, 1, 1, 1};

    while (loc.line < doc->line_count && doc->lines[loc.line] <= offset)
        loc.line++;
    for (size_t i = doc->lines[loc.line - 1]; i < offset; i++)
        loc.column += (doc->text[i + 1] & 0xc0) != 0x80 || i + 1 == offset;
    return loc;
}

static bool is_excluded(uint32_t c)
{
    bool c0 = c < 0x20 && c != '\t' && c != '\n' && c != '\r';
    bool c1 = c >= 0x7f && c < 0xa0 && c != 0x85;

    return c0 || c1 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

bool ydoc_check_text(const struct ydoc *doc, struct diags *diags)
{
    if (memchr(doc->text, '\0', doc->text_len))
        return ydoc_error(doc, (struct loc){doc->file, 0, 0, 0}, diags, NULL,
                          "this is a binary file, not YAML");
    for (size_t i = doc->lines[0], n; i < doc->text_len; i += n) {
        uint32_t c = 0;

        n = text_utf8_decode(doc->text + i, doc->text_len - i, &c);
        if (!n)
            return ydoc_error(doc, byte_loc(doc, i), diags, "save the file as UTF-8",
                              "byte 0x%02x is not UTF-8 text", (unsigned char)doc->text[i]);
        if (is_excluded(c))
            return ydoc_error(doc, byte_loc(doc, i), diags, "remove it",
                              "the character U+%04X is not allowed", (unsigned)c);
    }
    return true;
}
