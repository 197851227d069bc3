#include "cli/submit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/json_get.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/build_one.h"
#include "cli/image_download.h"
#include "cli/job_follow.h"
#include "cli/job_show.h"
#include "cli/printable.h"

#define CHECK_LOOK_MS 150
#define BODY_ROOM 64 /* of a body, for what is beside the files */

static int fail(const struct submit *submit, struct err *err)
{
    return cli_failure(submit->cli, &(struct diags)DIAGS_INIT, err);
}

static void say(const struct submit *submit, const char *text)
{
    if (!submit->cli->json && !submit->cli->quiet)
        printf("%s\n", text);
    fflush(stdout);
}

/* ---- sending ---- */

static char *product_path(const struct submit *submit)
{
    struct buf path = BUF_INIT;

    buf_adds(&path, "/v1/products/");
    client_add_escaped(&path, submit->name);
    return buf_detach(&path, NULL);
}

/* As it travels: what is no text takes a third more. */
static bool check_size(const struct bundle *bundle, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT, size = BUF_INIT, max = BUF_INIT;

    bundle_add_text(bundle, &text);
    if (text.len < BUNDLE_BYTES_MAX - BODY_ROOM)
        return true;
    text_add_size(&size, text.len);
    text_add_size(&max, BUNDLE_BYTES_MAX);
    err_set(err, ERR_USAGE, "the files take %s as they are sent, and a daemon takes %s", size.data,
            max.data);
    return err_hint(err, "leave out what no build needs");
}

static bool put(const struct submit *submit, const struct bundle *bundle, struct err **err)
{
    _cleanup_free_ char *path = product_path(submit);
    json_t *body = bundle_to_json(bundle);

    json_object_set_new(body, "build", json_false());
    bool ok = client_put_once(submit->client, "PUT", path, body, NULL, err);
    json_decref(body);
    return ok;
}

/* Whose files are being checked: somebody else may have sent some meanwhile. */
static bool is_ours(const struct submit *submit, const json_t *product, const char *digest,
                    struct err **err)
{
    const char *bundle = json_get_text(product, "bundle");

    if (!*bundle || strcmp(bundle, digest) == 0)
        return true;
    err_set(err, ERR_FAILED, "product '%s' has other files meanwhile: somebody sent some after you",
            submit->name);
    return err_hint(err, "look who did (`firn records --kind product`), then submit again");
}

static bool wait_for_check(const struct submit *submit, const char *digest, json_t **product,
                           struct err **err)
{
    _cleanup_free_ char *path = product_path(submit);

    for (;;) {
        if (!client_get(submit->client, path, product, err))
            return false;
        if (!is_ours(submit, *product, digest, err))
            break;
        if (strcmp(json_get_text(*product, "state"), "checking") != 0)
            return true;
        json_decref(*product);
        *product = NULL;
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted; the daemon has the files");
        poll(NULL, 0, CHECK_LOOK_MS);
    }
    json_decref(*product);
    *product = NULL;
    return false;
}

/* Errors and warnings, as `firn validate` said them there. */
static void tell(const struct submit *submit, const json_t *list, const char *level)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        static const char *const names[] = {"file", "line", "column", "message", "hint", "text"};
        json_t *fields = json_object();

        for (size_t k = 0; k < ARRAY_SIZE(names); k++)
            if (!json_is_null(json_object_get(item, names[k])))
                json_object_set_new(fields, names[k],
                                    json_deep_copy(json_object_get(item, names[k])));
        printable_json(fields);
        json_object_set_new(fields, "level", json_string(level));
        if (!*json_get_text(fields, "text"))
            json_object_set(fields, "text", json_object_get(fields, "message"));
        event_fields(submit->cli->events, "log", fields);
    }
}

static int judge(const struct submit *submit, json_t *product, size_t files)
{
    bool valid = strcmp(json_get_text(product, "state"), "valid") == 0;
    _cleanup_free_ char *version = printable_field(product, "version");
    _cleanup_free_ char *board = printable_field(product, "board");

    tell(submit, json_object_get(product, "warnings"), "warning");
    tell(submit, json_object_get(product, "errors"), "error");
    _cleanup_free_ char *text =
        valid ? xasprintf("%s: valid at %s (%s for %s, %zu %s)", submit->name,
                          client_name(submit->client), version, board, files,
                          files == 1 ? "file" : "files")
              : xasprintf("%s: not valid at %s", submit->name, client_name(submit->client));
    say(submit, text);
    json_object_set(submit->fields, "product", product);
    return valid ? 0 : 2;
}

int submit_send(struct submit *submit, const struct bundle *bundle)
{
    struct events *events = submit->cli->events;
    char digest[HASH_HEX_SIZE];
    struct err *err = NULL;
    json_t *product = NULL;

    bundle_digest(bundle, digest);
    event_phase_begin(events, "submit", "Submitting");
    bool ok = check_size(bundle, &err) && put(submit, bundle, &err) &&
              wait_for_check(submit, digest, &product, &err);
    event_phase_end(events, "submit", ok, NULL);
    if (!ok)
        return fail(submit, err);
    int status = judge(submit, product, bundle->count);
    json_decref(product);
    return status;
}

/* ---- jobs ---- */

/* Takes body. */
static int add_job(struct submit *submit, json_t *body, const char *field, json_int_t *id)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    struct err *err = NULL;
    json_t *job = NULL;
    bool ok = client_put_once(submit->client, "POST", "/v1/jobs", body, &job, &err);

    json_decref(body);
    if (!ok)
        return fail(submit, err);
    *id = json_get_int(job, "id");
    job_add_name(&text, job);
    buf_adds(&text, json_is_true(json_object_get(job, "deduplicated"))
                        ? ": the same build, which was there already"
                        : ": queued");
    say(submit, text.data);
    json_object_set_new(submit->fields, field, job);
    return 0;
}

int submit_start(struct submit *submit)
{
    json_t *build = json_pack("{s:s, s:s, s:I}", "kind", "build", "product", submit->name,
                              "priority", submit->priority);
    int status = add_job(submit, build, "build", &submit->build_id);

    if (status || !submit->flash)
        return status;
    bool any = strcmp(submit->flash, SUBMIT_ANY_BOARD) == 0;
    json_t *flash = json_pack("{s:s, s:I, s:s?, s:I}", "kind", "flash", "job", submit->build_id,
                              "path", any ? NULL : submit->flash, "priority", submit->priority);
    return add_job(submit, flash, "flash", &submit->flash_id);
}

static void tell_interrupted(const struct submit *submit)
{
    if (submit->flash_id)
        event_info(submit->cli->events,
                   "jobs %lld and %lld go on; `firn cancel %lld %lld` ends them",
                   (long long)submit->build_id, (long long)submit->flash_id,
                   (long long)submit->flash_id, (long long)submit->build_id);
    else
        event_info(submit->cli->events, "job %lld goes on; `firn cancel %lld` ends it",
                   (long long)submit->build_id, (long long)submit->build_id);
}

/* "greeter 1.4.0 for NETDUINO2, 183.7 KiB of flash": what the command that did it told of it. */
static void print_result(const struct submit *submit, const json_t *job)
{
    const json_t *image =
        json_array_get(json_object_get(json_object_get(job, "result"), "images"), 0);
    _cleanup_(buf_release) struct buf name = BUF_INIT, text = BUF_INIT;

    job_add_name(&text, job);
    buf_adds(&text, ": done");
    if (json_is_object(image)) {
        build_add_name(image, &name);
        buf_adds(&text, ", ");
        text_add_printable(&text, name.data, name.len);
    }
    say(submit, text.data);
}

static int follow(struct submit *submit, json_int_t id, const char *field, json_t **job)
{
    struct job_follow following = {
        .client = submit->client, .events = submit->cli->events, .id = id};
    struct err *err = NULL;

    if (!job_follow(&following, job, &err)) {
        if (err->code == ERR_INTERRUPTED)
            tell_interrupted(submit);
        return fail(submit, err);
    }
    json_object_set(submit->fields, field, *job);
    if (job_went_well(*job, &err))
        print_result(submit, *job);
    else if (!following.said_error)
        event_diag(submit->cli->events, "error", err);
    err_free(err);
    return job_exit_status(*job);
}

static int fetch(struct submit *submit, const json_t *job)
{
    json_t *paths = json_array(), *path;
    struct err *err = NULL;
    size_t i;
    bool ok = image_download(submit->client, json_get_text(job, "image"), submit->download,
                             submit->cli->events, paths, &err);

    json_array_foreach(paths, i, path) say(submit, json_string_value(path));
    json_object_set_new(submit->fields, "files", paths);
    return ok ? 0 : fail(submit, err);
}

int submit_wait(struct submit *submit)
{
    json_t *build = NULL, *flash = NULL;
    int status = follow(submit, submit->build_id, "build", &build);

    if (!status && submit->download)
        status = fetch(submit, build);
    json_decref(build);
    if (status || !submit->flash_id)
        return status;
    status = follow(submit, submit->flash_id, "flash", &flash);
    json_decref(flash);
    return status;
}
