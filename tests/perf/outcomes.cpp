// outcomes.cpp: how long does a large outcome file take to open, with and without a checkpoint?
// SPDX-License-Identifier: MIT
//
// Usage: perf_outcomes FOLDER [LINES] [RESULT_BYTES]. Makes a file of so many lines (default 20
// million): three logs, one of them shared with another sink (every second number), outcomes
// nearly in order, one in a hundred failed, one in a thousand not there yet. Then opens it with
// its checkpoint, and whole, each in a process of its own, and looks for some
// outcomes. Leaves nothing behind.
#include <sys/wait.h>
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

#include "core/collector.hpp"
#include "perf/usage.hpp"
#include "store/outcome_file.hpp"
#include "store/outcome_search.hpp"

namespace {

using namespace sluice;
using perf::resident_mib;
using perf::seconds_since;
using Clock = std::chrono::steady_clock;

struct Sink {
  explicit Sink(const std::string& path, bool checkpoint) {
    store::OutcomeFile::Options options;
    options.path = path;
    options.sync = false;
    if (checkpoint) options.known = [this](const core::KnownSlice& slice) { core.restore(slice); };
    file = std::make_unique<store::OutcomeFile>(options, [this](const store::OutcomeFacts& facts) {
      core.restore(facts.id.log, static_cast<core::Seq>(facts.id.seq),
                   static_cast<core::Status>(facts.status));
    });
  }
  core::Collector core{{}, {7}, core::Epoch{1}};
  std::unique_ptr<store::OutcomeFile> file;
};

void write_checkpoint(Sink& sink, const std::string& path) {
  auto start = Clock::now();
  double longest = 0;
  int steps = 0;
  sink.file->begin_checkpoint();
  core::KnownCursor cursor;
  core::KnownSlice slice;
  for (bool more = true; more; ++steps) {
    const auto step = Clock::now();
    more = sink.core.known_slice(cursor, 512, slice);
    if (more) sink.file->add_to_checkpoint(slice);
    longest = std::max(longest, seconds_since(step));
  }
  auto step = Clock::now();
  auto gathered = sink.file->end_checkpoint();
  const double end = seconds_since(step);
  step = Clock::now();
  const std::string bytes = gathered->bytes();
  std::printf(
      "gathered  %.3f s in %d steps, the longest %.1f ms, its end %.1f ms; put into one "
      "piece %.1f ms; %.1f MiB\n",
      seconds_since(start), steps, longest * 1e3, end * 1e3, seconds_since(step) * 1e3,
      static_cast<double>(bytes.size()) / (1 << 20));
  start = Clock::now();
  const std::string trouble =
      store::install_checkpoint(store::Directory::real(), store::checkpoint_path(path), bytes);
  std::printf("written   %.3f s %s\n", seconds_since(start), trouble.c_str());
}

void make(const std::string& path, std::uint64_t lines, std::size_t result_bytes) {
  const auto start = Clock::now();
  Sink sink(path, false);
  std::mt19937_64 random(1);
  const std::string result(result_bytes, 'r');
  struct Source {
    core::Log log;
    std::uint64_t next, step;
  };
  std::vector<Source> sources = {{{1}, 1, 1}, {{2}, 1, 2}, {{3}, 1, 1}};
  std::vector<std::uint64_t> group;
  for (std::uint64_t done = 0; done < lines;) {
    Source& source = sources[random() % sources.size()];
    group.clear();
    while (group.size() < 256) {
      if (random() % 1000 != 0) group.push_back(source.next);
      source.next += source.step;
    }
    std::shuffle(group.begin(), group.end(), random);
    for (const std::uint64_t seq : group) {
      OutcomeView view;
      view.id = {source.log, seq};
      view.status = random() % 100 == 0 ? Status::failed : Status::done;
      view.attempt = 1;
      view.type = "resize";
      view.worker = "node17-4711";
      if (view.status == Status::failed) view.error = "exit code 1";
      view.started = std::chrono::system_clock::time_point(std::chrono::seconds(1'769'847'300));
      view.result = std::as_bytes(std::span(result.data(), result.size()));
      sink.file->add(view);
      sink.core.restore(view.id.log, core::Seq{seq}, static_cast<core::Status>(view.status));
    }
    if (sink.file->commit() != store::OutcomeFile::Commit::stored) std::abort();
    done += group.size();
  }
  std::printf("made      %.1f s, %.1f GiB\n", seconds_since(start),
              static_cast<double>(sink.file->size()) / (1 << 30));
  write_checkpoint(sink, path);
}

void open_again(const char* how, const std::string& path, bool checkpoint) {
  const auto start = Clock::now();
  const Sink sink(path, checkpoint);
  const double took = seconds_since(start);
  const std::uint64_t read = sink.file->lines_read() - sink.file->lines_skipped();
  std::printf(
      "%s %.2f s, %.2f s of processor; %llu lines known, %llu read (%.0fk/s); "
      "%.0f MiB resident; %zu stretches\n",
      how, took, perf::cpu_seconds(), static_cast<unsigned long long>(sink.file->lines_read()),
      static_cast<unsigned long long>(read), static_cast<double>(read) / took / 1e3, resident_mib(),
      sink.file->index().stretches().size());
  if (!sink.file->checkpoint_refused().empty())
    std::printf("          %s\n", sink.file->checkpoint_refused().c_str());
  store::OutcomeSearch search(path);
  const auto looked = Clock::now();
  for (std::uint64_t i = 1; i <= 100; ++i)
    search.add({{1}, static_cast<core::Seq>(sink.file->lines_read() / 400 * i)});
  int found = 0, missing = 0;
  while (search.busy())
    search.step(
        1 << 20, sink.file->size(), [&found](const store::StoredOutcome&) { ++found; },
        [&missing](const core::TaskKey&) { ++missing; }, &sink.file->index());
  std::printf("looked up %.3f s: 100 outcomes, %d found, %d not there\n", seconds_since(looked),
              found, missing);
}

template <typename Work>
void apart(Work work) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: perf_outcomes FOLDER [LINES] [BYTES]\n"), 2;
  const std::string path = std::string(argv[1]) + "/perf_outcomes.jsonl";
  const std::uint64_t lines = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 20'000'000;
  const std::size_t bytes = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 32;
  apart([&] { make(path, lines, bytes); });
  apart([&] { open_again("opened   ", path, true); });
  apart([&] { open_again("read whole", path, false); });
  std::filesystem::remove(path);
  std::filesystem::remove(store::checkpoint_path(path));
  return 0;
}
