#include "cli/records_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "cli/json_lines.h"

static bool take_record(void *data, json_t *record, struct err **err)
{
    bool ok = chain_take(data, record, err);

    json_decref(record);
    return ok;
}

static bool take_bytes(void *data, const char *bytes, size_t len, struct err **err)
{
    return json_lines_add(data, bytes, len, err);
}

static bool read_daemon(struct client *client, struct json_lines *lines, struct err **err)
{
    const struct client_request request = {
        .method = "GET", .path = "/v1/records.jsonl", .take = take_bytes, .data = lines};
    _cleanup_(client_answer_release) struct client_answer answer = CLIENT_ANSWER_INIT;

    return client_send(client, &request, &answer, err);
}

static bool read_fd(int fd, const char *path, struct json_lines *lines, struct err **err)
{
    char block[64 * 1024];
    ssize_t n;

    while ((n = read(fd, block, sizeof(block))) != 0) {
        if (interrupt_requested())
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(err, ERR_FAILED, errno, "cannot read '%s'", path);
        if (!json_lines_add(lines, block, (size_t)n, err))
            return err_wrap(err, "'%s'", path);
    }
    return true;
}

/* As large as it may be: it is never in memory as a whole. */
static bool read_file(const char *path, struct json_lines *lines, struct err **err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open '%s'", path);
    bool ok = read_fd(fd, path, lines, err);
    close(fd);
    return ok;
}

bool records_verify(struct client *client, const char *path, struct chain *chain, struct err **err)
{
    struct json_lines lines = JSON_LINES_INIT(take_record, chain);

    chain_init(chain);
    bool ok = (client ? read_daemon(client, &lines, err) : read_file(path, &lines, err)) &&
              json_lines_end(&lines, err);
    json_lines_release(&lines);
    return ok;
}
