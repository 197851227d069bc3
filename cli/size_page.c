/* The page with a treemap: cli/size.html with the data put in. */
#include <string.h>

#include "base/fs.h"
#include "cli/size_show.h"

#define PLACE "@DATA@"

/* The Makefile knows that this file depends on it. */
__asm__(".pushsection .rodata\n"
        "firn_size_page: .incbin \"cli/size.html\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char firn_size_page[];

/* "<" would end the script that the data stands in, or begin a comment. */
static void add_data(struct buf *out, const char *json)
{
    for (; *json; json++) {
        if (*json == '<')
            buf_adds(out, "\\u003c");
        else
            buf_addc(out, *json);
    }
}

bool size_page_write(const json_t *size, const char *name, const char *path, struct err **err)
{
    const char *place = strstr(firn_size_page, PLACE);
    json_t *data = json_pack("{s:s, s:O}", "name", name, "size", size);
    _cleanup_free_ char *json = json_dumps(data, JSON_SORT_KEYS | JSON_COMPACT);
    _cleanup_(buf_release) struct buf page = BUF_INIT;
    json_decref(data);
    buf_add(&page, firn_size_page, (size_t)(place - firn_size_page));
    add_data(&page, json);
    buf_adds(&page, place + strlen(PLACE));
    return fs_write(path, page.data, page.len, 0644, err);
}
