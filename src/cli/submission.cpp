// submission.cpp: records become tasks.
// SPDX-License-Identifier: MIT
#include "cli/submission.hpp"

#include <algorithm>
#include <cstdlib>

#include "sluice/command.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

std::pair<std::string, std::string> parse_env(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || text.empty())
    throw Error("--env takes NAME=VALUE, or NAME for the value it has here, not \"" + text + '"');
  if (equals != std::string::npos) return {text.substr(0, equals), text.substr(equals + 1)};
  const char* const value = std::getenv(text.c_str());
  if (value == nullptr)
    throw Error("--env " + text + ": there is no such variable here; give it a value with " + text +
                "=VALUE");
  return {text, value};
}

}  // namespace

Submission::Submission(SubmissionOptions options)
    : options_(std::move(options)), command_(options_.command), key_(options_.key) {
  check();
  for (const std::string& variable : options_.env) env_.push_back(parse_env(variable));
  if (!options_.array.empty()) {
    array_.emplace(options_.array);
    return;
  }
  InputOptions input;
  input.null_separated = options_.null_separated;
  input.stdin_fd = options_.stdin_fd;
  inputs_.emplace(options_.sources, input);
}

void Submission::check() const {
  if (!options_.array.empty() && !options_.sources.empty())
    throw Error("--array and ::: cannot be combined: each gives the arguments of the tasks");
  if (command_.mentions_slot())
    throw Error("{%} is not known when a task is submitted: use $SLUICE_SLOT in the command");
  const std::size_t width = std::max<std::size_t>(options_.sources.size(), 1);
  const std::size_t highest = std::max(command_.highest_position(), key_.highest_position());
  if (highest > width)
    throw Error("{" + std::to_string(highest) + "} is named, but each record has " +
                std::to_string(width) + (width == 1 ? " argument" : " arguments") +
                ": add input sources (:::)");
}

std::optional<Submission::Record> Submission::take_record() {
  if (!array_) return inputs_->next();
  const auto number = array_->next();
  if (!number) return std::nullopt;
  return Record{std::to_string(*number)};
}

Task Submission::make(const Record& record) const {
  Command command = command_.build(record, given_);
  command.env = env_;
  command.cwd = options_.cwd;
  command.output_limit = options_.output_limit;
  Task task;
  task.type = kCommandType;
  task.payload = command.encode();
  for (const std::string& word : key_.words(record, given_))
    task.key += (task.key.empty() ? "" : " ") + word;
  task.priority = options_.priority;
  task.timeout = options_.timeout;
  task.delay = options_.delay;
  task.ttl = options_.ttl;
  task.max_attempts = options_.max_attempts;
  return task;
}

std::optional<Task> Submission::next() {
  const bool one_key = !options_.key.empty() && !key_.has_placeholder();
  if (one_key && given_ > 0) return std::nullopt;  // there was just one, see below
  const auto record = take_record();
  if (!record) return std::nullopt;
  if (one_key && take_record())
    throw Error("--key " + options_.key +
                " would name several tasks, and only the first would be taken: put {} or {#} into "
                "it");
  ++given_;
  return make(*record);
}

}  // namespace sluice::cli
