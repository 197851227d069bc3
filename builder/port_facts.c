#include "builder/port_facts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "builder/make.h"

#define FACTS_MAX_BYTES (256 * 1024)
#define BOARD_MAX_FILES 2000

/* A board outside the source can change without anything else changing: its makefiles count. What
 * cannot be read is left to make to complain about. */
static void hash_board_dir(struct hash *hash, const char *dir)
{
    _cleanup_(strv_release) struct strv files = STRV_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    if (!dir || !fs_walk(dir, BOARD_MAX_FILES, &files, &ignored))
        return;
    for (size_t i = 0; i < files.count; i++) {
        char digest[HASH_HEX_SIZE] = "";
        _cleanup_err_ struct err *unreadable = NULL;
        _cleanup_free_ char *path = path_join(dir, files.items[i]);
        (void)!hash_file(path, digest, &unreadable);
        hash_field_str(hash, files.items[i], digest);
    }
}

char *port_facts_key(const struct board_choice *board, const struct interpreter *interpreter,
                     const char *commit, const struct strv *vars)
{
    struct hash hash;
    char hex[HASH_HEX_SIZE];
    hash_init(&hash);
    hash_field(&hash, "interpreter", interpreter->doc.text, interpreter->doc.text_len);
    hash_field_str(&hash, "commit", commit);
    hash_field_str(&hash, "port", board->port->name);
    for (size_t i = 0; i < vars->count; i++)
        hash_field_str(&hash, "make", vars->items[i]);
    hash_board_dir(&hash, board->dir);
    hash_final(&hash, hex);
    return xstrdup(hex);
}

static char *facts_path(const struct config *config, const char *key)
{
    return xasprintf("%s/facts/%s.json", config->home, key);
}

/* Add each word that is not there yet. */
static void add_words(struct strv *v, const char *words)
{
    while (*words) {
        size_t len = strcspn(words, " \t");
        if (len) {
            _cleanup_free_ char *word = xstrndup(words, len);
            if (!strv_contains(v, word))
                strv_add(v, word);
        }
        words += len;
        words += strspn(words, " \t");
    }
}

bool port_facts_load(struct port_facts *facts, const struct config *config, const char *key)
{
    _cleanup_free_ char *path = facts_path(config, key);
    _cleanup_(buf_release) struct buf text = BUF_INIT;
    _cleanup_err_ struct err *ignored = NULL;
    const char *manifest, *flags, *submodules;
    if (!fs_read_shared(path, FACTS_MAX_BYTES, &text, &ignored))
        return false;
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    bool ok = json && json_unpack(json, "{s:s, s:s, s:s}", "manifest", &manifest, "mpy_cross_flags",
                                  &flags, "submodules", &submodules) == 0;
    if (ok) {
        facts->manifest = xstrdup(manifest);
        facts->mpy_cross_flags = xstrdup(flags);
        add_words(&facts->submodules, submodules);
    }
    json_decref(json);
    return ok;
}

static bool save_facts(const struct port_facts *facts, const struct config *config, const char *key,
                       struct err **err)
{
    _cleanup_free_ char *path = facts_path(config, key);
    _cleanup_free_ char *dir = path_dirname(path);
    _cleanup_(buf_release) struct buf words = BUF_INIT;
    for (size_t i = 0; i < facts->submodules.count; i++)
        buf_addf(&words, "%s%s", i ? " " : "", facts->submodules.items[i]);
    json_t *json = json_pack("{s:s, s:s, s:s}", "manifest", facts->manifest, "mpy_cross_flags",
                             facts->mpy_cross_flags, "submodules", words.data);
    _cleanup_free_ char *text = json_dumps(json, JSON_SORT_KEYS | JSON_INDENT(2));
    json_decref(json);
    return fs_mkdirs(dir, err) && fs_write(path, text, strlen(text), 0644, err);
}

/* A manifest given as Python stands in quotes, which make hands to a shell. */
static char *unquote(const char *value)
{
    size_t len = strlen(value);
    if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0])
        return xstrndup(value + 1, len - 2);
    return xstrdup(value);
}

/* The first answers; the values of the port's submodules_if variables follow them. */
enum { ASK_MANIFEST, ASK_FLAGS, ASK_SUBMODULES, ASK_FIRST_CONDITION };

static void add_questions(struct strv *names, const struct port *port)
{
    strv_add(names, "FROZEN_MANIFEST");
    strv_add(names, "MPY_CROSS_FLAGS");
    strv_add(names, "GIT_SUBMODULES");
    for (size_t i = 0; i < port->submodule_if_count; i++)
        strv_add(names, port->submodules_if[i].value);
}

static bool is_needed(const char *submodule, const struct port *port, const struct strv *answers)
{
    for (size_t i = 0; i < port->submodule_if_count; i++) {
        if (!strcmp(port->submodules_if[i].name, submodule))
            return !strcmp(answers->items[ASK_FIRST_CONDITION + i], "1");
    }
    return true;
}

static void take_answers(struct port_facts *facts, const struct port *port,
                         const struct strv *answers)
{
    _cleanup_(strv_release) struct strv listed = STRV_INIT;
    facts->manifest = unquote(answers->items[ASK_MANIFEST]);
    facts->mpy_cross_flags = xstrdup(answers->items[ASK_FLAGS]);
    strv_add_all(&facts->submodules, port->submodules);
    add_words(&listed, answers->items[ASK_SUBMODULES]);
    for (size_t i = 0; i < listed.count; i++) {
        if (is_needed(listed.items[i], port, answers))
            add_words(&facts->submodules, listed.items[i]);
    }
    strv_sort(&facts->submodules);
}

/* Nothing is built, but a makefile may look into BUILD. With a library of its own the makefile
 * leaves micropython-lib out of the submodules: it is fetched only when a directive needs it. */
static void add_vars(struct strv *all, const struct config *config,
                     const struct board_choice *board, const char *board_at,
                     const struct strv *vars, struct sandbox *sandbox)
{
    strv_add_all(all, (const char *const *)vars->items);
    if (board->dir)
        strv_addf(all, "%s=%s", board->port->board_dir_var,
                  sandbox_bind(sandbox, board->dir, board_at, SANDBOX_READ));
    strv_addf(all, "BUILD=%s/facts/none", config->home);
    strv_addf(all, "MPY_LIB_DIR=%s/facts/none", config->home);
}

bool port_facts_ask(struct port_facts *facts, const struct config *config, const char *key,
                    const struct board_choice *board, const char *source_dir,
                    const struct strv *vars, const struct strv *env, const struct sandbox *sandbox,
                    struct err **err)
{
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    _cleanup_(strv_release) struct strv answers = STRV_INIT;
    _cleanup_(strv_release) struct strv all = STRV_INIT;
    _cleanup_(sandbox_release) struct sandbox box = sandbox_fork(sandbox);
    _cleanup_free_ char *dir =
        path_join(sandbox_bind(&box, source_dir, "/src", SANDBOX_READ), board->port->dir);
    _cleanup_free_ char *board_at = xasprintf("/board/%s", board->name ? board->name : "");
    add_questions(&names, board->port);
    add_vars(&all, config, board, board_at, vars, &box);
    const struct make_job make = {.sandbox = &box,
                                  .dir = dir,
                                  .vars = (const char *const *)all.items,
                                  .env = (const char *const *)env->items};
    if (!make_ask(&make, (const char *const *)names.items, &answers, err))
        return false;
    take_answers(facts, board->port, &answers);
    /* A manifest of the board's own, by its place on this machine. */
    if (box.on && board->dir && path_is_beneath(facts->manifest, board_at)) {
        char *real = xasprintf("%s%s", board->dir, facts->manifest + strlen(board_at));
        free(facts->manifest);
        facts->manifest = real;
    }
    return save_facts(facts, config, key, err);
}

void port_facts_release(struct port_facts *facts)
{
    free(facts->manifest);
    free(facts->mpy_cross_flags);
    strv_release(&facts->submodules);
    *facts = (struct port_facts)PORT_FACTS_INIT;
}
