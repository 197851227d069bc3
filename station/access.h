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

#include "base/mem.h"

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

#define TOKEN_ID_SIZE 17     /* digits and the terminating NUL */
#define TOKEN_SECRET_SIZE 65 /* likewise */
#define TOKEN_SIZE (sizeof("firn_") + TOKEN_ID_SIZE + TOKEN_SECRET_SIZE - 1)

/* The two parts of a token. */
struct token {
    char id[TOKEN_ID_SIZE];
    char secret[TOKEN_SECRET_SIZE];
};

/* A new one, and its text, which is shown once. */
void token_make(struct token *token, char text[TOKEN_SIZE]);
/* False if the text is not of a token's form. */
bool token_parse(const char *text, struct token *token) MUST_CHECK;
/* What the store keeps of the secret: its SHA-256 in hexadecimal, 64 digits and NUL. */
void token_hash(const struct token *token, char hex[TOKEN_SECRET_SIZE]);
/* Is it the token whose secret has this hash? All of it is compared, in constant time. */
bool token_matches(const struct token *token, const char *hash);

#endif
