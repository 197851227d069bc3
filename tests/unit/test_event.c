#include "base/event.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/* A sink that collects the events as lines, without the measured seconds. */
static void collect(void *data, const json_t *event)
{
    json_t *copy = json_deep_copy(event);

    if (json_object_get(copy, "seconds")) {
        assert_true(json_real_value(json_object_get(copy, "seconds")) >= 0);
        json_object_del(copy, "seconds");
    }
    char *line = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);

    buf_addf(data, "%s\n", line);
    free(line);
    json_decref(copy);
}

#define WITH_EVENTS                                                                                \
    _cleanup_(buf_release) struct buf got = BUF_INIT;                                              \
    _cleanup_(events_free_ptr) struct events *ev = events_new();                                   \
    (void)state;                                                                                   \
    events_add_sink(ev, collect, &got)

static void phases(void **state)
{
    WITH_EVENTS;
    event_phase_begin(ev, "compile", "Compiling");
    event_phase_end(ev, "compile", true, "211 files");
    event_phase_end(ev, "compile", true, NULL); /* not begun: nothing to report */
    assert_string_equal(
        got.data,
        "{\"event\":\"phase\",\"phase\":\"compile\",\"state\":\"begin\",\"title\":\"Compiling\"}\n"
        "{\"detail\":\"211 files\",\"event\":\"phase\",\"ok\":true,\"phase\":\"compile\","
        "\"state\":\"end\",\"title\":\"Compiling\"}\n");
}

static void jobs_label_events_and_separate_phases(void **state)
{
    WITH_EVENTS;
    events_set_job(ev, "1-2");
    event_phase_begin(ev, "write", "Writing");
    events_set_job(ev, "1-3");
    event_phase_end(ev, "write", true, NULL); /* that job has no such phase */
    events_set_job(ev, "1-2");
    event_phase_end(ev, "write", false, NULL);
    assert_string_equal(got.data,
                        "{\"event\":\"phase\",\"job\":\"1-2\",\"phase\":\"write\","
                        "\"state\":\"begin\",\"title\":\"Writing\"}\n"
                        "{\"event\":\"phase\",\"job\":\"1-2\",\"ok\":false,\"phase\":\"write\","
                        "\"state\":\"end\",\"title\":\"Writing\"}\n");
}

static void progress_is_rate_limited_but_ends(void **state)
{
    WITH_EVENTS;
    event_phase_begin(ev, "p", "P");
    buf_clear(&got);
    for (uint64_t i = 0; i <= 100000; i++)
        event_progress(ev, "p", i, 100000, "files", "x");
    assert_contains(got.data, "{\"detail\":\"x\",\"done\":0,\"event\":\"progress\",\"phase\":\"p\","
                              "\"total\":100000,\"unit\":\"files\"}\n");
    assert_contains(got.data, "\"done\":100000,");
    assert_true(got.len < 100000);
    buf_clear(&got);
    usleep(60000);
    event_progress(ev, "p", 5, 0, NULL, NULL);
    event_progress(ev, "p", 6, 0, NULL, NULL);
    assert_string_equal(got.data,
                        "{\"done\":5,\"event\":\"progress\",\"phase\":\"p\",\"total\":0}\n");
}

static void logs_take_text_that_is_not_utf8(void **state)
{
    WITH_EVENTS;
    event_info(ev, "a %d", 1);
    event_warning(ev, "b\xff");
    assert_string_equal(got.data,
                        "{\"event\":\"log\",\"level\":\"info\",\"text\":\"a 1\"}\n"
                        "{\"event\":\"log\",\"level\":\"warning\",\"text\":\"b\\\\xff\"}\n");
}

static void diagnostics_have_their_location(void **state)
{
    WITH_EVENTS;
    struct err *err = NULL;

    err_set(&err, ERR_MANIFEST, "bad");
    err_at(&err, (struct loc){"m.yaml", 2, 3, 1}, NULL);
    err_hint(&err, "mend it");
    err_wrap(&err, "cannot load");
    event_diag(ev, "error", err);
    err_free(err);
    assert_string_equal(got.data,
                        "{\"column\":3,\"event\":\"log\",\"file\":\"m.yaml\",\"hint\":\"mend it\","
                        "\"level\":\"error\",\"line\":2,\"message\":\"cannot load: bad\","
                        "\"text\":\"m.yaml:2:3: cannot load: bad\\n  mend it\"}\n");
}

static void results_take_fields(void **state)
{
    WITH_EVENTS;
    event_result(ev, true, 0, json_pack("{s:s,s:b}", "image", "x.dfu", "ok", 0));
    assert_string_equal(got.data,
                        "{\"event\":\"result\",\"exit\":0,\"image\":\"x.dfu\",\"ok\":true}\n");
}

static json_t *parse(const char *text)
{
    json_t *event = json_loads(text, 0, NULL);

    assert_non_null(event);
    return event;
}

#define RELAYED(id, state)                                                                         \
    parse("{\"event\":\"phase\",\"phase\":\"" id "\",\"title\":\"T\",\"state\":\"" state           \
          "\",\"job\":\"its own\"}")

static void relayed_events_get_our_label_and_their_phases_end(void **state)
{
    WITH_EVENTS;
    struct events *job = events_fork(ev, "ours");

    events_relay(job, RELAYED("source", "begin"));
    events_relay(job, RELAYED("source", "end"));
    events_relay(job, RELAYED("compile", "begin"));
    buf_clear(&got);
    events_relay(job, parse("{\"event\":\"log\",\"text\":\"x\"}"));
    events_end_phases(job);
    events_end_phases(job);
    events_free(job);
    assert_string_equal(got.data,
                        "{\"event\":\"log\",\"job\":\"ours\",\"text\":\"x\"}\n"
                        "{\"event\":\"phase\",\"job\":\"ours\",\"ok\":false,\"phase\":\"compile\","
                        "\"state\":\"end\",\"title\":\"T\"}\n");
}

static void an_event_of_any_name_has_its_fields(void **state)
{
    WITH_EVENTS;
    event_fields(ev, "watch", json_pack("{s:i}", "files", 3));
    assert_string_equal(got.data, "{\"event\":\"watch\",\"files\":3}\n");
}

static void no_events_is_allowed(void **state)
{
    (void)state;
    struct err *err = NULL;

    err_set(&err, ERR_FAILED, "x");
    events_set_job(NULL, "x");
    event_phase_begin(NULL, "a", "A");
    event_progress(NULL, "a", 1, 2, "x", "y");
    event_phase_end(NULL, "a", true, NULL);
    event_info(NULL, "x");
    event_warning(NULL, "x");
    event_diag(NULL, "error", err);
    event_result(NULL, true, 0, json_object());
    event_fields(NULL, "x", json_object());
    events_relay(NULL, json_object());
    events_end_phases(NULL);
    events_free(NULL);
    err_free(err);
}

static void descriptors_get_lines_and_may_close(void **state)
{
    (void)state;
    _cleanup_(events_free_ptr) struct events *ev = events_new();
    int fds[2];
    char line[200] = "";

    assert_int_equal(pipe(fds), 0);
    events_add_fd(ev, fds[1]);
    event_info(ev, "x");
    assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
    assert_string_equal(line, "{\"event\":\"log\",\"level\":\"info\",\"text\":\"x\"}\n");
    close(fds[0]);
    event_info(ev, "nobody listens"); /* would end us by SIGPIPE */
    event_info(ev, "nor now");
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases),
        cmocka_unit_test(jobs_label_events_and_separate_phases),
        cmocka_unit_test(progress_is_rate_limited_but_ends),
        cmocka_unit_test(logs_take_text_that_is_not_utf8),
        cmocka_unit_test(diagnostics_have_their_location),
        cmocka_unit_test(results_take_fields),
        cmocka_unit_test(relayed_events_get_our_label_and_their_phases_end),
        cmocka_unit_test(an_event_of_any_name_has_its_fields),
        cmocka_unit_test(no_events_is_allowed),
        cmocka_unit_test(descriptors_get_lines_and_may_close),
    };

    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
