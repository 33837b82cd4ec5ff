// dispatcher_fake_client.hpp: a client that sends what it may, and now and then sends it again.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "core/dispatcher.hpp"

namespace sluice::core::rig {

class FakeClient {
 public:
  [[nodiscard]] PeerId peer() const { return peer_; }

  /// What is wrong with the message, if anything.
  const char* deliver(const Envelope& in) {
    if (const auto* opened = std::get_if<ClientOpened>(&in.message)) {
      sid_ = in.sid;
      sent_ = bytes_ = limit_ = bytes_limit_ = 0;
      return limits(opened->tasks_limit, opened->bytes_limit);
    }
    if (const auto* confirm = std::get_if<SubmitConfirm>(&in.message))
      return limits(confirm->tasks_limit, confirm->bytes_limit);
    if (const auto* beaten = std::get_if<ClientBeaten>(&in.message))
      return limits(beaten->tasks_limit, beaten->bytes_limit);
    if (const auto* error = std::get_if<ErrorMessage>(&in.message)) {
      sid_ = Sid{};
      if (error->code != Code::unknown_session) return "an honest client is refused";
    }
    return nullptr;
  }

  /// OPENs if it must, else sends a SUBMIT: a new one, or the last one again.
  void act(Dispatcher& machine, Random& random, Time now) {
    if (sid_ == Sid{} || random.below(20) == 0) {
      if (random.below(2) == 0) peer_ = next(peer_);
      machine.receive(peer_, {Sid{}, ++tries_, ClientOpen{0, kBoot, "", ""}}, now);
      return;
    }
    // Not later than the ventilator remembers it.
    const bool again = batch_ > 0 && now - batch_since_ <= std::chrono::seconds(1);
    if (!again || random.below(3) > 0) {
      batch_ = 1 + random.below(3);
      batch_since_ = now;
      counted_in_ = Sid{};
      ++cno_;
    }
    if (counted_in_ != sid_) {
      if (sent_ + batch_ > limit_ || bytes_ >= bytes_limit_) return;
      sent_ += batch_;
      bytes_ += batch_ * kPayload.size();
      counted_in_ = sid_;
    }
    Submit submit{{"a"}, {}};
    submit.entries.resize(batch_);
    for (SubmitEntry& entry : submit.entries) entry.payload = as_bytes(kPayload);
    machine.receive(peer_, {sid_, cno_, std::move(submit)}, now);
  }

 private:
  static constexpr Boot kBoot{99};
  static constexpr std::string_view kPayload = "some payload";

  const char* limits(std::uint64_t tasks, std::uint64_t bytes) {
    if (tasks < limit_ || bytes < bytes_limit_) return "a client's limit fell";
    limit_ = tasks;
    bytes_limit_ = bytes;
    return nullptr;
  }

  PeerId peer_{9000};
  Sid sid_{}, counted_in_{};
  std::uint64_t tries_ = 0, cno_ = 0, batch_ = 0;
  std::uint64_t sent_ = 0, bytes_ = 0, limit_ = 0, bytes_limit_ = 0;
  Time batch_since_{};
};

}  // namespace sluice::core::rig
