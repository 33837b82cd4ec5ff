// journal.cpp: how many tasks a second pass through the journal, beside a bare log?
// SPDX-License-Identifier: MIT
//
// Usage: perf_journal [FOLDER] [TASKS] [ROUNDS] [BACKLOG]. The flow is that of perf_journal_layout:
// in each turn a group of tasks comes in and as many of the oldest are settled, with a backlog of
// 100,000; every turn ends durable. Then BACKLOG tasks are queued, and read back by a fresh
// journal.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "perf/usage.hpp"
#include "store/journal.hpp"

namespace {

using perf::cpu_seconds;
using perf::resident_mib;
using perf::seconds_since;
using sluice::core::JournalTask;
using sluice::core::JournalTurn;
using sluice::core::Seq;
using sluice::store::Journal;
using sluice::store::JournalOptions;
using sluice::store::JournalSync;
using Clock = std::chrono::steady_clock;

// Which tasks end, in which order: the oldest eight runs of 64 are under way at a time.
class Acks {
 public:
  void next(std::uint64_t count, std::vector<sluice::core::SeqRange>& out) {
    while (count > 0) {
      while (running_.size() < 8) {
        running_.push_back({next_, 64});
        next_ += 64;
      }
      Run& run = running_[random_() % running_.size()];
      const std::uint64_t n = std::min({count, run.count, random_() % 64 + 1});
      out.push_back({static_cast<Seq>(run.first), static_cast<Seq>(run.first + n - 1)});
      run.first += n;
      run.count -= n;
      count -= n;
      std::erase_if(running_, [](const Run& one) { return one.count == 0; });
    }
  }

 private:
  struct Run {
    std::uint64_t first = 0, count = 0;
  };
  std::mt19937_64 random_{1};
  std::vector<Run> running_;
  std::uint64_t next_ = 1;
};

struct Figures {
  double rate = 0, cpu_us = 0;
};

void take(JournalTurn& turn, std::uint64_t first, std::size_t count, const std::string& payload) {
  JournalTask task;
  task.type = "resize";
  task.payload = sluice::core::as_bytes(payload);
  task.max_attempts = task.max_losses = 3;
  for (std::uint64_t seq = first; seq < first + count; ++seq) {
    task.seq = static_cast<Seq>(seq);
    turn.tasks_taken.push_back(task);
  }
  if (first / 65'536 != (first + count) / 65'536 || first == 1)
    turn.numbers_reserved = static_cast<Seq>((first + count) / 65'536 * 65'536 + 65'536);
}

Figures flow(Journal& journal, std::size_t group, std::size_t payload_bytes, std::size_t tasks) {
  const std::string payload(payload_bytes, 'p');
  JournalTurn turn;
  std::uint64_t seq = 1;
  const auto append = [&] {
    turn.now_ms = seq;
    if (journal.append(turn) != Journal::Append::stored) std::abort();
    static_cast<void>(journal.tidy());
    turn.clear();
  };
  for (; seq < 100'000; seq += 4096) {
    take(turn, seq, 4096, payload);
    append();
  }
  Acks acks;
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  for (std::size_t done = 0; done < tasks; done += group, seq += group) {
    take(turn, seq, group, payload);
    acks.next(group, turn.tasks_settled);
    append();
  }
  const auto n = static_cast<double>(tasks);
  return {n / seconds_since(start), (cpu_seconds() - cpu) / n * 1e6};
}

Figures bare_flow(const std::string& path, std::size_t group, std::size_t payload_bytes,
                  std::size_t tasks) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string entry(payload_bytes + 8 + 8, 'p');  // a number each for task and settlement
  std::string buffer;
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  for (std::size_t done = 0; done < tasks; done += group) {
    buffer.clear();
    for (std::size_t i = 0; i < group; ++i) buffer += entry;
    if (::write(fd, buffer.data(), buffer.size()) < 0 || ::fdatasync(fd) != 0) std::abort();
  }
  const auto n = static_cast<double>(tasks);
  const Figures out{n / seconds_since(start), (cpu_seconds() - cpu) / n * 1e6};
  ::close(fd);
  return out;
}

double median(std::vector<Figures>& runs, double Figures::*which) {
  std::sort(runs.begin(), runs.end(),
            [which](const Figures& a, const Figures& b) { return a.*which < b.*which; });
  return runs[runs.size() / 2].*which;
}

void backlog(const JournalOptions& options, std::uint64_t tasks) {
  const std::string payload(128, 'p');
  {
    Journal journal(options);
    JournalTurn turn;
    const auto start = Clock::now();
    for (std::uint64_t seq = 1; seq <= tasks; seq += 4096) {
      take(turn, seq, 4096, payload);
      if (journal.append(turn) != Journal::Append::stored) std::abort();
      static_cast<void>(journal.tidy());
      turn.clear();
    }
    std::printf("queued %.1f million of 128 bytes in %.1f s, %.0f MiB resident\n",
                static_cast<double>(tasks) / 1e6, seconds_since(start), resident_mib());
  }
  auto start = Clock::now();
  Journal journal(options);
  std::printf("opened in %.3f s: %.0f MiB on disk\n", seconds_since(start),
              static_cast<double>(journal.stats().file_bytes) / (1 << 20));
  std::uint64_t seen = 0, bytes = 0;
  sluice::store::JournalVisitor visitor;
  visitor.task = [&](const JournalTask& task, const sluice::core::JournalChange*) {
    ++seen;
    bytes += task.payload.size();
  };
  start = Clock::now();
  journal.replay(visitor);
  std::printf("replayed %.1f million in %.2f s (%.1f million/s), %.0f MiB resident\n",
              static_cast<double>(seen) / 1e6, seconds_since(start),
              static_cast<double>(seen) / seconds_since(start) / 1e6, resident_mib());
  start = Clock::now();
  std::uint64_t rows = 0;
  journal.batches([&rows](const sluice::store::JournalBatch&) { ++rows; });
  std::printf("looked at %llu batches in %.2f s\n", static_cast<unsigned long long>(rows),
              seconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  const std::size_t tasks = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 400'000;
  const std::size_t rounds = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 3;
  const std::uint64_t queued = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 5'000'000;
  JournalOptions options;
  options.folder = folder + "/perf-journal";
  for (const std::size_t bytes : {128UL, 1024UL}) {
    for (const std::size_t group : {1UL, 32UL, 256UL, 4096UL}) {
      std::vector<Figures> bare, journaled;
      const std::size_t n = group == 1 ? tasks / 100 : group == 32 ? tasks / 4 : tasks;
      for (std::size_t round = 0; round < rounds; ++round) {
        bare.push_back(bare_flow(folder + "/perf-bare.log", group, bytes, n));
        std::filesystem::remove_all(options.folder);
        Journal journal(options);
        journaled.push_back(flow(journal, group, bytes, n));
      }
      const double floor = median(bare, &Figures::rate), rate = median(journaled, &Figures::rate);
      std::printf("groups of %4zu, %4zu bytes: %9.0f tasks/s, %.2f us CPU; a bare log %9.0f; "
                  "ratio %.2f\n",
                  group, bytes, rate, median(journaled, &Figures::cpu_us), floor, rate / floor);
      std::fflush(stdout);
    }
  }
  std::filesystem::remove_all(options.folder);
  options.sync = JournalSync::never;
  if (queued > 0) backlog(options, queued);
  std::filesystem::remove_all(options.folder);
  std::filesystem::remove(folder + "/perf-bare.log");
}
