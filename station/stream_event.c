#include "station/stream_event.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"

static struct stream_event *wrap(int64_t id, const char *text, size_t len)
{
    struct stream_event *event = xmalloc(sizeof(*event) + len);
    *event = (struct stream_event){.references = 1, .id = id, .len = len};
    memcpy(event->text, text, len);
    return event;
}

/* A line break within would end the field, and what follows be taken for another. */
static void add_data(struct buf *text, const char *data)
{
    for (;;) {
        size_t len = strcspn(data, "\r\n");
        buf_adds(text, "data: ");
        buf_add(text, data, len);
        buf_addc(text, '\n');
        if (!data[len])
            return;
        data += len + (strncmp(data + len, "\r\n", 2) == 0 ? 2 : 1);
    }
}

struct stream_event *stream_event_new(int64_t id, const char *type, const char *data)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    if (id)
        buf_addf(&text, "id: %" PRId64 "\n", id);
    buf_adds(&text, "event: ");
    buf_add(&text, type, strcspn(type, "\r\n"));
    buf_addc(&text, '\n');
    add_data(&text, data);
    buf_addc(&text, '\n');
    return wrap(id, text.data, text.len);
}

struct stream_event *stream_event_of_text(const char *text)
{
    return wrap(0, text, strlen(text));
}

struct stream_event *stream_event_ref(struct stream_event *event)
{
    event->references++;
    return event;
}

void stream_event_unref(struct stream_event *event)
{
    if (event && --event->references == 0)
        free(event);
}
