// job.hpp: a task on its way through an executor, and what comes of it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "core/chunk.hpp"
#include "core/held_tasks.hpp"
#include "core/ids.hpp"
#include "core/time.hpp"

namespace sluice::net {

struct TaskCell;

/// What an executor needs to know of a task. Its views must stay good until the task has
/// been reported.
struct Job {
  core::TaskHandle handle{};
  core::Seq seq{};
  core::Log log{};
  std::uint32_t type = 0;  ///< index of the handler
  std::uint32_t attempt = 1;
  std::uint64_t exec_ms = 0;
  core::Time expires = core::Time::max();  ///< not to be started from then on
  bool last_attempt = false;
  std::string_view key;
  core::Bytes payload;
  TaskCell* cell = nullptr;  ///< ExecutorPool's own
};

/// How it went.
enum class JobEnd : std::uint8_t {
  done,
  failed,       ///< the attempt; `error` says why
  fatal,        ///< the handler threw Fail
  undecodable,  ///< the handler threw WrongType
  cancelled,    ///< failed in whatever way after it was cancelled
  expired,      ///< not started: its time to live was over
};

/// The end of a job. The views are good as long as their owner says.
struct JobReport {
  core::TaskHandle handle{};
  JobEnd end{};
  std::uint64_t retry_ms = 0;    ///< failed: when the next attempt is wanted; 0: any time
  std::uint64_t started_us = 0;  ///< since 1970
  std::uint64_t run_ns = 0;
  std::string_view error;
  core::Bytes result;
};

}  // namespace sluice::net
