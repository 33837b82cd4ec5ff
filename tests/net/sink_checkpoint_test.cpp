// sink_checkpoint_test.cpp: when checkpoints are written, and what stands in their way.
// SPDX-License-Identifier: MIT
#include "net/sink_checkpoint.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "store/outcome_file.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::net;

namespace {

constexpr core::Log kLog{0xA};

struct Rig {
  explicit Rig(const std::string& path_) : path(path_) {
    store::OutcomeFile::Options options;
    options.path = path;
    options.sync = false;
    options.known = [this](const core::KnownSlice& slice) { core.restore(slice); };
    file = std::make_unique<store::OutcomeFile>(
        options, [this](const store::OutcomeFacts& facts) { restore(facts.id.seq); });
  }
  void restore(std::uint64_t number) { core.restore(kLog, core::Seq{number}, core::Status::done); }
  void store(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      OutcomeView view;
      view.id = {kLog, ++seq};
      file->add(view);
      restore(seq);
    }
    REQUIRE(file->commit() == store::OutcomeFile::Commit::stored);
  }
  // Turns until there is nothing under way; how many.
  int settle(SinkCheckpoint& checkpoint) const {
    int turns = 0;
    do {
      checkpoint.step(core);
      ++turns;
    } while (checkpoint.busy());
    return turns;
  }
  [[nodiscard]] bool written() const {
    return std::filesystem::exists(store::checkpoint_path(path));
  }

  const std::string path;
  core::Collector core{{}, {7}, core::Epoch{1}};
  std::unique_ptr<store::OutcomeFile> file;
  std::uint64_t seq = 0;
};

constexpr SinkCheckpoint::Rule kSmall{10'000, 1000, 16};

}  // namespace

TEST_SUITE_BEGIN("sink_checkpoint");

TEST_CASE("a checkpoint comes when enough was written, and the next when enough more was") {
  const TempFolder folder;
  Rig rig(folder.file("out.jsonl"));
  {
    SinkCheckpoint checkpoint(rig.file.get(), kSmall);
    rig.store(10);
    CHECK(rig.settle(checkpoint) == 1);
    CHECK_FALSE(rig.written());
    rig.store(1000);
    rig.settle(checkpoint);
    checkpoint.finish(rig.core);  // nothing more, but the writer is waited for
    CHECK(checkpoint.written() == 1);
    CHECK(checkpoint.trouble() == "");
    CHECK(rig.written());
    rig.store(1000);
    rig.settle(checkpoint);
    checkpoint.finish(rig.core);
    CHECK(checkpoint.written() == 2);
  }
  rig.file.reset();
  const Rig again(rig.path);
  CHECK(again.file->lines_skipped() == 2010);
}

TEST_CASE("a large ledger is gathered over many turns") {
  const TempFolder folder;
  Rig rig(folder.file("out.jsonl"));
  for (std::uint64_t seq = 1; seq < 512 * 100; seq += 2)
    rig.core.restore(kLog, core::Seq{seq}, core::Status::done);
  rig.seq = 512 * 100;
  rig.store(500);
  SinkCheckpoint checkpoint(rig.file.get(), kSmall);
  CHECK(rig.settle(checkpoint) > 5);
}

TEST_CASE("at the end the last one is written only if it is worth it") {
  const TempFolder folder;
  Rig rig(folder.file("out.jsonl"));
  SinkCheckpoint checkpoint(rig.file.get(), kSmall);
  rig.store(3);
  checkpoint.finish(rig.core);
  CHECK_FALSE(rig.written());
  rig.store(20);
  checkpoint.finish(rig.core);
  CHECK(rig.written());
}

TEST_CASE("a checkpoint that is of no use is replaced at once") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  Rig(path).store(5);
  write_file(store::checkpoint_path(path), "something else");
  Rig rig(path);
  CHECK(rig.file->checkpoint_refused() != "");
  SinkCheckpoint checkpoint(rig.file.get());
  rig.settle(checkpoint);
  checkpoint.finish(rig.core);
  CHECK(checkpoint.written() == 1);
  rig.file->abandon();
  CHECK(read_file(store::checkpoint_path(path)).substr(0, 8) == "SLUICKPT");
}

TEST_CASE("a checkpoint that cannot be written is told, and outcomes go on") {
  const TempFolder folder;
  Rig rig(folder.file("out.jsonl"));
  std::filesystem::create_directory(store::checkpoint_path(rig.path) + ".new");
  SinkCheckpoint checkpoint(rig.file.get(), kSmall);
  rig.store(1000);
  checkpoint.finish(rig.core);
  CHECK(checkpoint.trouble().find("no checkpoint") == 0);
  CHECK(checkpoint.written() == 0);
  std::filesystem::remove(store::checkpoint_path(rig.path) + ".new");
  rig.store(1000);
  checkpoint.finish(rig.core);
  CHECK(checkpoint.trouble() == "");
  CHECK(checkpoint.written() == 1);
}

TEST_CASE("without a file there is nothing to do") {
  SinkCheckpoint checkpoint(nullptr);
  const core::Collector core({}, {7}, core::Epoch{1});
  checkpoint.step(core);
  checkpoint.finish(core);
  CHECK_FALSE(checkpoint.busy());
}

TEST_SUITE_END();
