/*
 * Who asks, and what they may do.
 *
 * Over the Unix socket the peer's user is known from the kernel (SO_PEERCRED); over TCP a token
 * says it, in the header Authorization or in the cookie of the page. A token is "firn_" + 16
 * hexadecimal digits (its id) + "_" + 64 hexadecimal digits (its secret). The store has the SHA-256
 * of the secret only; it is compared in constant time and in its full length.
 */
#ifndef FIRN_STATION_ACCESS_H
#define FIRN_STATION_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

/* Each may do what the one before it may. */
enum role { ROLE_NONE, ROLE_VIEW, ROLE_OPERATE, ROLE_ENGINEER };

const char *role_name(enum role role);              /* "view"; "none" */
bool role_parse(const char *name, enum role *role); /* view, operate, engineer */

enum access_via { VIA_NOBODY, VIA_SOCKET, VIA_TOKEN, VIA_COOKIE };

struct principal {
    char name[128]; /* "alice", "token ci": what records say of who asked; "" = nobody */
    enum role role;
    enum access_via via;
};

#endif
