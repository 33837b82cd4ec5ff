// outcome.cpp: names of tasks and statuses, and outcomes that own their bytes.
// SPDX-License-Identifier: MIT
#include <sluice/outcome.hpp>

#include "core/ids.hpp"

namespace sluice {

std::string TaskId::str() const { return core::display_id(log, core::Seq{seq}); }

std::string_view to_string(Status status) {
  switch (status) {
    case Status::done: return "done";
    case Status::failed: return "failed";
    case Status::expired: return "expired";
    case Status::cancelled: return "cancelled";
    case Status::refused: return "refused";
    case Status::unknown: break;
  }
  return "unknown";
}

void require_done(const TaskId& id, Status status, std::string_view error) {
  if (status == Status::done) return;
  const std::string task = id.seq == 0 ? "a task" : "task " + id.str();
  throw Error(task + " has no result, it is " + std::string(to_string(status)) +
              (error.empty() ? "" : ": " + std::string(error)));
}

Outcome::Outcome(const OutcomeView& view)
    : id(view.id),
      status(view.status),
      attempt(view.attempt),
      key(view.key),
      type(view.type),
      worker(view.worker),
      error(view.error),
      result(view.result.begin(), view.result.end()),
      result_is_task(view.result_is_task),
      started(view.started),
      run(view.run) {}

}  // namespace sluice
