#include "simulator/board_python.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"

/* One run of a source text. */
struct run {
    bool echo;
    unsigned line;
    struct buf *printed, *raised;
    enum board_request request;
};

/* where: "" or ", in <module>". Always false, so that `return raise_error(...)` ends the run. */
static bool raise_error(struct run *run, const char *where, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool raise_error(struct run *run, const char *where, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    _cleanup_free_ char *exception = xvasprintf(fmt, ap);
    va_end(ap);
    buf_addf(run->raised, "Traceback (most recent call last):\r\n");
    buf_addf(run->raised, "  File \"<stdin>\", line %u%s\r\n%s\r\n", run->line, where, exception);
    return false;
}

static bool syntax_error(struct run *run)
{
    return raise_error(run, "", "SyntaxError: invalid syntax");
}

static bool name_error(struct run *run, const char *name)
{
    return raise_error(run, ", in <module>", "NameError: name '%s' isn't defined", name);
}

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_')
        return false;
    while (isalnum((unsigned char)*text) || *text == '_')
        text++;
    return *text == '\0';
}

/* A string in quotes without escapes, or a decimal number. *value: its text, within `text`. */
static bool is_literal(const char *text, const char **value, size_t *len)
{
    *len = strlen(text);
    *value = text;
    char quote = text[0];
    if (quote == '\'' || quote == '"') {
        *value = text + 1;
        *len -= 2;
        return strlen(text) >= 2 && text[*len + 1] == quote && !memchr(*value, quote, *len) &&
               !memchr(*value, '\\', *len);
    }
    return *len > 0 && strspn(text, "0123456789") == *len;
}

static bool import(struct run *run, const char *name)
{
    static const char *const modules[] = {"machine", "pyb", "sys",         "os", "gc",
                                          "time",    "stm", "micropython", NULL};
    if (!is_name(name))
        return syntax_error(run);
    for (size_t i = 0; modules[i]; i++)
        if (strcmp(name, modules[i]) == 0)
            return true;
    return raise_error(run, ", in <module>", "ImportError: no module named '%s'", name);
}

/* What is between the parentheses of "print(...)"; NULL: it is not that. The caller frees. */
static char *print_argument(const char *text)
{
    size_t len = strlen(text);
    if (!text_starts_with(text, "print(") || text[len - 1] != ')')
        return NULL;
    return xstrndup(text + strlen("print("), len - strlen("print(") - 1);
}

static bool print(struct run *run, const char *argument)
{
    const char *value;
    size_t len;
    if (*argument && !is_literal(argument, &value, &len))
        return is_name(argument) ? name_error(run, argument) : syntax_error(run);
    if (*argument)
        buf_add(run->printed, value, len);
    buf_adds(run->printed, "\r\n");
    return true;
}

/* The first name of an expression that nobody defined: all of them but those above. */
static bool unknown(struct run *run, const char *text)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || text[len] == '_')
        len++;
    _cleanup_free_ char *name = xstrndup(text, len);
    if (!is_name(name) || (text[len] && !strchr(".(", text[len])))
        return syntax_error(run);
    return name_error(run, name);
}

static bool run_statement(struct run *run, const char *text)
{
    static const struct {
        const char *text;
        enum board_request request;
    } calls[] = {
        {"machine.bootloader()", BOARD_TO_BOOTLOADER},
        {"pyb.bootloader()", BOARD_TO_BOOTLOADER},
        {"machine.reset()", BOARD_RESETS},
    };
    const char *value;
    size_t len;
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        if (strcmp(text, calls[i].text) == 0) {
            run->request = calls[i].request;
            return false;
        }
    }
    if (*text == '\0' || *text == '#')
        return true;
    if (text_starts_with(text, "import "))
        return import(run, text + strlen("import "));
    _cleanup_free_ char *argument = print_argument(text);
    if (argument)
        return print(run, argument);
    if (!is_literal(text, &value, &len))
        return unknown(run, text);
    if (run->echo)
        buf_addf(run->printed, "%s\r\n", text);
    return true;
}

/* Without the blanks around it. */
static char *trimmed(const char *text, size_t len)
{
    while (len && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    return xstrndup(text, len);
}

enum board_request board_python_run(const char *source, bool echo, struct buf *printed,
                                    struct buf *raised)
{
    struct run run = {.echo = echo, .line = 1, .printed = printed, .raised = raised};
    bool ok = true;
    while (ok && *source) {
        size_t len = strcspn(source, ";\r\n");
        _cleanup_free_ char *statement = trimmed(source, len);
        ok = run_statement(&run, statement);
        source += len;
        if (*source == '\n' || (*source == '\r' && source[1] != '\n'))
            run.line++;
        if (*source)
            source++;
    }
    return run.request;
}
