/* Read llmcc.toml and the user's config.toml as llmcc/settings_files.py does, line by line. */
#define _GNU_SOURCE
#include "settings_files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts.h"
#include "upwards.h"

typedef struct {
    const char *key, *variable;
    const char *form; /* number, size or text, or words with | between them */
    bool is_projects;
    bool is_exported;
} Setting;

static Setting settings[] = {LLMCC_SETTINGS};
enum { SETTINGS_COUNT = sizeof settings / sizeof *settings, MOST_BYTES = 1 << 16 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_digits(const char *at) {
    while (is_digit(*at))
        at++;
    return at;
}

static bool is_number(const char *text) {
    const char *at = skip_digits(text);
    if (at == text)
        return false;
    return !*at || (*at == '.' && is_digit(at[1]) && !*skip_digits(at + 1));
}

static bool is_size(const char *text) {
    const char *at = skip_digits(text);
    if (at == text)
        return false;
    at += *at && strchr("KMGTkmgt", *at);
    at += *at == 'I' || *at == 'i';
    at += *at == 'B' || *at == 'b';
    return !*at;
}

static bool is_one_of(const char *text, const char *words) {
    size_t length = strlen(text);
    for (;;) {
        const char *end = strchrnul(words, '|');
        if ((size_t)(end - words) == length && memcmp(words, text, length) == 0)
            return true;
        if (!*end)
            return false;
        words = end + 1;
    }
}

static bool has_form(const char *text, const char *form) {
    if (strcmp(form, "text") == 0)
        return true;
    if (strcmp(form, "number") == 0)
        return is_number(text);
    return strcmp(form, "size") == 0 ? is_size(text) : is_one_of(text, form);
}

static bool is_printable(const char *line) {
    for (; *line; line++)
        if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7f)
            return false;
    return true;
}

static char *skip_blanks(char *at) { return at + strspn(at, " \t"); }

/* Find the value that starts at `at`: `end` is behind it, `rest` behind its closing quote too. */
static bool find_value(char **at, char **end, char **rest) {
    char quote = **at;
    if (quote != '"' && quote != '\'') {
        *end = *rest = *at + strcspn(*at, " \t#");
        return true;
    }
    *end = strchr(++*at, quote);
    if (!*end || (quote == '"' && memchr(*at, '\\', *end - *at)))
        return false;
    *rest = *end + 1;
    return true;
}

/* The text of a value without quotes; NULL when it is none. */
static char *plain_value(char *value) {
    if (strcmp(value, "true") == 0)
        return "1";
    if (strcmp(value, "false") == 0)
        return "0";
    /* TOML has no leading zeros. */
    return is_number(value) && !(value[0] == '0' && is_digit(value[1])) ? value : NULL;
}

static void read_line(char *line, bool is_project) {
    char *key = skip_blanks(line), *end, *rest;
    char *key_end = key + strspn(key, "abcdefghijklmnopqrstuvwxyz_");
    char *equals = skip_blanks(key_end);
    if (!is_printable(line) || key_end == key || *equals != '=')
        return;
    char *value = skip_blanks(equals + 1);
    if (!find_value(&value, &end, &rest))
        return;
    bool is_quoted = rest != end;
    rest = skip_blanks(rest);
    if (*rest && *rest != '#')
        return;
    *key_end = *end = 0;
    if (!is_quoted && !(value = plain_value(value)))
        return;
    for (Setting *setting = settings; setting < settings + SETTINGS_COUNT; setting++)
        if (strcmp(setting->key, key) == 0 && (setting->is_projects || !is_project) &&
            has_form(value, setting->form) && !getenv(setting->variable))
            setting->is_exported = setenv(setting->variable, value, 1) == 0;
}

/* The content counts if it can be trusted. */
static void read_file(const char *path, bool is_project) {
    static char bytes[MOST_BYTES + 1];
    struct stat status;
    /* A fifo must not stop us. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return;
    bool is_read = fstat(file, &status) == 0 && is_trusted(&status) && status.st_size <= MOST_BYTES;
    ssize_t size = is_read ? read(file, bytes, MOST_BYTES) : 0;
    close(file);
    if (size <= 0 || memchr(bytes, 0, size))
        return;
    bytes[size] = 0;
    for (char *line = bytes; line;) {
        char *end = strchr(line, '\n'), *next = end ? end + 1 : NULL;
        if (!end)
            end = line + strlen(line);
        if (end > line && end[-1] == '\r')
            end--;
        *end = 0;
        /* A table: its keys are not ours. */
        if (*skip_blanks(line) == '[')
            break;
        read_line(line, is_project);
        line = next;
    }
}

static void read_user(void) {
    char path[PATH_MAX];
    const char *shared = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int length = shared && *shared
                     ? snprintf(path, sizeof path, "%s/llmcc/config.toml", shared)
                     : snprintf(path, sizeof path, "%s/.config/llmcc/config.toml", home ? home : "");
    if (length < (int)sizeof path && ((shared && *shared) || (home && *home)))
        read_file(path, false);
}

void export_settings_files(void) {
    char path[PATH_MAX];
    if (find_upwards("llmcc.toml", path, sizeof path))
        read_file(path, true);
    read_user();
}

void forget_settings_files(void) {
    for (Setting *setting = settings; setting < settings + SETTINGS_COUNT; setting++)
        if (setting->is_exported)
            unsetenv(setting->variable);
}
