#include "cli/client_http.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/un.h>

#include "base/proc.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/client_problem.h"

#define PROBLEM_MAX (256u * 1024)

struct client {
    CURL *curl;
    char *name;
    char *base; /* "https://host:port": what a path is put behind */
    char *socket, *token, *certificate;
    bool loopback; /* this machine: no proxy is asked */
    bool away;
};

/* ---- where it is ---- */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (text_starts_with(host, "127.") && !host[strspn(host, "0123456789.")]);
}

static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;

    if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
        return NULL;
    char *copy = xstrdup(text);
    curl_free(text);
    return copy;
}

static bool refuse_plain(const char *host, struct err **err)
{
    err_set(err, ERR_USAGE,
            "plain http to %s is refused: who is on the way could read the token and change what "
            "is built",
            host);
    return err_hint(err,
                    "use https://, or a tunnel: ssh -L 8350:127.0.0.1:8350 %s, then "
                    "--server=http://127.0.0.1:8350",
                    host);
}

static bool take_url(struct client *client, CURLU *url, const char *given, struct err **err)
{
    _cleanup_free_ char *scheme = url_part(url, CURLUPART_SCHEME, 0);
    _cleanup_free_ char *host = url_part(url, CURLUPART_HOST, 0);
    _cleanup_free_ char *port = url_part(url, CURLUPART_PORT, 0);
    _cleanup_free_ char *path = url_part(url, CURLUPART_PATH, 0);
    _cleanup_free_ char *user = url_part(url, CURLUPART_USER, 0);
    _cleanup_free_ char *query = url_part(url, CURLUPART_QUERY, 0);

    if (user) {
        err_set(err, ERR_USAGE, "the server's address has a user's name in it");
        return err_hint(err, "firnd knows tokens only: $FIRN_TOKEN or --token-file");
    }
    if (!scheme || !host || query || (path && strcmp(path, "/") != 0) ||
        (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)) {
        err_set(err, ERR_USAGE, "'%s' is no address of a server", given);
        return err_hint(err, "such as https://firn.example.org or http://127.0.0.1:8350");
    }
    client->loopback = is_loopback(host);
    if (strcmp(scheme, "http") == 0 && !client->loopback)
        return refuse_plain(host, err);
    client->base = xasprintf("%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : "");
    client->name = xstrdup(client->base);
    return true;
}

static bool parse_url(struct client *client, const char *given, struct err **err)
{
    CURLU *url = curl_url();
    bool parsed = curl_url_set(url, CURLUPART_URL, given, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
    bool ok = parsed && take_url(client, url, given, err);

    curl_url_cleanup(url);
    if (parsed)
        return ok;
    err_set(err, ERR_USAGE, "'%s' is no address of a server", given);
    return err_hint(err, "such as https://firn.example.org or http://127.0.0.1:8350");
}

static bool take_socket(struct client *client, const char *path, struct err **err)
{
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return err_set(err, ERR_USAGE, "the path of a socket cannot be as long as '%s'", path);
    client->socket = xstrdup(path);
    client->name = xstrdup(path);
    client->base = xstrdup("http://localhost");
    client->loopback = true;
    return true;
}

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

struct client *client_new(const struct client_address *address, struct err **err)
{
    _cleanup_(client_free_ptr) struct client *client = xcalloc(1, sizeof(*client));

    client->curl = curl_easy_init();
    client->token = copy(address->token);
    client->certificate = copy(address->certificate);
    if (!client->curl) {
        err_set(err, ERR_FAILED, "libcurl cannot be used here");
        return NULL;
    }
    if (address->socket ? !take_socket(client, address->socket, err)
                        : !parse_url(client, address->url, err))
        return NULL;
    struct client *result = client;
    client = NULL;
    return result;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free(client->name);
    free(client->base);
    free(client->socket);
    free(client->token);
    free(client->certificate);
    free(client);
}

const char *client_name(const struct client *client)
{
    return client->name;
}

bool client_is_away(const struct client *client)
{
    return client->away;
}

/* ---- one request ---- */

struct exchange {
    struct client *client;
    const struct client_request *request;
    struct client_answer *answer;
    struct err *failure; /* set within a callback */
};

static bool collect(struct exchange *exchange, const char *bytes, size_t len, size_t max)
{
    struct buf *body = &exchange->answer->body;

    if (len <= max - body->len) {
        buf_add(body, bytes, len);
        return true;
    }
    _cleanup_(buf_release) struct buf size = BUF_INIT;

    text_add_size(&size, max);
    return err_set(&exchange->failure, ERR_FAILED,
                   "%s answers with more than %s, the most that is taken", exchange->client->name,
                   size.data);
}

static size_t on_body(char *bytes, size_t unit, size_t count, void *data)
{
    struct exchange *exchange = data;
    size_t len = unit * count;
    long status = 0;

    curl_easy_getinfo(exchange->client->curl, CURLINFO_RESPONSE_CODE, &status);
    bool good = status >= 200 && status < 300;
    bool ok = good && exchange->request->take
                  ? exchange->request->take(exchange->request->data, bytes, len, &exchange->failure)
                  : collect(exchange, bytes, len, good ? CLIENT_ANSWER_MAX : PROBLEM_MAX);
    return ok ? len : 0;
}

static int on_time(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    (void)data, (void)total, (void)now, (void)up_total, (void)up;
    return interrupt_requested();
}

/* libcurl itself does not look at what `curl` and others honour. */
static const char *certificate_file(const struct client *client)
{
    const char *file = getenv("SSL_CERT_FILE");

    return client->certificate ? client->certificate : file && *file ? file : NULL;
}

static void set_connection(const struct client *client)
{
    CURL *curl = client->curl;
    const char *certificate = certificate_file(client);

    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "firn/" FIRN_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CLIENT_CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)CLIENT_ANSWER_S);
    if (client->socket)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
    if (client->loopback)
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (certificate)
        curl_easy_setopt(curl, CURLOPT_CAINFO, certificate);
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *name,
                                     const char *value)
{
    _cleanup_free_ char *line = xasprintf("%s: %s", name, value);

    return curl_slist_append(headers, line);
}

static struct curl_slist *set_headers(const struct client *client,
                                      const struct client_request *request)
{
    struct curl_slist *headers = add_header(NULL, "Accept", "*/*");

    if (client->token) {
        _cleanup_free_ char *bearer = xasprintf("Bearer %s", client->token);
        headers = add_header(headers, "Authorization", bearer);
    }
    if (request->key)
        headers = add_header(headers, "Idempotency-Key", request->key);
    /* Also of a write without a body: firnd takes no other, and libcurl would name a form's. */
    if (strcmp(request->method, "GET") != 0)
        headers = add_header(headers, "Content-Type", "application/json");
    /* A body is sent at once: who refuses it says so, too. */
    headers = curl_slist_append(headers, "Expect:");
    if (request->ranged) {
        _cleanup_free_ char *range = xasprintf("bytes=%llu-", (unsigned long long)request->from);
        headers = add_header(headers, "Range", range);
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

/* *text is the body, to be freed after the request. */
static void set_request(const struct client *client, const struct client_request *request,
                        char **text)
{
    CURL *curl = client->curl;
    _cleanup_free_ char *url = xasprintf("%s%s", client->base, request->path);
    bool is_get = strcmp(request->method, "GET") == 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    *text = request->json ? json_dumps(request->json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!is_get) {
        /* On a connection that broke meanwhile libcurl would send it again by itself. */
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, *text ? *text : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(*text ? strlen(*text) : 0));
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, is_get ? NULL : request->method);
}

/* Nobody answered: why, and what to do about it. */
static bool fail_connection(struct client *client, CURLcode code, const char *detail,
                            struct err **err)
{
    const char *reason = *detail ? detail : curl_easy_strerror(code);

    client->away = true;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        client->away = false;
        err_set(err, ERR_FAILED, "%s is not known to be who it says: %s", client->name, reason);
        return err_hint(err, "--cacert=FILE names the authority that signed its certificate");
    }
    err_set(err, ERR_FAILED, "no firnd answers at %s: %s", client->name, reason);
    return err_hint(err, "start it with `firnd` or `systemctl start firnd`, or name another with "
                         "--server=URL or --socket=PATH");
}

static bool fail_exchange(struct exchange *exchange, CURLcode code, const char *detail,
                          struct err **err)
{
    if (interrupt_requested()) {
        err_free(exchange->failure);
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    }
    if (!exchange->failure)
        return fail_connection(exchange->client, code, detail, err);
    *err = exchange->failure;
    return false;
}

static bool judge_status(struct exchange *exchange, struct err **err)
{
    const struct client_answer *answer = exchange->answer;
    struct client *client = exchange->client;
    long status = answer->status;
    char *to = NULL;

    if ((status >= 200 && status < 300) || (status == 416 && exchange->request->ranged))
        return true;
    client->away = status == 502 || status == 503 || status == 504;
    curl_easy_getinfo(client->curl, CURLINFO_REDIRECT_URL, &to);
    if (status < 300 || status >= 400 || !to)
        return client_problem(status, answer->body.data, answer->body.len, client->name, err);
    err_set(err, ERR_FAILED, "%s sends us to %s, which is not followed", client->name, to);
    return err_hint(err, "name the right one with --server");
}

bool client_send(struct client *client, const struct client_request *request,
                 struct client_answer *answer, struct err **err)
{
    struct exchange exchange = {client, request, answer, NULL};
    char detail[CURL_ERROR_SIZE] = "";
    _cleanup_free_ char *text = NULL;

    curl_easy_reset(client->curl); /* options; the connection stays */
    set_connection(client);
    set_request(client, request, &text);
    struct curl_slist *headers = set_headers(client, request);
    curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(client->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(client->curl, CURLOPT_XFERINFOFUNCTION, on_time);
    client->away = false;
    CURLcode code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (code != CURLE_OK)
        return fail_exchange(&exchange, code, detail, err);
    return judge_status(&exchange, err);
}

void client_answer_release(struct client_answer *answer)
{
    buf_release(&answer->body);
}
