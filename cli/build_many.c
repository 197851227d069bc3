#include "cli/build_many.h"

#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/proc.h"
#include "base/proc_set.h"
#include "base/text.h"
#include "cli/build_one.h"
#include "cli/many_report.h"
#include "cli/product.h"
#include "cli/quick_phases.h"
#include "cli/schedule.h"

#define TICK_MS 1000 /* how often the line of all is renewed at least */

struct many {
    struct cli *cli;
    const struct config *config;
    struct build_options options; /* of one product */
    struct products *products;
    struct schedule *schedule;
    struct proc_set *children;
    struct product **scheduled; /* by the schedule's index */
    long long started_ms;
};

static void many_release(struct many *m)
{
    proc_set_free(m->children);
    schedule_free(m->schedule);
    free(m->scheduled);
}

static void say_progress(const struct many *m)
{
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    size_t ended = 0, failed = 0;
    for (size_t i = 0; i < m->products->count; i++) {
        ended += m->products->items[i].ended;
        failed += m->products->items[i].exit_status != 0;
    }
    if (failed)
        buf_addf(&detail, "%zu failed, ", failed);
    text_add_duration(&detail, (clock_ms() - m->started_ms) / TICK_MS * TICK_MS);
    event_progress(m->cli->events, "all", ended, m->products->count, "products", detail.data);
}

/* ---- before anything is built ---- */

static enum schedule_kind kind_of(const struct many *m, enum build_cost cost)
{
    if (m->options.twice || cost == BUILD_COST_ALONE)
        return SCHEDULE_ALONE;
    return cost == BUILD_COST_BASE ? SCHEDULE_BASE : SCHEDULE_PRODUCT;
}

/* It is there, and only has to be put into its place. */
static void deliver(struct many *m, struct product *p, struct cli *cli)
{
    _cleanup_(build_result_release) struct build_result result = BUILD_RESULT_INIT;
    int status = build_one(cli, p->path, m->config, &m->options, &result);
    product_end(p, status, status ? NULL : build_fields(&result));
}

/* One whose boot loader is missing compiles it first, for all others on its base. */
static void enqueue(struct many *m, struct product *p)
{
    enum schedule_kind kind = kind_of(m, p->plan.cost);
    if (kind == SCHEDULE_PRODUCT && p->plan.bootloader)
        kind = SCHEDULE_BASE;
    size_t index =
        schedule_add(m->schedule, kind, kind == SCHEDULE_ALONE ? NULL : p->plan.base_key);
    m->scheduled[index] = p;
}

/* Its warnings are told by the firn that builds it. */
static void plan(struct many *m, struct product *p)
{
    _cleanup_(quick_phases_free_ptr) struct quick_phases *quick = quick_phases_new(p->events);
    _cleanup_(diags_release) struct diags diags = DIAGS_INIT;
    struct cli cli = *m->cli;
    struct err *err = NULL;
    p->started_ms = clock_ms();
    cli.events = quick_phases_events(quick);
    if (!build_plan(p->path, m->config, &m->options, cli.events, &p->plan, &diags, &err)) {
        cli_warnings(&cli, &diags);
        product_end(p, cli_failure(&cli, &diags, err), NULL);
    } else if (p->plan.cost == BUILD_COST_NOTHING && !m->options.twice) {
        deliver(m, p, &cli);
    } else {
        enqueue(m, p);
    }
}

static void plan_all(struct many *m)
{
    for (size_t i = 0; i < m->products->count && !interrupt_requested(); i++) {
        plan(m, &m->products->items[i]);
        say_progress(m);
    }
    /* That was done once, for all. */
    m->options.source.refresh = false;
}

/* ---- building ---- */

static void start(struct many *m, struct product *p, unsigned jobs)
{
    _cleanup_(strv_release) struct strv argv = STRV_INIT;
    struct err *err = NULL;
    p->started_ms = clock_ms();
    event_phase_begin(p->events, "product", "Building");
    product_command(p, &m->options, jobs, &argv);
    if (proc_set_start(m->children, (const char *const *)argv.items, product_take_line, p, &err))
        return;
    event_diag(p->events, "error", err);
    err_free(err);
    product_child_ended(p, 1);
}

static size_t index_of(const struct many *m, const struct product *product)
{
    size_t i = 0;
    while (m->scheduled[i] != product)
        i++;
    return i;
}

/* A base that could not be compiled for one cannot be for the others. */
static void give_up_base(struct many *m, const struct product *failed)
{
    size_t other;
    while (!interrupt_requested() && schedule_give_up(m->schedule, index_of(m, failed), &other))
        product_give_up(m->scheduled[other], failed);
}

static void end(struct many *m, struct product *p)
{
    enum build_cost cost = p->plan.cost == BUILD_COST_BASE
                               ? build_cost_on_base(m->config, p->plan.base_key)
                               : p->plan.cost;
    schedule_end(m->schedule, index_of(m, p), kind_of(m, cost));
    if (p->base_failed && cost == BUILD_COST_BASE)
        give_up_base(m, p);
    say_progress(m);
}

static void start_next(struct many *m)
{
    size_t index;
    unsigned jobs;
    while (!interrupt_requested() && schedule_next(m->schedule, &index, &jobs)) {
        start(m, m->scheduled[index], jobs);
        if (m->scheduled[index]->ended)
            end(m, m->scheduled[index]);
    }
}

static void build_all(struct many *m)
{
    for (;;) {
        struct proc_end ended;
        start_next(m);
        if (!proc_set_running(m->children))
            return;
        if (interrupt_requested())
            proc_set_stop(m->children);
        if (proc_set_wait(m->children, TICK_MS, &ended)) {
            product_child_ended(ended.data, ended.exit_status);
            end(m, ended.data);
        }
        say_progress(m);
    }
}

/* ---- the whole ---- */

static struct schedule_limits limits_for(const struct build_options *options)
{
    if (options->jobs > 0)
        return (struct schedule_limits){(unsigned)options->jobs, 0};
    return (struct schedule_limits){machine_processors(), machine_memory_mib()};
}

static void say_interrupted(const struct many *m)
{
    _cleanup_err_ struct err *err = NULL;
    size_t built = 0;
    for (size_t i = 0; i < m->products->count; i++)
        built += m->products->items[i].ended && m->products->items[i].exit_status == 0;
    err_set(&err, ERR_INTERRUPTED, "interrupted when %zu of %zu products were built", built,
            m->products->count);
    err_hint(&err, "the same command goes on with the others");
    event_diag(m->cli->events, "error", err);
}

static bool all_are_built(const struct products *products)
{
    bool ok = true;
    for (size_t i = 0; i < products->count; i++)
        ok = ok && products->items[i].ended && products->items[i].exit_status == 0;
    return ok;
}

static int run(struct many *m, double *seconds)
{
    _cleanup_free_ char *title = xasprintf("Building %zu products", m->products->count);
    m->started_ms = clock_ms();
    event_phase_begin(m->cli->events, "all", title);
    plan_all(m);
    build_all(m);
    bool ok = all_are_built(m->products);
    *seconds = (double)(clock_ms() - m->started_ms) / 1000;
    _cleanup_free_ char *summary = many_report_summary(m->products);
    event_phase_end(m->cli->events, "all", ok, summary);
    if (!ok && interrupt_requested())
        say_interrupted(m);
    if (!m->cli->json && !m->cli->quiet)
        many_report_print(m->products, *seconds);
    return ok ? 0 : interrupt_requested() ? 130 : 1;
}

int build_products(struct cli *cli, struct products *products, const struct config *config,
                   const struct build_options *options, double *seconds)
{
    const struct schedule_limits limits = limits_for(options);
    _cleanup_(many_release) struct many m = {.cli = cli,
                                             .config = config,
                                             .options = *options,
                                             .products = products,
                                             .schedule = schedule_new(&limits),
                                             .children = proc_set_new()};
    m.scheduled = xcalloc(products->count, sizeof(struct product *));
    return run(&m, seconds);
}

int build_many(struct cli *cli, char **paths, int count, const struct config *config,
               const struct build_options *options)
{
    _cleanup_(products_release) struct products products = PRODUCTS_INIT;
    struct err *err = NULL;
    double seconds;
    if (!products_init(&products, paths, count, options->output_dir, cli->events, &err))
        return cli_fail(cli, err);
    int status = build_products(cli, &products, config, options, &seconds);
    event_result(cli->events, status == 0, status, many_report_fields(&products, seconds));
    return status;
}
