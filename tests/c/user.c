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

void fail_task_at_once(sluice_task* task, void* user) {
  (void)user;
  sluice_task_fail_at_once(task, "not ever");
}

void retry_task(sluice_task* task, void* user) {
  (void)user;
  if (sluice_task_attempt(task) == 1)
    sluice_task_retry(task, 1, "once more");
  else
    sluice_task_done(task, "2", 1);
}

void wait_for_cancel(sluice_task* task, void* user) {
  const waiting* told = user;
  const int well = sluice_task_progress(task, "half way") == SLUICE_OK;
  told->reached(told->whom, well && !sluice_task_cancelled(task));
  while (!sluice_task_cancelled(task)) continue;
  sluice_task_fail(task, "stopped");
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

void keep_outcome(const sluice_outcome* outcome, void* user) {
  answered* to = user;
  to->status = sluice_outcome_status(outcome);
  to->attempt = (unsigned)sluice_outcome_attempt(outcome);
  snprintf(to->id, sizeof to->id, "%s", sluice_outcome_id(outcome));
  snprintf(to->error, sizeof to->error, "%s", sluice_outcome_error(outcome));
  snprintf(to->result, sizeof to->result, "%.*s", (int)sluice_outcome_result_size(outcome),
           (const char*)sluice_outcome_result(outcome));
  if (to->ready != NULL) to->ready(to->whom);
}
