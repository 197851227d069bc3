/*
 * Files for a board whose program asks for them on its terminal (economy/probe_host.py).
 *
 *     "\n<mark>? stat <path>\n"            is answered "0" (not there), "1" (a file) or "2" (a
 * directory)
 *     "\n<mark>? <offset> <size> <path>\n" by two hexadecimal digits, how many bytes follow, and
 * the bytes, two digits each; "00" at the end of the file
 *
 * The board is not trusted: it gets what lies below `dir` as files of the product's, and nothing
 * else of this machine.
 */
#ifndef FIRN_ECONOMY_FILE_SERVER_H
#define FIRN_ECONOMY_FILE_SERVER_H

#include "base/buf.h"

struct file_server {
    const char *dir, *mark; /* borrowed */
    char *path;             /* of the file that was asked for last, and its bytes */
    struct buf bytes;
};
#define FILE_SERVER_INIT(files, word)                                                              \
    {                                                                                              \
        .dir = (files), .mark = (word), .bytes = BUF_INIT                                          \
    }
void file_server_release(struct file_server *server);

/* A raw_repl_answer_fn; data is a struct file_server. */
void file_server_answer(void *data, struct buf *text, struct buf *reply);

#endif
