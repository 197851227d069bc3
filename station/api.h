/*
 * The API (docs/api.md): one table of routes, and what their handlers have in common. `app` of each
 * is the station.
 */
#ifndef FIRN_STATION_API_H
#define FIRN_STATION_API_H

#include "station/station.h"

extern const struct http_route api_routes[];

/* The body has no members but these (NULL-ended); otherwise a problem 400 was answered. */
bool api_only_keys(const struct http_request *request, struct http_response *r,
                   const char *const *known) MUST_CHECK;
/* A member that is a string, or NULL where it is null or missing; another type: 400. */
bool api_text(const struct http_request *request, struct http_response *r, const char *key,
              const char **value) MUST_CHECK;
/* A member that is a whole number within limits; *value stays if it is null or missing. */
bool api_int(const struct http_request *request, struct http_response *r, const char *key,
             int64_t min, int64_t max, int64_t *value) MUST_CHECK;
/* {"items":items,"next":...}: there are more if `next` (may be NULL) is given. Takes items. */
void api_list(struct http_response *r, json_t *items, const char *next);
/* The problem of an error of the store or the disk, which is noted if it is the machine's. Frees
 * *err. */
void api_error(struct station *station, struct http_response *r, struct err **err);
/* New work is refused now (503, 507); otherwise nothing was answered and it returns false. */
bool api_refuses(struct station *station, struct http_response *r);
/* A parameter of the path that is a positive number; otherwise 404. */
bool api_id(const struct http_request *request, struct http_response *r, int64_t *id) MUST_CHECK;

#define HANDLER(name)                                                                              \
    void name(void *app, const struct http_request *request, struct http_response *r)

HANDLER(api_products_list);
HANDLER(api_product_get);
HANDLER(api_product_put);
HANDLER(api_product_delete);
HANDLER(api_product_file);
HANDLER(api_jobs_list);
HANDLER(api_job_get);
HANDLER(api_job_post);
HANDLER(api_job_cancel);
HANDLER(api_job_retry);
HANDLER(api_job_log);
HANDLER(api_job_events);
HANDLER(api_images_list);
HANDLER(api_image_get);
HANDLER(api_image_file);
HANDLER(api_image_release);
HANDLER(api_devices);
HANDLER(api_records_list);
HANDLER(api_records_jsonl);
HANDLER(api_records_csv);
HANDLER(api_tokens_list);
HANDLER(api_token_post);
HANDLER(api_token_delete);
HANDLER(api_session_get);
HANDLER(api_session_post);
HANDLER(api_session_delete);
HANDLER(api_status);
HANDLER(api_healthz);
HANDLER(api_metrics);
HANDLER(api_events);
HANDLER(api_openapi);

#endif
