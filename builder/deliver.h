/*
 * From the finished image, $FIRN_HOME/images/<key>/, to the directory where the user wants it.
 *
 * All of an image's files there are of one build, whenever one looks and whatever stops the
 * copying: they are written aside first, in <output>/.firn-new/. Then the old ones go, the image
 * itself first and its sidecar last, and the new ones come, the sidecar first and the image last. A
 * process that is killed between leaves less than all files, and never an image with another's
 * sidecar. Files that are the same already are left alone: their time says when they changed.
 */
#ifndef FIRN_BUILDER_DELIVER_H
#define FIRN_BUILDER_DELIVER_H

#include "base/err.h"

/* name: "<product>-<version>", of every file but for its suffix. Others that deliver to the same
 * directory wait for each other (a lock on the directory itself). */
bool deliver(const char *image_dir, const char *name, const char *output_dir,
             struct err **err) MUST_CHECK;

#endif
