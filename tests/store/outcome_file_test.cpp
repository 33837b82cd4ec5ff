// outcome_file_test.cpp: groups that are whole or not there, and what a sink reads back.
// SPDX-License-Identifier: MIT
#include "store/outcome_file.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include <sluice/error.hpp>

#include "store/odd_disk.hpp"
#include "support/temp_folder.hpp"

using namespace sluice;
using namespace sluice::store;

namespace {

using Read = std::vector<std::pair<std::uint64_t, Status>>;

std::unique_ptr<OutcomeFile> open_file(const std::string& path, Read* read = nullptr) {
  OutcomeFile::Options options;
  options.path = path;
  return std::make_unique<OutcomeFile>(options, [read](const OutcomeFacts& facts) {
    if (read != nullptr) read->emplace_back(facts.id.seq, facts.status);
  });
}
void add(OutcomeFile& file, std::uint64_t seq, Status status = Status::done) {
  OutcomeView view;
  view.id.log = {1, 2, 3};
  view.id.seq = seq;
  view.status = status;
  view.type = "resize";
  file.add(view);
}
std::string error_of(const std::string& path) {
  try {
    open_file(path);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The file system refuses to let any file of this process grow beyond `bytes`.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit now = before_;
    now.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*before_handler_)(int) = nullptr;
};

}  // namespace

TEST_SUITE_BEGIN("outcome_file");

// Case 8: "the sink's file decides duplicates".
TEST_CASE("what was committed is read back, in order and with its status") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  {
    const auto file = open_file(path);
    CHECK(file->lines_read() == 0);
    add(*file, 1);
    add(*file, 2, Status::failed);
    CHECK(file->commit() == OutcomeFile::Commit::stored);
    add(*file, 3, Status::expired);
    CHECK(file->commit() == OutcomeFile::Commit::stored);
  }
  Read read;
  const auto file = open_file(path, &read);
  CHECK(read == Read{{1, Status::done}, {2, Status::failed}, {3, Status::expired}});
  CHECK(file->lines_read() == 3);
  CHECK(file->cut_bytes() == 0);
  add(*file, 4, Status::cancelled);
  CHECK(file->commit() == OutcomeFile::Commit::stored);
  CHECK(file->size() == read_file(path).size());
}

TEST_CASE("more than one buffer of lines is read back, and so is a line larger than it") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  const std::string large(3 << 20, 'x');
  {
    const auto file = open_file(path);
    for (std::uint64_t seq = 1; seq <= 10'000; ++seq) add(*file, seq);
    OutcomeView view;
    view.id.seq = 10'001;
    view.result = std::as_bytes(std::span(large.data(), large.size()));
    file->add(view);
    add(*file, 10'002);
    CHECK(file->commit() == OutcomeFile::Commit::stored);
  }
  Read read;
  const auto file = open_file(path, &read);
  REQUIRE(read.size() == 10'002);
  CHECK(read.back().first == 10'002);
}

TEST_CASE("nothing of a group is in the file before its commit") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  const auto file = open_file(path);
  add(*file, 1);
  CHECK(read_file(path).empty());
  CHECK(file->commit() == OutcomeFile::Commit::stored);
  CHECK_FALSE(read_file(path).empty());
}

TEST_CASE("one commit makes one group durable, and an empty one nothing") {
  const TempFolder folder;
  int syncs = 0;
  OutcomeFile::Options options;
  options.path = folder.file("out.jsonl");
  OddDisk disk([&syncs] { return ++syncs, 0; });
  options.directory = &disk;
  SUBCASE("with sync") {
    OutcomeFile file(options, [](const OutcomeFacts&) {});
    for (std::uint64_t seq = 1; seq <= 100; ++seq) add(file, seq);
    CHECK(file.commit() == OutcomeFile::Commit::stored);
    CHECK(file.commit() == OutcomeFile::Commit::stored);
    CHECK(syncs == 1);
  }
  SUBCASE("without") {
    options.sync = false;
    OutcomeFile file(options, [](const OutcomeFacts&) {});
    add(file, 1);
    CHECK(file.commit() == OutcomeFile::Commit::stored);
    CHECK(syncs == 0);
  }
}

TEST_CASE("a torn last line is cut off, and told") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  {
    const auto file = open_file(path);
    add(*file, 1);
    CHECK(file->commit() == OutcomeFile::Commit::stored);
  }
  const std::string whole = read_file(path);
  for (const std::string& tail :
       {whole.substr(0, whole.size() - 1), whole.substr(0, 30), std::string("{"),
        std::string(7, '\0')}) {
    write_file(path, whole + tail);
    Read read;
    const auto file = open_file(path, &read);
    CHECK(read.size() == 1);
    CHECK(file->cut_bytes() == tail.size());
    CHECK(read_file(path) == whole);
  }
}

TEST_CASE("a file that is not ours is refused and left alone") {
  const TempFolder folder;
  const std::string path = folder.file("notes.txt");
  for (const std::string& text :
       {std::string("hello"), std::string("hello\n"), std::string("{\"a\":1}\n"),
        std::string("\x7f" "ELF\0\0", 6), std::string("\n")}) {
    write_file(path, text);
    CHECK(contains(error_of(path), "is not an outcome file"));
    CHECK(read_file(path) == text);
  }
}

TEST_CASE("a damaged line among others is an error that names it") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  {
    const auto file = open_file(path);
    for (std::uint64_t seq = 1; seq <= 3; ++seq) add(*file, seq);
    CHECK(file->commit() == OutcomeFile::Commit::stored);
  }
  std::string text = read_file(path);
  const std::size_t second = text.find('\n') + 1;
  text[second + 20] = '\0';
  write_file(path, text);
  CHECK(contains(error_of(path), "line 2 of"));
  CHECK(contains(error_of(path), "is damaged"));
  CHECK(read_file(path) == text);
}

TEST_CASE("an end that never was a line of ours is an error") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  {
    const auto file = open_file(path);
    add(*file, 1);
    CHECK(file->commit() == OutcomeFile::Commit::stored);
  }
  write_file(path, read_file(path) + "appended by somebody");
  CHECK(contains(error_of(path), "no outcome"));
}

TEST_CASE("two sinks cannot share a file") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  auto first = open_file(path);
  CHECK(contains(error_of(path), "is in use"));
  first.reset();
  CHECK(error_of(path).empty());
}

TEST_CASE("what cannot be a file is refused with the reason") {
  const TempFolder folder;
  CHECK(contains(error_of(folder.file("no/such/folder/out.jsonl")), "No such file"));
  CHECK_FALSE(error_of(folder.file("")).empty());
  CHECK(contains(error_of("/dev/null"), "not a regular file"));
}

// Case 9: nothing is confirmed that is not stored, and it goes on when there is room.
TEST_CASE("a group for which there is no room is taken back whole, and may come again") {
  const TempFolder folder;
  const std::string path = folder.file("out.jsonl");
  const auto file = open_file(path);
  add(*file, 1);
  CHECK(file->commit() == OutcomeFile::Commit::stored);
  const std::string before = read_file(path);
  for (std::uint64_t seq = 2; seq <= 100; ++seq) add(*file, seq);
  {
    const SizeLimit limit(before.size() + 1000);  // some lines would fit: a short write
    CHECK(file->commit() == OutcomeFile::Commit::later);
  }
  CHECK(contains(file->trouble(), path));
  CHECK(read_file(path) == before);

  add(*file, 2);
  CHECK(file->commit() == OutcomeFile::Commit::stored);
  CHECK(file->trouble().empty());
  Read read;
  {
    const std::string copy = folder.file("copy.jsonl");
    write_file(copy, read_file(path));
    open_file(copy, &read);
  }
  CHECK(read == Read{{1, Status::done}, {2, Status::done}});
}

// "If it throws, the store is closed for good: after a failed fsync nobody can say what
// reached the disk."
TEST_CASE("after a failed fsync nothing is ever confirmed again") {
  const TempFolder folder;
  bool broken = false;
  OutcomeFile::Options options;
  options.path = folder.file("out.jsonl");
  OddDisk disk([&broken] {
    errno = EIO;
    return broken ? -1 : 0;
  });
  options.directory = &disk;
  OutcomeFile file(options, [](const OutcomeFacts&) {});
  add(file, 1);
  CHECK(file.commit() == OutcomeFile::Commit::stored);
  broken = true;
  add(file, 2);
  CHECK_THROWS_AS(static_cast<void>(file.commit()), Error);
  broken = false;
  add(file, 3);
  CHECK_THROWS_WITH_AS(static_cast<void>(file.commit()), doctest::Contains("fsync"), Error);
}

TEST_SUITE_END();
