/*
 * What a build needs, looked at one by one: what is there, what is missing and the command that
 * gets it. Nothing is fetched, installed or changed.
 *
 *     _cleanup_(doctor_release) struct doctor doctor = DOCTOR_INIT;
 *     doctor_look(&doctor, &config);
 *     doctor_look_at_manifest(&doctor, &config, "greeter.yaml", &diags);
 *     if (doctor_is_well(&doctor)) ...
 */
#ifndef FIRN_BUILDER_DOCTOR_H
#define FIRN_BUILDER_DOCTOR_H

#include "builder/config.h"

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_OPTIONAL, /* not there; a build that was asked about does without */
    DOCTOR_MISSING,  /* not there, or not good, and needed */
};

struct doctor_check {
    char *name;   /* "make", "toolchain arm-none-eabi", "greeter.yaml: sources" */
    char *detail; /* what is there, or what is wrong */
    char *advice; /* the next step, or NULL */
    enum doctor_state state;
};

struct doctor {
    struct doctor_check *checks; /* in the order in which they were made */
    size_t count;
};
#define DOCTOR_INIT                                                                                \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* The machine: programs, the sandbox, $FIRN_HOME, config.yaml, every toolchain that is defined. */
void doctor_look(struct doctor *doctor, const struct config *config);
/* What a build of this manifest needs besides: its toolchain, which then has to be here, and its
 * sources, which need not. Errors of the manifest go to diags and count as missing. */
void doctor_look_at_manifest(struct doctor *doctor, const struct config *config, const char *path,
                             struct diags *diags);
/* Is nothing missing that is needed? */
bool doctor_is_well(const struct doctor *doctor);
const char *doctor_state_name(enum doctor_state state); /* "ok", "optional", "missing" */
void doctor_release(struct doctor *doctor);

#endif
