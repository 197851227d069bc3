#include <string.h>

#include "base/mem.h"
#include "station/access.h"

static const char *const NAMES[] = {"none", "view", "operate", "engineer"};

const char *role_name(enum role role)
{
    return NAMES[role];
}

bool role_parse(const char *name, enum role *role)
{
    for (size_t i = ROLE_VIEW; i < ARRAY_SIZE(NAMES); i++) {
        if (strcmp(name, NAMES[i]) == 0) {
            *role = (enum role)i;
            return true;
        }
    }
    return false;
}
