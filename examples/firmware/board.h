/* board.h - what the program needs of a board: a millisecond clock, one UART, a way to say how
 * it went. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since the start, from SysTick; never goes back. */
uint64_t board_ms(void);
/* Takes up to cap octets that have come; 0: none. Does not wait. */
size_t board_read(uint8_t *octets, size_t cap);
/* Hands over up to len octets, as many as there is room for. Does not wait. */
size_t board_write(const uint8_t *octets, size_t len);

/* The deepest that the stack has been, in octets. */
uint32_t board_stack(void);
/* To the debugger or emulator: "name=value". */
void board_say(const char *name, int32_t value);
/* The number behind "name=" on the emulator's command line, or otherwise. */
uint32_t board_option(const char *name, uint32_t otherwise);

#endif
