// submission.cpp: records become tasks.
// SPDX-License-Identifier: MIT
#include "cli/submission.hpp"

#include <poll.h>

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

CommandEnvironment::CommandEnvironment(const SubmissionOptions& options)
    : cwd_(options.cwd), output_limit_(options.output_limit) {
  for (const std::string& variable : options.env) env_.push_back(parse_env(variable));
}

std::vector<std::byte> CommandEnvironment::encode(Command command) const {
  command.env = env_;
  command.cwd = cwd_;
  command.output_limit = output_limit_;
  return command.encode();
}

Submission::Submission(SubmissionOptions options)
    : options_(std::move(options)),
      command_(options_.command),
      key_(options_.key),
      environment_(options_) {
  check();
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

Ready Submission::take_record(Record& record) {
  if (!array_) return inputs_->try_next(record);
  const auto number = array_->next();
  if (!number) return Ready::end;
  record = {std::to_string(*number)};
  return Ready::yes;
}

bool Submission::has_one_key() const {
  return !options_.key.empty() && options_.key != kAutomaticKey && !key_.has_placeholder();
}

Task Submission::make(const Record& record) const {
  Task task;
  task.type = kCommandType;
  task.payload = environment_.encode(command_.build(record, given_));
  if (options_.key == kAutomaticKey)
    task.key = content_key(task, given_);
  else
    for (const std::string& word : key_.words(record, given_))
      task.key += (task.key.empty() ? "" : " ") + word;
  task.priority = options_.priority;
  task.timeout = options_.timeout;
  task.delay = options_.delay;
  task.ttl = options_.ttl;
  task.max_attempts = options_.max_attempts;
  return task;
}

Ready Submission::try_next(Task& task) {
  Record record;
  if (!has_one_key()) {
    const Ready ready = take_record(record);
    if (ready != Ready::yes) return ready;
    ++given_;
    task = make(record);
    return Ready::yes;
  }
  if (given_ > 0) return Ready::end;  // there was just one, see below
  for (Ready ready = take_record(record); ready != Ready::end; ready = take_record(record)) {
    if (ready == Ready::wait) return Ready::wait;
    if (only_)
      throw Error("--key " + options_.key +
                  " would name several tasks, and only the first would be taken: put {} or {#} "
                  "into it");
    only_ = std::move(record);
  }
  if (!only_) return Ready::end;
  ++given_;
  task = make(*only_);
  return Ready::yes;
}

std::optional<Task> Submission::next() {
  Task task;
  for (;;) {
    switch (try_next(task)) {
      case Ready::yes:
        return task;
      case Ready::end:
        return std::nullopt;
      case Ready::wait:
        pollfd input{fd(), POLLIN, 0};
        static_cast<void>(::poll(&input, 1, -1));
    }
  }
}

}  // namespace sluice::cli
