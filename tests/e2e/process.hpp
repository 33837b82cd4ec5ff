// process.hpp: real processes for tests: started, watched, and gone when the test is.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "support/temp_folder.hpp"

namespace sluice::e2e {

using namespace std::chrono_literals;  // durations only
using Words = std::vector<std::string>;

/// For whatever should take a moment: long enough for a machine that is busy with other things.
inline constexpr std::chrono::milliseconds kSoon{30'000};

/// The program under test.
[[nodiscard]] std::string sluice_program();

/// Asks until it is true, every few milliseconds; false if it was not within `timeout`. For what
/// cannot be waited for otherwise, such as lines in a file.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::milliseconds timeout = kSoon);

struct ProcessOptions {
  std::vector<std::pair<std::string, std::string>> env;  ///< added to the test's own
  std::string cwd;                                       ///< empty: the test's own
  std::string input;                                     ///< given to its standard input
  bool keep_input = false;  ///< leaves standard input open for more, until close_input()
};

/// A process with pipes. A thread collects what it prints, so it never waits for the test. The
/// destructor kills it and whatever it left behind in its process group.
class Process {
 public:
  /// `words[0]` is found by PATH. A program that cannot be started exits with 127.
  explicit Process(Words words, ProcessOptions options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  void write_input(std::string_view text) const;
  void close_input();

  /// Its exit code, 128 + the signal that ended it, or nothing if it has not ended within
  /// `timeout`.
  [[nodiscard]] std::optional<int> wait(std::chrono::milliseconds timeout = kSoon);
  [[nodiscard]] bool running() { return !wait(std::chrono::milliseconds(0)); }

  /// What it has printed so far; after wait() said that it has ended, all of it.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;
  /// Waits until it has printed `text`; false after `timeout`, or when it ended without.
  [[nodiscard]] bool prints(std::string_view text, std::chrono::milliseconds timeout = kSoon);
  [[nodiscard]] bool complains(std::string_view text, std::chrono::milliseconds timeout = kSoon);

 private:
  void collect();
  bool await(const std::string& stream, std::string_view text, std::chrono::milliseconds timeout);
  bool take_status(bool block);

  pid_t pid_ = -1;
  int pidfd_ = -1;
  int in_ = -1, out_pipe_ = -1, err_pipe_ = -1, stop_ = -1;
  std::optional<int> status_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string out_, err_;
  bool silent_ = false;  // both pipes are closed
  std::thread collector_;
};

/// What came of a process that ran to its end.
struct Ran {
  int code = 0;
  std::string out, err;
};

/// Runs to the end. One that takes longer than `timeout` is killed; its code is -1 then.
[[nodiscard]] Ran run(Words words, ProcessOptions options = {},
                      std::chrono::milliseconds timeout = kSoon);

}  // namespace sluice::e2e
