// worker.c: a worker in C; its tasks of type "square" bring a double.
// SPDX-License-Identifier: MIT
#include <sluice/sluice.h>

#include <stdio.h>
#include <string.h>

static void square(sluice_task* task, void* user) {
  double x;
  (void)user;
  if (sluice_task_payload_size(task) != sizeof x) {
    sluice_task_fail(task, "the payload is not a double");
    return;
  }
  memcpy(&x, sluice_task_payload(task), sizeof x);
  x *= x;
  sluice_task_done(task, &x, sizeof x);
}

int main(int argc, char** argv) {
  // An endpoint, an access file, or what SLUICE_ACCESS names; four tasks at once.
  sluice_worker* worker = sluice_worker_new(argc > 1 ? argv[1] : NULL, 4, NULL);
  int code = worker == NULL ? SLUICE_ERROR : sluice_worker_on(worker, "square", square, NULL);
  if (code == SLUICE_OK) code = sluice_worker_run(worker);  // until the ventilator ends
  if (code != SLUICE_OK) fprintf(stderr, "worker: %s\n", sluice_last_error());
  sluice_worker_free(worker);
  return code == SLUICE_OK ? 0 : 1;
}
