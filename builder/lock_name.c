#include "builder/lock_name.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define QSTRS "qstrs"

/* Parts that one cause changes: a compiler is not replaced file by file, and a source has its
 * submodules. */
static const struct {
    const char *prefix, *name;
} groups[] = {
    {"source ", "source"}, {"submodule ", "source"}, {"toolchain ", "toolchain"}, {"qstr", QSTRS}};

/* What a person calls by the rest alone. */
static const char *const kinds[] = {"frozen ",  "submodule ", "define ",
                                    "package ", "make ",      "interpreter "};

const char *lock_name_for(const char *part)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (text_starts_with(part, groups[i].prefix))
            return groups[i].name;
    }
    return part;
}

/* "frozen main.py as" begins with "frozen main.py" and with "frozen", not with "froz". */
static bool begins_with(const char *part, const char *name)
{
    size_t len = strlen(name);
    return len && !strncmp(part, name, len) && strchr(" /", part[len]);
}

/* A group's name is no directory's: 'frozen source' is there for that. */
static bool is_group(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        if (!strcmp(groups[i].name, name))
            return true;
    }
    return false;
}

bool lock_name_covers(const char *name, const char *part)
{
    if (begins_with(part, name) || !strcmp(lock_name_for(part), name))
        return true;
    if (is_group(name))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (text_starts_with(part, kinds[i]) && begins_with(part + strlen(kinds[i]), name))
            return true;
    }
    return false;
}
