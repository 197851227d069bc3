#include "cli/build_one.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/proc.h"
#include "base/text.h"
#include "builder/size_history.h"
#include "cli/build_again.h"
#include "economy/budget.h"

#define PHASES_MAX 16

/* Seconds of each phase, as the events tell them. */
struct phases {
    struct {
        char *id;
        double seconds;
    } items[PHASES_MAX];
    size_t count;
};

static void phases_clear(struct phases *phases)
{
    for (size_t i = 0; i < phases->count; i++)
        free(phases->items[i].id);
    phases->count = 0;
}

static void take_phase(void *data, const json_t *event)
{
    struct phases *phases = data;
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *state = json_string_value(json_object_get(event, "state"));
    const char *id = json_string_value(json_object_get(event, "phase"));
    if (!kind || strcmp(kind, "phase") != 0 || !state || strcmp(state, "end") != 0 || !id ||
        phases->count == PHASES_MAX)
        return;
    phases->items[phases->count].id = xstrdup(id);
    phases->items[phases->count++].seconds = json_number_value(json_object_get(event, "seconds"));
}

const char *build_field(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

static json_int_t flash_bytes(const json_t *sidecar)
{
    json_int_t sum = 0;
    size_t i;
    json_t *segment;
    json_array_foreach(json_object_get(sidecar, "segments"), i, segment) sum +=
        json_integer_value(json_object_get(segment, "size"));
    return sum;
}

/* "34.2 s: mpy-cross 8.91 s, compile 24.9 s", without what took less than a hundredth. */
static void add_times(struct buf *out, const struct phases *phases, long long total_ms)
{
    const char *before = ": ";
    text_add_duration(out, total_ms);
    for (size_t i = 0; i < phases->count; i++) {
        double ms = phases->items[i].seconds * 1000;
        if (ms * 100 < (double)total_ms)
            continue;
        buf_addf(out, "%s%s ", before, phases->items[i].id);
        text_add_duration(out, (int64_t)(ms + 0.5));
        before = ", ";
    }
}

void build_add_name(const json_t *fields, struct buf *out)
{
    json_int_t size = json_integer_value(json_object_get(fields, "size"));
    buf_addf(out, "%s %s for %s", build_field(fields, "product"), build_field(fields, "version"),
             build_field(fields, "board"));
    if (size) {
        buf_adds(out, ", ");
        text_add_size(out, (uint64_t)size);
        buf_adds(out, " of flash");
    }
}

static void print_summary(const struct build_result *result, const struct phases *phases,
                          long long total_ms)
{
    const json_t *sidecar = result->sidecar;
    const char *digest = build_field(sidecar, "digest");
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    const char *board = build_field(json_object_get(sidecar, "board"), "name");
    buf_addf(&text, "%s %s for %s%s\n", build_field(sidecar, "product"),
             build_field(sidecar, "version"), board, result->unchanged ? ": unchanged" : "");
    buf_addf(&text, "  image   %s", result->image_path);
    if (digest[0]) {
        buf_adds(&text, ", ");
        text_add_size(&text, (uint64_t)flash_bytes(sidecar));
        buf_addf(&text, " of flash\n  digest  sha256 %s", digest);
    }
    buf_adds(&text, "\n  time    ");
    add_times(&text, phases, total_ms);
    printf("%s\n", text.data);
}

json_t *build_fields(const struct build_result *result)
{
    const json_t *board = json_object_get(result->sidecar, "board");
    return json_pack(
        "{s:s, s:b, s:s, s:s, s:s, s:s, s:I}", "image", result->image_path, "unchanged",
        result->unchanged, "product", build_field(result->sidecar, "product"), "version",
        build_field(result->sidecar, "version"), "board", build_field(board, "name"), "digest",
        build_field(result->sidecar, "digest"), "size", flash_bytes(result->sidecar));
}

int build_one(struct cli *cli, const char *path, const struct config *config,
              const struct build_options *options, struct build_result *result)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct err *err = NULL;
    bool ok = build_run(path, config, options, cli->events, result, &diags, &err);
    cli_warnings(cli, &diags);
    if (!ok)
        return cli_failure(cli, &diags, err);
    if (options->twice && !build_again(path, config, options, result, cli->events, &err))
        return cli_failure(cli, &diags, err);
    return 0;
}

int build_budget(struct cli *cli, const struct build_result *result, const struct config *config,
                 const char *path, json_t *list)
{
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    bool is_limited = result->manifest->budget.given[BUDGET_FLASH];
    json_t *history = is_limited ? size_history_load(config, path) : NULL;
    budget_check_size(result, history, list, &diags);
    json_decref(history);
    return cli_errors(cli, &diags);
}

int build_single(struct cli *cli, const char *path, const struct config *config,
                 const struct build_options *options)
{
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    struct phases phases = {.count = 0};
    json_t *images = json_array();
    long long start = clock_ms();
    events_add_sink(cli->events, take_phase, &phases);
    int status = build_one(cli, path, config, options, &result);
    if (status == 0) {
        json_t *image = build_fields(&result), *budget = json_array();
        if (!cli->json && !cli->quiet)
            print_summary(&result, &phases, clock_ms() - start);
        status = build_budget(cli, &result, config, path, budget);
        if (json_array_size(budget))
            json_object_set(image, "budget", budget);
        json_decref(budget);
        json_array_append_new(images, image);
    }
    event_result(cli->events, status == 0, status, json_pack("{s:o}", "images", images));
    phases_clear(&phases);
    return status;
}
