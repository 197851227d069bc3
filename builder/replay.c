#include "builder/replay.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "builder/shell_word.h"

/* Recipes of several lines, joined by a backslash at the end of a line, are one command. */
static void join_lines(const struct strv *lines, struct strv *commands)
{
    _cleanup_(buf_release) struct buf command = BUF_INIT;
    for (size_t i = 0; i < lines->count; i++) {
        const char *line = lines->items[i];
        buf_adds(&command, line);
        if (text_ends_with(line, "\\")) {
            buf_addc(&command, '\n');
            continue;
        }
        strv_add(commands, command.data);
        buf_clear(&command);
    }
    if (command.len)
        strv_add(commands, command.data);
}

/* What has no effect on the program: comments, make's own words, and the repair of dependency
 * files, which nobody reads again. */
static bool is_needless(const char *command)
{
    return !command[0] || command[0] == '#' || text_starts_with(command, "make: ") ||
           text_starts_with(command, "make[") || text_starts_with(command, "Use make V=1") ||
           (text_starts_with(command, "cp ") && strstr(command, ".d ") && strstr(command, ".P;"));
}

/* Is " -o BUILD/name" in it, as a whole word? */
static bool makes(const char *command, const struct replay *replay, const char *name)
{
    _cleanup_free_ char *option = xasprintf(" -o %s/%s", replay->build, name);
    for (const char *at = command; (at = strstr(at, option)) != NULL; at++) {
        char end = at[strlen(option)];
        if (!end || isspace((unsigned char)end))
            return true;
    }
    return false;
}

static bool makes_object(const char *command, const struct replay *replay)
{
    for (size_t i = 0; replay->objects[i]; i++) {
        if (makes(command, replay, replay->objects[i]))
            return true;
    }
    return false;
}

/* Only names that a shell takes; make exports no others either. */
static void add_exports(struct buf *script, const char *const *vars)
{
    for (; *vars; vars++) {
        size_t len = strcspn(*vars, "=");
        bool ok = len && !isdigit((unsigned char)(*vars)[0]);
        for (size_t i = 0; i < len; i++)
            ok = ok && (isalnum((unsigned char)(*vars)[i]) || (*vars)[i] == '_');
        if (!ok)
            continue;
        buf_addf(script, "export %.*s=", (int)len, *vars);
        shell_add_word(script, *vars + len + ((*vars)[len] == '='));
        buf_addc(script, '\n');
    }
}

static size_t add_objects(struct buf *script, const struct replay *replay,
                          const struct strv *commands)
{
    size_t count = 0;
    for (size_t i = 0; i < commands->count; i++) {
        if (makes_object(commands->items[i], replay))
            buf_addf(script, "( %s\n) &\np%zu=$!\n", commands->items[i], count++);
    }
    return count;
}

static size_t count_items(const char *const *items)
{
    size_t count = 0;
    while (items[count])
        count++;
    return count;
}

bool replay_write(const struct replay *replay, const struct strv *lines, struct buf *script,
                  struct err **err)
{
    _cleanup_(strv_release) struct strv commands = STRV_INIT;
    bool linked = false;
    join_lines(lines, &commands);
    buf_adds(script, "set -e\n");
    add_exports(script, replay->exported_vars);
    buf_adds(script, "cd ");
    shell_add_word(script, replay->dir);
    buf_addc(script, '\n');
    size_t objects = add_objects(script, replay, &commands);
    if (objects != count_items(replay->objects))
        return err_set(err, ERR_FAILED, "make would compile %zu of the product's %zu objects",
                       objects, count_items(replay->objects));
    for (size_t i = 0; i < commands.count; i++) {
        const char *command = commands.items[i];
        if (is_needless(command) || makes_object(command, replay))
            continue;
        if (!linked && makes(command, replay, replay->elf)) {
            for (size_t n = 0; n < objects; n++)
                buf_addf(script, "wait $p%zu\n", n);
            linked = true;
        }
        buf_addf(script, "%s\n", command);
    }
    return linked || err_set(err, ERR_FAILED, "make would not link %s", replay->elf);
}
