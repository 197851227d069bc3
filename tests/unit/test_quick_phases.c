#include "cli/quick_phases.h"

#include "tests/unit/unit.h"

static void collect(void *data, const json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "event"));
    const char *phase = json_string_value(json_object_get(event, "phase"));
    const char *state = json_string_value(json_object_get(event, "state"));
    buf_addf(data, "%s%s%s%s%s ", kind, phase ? ":" : "", phase ? phase : "", state ? ":" : "",
             state ? state : "");
}

struct fixture {
    struct buf got;
    struct events *to;
    struct quick_phases *quick;
    struct events *ev;
};

static void open_fixture(struct fixture *f)
{
    f->got = (struct buf)BUF_INIT;
    f->to = events_new();
    events_add_sink(f->to, collect, &f->got);
    f->quick = quick_phases_new(f->to);
    f->ev = quick_phases_events(f->quick);
}

static void close_fixture(struct fixture *f)
{
    quick_phases_free(f->quick);
    events_free(f->to);
    buf_release(&f->got);
}

static void a_phase_without_progress_is_dropped(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    event_phase_begin(f.ev, "source", "S");
    event_info(f.ev, "x");
    event_phase_end(f.ev, "source", true, NULL);
    event_phase_begin(f.ev, "toolchain", "T"); /* never ends: nor does it begin */
    assert_string_equal(f.got.data, "log ");
    close_fixture(&f);
}

static void a_phase_with_progress_is_handed_on_whole(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    event_phase_begin(f.ev, "source", "S");
    event_progress(f.ev, "source", 1, 2, "objects", NULL);
    event_progress(f.ev, "source", 2, 2, "objects", NULL);
    event_phase_end(f.ev, "source", true, NULL);
    event_phase_begin(f.ev, "frozen", "F");
    event_phase_end(f.ev, "frozen", true, NULL);
    assert_string_equal(f.got.data, "phase:source:begin progress:source progress:source "
                                    "phase:source:end ");
    close_fixture(&f);
}

static void a_phase_around_another_stays_whole(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    event_phase_begin(f.ev, "outer", "O");
    event_phase_begin(f.ev, "inner", "I");
    event_phase_end(f.ev, "inner", true, NULL);
    event_phase_end(f.ev, "outer", true, NULL);
    assert_string_equal(f.got.data, "phase:outer:begin phase:outer:end ");
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_phase_without_progress_is_dropped),
        cmocka_unit_test(a_phase_with_progress_is_handed_on_whole),
        cmocka_unit_test(a_phase_around_another_stays_whole),
    };
    return cmocka_run_group_tests_name("quick_phases", tests, NULL, NULL);
}
