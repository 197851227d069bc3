/* What a measuring program prints in an interpreter that runs somebody else's modules
 * (economy/probe.h), and the map of the heap in it. */
#include "tests/fuzz/fuzz.h"

#include "economy/heap_map.h"
#include "economy/probe.h"

#define MARK "@@firn0"

/* Nothing is longer than what was read, and nothing is measured that did not work. */
static void check(const struct probe *probe, size_t size)
{
    CHECK(probe->output.len <= size && probe->traceback.len <= size && probe->heap.len <= size);
    CHECK(strlen(probe->output.data) == probe->output.len);
    CHECK(!probe->measured || probe->outcome == PROBE_WORKS || probe->outcome == PROBE_GARBAGE);
    CHECK(probe->qstrs.count <= size && probe->modules.count <= size &&
          probe->touched.count <= size);
    for (size_t i = 0; i < probe->modules.count; i++)
        CHECK(*probe->modules.items[i] && !strchr(probe->modules.items[i], '\n'));
}

static void check_map(const struct buf *lines)
{
    _cleanup_(buf_release) struct buf drawn = BUF_INIT;
    json_t *map = heap_map_read(lines);
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(map, "rows"), i, row)
        CHECK(json_is_null(row) || json_string_length(row) <= 64);
    heap_map_draw(map, 64, 4, &drawn);
    CHECK(drawn.len <= 4 * (64 * strlen("█") + 1));
    json_decref(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct probe probe = PROBE_INIT;
    probe_read(&probe, MARK, (const char *)data, size);
    check(&probe, size);
    check_map(&probe.heap);
    probe_release(&probe);
    _cleanup_free_ char *text = xstrndup((const char *)data, size);
    check_map(&(struct buf){text, strlen(text), 0});
    return 0;
}
