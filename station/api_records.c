/* /v1/records: what was done, for ever. */
#include <stdio.h>
#include <string.h>

#include "base/json_get.h"
#include "station/api.h"

#define AT_ONCE 200

HANDLER(api_records_list)
{
    struct station *station = app;
    struct record_filter filter = {.kind = http_query(request, "kind"),
                                   .text = http_query(request, "q")};
    struct err *err = NULL;
    int64_t limit = 50;
    json_t *items = NULL;
    char next[32];
    if (!http_query_int(request, r, "limit", 1, 500, &limit) ||
        !http_query_int(request, r, "cursor", 1, INT64_MAX, &filter.before))
        return;
    filter.limit = (int)limit;
    if (filter.kind && !*filter.kind)
        filter.kind = NULL;
    if (filter.text && !*filter.text)
        filter.text = NULL;
    if (!store_records_list(station->store, &filter, &items, &err)) {
        api_error(app, r, &err);
        return;
    }
    size_t count = json_array_size(items);
    if (count)
        snprintf(next, sizeof(next), "%lld",
                 (long long)json_get_int(json_array_get(items, count - 1), "seq"));
    api_list(r, items, count == (size_t)limit ? next : NULL);
}

/* ---- all of them ---- */

struct export
{
    struct station *station;
    int64_t after;
    bool begun;
    void (*add)(const json_t *record, struct buf *out);
    const char *head;
};

static void add_jsonl(const json_t *record, struct buf *out)
{
    _cleanup_free_ char *line = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
    buf_adds(out, line);
    buf_addc(out, '\n');
}

/* RFC 4180. A field that a spreadsheet would take for a formula gets an apostrophe before it. */
static void add_field(struct buf *out, const char *text)
{
    buf_addc(out, '"');
    if (*text && strchr("=+-@\t\r", *text))
        buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            buf_addc(out, '"');
        buf_addc(out, *text);
    }
    buf_addc(out, '"');
}

static void add_csv(const json_t *record, struct buf *out)
{
    static const char *const columns[] = {"product", "version", "state", "image", "path", "serial"};
    const json_t *body = json_object_get(record, "body");
    _cleanup_free_ char *all = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    buf_addf(out, "%lld,", (long long)json_get_int(record, "seq"));
    add_field(out, json_get_text(record, "at"));
    buf_addc(out, ',');
    add_field(out, json_get_text(record, "kind"));
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        buf_addc(out, ',');
        add_field(out, json_get_text(body, columns[i]));
    }
    buf_addc(out, ',');
    add_field(out, all);
    buf_addc(out, ',');
    add_field(out, json_get_text(record, "hash"));
    buf_adds(out, "\r\n");
}

static void add_some(void *data, struct buf *out, bool *end)
{
    struct export *export = data;
    struct record_filter filter = {.after = export->after, .oldest_first = true, .limit = AT_ONCE};
    struct err *err = NULL;
    json_t *records = NULL, *record;
    size_t i;
    if (!export->begun)
        buf_adds(out, export->head);
    export->begun = true;
    if (!store_records_list(export->station->store, &filter, &records, &err)) {
        station_store_failed(export->station, &err);
        *end = true; /* it is cut short: its last hash is not that of GET /v1/records */
        return;
    }
    json_array_foreach(records, i, record)
    {
        export->add(record, out);
        export->after = json_get_int(record, "seq");
    }
    *end = json_array_size(records) < AT_ONCE;
    json_decref(records);
}

static void export_all(struct station *station, struct http_response *r, const char *type,
                       const char *name, const char *head,
                       void (*add)(const json_t *record, struct buf *out))
{
    struct export *export = xcalloc(1, sizeof(*export));
    *export = (struct export){.station = station, .add = add, .head = head};
    http_add_header(r, "Content-Disposition", "attachment; filename=\"%s\"", name);
    http_chunks(r, type, add_some, free, export);
}

HANDLER(api_records_jsonl)
{
    (void)request;
    export_all(app, r, "application/jsonl", "records.jsonl", "", add_jsonl);
}

HANDLER(api_records_csv)
{
    (void)request;
    export_all(app, r, "text/csv; charset=utf-8", "records.csv",
               "seq,at,kind,product,version,state,image,path,serial,body,hash\r\n", add_csv);
}
