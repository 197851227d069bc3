#include "flasher/fleet.h"

#include <limits.h>
#include <string.h>

#include "base/proc.h"
#include "flasher/presence.h"
#include "flasher/task.h"

#define LOOK_AGAIN_MS 100    /* between two looks for boards that are not there yet */
#define SLOT_MS 10           /* between two looks whether it is a board's turn */
#define ENTER_LIMIT_MS 10000 /* from being told to being there in DFU mode */

/* A fleet on its way. */
struct fleet {
    const struct fleet_options *options;
    fleet_fn fn;
    void *data;
    struct events *events;
    struct fleet_result *result;
    struct usb *usb;
    struct usb_list *before;
    struct job *jobs;
};

/* One board of it. */
struct job {
    struct fleet *fleet;
    struct choice choice;
    size_t hub; /* bytes of its port path that name the hub it hangs on */
    bool busy;  /* it has its turn */
    struct events *events;
    struct flash_result *result;
};

/* ---- finding -------------------------------------------------------------------------------- */

static bool look(struct fleet *fleet, struct device_list *list, struct choices *choices,
                 struct err **err)
{
    device_list_release(list);
    choices_release(choices);
    if (!device_list_read(list, fleet->usb, NULL, err))
        return false;
    choose(list, &fleet->options->match, fleet->options->enter, choices);
    return true;
}

static long long wait_deadline_us(int wait_s)
{
    return wait_s == FLEET_WAIT_FOREVER ? LLONG_MAX : task_now_us() + wait_s * 1000000LL;
}

static bool look_until_found(struct fleet *fleet, struct device_list *list, struct choices *choices,
                             struct err **err)
{
    long long deadline_us = wait_deadline_us(fleet->options->wait_s);
    for (;;) {
        if (!look(fleet, list, choices, err))
            return false;
        if (choices->count)
            return true;
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted while waiting for a board");
        if (task_now_us() >= deadline_us)
            return choose_set_none(list, &fleet->options->match, err);
        task_sleep_ms(LOOK_AGAIN_MS);
    }
}

static void add_found(const struct choices *choices, struct buf *out)
{
    if (choices->count == 1)
        usb_entry_add_line(choices->items[0].usb, out);
    else
        buf_addf(out, "%zu boards", choices->count);
}

static bool find_boards(struct fleet *fleet, struct device_list *list, struct choices *choices,
                        struct err **err)
{
    const struct fleet_options *options = fleet->options;
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    event_phase_begin(fleet->events, "find",
                      options->wait_s ? "Waiting for a board" : "Looking for the board");
    bool ok = look_until_found(fleet, list, choices, err);
    if (ok && choices->count > 1 && !options->all)
        ok = choose_set_several(choices, &options->match, err);
    if (ok)
        add_found(choices, &detail);
    event_phase_end(fleet->events, "find", ok, ok ? detail.data : NULL);
    return ok;
}

/* ---- one board ------------------------------------------------------------------------------ */

/* Boards that have their turn: in all, and behind the same hub as this one. */
static void count_busy(const struct job *job, size_t *all, size_t *behind_hub)
{
    const struct fleet *fleet = job->fleet;
    *all = *behind_hub = 0;
    for (size_t i = 0; i < fleet->result->count; i++) {
        const struct job *other = &fleet->jobs[i];
        *all += other->busy;
        *behind_hub += other->busy && other->hub == job->hub &&
                       strncmp(other->result->path, job->result->path, job->hub) == 0;
    }
}

static bool may_start(const struct job *job)
{
    const struct fleet_options *options = job->fleet->options;
    size_t all, behind_hub;
    count_busy(job, &all, &behind_hub);
    return (!options->jobs || all < options->jobs) &&
           (!options->jobs_per_hub || behind_hub < options->jobs_per_hub);
}

static bool wait_for_turn(struct job *job, struct err **err)
{
    while (!may_start(job)) {
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted before it was its turn");
        task_sleep_ms(SLOT_MS);
    }
    job->busy = true;
    return true;
}

/* Into DFU mode, and find it there again: on the same port, with other ids. */
static bool enter(struct job *job, struct device_list *list, struct err **err)
{
    const struct fleet *fleet = job->fleet;
    const struct choice *choice = &job->choice;
    _cleanup_(usb_list_release) struct usb_list now = USB_LIST_INIT;
    long long deadline_us = task_now_us() + ENTER_LIMIT_MS * 1000LL;
    event_phase_begin(job->events, "enter", "Entering the bootloader");
    enum enter_method way = choice->enter;
    bool ok = enter_run(fleet->usb, choice->usb, choice->enter, &way, err) &&
              presence_wait(fleet->usb, fleet->before, choice->usb->path, PRESENCE_DFU, deadline_us,
                            &now, err) &&
              device_list_read(list, fleet->usb, choice->usb->path, err);
    event_phase_end(job->events, "enter", ok, enter_method_label(way));
    if (!ok || list->count)
        return ok;
    err_set(err, ERR_DEVICE, "the board is gone again, right after it entered its bootloader");
    return err_hint(err, "run the command again");
}

static bool set_other_board(const struct usb_entry *usb, const struct choose_match *match,
                            struct err **err)
{
    err_set(
        err, ERR_DEVICE, "the image is for a board %04x:%04x, and the one in DFU mode is %04x:%04x",
        (unsigned)match->image_vendor, (unsigned)match->image_product, usb->vendor, usb->product);
    return err_hint(err, "if it is right all the same: --usb %04x:%04x", usb->vendor, usb->product);
}

static bool do_job(struct job *job, struct err **err)
{
    const struct fleet *fleet = job->fleet;
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    struct fleet_board board = {fleet->usb, fleet->before, job->choice.device, job->events,
                                job->result};
    if (!wait_for_turn(job, err))
        return false;
    if (job->choice.enter != ENTER_NONE) {
        if (!enter(job, &list, err))
            return false;
        board.device = &list.devices[0];
        if (!choose_is_for(board.device->usb, &fleet->options->match))
            return set_other_board(board.device->usb, &fleet->options->match, err);
    }
    return fleet->fn(fleet->data, &board, err);
}

static char *message_of(const struct err *err)
{
    struct buf text = BUF_INIT;
    err_add_message(err, &text);
    return buf_detach(&text, NULL);
}

static void run_job(void *data)
{
    struct job *job = data;
    struct flash_result *result = job->result;
    bool several = job->fleet->result->count > 1;
    long long start_us = task_now_us();
    if (several)
        event_phase_begin(job->events, "board", "Waiting for its turn");
    bool ok = do_job(job, &result->err);
    job->busy = false;
    result->seconds = (double)(task_now_us() - start_us) / 1e6;
    result->failure = ok ? NULL : message_of(result->err);
    if (several)
        event_phase_end(job->events, "board", ok, ok ? result->summary : result->failure);
    if (!ok)
        err_wrap(&result->err, "board on %s", result->path);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void job_init(struct job *job, struct fleet *fleet, const struct choice *choice, size_t i)
{
    const char *path = choice->usb->path;
    const char *dot = strrchr(path, '.');
    *job = (struct job){.fleet = fleet, .choice = *choice, .result = &fleet->result->boards[i]};
    job->hub = dot ? (size_t)(dot - path) : strcspn(path, "-");
    job->result->path = xstrdup(path);
    job->result->serial = choice->usb->serial ? xstrdup(choice->usb->serial) : NULL;
    job->events = fleet->result->count > 1 ? events_fork(fleet->events, path) : fleet->events;
}

static void run_all(struct fleet *fleet, const struct choices *choices)
{
    struct fleet_result *result = fleet->result;
    struct tasks *tasks = tasks_new(fleet->usb);
    result->count = choices->count;
    result->boards = xcalloc(choices->count, sizeof(*result->boards));
    fleet->jobs = xcalloc(choices->count, sizeof(*fleet->jobs));
    for (size_t i = 0; i < choices->count; i++) {
        job_init(&fleet->jobs[i], fleet, &choices->items[i], i);
        tasks_spawn(tasks, run_job, &fleet->jobs[i]);
    }
    tasks_run(tasks);
    tasks_free(tasks);
    for (size_t i = 0; i < choices->count && choices->count > 1; i++)
        events_free(fleet->jobs[i].events);
    free(fleet->jobs);
}

/* The only board's error is the command's; of several, each has its own and the command counts. */
static bool judge(struct fleet_result *result, struct err **err)
{
    bool interrupted = false;
    for (size_t i = 0; i < result->count; i++) {
        const struct err *failed = result->boards[i].err;
        result->failed += failed != NULL;
        interrupted |= failed && failed->code == ERR_INTERRUPTED;
    }
    if (!result->failed)
        return true;
    if (result->count == 1) {
        *err = result->boards[0].err;
        result->boards[0].err = NULL;
        return false;
    }
    err_set(err, interrupted ? ERR_INTERRUPTED : ERR_DEVICE, "%zu of %zu boards failed",
            result->failed, result->count);
    return err_hint(err, "each is named above; mend what is said there and run the command again");
}

bool fleet_run(const struct fleet_options *options, fleet_fn fn, void *data, struct events *events,
               struct fleet_result *result, struct err **err)
{
    _cleanup_(usb_free_ptr) struct usb *usb = NULL;
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    _cleanup_(choices_release) struct choices choices = CHOICES_INIT;
    struct fleet fleet = {
        .options = options, .fn = fn, .data = data, .events = events, .result = result};
    long long start_ms = clock_ms();
    if (!usb_new(&usb, err))
        return false;
    fleet.usb = usb;
    fleet.before = &list.entries;
    if (!find_boards(&fleet, &list, &choices, err))
        return false;
    run_all(&fleet, &choices);
    result->seconds = (double)(clock_ms() - start_ms) / 1000;
    return judge(result, err);
}

void fleet_result_release(struct fleet_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        flash_result_release(&result->boards[i]);
    free(result->boards);
    *result = (struct fleet_result)FLEET_RESULT_INIT;
}
