// verb_journal.cpp: what lies in a journal, whether it is whole, and making it small.
// SPDX-License-Identifier: MIT
#include "cli/verb_journal.hpp"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/exit_code.hpp"
#include "cli/help_format.hpp"
#include "cli/option_values.hpp"
#include "cli/ordered_output.hpp"
#include "store/journal_inspect.hpp"

namespace sluice::cli {
namespace {

using nlohmann::ordered_json;

constexpr int kExitDamaged = 1;

struct JournalArguments {
  std::string what, folder;
  OutputMode output = OutputMode::text;
};

constexpr const char* kFooter = R"(WHAT
  info     whose it is, how many tasks are in it, how large it is
  verify   reads every row; says what is damaged
  dump     one JSON object a line for each unsettled task, in order
  compact  writes the file anew without free space; needs room for a second one

No ventilator may have it open meanwhile; ask a running one by sluice status. docs/JOURNAL.md
says what lies where, and what may be done by hand.

EXAMPLES
  sluice journal info /var/lib/sluice/team
  sluice journal dump /var/lib/sluice/team | jq -r .type | sort | uniq -c

EXIT CODE  0 all is well; 1 something is damaged; 255 it could not be read at all.)";

// The same facts for people and for programs.
void print(const ordered_json& facts, OutputMode output) {
  if (output == OutputMode::json) {
    (void)write_all(1, facts.dump() + "\n");
    return;
  }
  std::string text;
  for (const auto& fact : facts.items()) {
    const ordered_json& value = fact.value();
    std::string name = fact.key();
    for (char& c : name)
      if (c == '_') c = ' ';
    name.resize(std::max<std::size_t>(name.size(), 18), ' ');
    text += name + "  " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  }
  (void)write_all(1, text);  // whoever closed the pipe has seen enough
}

int info(const JournalArguments& arguments) {
  const store::JournalInfo info = store::inspect_journal(arguments.folder);
  ordered_json facts;
  facts["log"] = core::hex(info.identity.log);
  facts["epoch"] = core::raw(info.state.epoch);
  facts["created_ms"] = info.identity.created_ms;
  facts["sync"] = std::string(store::to_string(info.identity.sync));
  facts["tasks"] = info.state.tasks;
  facts["batches"] = info.state.batches;
  facts["changes"] = info.state.changes;
  facts["numbers_reserved"] = core::raw(info.state.numbers_reserved);
  facts["dispatched_up_to"] = core::raw(info.state.dispatched_up_to);
  facts["file_bytes"] = info.file_bytes;
  facts["wal_bytes"] = info.wal_bytes;
  facts["free_bytes"] = info.free_bytes;
  facts["copied"] = info.copied;
  facts["torn"] = info.torn;
  print(facts, arguments.output);
  return kExitOk;
}

store::OnDamage tell_damage(bool& damaged) {
  return [&damaged](const std::string& row, const std::string& what) {
    damaged = true;
    std::cerr << "sluice journal: " << row << ": " << what << '\n';
  };
}

int verify(const JournalArguments& arguments) {
  bool damaged = false;
  const store::JournalCheck check =
      store::verify_journal(arguments.folder, tell_damage(damaged));
  ordered_json facts;
  facts["whole"] = check.damages == 0;
  facts["tasks"] = check.seen.tasks;
  facts["batches"] = check.seen.batches;
  facts["changes"] = check.seen.changes;
  facts["dedups"] = check.seen.dedups;
  facts["damages"] = check.damages;
  facts["orphans"] = check.orphans;
  print(facts, arguments.output);
  return check.damages == 0 ? kExitOk : kExitDamaged;
}

int dump(const JournalArguments& arguments) {
  bool damaged = false, open = true;
  std::string text;
  constexpr std::size_t kAtOnce = 64 * 1024;
  store::dump_journal(
      arguments.folder,
      [&](std::string_view line) {
        if (!open) return;
        text.append(line).append("\n");
        if (text.size() < kAtOnce) return;
        open = write_all(1, text);
        text.clear();
      },
      tell_damage(damaged));
  if (open) (void)write_all(1, text);
  return damaged ? kExitDamaged : kExitOk;
}

int compact(const JournalArguments& arguments) {
  const store::JournalCompacted done = store::compact_journal(arguments.folder);
  ordered_json facts;
  facts["bytes_before"] = done.bytes_before;
  facts["bytes_after"] = done.bytes_after;
  print(facts, arguments.output);
  return kExitOk;
}

int run(const JournalArguments& arguments) {
  if (arguments.what == "info") return info(arguments);
  if (arguments.what == "verify") return verify(arguments);
  if (arguments.what == "dump") return dump(arguments);
  return compact(arguments);
}

}  // namespace

void add_journal_verb(CLI::App& program, Action& action) {
  CLI::App* const verb =
      program.add_subcommand("journal", "Look into a ventilator's journal, check it, compact it");
  set_usage(*verb, "sluice journal info|verify|dump|compact DIR [--output json]");
  verb->footer(kFooter);
  const auto arguments = std::make_shared<JournalArguments>();
  verb->add_option("WHAT", arguments->what, "info, verify, dump or compact")
      ->required()
      ->check(CLI::IsMember({"info", "verify", "dump", "compact"}));
  verb->add_option("DIR", arguments->folder, "The folder that the ventilator was given")
      ->required();
  add_output(*verb, arguments->output, false);
  verb->callback([arguments, &action] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace sluice::cli
