/*
 * The text of a YAML document by lines, and the check that it is text at all. For yaml.c.
 */
#ifndef FIRN_BASE_YAML_TEXT_H
#define FIRN_BASE_YAML_TEXT_H

#include "base/yaml.h"

/* Copy file name and text into the document's arena and index the lines. len <= YAML_MAX_BYTES. */
void ydoc_set_text(struct ydoc *doc, const char *file, const char *text, size_t len);
/* Is it UTF-8 without characters that YAML 1.1 (5.1) excludes? libyaml would refuse them, too, but
 * without a line. False: an error was added. */
bool ydoc_check_text(const struct ydoc *doc, struct diags *diags) MUST_CHECK;

#endif
