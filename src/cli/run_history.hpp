// run_history.hpp: what was done before by the same run: from its journal folder, or a joblog.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include <sluice/outcome.hpp>

#include "cli/command_key.hpp"
#include "cli/delivery_marks.hpp"
#include "cli/done_table.hpp"

namespace sluice::cli {

/// Told of each line of the input, says whether it was done before. One thread at a time.
class RunHistory {
 public:
  struct Past {
    CommandDigest digest;
    std::uint64_t occurrence = 1;
    DoneTable::Entry entry;
    std::uint64_t log_as = 0;  ///< its number for the joblog
  };
  /// The next line of the input, by the text of its command and its number.
  [[nodiscard]] Past next(std::string_view command, std::uint64_t number);

  /// Takes what a joblog says; GNU parallel's, too. Throws sluice::Error.
  void load_joblog(const std::string& path);
  /// An outcome of this run. `printed`, `filed`: where it was delivered already.
  void note(const CommandKey& key, bool failed, std::uint64_t place, bool printed, bool filed);

  [[nodiscard]] std::uint64_t done() const { return table_.done(); }
  [[nodiscard]] bool is_done(const CommandKey& key) const {
    return table_.find(key.digest, key.occurrence).done;
  }
  [[nodiscard]] std::size_t bytes() const { return table_.bytes(); }

 private:
  struct Loan {
    CommandDigest digest;
    std::uint64_t number = 0;
  };
  std::uint64_t number_to_log(const Past& past, std::uint64_t number);

  DoneTable table_;
  bool by_joblog_ = false;
  // Of equal commands the joblog may name the later one while the earlier is still to be run:
  // they change numbers. By the number that was named, until the input has come to it.
  std::unordered_map<std::uint64_t, Loan> loans_;
};

}  // namespace sluice::cli
