#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(((struct hash *)0)->state),
               "struct hash is too small for libsodium's state");
_Static_assert(HASH_HEX_SIZE == 2 * crypto_hash_sha256_BYTES + 1, "size of a digest in hex");

/* The plain hash functions need no sodium_init(). */
static crypto_hash_sha256_state *state(struct hash *hash)
{
    return (crypto_hash_sha256_state *)hash->state;
}

void hash_init(struct hash *hash)
{
    crypto_hash_sha256_init(state(hash));
}

void hash_update(struct hash *hash, const void *data, size_t len)
{
    if (len)
        crypto_hash_sha256_update(state(hash), data, len);
}

static void update_length(struct hash *hash, uint64_t len)
{
    unsigned char bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (len >> (8 * i)) & 0xff;
    hash_update(hash, bytes, sizeof(bytes));
}

void hash_field(struct hash *hash, const char *name, const void *data, size_t len)
{
    update_length(hash, strlen(name));
    hash_update(hash, name, strlen(name));
    update_length(hash, len);
    hash_update(hash, data, len);
}

void hash_field_str(struct hash *hash, const char *name, const char *value)
{
    hash_field(hash, name, value, strlen(value));
}

void hash_final(struct hash *hash, char hex[HASH_HEX_SIZE])
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256_final(state(hash), digest);
    sodium_bin2hex(hex, HASH_HEX_SIZE, digest, sizeof(digest));
}

bool hash_is_hex(const char *hex)
{
    return strspn(hex, "0123456789abcdef") == HASH_HEX_SIZE - 1 && !hex[HASH_HEX_SIZE - 1];
}

void hash_bytes(const void *data, size_t len, char hex[HASH_HEX_SIZE])
{
    struct hash hash;

    hash_init(&hash);
    hash_update(&hash, data, len);
    hash_final(&hash, hex);
}

static bool update_from_fd(struct hash *hash, int fd, const char *path, struct err **err)
{
    unsigned char block[64 * 1024];
    ssize_t n;

    while ((n = read(fd, block, sizeof(block))) != 0) {
        if (n > 0)
            hash_update(hash, block, (size_t)n);
        else if (errno != EINTR)
            return err_set_errno(err, ERR_FAILED, errno, "cannot read '%s'", path);
    }
    return true;
}

bool hash_file(const char *path, char hex[HASH_HEX_SIZE], struct err **err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set_errno(err, ERR_FAILED, errno, "cannot open '%s'", path);
    struct hash hash;

    hash_init(&hash);
    bool ok = update_from_fd(&hash, fd, path, err);

    close(fd);
    if (ok)
        hash_final(&hash, hex);
    return ok;
}
