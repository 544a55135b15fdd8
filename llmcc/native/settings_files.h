/* Settings files, handed on as environment variables: llmcc/settings_files.py says which there are. */
#ifndef LLMCC_SETTINGS_FILES_H
#define LLMCC_SETTINGS_FILES_H

/* Set each LLMCC_* variable that a file sets and the environment does not: the project's file first,
   then the user's. What is not understood does not count. */
void export_settings_files(void);
/* Take away what export_settings_files() has set. */
void forget_settings_files(void);

#endif
