// task_check.cpp: names and sizes.
// SPDX-License-Identifier: MIT
#include "net/task_check.hpp"

#include <string>
#include <utility>

#include <sluice/error.hpp>

#include "wire/codec.hpp"

namespace sluice::net {

void check_task(const Task& task, std::uint64_t max_payload) {
  if (task.type.empty() || !wire::valid_name(task.type))
    throw Error("a task's type must be UTF-8 of 1 to 128 bytes");
  if (!wire::valid_name(task.key)) throw Error("a task's key must be UTF-8 of at most 128 bytes");
  for (const auto& [name, duration] : {std::pair("delay", task.delay), std::pair("ttl", task.ttl),
                                       std::pair("timeout", task.timeout)})
    if (duration.count() < 0)
      throw Error("a task's " + std::string(name) + " must not be negative; zero means none");
  if (task.payload.size() > max_payload)
    throw Error("a payload of " + std::to_string(task.payload.size()) +
                " bytes is too large: this ventilator takes " + std::to_string(max_payload) +
                "; pass a reference to the data instead");
}

}  // namespace sluice::net
