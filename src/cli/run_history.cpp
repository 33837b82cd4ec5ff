// run_history.cpp: noting what was done, and finding it again in the input.
// SPDX-License-Identifier: MIT
#include "cli/run_history.hpp"

#include "cli/joblog.hpp"

namespace sluice::cli {

RunHistory::Past RunHistory::next(std::string_view command, std::uint64_t number) {
  Past past;
  past.digest = digest_of(command);
  const DoneTable::Next next = table_.next(past.digest);
  past.occurrence = next.occurrence;
  past.entry = next.entry;
  past.log_as = by_joblog_ ? number_to_log(past, number) : number;
  return past;
}

std::uint64_t RunHistory::number_to_log(const Past& past, std::uint64_t number) {
  std::uint64_t mine = number;
  if (const auto loan = loans_.find(number); loan != loans_.end()) {
    if (loan->second.digest == past.digest) mine = loan->second.number;
    loans_.erase(loan);
  }
  if (!past.entry.done || past.entry.place == mine) return mine;
  if (past.entry.place > number) loans_[past.entry.place] = {past.digest, mine};
  return past.entry.place;
}

void RunHistory::load_joblog(const std::string& path) {
  by_joblog_ = true;
  struct Hash {
    std::size_t operator()(const CommandDigest& digest) const { return digest.low; }
  };
  // Of commands that stand there under several numbers: which occurrence a number is.
  std::unordered_map<CommandDigest, std::unordered_map<std::uint64_t, std::uint64_t>, Hash> repeats;
  read_joblog(path, [&](const JobLogEntry& line) {
    const CommandDigest digest = digest_of(line.command);
    const DoneTable::Entry first = table_.find(digest, 1);
    std::uint64_t occurrence = 1;
    if (first.done && first.place != line.seq) {
      auto& numbers = repeats[digest];
      occurrence = numbers.try_emplace(line.seq, numbers.size() + 2).first->second;
    }
    DoneTable::Entry entry;
    entry.done = true;
    entry.failed = line.exit_code != 0 || line.signal != 0;
    entry.place = line.seq;
    table_.note(digest, occurrence, entry);
  });
}

void RunHistory::note(const CommandKey& key, bool failed, std::uint64_t place, bool printed,
                      bool filed) {
  table_.note(key.digest, key.occurrence, {true, failed, printed, filed, place});
}

}  // namespace sluice::cli
