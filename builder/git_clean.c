/* repo_is_clean() and git_library_version() of git.h. */
#include "builder/git_internal.h"

bool repo_is_clean(const char *dir)
{
    struct git_repository *repo = NULL;
    git_status_list *list = NULL;
    git_status_options options;
    struct err *err = NULL;

    git_status_options_init(&options, GIT_STATUS_OPTIONS_VERSION);
    if (!repo_open(dir, &repo, &err)) {
        err_free(err); /* no repository: nobody can say what it holds */
        return false;
    }
    options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
    options.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED;
    bool clean =
        git_status_list_new(&list, repo, &options) == 0 && git_status_list_entrycount(list) == 0;
    git_status_list_free(list);
    repo_close(repo);
    return clean;
}

char *git_library_version(void)
{
    int major = 0, minor = 0, patch = 0, features = git_libgit2_features();

    git_libgit2_version(&major, &minor, &patch);
    return xasprintf("libgit2 %d.%d.%d%s%s", major, minor, patch,
                     features & GIT_FEATURE_HTTPS ? ", https" : "",
                     features & GIT_FEATURE_SSH ? ", ssh" : "");
}
