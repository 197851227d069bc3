#include "py/runtime.h"

static mp_obj_t filter_step(mp_obj_t x)
{
    return mp_obj_new_int(mp_obj_get_int(x) + FILTER_GAIN);
}
static MP_DEFINE_CONST_FUN_OBJ_1(filter_step_obj, filter_step);

static const mp_rom_map_elem_t filter_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_filter)},
    {MP_ROM_QSTR(MP_QSTR_step), MP_ROM_PTR(&filter_step_obj)},
};
static MP_DEFINE_CONST_DICT(filter_globals, filter_globals_table);
const mp_obj_module_t filter_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&filter_globals,
};
MP_REGISTER_MODULE(MP_QSTR_filter, filter_module);
