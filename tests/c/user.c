// user.c: handlers and callbacks in C99, compiled as strictly as C allows.
// SPDX-License-Identifier: MIT
#include "c/user.h"

#include <stdio.h>
#include <string.h>

void describe_task(sluice_task* task, void* user) {
  char text[512];
  const int length =
      snprintf(text, sizeof text, "%s|%s|%s|%u|%d|%u|%ld|%.*s|%s", sluice_task_id(task),
               sluice_task_type(task), sluice_task_key(task), (unsigned)sluice_task_attempt(task),
               sluice_task_is_last_attempt(task), (unsigned)sluice_task_slot(task),
               (long)sluice_task_timeout_ms(task), (int)sluice_task_payload_size(task),
               (const char*)sluice_task_payload(task), (const char*)user);
  sluice_task_done(task, text, (size_t)length);
}

void echo_task(sluice_task* task, void* user) {
  (void)user;
  sluice_task_done(task, sluice_task_payload(task), sluice_task_payload_size(task));
}

void fail_task(sluice_task* task, void* user) {
  (void)user;
  sluice_task_fail(task, "not today");
}

void ignore_task(sluice_task* task, void* user) {
  (void)task;
  (void)user;
}

void answer_twice(sluice_task* task, void* user) {
  int* second = user;
  sluice_task_done(task, NULL, 0);
  *second = sluice_task_fail(task, "too late");
  if (strstr(sluice_last_error(), "answered before") == NULL) *second = 99;
}

void count_answer(uint64_t ticket, sluice_answer answer, const char* id, const char* why,
                  void* user) {
  int* counts = user;
  const int has_id = id[0] != '\0';
  const int should_have_id = answer == SLUICE_TAKEN || answer == SLUICE_DUPLICATE;
  if (ticket > 0 && why != NULL && (has_id || !should_have_id)) ++counts[answer];
}
