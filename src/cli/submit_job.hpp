// submit_job.hpp: one `sluice submit`, from the first task to the exit code.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cli/confirmation_printer.hpp"
#include "cli/outcome_printer.hpp"
#include "cli/outcome_queue.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signals.hpp"
#include "cli/task_source.hpp"
#include "cli/verb_submit.hpp"
#include "sluice/access.hpp"
#include "sluice/client.hpp"

namespace sluice::cli {

/// Hands tasks over until each is confirmed, or with --wait until each outcome is printed.
///
/// One thread, this one, reads and submits; another prints, so that a reader who takes his time
/// holds up neither signals nor confirms. What is submitted and not confirmed,
/// and what is awaited or not printed, is bounded, so that millions of lines need little memory.
/// ^C stops the reading; what was handed over is confirmed, and the next steps are told.
class SubmitJob {
 public:
  explicit SubmitJob(const SubmitArguments& arguments);
  ~SubmitJob();
  SubmitJob(const SubmitJob&) = delete;
  SubmitJob& operator=(const SubmitJob&) = delete;

  /// Returns the exit code.
  int run();

 private:
  [[nodiscard]] Access load();
  [[nodiscard]] ClientOptions client_options() const;
  void loop();
  void submit_some();
  void hand_over(const Task& task);
  [[nodiscard]] bool may_submit();
  [[nodiscard]] bool is_done();
  void wait();
  void take_signals();
  void print_outcomes();  // the printing thread
  void end_printing();
  void look_after_waiting();
  [[nodiscard]] std::string why_it_waits(std::uint64_t left);
  void show_progress();
  int finish();
  void tell_interrupted(std::uint64_t unconfirmed) const;
  void tell_bad_input() const;
  [[nodiscard]] std::string summary() const;

  using Time = std::chrono::steady_clock::time_point;
  struct Counts {
    std::atomic<std::uint64_t> taken{0}, known{0}, refused{0};
  };

  const SubmitArguments& arguments_;
  net::SignalReader signals_;  // before all threads
  std::unique_ptr<TaskSource> source_;
  std::string path_;
  Access access_;
  OutcomeQueue queue_;
  OutcomePrinter outcomes_;
  std::optional<ConfirmationPrinter> ids_;  // without --wait
  std::optional<Progress> progress_;
  Counts counts_;
  std::atomic<std::uint64_t> came_{0}, came_bytes_{0};  // outcomes; pushed by the client's thread
  std::mutex terminal_;  // guards progress_ while outcomes are printed
  std::mutex failure_mutex_;
  std::exception_ptr print_failure_;
  std::atomic<bool> reader_gone_{false}, no_more_to_print_{false};
  Client client_;         // last but one: it calls into what is above
  std::thread printing_;  // with --wait

  bool waits_for_input_ = false, ended_ = false;
  std::string bad_input_;  // why reading ended before its end
  int stop_signal_ = 0;
  Time give_up_at_{};  // after a signal
  std::uint64_t left_ = 0;
  Time moved_{};  // when left_ last changed
  std::string told_;
};

}  // namespace sluice::cli
