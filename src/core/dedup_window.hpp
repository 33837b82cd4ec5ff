// dedup_window.hpp: submits already answered, so that a repeated one makes no second task.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/ids.hpp"
#include "core/message.hpp"
#include "core/time.hpp"

namespace sluice::core {

/// The callers' own names for tasks, remembered for a while.
class KeyWindow {
 public:
  KeyWindow(Duration window, std::size_t most) : window_(window), most_(most) {}

  struct Known {
    Seq seq{};
    std::uint64_t fingerprint =
        0;  ///< of type and payload: another one under the key is a conflict
  };
  [[nodiscard]] const Known* find(std::string_view key) const;
  void remember(std::string_view key, Seq seq, std::uint64_t fingerprint, Time now);
  /// Forgets what is older than the window and whose task `is_settled`; beyond the
  /// limit the oldest settled go sooner.
  void expire(Time now, const std::function<bool(Seq)>& is_settled);
  [[nodiscard]] std::size_t count() const { return known_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Age {
    Time since{};
    std::string key;
  };
  Duration window_;
  std::size_t most_;
  std::unordered_map<std::string, Known, Hash, std::equal_to<>> known_;
  std::deque<Age> ages_;
};

/// 64 bits that tell two submits under one key apart.
std::uint64_t fingerprint(std::string_view type, Bytes payload);

/// What was answered to a client's SUBMIT number `cno` (rule 18). `most` counts the answers and
/// the exceptions in them; the latest answer is remembered in any case.
class SubmitWindow {
 public:
  SubmitWindow(Duration window, std::size_t most) : window_(window), most_(most) {}

  struct Answered {
    SubmitConfirm confirm;
    Sid counted_in{};  ///< the session whose credit it spent last: once in each, however often sent
  };
  /// The answer given before, or null.
  [[nodiscard]] Answered* find(const Boot& boot, std::uint64_t cno);
  void remember(const Boot& boot, std::uint64_t cno, Answered answer, Time now);
  void expire(Time now);
  [[nodiscard]] std::size_t count() const { return answers_.size(); }

 private:
  struct Age {
    Time since{};
    Boot boot{};
    std::uint64_t cno = 0;
    std::size_t cost = 0;
  };
  void drop_oldest();

  Duration window_;
  std::size_t most_;
  std::size_t cost_ = 0;  // of all answers
  std::map<std::pair<Boot, std::uint64_t>, Answered> answers_;
  std::deque<Age> ages_;
};

}  // namespace sluice::core
