// owner_record.hpp: who owns a journal, in a file that every host can read.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// What an owner says of itself, and a standby too. A plain value.
struct OwnerRecord {
  std::string id;              ///< 32 hex digits, another one for each claim
  std::uint64_t renewals = 0;  ///< counted up each time it announces itself
  std::uint64_t epoch = 0;     ///< of its life of the journal; 0 while it opens the journal
  std::string name;            ///< for people
  std::string control;         ///< where workers and clients connect, or will
  std::vector<std::string> sinks;
  std::string sync;  ///< when its journal is safe: always, ms, never
  std::uint64_t failover_ms = 0;
  std::string host, process_space;  ///< as in the access file
  std::int64_t pid = 0;
  std::uint64_t since_ms = 0;  ///< wall time of its claim; for people, no rule rests on it
  bool ended = false;          ///< it has said that it writes no more
  /// It has followed an owner that may wake up, and has not moved the journal to new files yet.
  bool fence_due = false;

  /// With host, process_space and pid of this process.
  [[nodiscard]] static OwnerRecord of_this_process();
  /// True if its process was on this machine and is no more; false also when that is not known.
  [[nodiscard]] bool process_is_gone() const;
  /// "NAME (process 12 on HOST, at tcp://...)"
  [[nodiscard]] std::string who() const;
};

/// One line of JSON, and one with its checksum: a reader may come while it is rewritten in place.
[[nodiscard]] std::string to_text(const OwnerRecord& record);
/// Nullopt: not whole. Fields of later versions are passed over.
[[nodiscard]] std::optional<OwnerRecord> parse_owner_record(std::string_view text);

}  // namespace sluice::store
