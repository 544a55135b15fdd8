/* Linked into a program whose fast paths count their runs: writes the counters when it ends. */
#include <fcntl.h>
#include <unistd.h>

unsigned long llmcc_ran[512];

__attribute__((destructor)) static void tell(void) {
    int file = open("llmcc-ran", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(file, llmcc_ran, sizeof llmcc_ran) == sizeof llmcc_ran)
        close(file);
}
