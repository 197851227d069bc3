#include "builder/fetch_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/version.h"
#include "builder/url_parts.h"

#define REDIRECTS_MAX 8
#define RECORD_MAX_BYTES (16 * 1024)
#define FIELD_MAX 512 /* of a header's value; a longer one is as good as none */
#define STALL_BYTES_S 1024L

/* ---- one transfer ---- */

struct transfer {
    struct http_get *get;
    int fd;
    uint64_t have;    /* bytes of the part when it began */
    uint64_t size;    /* of the part now */
    uint64_t total;   /* 0 = not known */
    char *validator;  /* strong ETag or date that the part belongs to; NULL = none */
    bool asked_range; /* only the rest was asked for */
    bool begun;       /* the answer's kind is known and good: what comes is the file's */
    long status;
    char etag[FIELD_MAX], modified[FIELD_MAX], range[FIELD_MAX];
    struct err *failure; /* set within a callback */
};

static void transfer_release(struct transfer *t)
{
    if (t->fd >= 0)
        close(t->fd);
    free(t->validator);
    err_free(t->failure);
}

static void take_field(const char *line, size_t len, const char *name, char value[FIELD_MAX])
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) != 0)
        return;
    line += name_len;
    len -= name_len;
    while (len && (*line == ' ' || *line == '\t'))
        line++, len--;
    while (len && strchr("\r\n \t", line[len - 1]))
        len--;
    if (len >= FIELD_MAX)
        return;
    memcpy(value, line, len);
    value[len] = '\0';
}

static size_t on_header(char *line, size_t unit, size_t count, void *data)
{
    struct transfer *t = data;
    size_t len = unit * count;
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) /* another answer begins */
        t->etag[0] = t->modified[0] = t->range[0] = '\0';
    take_field(line, len, "ETag:", t->etag);
    take_field(line, len, "Last-Modified:", t->modified);
    take_field(line, len, "Content-Range:", t->range);
    return len;
}

/* What If-Range takes: a strong ETag, else the date (RFC 9110, 13.1.5). */
static char *strong_validator(const struct transfer *t)
{
    if (t->etag[0] == '"')
        return xstrdup(t->etag);
    return t->etag[0] == '\0' && t->modified[0] ? xstrdup(t->modified) : NULL;
}

/* "bytes 100-199/200" continues a part of 100 bytes. */
static bool range_fits(const struct transfer *t)
{
    char *end;
    if (!text_starts_with(t->range, "bytes "))
        return false;
    return strtoull(t->range + strlen("bytes "), &end, 10) == t->have && *end == '-';
}

static bool fail_size(const struct transfer *t, struct err **err)
{
    _cleanup_(buf_release) struct buf size = BUF_INIT;
    text_add_size(&size, t->get->what->max_bytes);
    return err_set(err, ERR_FETCH, "it is larger than %s, the most that is taken", size.data);
}

/* The answer is here: is it the rest of the part, or the whole file? */
static bool begin(struct transfer *t, CURL *curl)
{
    curl_off_t length = -1;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (t->status == 206 && (!t->asked_range || !range_fits(t))) {
        /* Not what was asked for: the next attempt asks for everything. */
        t->size = 0;
        t->get->transient = true;
        return err_set(&t->failure, ERR_FETCH, "it sent another range than the one asked for");
    }
    if (t->status == 200) {
        if (ftruncate(t->fd, 0) != 0)
            return err_set_errno(&t->failure, ERR_FAILED, errno, "cannot write %s", t->get->part);
        t->have = t->size = 0;
    }
    t->get->resumed = t->have > 0;
    t->total = length >= 0 ? t->have + (uint64_t)length : 0;
    free(t->validator);
    t->validator = strong_validator(t);
    t->begun = true;
    return t->total <= t->get->what->max_bytes || fail_size(t, &t->failure);
}

static size_t on_body(char *bytes, size_t unit, size_t count, void *data)
{
    struct transfer *t = ((void **)data)[0];
    CURL *curl = ((void **)data)[1];
    size_t len = unit * count;
    if (!t->begun) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->status);
        if (t->status != 200 && t->status != 206)
            return len; /* a page about an error, or beside a redirect */
        if (!begin(t, curl))
            return 0;
    }
    if (len > t->get->what->max_bytes - t->size) {
        fail_size(t, &t->failure);
        return 0;
    }
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(t->fd, bytes + done, len - done, (off_t)(t->size + done));
        if (n < 0 && errno != EINTR) {
            err_set_errno(&t->failure, ERR_FAILED, errno, "cannot write %s", t->get->part);
            return 0;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    t->size += len;
    t->get->grew = true;
    event_progress(t->get->events, t->get->what->phase, t->size, t->total, "bytes",
                   t->get->what->name);
    return len;
}

static int on_time(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    (void)data, (void)total, (void)now, (void)up_total, (void)up;
    return interrupt_requested();
}

/* ---- the part and its record ---- */

static char *record_path(const struct http_get *get)
{
    return xasprintf("%s.json", get->part);
}

/* How much of the part is to be trusted: without an expected hash only what was synced. */
static void load_record(struct transfer *t)
{
    _cleanup_free_ char *path = record_path(t->get);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    const char *url, *validator = NULL;
    json_int_t synced;
    if (!fs_read(path, RECORD_MAX_BYTES, &text, &ignored))
        return;
    json_t *record = json_loadb(text.data, text.len, 0, NULL);
    bool ours = json_unpack(record, "{s:s, s:I, s?s}", "url", &url, "synced", &synced, "validator",
                            &validator) == 0 &&
                !strcmp(url, t->get->url) && synced >= 0 && (validator || t->get->sha256);
    if (ours) {
        struct stat st;
        uint64_t size = fstat(t->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
        bool whole = t->get->sha256 || (uint64_t)synced >= size;
        t->have = whole ? size : (uint64_t)synced;
        t->validator = validator ? xstrdup(validator) : NULL;
    }
    json_decref(record);
}

static bool save_record(struct transfer *t, struct err **err)
{
    _cleanup_free_ char *path = record_path(t->get);
    json_int_t synced = fdatasync(t->fd) == 0 ? (json_int_t)t->size : 0;
    json_t *record = json_pack("{s:s, s:I, s:s*}", "url", t->get->url, "synced", synced,
                               "validator", t->validator);
    _cleanup_free_ char *text = record ? json_dumps(record, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
    json_decref(record);
    return !text || fs_write(path, text, strlen(text), 0644, err);
}

static bool open_part(struct transfer *t, struct err **err)
{
    t->fd = open(t->get->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (t->fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write %s", t->get->part);
    load_record(t);
    if (ftruncate(t->fd, (off_t)t->have) != 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot write %s", t->get->part);
    t->size = t->have;
    /* Of a killed process nothing more is written: the record names the part from the beginning. */
    return t->have > 0 || save_record(t, err);
}

/* ---- asking ---- */

static struct curl_slist *set_range(CURL *curl, struct transfer *t)
{
    t->asked_range = t->have > 0;
    if (!t->asked_range)
        return NULL;
    _cleanup_free_ char *range = xasprintf("%llu-", (unsigned long long)t->have);
    curl_easy_setopt(curl, CURLOPT_RANGE, range);
    if (!t->validator)
        return NULL;
    _cleanup_free_ char *header = xasprintf("If-Range: %s", t->validator);
    return curl_slist_append(NULL, header);
}

static void set_options(CURL *curl, const struct http_get *get, struct transfer *t, void **both)
{
    const struct fetch_patience *patience = &get->what->patience;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L); /* each step is checked by us */
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "firn/" FIRN_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, patience->connect_s);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, patience->stall_s);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, both);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_time);
}

/* The answer was a redirect: *url becomes where it leads. */
static bool follow(CURL *curl, const struct http_get *get, char **url, struct err **err)
{
    char *next = NULL;
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &next);
    if (!next)
        return err_set(err, ERR_FETCH, "it redirects to nowhere");
    if (!url_check_redirect(*url, next, get->what->config->allow, err))
        return false;
    free(*url);
    *url = xstrdup(next);
    return true;
}

/* The status that is not one of success. */
static bool fail_status(struct http_get *get, struct transfer *t, CURL *curl, struct err **err)
{
    curl_off_t after = 0;
    long status = t->status;
    get->transient = status == 408 || status == 429 || (status >= 500 && status != 501);
    if (status == 416) { /* our part is not one of this file */
        get->transient = t->have > 0;
        t->size = 0;
    }
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &after);
    get->retry_after_s = (long)after;
    err_set(err, ERR_FETCH, "the server answered %ld%s", status,
            status == 404   ? " (not found)"
            : status == 403 ? " (forbidden)"
            : status == 503 ? " (not available now)"
                            : "");
    if (status == 404 || status == 410)
        err_hint(err, "check the URL; mirrors: in config.yaml can lead to another place");
    return false;
}

/* What libcurl could not do. */
static bool fail_curl(struct http_get *get, struct transfer *t, CURLcode code, const char *detail,
                      struct err **err)
{
    static const CURLcode passing[] = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
                                       CURLE_OPERATION_TIMEDOUT,   CURLE_PARTIAL_FILE,
                                       CURLE_RECV_ERROR,           CURLE_SEND_ERROR,
                                       CURLE_GOT_NOTHING,          CURLE_HTTP2,
                                       CURLE_HTTP2_STREAM,         CURLE_SSL_CONNECT_ERROR,
                                       CURLE_COULDNT_RESOLVE_PROXY};
    if (interrupt_requested())
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    if (t->failure) {
        *err = t->failure;
        t->failure = NULL;
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
        get->transient |= code == passing[i];
    return err_set(err, ERR_FETCH, "%s", *detail ? detail : curl_easy_strerror(code));
}

/* One answer. *again: it was a redirect, and *url is where it leads. */
static bool ask(struct http_get *get, struct transfer *t, char **url, bool *again, struct err **err)
{
    char detail[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    void *both[] = {t, curl};
    if (!curl)
        return err_set(err, ERR_FAILED, "libcurl cannot be used here");
    set_options(curl, get, t, both);
    curl_easy_setopt(curl, CURLOPT_URL, *url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    struct curl_slist *headers = set_range(curl, t);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->status);
    bool ok = true;
    if (code != CURLE_OK)
        ok = fail_curl(get, t, code, detail, err);
    else if (t->status >= 300 && t->status < 400)
        *again = true, ok = follow(curl, get, url, err);
    else if (t->status != 200 && t->status != 206)
        ok = fail_status(get, t, curl, err);
    else if (!t->begun && !begin(t, curl)) /* an empty file has no body */
        ok = fail_curl(get, t, CURLE_OK, "", err);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return ok;
}

bool http_get(struct http_get *get, struct err **err)
{
    _cleanup_(transfer_release) struct transfer t = {.get = get, .fd = -1};
    _cleanup_err_ struct err *ignored = NULL;
    _cleanup_free_ char *url = xstrdup(get->url);
    bool again = true, ok = true;
    get->transient = get->grew = get->resumed = false;
    get->retry_after_s = 0;
    if (!open_part(&t, err))
        return false;
    for (int hops = 0; ok && again; hops++) {
        again = false;
        ok = hops <= REDIRECTS_MAX
                 ? ask(get, &t, &url, &again, err)
                 : err_set(err, ERR_FETCH, "it redirects more than %d times", REDIRECTS_MAX);
    }
    if (!ok && t.size == 0)
        unlink(get->part);
    return save_record(&t, ok ? err : &ignored) && ok;
}
