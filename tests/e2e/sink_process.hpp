// sink_process.hpp: `sluice sink`, which may be killed and started again.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "e2e/process.hpp"

namespace sluice::e2e {

/// Starts again at the same address, with the same file.
class SinkProcess {
 public:
  /// `before`: what it is started by, if anything. `bind` may name port 0.
  explicit SinkProcess(std::string file, const std::string& bind = "tcp://127.0.0.1:*",
                       Words options = {}, Words before = {})
      : file_(std::move(file)), options_(std::move(options)), before_(std::move(before)) {
    start(bind);
  }
  void start_again() { start(endpoint_); }
  void start_again(Words before) {
    before_ = std::move(before);
    start_again();
  }
  void kill() {
    process_->signal(SIGKILL);
    REQUIRE(process_->wait() == 128 + SIGKILL);
  }
  [[nodiscard]] Process& process() { return *process_; }
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  void start(const std::string& bind) {
    Words words = before_;
    for (const std::string& word : {sluice_program(), std::string("sink"), std::string("--bind"),
                                    bind, std::string("--out"), file_})
      words.push_back(word);
    words.insert(words.end(), options_.begin(), options_.end());
    process_ = std::make_unique<Process>(words);
    const bool ready = process_->prints("\n");
    INFO(process_->err());
    REQUIRE(ready);
    endpoint_ = process_->out();
    endpoint_.pop_back();
  }
  std::string file_, endpoint_;
  Words options_, before_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::e2e
