/*
 * A manifest's budget, held against what was measured.
 *
 * Each limit becomes an entry of a list: {"budget": "flash", "module": "acme.drv" or absent,
 * "limit": N, "actual": N or null, "ok": bool, "culprits": [{"name", "amount"}]}. One that is not
 * kept is, besides, an error of its manifest's line with ERR_BUDGET: by how much, because of what,
 * and what would help.
 */
#ifndef FIRN_ECONOMY_BUDGET_H
#define FIRN_ECONOMY_BUDGET_H

#include "builder/build.h"

/* What the image says: flash. history: size_history_load()'s, for what grew. */
void budget_check_size(const struct build_result *product, const json_t *history, json_t *list,
                       struct diags *diags);
/* What the check says (check_product()'s report): all others. */
void budget_check_imports(const struct build_result *product, const json_t *report, json_t *list,
                          struct diags *diags);

#endif
