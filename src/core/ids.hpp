// ids.hpp: the numbers that name tasks, leases, sessions, peers and outcomes.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace sluice::core {

/// Strong ids: a worker's number cannot be passed as a task's. docs/PROTOCOL.md,
/// "Identifiers", says who makes each and how long it lives.
enum class Seq : std::uint64_t {};  ///< a task within its log, from 1; 0 = none
enum class Lease : std::uint64_t {
};                                  ///< one dispatch of one task, unique within an epoch; 0 = none
enum class Sid : std::uint64_t {};  ///< one session: epoch << 32 + counter; 0 = none yet
enum class Rsn : std::uint64_t {};  ///< an outcome, unique per boot, from 1
enum class PeerId : std::uint64_t {
};  ///< one connection at a ROUTER; the shell maps it to a routing id
enum class Epoch : std::uint32_t {};  ///< one start of a ventilator on its log, from 1

template <typename Id>
constexpr auto raw(Id id) {
  return static_cast<std::underlying_type_t<Id>>(id);
}
template <typename Id>
constexpr Id next(Id id) {
  return static_cast<Id>(raw(id) + 1);
}

/// 16 random bytes: the journal's lineage. (log, seq) is a task's identity everywhere.
using Log = std::array<std::uint8_t, 16>;
/// A task among those of all logs.
struct TaskKey {
  Log log{};
  Seq seq{};
  friend auto operator<=>(const TaskKey&, const TaskKey&) = default;
};
/// 16 random bytes per process start.
using Boot = std::array<std::uint8_t, 16>;
/// 8 random bytes per ventilator start: tells two holders of one epoch apart.
using Incarnation = std::array<std::uint8_t, 8>;

constexpr Epoch epoch_of(Sid sid) { return static_cast<Epoch>(raw(sid) >> 32); }
constexpr Sid make_sid(Epoch epoch, std::uint32_t counter) {
  return static_cast<Sid>((static_cast<std::uint64_t>(raw(epoch)) << 32) + counter);
}

/// The name people see: the first four bytes of the log in hex, a dash, the seq: 9f3a1c07-42.
std::string display_id(const Log& log, Seq seq);
/// 32 hex digits.
std::string hex(const Log& log);

}  // namespace sluice::core
