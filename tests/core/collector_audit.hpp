// collector_audit.hpp: whether all members of a sink's machine agree.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

#include "core/collector.hpp"

namespace sluice::core {

/// Looks at the members of a sink's machine; the first thing that does not fit, or an empty text.
class CollectorAudit {
 public:
  explicit CollectorAudit(const Collector& machine) : m_(machine) {}

  [[nodiscard]] std::string fault() const {
    std::size_t awaited = 0;
    for (const auto& [peer, session] : m_.sessions_) {
      const CollectorOptions& options = m_.options_;
      if (session.received.inserted() > session.answered.inserted() + options.window_outcomes)
        return "more outcomes than the credit";
      if (session.received_bytes > session.answered_bytes + options.window_bytes)
        return "more bytes than the credit";
      if (session.answered.inserted() > session.received.inserted())
        return "more is answered than was received";
      if (!session.watching) continue;
      const auto& watching = *session.watching;
      awaited += watching.awaited.size();
      if (watching.awaited.size() > options.max_awaited_each) return "one waits for too much";
      if (watching.ready.size() > watching.awaited.size()) return "more is ready than awaited";
      std::uint64_t bytes = 0;
      for (const auto& sent : watching.sent) bytes += sent.bytes;
      if (bytes != watching.sent_bytes) return "the count of bytes under way is wrong";
    }
    if (awaited != m_.awaiting_.size()) return "watches of nobody";
    if (m_.looking_.size() > options_awaited()) return "more is looked up than is waited for";
    if (m_.waiters_.size() > m_.options_.window_outcomes) return "too many copies wait";
    if (m_.shelf_.bytes() > m_.options_.shelf_bytes && m_.shelf_.size() > 1)
      return "the shelf holds more than it may";
    return {};
  }

 private:
  [[nodiscard]] std::size_t options_awaited() const { return m_.options_.max_awaited; }

  const Collector& m_;
};

}  // namespace sluice::core
