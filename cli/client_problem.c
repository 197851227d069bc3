#include "cli/client_problem.h"

#include <jansson.h>

#include "base/json_get.h"

static enum err_code code_of(long status)
{
    switch (status) {
    case 400:
    case 401:
    case 403:
    case 409:
    case 412:
    case 415:
    case 422:
        return ERR_USAGE;
    case 404:
        return ERR_NOT_FOUND;
    default:
        return ERR_FAILED;
    }
}

static const char *default_hint(long status)
{
    switch (status) {
    case 401:
        return "give a token that is valid there: in $FIRN_TOKEN or by --token-file; an engineer "
               "makes one with `firn token add`";
    case 403:
        return "ask an engineer for a token with a greater role (`firn token add NAME --role ...`)";
    case 429:
    case 503:
    case 507:
        return "try again later";
    default:
        return NULL;
    }
}

bool client_problem(long status, const char *body, size_t len, const char *from, struct err **err)
{
    json_t *problem = json_loadb(body, len, 0, NULL);
    const char *detail = json_get_text(problem, "detail"), *title = json_get_text(problem, "title");
    const char *action = json_get_text(problem, "action");
    const char *hint = *action ? action : default_hint(status);

    if (*detail)
        err_set(err, code_of(status), "%s", detail);
    else if (*title)
        err_set(err, code_of(status), "%s answered %ld (%s)", from, status, title);
    else
        err_set(err, code_of(status), "%s answered %ld, and not as firnd does", from, status);
    if (hint)
        err_hint(err, "%s", hint);
    else if (!*detail && !*title)
        err_hint(err, "is it a firnd? look at the address");
    json_decref(problem);
    return false;
}
