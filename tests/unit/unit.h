/* What every unit test includes: cmocka with its prerequisites, and a few checks of ours. */
#ifndef FIRN_TESTS_UNIT_UNIT_H
#define FIRN_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first */
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

/* Fails, showing the text, unless it contains the part. */
static inline void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' not in: %s", part, text);
}

/* The error is there, has the code and its formatted text contains the part; frees it. */
static inline void assert_error(struct err **err, enum err_code code, const char *part)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    assert_non_null(*err);
    err_format(*err, &text);
    assert_contains(text.data, part);
    assert_int_equal((*err)->code, code);
    err_free(*err);
    *err = NULL;
}

/* Succeeded: shows the error's text if it did not. */
static inline void assert_ok(bool ok, struct err **err)
{
    _cleanup_(buf_release) struct buf text = BUF_INIT;

    if (*err)
        err_format(*err, &text);
    if (!ok || *err)
        fail_msg("%s", text.data);
}

#endif
