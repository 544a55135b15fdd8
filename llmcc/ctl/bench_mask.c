/* Linked behind llmcc's objects: makes the library believe that this CPU has none of the features
 * its fast paths ask for. Their CPU bytes lie in a section of their own.
 */
extern unsigned char first[] __asm__("__start_llmcc_cpu") __attribute__((weak, visibility("hidden")));
extern unsigned char last[] __asm__("__stop_llmcc_cpu") __attribute__((weak, visibility("hidden")));

/* Constructors run in the order of the objects: the ones that set the bytes have run before. */
__attribute__((constructor)) static void mask(void)
{
    for (unsigned char *byte = first; byte != last; byte++)
        *byte = 0;
}

int masked_units(void)
{
    return (int)(last - first);
}
