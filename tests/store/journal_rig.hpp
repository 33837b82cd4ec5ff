// journal_rig.hpp: turns for a journal, and what comes back of them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <sluice/error.hpp>

#include "store/journal.hpp"
#include "support/temp_folder.hpp"

namespace journal_rig {

using sluice::core::JournalAnswer;
using sluice::core::JournalChange;
using sluice::core::JournalKey;
using sluice::core::JournalTask;
using sluice::core::JournalTurn;
using sluice::core::Seq;
using sluice::store::Journal;
using sluice::store::JournalOptions;
using sluice::store::JournalSync;
using sluice::store::JournalVisitor;

inline Seq seq(std::uint64_t number) { return static_cast<Seq>(number); }

/// A folder in memory where the machine has that, for tests that sync often and lose no power.
class FastFolder : public TempFolder {
 public:
  FastFolder()
      : TempFolder(std::filesystem::exists("/dev/shm") ? "/dev/shm"
                                                       : std::filesystem::temp_directory_path()) {}
};

inline JournalOptions options_for(const std::string& folder) {
  JournalOptions options;
  options.folder = folder;
  options.fresh_log = {1, 2, 3};
  options.now_ms = 1000;
  options.reserve_bytes = 0;  // a reserve is 4 MiB of writing for each small test
  return options;
}

/// A turn whose tasks own their bytes.
class Turn {
 public:
  Turn() = default;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// Adds a task made from its number, so that anybody can say what it must look like.
  JournalTask& take(std::uint64_t number, std::size_t payload_bytes = 20) {
    JournalTask task;
    task.seq = seq(number);
    task.type = keep(number % 3 == 0 ? "resize" : "render");
    task.payload = sluice::core::as_bytes(keep(payload_of(number, payload_bytes)));
    task.max_attempts = 3;
    task.max_losses = 2;
    task.backoff_ms = 1000;
    task.backoff_most_ms = 60'000;
    turn.tasks_taken.push_back(task);
    turn.numbers_reserved = std::max(turn.numbers_reserved, task.seq);
    return turn.tasks_taken.back();
  }
  Turn& take_run(std::uint64_t first, std::uint64_t last, std::size_t payload_bytes = 20) {
    for (std::uint64_t n = first; n <= last; ++n) take(n, payload_bytes);
    return *this;
  }
  Turn& settle(std::uint64_t first, std::uint64_t last) {
    turn.tasks_settled.push_back({seq(first), seq(last)});
    return *this;
  }
  std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }
  static std::string payload_of(std::uint64_t number, std::size_t bytes) {
    std::string text = "task " + std::to_string(number) + " ";
    text.resize(bytes, static_cast<char>('a' + number % 26));
    return text;
  }

  JournalTurn turn;

 private:
  std::deque<std::string> kept_;
};

inline void append(Journal& journal, const Turn& turn) {
  REQUIRE(journal.append(turn.turn) == Journal::Append::stored);
}

/// All that a journal gives back, copied.
struct Replayed {
  std::vector<std::uint64_t> seqs;
  std::map<std::uint64_t, std::string> payloads;
  std::map<std::uint64_t, std::string> types;
  std::map<std::uint64_t, JournalChange> changes;  // without their views
  std::map<std::uint64_t, std::string> whys;
  std::vector<std::pair<std::string, std::uint64_t>> keys;
  std::vector<std::uint64_t> cnos;
  friend bool operator==(const Replayed&, const Replayed&) = default;
};

inline JournalVisitor visitor_into(Replayed& out) {
  JournalVisitor visitor;
  visitor.task = [&out](const JournalTask& task, const JournalChange* change) {
    const std::uint64_t n = raw(task.seq);
    out.seqs.push_back(n);
    out.payloads[n] = std::string(sluice::core::as_text(task.payload));
    out.types[n] = std::string(task.type);
    if (change == nullptr) return;
    JournalChange copy = *change;
    out.whys[n] = std::string(copy.why);
    copy.why = {};
    out.changes[n] = copy;
  };
  visitor.key = [&out](const JournalKey& key) {
    out.keys.emplace_back(std::string(key.key), raw(key.seq));
  };
  visitor.answer = [&out](const JournalAnswer& answer) { out.cnos.push_back(answer.cno); };
  return visitor;
}

inline Replayed replay(Journal& journal) {
  Replayed out;
  journal.replay(visitor_into(out));
  return out;
}

inline std::vector<std::uint64_t> run(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> out;
  for (; first <= last; ++first) out.push_back(first);
  return out;
}

inline std::string error_of(const JournalOptions& options) {
  try {
    Journal journal(options);
    static_cast<void>(replay(journal));
  } catch (const sluice::Error& error) {
    return error.what();
  }
  return {};
}
inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace journal_rig
