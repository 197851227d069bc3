/*
 * Lists that a daemon tells page by page.
 */
#ifndef FIRN_CLI_CLIENT_PAGES_H
#define FIRN_CLI_CLIENT_PAGES_H

#include "cli/client_http.h"

#define PAGE_MAX 500 /* items of one page, at most */

/* "?name=value", "&name=value" behind the first one; nothing for NULL. */
void client_add_query(struct buf *path, const char *name, const char *value);
/* The first `count` items (-1: all) are appended to `items`; *more: there are further ones. */
bool client_get_pages(struct client *client, const char *path, long count, json_t *items,
                      bool *more, struct err **err) MUST_CHECK;

#endif
