/* firn devices: the boards that can be flashed, or could be. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/table.h"
#include "flasher/choose.h"

static const char help[] =
    "Lists every USB device with a DFU interface: the port that it hangs on, its id, whether it is\n"
    "in DFU mode or runs its program, its dialect, its state, what it calls itself, and its\n"
    "memories with their sectors. A board that is being flashed is not disturbed.\n"
    "\n"
    "      --quirks   print the table of devices that are known to behave unusually\n"
    "\n"
    "Example:\n"
    "  firn devices --json | jq '.devices[].path'\n";

#define COLUMNS 7

/* A device and its row of the table. */
struct row {
    const struct device *device;
    struct err *unusable; /* why its targets could not be read, or NULL */
    char *cells[COLUMNS]; /* printable */
};

static void row_release(struct row *row)
{
    err_free(row->unusable);
    for (size_t i = 0; i < COLUMNS; i++)
        free(row->cells[i]);
}

static char *printable(const char *text)
{
    struct buf out = BUF_INIT;
    if (text)
        text_add_printable(&out, text, strlen(text));
    else
        buf_addc(&out, '-');
    return buf_detach(&out, NULL);
}

static const char *mode(const struct device *device)
{
    return device_in_dfu_mode(device) ? "DFU" : "runtime";
}

/* "dfuIDLE", "dfuERROR errVENDOR", "in use", "-". */
static char *state_text(const struct device *device)
{
    if (device->in_use)
        return xstrdup("in use");
    if (device->state < 0)
        return xstrdup("-");
    const char *state = dfu_state_label((uint8_t)device->state);
    if (device->status <= DFU_STATUS_OK)
        return xstrdup(state);
    return xasprintf("%s %s", state, dfu_status_label((uint8_t)device->status));
}

/* Not for --serial where every board of the kind has the same. */
static char *serial_text(const struct device *device)
{
    const char *serial = device->usb->serial ? device->usb->serial : "-";
    return xasprintf("%s%s", serial,
                     device->quirks.flags & QUIRK_SERIAL_IS_CONSTANT ? " (on each)" : "");
}

static void row_init(struct row *row, struct device *device)
{
    *row = (struct row){.device = device};
    (void)!device_inspect(device, &row->unusable);
    char *cells[COLUMNS] = {
        xstrdup(device->usb->path),
        xasprintf("%04x:%04x", device->usb->vendor, device->usb->product),
        xstrdup(mode(device)),
        xstrdup(device_dialect(device)),
        state_text(device),
        serial_text(device),
        xstrdup(device->usb->name ? device->usb->name : "-"),
    };
    memcpy(row->cells, cells, sizeof(cells));
}

static void add_target(const struct device_target *target, struct buf *out)
{
    const struct layout *layout = &target->layout;
    _cleanup_free_ char *name = printable(target->has_layout ? layout->name : target->name);
    buf_addf(out, "    alt %u  %s", target->alt, name);
    if (target->has_layout) {
        size_t count = layout_sector_count(layout);
        buf_adds(out, ": ");
        text_add_size(out, layout_size(layout));
        buf_addf(out, " in %zu sector%s at 0x%08x: ", count, count == 1 ? "" : "s",
                 (unsigned)layout->groups[0].address);
        layout_add_groups(layout, out);
        if (layout->incomplete)
            buf_adds(out, ", and what the board does not tell");
    }
    buf_addc(out, '\n');
}

static void add_indented(const struct err *err, struct buf *out)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    err_format(err, &text);
    for (const char *line = text.data; *line;) {
        size_t len = strcspn(line, "\n") + 1;
        buf_adds(out, "    ");
        buf_add(out, line, len);
        line += len;
    }
}

static void print_table(const struct row *rows, size_t count)
{
    static const char *const titles[COLUMNS] = {"PORT",  "ID",     "MODE",   "DIALECT",
                                                "STATE", "SERIAL", "PRODUCT"};
    _cleanup_(table_release) struct table table = TABLE_INIT(COLUMNS);
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    for (size_t c = 0; c < COLUMNS; c++)
        table_add(&table, titles[c]);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            table_add(&table, rows[i].cells[c]);
    table_format_row(&table, 0, &out);
    for (size_t i = 0; i < count; i++) {
        table_format_row(&table, i + 1, &out);
        for (size_t t = 0; !rows[i].unusable && t < rows[i].device->target_count; t++)
            add_target(&rows[i].device->targets[t], &out);
        if (rows[i].unusable)
            add_indented(rows[i].unusable, &out);
    }
    fputs(out.data, stdout);
}

static json_t *layout_fields(const struct layout *layout)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < layout->group_count; i++) {
        const struct layout_group *group = &layout->groups[i];
        char address[11];
        snprintf(address, sizeof(address), "0x%08x", (unsigned)group->address);
        json_array_append_new(groups, json_pack("{s:s, s:I, s:I, s:b, s:b, s:b}", "address",
                                                address, "count", (json_int_t)group->count,
                                                "sector_size", (json_int_t)group->sector_size,
                                                "readable", group->access & LAYOUT_READABLE,
                                                "erasable", group->access & LAYOUT_ERASABLE,
                                                "writeable", group->access & LAYOUT_WRITEABLE));
    }
    return json_pack("{s:s, s:I, s:I, s:b, s:o}", "name", layout->name, "size",
                     (json_int_t)layout_size(layout), "sectors",
                     (json_int_t)layout_sector_count(layout), "incomplete", layout->incomplete,
                     "groups", groups);
}

static json_t *target_fields(const struct device_target *target)
{
    json_t *fields = json_pack("{s:i, s:s?}", "alt", target->alt, "name", target->name);
    if (target->has_layout)
        json_object_set_new(fields, "layout", layout_fields(&target->layout));
    return fields;
}

static json_t *device_fields(const struct row *row)
{
    const struct device *device = row->device;
    const struct dfu_interface *interface = &device->interface;
    char vendor[5], product[5], version[5];
    json_t *targets = json_array();
    snprintf(vendor, sizeof(vendor), "%04x", device->usb->vendor);
    snprintf(product, sizeof(product), "%04x", device->usb->product);
    snprintf(version, sizeof(version), "%04x", device->usb->version);
    for (size_t i = 0; i < device->target_count; i++)
        json_array_append_new(targets, target_fields(&device->targets[i]));
    json_t *fields =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:o}", "path", device->usb->path, "vendor",
                  vendor, "product", product, "version", version, "mode", mode(device), "name",
                  device->usb->name, "serial", device->usb->serial, "targets", targets);
    json_object_update_new(fields, json_pack("{s:s, s:b}", "dialect", device_dialect(device),
                                             "in_use", device->in_use));
    if (device->state >= 0)
        json_object_set_new(fields, "state", json_string(dfu_state_label((uint8_t)device->state)));
    if (device->status >= 0)
        json_object_set_new(fields, "status",
                            json_string(dfu_status_label((uint8_t)device->status)));
    if (interface->has_functional)
        json_object_set_new(fields, "transfer_size",
                            json_integer(interface->functional.transfer_size));
    if (row->unusable)
        json_object_set_new(fields, "unusable",
                            json_pack("{s:s, s:s?}", "reason", row->unusable->message, "hint",
                                      row->unusable->hint));
    return fields;
}

static void report(struct cli *cli, const struct row *rows, size_t count)
{
    json_t *devices = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(devices, device_fields(&rows[i]));
    if (!cli->json && count)
        print_table(rows, count);
    else if (!cli->json)
        printf("no DFU devices\n  %s\n", CHOOSE_ENTER_ADVICE);
    event_result(cli->events, true, 0, json_pack("{s:o}", "devices", devices));
}

static int list_devices(struct cli *cli)
{
    _cleanup_(usb_free_ptr) struct usb *usb = NULL;
    _cleanup_(device_list_release) struct device_list list = DEVICE_LIST_INIT;
    struct err *err = NULL;
    if (!usb_new(&usb, &err) || !device_list_read(&list, usb, NULL, &err))
        return cli_fail(cli, err);
    struct row *rows = xcalloc(list.count + 1, sizeof(*rows));
    for (size_t i = 0; i < list.count; i++)
        row_init(&rows[i], &list.devices[i]);
    report(cli, rows, list.count);
    for (size_t i = 0; i < list.count; i++)
        row_release(&rows[i]);
    free(rows);
    return 0;
}

static int list_quirks(struct cli *cli)
{
    _cleanup_(buf_release) struct buf out = BUF_INIT;
    quirks_format(&out);
    if (!cli->json)
        fputs(out.data, stdout);
    event_result(cli->events, true, 0, json_pack("{s:s}", "quirks", out.data));
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--quirks") == 0)
        return list_quirks(cli);
    if (argc > 1)
        return cli_usage(cli, &cmd_devices, "unknown %s '%s'",
                         *argv[1] == '-' ? "option" : "argument", argv[1]);
    return list_devices(cli);
}

const struct command cmd_devices = {
    .name = "devices",
    .arguments = "[--quirks]",
    .summary = "list the boards that are plugged in",
    .help = help,
    .run = run,
};
