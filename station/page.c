#include "station/page.h"

#include <string.h>

#include "base/hash.h"

#define HTML "text/html; charset=utf-8"
#define JAVASCRIPT "text/javascript; charset=utf-8"
#define CSS "text/css; charset=utf-8"
#define SVG "image/svg+xml"

/* The files of station/web/: a word for each, its name, and what it is. The Makefile knows that
 * this file depends on all of them. */
#define PAGE_FILES(FILE)                                                                           \
    FILE(api_js, "api.js", JAVASCRIPT)                                                             \
    FILE(app_js, "app.js", JAVASCRIPT)                                                             \
    FILE(devices_js, "devices.js", JAVASCRIPT)                                                     \
    FILE(dialog_js, "dialog.js", JAVASCRIPT)                                                       \
    FILE(dom_js, "dom.js", JAVASCRIPT)                                                             \
    FILE(editor_js, "editor.js", JAVASCRIPT)                                                       \
    FILE(events_js, "events.js", JAVASCRIPT)                                                       \
    FILE(files_js, "files.js", JAVASCRIPT)                                                         \
    FILE(flash_js, "flash.js", JAVASCRIPT)                                                         \
    FILE(format_js, "format.js", JAVASCRIPT)                                                       \
    FILE(icon_svg, "icon.svg", SVG)                                                                \
    FILE(icons_svg, "icons.svg", SVG)                                                              \
    FILE(image_js, "image.js", JAVASCRIPT)                                                         \
    FILE(images_js, "images.js", JAVASCRIPT)                                                       \
    FILE(index_html, "index.html", HTML)                                                           \
    FILE(job_js, "job.js", JAVASCRIPT)                                                             \
    FILE(job_actions_js, "job_actions.js", JAVASCRIPT)                                             \
    FILE(jobs_js, "jobs.js", JAVASCRIPT)                                                           \
    FILE(keys_js, "keys.js", JAVASCRIPT)                                                           \
    FILE(live_js, "live.js", JAVASCRIPT)                                                           \
    FILE(log_js, "log.js", JAVASCRIPT)                                                             \
    FILE(memory_js, "memory.js", JAVASCRIPT)                                                       \
    FILE(notice_js, "notice.js", JAVASCRIPT)                                                       \
    FILE(pages_js, "pages.js", JAVASCRIPT)                                                         \
    FILE(parts_css, "parts.css", CSS)                                                              \
    FILE(phases_js, "phases.js", JAVASCRIPT)                                                       \
    FILE(plot_js, "plot.js", JAVASCRIPT)                                                           \
    FILE(product_js, "product.js", JAVASCRIPT)                                                     \
    FILE(product_actions_js, "product_actions.js", JAVASCRIPT)                                     \
    FILE(product_files_js, "product_files.js", JAVASCRIPT)                                         \
    FILE(products_js, "products.js", JAVASCRIPT)                                                   \
    FILE(records_js, "records.js", JAVASCRIPT)                                                     \
    FILE(router_js, "router.js", JAVASCRIPT)                                                       \
    FILE(scope_js, "scope.js", JAVASCRIPT)                                                         \
    FILE(session_js, "session.js", JAVASCRIPT)                                                     \
    FILE(shell_js, "shell.js", JAVASCRIPT)                                                         \
    FILE(size_tree_js, "size_tree.js", JAVASCRIPT)                                                 \
    FILE(state_js, "state.js", JAVASCRIPT)                                                         \
    FILE(status_js, "status.js", JAVASCRIPT)                                                       \
    FILE(store_js, "store.js", JAVASCRIPT)                                                         \
    FILE(style_css, "style.css", CSS)                                                              \
    FILE(table_js, "table.js", JAVASCRIPT)                                                         \
    FILE(theme_js, "theme.js", JAVASCRIPT)                                                         \
    FILE(tokens_js, "tokens.js", JAVASCRIPT)                                                       \
    FILE(treemap_js, "treemap.js", JAVASCRIPT)                                                     \
    FILE(views_css, "views.css", CSS)

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
