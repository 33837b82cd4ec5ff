// outcome_printer.hpp: prints outcomes that come back to `sluice submit --wait`.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "cli/option_values.hpp"
#include "sluice/outcome.hpp"

namespace sluice::cli {

/// As text: what commands wrote, as `sluice run` prints it; of other tasks the result, as JSON if
/// it is msgpack; and on stderr why a task is not done. As json: the line that stands in an outcome
/// file. print() is for one thread, the counts for all.
class OutcomePrinter {
 public:
  explicit OutcomePrinter(OutputMode mode, int out_fd = 1, int err_fd = 2)
      : mode_(mode), out_fd_(out_fd), err_fd_(err_fd) {}

  /// False once nobody reads any more. Throws sluice::Error: a full disk, for instance.
  [[nodiscard]] bool print(const Outcome& outcome);

  [[nodiscard]] std::uint64_t printed() const { return printed_; }
  /// How many of them were not done.
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  void print_text(const Outcome& outcome, std::string& out, std::string& err) const;

  const OutputMode mode_;
  const int out_fd_, err_fd_;
  std::atomic<std::uint64_t> printed_{0}, failed_{0};
};

}  // namespace sluice::cli
