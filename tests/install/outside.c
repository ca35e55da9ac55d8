/* outside.c - a program of somebody else's, built against the installed library by pkg-config. */
#include <stdio.h>
#include <tern/tern.h>

int main(void)
{
  printf("tern %s\n", tern_version());
  return 0;
}
