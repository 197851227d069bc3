#include "flasher/fleet.h"

#include "base/proc.h"
#include "flasher/task.h"

/* A fleet on its way. */
struct fleet {
    const struct image *image;
    const struct fleet_options *options;
    struct events *events;
    struct fleet_result *result;
    struct usb *usb;
    struct tasks *tasks;
};

/* One board of it. */
struct job {
    struct fleet *fleet;
    struct device *device;
    struct flash_result *result;
};

static struct device *find_board(struct device_list *list, const struct fleet_options *options,
                                 struct events *events, struct err **err)
{
    _cleanup_(buf_release) struct buf detail = BUF_INIT;
    struct device *device = NULL;
    event_phase_begin(events, "find", "Looking for the board");
    if (device_list_read(list, err))
        device = device_choose(list, &options->match, err);
    if (device)
        device_add_line(device, &detail);
    event_phase_end(events, "find", device != NULL, device ? detail.data : NULL);
    return device;
}

static void run_job(void *data)
{
    const struct job *job = data;
    const struct fleet *fleet = job->fleet;
    (void)!flash_device(fleet->usb, job->device, fleet->image, &fleet->options->flash,
                        fleet->events, job->result, &job->result->err);
}

static bool report(struct fleet_result *result, struct err **err)
{
    for (size_t i = 0; i < result->count; i++)
        result->failed += result->boards[i].err != NULL;
    if (!result->failed)
        return true;
    *err = result->boards[0].err;
    result->boards[0].err = NULL;
    return false;
}

bool fleet_flash(const struct image *image, const struct fleet_options *options,
                 struct events *events, struct fleet_result *result, struct err **err)
{
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    struct fleet fleet = {image, options, events, result, NULL, NULL};
    long long start_ms = clock_ms();
    image_digest(image, result->digest);
    struct device *device = find_board(&list, options, events, err);
    if (!device)
        return false;
    result->boards = xcalloc(1, sizeof(*result->boards));
    result->count = 1;
    struct job job = {&fleet, device, &result->boards[0]};
    fleet.usb = list.usb;
    fleet.tasks = tasks_new(fleet.usb);
    tasks_spawn(fleet.tasks, run_job, &job);
    tasks_run(fleet.tasks);
    tasks_free(fleet.tasks);
    result->seconds = (double)(clock_ms() - start_ms) / 1000;
    return report(result, err);
}

void fleet_result_release(struct fleet_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        flash_result_release(&result->boards[i]);
    free(result->boards);
    *result = (struct fleet_result)FLEET_RESULT_INIT;
}
