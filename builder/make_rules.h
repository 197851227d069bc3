/*
 * What a makefile's recipes do for the next make in the same directory: nobody runs one in a
 * directory of ours, which is made once and then taken apart. MicroPython's rule for an object
 * starts eight processes besides the compiler, three of them shells for a comment each.
 *
 * The makefile itself is not touched: its recipes (`define NAME` ... `endef`) are given to make a
 * second time without those lines, with `override`, which wins over the makefile's own. It would
 * win over another makefile's, too: not to be used with makefiles of a product.
 */
#ifndef FIRN_BUILDER_MAKE_RULES_H
#define FIRN_BUILDER_MAKE_RULES_H

#include "builder/interpreter.h"

/* For struct make_job's rules: makefile text, the caller frees; NULL when nothing can be left out.
 * source_dir is the checkout, make_dir the directory in it where make runs: what its Makefile
 * defines itself stays its own. Nothing is read through a link out of the checkout. */
char *make_rules(const struct interpreter *interpreter, const char *source_dir,
                 const char *make_dir);
/* The same of a makefile's text and of the text that includes it. left_out: NULL-ended. */
char *make_rules_of(const char *makefile, const char *includer, const char *const *left_out);

#endif
