// jsonl_fuzz.cpp: any text as the tasks of `sluice submit --jsonl`.
// SPDX-License-Identifier: MIT
#include <sluice/command.hpp>
#include <sluice/error.hpp>

#include "cli/jsonl_tasks.hpp"
#include "fuzz/scratch_file.hpp"

using namespace sluice;

SLUICE_FUZZ(jsonl) {
  using fuzz::require;
  const fuzz::ScratchFile file(fuzz::text_of(input));
  cli::SubmissionOptions options;
  if (!input.empty() && input.back() % 2 == 0) options.key = "auto";
  cli::JsonlTasks tasks(file.path(), options);
  std::uint64_t good = 0;
  try {
    Task task;
    while (tasks.try_next(task) != cli::Ready::end) {
      if (tasks.given() == good) continue;  // half a line was read
      ++good;
      require(tasks.given() == good, "each task is counted once");
      require(!task.type.empty() && task.type.size() <= 128, "a type can be sent");
      require(task.key.size() <= 128, "a key can be sent");
      require(task.delay.count() >= 0 && task.ttl.count() >= 0 && task.timeout.count() >= 0,
              "no wait is negative");
      if (task.type == kCommandType) {
        const auto command = Command::decode(task.payload);
        require(command && !command->argv.empty(), "a command can be read back");
      }
    }
  } catch (const Error& error) {
    const std::string line = "line " + std::to_string(good + 1) + " of ";
    require(std::string_view(error.what()).starts_with(line), "the bad line is named");
  }
  require(tasks.given() == good, "the good lines before it are counted");
}
