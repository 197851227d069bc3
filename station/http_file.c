/* Files as answers, whole or in part (RFC 9110 section 14). */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "station/http_exchange.h"
#include "station/http_field.h"

static void answer_416(struct http_response *r, int fd, uint64_t size)
{
    http_problem(r, 416, "range-not-satisfiable", "ask for bytes that are there",
                 "the file has %" PRIu64 " bytes", size);
    http_add_header(r, "Content-Range", "bytes */%" PRIu64, size);
    close(fd);
}

static void add_name(struct http_response *r, const char *name)
{
    _cleanup_(buf_release) struct buf disposition = BUF_INIT;
    if (!name)
        return;
    http_field_add_attachment(&disposition, name);
    http_add_header(r, "Content-Disposition", "%s", disposition.data);
}

void http_file(const struct http_request *request, struct http_response *r, int fd,
               const char *content_type, const char *name)
{
    const char *range = http_header(request, "Range");
    enum http_range how = RANGE_WHOLE;
    uint64_t first = 0, count = 0;
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return http_problem(r, 500, "internal", NULL, "what was to be sent is not a file");
    }
    uint64_t size = (uint64_t)st.st_size;
    http_add_header(r, "Accept-Ranges", "bytes");
    /* Of a GET only; and we give nothing that If-Range could name. */
    bool head = strcmp(http_exchange_of(request)->head.method, "HEAD") == 0;
    if (range && !head && !http_header(request, "If-Range"))
        how = http_field_range(range, size, &first, &count);
    if (how == RANGE_NONE)
        return answer_416(r, fd, size);
    if (how == RANGE_PART)
        http_add_header(r, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                        first + count - 1, size);
    http_text(r, how == RANGE_PART ? 206 : 200, content_type, "", 0);
    add_name(r, name);
    r->fd = fd;
    r->fd_offset = how == RANGE_PART ? first : 0;
    r->fd_size = how == RANGE_PART ? count : size;
}
