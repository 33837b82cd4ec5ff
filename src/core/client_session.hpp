// client_session.hpp: what a ventilator knows of one submitter's session.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// Credit is absolute: the client may have sent `tasks_limit` tasks in this session, and the last
/// SUBMIT may overrun it (rule 1.5).
struct ClientSession {
  Sid sid{};
  PeerId peer{};
  Boot boot{};
  std::string name;
  std::uint64_t open_try = 0;
  std::uint64_t tasks_sent = 0, bytes_sent = 0;
  std::uint64_t tasks_limit = 0, bytes_limit = 0;
  Time last_heard{};
  bool starved = false;  ///< has no credit left; told as soon as there is some

  [[nodiscard]] std::uint64_t unused() const {
    return tasks_limit > tasks_sent ? tasks_limit - tasks_sent : 0;
  }
  [[nodiscard]] std::uint64_t unused_bytes() const {
    return bytes_limit > bytes_sent ? bytes_limit - bytes_sent : 0;
  }
};

}  // namespace sluice::core
