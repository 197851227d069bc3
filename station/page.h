/*
 * The page: files of station/web/ that are within the program. Put PAGE_ROUTES into the table of
 * routes. Nobody has to say who they are for it: it has no data, and asks for a token itself.
 */
#ifndef FIRN_STATION_PAGE_H
#define FIRN_STATION_PAGE_H

#include "station/http.h"

void page_index(void *app, const struct http_request *request, struct http_response *r);
void page_file(void *app, const struct http_request *request, struct http_response *r);

#define PAGE_ROUTES                                                                                \
    {"GET", "/", ROLE_NONE, page_index, ROUTE_OPEN},                                               \
    {                                                                                              \
        "GET", "/web/{name}", ROLE_NONE, page_file, ROUTE_OPEN                                     \
    }

#endif
