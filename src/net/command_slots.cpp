// command_slots.cpp: a free slot takes the oldest job and gives it its environment.
// SPDX-License-Identifier: MIT
#include "net/command_slots.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <sluice/command.hpp>

namespace sluice::net {

CommandSlots::CommandSlots(exec::CommandRunner& runner, std::uint32_t slots) : runner_(runner) {
  for (std::uint32_t slot = slots; slot > 0; --slot) free_slots_.push_back(slot);
}

void CommandSlots::start_queued(core::Time now) {
  while (!queue_.empty() && !free_slots_.empty() && now <= start_until_ && runner_.alive()) {
    const Job job = queue_.front();
    queue_.pop_front();
    ++claimed_;
    if (now >= job.expires) {
      expired_.push_back(job.handle);
      continue;
    }
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    slot_of_[core::raw(job.handle)] = slot;
    const std::array<std::pair<std::string, std::string>, 5> environment = {{
        {"SLUICE_TASK_ID", core::display_id(job.log, job.seq)},
        {"SLUICE_TASK_TYPE", kCommandType},
        {"SLUICE_ATTEMPT", std::to_string(job.attempt)},
        {"SLUICE_SLOT", std::to_string(slot)},
        {"SLUICE_KEY", std::string(job.key)},
    }};
    runner_.run(core::raw(job.handle), job.payload, environment,
                std::chrono::milliseconds(static_cast<std::int64_t>(job.exec_ms)));
  }
  runner_.flush();
}

void CommandSlots::retract(std::size_t count, std::vector<core::TaskHandle>& out) {
  for (; count > 0 && !queue_.empty(); --count) {
    out.push_back(queue_.front().handle);
    queue_.pop_front();
  }
}

void CommandSlots::cancel(core::TaskHandle handle) {
  if (slot_of_.count(core::raw(handle)) == 0) return;
  runner_.cancel(core::raw(handle));
  runner_.flush();
}

bool CommandSlots::collect(CommandReport& report) {
  report = CommandReport{};
  if (!expired_.empty()) {
    report.handle = expired_.front();
    report.expired = true;
    expired_.pop_front();
    return true;
  }
  if (!runner_.receive(report.finished)) return false;
  report.handle = static_cast<core::TaskHandle>(report.finished.token);
  const auto at = slot_of_.find(report.finished.token);
  if (at != slot_of_.end()) {
    const auto place = std::lower_bound(free_slots_.begin(), free_slots_.end(), at->second,
                                        [](std::uint32_t a, std::uint32_t b) { return a > b; });
    free_slots_.insert(place, at->second);
    slot_of_.erase(at);
  }
  return true;
}

std::vector<core::TaskHandle> CommandSlots::lost() {
  std::vector<core::TaskHandle> out;
  if (runner_.alive()) return out;
  for (const auto& [token, slot] : slot_of_) out.push_back(static_cast<core::TaskHandle>(token));
  slot_of_.clear();
  return out;
}

}  // namespace sluice::net
