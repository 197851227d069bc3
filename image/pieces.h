/*
 * What a file reader finds before it becomes an image: pieces in the file's order, which may be
 * any.
 *
 * Joining them one by one as they come would copy the image once for each piece of a file that goes
 * downwards; sorted first, every byte is copied twice, whoever made the file. The bytes stay the
 * reader's until pieces_move() has copied them.
 *
 *     _cleanup_(pieces_release) struct pieces pieces = PIECES_INIT;
 *     if (!pieces_add(&pieces, 0, address, data, size, err)) ...
 *     return pieces_move(&pieces, image, err);
 */
#ifndef FIRN_IMAGE_PIECES_H
#define FIRN_IMAGE_PIECES_H

#include "image/image.h"

#define PIECES_MAX 65536

struct piece {
    uint8_t alt;
    uint32_t address;
    const uint8_t *data; /* borrowed */
    size_t size;
};

struct pieces {
    struct piece *items;
    size_t count, size;
    size_t bytes; /* of all pieces */
};
#define PIECES_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0, 0                                                                              \
    }

/* Joins the piece with the one before it if it continues both its addresses and its bytes. Fails
 * beyond PIECES_MAX and IMAGE_MAX_BYTES. */
bool pieces_add(struct pieces *pieces, uint8_t alt, uint32_t address, const uint8_t *data,
                size_t size, struct err **err) MUST_CHECK;
/* Copy everything into the image in the order of addresses, as image_add() does; then the list is
 * empty. Fails as image_add() does. */
bool pieces_move(struct pieces *pieces, struct image *image, struct err **err) MUST_CHECK;
void pieces_release(struct pieces *pieces);

#endif
