/*
 * The product's modules as files, for a guest that is to import them without their being frozen: in
 * directories for the unix port's program, in the machine's memory for QEMU.
 */
#ifndef FIRN_ECONOMY_GUEST_FILES_H
#define FIRN_ECONOMY_GUEST_FILES_H

#include "economy/guest.h"

/* Native: write the directories. */
bool guest_files_write(struct guest *guest, struct err **err) MUST_CHECK;
/* Native: which one it is; NULL for GUEST_FROZEN. The caller frees. */
char *guest_files_dir(const struct guest *guest, enum guest_modules from);
/* QEMU: make the blob, if there is room for it behind the firmware. */
bool guest_files_place(struct guest *guest, struct err **err) MUST_CHECK;

#endif
