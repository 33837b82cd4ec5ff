// outcome_printer.cpp: one outcome, for people or for programs.
// SPDX-License-Identifier: MIT
#include "cli/outcome_printer.hpp"

#include <nlohmann/json.hpp>

#include "cli/ordered_output.hpp"
#include "net/outcome_text.hpp"
#include "sluice/command.hpp"

namespace sluice::cli {
namespace {

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A value that `args` of --jsonl could have been comes back as JSON; anything else as it is.
std::string result_text(const std::vector<std::byte>& result) {
  if (result.empty()) return {};
  const std::string bytes = as_text(result);
  const auto value = nlohmann::json::from_msgpack(bytes, true, false);
  if (value.is_discarded() || value.is_binary()) return bytes.back() == '\n' ? bytes : bytes + '\n';
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

std::string name_of(const Outcome& outcome) {
  if (!outcome.key.empty()) return "task " + outcome.key;
  return outcome.id.seq == 0 ? "a task" : "task " + outcome.id.str();
}

}  // namespace

void OutcomePrinter::print_text(const Outcome& outcome, std::string& out, std::string& err) const {
  bool told = false;  // a command that fails speaks for itself
  if (outcome.type == kCommandType && !outcome.result_is_task) {
    if (auto result = CommandResult::decode(outcome.result)) {
      using End = CommandResult::End;
      out = std::move(result->out);
      err = std::move(result->err);
      if (result->out_cut + result->err_cut > 0)
        err += "sluice submit: " + name_of(outcome) + ": " +
               std::to_string(result->out_cut + result->err_cut) +
               " bytes of its output were dropped beyond the limit (--output-limit)\n";
      told = result->end == End::exited || result->end == End::signalled;
    }
  } else if (!outcome.result_is_task) {
    out = result_text(outcome.result);
  }
  const bool lost = outcome.status == Status::done && !outcome.error.empty();
  if ((outcome.status != Status::done && !told) || lost)
    err += "sluice submit: " + name_of(outcome) + ": " + std::string(to_string(outcome.status)) +
           (outcome.error.empty() ? "" : ": " + outcome.error) + '\n';
}

bool OutcomePrinter::print(const Outcome& outcome) {
  if (outcome.status != Status::done) ++failed_;
  std::string out, err;
  if (mode_ == OutputMode::json)
    net::append_outcome_text(out, net::view_of(outcome));
  else if (mode_ == OutputMode::text)
    print_text(outcome, out, err);
  const bool read = write_all(out_fd_, out);
  (void)write_all(err_fd_, err);
  ++printed_;
  return read;
}

}  // namespace sluice::cli
