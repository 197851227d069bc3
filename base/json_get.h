/*
 * Members of a JSON object that may not be there, or may be of another type: then there is nothing.
 */
#ifndef FIRN_BASE_JSON_GET_H
#define FIRN_BASE_JSON_GET_H

#include <jansson.h>

/* "" where there is no such string; borrowed. */
static inline const char *json_get_text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

/* 0 where there is no such integer. */
static inline json_int_t json_get_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

#endif
