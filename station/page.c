#include "station/page.h"

#include <string.h>

#include "base/hash.h"

#define HTML "text/html; charset=utf-8"
#define JAVASCRIPT "text/javascript; charset=utf-8"
#define CSS "text/css; charset=utf-8"

/* The files of station/web/: a word for each, its name, and what it is. The Makefile knows that
 * this file depends on all of them. */
#define PAGE_FILES(FILE)                                                                           \
    FILE(index, "index.html", HTML)                                                                \
    FILE(app, "app.js", JAVASCRIPT)                                                                \
    FILE(style, "style.css", CSS)

#define EMBED(word, name, type)                                                                    \
    __asm__(".pushsection .rodata\n"                                                               \
            "firn_page_" #word ": .incbin \"station/web/" name "\"\n"                              \
            "firn_page_" #word "_end: .byte 0\n"                                                   \
            ".popsection\n");                                                                      \
    extern const char firn_page_##word[], firn_page_##word##_end[];
PAGE_FILES(EMBED)

struct page {
    const char *name, *content_type, *begin, *end;
};
#define ENTRY(word, name, type) {name, type, firn_page_##word, firn_page_##word##_end},
static const struct page PAGES[] = {PAGE_FILES(ENTRY)};

/* For the browser to ask each time, and load what has changed only. */
static void answer(const struct http_request *request, struct http_response *r,
                   const struct page *page)
{
    char hex[HASH_HEX_SIZE];
    size_t len = (size_t)(page->end - page->begin);
    hash_bytes(page->begin, len, hex);
    http_text_etag(request, r, page->content_type, page->begin, len, hex);
}

static void find(const struct http_request *request, struct http_response *r, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(PAGES); i++) {
        if (strcmp(PAGES[i].name, name) == 0)
            return answer(request, r, &PAGES[i]);
    }
    http_problem(r, 404, "no-such-path", "go to /", "the page has no file '%s'", name);
}

void page_index(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    find(request, r, "index.html");
}

void page_file(void *app, const struct http_request *request, struct http_response *r)
{
    (void)app;
    find(request, r, request->params[0]);
}
