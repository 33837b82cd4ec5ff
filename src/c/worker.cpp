// worker.cpp: a Worker behind functions of C.
// SPDX-License-Identifier: MIT
#include <sluice/worker.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "c/guard.hpp"

using sluice::c::guarded;
using sluice::c::not_null;

struct sluice_worker {
  explicit sluice_worker(sluice::WorkerOptions options) : worker(std::move(options)) {}
  sluice::Worker worker;
};

struct sluice_task {
  const sluice::TaskView& view;
  std::string id, type, key;  // as texts that end with NUL
  enum class Answer { none, done, failed, failed_at_once, retry } answer = Answer::none;
  std::vector<std::byte> result{};
  std::string why{};
  std::chrono::milliseconds after{0};
};

namespace {

using Answer = sluice_task::Answer;

std::vector<std::byte> run(sluice_handler handler, void* user, const sluice::TaskView& view) {
  sluice_task task{view, view.id.str(), std::string(view.type), std::string(view.key)};
  handler(&task, user);
  switch (task.answer) {
    case Answer::done:
      return std::move(task.result);
    case Answer::failed:
      throw std::runtime_error(task.why);
    case Answer::failed_at_once:
      throw sluice::Fail(task.why);
    case Answer::retry:
      throw sluice::Retry(task.after, task.why);
    case Answer::none:
      break;
  }
  throw std::runtime_error("the handler did not answer");
}

void require_unanswered(const sluice_task& task) {
  if (task.answer != Answer::none) throw sluice::Error("task " + task.id + " was answered before");
}

int answer(sluice_task* task, Answer kind, const char* why) {
  require_unanswered(not_null(task, "the task"));
  task->why = sluice::c::text(why);
  task->answer = kind;
  return SLUICE_OK;
}

}  // namespace

extern "C" {

sluice_worker* sluice_worker_new(const char* where, uint32_t slots,
                                 const sluice_worker_options* options) {
  return sluice::c::made<sluice_worker>([&] {
    const sluice_worker_options given = sluice::c::options_of(options);
    sluice::WorkerOptions made;
    made.connect = sluice::c::place(where).endpoint;
    made.slots = slots;
    made.name = sluice::c::text(given.name);
    made.prefetch = given.prefetch;
    made.connect_timeout = std::chrono::milliseconds(given.connect_timeout_ms);
    made.end_with_ventilator = given.stay == 0;
    return std::make_unique<sluice_worker>(std::move(made)).release();
  });
}

int sluice_worker_on(sluice_worker* worker, const char* type, sluice_handler handler, void* user) {
  return guarded([&] {
    if (handler == nullptr) throw sluice::Error("the handler is NULL");
    not_null(worker, "the worker")
        .worker.on(sluice::c::text(type), [handler, user](const sluice::TaskView& view) {
          return run(handler, user, view);
        });
    return SLUICE_OK;
  });
}

int sluice_worker_start(sluice_worker* worker) {
  return guarded([&] {
    not_null(worker, "the worker").worker.start();
    return SLUICE_OK;
  });
}

int sluice_worker_wait(sluice_worker* worker, int64_t timeout_ms) {
  return guarded([&] {
    sluice::Worker& waited = not_null(worker, "the worker").worker;
    return sluice::c::wait_for(timeout_ms, [&](auto slice) { return waited.wait_ended(slice); });
  });
}

int sluice_worker_run(sluice_worker* worker) {
  const int started = sluice_worker_start(worker);
  return started == SLUICE_OK ? sluice_worker_wait(worker, -1) : started;
}

int sluice_worker_drain(sluice_worker* worker, int64_t deadline_ms) {
  return guarded([&] {
    not_null(worker, "the worker").worker.drain(sluice::c::milliseconds(deadline_ms, "a deadline"));
    return SLUICE_OK;
  });
}

int sluice_worker_stop(sluice_worker* worker) {
  return guarded([&] {
    not_null(worker, "the worker").worker.stop();
    return SLUICE_OK;
  });
}

void sluice_worker_free(sluice_worker* worker) { delete worker; }

const char* sluice_task_id(const sluice_task* task) { return task->id.c_str(); }
const char* sluice_task_type(const sluice_task* task) { return task->type.c_str(); }
const char* sluice_task_key(const sluice_task* task) { return task->key.c_str(); }
const void* sluice_task_payload(const sluice_task* task) {
  return task->view.payload.empty() ? static_cast<const void*>("") : task->view.payload.data();
}
size_t sluice_task_payload_size(const sluice_task* task) { return task->view.payload.size(); }
uint32_t sluice_task_attempt(const sluice_task* task) { return task->view.attempt; }
int sluice_task_is_last_attempt(const sluice_task* task) { return task->view.last_attempt ? 1 : 0; }
uint32_t sluice_task_slot(const sluice_task* task) { return task->view.slot; }
int64_t sluice_task_timeout_ms(const sluice_task* task) { return task->view.timeout.count(); }

int sluice_task_cancelled(const sluice_task* task) { return task->view.cancelled() ? 1 : 0; }

int sluice_task_progress(const sluice_task* task, const char* text) {
  return guarded([&] {
    not_null(task, "the task").view.progress(sluice::c::text(text));
    return SLUICE_OK;
  });
}

int sluice_task_done(sluice_task* task, const void* result, size_t size) {
  return guarded([&] {
    require_unanswered(not_null(task, "the task"));
    if (result == nullptr && size != 0) throw sluice::Error("the result is NULL");
    const auto* const bytes = static_cast<const std::byte*>(result);
    if (size != 0) task->result.assign(bytes, bytes + size);
    task->answer = Answer::done;
    return SLUICE_OK;
  });
}

int sluice_task_fail(sluice_task* task, const char* why) {
  return guarded([&] { return answer(task, Answer::failed, why); });
}

int sluice_task_fail_at_once(sluice_task* task, const char* why) {
  return guarded([&] { return answer(task, Answer::failed_at_once, why); });
}

int sluice_task_retry(sluice_task* task, int64_t after_ms, const char* why) {
  return guarded([&] {
    if (after_ms == 0) throw sluice::Error("a retry after 0 ms: it takes 1 ms at least");
    const auto after = sluice::c::milliseconds(after_ms, "a retry");
    const int code = answer(task, Answer::retry, why);
    task->after = after;
    return code;
  });
}

}  // extern "C"
