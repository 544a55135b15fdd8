/* The user's settings as launcher and shims read them. */
#ifndef LLMCC_SETTINGS_H
#define LLMCC_SETTINGS_H

#include <stdbool.h>

/* Like the shell: is the switch set to something other than 0, false, no, off? */
bool is_switched_on(const char *variable);
/* Is plain gcc asked for? */
bool is_off(void);
/* Has the user named tests to run after a link? */
bool has_tests(void);
/* The variables that the key of a unit covers. */
enum { KEY_SETTINGS_COUNT = 8 };
extern const char *const KEY_SETTINGS[KEY_SETTINGS_COUNT];
/* The log, opened for appending; /dev/null when it cannot be written, -1 when not even that. */
int open_log(const char *cache);

#endif
