// main.c: a program in C outside the project.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.h>

#include <stdio.h>
#include <string.h>

int main(void) {
  if (sluice_worker_new("/no/such.access", 1, NULL) != NULL) return 1;
  if (strstr(sluice_last_error(), "/no/such.access") == NULL) return 1;
  puts("ok");
  return 0;
}
