#include "builder/contact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "builder/url.h"
#include "builder/url_parts.h"

struct contact {
    enum allow_use use;
    const char *url;             /* as it was given */
    const struct mirror *mirror; /* what replaces its beginning, or NULL */
    char *mapped;                /* what is contacted */
    char *shown;                 /* both, for people */
};

static void contact_release(struct contact *c)
{
    free(c->mapped);
    free(c->shown);
}

char *contact_shown(const struct config *config, const char *url)
{
    _cleanup_free_ char *mapped = config_map_url(config, url);
    _cleanup_free_ char *from = url_printable(url), *to = url_printable(mapped);
    return strcmp(from, to) ? xasprintf("%s (mirror of %s)", to, from) : xstrdup(from);
}

/* What is recorded must hold nothing secret. */
static bool check_secret(const struct contact *c, struct err **err)
{
    bool git = c->use == ALLOW_GIT, password = url_has_password(c->url);
    _cleanup_free_ char *shown = url_printable(c->url);
    if (!password && (git || !url_has_user(c->url)))
        return true;
    err_set(err, ERR_FETCH, "%s has a %s in it, which would be recorded", shown,
            password ? "password" : "user's name");
    return err_hint(err, "leave it out here; 'mirrors:' in your own config.yaml can map the URL to "
                         "one with a password");
}

static bool fail_url(const struct contact *c, struct err **err)
{
    bool git = c->use == ALLOW_GIT;
    err_set(err, ERR_FETCH, "'%s' is not the URL of a %s", c->shown,
            git ? "repository" : "download");
    return err_hint(err, "give an https://%s; 'mirrors:' in config.yaml can map one to another",
                    git ? ", ssh:// or file:// URL or an absolute path" : " URL");
}

/* The length of "git://", "ext::" or another beginning that nothing is fetched by, or 0. */
static size_t foreign_protocol(const struct contact *c)
{
    static const char *const fetched[] = {"https://", "http://", "file://", "ssh://"};
    size_t len = 0, known = ARRAY_SIZE(fetched) - (c->use == ALLOW_DOWNLOADS);
    while (isalnum((unsigned char)c->mapped[len]) ||
           (len && c->mapped[len] && strchr("+.-_", c->mapped[len])))
        len++;
    const char *colon = c->mapped + len;
    if (!len || (!text_starts_with(colon, "://") && !text_starts_with(colon, "::")))
        return 0;
    len += text_starts_with(colon, "://") ? 3 : 2;
    for (size_t i = 0; i < known; i++)
        if (strlen(fetched[i]) == len && !strncasecmp(c->mapped, fetched[i], len))
            return 0;
    return len;
}

/* git:// and ftp:// carry files, too, but nothing vouches for what arrives; ext:: runs a command.
 */
static bool fail_protocol(const struct contact *c, size_t len, struct err **err)
{
    _cleanup_free_ char *shown = url_printable(c->mapped);
    const char *ssh = c->use == ALLOW_GIT ? " or ssh://" : "", *host = shown + len;
    int host_len = (int)strcspn(host, "/");
    err_set(err, ERR_FETCH, "%s is not allowed: nothing is fetched by %.*s", c->shown, (int)len,
            c->mapped);
    if (host[-1] != '/')
        return err_hint(err, "use https://%s", ssh);
    return err_hint(err,
                    "use https://%s, or put '%.*s%.*s/: https://%.*s/' below mirrors: in "
                    "config.yaml",
                    ssh, (int)len, shown, host_len, host, host_len, host);
}

/* What is contacted, taken apart. */
static bool parse(const struct contact *c, struct url_parts *parts, struct err **err)
{
    size_t foreign = foreign_protocol(c);
    bool is_path = c->mapped[0] == '/';
    if (foreign) {
        fail_protocol(c, foreign, err);
        return false;
    }
    if (url_parts_parse(c->mapped, parts) &&
        (c->use == ALLOW_GIT ? url_kind(c->mapped) != URL_UNKNOWN
                             : strcmp(parts->scheme, "ssh") != 0 && (!is_path || c->mirror)))
        return true;
    fail_url(c, err);
    return false;
}

static bool fail_host(const struct contact *c, const struct url_parts *parts, bool listed,
                      struct err **err)
{
    bool is_file = !strcmp(parts->scheme, "file"), is_plain = !strcmp(parts->scheme, "http");
    _cleanup_free_ char *entry = allow_entry(parts->scheme, parts->host);
    err_set(err, ERR_FETCH, "%s is not allowed: %s", c->shown,
            is_file    ? "files of this machine have to be listed"
            : is_plain ? "http:// does not protect what it carries"
                       : "its host is not listed");
    return err_hint(err, "if it is right, add \"%s\" to allow: in config.yaml%s", entry,
                    listed ? "" : ", beside all other hosts: only what is listed is allowed then");
}

/* The user's own word: what is contacted is where the mirror says, not a host that was only begun
 * there ("https://mirror" and the rest of another URL). */
static bool is_given(const struct contact *c)
{
    return c->mirror && url_same_place(c->mirror->replacement, c->mapped);
}

static bool check_rest(const struct contact *c, struct err **err)
{
    if (!c->mirror || !url_climbs(c->url + strlen(c->mirror->prefix)))
        return true;
    err_set(err, ERR_FETCH, "%s is not allowed: its '..' could leave the mirror", c->shown);
    return err_hint(err, "give the URL without '..' or remove '%s' from mirrors: in config.yaml",
                    c->mirror->prefix);
}

bool contact_check(const struct config *config, enum allow_use use, const char *url,
                   struct err **err)
{
    _cleanup_(url_parts_release) struct url_parts parts = URL_PARTS_INIT;
    _cleanup_(contact_release) struct contact c = {.use = use,
                                                   .url = url,
                                                   .mirror = config_find_mirror(config, url),
                                                   .mapped = config_map_url(config, url),
                                                   .shown = contact_shown(config, url)};
    if (!url_is_clean(url) || !url_is_clean(c.mapped))
        return fail_url(&c, err);
    if (!check_secret(&c, err) || !check_rest(&c, err) || !parse(&c, &parts, err))
        return false;
    return is_given(&c) || allow_host(config->allow, use, parts.scheme, parts.host) ||
           fail_host(&c, &parts, config->allow != NULL, err);
}
