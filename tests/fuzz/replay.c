/*
 * Feeds a fuzz target its committed corpus, without a fuzzer: linked with each target in `make
 * check`. One TAP test: every file of tests/fuzz/corpus/<noun>/ for the program fuzz_<noun>, in a
 * child, so that the one that ends it can be named. As under libFuzzer each input is on the heap,
 * with nothing behind it.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#include "base/fs.h"

#define INPUT_MAX (1024 * 1024)

static void replay(const char *dir, const char *name)
{
    _cleanup_free_ char *path = path_join(dir, name);
    _cleanup_(buf_release) struct buf file = BUF_INIT;
    struct err *err = NULL;
    CHECK(fs_read(path, INPUT_MAX, &file, &err));
    uint8_t *copy = xmalloc(file.len);
    memcpy(copy, file.data, file.len);
    CHECK(LLVMFuzzerTestOneInput(copy, file.len) == 0);
    free(copy);
}

/* In a child; `done` tells how far it came. */
static bool replay_all(const char *dir, const struct strv *names, volatile size_t *done)
{
    int status = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (; *done < names->count; ++*done)
            replay(dir, names->items[*done]);
        exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status == 0;
}

int main(int argc, char **argv)
{
    const char *noun = path_basename(argv[0]) + strlen("fuzz_");
    _cleanup_free_ char *dir = xasprintf("%s/tests/fuzz/corpus/%s", FIRN_SOURCE_DIR, noun);
    _cleanup_(strv_release) struct strv names = STRV_INIT;
    struct err *err = NULL;
    (void)argc;
    volatile size_t *done =
        mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(done != MAP_FAILED);
    if (!fs_list(dir, &names, &err) || names.count == 0) {
        printf("1..1\nnot ok 1 - %s: no inputs in %s\n", noun, dir);
        err_free(err);
        return 1;
    }
    bool ok = replay_all(dir, &names, done);
    printf("1..1\n%sok 1 - %s: %zu inputs\n", ok ? "" : "not ", noun, names.count);
    if (!ok)
        fprintf(stderr, "# failed at %s/%s\n", dir,
                *done < names.count ? names.items[*done] : "(its end)");
    return !ok;
}
