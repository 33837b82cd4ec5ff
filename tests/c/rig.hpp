// rig.hpp: a ventilator and a sink for workers and clients in C.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <sluice/sluice.h>
#include <sluice/sink.hpp>
#include <sluice/ventilator.hpp>

#include "c/user.h"

struct Free {
  void operator()(sluice_worker* worker) const { sluice_worker_free(worker); }
  void operator()(sluice_client* client) const { sluice_client_free(client); }
  void operator()(sluice_outcome* outcome) const { sluice_outcome_free(outcome); }
};
using WorkerPtr = std::unique_ptr<sluice_worker, Free>;
using OutcomePtr = std::unique_ptr<sluice_outcome, Free>;
using ClientPtr = std::unique_ptr<sluice_client, Free>;

inline std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool last_error_has(const std::string& part) {
  const std::string error = sluice_last_error();
  INFO(error);
  CHECK(error.find(part) != std::string::npos);
  return error.find(part) != std::string::npos;
}

/// Keeps outcomes until they are asked for.
class Outcomes {
 public:
  void add(const sluice::OutcomeView& outcome) {
    const std::lock_guard lock(mutex_);
    kept_.emplace_back(outcome);
    arrived_.notify_one();
  }
  /// The next one; fails the test after half a minute.
  sluice::Outcome next() {
    std::unique_lock lock(mutex_);
    REQUIRE(arrived_.wait_for(lock, std::chrono::seconds(30), [this] { return !kept_.empty(); }));
    sluice::Outcome outcome = std::move(kept_.front());
    kept_.pop_front();
    return outcome;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<sluice::Outcome> kept_;
};

/// Tasks get one attempt.
struct System {
  static sluice::VentilatorOptions options(const std::string& sink) {
    sluice::VentilatorOptions options;
    options.sinks = {sink};
    options.max_attempts = 1;
    return options;
  }
  static sluice::Task task(const std::string& type, const std::string& payload) {
    sluice::Task task;
    task.type = type;
    const auto* const bytes = reinterpret_cast<const std::byte*>(payload.data());
    task.payload.assign(bytes, bytes + payload.size());
    return task;
  }
  [[nodiscard]] WorkerPtr worker(std::uint32_t slots) const {
    const std::string where = ventilator.endpoint();
    WorkerPtr made(sluice_worker_new(where.c_str(), slots, nullptr));
    REQUIRE(made != nullptr);
    return made;
  }
  sluice::Outcome outcome() { return outcomes.next(); }

  Outcomes outcomes;
  sluice::Sink sink{{}, [this](const sluice::OutcomeView& outcome) { outcomes.add(outcome); }};
  sluice::Ventilator ventilator{options(sink.endpoint())};
};
