// confirmation_printer.cpp: the thread that prints.
// SPDX-License-Identifier: MIT
#include "cli/confirmation_printer.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/ordered_output.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kMostWaiting = 65'536;
constexpr std::uint64_t kMostComplaints = 10;

using Kind = Confirmation::Kind;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::taken:
      return "taken";
    case Kind::duplicate:
      return "duplicate";
    case Kind::conflict:
      return "conflict";
    case Kind::refused:
      break;
  }
  return "refused";
}

bool has_id(Kind kind) { return kind == Kind::taken || kind == Kind::duplicate; }

std::string reason(const Confirmation& confirmation) {
  if (!confirmation.why.empty()) return confirmation.why;
  return confirmation.kind == Kind::conflict ? "its key belongs to another task"
                                             : "no reason given";
}

}  // namespace

ConfirmationPrinter::ConfirmationPrinter(OutputMode mode, int out_fd, int err_fd)
    : mode_(mode), out_fd_(out_fd), err_fd_(err_fd), thread_([this] { run(); }) {}

ConfirmationPrinter::~ConfirmationPrinter() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ConfirmationPrinter::add(const Confirmation& confirmation) {
  {
    const std::scoped_lock lock(mutex_);
    if (confirmation.kind == Kind::taken) ++counts_.taken;
    if (confirmation.kind == Kind::duplicate) ++counts_.known;
    if (!has_id(confirmation.kind)) ++counts_.refused;
    waiting_.push_back(confirmation);
  }
  changed_.notify_all();
}

bool ConfirmationPrinter::has_room() {
  const std::scoped_lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  return waiting_.size() < kMostWaiting;
}

ConfirmationPrinter::Counts ConfirmationPrinter::finish() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (failure_) std::rethrow_exception(failure_);
  return counts_;
}

std::string ConfirmationPrinter::line(const Confirmation& confirmation) const {
  const bool known = has_id(confirmation.kind);
  if (mode_ != OutputMode::json) return known ? confirmation.id.str() + '\n' : std::string();
  nlohmann::ordered_json object = {{"task", confirmation.ticket},
                                   {"result", name_of(confirmation.kind)}};
  if (known) object["id"] = confirmation.id.str();
  if (!known) object["error"] = reason(confirmation);
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

std::string ConfirmationPrinter::complaint(const Confirmation& confirmation) {
  if (has_id(confirmation.kind) || mode_ == OutputMode::json) return {};
  if (++complaints_ > kMostComplaints) return {};
  return "sluice submit: task " + std::to_string(confirmation.ticket) +
         " was refused: " + reason(confirmation) +
         (complaints_ == kMostComplaints ? " (more of these are only counted)\n" : "\n");
}

void ConfirmationPrinter::run() try {
  bool somebody_reads = true;
  for (;;) {
    std::vector<Confirmation> batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !waiting_.empty() || ending_; });
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
    changed_.notify_all();
    std::string text, complaints;
    for (const Confirmation& confirmation : batch) {
      text += line(confirmation);
      complaints += complaint(confirmation);
    }
    if (somebody_reads) somebody_reads = write_all(out_fd_, text);
    (void)write_all(err_fd_, complaints);
  }
} catch (...) {
  {
    const std::scoped_lock lock(mutex_);
    failure_ = std::current_exception();
  }
  changed_.notify_all();
}

}  // namespace sluice::cli
