// runner_acks.hpp: what a worker has to tell the ventilator about its tasks, until it is ACKED.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "core/held_tasks.hpp"
#include "core/message.hpp"
#include "core/ring.hpp"

namespace sluice::core {

/// Collects ACKs, NACKs and RETURNs and keeps them until ACKED (docs/PROTOCOL.md, rules 2
/// and 5). Numbers begin anew with each session; what the last one left open is said again.
///
/// The tasks themselves stay in HeldTasks, in phase ack_open or nack_open, until ACKED
/// lets them go.
class RunnerAcks {
 public:
  /// A task that has just come into phase ack_open or nack_open: to be told with the next flush.
  void add(TaskHandle handle, const Held& task);

  /// Appends the messages for what was added, in the order ACK, NACK, RETURN.
  void flush(HeldTasks& tasks, Sid sid, std::uint64_t max_entries, EntryPool& pool,
             std::vector<Envelope>& out);

  /// Everything numbered up to `ano` has been taken note of; its tasks are erased.
  void acked(std::uint64_t ano, HeldTasks& tasks);

  /// A new session is ready: everything still open is to be told again, with new numbers.
  void begin_session(HeldTasks& tasks);
  /// The session is lost: nothing is told before the next one.
  void end_session();

  /// Nothing waits to be told or for an ACKED.
  [[nodiscard]] bool empty() const { return open_.empty() && to_tell_is_empty(); }
  /// Something waits to be told.
  [[nodiscard]] bool to_tell_is_empty() const {
    return acks_.empty() && nacks_.empty() && returns_.empty();
  }

 private:
  struct Open {
    std::uint64_t ano = 0;
    TaskHandle task{};
  };

  std::vector<TaskHandle> acks_, nacks_, returns_;
  Ring<Open> open_;
  std::uint64_t ano_ = 0;
};

}  // namespace sluice::core
