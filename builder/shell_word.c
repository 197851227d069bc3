#include "builder/shell_word.h"

void shell_add_word(struct buf *script, const char *word)
{
    buf_addc(script, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buf_adds(script, "'\\''");
        else
            buf_addc(script, *word);
    }
    buf_addc(script, '\'');
}
