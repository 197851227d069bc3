/* Requests whose answers are JSON: see client_http.h. */
#include <ctype.h>
#include <string.h>

#include "cli/client_http.h"

bool client_put(struct client *client, const char *method, const char *path, const json_t *body,
                json_t **answer, struct err **err)
{
    const struct client_request request = {.method = method, .path = path, .json = body};
    _cleanup_(client_answer_release) struct client_answer got = CLIENT_ANSWER_INIT;

    if (!client_send(client, &request, &got, err))
        return false;
    if (!answer)
        return true;
    *answer = got.status == 204 ? NULL : json_loadb(got.body.data, got.body.len, 0, NULL);
    if (json_is_object(*answer) || got.status == 204)
        return true;
    json_decref(*answer);
    *answer = NULL;
    err_set(err, ERR_FAILED, "%s does not answer as firnd does to %s %s", client_name(client),
            method, path);
    return err_hint(err, "is it a firnd? look at the address");
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
