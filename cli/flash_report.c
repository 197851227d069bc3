#include "cli/flash_report.h"

#include <stdio.h>

#include "base/text.h"
#include "flasher/plan_text.h"

static json_t *span_fields(uint8_t alt, uint32_t address, size_t size, bool keep)
{
    char text[11];
    snprintf(text, sizeof(text), "0x%08x", (unsigned)address);
    return json_pack("{s:i, s:s, s:I, s:b}", "alt", alt, "address", text, "size", (json_int_t)size,
                     "keeps_data", keep);
}

static json_t *plan_fields(const struct plan *plan)
{
    json_t *erase = json_array(), *write = json_array();
    struct plan_at at = {0, 0};
    struct plan_span span;
    for (size_t i = 0; i < plan->sector_count; i++) {
        const struct plan_sector *sector = &plan->sectors[i];
        if (sector->erase)
            json_array_append_new(
                erase, span_fields(sector->alt, sector->address, sector->size, plan_keeps(sector)));
    }
    while (plan_next_span(plan, PLAN_WRITE, &at, &span))
        json_array_append_new(write, span_fields(span.alt, span.address, span.size, span.keep));
    if (plan_vector(plan, &span))
        json_array_append_new(write, span_fields(span.alt, span.address, span.size, span.keep));
    return json_pack("{s:o, s:o}", "erase", erase, "write", write);
}

/* What was done, as far as it went. */
static json_t *done_fields(const struct flash_result *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "bytes_written",
                     (json_int_t)r->bytes_written, "bytes_kept", (json_int_t)r->bytes_kept,
                     "bytes_unchanged", (json_int_t)r->bytes_unchanged, "bytes_compared",
                     (json_int_t)r->bytes_compared, "sectors_erased", (json_int_t)r->sectors_erased,
                     "verified", r->verified, "left", r->left, "returned", r->returned);
}

static json_t *board_fields(const struct flash_result *r, const struct flash_options *options)
{
    json_t *fields = json_pack("{s:s, s:s?, s:f, s:b}", "path", r->path, "serial", r->serial,
                               "seconds", r->seconds, "ok", r->failure == NULL);
    if (r->failure)
        json_object_set_new(fields, "message", json_string(r->failure));
    if (r->rescue)
        json_object_set_new(fields, "rescue", json_string(r->rescue));
    if (options->dry_run && !r->failure) {
        json_object_set_new(fields, "plan",
                            r->sends ? json_pack("{s:s}", "sends", r->sends)
                                     : plan_fields(&r->plan));
        json_object_set_new(fields, "expected_seconds", json_real(r->expected_seconds));
    } else {
        json_object_update_new(fields, done_fields(r));
    }
    return fields;
}

json_t *flash_report_fields(const struct fleet_result *result, const struct image_input *in,
                            const struct flash_options *options)
{
    json_t *fields = json_object(), *boards = json_array();
    for (size_t i = 0; i < result->count; i++)
        json_array_append_new(boards, board_fields(&result->boards[i], options));
    if (result->count == 1)
        json_object_update(fields, json_array_get(boards, 0));
    json_object_del(fields, "ok"); /* the command's own */
    json_object_update_new(fields,
                           json_pack("{s:s, s:f, s:b, s:I, s:o}", "digest", in->digest, "seconds",
                                     result->seconds, "dry_run", options->dry_run, "failed",
                                     (json_int_t)result->failed, "boards", boards));
    return fields;
}

static void add_plan(const struct flash_result *r, struct buf *out)
{
    if (r->sends) {
        buf_addf(out, "%s\nnothing was changed (--dry-run)\n", r->sends);
        return;
    }
    plan_format(&r->plan, out);
    buf_adds(out, "expected to take about ");
    text_add_duration(out, (int64_t)(r->expected_seconds * 1000));
    buf_adds(out, "; nothing was changed (--dry-run)\n");
}

static void add_one(const struct flash_result *r, const struct image_input *in, double seconds,
                    struct buf *out)
{
    buf_addf(out, "%s on %s in ", r->summary, r->path);
    text_add_duration(out, (int64_t)(seconds * 1000));
    buf_addf(out, "\n  digest  sha256 %s\n", in->digest);
}

static void add_several(const struct fleet_result *result, const struct image_input *in,
                        struct buf *out)
{
    buf_addf(out, "%zu of %zu boards in ", result->count - result->failed, result->count);
    text_add_duration(out, (int64_t)(result->seconds * 1000));
    buf_addf(out, "\n  digest  sha256 %s\n", in->digest);
}

void flash_report_print(const struct fleet_result *result, const struct image_input *in,
                        const struct flash_options *options)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    for (size_t i = 0; i < result->count && options->dry_run; i++) {
        if (result->count > 1)
            buf_addf(&out, "%s:\n", result->boards[i].path);
        if (!result->boards[i].failure)
            add_plan(&result->boards[i], &out);
    }
    if (!options->dry_run && result->count > 1)
        add_several(result, in, &out);
    else if (!options->dry_run && result->count == 1 && !result->failed)
        add_one(&result->boards[0], in, result->seconds, &out);
    if (out.len)
        fputs(out.data, stdout);
}
