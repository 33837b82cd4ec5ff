// farm.hpp: a real ventilator and a real sink, for the workers of tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sluice/command.hpp>
#include <sluice/sink.hpp>
#include <sluice/ventilator.hpp>
#include <sluice/worker.hpp>

#include "core/chunk.hpp"

namespace sluice::net::test {

inline constexpr auto kLong =
    std::chrono::seconds(20);  // nothing here takes that long unless it is broken

inline std::vector<std::byte> bytes(std::string_view text) {
  const auto view = core::as_bytes(text);
  return {view.begin(), view.end()};
}
inline std::string text_of(std::span<const std::byte> result) {
  return std::string(core::as_text(result));
}

// A sink that remembers, and a ventilator that sends there.
class Farm {
 public:
  Farm() : sink_(SinkOptions{}, [this](const OutcomeView& outcome) { remember(outcome); }) {
    VentilatorOptions options;
    options.sinks = {sink_.endpoint()};
    options.backoff = std::chrono::milliseconds(1);
    ventilator_ = std::make_unique<Ventilator>(options);
  }
  ~Farm() { ventilator_->stop(); }

  [[nodiscard]] WorkerOptions worker_options() const {
    WorkerOptions options;
    options.connect = ventilator_->endpoint();
    options.name = "ann";
    options.slots = 1;
    options.connect_timeout = kLong;
    return options;
  }
  TaskId submit(std::string type, std::string_view payload, std::uint32_t max_attempts = 0) {
    Task task;
    task.type = std::move(type);
    task.payload = bytes(payload);
    task.max_attempts = max_attempts;
    return ventilator_->submit(task);
  }
  TaskId submit(const Command& command, std::uint32_t max_attempts = 0, std::string key = {}) {
    Task task;
    task.type = kCommandType;
    task.payload = command.encode();
    task.max_attempts = max_attempts;
    task.key = std::move(key);
    return ventilator_->submit(task);
  }
  /// The task's outcome; fails the test if it does not come.
  Outcome outcome(const TaskId& id) {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, kLong, [&] { return outcomes_.count(id.seq) == 1; });
    REQUIRE(came);
    return outcomes_.at(id.seq);
  }
  TaskId submit(const Task& task) { return ventilator_->submit(task); }
  Ventilator& ventilator() { return *ventilator_; }

 private:
  void remember(const OutcomeView& outcome) {
    const std::scoped_lock lock(mutex_);
    outcomes_.emplace(outcome.id.seq, Outcome(outcome));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Outcome> outcomes_;
  Sink sink_;
  std::unique_ptr<Ventilator> ventilator_;
};

}  // namespace sluice::net::test
