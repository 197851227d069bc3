/*
 * firn build --twice: the same build once more, with everything varied that must not matter, and
 * the files of both compared.
 */
#ifndef FIRN_CLI_BUILD_AGAIN_H
#define FIRN_CLI_BUILD_AGAIN_H

#include "builder/build.h"

/* Varied are: FIRN_HOME and with it every path outside the sandbox, the checkout, mpy-cross, base
 * and ccache (all made anew; only the mirrors are shared), -j, the time, umask, locale, time zone,
 * user's name and home. ERR_AUTHENTIC names the first file that differs and where, and what
 * diffoscope says where it is installed; both results are kept then. */
bool build_again(const char *manifest, const struct config *config,
                 const struct build_options *options, const struct build_result *first,
                 struct events *events, struct err **err) MUST_CHECK;

#endif
