// message_keeper.hpp: messages that outlive the turn they were made in.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "core/message.hpp"

namespace sluice::core::test {

/// Copies what the views of a message point to, as sending it would.
class MessageKeeper {
 public:
  void keep(Message& message) {
    if (auto* nack = std::get_if<Nack>(&message)) {
      for (NackEntry& entry : nack->entries) entry.text = copy(entry.text);
    } else if (auto* progress = std::get_if<Progress>(&message)) {
      for (ProgressEntry& entry : progress->entries) entry.text = copy(entry.text);
    } else if (auto* outcomes = std::get_if<Outcomes>(&message)) {
      for (std::string_view& type : outcomes->types) type = copy(type);
      for (OutcomeEntry& entry : outcomes->entries) {
        entry.key = copy(entry.key);
        entry.error = copy(entry.error);
        entry.payload = as_bytes(copy(as_text(entry.payload)));
      }
    }
  }
  std::string_view copy(std::string_view text) { return texts_.emplace_back(text); }

 private:
  std::deque<std::string> texts_;
};

}  // namespace sluice::core::test
