/*
 * What a makefile's recipes do for the next make in the same directory: nobody runs one in a
 * directory of ours, which is made once and then taken apart. MicroPython's rule for an object
 * starts eight processes besides the compiler, three of them shells for a comment each.
 *
 * The makefile itself is not touched: its recipes (`define NAME` ... `endef`) are given to make a
 * second time without those lines, with `override`, which wins over the makefile's own.
 */
#ifndef FIRN_BUILDER_MAKE_RULES_H
#define FIRN_BUILDER_MAKE_RULES_H

#include "builder/interpreter.h"

/* For struct make_job's rules: makefile text, the caller frees; NULL when nothing can be left out.
 * source_dir is the checkout; a rules_file that is not there, or a link out of it, is nothing to
 * leave lines out of. */
char *make_rules(const struct interpreter *interpreter, const char *source_dir);
/* The same of a makefile's text. left_out: NULL-ended. */
char *make_rules_of(const char *makefile, const char *const *left_out);

#endif
