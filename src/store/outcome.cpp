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
  }
  return "unknown";
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
