#include "cli/job_show.h"

#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "cli/time_text.h"

bool job_state_is(const json_t *job, const char *state)
{
    return strcmp(json_get_text(job, "state"), state) == 0;
}

bool job_is_over(const json_t *job)
{
    return job_state_is(job, "done") || job_state_is(job, "failed") ||
           job_state_is(job, "cancelled") || job_state_is(job, "interrupted");
}

int job_exit_status(const json_t *job)
{
    json_int_t status = json_get_int(job, "exit");

    if (job_state_is(job, "done"))
        return 0;
    if (job_state_is(job, "cancelled"))
        return 130;
    return status > 0 && status < 256 ? (int)status : 1;
}

void job_add_name(struct buf *out, const json_t *job)
{
    _cleanup_free_ char *kind = printable_field(job, "kind");
    _cleanup_free_ char *product = printable_field(job, "product");

    buf_addf(out, "%s %lld", kind, (long long)json_get_int(job, "id"));
    if (strcmp(product, "-") != 0)
        buf_addf(out, " of %s", product);
}

/* "Compiling 86/257" */
static void add_phase(struct buf *out, const json_t *phase)
{
    _cleanup_free_ char *title = printable_field(phase, "title");

    buf_adds(out, title);
    if (json_get_int(phase, "total") > 0)
        buf_addf(out, " %lld/%lld", (long long)json_get_int(phase, "done"),
                 (long long)json_get_int(phase, "total"));
}

void job_add_note(struct buf *out, const json_t *job)
{
    const char *reason = json_get_text(job, "reason");
    const json_t *phase = json_object_get(job, "phase");

    if (job_state_is(job, "running") && json_is_object(phase))
        add_phase(out, phase);
    else if (*reason)
        text_add_printable(out, reason, strcspn(reason, "\n"));
    else if (job_state_is(job, "queued") && json_get_int(job, "waits_for"))
        buf_addf(out, "waits for job %lld", (long long)json_get_int(job, "waits_for"));
}

static void add_row(struct table *table, const json_t *job)
{
    static const char *const fields[] = {"kind", "product", "state"};
    _cleanup_(buf_release) struct buf age = BUF_INIT, took = BUF_INIT, note = BUF_INIT;
    _cleanup_free_ char *by = printable_field(job, "submitted_by");

    table_addf(table, "%lld", (long long)json_get_int(job, "id"));
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        _cleanup_free_ char *text = printable_field(job, fields[i]);
        table_add(table, text);
    }
    time_add_age(&age, json_get_text(job, "submitted_at"));
    time_add_between(&took, json_get_text(job, "started_at"), json_get_text(job, "ended_at"));
    job_add_note(&note, job);
    table_add(table, age.data);
    table_add(table, took.data);
    table_add(table, by);
    table_add(table, note.data);
}

void job_show_table(const json_t *jobs, struct buf *out)
{
    static const char *const titles[] = {"ID",   "KIND", "PRODUCT", "STATE",
                                         "WHEN", "TIME", "BY",      "NOTE"};
    _cleanup_(table_release) struct table table = TABLE_INIT(ARRAY_SIZE(titles));
    const json_t *job;
    size_t i;

    for (i = 0; i < ARRAY_SIZE(titles); i++)
        table_add(&table, titles[i]);
    json_array_foreach(jobs, i, job) add_row(&table, job);
    table_format(&table, out);
}

/* ---- one ---- */

/* Several lines stand below each other. */
static void add_line(struct buf *out, const char *title, const char *text)
{
    buf_addf(out, "  %-10s ", title);
    for (size_t len; *text; text += len) {
        len = strcspn(text, "\n");
        text_add_printable(out, text, len);
        if (text[len])
            buf_adds(out, "\n             "), len++;
    }
    buf_addc(out, '\n');
}

static void add_text(struct buf *out, const json_t *job, const char *title, const char *name)
{
    const char *value = json_get_text(job, name);

    if (*value)
        add_line(out, title, value);
}

static void add_time(struct buf *out, const json_t *job, const char *title, const char *name)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (!*json_get_text(job, name))
        return;
    time_add_long(&text, json_get_text(job, name));
    add_line(out, title, text.data);
}

static void add_number(struct buf *out, const json_t *job, const char *title, const char *name)
{
    if (json_is_integer(json_object_get(job, name)))
        buf_addf(out, "  %-10s %lld\n", title, (long long)json_get_int(job, name));
}

static void add_phases(struct buf *out, const json_t *phases)
{
    const json_t *phase;
    size_t i;

    json_array_foreach(phases, i, phase)
    {
        _cleanup_(buf_release) struct buf time = BUF_INIT;
        _cleanup_free_ char *title = printable_field(phase, "title");
        _cleanup_free_ char *detail = printable_field(phase, "detail");

        text_add_duration(&time,
                          (int64_t)(json_number_value(json_object_get(phase, "seconds")) * 1000));
        buf_addf(out, "  %-10s %-9s  %s", i ? "" : "phases", time.data, title);
        if (strcmp(detail, "-") != 0)
            buf_addf(out, ": %s", detail);
        buf_adds(out, json_is_false(json_object_get(phase, "ok")) ? ", failed\n" : "\n");
    }
}

static void add_took(struct buf *out, const json_t *job)
{
    _cleanup_(buf_release) struct buf took = BUF_INIT;

    if (!*json_get_text(job, "started_at"))
        return;
    time_add_between(&took, json_get_text(job, "started_at"), json_get_text(job, "ended_at"));
    add_line(out, "time", took.data);
}

void job_show_page(const json_t *job, struct buf *out)
{
    _cleanup_(buf_release) struct buf note = BUF_INIT;
    _cleanup_free_ char *state = printable_field(job, "state");

    job_add_name(out, job);
    buf_addf(out, ": %s\n", state);
    add_text(out, job, "bundle", "bundle");
    add_text(out, job, "image", "image");
    add_text(out, job, "port", "path");
    add_text(out, job, "by", "submitted_by");
    add_text(out, job, "station", "station");
    add_time(out, job, "submitted", "submitted_at");
    add_time(out, job, "started", "started_at");
    add_time(out, job, "ended", "ended_at");
    add_took(out, job);
    add_number(out, job, "attempt", "attempt");
    add_number(out, job, "priority", "priority");
    add_number(out, job, "waits for", "waits_for");
    add_number(out, job, "retry of", "retry_of");
    if (job_state_is(job, "running")) {
        job_add_note(&note, job);
        add_line(out, "now", note.data);
    }
    add_phases(out, json_object_get(job, "phases"));
    add_number(out, job, "exit", "exit");
    add_text(out, job, "reason", "reason");
    add_text(out, job, "hint", "hint");
}
