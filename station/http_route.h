/*
 * Which route a request takes: the first of the table whose pattern is the path, and whose method
 * is the request's (GET for HEAD, too).
 */
#ifndef FIRN_STATION_HTTP_ROUTE_H
#define FIRN_STATION_HTTP_ROUTE_H

#include "station/http.h"
#include "station/http_target.h"

struct http_match {
    const struct http_route *route;      /* NULL = none */
    const char *params[HTTP_PARAMS_MAX]; /* borrowed from the target */
    char allow[64]; /* methods that the path has, "GET, HEAD"; "" = there is no such path */
};

void http_route_find(const struct http_route *routes, const char *method,
                     const struct http_target *target, struct http_match *match);

#endif
