// user.h: what a program in C99 does with sluice.h, for tests that drive it.
// SPDX-License-Identifier: MIT
#ifndef SLUICE_TESTS_C_USER_H
#define SLUICE_TESTS_C_USER_H

#include <sluice/sluice.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Handlers: answers with all it was told, as text; with its payload; with a failure; not at all;
/// twice, where `user` (an int) gets what the second answer returned.
void describe_task(sluice_task* task, void* user);
void echo_task(sluice_task* task, void* user);
void fail_task(sluice_task* task, void* user);
void fail_task_at_once(sluice_task* task, void* user);
/// The first attempt asks for another one after 1 ms, the second is done.
void retry_task(sluice_task* task, void* user);
/// Says "half way", calls `reached` of `user` (a waiting) with whether that went well, and fails
/// once it is cancelled.
typedef struct waiting {
  void (*reached)(void* whom, int well);
  void* whom;
} waiting;
void wait_for_cancel(sluice_task* task, void* user);
void ignore_task(sluice_task* task, void* user);
void answer_twice(sluice_task* task, void* user);

/// Counts answers by their kind in `user`, an int[4].
void count_answer(uint64_t ticket, sluice_answer answer, const char* id, const char* why,
                  void* user);

/// What came of a task, copied. An outcome's callback writes it to `user`, then calls `ready`.
typedef struct answered {
  sluice_status status;
  unsigned attempt;
  char id[64], error[512], result[512];
  void (*ready)(void* whom);
  void* whom;
} answered;
void keep_outcome(const sluice_outcome* outcome, void* user);

#ifdef __cplusplus
}
#endif

#endif
