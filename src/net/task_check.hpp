// task_check.hpp: what no ventilator would take, told to the caller at once.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <sluice/task.hpp>

namespace sluice::net {

/// Throws Error, saying why, if the task's names or size break a rule of the protocol.
void check_task(const Task& task, std::uint64_t max_payload);

}  // namespace sluice::net
