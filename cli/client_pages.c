#include "cli/client_pages.h"

#include <stdio.h>
#include <string.h>

#include "base/json_get.h"

void client_add_query(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    buf_addf(path, "%c%s=", strchr(path->data, '?') ? '&' : '?', name);
    client_add_escaped(path, value);
}

/* One page of at most `limit`; *cursor of the next one, NULL = none. */
static bool get_page(struct client *client, const char *path, long limit, json_t *items,
                     char **cursor, struct err **err)
{
    _cleanup_(buf_release) struct buf query = BUF_INIT;
    char number[24];
    json_t *page = NULL;

    snprintf(number, sizeof(number), "%ld", limit);
    buf_adds(&query, path);
    client_add_query(&query, "limit", number);
    client_add_query(&query, "cursor", *cursor);
    free(*cursor);
    *cursor = NULL;
    if (!client_get(client, query.data, &page, err))
        return false;
    json_array_extend(items, json_object_get(page, "items"));
    const json_t *next = json_object_get(page, "next");
    if (json_is_string(next))
        *cursor = xstrdup(json_string_value(next));
    else if (json_is_integer(next))
        *cursor = xasprintf("%lld", (long long)json_integer_value(next));
    json_decref(page);
    return true;
}

bool client_get_pages(struct client *client, const char *path, long count, json_t *items,
                      bool *more, struct err **err)
{
    _cleanup_free_ char *cursor = NULL;
    size_t wanted = count < 0 ? SIZE_MAX : (size_t)count;

    do {
        size_t before = json_array_size(items), left = wanted - before;

        if (!get_page(client, path, left < PAGE_MAX ? (long)left : PAGE_MAX, items, &cursor, err))
            return false;
        if (json_array_size(items) == before)
            break; /* a cursor that leads nowhere would lead there for ever */
    } while (cursor && json_array_size(items) < wanted);
    *more = cursor != NULL;
    while (json_array_size(items) > wanted)
        json_array_remove(items, json_array_size(items) - 1);
    return true;
}
