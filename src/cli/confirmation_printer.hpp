// confirmation_printer.hpp: prints the ids of submitted tasks as they are confirmed.
// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/option_values.hpp"
#include "sluice/client.hpp"

namespace sluice::cli {

/// One line for each answer: the bare id, or a JSON object. What was refused is told on
/// stderr, the first few times.
///
/// A thread of its own prints, so that neither the client nor the submitter waits for a slow
/// reader; but the submitter asks has_room(), so what waits is bounded. When nobody reads any
/// more, printing ends and submitting goes on.
class ConfirmationPrinter {
 public:
  struct Counts {
    std::uint64_t taken = 0;
    std::uint64_t known = 0;    ///< their key was: nothing new was taken
    std::uint64_t refused = 0;  ///< conflicts included
  };

  explicit ConfirmationPrinter(OutputMode mode, int out_fd = 1, int err_fd = 2);
  ~ConfirmationPrinter();
  ConfirmationPrinter(const ConfirmationPrinter&) = delete;
  ConfirmationPrinter& operator=(const ConfirmationPrinter&) = delete;

  /// From any thread; does not wait for printing.
  void add(const Confirmation& confirmation);
  /// False while too much is unprinted. Throws what printing met, a full disk for instance.
  [[nodiscard]] bool has_room();
  /// Prints what is left, ends, and says how many of each there were. Throws as has_room().
  [[nodiscard]] Counts finish();

 private:
  void run();
  [[nodiscard]] std::string line(const Confirmation& confirmation) const;
  [[nodiscard]] std::string complaint(const Confirmation& confirmation);

  const OutputMode mode_;
  const int out_fd_, err_fd_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Confirmation> waiting_;
  std::exception_ptr failure_;
  bool ending_ = false;
  Counts counts_;
  std::uint64_t complaints_ = 0;  // the thread's
  std::thread thread_;
};

}  // namespace sluice::cli
