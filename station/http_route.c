#include "station/http_route.h"

#include <assert.h>
#include <string.h>

/* The pattern's part at `at`, up to the next slash. */
static bool part_is(const char *part, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(part, text, len) == 0;
}

static bool pattern_matches(const char *pattern, const struct http_target *target,
                            const char *params[HTTP_PARAMS_MAX])
{
    size_t count = 0, i = 0;
    const char *part = pattern + 1;
    for (; *part && i < target->segment_count; i++) {
        size_t len = strcspn(part, "/");
        const struct http_segment *segment = &target->segments[i];
        bool takes_rest = len > 2 && memcmp(part + len - 2, "*}", 2) == 0;
        if (*part == '{') {
            assert(count < HTTP_PARAMS_MAX);
            params[count++] = takes_rest ? segment->rest : segment->text;
        } else if (!part_is(part, len, segment->text)) {
            return false;
        }
        part += len + (part[len] == '/');
        if (takes_rest)
            return true;
    }
    return !*part && i == target->segment_count;
}

static void add_allowed(struct http_match *match, const char *method)
{
    size_t len = strlen(match->allow);
    /* Six methods of at most seven letters fit. */
    if (!strstr(match->allow, method))
        snprintf(match->allow + len, sizeof(match->allow) - len, "%s%s", len ? ", " : "", method);
}

void http_route_find(const struct http_route *routes, const char *method,
                     const struct http_target *target, struct http_match *match)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *match = (struct http_match){.route = NULL};
    for (; routes->method; routes++) {
        const char *params[HTTP_PARAMS_MAX] = {NULL};
        if (!pattern_matches(routes->pattern, target, params))
            continue;
        add_allowed(match, routes->method);
        if (strcmp(routes->method, "GET") == 0)
            add_allowed(match, "HEAD");
        if (match->route || strcmp(routes->method, wanted) != 0)
            continue;
        match->route = routes;
        memcpy(match->params, params, sizeof(params));
    }
}
