/* board.c - start-up, clock and UART of two boards that qemu emulates: lm3s6965evb (Cortex-M3,
 * 256 KiB of flash, 64 KiB of RAM; -DBOARD_LM3S) and mps2-an385 (Cortex-M3). No C start files;
 * main's result becomes the emulator's exit status, by semihosting. On a part of your own this
 * is the file to replace. */
#include "board.h"

#include <string.h>

extern uint32_t _sidata, _sdata, _edata, _sbss, _ebss, _estack, _stack_bottom;
int main(void);

#define PAINT 0xa5a5a5a5u
#define REG(address) (*(volatile uint32_t *)(address))

/* ---- semihosting ----------------------------------------------------------------------------- */
static uint32_t semi(uint32_t op, void *arg)
{
  register uint32_t r0 __asm__("r0") = op;
  register void *r1 __asm__("r1") = arg;

  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

__attribute__((noreturn)) static void leave(int code)
{
  uint32_t block[2] = {0x20026u /* the application ended */, (uint32_t)code};

  for (;;) semi(0x20, block);
}

void board_say(const char *name, int32_t value)
{
  char line[48], digits[12];
  uint32_t v = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
  size_t n = 0, d = 0;

  while (*name != '\0' && n < 30) line[n++] = *name++;
  line[n++] = '=';
  if (value < 0) line[n++] = '-';
  do digits[d++] = (char)('0' + v % 10);
  while ((v /= 10) != 0);
  while (d > 0) line[n++] = digits[--d];
  line[n++] = '\n';
  line[n] = '\0';
  semi(0x04, line);
}

uint32_t board_option(const char *name, uint32_t otherwise)
{
  static char line[128];
  struct {
    char *text;
    uint32_t size;
  } block = {line, sizeof line};
  size_t n = strlen(name);
  const char *p = line;
  uint32_t value = 0;

  if (semi(0x15, &block) != 0) return otherwise;
  while (*p != '\0' && !(strncmp(p, name, n) == 0 && p[n] == '=')) p++;
  if (*p == '\0') return otherwise;
  for (p += n + 1; *p >= '0' && *p <= '9'; p++) value = value * 10 + (uint32_t)(*p - '0');
  return value;
}

/* ---- the clock ------------------------------------------------------------------------------- */
#ifdef BOARD_LM3S
#define CORE_HZ 12500000u
#else
#define CORE_HZ 25000000u
#endif

static volatile uint32_t ticks;
static uint32_t seen, wraps; /* of board_ms, which runs outside the handler */

static void systick(void)
{
  ticks++;
}

uint64_t board_ms(void)
{
  uint32_t now = ticks;

  if (now < seen) wraps++;
  seen = now;
  return (uint64_t)wraps << 32 | now;
}

/* ---- the UART, polled ------------------------------------------------------------------------ */
#ifdef BOARD_LM3S /* a PL011 */
#define UART 0x4000c000u
static void uart_start(void)
{
  REG(UART + 0x2c) = 0x70;  /* eight bits, queues on (which empties them) */
  REG(UART + 0x30) = 0x301; /* on, both ways */
}
#define RX_READY (!(REG(UART + 0x18) & 0x10u))
#define TX_READY (!(REG(UART + 0x18) & 0x20u))
#else /* a CMSDK APB UART */
#define UART 0x40004000u
static void uart_start(void)
{
  REG(UART + 0x10) = 16; /* the divider */
  REG(UART + 0x08) = 3;  /* on, both ways */
}
#define RX_READY (REG(UART + 4) & 2u)
#define TX_READY (!(REG(UART + 4) & 1u))
#endif

size_t board_read(uint8_t *octets, size_t cap)
{
  size_t n = 0;

  while (n < cap && RX_READY) octets[n++] = (uint8_t)REG(UART);
  return n;
}

size_t board_write(const uint8_t *octets, size_t len)
{
  size_t n = 0;

  while (n < len && TX_READY) REG(UART) = octets[n++];
  return n;
}

/* ---- start-up -------------------------------------------------------------------------------- */
uint32_t board_stack(void)
{
  const uint32_t *p = &_stack_bottom;

  while (p < &_estack && *p == PAINT) p++;
  return (uint32_t)((uintptr_t)&_estack - (uintptr_t)p);
}

__attribute__((used)) static void start(void)
{
  uint32_t *from = &_sidata, *to;
  uint32_t *top = (uint32_t *)__builtin_frame_address(0) - 16;

  for (to = &_sdata; to < &_edata;) *to++ = *from++;
  for (to = &_sbss; to < &_ebss;) *to++ = 0;
  for (to = &_stack_bottom; to < top;) *to++ = PAINT;
  REG(0xe000e014u) = CORE_HZ / 1000 - 1; /* SysTick: reload, value, control */
  REG(0xe000e018u) = 0;
  REG(0xe000e010u) = 7;
  uart_start();
  leave(main());
}

__attribute__((naked)) void reset(void)
{
  __asm__("bl start\n b .");
}

static void fault(void)
{
  board_say("fault", 1);
  leave(99);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
  &_estack,      (void *)reset, (void *)fault, (void *)fault,
  (void *)fault, (void *)fault, (void *)fault, NULL,
  NULL,          NULL,          NULL,          NULL,
  NULL,          NULL,          NULL,          (void *)systick,
};

/* The C library's are made for speed, at 800 octets of flash. */
int strcmp(const char *a, const char *b)
{
  while (*a == *b && *a != '\0') a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}

char *strchr(const char *text, int c)
{
  while (*text != (char)c)
    if (*text++ == '\0') return NULL;
  return (char *)(uintptr_t)text;
}

void *memchr(const void *octets, int c, size_t len)
{
  const unsigned char *p = octets;

  for (; len != 0; len--, p++)
    if (*p == (unsigned char)c) return (void *)(uintptr_t)p;
  return NULL;
}

__attribute__((noreturn)) void exit(int code) /* a C library function may refer to it */
{
  leave(code);
}
