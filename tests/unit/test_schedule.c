#include "cli/schedule.h"

#include "base/buf.h"
#include "tests/unit/unit.h"

/* A product as the tests describe it: its base ("" = compiled alone), and whether that is there. */
struct product {
    const char *base;
    bool there;
    unsigned work; /* seconds with one compiler, of the product itself */
};
#define BASE_WORK 40 /* the same of a base */

struct world {
    struct schedule *schedule;
    const struct product *products;
    size_t count;
    double left[64], now;
    unsigned jobs[64]; /* 0 = does not run */
    unsigned most_jobs, most_running;
    struct buf told; /* "0:j2 1 2 ": in the order of their starts */
};

static enum schedule_kind kind_of(const struct product *p)
{
    return !*p->base ? SCHEDULE_ALONE : p->there ? SCHEDULE_PRODUCT : SCHEDULE_BASE;
}

static void open_world(struct world *w, const struct schedule_limits *limits,
                       const struct product *products, size_t count)
{
    *w = (struct world){.products = products, .count = count, .told = BUF_INIT};
    w->schedule = schedule_new(limits);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(schedule_add(w->schedule, kind_of(&products[i]),
                                      *products[i].base ? products[i].base : NULL),
                         i);
}

static void close_world(struct world *w)
{
    schedule_free(w->schedule);
    buf_release(&w->told);
}

static void start_all(struct world *w)
{
    size_t i;
    unsigned jobs, all = 0, running = 0;
    while (schedule_next(w->schedule, &i, &jobs)) {
        assert_true(i < w->count && !w->jobs[i] && jobs);
        w->jobs[i] = jobs;
        w->left[i] = w->products[i].work + (jobs > 1 ? BASE_WORK : 0);
        if (jobs > 1 || kind_of(&w->products[i]) != SCHEDULE_PRODUCT)
            buf_addf(&w->told, "%zu:j%u ", i, jobs);
        else
            buf_addf(&w->told, "%zu ", i);
    }
    for (i = 0; i < w->count; i++) {
        all += w->jobs[i];
        running += w->jobs[i] != 0;
    }
    w->most_jobs = all > w->most_jobs ? all : w->most_jobs;
    w->most_running = running > w->most_running ? running : w->most_running;
}

static void end(struct world *w, size_t i, enum schedule_kind kind)
{
    w->jobs[i] = 0;
    schedule_end(w->schedule, i, kind);
}

static void nothing_to_do(void **state)
{
    (void)state;
    size_t index;
    unsigned jobs;
    struct world w;
    open_world(&w, &(struct schedule_limits){2, 0}, NULL, 0);
    assert_false(schedule_next(w.schedule, &index, &jobs));
    assert_int_equal(schedule_waiting(w.schedule), 0);
    close_world(&w);
}

static void products_on_bases_fill_the_jobs_in_order(void **state)
{
    (void)state;
    static const struct product p[] = {
        {"a", true, 1}, {"b", true, 1}, {"a", true, 1}, {"a", true, 1}, {"b", true, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){3, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    assert_string_equal(w.told.data, "0 1 2 ");
    assert_int_equal(schedule_waiting(w.schedule), 2);
    end(&w, 1, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "0 1 2 3 ");
    end(&w, 0, SCHEDULE_PRODUCT);
    end(&w, 2, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "0 1 2 3 4 ");
    assert_int_equal(w.most_jobs, 3);
    close_world(&w);
}

/* One of each missing base first, with all processors; a ready product beside it. */
static void bases_come_first_and_one_product_beside(void **state)
{
    (void)state;
    static const struct product p[] = {{"ready", true, 1}, {"ready", true, 1}, {"a", false, 1},
                                       {"a", false, 1},    {"b", false, 1},    {"", false, 1},
                                       {"b", false, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){2, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    assert_string_equal(w.told.data, "2:j2 0 ");
    end(&w, 0, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "2:j2 0 1 ");
    end(&w, 2, SCHEDULE_PRODUCT);
    start_all(&w); /* 1 still runs: that is the one beside b's base */
    assert_string_equal(w.told.data, "2:j2 0 1 4:j2 ");
    end(&w, 1, SCHEDULE_PRODUCT);
    end(&w, 4, SCHEDULE_PRODUCT);
    buf_clear(&w.told);
    start_all(&w); /* no base is missing any more */
    assert_string_equal(w.told.data, "3:j1 6:j1 ");
    end(&w, 3, SCHEDULE_PRODUCT);
    buf_clear(&w.told);
    start_all(&w); /* what is compiled alone comes last, with all processors */
    assert_string_equal(w.told.data, "5:j2 ");
    assert_int_equal(schedule_waiting(w.schedule), 0);
    close_world(&w);
}

static void one_job_is_one_at_a_time(void **state)
{
    (void)state;
    static const struct product p[] = {{"ready", true, 1}, {"a", false, 1}, {"", false, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){1, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    assert_string_equal(w.told.data, "1:j1 ");
    end(&w, 1, SCHEDULE_PRODUCT);
    start_all(&w);
    end(&w, 0, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "1:j1 0 2:j1 ");
    assert_int_equal(w.most_running, 1);
    close_world(&w);
}

/* The one that was to make the base failed before it came to that: another one makes it. */
static void a_base_that_did_not_come_is_made_by_the_next(void **state)
{
    (void)state;
    static const struct product p[] = {{"a", false, 1}, {"a", false, 1}, {"a", false, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){2, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    end(&w, 0, SCHEDULE_BASE);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j2 1:j2 ");
    end(&w, 1, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j2 1:j2 2:j1 ");
    close_world(&w);
}

static void products_of_an_unusable_base_are_compiled_alone(void **state)
{
    (void)state;
    static const struct product p[] = {{"a", false, 1}, {"a", false, 1}, {"a", false, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){2, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    end(&w, 0, SCHEDULE_ALONE);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j2 1:j2 ");
    close_world(&w);
}

/* Products that run do not keep a base from its turn for ever. */
static void a_base_that_failed_late_gets_its_turn(void **state)
{
    (void)state;
    static const struct product p[] = {{"a", false, 1}, {"r", true, 1}, {"r", true, 1},
                                       {"r", true, 1},  {"r", true, 1}, {"a", false, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){2, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    assert_string_equal(w.told.data, "0:j2 1 ");
    end(&w, 0, SCHEDULE_BASE);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j2 1 5:j2 ");
    end(&w, 1, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j2 1 5:j2 2 ");
    close_world(&w);
}

static void a_base_that_cannot_be_is_given_up(void **state)
{
    (void)state;
    static const struct product p[] = {
        {"a", false, 1}, {"b", true, 1}, {"a", false, 1}, {"a", false, 1}, {"", false, 1}};
    struct world w;
    size_t other;
    open_world(&w, &(struct schedule_limits){1, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    end(&w, 0, SCHEDULE_BASE);
    assert_true(schedule_give_up(w.schedule, 0, &other));
    assert_int_equal(other, 2);
    assert_true(schedule_give_up(w.schedule, 0, &other));
    assert_int_equal(other, 3);
    assert_false(schedule_give_up(w.schedule, 0, &other));
    assert_false(schedule_give_up(w.schedule, 4, &other));
    assert_int_equal(schedule_waiting(w.schedule), 2);
    close_world(&w);
}

static void many_processors_make_two_bases_at_a_time(void **state)
{
    (void)state;
    static const struct product p[] = {{"a", false, 1}, {"b", false, 1}, {"c", false, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){16, 0}, p, ARRAY_SIZE(p));
    start_all(&w);
    assert_string_equal(w.told.data, "0:j8 1:j8 ");
    end(&w, 0, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j8 1:j8 2:j8 ");
    close_world(&w);
    open_world(&w, &(struct schedule_limits){16, 0}, p, 1);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j16 ");
    close_world(&w);
}

static void memory_limits_both(void **state)
{
    (void)state;
    static const struct product p[] = {
        {"a", false, 1}, {"r", true, 1}, {"r", true, 1}, {"r", true, 1}, {"r", true, 1}};
    struct world w;
    open_world(&w, &(struct schedule_limits){8, 3 * SCHEDULE_COMPILER_MIB + 50}, p, ARRAY_SIZE(p));
    start_all(&w);
    assert_string_equal(w.told.data, "0:j3 ");
    end(&w, 0, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j3 1 2 3 ");
    close_world(&w);
    /* One is let run in any case. */
    open_world(&w, &(struct schedule_limits){8, 1}, p, ARRAY_SIZE(p));
    start_all(&w);
    assert_string_equal(w.told.data, "0:j1 ");
    end(&w, 0, SCHEDULE_PRODUCT);
    start_all(&w);
    assert_string_equal(w.told.data, "0:j1 1 ");
    close_world(&w);
}

/* Let the time pass until the first ends; two processors are shared by what runs. */
static void step(struct world *w)
{
    double first = 1e9;
    unsigned all = 0;
    size_t next = 0;
    for (size_t i = 0; i < w->count; i++) {
        all += w->jobs[i];
        if (w->jobs[i] && w->left[i] / w->jobs[i] < first) {
            first = w->left[i] / w->jobs[i];
            next = i;
        }
    }
    assert_true(first < 1e9); /* something runs as long as something waits */
    for (size_t i = 0; i < w->count; i++)
        w->left[i] -= first * w->jobs[i];
    w->now += all > 2 ? first * all / 2 : first;
    end(w, next, SCHEDULE_PRODUCT);
}

/* Fifty products of a second on two bases of twenty that are missing, two processors: all is done
 * as soon as the work allows. */
static void fifty_products_keep_two_processors_busy(void **state)
{
    (void)state;
    struct product p[50];
    struct world w;
    for (size_t i = 0; i < ARRAY_SIZE(p); i++)
        p[i] = (struct product){i % 2 ? "a" : "b", false, 1};
    open_world(&w, &(struct schedule_limits){2, 0}, p, ARRAY_SIZE(p));
    for (size_t ended = 0; ended < w.count; ended++) {
        start_all(&w);
        step(&w);
    }
    assert_int_equal(schedule_waiting(w.schedule), 0);
    assert_int_equal(w.most_jobs, 3); /* a make, and a product beside it */
    assert_in_range((unsigned)w.now, (2 * BASE_WORK + 50) / 2 - 2, (2 * BASE_WORK + 50) / 2 + 2);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(products_on_bases_fill_the_jobs_in_order),
        cmocka_unit_test(bases_come_first_and_one_product_beside),
        cmocka_unit_test(one_job_is_one_at_a_time),
        cmocka_unit_test(a_base_that_did_not_come_is_made_by_the_next),
        cmocka_unit_test(products_of_an_unusable_base_are_compiled_alone),
        cmocka_unit_test(a_base_that_failed_late_gets_its_turn),
        cmocka_unit_test(a_base_that_cannot_be_is_given_up),
        cmocka_unit_test(many_processors_make_two_bases_at_a_time),
        cmocka_unit_test(memory_limits_both),
        cmocka_unit_test(fifty_products_keep_two_processors_busy),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
