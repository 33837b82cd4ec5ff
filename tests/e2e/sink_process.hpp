// sink_process.hpp: `sluice sink`, which may be killed and started again.
// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>

#include "e2e/process.hpp"

namespace sluice::e2e {

/// Starts again at the same address, with the same file.
class SinkProcess {
 public:
  explicit SinkProcess(std::string file) : file_(std::move(file)) { start("tcp://127.0.0.1:*"); }
  void start_again() { start(endpoint_); }
  [[nodiscard]] Process& process() { return *process_; }
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  void start(const std::string& bind) {
    process_ = std::make_unique<Process>(
        Words{sluice_program(), "sink", "--bind", bind, "--out", file_});
    const bool ready = process_->prints("\n");
    INFO(process_->err());
    REQUIRE(ready);
    endpoint_ = process_->out();
    endpoint_.pop_back();
  }
  std::string file_, endpoint_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::e2e
