/* Requests whose answers are JSON: see client_http.h. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/proc.h"
#include "cli/client_http.h"

#define KEY_BYTES 16
#define AGAIN_MS 500 /* until what was lost is asked for again */

static bool send_json(struct client *client, const struct client_request *request, json_t **answer,
                      struct err **err)
{
    _cleanup_(client_answer_release) struct client_answer got = CLIENT_ANSWER_INIT;

    if (!client_send(client, request, &got, err))
        return false;
    if (!answer)
        return true;
    *answer = got.status == 204 ? NULL : json_loadb(got.body.data, got.body.len, 0, NULL);
    if (json_is_object(*answer) || got.status == 204)
        return true;
    json_decref(*answer);
    *answer = NULL;
    err_set(err, ERR_FAILED, "%s does not answer as firnd does to %s %s", client_name(client),
            request->method, request->path);
    return err_hint(err, "is it a firnd? look at the address");
}

bool client_put(struct client *client, const char *method, const char *path, const json_t *body,
                json_t **answer, struct err **err)
{
    const struct client_request request = {.method = method, .path = path, .json = body};

    return send_json(client, &request, answer, err);
}

static bool new_key(char key[2 * KEY_BYTES + 1], struct err **err)
{
    unsigned char bytes[KEY_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return err_set_errno(err, ERR_FAILED, errno, "cannot get random bytes");
    for (size_t i = 0; i < KEY_BYTES; i++)
        snprintf(key + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

bool client_put_once(struct client *client, const char *method, const char *path,
                     const json_t *body, json_t **answer, struct err **err)
{
    char key[2 * KEY_BYTES + 1];
    const struct client_request request = {
        .method = method, .path = path, .json = body, .key = key};

    if (!new_key(key, err))
        return false;
    if (send_json(client, &request, answer, err))
        return true;
    if (!client_is_away(client) || interrupt_requested())
        return false;
    err_free(*err);
    *err = NULL;
    poll(NULL, 0, AGAIN_MS);
    return send_json(client, &request, answer, err);
}

bool client_get(struct client *client, const char *path, json_t **answer, struct err **err)
{
    return client_put(client, "GET", path, NULL, answer, err);
}

void client_add_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
            buf_addc(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}
