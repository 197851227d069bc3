#include "cli/image_download.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/bundle.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/json_get.h"
#include "base/temp_file.h"
#include "base/text.h"

#define PHASE "download"

struct download {
    struct temp_file temp;
    struct hash hash;
    const char *name;
    uint64_t bytes, expected;
    struct events *events;
};

/* A name that stays in its directory and is not hidden. */
static bool check_name(const char *name, struct err **err)
{
    return bundle_check_path(name, err) &&
           (!strchr(name, '/') ||
            err_set(err, ERR_AUTHENTIC, "the daemon tells a file of the image '%s'", name));
}

/* What the sidecar says of NAME.app.dfu is under "app.dfu", of NAME.dfu under "dfu": the longest
 * one that fits. "" where it says nothing. */
static const char *expected_digest(const json_t *sidecar, const char *name)
{
    const char *key, *digest = "";
    const json_t *file;
    size_t longest = 0;

    json_object_foreach(json_object_get(sidecar, "files"), key, file)
    {
        _cleanup_free_ char *end = xasprintf(".%s", key);

        if (text_ends_with(name, end) && strlen(end) > longest) {
            longest = strlen(end);
            digest = json_get_text(file, "sha256");
        }
    }
    return digest;
}

static bool take(void *data, const char *bytes, size_t len, struct err **err)
{
    struct download *download = data;

    if (len > download->expected - download->bytes)
        return err_set(err, ERR_AUTHENTIC, "'%s' is larger than the daemon says", download->name);
    hash_update(&download->hash, bytes, len);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(download->temp.fd, bytes + done, len - done);

        if (n < 0 && errno != EINTR)
            return err_set_errno(err, ERR_FAILED, errno, "cannot write '%s'", download->temp.path);
        done += n > 0 ? (size_t)n : 0;
    }
    download->bytes += len;
    event_progress(download->events, PHASE, download->bytes, download->expected, "bytes",
                   download->name);
    return true;
}

static bool verify(struct download *download, const char *digest, struct err **err)
{
    char hex[HASH_HEX_SIZE];

    hash_final(&download->hash, hex);
    if (download->bytes != download->expected)
        return err_set(err, ERR_AUTHENTIC, "'%s' has %llu bytes, not %llu", download->name,
                       (unsigned long long)download->bytes, (unsigned long long)download->expected);
    if (!*digest || strcmp(digest, hex) == 0)
        return true;
    err_set(err, ERR_AUTHENTIC, "'%s' is not what the image's sidecar says: its SHA-256 is %s",
            download->name, hex);
    return err_hint(err, "the daemon's copy is damaged: build it again");
}

static bool get_file(struct client *client, const char *digest, const json_t *file,
                     const char *expected, const char *to, struct events *events, struct err **err)
{
    struct download download = {.temp = TEMP_FILE_INIT,
                                .name = json_get_text(file, "name"),
                                .expected = (uint64_t)json_get_int(file, "bytes"),
                                .events = events};
    _cleanup_(buf_release) struct buf path = BUF_INIT;
    _cleanup_(client_answer_release) struct client_answer answer = CLIENT_ANSWER_INIT;

    buf_addf(&path, "/v1/images/%s/files/", digest);
    client_add_escaped(&path, download.name);
    const struct client_request request = {
        .method = "GET", .path = path.data, .take = take, .data = &download};
    hash_init(&download.hash);
    bool ok = temp_file_open(&download.temp, to, 0644, err) &&
              client_send(client, &request, &answer, err) && verify(&download, expected, err) &&
              temp_file_commit(&download.temp, to, err);
    temp_file_release(&download.temp);
    return ok;
}

static bool get_files(struct client *client, const char *digest, const char *dir,
                      const json_t *image, struct events *events, json_t *paths, struct err **err)
{
    const json_t *file;
    size_t i;

    json_array_foreach(json_object_get(image, "files"), i, file)
    {
        const char *name = json_get_text(file, "name");

        if (!check_name(name, err))
            return false;
        _cleanup_free_ char *to = path_join(dir, name);
        const char *expected = expected_digest(json_object_get(image, "sidecar"), name);

        if (!get_file(client, digest, file, expected, to, events, err))
            return false;
        json_array_append_new(paths, json_string(to));
    }
    return true;
}

bool image_download(struct client *client, const char *digest, const char *dir,
                    struct events *events, json_t *paths, struct err **err)
{
    _cleanup_(buf_release) struct buf path = BUF_INIT;
    json_t *image = NULL;

    if (!hash_is_hex(digest))
        return err_set(err, ERR_FAILED, "the daemon does not say which image was built");
    buf_addf(&path, "/v1/images/%s", digest);
    if (!fs_mkdirs(dir, err) || !client_get(client, path.data, &image, err))
        return false;
    event_phase_begin(events, PHASE, "Downloading");
    bool ok = get_files(client, digest, dir, image, events, paths, err);
    event_phase_end(events, PHASE, ok, NULL);
    json_decref(image);
    return ok;
}
