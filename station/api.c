#include "station/api.h"

#include <string.h>

#include "base/json_get.h"
#include "base/text.h"
#include "station/disk.h"
#include "station/page.h"

const struct http_route api_routes[] = {
    {"GET", "/", ROLE_NONE, page_index, ROUTE_OPEN},
    {"GET", "/web/{name}", ROLE_NONE, page_file, ROUTE_OPEN},
    {"GET", "/v1/healthz", ROLE_NONE, api_healthz, ROUTE_OPEN},
    {"GET", "/v1/openapi.json", ROLE_NONE, api_openapi, ROUTE_OPEN},
    {"POST", "/v1/session", ROLE_NONE, api_session_post, ROUTE_OPEN | ROUTE_BODY_JSON},
    {"GET", "/v1/session", ROLE_VIEW, api_session_get, 0},
    {"DELETE", "/v1/session", ROLE_NONE, api_session_delete, ROUTE_OPEN},
    {"GET", "/v1/status", ROLE_VIEW, api_status, 0},
    {"GET", "/metrics", ROLE_VIEW, api_metrics, 0},
    {"GET", "/v1/metrics", ROLE_VIEW, api_metrics, 0},
    {"GET", "/v1/products", ROLE_VIEW, api_products_list, 0},
    {"GET", "/v1/products/{name}", ROLE_VIEW, api_product_get, 0},
    {"PUT", "/v1/products/{name}", ROLE_ENGINEER, api_product_put, ROUTE_BODY_JSON},
    {"DELETE", "/v1/products/{name}", ROLE_ENGINEER, api_product_delete, 0},
    {"GET", "/v1/products/{name}/files/{path*}", ROLE_VIEW, api_product_file, 0},
    {"GET", "/v1/jobs", ROLE_VIEW, api_jobs_list, 0},
    {"POST", "/v1/jobs", ROLE_OPERATE, api_job_post, ROUTE_BODY_JSON},
    {"GET", "/v1/jobs/{id}", ROLE_VIEW, api_job_get, 0},
    {"POST", "/v1/jobs/{id}/cancel", ROLE_OPERATE, api_job_cancel, 0},
    {"POST", "/v1/jobs/{id}/retry", ROLE_OPERATE, api_job_retry, 0},
    {"GET", "/v1/jobs/{id}/log", ROLE_VIEW, api_job_log, 0},
    {"GET", "/v1/jobs/{id}/events", ROLE_VIEW, api_job_events, 0},
    {"GET", "/v1/images", ROLE_VIEW, api_images_list, 0},
    {"GET", "/v1/images/{digest}", ROLE_VIEW, api_image_get, 0},
    {"GET", "/v1/images/{digest}/files/{name}", ROLE_VIEW, api_image_file, 0},
    {"POST", "/v1/images/{digest}/release", ROLE_ENGINEER, api_image_release, ROUTE_BODY_JSON},
    {"GET", "/v1/devices", ROLE_VIEW, api_devices, 0},
    {"GET", "/v1/records", ROLE_VIEW, api_records_list, 0},
    {"GET", "/v1/records.jsonl", ROLE_VIEW, api_records_jsonl, 0},
    {"GET", "/v1/records.csv", ROLE_VIEW, api_records_csv, 0},
    {"GET", "/v1/events", ROLE_VIEW, api_events, 0},
    {"GET", "/v1/tokens", ROLE_ENGINEER, api_tokens_list, 0},
    {"POST", "/v1/tokens", ROLE_ENGINEER, api_token_post, ROUTE_BODY_JSON},
    {"DELETE", "/v1/tokens/{id}", ROLE_ENGINEER, api_token_delete, 0},
    {NULL},
};

bool api_only_keys(const struct http_request *request, struct http_response *r,
                   const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)request->json, key, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        const char *nearest = text_nearest(key, known);
        _cleanup_free_ char *action = nearest ? xasprintf("did you mean '%s'?", nearest)
                                              : xstrdup("see GET /v1/openapi.json");
        http_problem(r, 400, "unknown-member", action, "there is no member '%s' here", key);
        return false;
    }
    return true;
}

bool api_text(const struct http_request *request, struct http_response *r, const char *key,
              const char **value)
{
    const json_t *member = json_object_get(request->json, key);
    *value = NULL;
    if (!member || json_is_null(member))
        return true;
    *value = json_string_value(member);
    if (*value && strlen(*value) == json_string_length(member))
        return true;
    http_problem(r, 400, "wrong-type", "send it as a string", "'%s' is no text", key);
    return false;
}

bool api_int(const struct http_request *request, struct http_response *r, const char *key,
             int64_t min, int64_t max, int64_t *value)
{
    const json_t *member = json_object_get(request->json, key);
    if (!member || json_is_null(member))
        return true;
    int64_t given = json_integer_value(member);
    if (json_is_integer(member) && given >= min && given <= max) {
        *value = given;
        return true;
    }
    http_problem(r, 400, "wrong-number", "send a whole number within these limits",
                 "'%s' is no number from %lld to %lld", key, (long long)min, (long long)max);
    return false;
}

void api_list(struct http_response *r, json_t *items, const char *next)
{
    http_json(r, 200, json_pack("{s:o, s:o}", "items", items, "next", json_text(next)));
}

void api_error(struct station *station, struct http_response *r, struct err **err)
{
    if (err_is_of_machine(*err))
        station_note_fault(station, *err);
    http_error(r, err);
}

bool api_refuses(struct station *station, struct http_response *r)
{
    _cleanup_free_ char *refusal = station_refuses(station);
    if (!refusal)
        return false;
    bool full = !station->stopping && !station->store_fault;
    http_add_header(r, "Retry-After", "%d", full ? 60 : 5);
    http_problem(r, full ? 507 : 503, full ? "disk-full" : "unavailable",
                 full ? "make room: `firn clean`, fewer images or logs, or a lower floor"
                      : "ask again in a moment",
                 "no new work is taken: %s", refusal);
    return true;
}

bool api_id(const struct http_request *request, struct http_response *r, int64_t *id)
{
    const char *text = request->params[0];
    char *end;
    *id = strtoll(text, &end, 10);
    if (*id > 0 && !*end && text[0] >= '1' && text[0] <= '9' && strlen(text) < 19)
        return true;
    http_problem(r, 404, "not-found", "GET /v1/jobs has all of them", "there is no job '%s'", text);
    return false;
}
