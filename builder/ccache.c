#include "builder/ccache.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"

#define DOMAIN_DIGITS 16
#define MAX_SIZE "2G"

/* The manifest may name its own compiler. */
static bool sets_compiler(const struct manifest *m)
{
    for (size_t i = 0; i < m->make_count; i++) {
        if (!strcmp(m->make[i].name, "CC"))
            return true;
    }
    return false;
}

bool ccache_usable(const struct build_job *job)
{
    if (!job->config->build.ccache || job->options->no_ccache || sets_compiler(job->manifest))
        return false;
    _cleanup_free_ char *program = proc_find("ccache");
    return program != NULL;
}

/* Nothing that make or a shell would run. */
static bool is_plain(const char *value)
{
    for (; *value; value++) {
        if (!isalnum((unsigned char)*value) && !strchr("_.,:=/+- ", *value))
            return false;
    }
    return true;
}

/* Of everything whose code runs in this build. */
static void make_domain(const struct build_job *job, char hex[HASH_HEX_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    hash_field_str(&hash, "commit", job->source.commit);
    for (size_t i = 0; i < job->source.submodule_count; i++)
        hash_field_str(&hash, job->source.submodules[i].path, job->source.submodules[i].commit);
    for (size_t i = 0; i < job->copied_count; i++) {
        for (size_t f = 0; f < job->copied[i].files.count; f++)
            hash_field_str(&hash, job->copied[i].files.items[f], job->copied[i].digests.items[f]);
    }
    for (size_t i = 0; i < job->manifest->make_count; i++) {
        const struct config_entry *var = &job->manifest->make[i];
        if (!is_plain(var->value))
            hash_field_str(&hash, var->name, var->value);
    }
    hash_final(&hash, hex);
}

/* file:/srv/ccache and redis+unix:/run/redis.sock lead to something on this machine. */
static void add_remote(const struct build_job *job, struct place *place, struct strv *env)
{
    const char *remote = job->config->build.ccache_remote;
    if (!remote)
        return;
    const char *path = strchr(remote, ':') + 1;
    path += strspn(path, "/") - 1;
    _cleanup_free_ char *real = xstrndup(path, strcspn(path, "|?"));
    sandbox_bind(&place->sandbox, real, real, SANDBOX_WRITE);
    strv_addf(env, "CCACHE_REMOTE_STORAGE=%s", remote);
}

/* The caller frees. */
static char *domain_dir(const struct build_job *job)
{
    char domain[HASH_HEX_SIZE];
    make_domain(job, domain);
    return xasprintf("%s/ccache/%.*s", job->config->home, DOMAIN_DIGITS, domain);
}

bool ccache_choose(const struct build_job *job, bool *use, struct err **err)
{
    *use = false;
    if (!ccache_usable(job))
        return true;
    _cleanup_free_ char *dir = domain_dir(job);
    *use = job->config->build.ccache_remote || fs_is_dir(dir);
    return *use || fs_mkdirs(dir, err);
}

bool ccache_add(const struct build_job *job, struct place *place, struct strv *vars,
                struct strv *env, struct err **err)
{
    _cleanup_free_ char *dir = domain_dir(job);
    if (!fs_mkdirs(dir, err))
        return false;
    strv_addf(vars, "CC=ccache %sgcc", job->toolchain.prefix);
    strv_addf(env, "CCACHE_DIR=%s", sandbox_bind(&place->sandbox, dir, "/ccache", SANDBOX_WRITE));
    strv_add(env, "CCACHE_TEMPDIR=/tmp");
    strv_add(env, "CCACHE_MAXSIZE=" MAX_SIZE);
    /* What the compiler is was hashed already. */
    strv_addf(env, "CCACHE_COMPILERCHECK=string:%s", job->toolchain.digest);
    add_remote(job, place, env);
    return true;
}
