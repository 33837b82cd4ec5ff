// done_table.hpp: which commands of a run were done before, millions of them, in 24 bytes each.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cli/command_key.hpp"

namespace sluice::cli {

/// Remembers what is done by digest and occurrence, and counts the occurrences as the input is
/// read: the k-th of equal commands is the k-th of them in every run, whatever its line number.
///
/// One slot of 24 bytes for each command that is done or was read, in an array that is at most
/// three quarters full. One thread at a time.
class DoneTable {
 public:
  struct Entry {
    bool done = false;
    bool failed = false;
    bool printed = false;     ///< what it wrote was printed
    bool filed = false;       ///< what it wrote is in the results
    std::uint64_t place = 0;  ///< below 2^56: where to find it, for whoever noted it
  };
  struct Next {
    std::uint64_t occurrence = 1;
    Entry entry;
  };

  DoneTable();
  /// What is noted later about the same command takes the place of what was noted before.
  void note(const CommandDigest& command, std::uint64_t occurrence, const Entry& entry);
  [[nodiscard]] Entry find(const CommandDigest& command, std::uint64_t occurrence) const;
  /// The input has one more of this command.
  [[nodiscard]] Next next(const CommandDigest& command);

  /// How many are done.
  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    CommandDigest id;
    std::uint64_t value = 0;  // 0: free
  };
  struct Hash {
    std::size_t operator()(const CommandDigest& digest) const { return digest.low; }
  };
  [[nodiscard]] static Entry entry_of(std::uint64_t value);
  [[nodiscard]] std::size_t place_of(const CommandDigest& id) const;
  Slot& slot_for(const CommandDigest& id);
  void grow();

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::uint64_t done_ = 0;
  std::unordered_map<CommandDigest, std::uint64_t, Hash> repeats_;  // read so often, if not once
};

}  // namespace sluice::cli
